//! JPEG: what its markers say, and whether it is whole, since its decoder fills what is missing with gray and says nothing.

use std::borrow::Cow;

use image::{ImageFormat, metadata::Orientation};

use super::{check_size, library, orientation};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// Decodes a JPEG, with or without its end marker.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    if let Some(precision) = frame(bytes).map(|frame| frame.precision).filter(|&bits| bits != 8) {
        return Err(DecodeError::Unsupported(format!("JPEG with {precision} bits a sample")));
    }
    // The library (zune-jpeg 0.5) loses its place at some restart markers, and says nothing.
    let other = frame(bytes).filter(|frame| matches!(frame.components.len(), 1 | 3) && has_restarts(bytes));
    let mut whole = |bytes: &[u8]| match &other {
        Some(frame) => pixels_with_restarts(bytes, frame, decoding),
        None => library::pixels(bytes, ImageFormat::Jpeg, decoding, notes),
    };
    let bytes = &in_order(bytes)[..];
    match end(bytes) {
        End::Marked => whole(bytes),
        End::Early => Err(DecodeError::CutOff),
        End::Open => {
            // Some writers leave the end marker out. Two copies of the pixels at a time, and such files are rare.
            let mut closed_by = |filling: u8| {
                whole(&closed(bytes, filling)).map_err(|error| match error {
                    // Decoders differ in what they say of an end that comes too early.
                    DecodeError::Damaged(_) => DecodeError::CutOff,
                    error => error,
                })
            };
            let [first, others @ ..] = FILLINGS;
            let pixels = closed_by(first)?;
            for filling in others {
                if closed_by(filling)? != pixels {
                    return Err(DecodeError::CutOff);
                }
            }
            Ok(pixels)
        }
    }
}

/// Decodes an image by jpeg-decoder, which is slower than the library.
fn pixels_with_restarts(bytes: &[u8], frame: &Frame, decoding: &Decoding) -> Result<Pixels, DecodeError> {
    check_size(frame.width.into(), frame.height.into(), decoding)?;
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let channels = frame.components.len();
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(width * height * channels);
    let data = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(_) => DecodeError::Unsupported("a rare kind of JPEG".to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    })?;
    if data.len() != width * height * channels {
        return Err(DecodeError::Damaged("it holds another number of pixels".to_owned()));
    }
    let turned = match decoding.formats {
        Formats::Keras => Orientation::NoTransforms,
        Formats::All => orientation::of_image(bytes, ImageFormat::Jpeg),
    };
    Ok(orientation::turn(Pixels { width, height, channels, data }, turned))
}

/// Returns the same image with its frame's header right before the first scan, and without an APP14 that is too short to be
/// Adobe's. The standard lets tables come after the header (B.2.3), but the library (zune-jpeg 0.5) takes them as they are
/// at the header, and gives wrong pixels without a word.
fn in_order(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (mut at, mut header, mut left_out, mut late) = (2, None, Vec::new(), false);
    while let Some(marker) = next_marker(bytes, &mut at) {
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            continue;
        }
        let start = at - 2;
        if marker == 0xda {
            let Some((from, to)) = header.filter(|_| late) else {
                if left_out.is_empty() {
                    return Cow::Borrowed(bytes);
                }
                return Cow::Owned(without(bytes, &left_out, start, &[]));
            };
            left_out.push((from, to));
            left_out.sort_unstable();
            return Cow::Owned(without(bytes, &left_out, start, &bytes[from..to]));
        }
        let Some(segment) = segment(bytes, &mut at) else { break };
        match marker {
            0xdb => late |= header.is_some(),
            0xee if segment.len() < 12 => left_out.push((start, at)),
            marker if is_frame(marker) && header.is_none() => header = Some((start, at)),
            _ => {}
        }
    }
    Cow::Borrowed(bytes)
}

/// Returns the bytes without these parts, and with `more` at `place` behind them.
fn without(bytes: &[u8], parts: &[(usize, usize)], place: usize, more: &[u8]) -> Vec<u8> {
    let (mut kept, mut from) = (Vec::with_capacity(bytes.len()), 0);
    for &(start, end) in parts {
        kept.extend_from_slice(&bytes[from..start]);
        from = end;
    }
    kept.extend_from_slice(&bytes[from..place]);
    kept.extend_from_slice(more);
    kept.extend_from_slice(&bytes[place..]);
    kept
}

/// Header of a JPEG's frame, before its first scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    /// Identifiers of the components, one each.
    pub(super) components: Vec<u8>,
    /// True where it is marked as JFIF, whose colours are always YCbCr.
    pub(super) jfif: bool,
    /// True where samples are coded as they are, of any number of bits.
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

/// Tells if the first scan begins anew every so many blocks.
fn has_restarts(bytes: &[u8]) -> bool {
    let (mut at, mut interval) = (2, 0);
    while let Some(marker) = next_marker(bytes, &mut at) {
        if marker == 0xda {
            break;
        }
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            continue;
        }
        match (marker, segment(bytes, &mut at)) {
            (0xdd, Some(&[high, low, ..])) => interval = u16::from_be_bytes([high, low]),
            (_, None) => break,
            _ => {}
        }
    }
    interval > 0
}

/// Contents of the segments APP1 before the first scan.
pub(super) fn application_segments(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            let marker = next_marker(bytes, &mut at)?;
            if matches!(marker, 0x01 | 0xd0..=0xd9) {
                continue;
            }
            let segment = segment(bytes, &mut at)?;
            match marker {
                0xe1 => return Some(segment),
                0xda => return None,
                _ => {}
            }
        }
    })
}

/// Tells if the first frame is one of JPEG-LS, which has the other markers in common with JPEG.
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

/// Tells if a marker begins a frame; C4, C8 and CC are tables.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// End of a JPEG's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// End with the marker `FF D9`, after the scans.
    Marked,
    /// End within the data of the only scan of a sequential image, or right behind it.
    Open,
    /// End before that, or where further scans are to come.
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

/// Returns what stands behind a marker, without its length, and moves `at` behind it.
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
