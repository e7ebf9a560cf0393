//! Images brought to the size that a network takes; their aspect ratio is not kept, as in Keras.

use std::{fmt, str::FromStr};

use fast_image_resize as fir;

use crate::{DecodeError, Pixels};

/// Method by which pixels of another size are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The pixel at the centre, exactly as Pillow's `NEAREST`; Keras' default.
    Nearest,
    /// Linear weights over the area that a pixel comes from: Pillow's `BILINEAR`.
    Bilinear,
    /// The mean over that area: Pillow's `BOX`.
    Area,
    /// Lanczos' window of three lobes: Pillow's `LANCZOS`.
    Lanczos,
}

impl Interpolation {
    /// All of them with their names, as flags and files write them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("nearest", Self::Nearest),
        ("bilinear", Self::Bilinear),
        ("area", Self::Area),
        ("lanczos", Self::Lanczos),
    ];
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Interpolation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
        found.ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("unknown interpolation `{text}`: one of {names}")
        })
    }
}

/// Finds the source column that Pillow's `NEAREST` takes for each target column; both counts are at least 1.
///
/// The position is summed up in f64, not multiplied, as in `ImagingScaleAffine` (Pillow,
/// `src/libImaging/Geometry.c`): rounding decides columns, and other formulas decide some of them differently.
pub fn nearest_columns(source: usize, target: usize) -> Vec<usize> {
    let step = source as f64 / target as f64;
    let mut position = step * 0.5;
    let mut columns = Vec::with_capacity(target);
    for _ in 0..target {
        columns.push((position as usize).min(source.saturating_sub(1)));
        position += step;
    }
    columns
}

/// Resizes to `size` × `size` pixels; the channels stay.
///
/// # Errors
/// A library's refusal, which no image that was decoded meets.
pub fn resize(image: &Pixels, size: usize, interpolation: Interpolation) -> Result<Pixels, DecodeError> {
    let filter = match interpolation {
        Interpolation::Nearest => return Ok(nearest(image, size)),
        Interpolation::Bilinear => fir::FilterType::Bilinear,
        Interpolation::Area => fir::FilterType::Box,
        Interpolation::Lanczos => fir::FilterType::Lanczos3,
    };
    convolve(image, size, size, filter)
}

/// Brings the longer side down to `side` pixels, at least 1, and keeps the aspect ratio; smaller images stay.
pub(crate) fn shrink(image: &Pixels, side: usize) -> Result<Pixels, DecodeError> {
    let longer = image.width.max(image.height);
    if longer <= side {
        return Ok(image.clone());
    }
    let scaled = |pixels: usize| ((pixels * side + longer / 2) / longer).max(1);
    convolve(image, scaled(image.width), scaled(image.height), fir::FilterType::Box)
}

/// Number of pixels between the two passes that is accepted for any image.
const FEW_PIXELS: u64 = 1 << 26;

/// Pixels between the two passes where columns, and where rows are resized first; the library does the former.
fn between_passes(width: u64, height: u64, to_width: u64, to_height: u64) -> (u64, u64) {
    (width.saturating_mul(to_height), to_width.saturating_mul(height))
}

/// Tells if rows are resized first: of one row of 2²⁶ pixels the library would make as many as the result has, 32 GB.
fn are_rows_first(width: u64, height: u64, to_width: u64, to_height: u64) -> bool {
    let (columns_first, rows_first) = between_passes(width, height, to_width, to_height);
    columns_first > FEW_PIXELS.max(4 * width * height) && rows_first < columns_first
}

/// Upper bound of the bytes that resizing to `size` × `size` takes besides its source and its result.
pub(crate) fn temporary_bytes(width: u64, height: u64, size: usize) -> u64 {
    // Lanczos' window has six weights for each pixel of a row and of a column, of 8 and of 4 bytes.
    let weights = 72 * (width + height);
    let (columns_first, rows_first) = between_passes(width, height, size as u64, size as u64);
    let between =
        if are_rows_first(width, height, size as u64, size as u64) { rows_first } else { columns_first };
    weights.saturating_add(between.saturating_mul(3))
}

fn convolve(
    image: &Pixels,
    width: usize,
    height: usize,
    filter: fir::FilterType,
) -> Result<Pixels, DecodeError> {
    if are_rows_first(image.width as u64, image.height as u64, width as u64, height as u64) {
        return in_one_pass(&in_one_pass(image, width, image.height, filter)?, width, height, filter);
    }
    in_one_pass(image, width, height, filter)
}

