//! JPEG 2000 files (ISO/IEC 15444-1), as codestreams and in boxes.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{announced::Announced, check_size, dicom::jpeg2000::check_precincts};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// The signature box, and the first two markers of a codestream.
pub(super) const MARKS: [&[u8]; 2] = [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"];
/// The most components that are read: the library keeps four bytes a pixel for each.
const MOST_COMPONENTS: u16 = 5;

/// Decodes a JPEG 2000.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let failed = |error: hayro_jpeg2000::DecodeError| DecodeError::Damaged(format!("its JPEG 2000: {error}"));
    for codestream in codestreams(bytes) {
        // SIZ (A.5.1).
        let count = codestream.get(40..42).ok_or(DecodeError::CutOff)?;
        match u16::from_be_bytes([count[0], count[1]]) {
            1..=MOST_COMPONENTS => {}
            count => return Err(unsupported(&format!("{count} components"))),
        }
        check_precincts(codestream)?;
    }
    // Otherwise what is missing would be gray.
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(bytes, &settings).map_err(failed)?;
    let (width, height) = (image.width(), image.height());
    check_size(width, height, decoding)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(failed)?;
    let planes = decoded.components();
    let (width, height) = (width as usize, height as usize);
    if planes.iter().any(|plane| plane.samples().len() != width * height) {
        return Err(unsupported("components of several sizes"));
    }
    let bits = planes.first().map_or(0, hayro_jpeg2000::ComponentData::bit_depth);
    if bits == 0 || bits > 16 || planes.iter().any(|plane| plane.bit_depth() != bits) {
        return Err(unsupported(&format!("{bits} bits a sample, or several numbers of them")));
    }
    // Two components are gray with alpha to Pillow, whatever the file says (`Jpeg2KDecode.c`).
    let (channels, alpha) = match planes.len() {
        1 => (1, None),
        2 => (1, Some(&planes[1])),
        3 => (3, None),
        4 if image.has_alpha() => (3, Some(&planes[3])),
        count => return Err(unsupported(&format!("{count} components"))),
    };
    let most = (1_u64 << bits) - 1;
    let stored = |plane: &hayro_jpeg2000::ComponentData, i: usize| {
        plane.samples()[i].round().clamp(0.0, most as f32) as u64
    };
    let is_deep_gray = channels == 1 && alpha.is_none() && bits > 8;
    let mut data = Vec::with_capacity(width * height * channels);
    for i in 0..width * height {
        for plane in &planes[..channels] {
            let value = stored(plane, i);
            data.push(match (decoding.formats, alpha) {
                (Formats::All, None) => ((value * 255 + most / 2) / most) as u8,
                (Formats::All, Some(alpha)) => {
                    ((value * stored(alpha, i) * 255 + most * most / 2) / (most * most)) as u8
                }
                // Pillow brings gray of more than 8 bits to 16, colours to 8.
                (Formats::Keras, _) if is_deep_gray => {
                    let wide = value << (16 - bits);
                    notes.is_cut |= wide > 255;
                    wide.min(255) as u8
                }
                (Formats::Keras, _) if bits > 8 => (value >> (bits - 8)) as u8,
                (Formats::Keras, _) => (value << (8 - bits)) as u8,
            });
        }
    }
    Ok(Pixels { width, height, channels, data })
}

/// Reads the header of the first codestream, SIZ (A.5.1). Components are decoded as floats, through wavelets of as many.
pub(super) fn announced(bytes: &[u8]) -> Option<Announced> {
    let codestream = codestreams(bytes).into_iter().next()?;
    let number = |at: usize| -> Option<u64> {
        Some(u32::from_be_bytes(codestream.get(at..at + 4)?.try_into().ok()?).into())
    };
    let side = |end: usize, start: usize| Some(number(end)?.saturating_sub(number(start)?));
    let components = u64::from(u16::from_be_bytes(codestream.get(40..42)?.try_into().ok()?));
    Some(Announced::new(side(8, 16)?, side(12, 20)?, 2 * components, 40 * components + 6))
}

fn unsupported(what: &str) -> DecodeError {
    DecodeError::Unsupported(format!("JPEG 2000 with {what}"))
}

/// The file itself, or the contents of its boxes of codestreams (I.4, I.5.4).
fn codestreams(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.starts_with(MARKS[1]) {
        return vec![bytes];
    }
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((&[a, b, c, d, ref kind @ ..], behind)) = rest.split_first_chunk::<8>() {
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        let (length, head) = match (length, behind.first_chunk::<8>()) {
            (0, _) => (rest.len() as u64, 8),
            (1, Some(&long)) => (u64::from_be_bytes(long), 16),
            _ => (length, 8),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX).clamp(head, rest.len().max(head));
        if kind == b"jp2c" {
            found.push(rest.get(head..length).unwrap_or_default());
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}
