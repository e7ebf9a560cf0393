//! Pictures for tests, written by the `png` crate.

/// A gray PNG of `side`² pixels: a soft gradient around `level`.
pub(crate) fn gray_png(side: u32, level: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8)).collect();
    png(side, png::ColorType::Grayscale, &pixels)
}

/// As [`gray_png`], with pixels in its last row that no other name has.
pub(crate) fn signed_png(side: u32, level: u8, name: &str) -> Vec<u8> {
    let mut pixels: Vec<u8> = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8)).collect();
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(16_777_619) ^ u32::from(byte));
    for (pixel, byte) in pixels.iter_mut().rev().zip(sum.to_le_bytes()) {
        *pixel = level.wrapping_add(byte % 8);
    }
    for (pixel, byte) in pixels.iter_mut().rev().skip(4).zip(sum.to_le_bytes()) {
        *pixel = level.wrapping_add(byte / 8);
    }
    png(side, png::ColorType::Grayscale, &pixels)
}

/// The same pixels as [`gray_png`]'s, stored as colour.
pub(crate) fn gray_png_as_rgb(side: u32, level: u8) -> Vec<u8> {
    let gray = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8));
    let pixels: Vec<u8> = gray.flat_map(|value| [value; 3]).collect();
    png(side, png::ColorType::Rgb, &pixels)
}

/// A colour PNG of `side`² pixels.
pub(crate) fn rgb_png(side: u32, colour: [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = colour.into_iter().cycle().take((side * side * 3) as usize).collect();
    png(side, png::ColorType::Rgb, &pixels)
}

pub(crate) fn png(side: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}