fn in_one_pass(
    image: &Pixels,
    width: usize,
    height: usize,
    filter: fir::FilterType,
) -> Result<Pixels, DecodeError> {
    let failed = |error: &dyn fmt::Display| DecodeError::Damaged(format!("cannot be resized: {error}"));
    let kind = if image.channels == 1 { fir::PixelType::U8 } else { fir::PixelType::U8x3 };
    let side = |pixels: usize| u32::try_from(pixels).map_err(|error| failed(&error));
    let source = fir::images::ImageRef::new(side(image.width)?, side(image.height)?, &image.data, kind)
        .map_err(|error| failed(&error))?;
    let mut target = fir::images::Image::new(side(width)?, side(height)?, kind);
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(filter));
    fir::Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(Pixels { width, height, channels: image.channels, data: target.into_vec() })
}

fn nearest(image: &Pixels, size: usize) -> Pixels {
    let columns = nearest_columns(image.width, size);
    let mut data = Vec::with_capacity(size * size * image.channels);
    for row in nearest_columns(image.height, size) {
        let start = row * image.width * image.channels;
        pick(&image.data[start..start + image.width * image.channels], image.channels, &columns, &mut data);
    }
    Pixels { width: size, height: size, channels: image.channels, data }
}

/// Appends the chosen columns of a row of interleaved pixels.
pub(crate) fn pick(row: &[u8], channels: usize, columns: &[usize], into: &mut Vec<u8>) {
    for &column in columns {
        into.extend_from_slice(&row[column * channels..(column + 1) * channels]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_matches_pillow_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/resize_nearest.json");
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let (source, target) = (case["source"].as_u64().unwrap(), case["target"].as_u64().unwrap());
            let columns: Vec<usize> = serde_json::from_value(case["columns"].clone()).unwrap();
            assert_eq!(nearest_columns(source as usize, target as usize), columns, "{source} to {target}");
        }
    }

    /// 4×2 pixels of two channels' worth of pattern, brought to 2×2 by hand.
    #[test]
    fn each_kind_does_what_its_name_says() {
        let image =
            Pixels { width: 4, height: 2, channels: 1, data: vec![0, 40, 80, 120, 100, 140, 180, 220] };
        let resized = |kind| resize(&image, 2, kind).unwrap().data;
        assert_eq!(resized(Interpolation::Nearest), [40, 120, 140, 220]);
        assert_eq!(resized(Interpolation::Area), [20, 100, 120, 200]);
        // Pillow: Image.fromarray(…).resize((2, 2), BILINEAR) and LANCZOS.
        assert_eq!(resized(Interpolation::Bilinear), PILLOW_BILINEAR);
        assert_eq!(resized(Interpolation::Lanczos), PILLOW_LANCZOS);
        let colour = Pixels { width: 2, height: 1, channels: 3, data: vec![1, 2, 3, 4, 5, 6] };
        let resized = resize(&colour, 2, Interpolation::Area).unwrap();
        assert_eq!(resized.data, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    }

    const PILLOW_BILINEAR: [u8; 4] = [29, 91, 129, 191];
    const PILLOW_LANCZOS: [u8; 4] = [22, 98, 122, 198];

    /// Columns first, there would be 2²⁶ × 512 pixels between the two passes: 34 GB.
    #[test]
    fn a_row_of_pixels_is_resized_within_a_bound_of_memory() {
        let mut data = vec![0; 1 << 26];
        data[1 << 25..].fill(200);
        let row = Pixels { width: 1 << 26, height: 1, channels: 1, data };
        let resized = resize(&row, 512, Interpolation::Area).unwrap();
        let half = [[0; 256], [200; 256]].concat();
        assert!(resized.data.chunks_exact(512).all(|row| row == half));
        assert!(temporary_bytes(1 << 26, 1, 512) < 5 << 30);
        // Those that people have are resized as before.
        for (width, height) in [(4280, 3520), (1024, 200), (8192, 1), (16_384, 16_384)] {
            assert!(!are_rows_first(width, height, 2048, 2048), "{width}×{height}");
        }
    }

    #[test]
    fn names_read_back() {
        for (name, kind) in Interpolation::ALL {
            assert_eq!((name.parse(), kind.to_string()), (Ok(kind), name.to_owned()));
        }
        let error = "cubic".parse::<Interpolation>().unwrap_err();
        assert_eq!(error, "unknown interpolation `cubic`: one of nearest, bilinear, area, lanczos");
    }
}
