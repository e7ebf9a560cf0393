//! JPEG: what its markers say, and whether it is whole, since its decoder fills what is missing with gray and says nothing.

use image::ImageFormat;

use super::library;
use crate::{DecodeError, DecodeNotes, Decoding, Pixels};

/// Decodes a JPEG, with or without its end marker.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    if let Some(precision) = frame(bytes).map(|frame| frame.precision).filter(|&bits| bits != 8) {
        return Err(DecodeError::Unsupported(format!("JPEG with {precision} bits a sample")));
    }
    match end(bytes) {
        End::Marked => library::pixels(bytes, ImageFormat::Jpeg, decoding, notes),
        End::Early => Err(DecodeError::CutOff),
        End::Open => {
            // Some writers leave the end marker out. Two copies of the pixels at a time, and such files are rare.
            let [first, others @ ..] = FILLINGS;
            let pixels = library::pixels(&closed(bytes, first), ImageFormat::Jpeg, decoding, notes)?;
            for filling in others {
                if library::pixels(&closed(bytes, filling), ImageFormat::Jpeg, decoding, notes)? != pixels {
                    return Err(DecodeError::CutOff);
                }
            }
            Ok(pixels)
        }
    }
}

/// What a JPEG says of itself before its first scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    /// Identifiers of the components, one each.
    pub(super) components: Vec<u8>,
    /// Whether it is marked as JFIF, whose colours are always YCbCr.
    pub(super) jfif: bool,
    /// Whether samples are coded as they are, of any number of bits.
    pub(super) lossless: bool,
    /// The frame's marker, `C0` to `CF`, which says how it is coded.
    pub(super) marker: u8,
}

/// Follows the markers to the frame's header.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame> {
    let (mut at, mut jfif) = (2, false);
    loop {
        let marker = next_marker(bytes, &mut at)?;
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            continue;
        }
        let segment = segment(bytes, &mut at)?;
        match marker {
            0xe0 => jfif |= segment.starts_with(b"JFIF\0"),
            marker if is_frame(marker) => {
                let [precision, high, low, left, right, count, components @ ..] = segment else {
                    return None;
                };
                return Some(Frame {
                    precision: *precision,
                    height: u16::from_be_bytes([*high, *low]),
                    width: u16::from_be_bytes([*left, *right]),
                    components: components.chunks_exact(3).take((*count).into()).map(|c| c[0]).collect(),
                    jfif,
                    lossless: matches!(marker, 0xc3 | 0xc7 | 0xcb | 0xcf),
                    marker,
                });
            }
            0xda => return None,
            _ => {}
        }
    }
}

/// Whether the first frame is one of JPEG-LS, which has the other markers in common with JPEG.
pub(super) fn is_jpeg_ls(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            0xf7 => return true,
            0xda => return false,
            marker if is_frame(marker) => return false,
            0x01 | 0xd0..=0xd9 => {}
            _ if segment(bytes, &mut at).is_none() => return false,
            _ => {}
        }
    }
    false
}

/// Frames; C4, C8 and CC are tables.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// How a JPEG's bytes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the marker `FF D9`, after the scans.
    Marked,
    /// Within the data of the only scan of a sequential image, or right behind it.
    Open,
    /// Before that, or where further scans are to come.
    Early,
}

/// Follows the markers from the first to the end of the image, in one pass. Segments are stepped over by their
/// lengths, so that a preview within one counts for nothing; what follows the image does neither.
pub(super) fn end(bytes: &[u8]) -> End {
    let (mut at, mut sequential, mut components, mut scans, mut partial_scan) = (2, true, 0, 0, false);
    loop {
        // Between segments, anything but a marker is stepped over, as libjpeg does.
        let Some(marker) = next_marker(bytes, &mut at) else {
            return if scans == 1 && sequential && !partial_scan { End::Open } else { End::Early };
        };
        match marker {
            0xd9 if scans > 0 => return End::Marked,
            // Without a length: restarts, the image's start, an end before there is anything.
            0x01 | 0xd0..=0xd9 => continue,
            _ => {}
        }
        let Some(segment) = segment(bytes, &mut at) else {
            return End::Early;
        };
        match marker {
            marker if is_frame(marker) => {
                sequential = matches!(marker, 0xc0 | 0xc1);
                components = segment.get(5).copied().unwrap_or(0);
            }
            0xda => {
                scans += 1;
                partial_scan = segment.first() != Some(&components);
            }
            _ => {}
        }
    }
}

/// What stands behind a marker, without its length, and `at` moved behind it.
pub(super) fn segment<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let two = bytes.get(*at..*at + 2)?;
    let length = usize::from(u16::from_be_bytes([two[0], two[1]])).max(2);
    let segment = bytes.get(*at + 2..*at + length)?;
    *at += length;
    Some(segment)
}

/// The marker at or after `at`, and `at` moved behind it; within a scan's data, `FF 00` is a value and no marker.
pub(super) fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xff)?;
        // Any number of FF may stand before a marker.
        *at += bytes[*at..].iter().position(|&byte| byte != 0xff)?;
        *at += 1;
        if bytes[*at - 1] != 0 {
            return Some(bytes[*at - 1]);
        }
    }
}

/// The bytes of an [`End::Open`] image with a filling and an end marker. If the image is whole, its pixels do not
/// depend on the filling; if it is not, the first missing block is made of it.
pub(super) fn closed(bytes: &[u8], filling: u8) -> Vec<u8> {
    // A last FF is half a marker.
    let bytes = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
    [bytes, &[filling; 256], &[0xff, 0xd9]].concat()
}

/// Fillings whose bits differ in every pattern that a code could begin with.
pub(super) const FILLINGS: [u8; 3] = [0x00, 0x6d, 0xb6];
