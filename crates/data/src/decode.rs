//! Files into 8-bit pixels, by content and never by extension, with the values of Pillow's `convert("RGB")`.

mod jpeg;
mod sniff;

use std::io::Cursor;

use crate::{
    DecodeError, Decoding, Interpolation, Pixels,
    resize::{nearest_columns, pick, resize},
};
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

pub use sniff::sniff;

/// Decodes an image.
///
/// The values are those of Pillow's `Image.open(…).convert("RGB")`, but that gray stays one channel: alpha is dropped,
/// palettes are looked up, 1, 2 and 4 bits are spread over 0 to 255, 16-bit gray is cut at 255 and 16-bit colour
/// keeps its upper bytes (Pillow's `Convert.c`, `PngImagePlugin.py`). JPEG values may differ by a few steps, as they
/// do between any two decoders.
///
/// # Errors
/// A file that is no image, cut off, damaged, too large or not supported.
pub fn decode(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    match format(bytes)? {
        ImageFormat::Png => png_pixels(bytes, None, decoding),
        format => general_pixels(bytes, format, decoding),
    }
}

/// Decodes an image and resizes it to `size` × `size` pixels, keeping no more of it in memory than that takes.
///
/// # Errors
/// As [`decode`].
pub fn decode_resized(
    bytes: &[u8],
    size: usize,
    interpolation: Interpolation,
    decoding: &Decoding,
) -> Result<Pixels, DecodeError> {
    match (format(bytes)?, interpolation) {
        (ImageFormat::Png, Interpolation::Nearest) => png_pixels(bytes, Some(size), decoding),
        _ => resize(&decode(bytes, decoding)?, size, interpolation),
    }
}

fn format(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    image::guess_format(bytes).map_err(|_| DecodeError::NotAnImage)
}

fn check_size(width: u32, height: u32, decoding: &Decoding) -> Result<(), DecodeError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(DecodeError::Damaged("it has no pixels".to_owned())),
        pixels if pixels <= decoding.max_pixels => Ok(()),
        _ => Err(DecodeError::TooLarge { width: u64::from(width), height: u64::from(height) }),
    }
}

/// Rows as the png crate unpacks them, without conversion to RGB; with `nearest` only the rows and columns that
/// Pillow's nearest takes are kept.
fn png_pixels(bytes: &[u8], nearest: Option<usize>, decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(png_error)?;
    let (info_width, info_height) = (reader.info().width, reader.info().height);
    check_size(info_width, info_height, decoding)?;
    let (width, height) = (info_width as usize, info_height as usize);
    let (colour, depth) = reader.output_color_type();
    let samples = colour.samples();
    let channels = if samples <= 2 { 1 } else { 3 };
    let wide = depth == png::BitDepth::Sixteen;
    // Gray with alpha is opened by Pillow with the upper bytes, gray alone with all 16 bits, then cut at 255.
    let cut = reader.info().color_type == png::ColorType::Grayscale;
    let narrow = |row: &[u8], into: &mut Vec<u8>| narrow_row(row, samples, channels, wide, cut, into);

    let Some(size) = nearest.filter(|_| !reader.info().interlaced) else {
        let mut frame = vec![0; reader.output_buffer_size().ok_or(DecodeError::NotAnImage)?];
        reader.next_frame(&mut frame).map_err(png_error)?;
        let mut data = Vec::with_capacity(width * height * channels);
        narrow(&frame, &mut data);
        let pixels = Pixels { width, height, channels, data };
        return match nearest {
            Some(size) => resize(&pixels, size, Interpolation::Nearest),
            None => Ok(pixels),
        };
    };
    let (columns, rows) = (nearest_columns(width, size), nearest_columns(height, size));
    let mut data = Vec::with_capacity(size * size * channels);
    let (mut wanted, mut narrowed) = (rows.iter().peekable(), Vec::new());
    // Rows below the last wanted one are unpacked as well: a file that is cut off there is cut off.
    for y in 0..height {
        let row = reader.next_row().map_err(png_error)?.ok_or(DecodeError::CutOff)?;
        if wanted.peek() == Some(&&y) {
            narrowed.clear();
            narrow(row.data(), &mut narrowed);
        }
        while wanted.next_if_eq(&&y).is_some() {
            pick(&narrowed, channels, &columns, &mut data);
        }
    }
    Ok(Pixels { width: size, height: size, channels, data })
}

/// Drops alpha and brings 16 bits to 8 as Pillow does: by their upper bytes, or `cut` at 255.
fn narrow_row(row: &[u8], samples: usize, channels: usize, wide: bool, cut: bool, into: &mut Vec<u8>) {
    match (wide, samples == channels) {
        (false, true) => into.extend_from_slice(row),
        (false, false) => into.extend(row.chunks_exact(samples).flat_map(|pixel| &pixel[..channels])),
        (true, _) if cut => {
            into.extend(row.chunks_exact(2 * samples).map(|v| if v[0] > 0 { 255 } else { v[1] }));
        }
        (true, _) => into.extend(
            row.chunks_exact(2 * samples)
                .flat_map(|pixel| pixel.chunks_exact(2).take(channels).map(|v| v[0])),
        ),
    }
}

fn png_error(error: png::DecodingError) -> DecodeError {
    match error {
        png::DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        png::DecodingError::LimitsExceeded => DecodeError::Unsupported("it needs too much memory".to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    }
}

/// All other formats, through the image crate.
fn general_pixels(bytes: &[u8], format: ImageFormat, decoding: &Decoding) -> Result<Pixels, DecodeError> {
    if format != ImageFormat::Jpeg {
        return library_pixels(bytes, format, decoding);
    }
    match jpeg::end(bytes) {
        jpeg::End::Marked => library_pixels(bytes, format, decoding),
        jpeg::End::Early => Err(DecodeError::CutOff),
        jpeg::End::Open => {
            // Some writers leave the end marker out. Two copies of the pixels at a time, and such files are rare.
            let [first, others @ ..] = jpeg::FILLINGS;
            let pixels = library_pixels(&jpeg::closed(bytes, first), format, decoding)?;
            for filling in others {
                if library_pixels(&jpeg::closed(bytes, filling), format, decoding)? != pixels {
                    return Err(DecodeError::CutOff);
                }
            }
            Ok(pixels)
        }
    }
}

fn library_pixels(bytes: &[u8], format: ImageFormat, decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoding.max_pixels.saturating_mul(4));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(image_error)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoding)?;
    let gray =
        matches!(decoder.color_type(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
    let (channels, data) = match DynamicImage::from_decoder(decoder).map_err(image_error)? {
        DynamicImage::ImageLuma16(image) => (1, image.iter().map(|&value| value.min(255) as u8).collect()),
        // Pillow scales and rounds in PPM, and takes the upper byte in TIFF.
        DynamicImage::ImageRgb16(image) if format == ImageFormat::Tiff => {
            (3, image.iter().map(|&value| (value >> 8) as u8).collect())
        }
        image if gray => (1, image.into_luma8().into_raw()),
        image => (3, image.into_rgb8().into_raw()),
    };
    Ok(Pixels { width: width as usize, height: height as usize, channels, data })
}

fn image_error(error: image::ImageError) -> DecodeError {
    match error {
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        image::ImageError::Unsupported(error) => DecodeError::Unsupported(error.to_string()),
        image::ImageError::Limits(_) => DecodeError::Unsupported("it needs too much memory".to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
