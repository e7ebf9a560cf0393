//! Frames of animations behind the first: each is drawn over those before it, as Pillow does.

use std::io::Cursor;

use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
};

use super::{check_size, library, orientation};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// Decodes the frame of this number, from 0, of an animation; in a PNG, the frames of its animation are meant.
pub(super) fn frame(
    bytes: &[u8],
    format: ImageFormat,
    number: usize,
    decoding: &Decoding,
) -> Result<Pixels, DecodeError> {
    let error = library::image_error;
    let reader = Cursor::new(bytes);
    let frames = match format {
        ImageFormat::Gif => frames(GifDecoder::new(reader).map_err(error)?, number, decoding)?,
        ImageFormat::WebP => frames(WebPDecoder::new(reader).map_err(error)?, number, decoding)?,
        _ => {
            let decoder = PngDecoder::with_limits(reader, library::limits(decoding)).map_err(error)?;
            check(&decoder, number, decoding)?;
            decoder.apng().map_err(error)?.into_frames()
        }
    };
    let mut frames = frames.skip(number);
    let frame = frames.next().ok_or(DecodeError::CutOff)?.map_err(error)?;
    let image = DynamicImage::ImageRgba8(frame.into_buffer());
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (data, turned) = match decoding.formats {
        Formats::Keras => {
            let data = library::cut(image, false, &mut DecodeNotes::default());
            (data, image::metadata::Orientation::NoTransforms)
        }
        Formats::All => (library::viewed(image), orientation::of_image(bytes, format)),
    };
    Ok(orientation::turn(Pixels { width, height, channels: 3, data }, turned))
}

fn frames<'a, D: ImageDecoder + AnimationDecoder<'a>>(
    mut decoder: D,
    number: usize,
    decoding: &Decoding,
) -> Result<Frames<'a>, DecodeError> {
    check(&decoder, number, decoding)?;
    decoder.set_limits(library::limits(decoding)).map_err(library::image_error)?;
    Ok(decoder.into_frames())
}

/// Checks that the frame is no larger than allowed, and no more work than the largest image: those before it are drawn as
/// well.
fn check(decoder: &impl ImageDecoder, number: usize, decoding: &Decoding) -> Result<(), DecodeError> {
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoding)?;
    let drawn = (number as u128 + 1) * u128::from(width) * u128::from(height);
    if drawn > 4 * u128::from(decoding.max_pixels) {
        return Err(DecodeError::Unsupported("a frame behind so many others".to_owned()));
    }
    Ok(())
}

/// Frames of a GIF: its image descriptors (GIF89a, section 20). What is cut off has those up to there.
pub(super) fn frames_of_gif(bytes: &[u8]) -> usize {
    let count = || {
        let colours = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
        // Screen descriptor, its colours, and then blocks.
        let mut at = 13 + colours(*bytes.get(10)?);
        let (mut frames, mut rest) = (0, bytes);
        while let Some(introducer) = rest.get(at) {
            at += match introducer {
                0x21 => 2,
                0x2c => {
                    frames += 1;
                    // The descriptor, its colours, and the first byte of its data.
                    let flags = rest.get(at + 9).copied().unwrap_or(0);
                    11 + colours(flags)
                }
                // The end, or no block.
                _ => break,
            };
            while let Some(&length) = rest.get(at).filter(|&&length| length > 0) {
                at += usize::from(length) + 1;
            }
            rest = rest.get(at + 1..).unwrap_or_default();
            at = 0;
        }
        Some(frames)
    };
    count().unwrap_or(0).max(1)
}

/// Frames of a PNG: those of its animation (acTL), and the image itself where that is no part of the animation. The second
/// value is the number of the animation's first frame among them.
pub(super) fn frames_of_png(bytes: &[u8]) -> (usize, usize) {
    let (mut at, mut frames, mut is_part) = (8_usize, None, false);
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..at.saturating_add(8)) {
        match kind {
            b"acTL" => {
                let count = bytes.get(at + 8..at + 12).and_then(|count| count.try_into().ok());
                frames = count.map(u32::from_be_bytes).map(|count| count as usize);
            }
            b"fcTL" => is_part = true,
            b"IDAT" => break,
            _ => {}
        }
        at = at.saturating_add(u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(12);
    }
    match frames {
        None | Some(0) => (1, 0),
        Some(frames) => (frames + usize::from(!is_part), usize::from(!is_part)),
    }
}
