//! Encoding of pixels into files.

use std::io;

use crate::Pixels;

/// Encodes an image as an 8-bit PNG, gray or RGB.
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

/// Encodes a gray PNG of 16 bits of `width` × `height` values, row by row, with `texts`: keywords of at most 79 letters and
/// what they say.
///
/// # Errors
/// Values that are not as many, a keyword that is no such word.
pub fn encode_png_16(
    width: usize,
    height: usize,
    values: &[u16],
    texts: &[(&str, String)],
) -> io::Result<Vec<u8>> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    for (keyword, text) in texts {
        encoder.add_itxt_chunk((*keyword).to_owned(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    writer.write_image_data(&values)?;
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
                assert_eq!(decode(&bytes, &Decoding::new(formats)).unwrap().pixels, image);
            }
        }
        let values: Vec<u16> = (0..35).map(|i| i * 1871).collect();
        let bytes = encode_png_16(7, 5, &values, &[("Class", "größer".to_owned())]).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(&bytes)).read_info().unwrap();
        let mut read = vec![0; 70];
        let frame = reader.next_frame(&mut read).unwrap();
        assert_eq!((frame.width, frame.height, frame.bit_depth), (7, 5, png::BitDepth::Sixteen));
        let found = read.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        assert_eq!(found.collect::<Vec<_>>(), values);
        let text = &reader.info().utf8_text[0];
        assert_eq!((text.keyword.as_str(), text.get_text().unwrap()), ("Class", "größer".to_owned()));
        assert!(encode_png_16(7, 5, &values[1..], &[]).is_err());
        let short = Pixels { width: 2, height: 2, channels: 1, data: vec![0; 3] };
        assert!(encode_png(&short).is_err());
    }
}
