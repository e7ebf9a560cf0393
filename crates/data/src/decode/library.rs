//! Decoding of all formats that the image crate decodes, PNG excepted.

use std::{borrow::Cow, io::Cursor};

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, metadata::Orientation};

use super::{announced::Announced, check_size, orientation, values};
use crate::{DecodeError, DecodeNotes, Decoding, Formats, Pixels};

/// Decodes an image of this format.
pub(super) fn pixels(
    bytes: &[u8],
    format: ImageFormat,
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let bytes = &with_place_of_pixels(bytes, format)[..];
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(decoding));
    let decoder = reader.into_decoder().map_err(image_error)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoding)?;
    let turned = match decoding.formats {
        Formats::Keras => Orientation::NoTransforms,
        Formats::All => orientation::of_image(bytes, format),
    };
    let gray =
        matches!(decoder.color_type(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
    let image = DynamicImage::from_decoder(decoder).map_err(image_error)?;
    let channels = if gray { 1 } else { 3 };
    let data = match decoding.formats {
        Formats::Keras => cut(image, gray, notes),
        Formats::All => viewed(image),
    };
    let pixels = Pixels { width: width as usize, height: height as usize, channels, data };
    Ok(orientation::turn(pixels, turned))
}

/// Reads the header of an image of this format.
pub(super) fn announced(bytes: &[u8], format: ImageFormat, decoding: &Decoding) -> Option<Announced> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(decoding));
    let decoder = reader.into_decoder().ok()?;
    let ((width, height), colour) = (decoder.dimensions(), decoder.color_type());
    let decoded = u64::from(colour.bytes_per_pixel());
    // Copies within the library: a canvas, a frame, and what it is made of.
    let within = match format {
        ImageFormat::WebP => 20,
        _ => decoded + 4,
    };
    // Floats become 16 bits first.
    let converted = match colour {
        ColorType::L8 | ColorType::Rgb8 | ColorType::La8 | ColorType::Rgba8 => 6,
        ColorType::L16 | ColorType::Rgb16 | ColorType::La16 | ColorType::Rgba16 => 6,
        _ => 14,
    };
    Some(Announced::new(width.into(), height.into(), decoded, decoded + within + converted))
}

/// A BMP whose pixels are said to begin where its palette does, put right as Pillow does (`BmpImagePlugin.py`).
fn with_place_of_pixels(bytes: &[u8], format: ImageFormat) -> Cow<'_, [u8]> {
    let word = |at: usize| {
        bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    };
    let patched = || {
        let (place, header, bits) = (word(10)?, word(14)?, word(28)? & 0xffff);
        let colours = word(46).filter(|&colours| colours > 0).unwrap_or(1 << bits.min(8));
        let wrong = (40..=124).contains(&header) && place == 14 + header && bits <= 8;
        let right = place.checked_add(4_u32.checked_mul(colours)?)?;
        let mut patched = wrong.then(|| bytes.to_vec())?;
        // Such writers leave out what fills up the last row as well.
        patched.extend([0; 3]);
        patched[10..14].copy_from_slice(&right.to_le_bytes());
        Some(patched)
    };
    let patched = if format == ImageFormat::Bmp { patched() } else { None };
    patched.map_or(Cow::Borrowed(bytes), Cow::Owned)
}

/// Memory that the library may take.
pub(super) fn limits(decoding: &Decoding) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoding.max_pixels.saturating_mul(4));
    limits
}

/// Converts an image as Pillow's `convert("RGB")` does.
pub(super) fn cut(image: DynamicImage, gray: bool, notes: &mut DecodeNotes) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma16(image) => {
            notes.is_cut = image.iter().any(|&value| value > 255);
            image.iter().map(|&value| value.min(255) as u8).collect()
        }
        image if gray => image.into_luma8().into_raw(),
        image => image.into_rgb8().into_raw(),
    }
}

/// Converts an image as a viewer shows it: scaled, and over black.
pub(super) fn viewed(image: DynamicImage) -> Vec<u8> {
    let samples = usize::from(image.color().channel_count());
    let mut data = Vec::new();
    match image {
        DynamicImage::ImageLuma8(image) => return image.into_raw(),
        DynamicImage::ImageRgb8(image) => return image.into_raw(),
        DynamicImage::ImageLumaA8(image) => values::viewed8(&image, samples, &mut data),
        DynamicImage::ImageRgba8(image) => values::viewed8(&image, samples, &mut data),
        DynamicImage::ImageLuma16(image) => values::viewed16(image.iter().copied(), samples, &mut data),
        DynamicImage::ImageLumaA16(image) => values::viewed16(image.iter().copied(), samples, &mut data),
        DynamicImage::ImageRgb16(image) => values::viewed16(image.iter().copied(), samples, &mut data),
        DynamicImage::ImageRgba16(image) => values::viewed16(image.iter().copied(), samples, &mut data),
        // Floats, of which 1 is white.
        image => {
            let wide = image.into_rgba16();
            values::viewed16(wide.iter().copied(), 4, &mut data);
        }
    }
    data
}

pub(super) fn image_error(error: image::ImageError) -> DecodeError {
    match error {
        image::ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        image::ImageError::Unsupported(error) => DecodeError::Unsupported(error.to_string()),
        image::ImageError::Limits(_) => DecodeError::Unsupported("it needs too much memory".to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    }
}
