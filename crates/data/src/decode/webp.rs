//! WebP, whose frames say by themselves how large they are: the library makes room for that before it looks at the rest.

use image::ImageFormat;

use super::{animation, check_size, choose_frame, library};
use crate::{DecodeError, DecodeNotes, Decoding, Pixels};

/// Bytes before the frame's own chunks in one of an animation: place, size, duration, flags.
const FRAME_HEAD: usize = 16;

/// Flag of an extended file that has an animation: frames without it are none.
const ANIMATION: u8 = 0x02;

/// Decodes a WebP.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let body = bytes.get(12..).unwrap_or_default();
    check(body, decoding)?;
    let frames = match chunks(body).next() {
        Some((kind, [flags, ..])) if &kind == b"VP8X" && flags & ANIMATION != 0 => {
            chunks(body).filter(|(kind, _)| kind == b"ANMF").count().max(1)
        }
        _ => 1,
    };
    let frame = choose_frame(frames, decoding, notes)?;
    if frame > 0 {
        return animation::frame(bytes, ImageFormat::WebP, frame, decoding);
    }
    library::pixels(bytes, ImageFormat::WebP, decoding, notes)
}

/// Checks that no frame among these chunks is larger than allowed.
fn check(body: &[u8], decoding: &Decoding) -> Result<(), DecodeError> {
    for (kind, content) in chunks(body) {
        if &kind == b"ANMF" {
            check(content.get(FRAME_HEAD..).unwrap_or_default(), decoding)?;
        } else if let Some((width, height)) = size(&kind, content) {
            // A frame without pixels is for the library to refuse.
            check_size(width.max(1), height.max(1), decoding)?;
        }
    }
    Ok(())
}

/// Names and contents of chunks; the last may be cut off.
pub(super) fn chunks(mut body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = body.split_first_chunk::<8>()?;
        let [a, b, c, d, length @ ..] = *head;
        let length = u32::from_le_bytes(length) as usize;
        // A byte fills up an odd length.
        body = rest.get(length.saturating_add(length & 1)..).unwrap_or_default();
        Some(([a, b, c, d], &rest[..length.min(rest.len())]))
    })
}

/// Columns and rows of a frame: RFC 6386, 9.1, and the WebP lossless bitstream, 3.
fn size(kind: &[u8; 4], content: &[u8]) -> Option<(u32, u32)> {
    match (kind, content) {
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d, ..]) => {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high])) & 0x3fff;
            Some((side(*a, *b), side(*c, *d)))
        }
        (b"VP8L", [0x2f, a, b, c, d, ..]) => {
            let bits = u32::from_le_bytes([*a, *b, *c, *d]);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Formats;

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&kind[..], &(content.len() as u32).to_le_bytes(), content].concat()
    }

    fn file(chunks: &[u8]) -> Vec<u8> {
        let length = (chunks.len() as u32 + 4).to_le_bytes();
        [&b"RIFF"[..], &length, b"WEBP", chunks].concat()
    }

    /// A canvas of one pixel, and in it a frame of 14,592 × 14,649.
    #[test]
    fn a_frame_larger_than_its_canvas_takes_no_memory() {
        let lossy = chunk(b"VP8 ", b"\x14\x01\0\x9d\x01\x2a\0\x39\x39\x39\x01\x01");
        let lossless = chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f\0");
        let small = chunk(b"VP8L", b"\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0");
        let decoding = Decoding { max_pixels: 1 << 16, ..Decoding::new(Formats::All) };
        for (frame, too_large) in [(&lossy, true), (&lossless, true), (&small, false)] {
            let animated = chunk(b"ANMF", &[&[0; FRAME_HEAD], &frame[..]].concat());
            for content in [frame, &animated] {
                let chunks =
                    [chunk(b"VP8X", &[0; 10]), chunk(b"ALPH", &[0; 3]), vec![0], content.clone()].concat();
                let file = file(&chunks);
                let decoded = crate::decode(&file, &decoding);
                let refused = matches!(decoded, Err(DecodeError::TooLarge { .. }));
                assert_eq!(refused, too_large, "{decoded:?}");
            }
        }
    }
    /// Chunks of frames in a file that is no animation.
    #[test]
    fn a_file_without_the_flag_of_animations_has_one_frame() {
        let small = chunk(b"VP8L", b"\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0");
        let frame = chunk(b"ANMF", &[&[0; FRAME_HEAD], &small[..]].concat());
        let chunks = [chunk(b"VP8X", &[0; 10]), frame.clone(), frame].concat();
        let file = file(&chunks);
        let second = Decoding { frame: 2, ..Decoding::new(Formats::All) };
        let decoded = crate::decode(&file, &second);
        assert!(matches!(decoded, Err(DecodeError::NoSuchFrame { frame: 2, frames: 1 })), "{decoded:?}");
    }
}
