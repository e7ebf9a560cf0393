//! GIF: its first frame as Pillow draws it; those behind it are the image crate's.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};
use image::ImageFormat;

use super::{animation, announced::Announced, check_size, choose_frame, orientation};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// Decodes a GIF.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    match choose_frame(animation::frames_of_gif(bytes), decoding, notes)? {
        0 => first_frame(bytes, decoding),
        frame => animation::frame(bytes, ImageFormat::Gif, frame, decoding),
    }
}

/// Decodes the first frame as Pillow does (`GifImagePlugin.py`), on a screen that is enlarged where the frame reaches beyond
/// it.
///
/// By Keras' rules, the palette's colours count, also of what is transparent, and what the frame leaves free of the screen
/// has the transparent index, or 0. By the general ones both are black.
fn first_frame(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let (width, height) = screen(bytes, decoding)?;
    check_size(width, height, decoding)?;
    let mut decoder = reader(bytes, decoding)?;
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(gif_error)?.ok_or(DecodeError::CutOff)?;
    let palette = frame
        .palette
        .as_deref()
        .or(global.as_deref())
        .ok_or_else(|| DecodeError::Damaged("it has no palette".to_owned()))?;
    let colour = |index: u8| match decoding.formats {
        Formats::All if frame.transparent == Some(index) => [0; 3],
        _ => palette
            .get(3 * usize::from(index)..)
            .and_then(<[u8]>::first_chunk::<3>)
            .copied()
            .unwrap_or_default(),
    };
    let free = match decoding.formats {
        Formats::All => [0; 3],
        Formats::Keras => colour(frame.transparent.unwrap_or(0)),
    };
    let (width, height) = (width as usize, height as usize);
    let mut data = free.repeat(width * height);
    let columns = usize::from(frame.width).max(1);
    for (y, row) in frame.buffer.chunks_exact(columns).enumerate() {
        let at = 3 * ((usize::from(frame.top) + y) * width + usize::from(frame.left));
        for (out, &index) in data[at..].chunks_exact_mut(3).zip(row) {
            out.copy_from_slice(&colour(index));
        }
    }
    let turned = match decoding.formats {
        Formats::Keras => image::metadata::Orientation::NoTransforms,
        Formats::All => orientation::of_image(bytes, ImageFormat::Gif),
    };
    Ok(orientation::turn(Pixels { width, height, channels: 3, data }, turned))
}

/// Reads the size of the first frame's screen.
pub(super) fn announced(bytes: &[u8], decoding: &Decoding) -> Option<Announced> {
    let (width, height) = screen(bytes, decoding).ok()?;
    // A canvas, a frame and its indices; frames behind the first have four channels.
    Some(Announced::new(width.into(), height.into(), 4, 20))
}

fn reader<'a>(bytes: &'a [u8], decoding: &Decoding) -> Result<Decoder<Cursor<&'a [u8]>>, DecodeError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    if let Some(bytes) = decoding.max_pixels.checked_mul(4).and_then(std::num::NonZeroU64::new) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes));
    }
    options.read_info(Cursor::new(bytes)).map_err(gif_error)
}

/// Reads the columns and rows that hold both the screen and the first frame.
fn screen(bytes: &[u8], decoding: &Decoding) -> Result<(u32, u32), DecodeError> {
    let mut decoder = reader(bytes, decoding)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.next_frame_info().map_err(gif_error)?.ok_or(DecodeError::CutOff)?;
    let end = |at: u16, length: u16| u32::from(at) + u32::from(length);
    Ok((width.max(end(frame.left, frame.width)), height.max(end(frame.top, frame.height))))
}

fn gif_error(error: gif::DecodingError) -> DecodeError {
    match error {
        gif::DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        error => DecodeError::Damaged(error.to_string()),
    }
}
