//! Small pictures for pages.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

use crate::{DecodeError, Pixels, resize::shrink};

/// libjpeg's quality: good enough to see a copy by.
const QUALITY: u8 = 80;

/// Encodes an image as a JPEG whose longer side has at most `side` pixels, its aspect ratio kept; smaller ones stay as
/// they are.
///
/// # Errors
/// A library's refusal, which no image that was decoded meets.
pub fn thumbnail(image: &Pixels, side: usize) -> Result<Vec<u8>, DecodeError> {
    let image = shrink(image, side)?;
    let failed = |error: &dyn std::fmt::Display| DecodeError::Damaged(format!("cannot be shown: {error}"));
    let colour = if image.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let [width, height] = [image.width, image.height].map(u32::try_from);
    let (width, height) = (width.map_err(|error| failed(&error))?, height.map_err(|error| failed(&error))?);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&image.data, width, height, colour)
        .map_err(|error| failed(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_are_small_and_keep_their_shape() {
        let data = (0..200 * 200).map(|i| (i % 200) as u8).collect();
        let pixels = Pixels { width: 200, height: 200, channels: 1, data };
        let small = image::load_from_memory(&thumbnail(&pixels, 80).unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (80, 80));
        let line = Pixels { width: 3000, height: 2, channels: 3, data: vec![128; 18_000] };
        let small = image::load_from_memory(&thumbnail(&line, 80).unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (80, 1));
    }
}
