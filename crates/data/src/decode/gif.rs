//! GIF: its first frame by Keras' rules, for which the colours under transparency count; all else is the image crate's.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image::ImageFormat;

use super::{animation, check_size, choose_frame, library};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// Decodes a GIF.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    match (choose_frame(animation::frames_of_gif(bytes), decoding, notes)?, decoding.formats) {
        (0, Formats::All) => library::pixels(bytes, ImageFormat::Gif, decoding, notes),
        (0, Formats::Keras) => first_frame(bytes, decoding),
        (frame, _) => animation::frame(bytes, ImageFormat::Gif, frame, decoding),
    }
}

/// Decodes the first frame as Pillow does (`GifImagePlugin.py`): the palette's colours, also of what is transparent; what
/// the frame leaves free of the screen has the transparent index, or 0.
fn first_frame(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    if let Some(bytes) = decoding.max_pixels.checked_mul(4).and_then(std::num::NonZeroU64::new) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes));
    }
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(gif_error)?;
    let (screen_width, screen_height) = (decoder.width(), decoder.height());
    check_size(screen_width.into(), screen_height.into(), decoding)?;
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(gif_error)?.ok_or(DecodeError::CutOff)?;
    let palette = frame
        .palette
        .as_deref()
        .or(global.as_deref())
        .ok_or_else(|| DecodeError::Damaged("it has no palette".to_owned()))?;
    let (width, height) = (usize::from(screen_width), usize::from(screen_height));
    let mut indices = vec![frame.transparent.unwrap_or(0); width * height];
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let columns = usize::from(frame.width).min(width.saturating_sub(left));
    let rows = frame.buffer.chunks_exact(usize::from(frame.width).max(1)).take(height.saturating_sub(top));
    for (y, row) in rows.enumerate() {
        let at = (top + y) * width + left;
        indices[at..at + columns].copy_from_slice(&row[..columns]);
    }
    let colour = |index: u8| palette.get(3 * usize::from(index)..).and_then(<[u8]>::first_chunk::<3>);
    let data = indices.iter().flat_map(|&index| colour(index).copied().unwrap_or_default()).collect();
    Ok(Pixels { width, height, channels: 3, data })
}

fn gif_error(error: gif::DecodingError) -> DecodeError {
    match error {
        gif::DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        error => DecodeError::Damaged(error.to_string()),
    }
}
