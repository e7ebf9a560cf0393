//! Pixels into files.

use std::io;

use crate::Pixels;

/// An image as an 8-bit PNG, gray or RGB.
///
/// # Errors
/// Pixels that are not as many as the image says.
pub fn encode_png(image: &Pixels) -> io::Result<Vec<u8>> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width)?, side(image.height)?);
    encoder.set_color(if image.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&image.data)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoding, Formats, decode};

    #[test]
    fn what_is_written_reads_back() {
        for channels in [1, 3] {
            let data = (0..7 * 5 * channels).map(|i| (i * 37) as u8).collect();
            let image = Pixels { width: 7, height: 5, channels, data };
            let bytes = encode_png(&image).unwrap();
            for (_, formats) in Formats::ALL {
                assert_eq!(decode(&bytes, &Decoding::new(formats)).unwrap(), image);
            }
        }
        let short = Pixels { width: 2, height: 2, channels: 1, data: vec![0; 3] };
        assert!(encode_png(&short).is_err());
    }
}
