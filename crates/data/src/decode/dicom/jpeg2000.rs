//! JPEG 2000 (ISO/IEC 15444-1), and checks of it that come before the library.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Layout, Samples, damaged};
use crate::DecodeError;

// Markers (A.2), behind FF.
const SIZ: u8 = 0x51;
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const QCD: u8 = 0x5c;
const QCC: u8 = 0x5d;
const RGN: u8 = 0x5e;
const SOT: u8 = 0x90;
const SOD: u8 = 0x93;

/// Decodes an image of the size that the file says.
pub(super) fn samples<'a>(bytes: &[u8], layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let failed = |_| damaged("its JPEG 2000 cannot be decoded");
    let none = || damaged("its pixels are no JPEG 2000");
    // The codestream, without the boxes that do not belong in a DICOM file and yet are there at times.
    let start = bytes.windows(4).position(|four| four == [0xff, 0x4f, 0xff, 0x51]).ok_or_else(none)?;
    let bytes = &bytes[start..];
    // Otherwise what is missing would be gray.
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(bytes, &settings).map_err(failed)?;
    // SIZ (A.5.1), of which the library tells neither the number of components nor their sign.
    let [high, low, precision] = bytes.get(40..43).and_then(|v| v.try_into().ok()).ok_or_else(none)?;
    layout.check(image.width(), image.height(), u16::from_be_bytes([high, low]).into())?;
    let signed = precision & 0x80 != 0;
    check_precincts(bytes)?;

    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(failed)?;
    let planes = decoded.components();
    if planes.len() != layout.channels || planes.iter().any(|plane| plane.samples().len() != layout.pixels())
    {
        return Err(damaged("its JPEG 2000 holds another number of pixels"));
    }
    let stored = (0..layout.pixels()).flat_map(|i| {
        planes.iter().map(move |plane| {
            let bits = plane.bit_depth().clamp(1, 16);
            let value = plane.samples()[i].round().clamp(0.0, ((1_u32 << bits) - 1) as f32) as i32;
            // The library shifts what has a sign like what has none.
            (if signed { value - (1 << (bits - 1)) } else { value }) as u16
        })
    });
    Ok(Samples::Sixteen(stored.collect()))
}

/// Checks that each precinct covers 32×32 pixels of the image at least. The library keeps 400 bytes for each: with the
/// smallest that there can be, an image of 16 megapixels would take 6 GiB, and be 1 kB long.
pub(in crate::decode) fn check_precincts(bytes: &[u8]) -> Result<(), DecodeError> {
    // What is cut off is for the library to find.
    let word = |at: usize| bytes.get(at..at + 2).map(|v| usize::from(u16::from_be_bytes([v[0], v[1]])));
    let (mut at, mut tile_end) = (2, None);
    while let Some([0xff, marker]) = bytes.get(at..at + 2) {
        match *marker {
            SOD => {
                let Some(end) = tile_end.filter(|&end| end > at) else { break };
                at = end;
                continue;
            }
            // Without a length.
            0x30..=0x3f => {
                at += 2;
                continue;
            }
            _ => {}
        }
        let Some(length) = word(at + 2).map(|length| length.max(2)) else { break };
        let Some(segment) = bytes.get(at + 4..at + 2 + length) else { break };
        if !is_as_long_as_it_says(*marker, segment) {
            return Err(damaged("its JPEG 2000 contradicts itself"));
        }
        match *marker {
            // A tile's length; of the last it may be 0, which is up to the end.
            SOT => {
                let length = segment.get(2..6).and_then(|v| v.try_into().ok()).map_or(0, u32::from_be_bytes);
                tile_end = at.checked_add(length as usize);
            }
            COD | COC if !are_large(style(*marker, segment)) => {
                return Err(DecodeError::Unsupported("DICOM with JPEG 2000 in very small pieces".to_owned()));
            }
            _ => {}
        }
        at += 2 + length;
    }
    Ok(())
}

/// Reads a coding style: whether it has precincts, and the number of levels with all that follows (A.6.1, A.6.2).
fn style(marker: u8, segment: &[u8]) -> (bool, &[u8]) {
    let (flags, levels) = if marker == COD { (0, 5) } else { (1, 2) };
    (segment.get(flags).is_some_and(|flags| flags & 1 == 1), segment.get(levels..).unwrap_or_default())
}

/// Checks the length of segments whose end the library takes from what is in them, and not from their length: otherwise
/// one could be hidden in another.
fn is_as_long_as_it_says(marker: u8, segment: &[u8]) -> bool {
    match marker {
        COD | COC => {
            let (has_precincts, levels) = style(marker, segment);
            let precincts =
                if has_precincts { levels.first().map_or(0, |&levels| usize::from(levels) + 1) } else { 0 };
            levels.len() == 5 + precincts
        }
        SIZ => segment.get(35).is_some_and(|&components| segment.len() == 36 + 3 * usize::from(components)),
        RGN => segment.len() == 3,
        QCD | QCC => {
            let quantization = segment.get(usize::from(marker == QCC)..).unwrap_or_default();
            match quantization.first().map(|style| style & 31) {
                Some(1) => quantization.len() == 3,
                Some(2) => quantization.len() % 2 == 1,
                _ => true,
            }
        }
        _ => true,
    }
}

fn are_large((has_precincts, levels): (bool, &[u8])) -> bool {
    let [count, _, _, _, _, precincts @ ..] = levels else { return true };
    // Each level down, a pixel covers twice as many of the image.
    let large = |(resolution, exponents): (usize, &u8)| {
        let below = usize::from(*count).saturating_sub(resolution);
        [exponents & 15, exponents >> 4].iter().all(|&exponent| usize::from(exponent) + below >= 5)
    };
    !has_precincts || precincts.iter().enumerate().all(large)
}
