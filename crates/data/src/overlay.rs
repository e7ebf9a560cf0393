//! Heat maps as pictures: colours over an image, and the bar that says what they mean.

mod digits;

use crate::{DecodeError, Interpolation, Pixels, resize};

/// The least side of an image that is looked at.
const LEAST: usize = 256;
/// Opacity of the colour at the largest value; the image shines through more where there is less.
const OPACITY: f32 = 0.75;
/// Colour beside the image.
const BACKGROUND: [u8; 3] = [24; 3];
/// Gray of the bar where the image would be.
const UNDER_BAR: [u8; 3] = [96; 3];
const MARGIN: usize = 10;
const BAR: usize = 16;

/// Returns the colour of a value as a share of the largest one, in `[0, 1]`: inferno, in which equal steps look equal, also to
/// those who do not tell red from green, and in gray (van der Walt and Smith, matplotlib 2015).
pub fn heat_colour(share: f32) -> [u8; 3] {
    let colour = colorous::INFERNO.eval_continuous(f64::from(clamped(share)));
    [colour.r, colour.g, colour.b]
}

fn clamped(share: f32) -> f32 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// Draws a heat map, `[S, S]` row by row, over its image of S×S pixels: RGB, brought up to at least 256 pixels, and at its
/// right a bar of the colours from 0 to `maximum`, the map's largest value.
///
/// # Errors
/// Same as [`resize`].
pub fn overlay(image: &Pixels, values: &[f32], maximum: f32) -> Result<Pixels, DecodeError> {
    let size = image.width.max(1);
    let side = size * LEAST.div_ceil(size).max(1);
    let image = resize(image, side, Interpolation::Bilinear)?;
    let [most, none] = [number(maximum), "0".to_owned()];
    let label = digits::width(&most).max(digits::width(&none));
    let width = side + MARGIN + BAR + MARGIN / 2 + label + MARGIN;
    let mut canvas = Canvas { width, data: BACKGROUND.repeat(width * side) };

    let scale = size as f32 / side as f32;
    for row in 0..side {
        for column in 0..side {
            let pixel = row * side + column;
            let gray = match image.channels {
                1 => [image.data[pixel]; 3],
                _ => [0, 1, 2].map(|channel| image.data[pixel * 3 + channel]),
            };
            let place = [row, column].map(|at| (at as f32 + 0.5) * scale - 0.5);
            let share = if maximum > 0.0 { between(values, size, place) / maximum } else { 0.0 };
            canvas.set(row, column, blended(gray, share));
        }
    }
    let left = side + MARGIN;
    let (top, height) = (MARGIN, side - 2 * MARGIN);
    for row in 0..height {
        let share = 1.0 - row as f32 / (height - 1) as f32;
        (left..left + BAR).for_each(|column| canvas.set(top + row, column, blended(UNDER_BAR, share)));
    }
    let text = left + BAR + MARGIN / 2;
    digits::write(&most, [top, text], &mut |row, column| canvas.set(row, column, [235; 3]));
    let bottom = top + height - digits::HEIGHT;
    digits::write(&none, [bottom, text], &mut |row, column| canvas.set(row, column, [235; 3]));
    Ok(Pixels { width, height: side, channels: 3, data: canvas.data })
}

/// A picture in RGB.
struct Canvas {
    width: usize,
    data: Vec<u8>,
}

impl Canvas {
    fn set(&mut self, row: usize, column: usize, colour: [u8; 3]) {
        let start = (row * self.width + column) * 3;
        self.data[start..start + 3].copy_from_slice(&colour);
    }
}

fn blended(under: [u8; 3], share: f32) -> [u8; 3] {
    let (share, colour) = (clamped(share), heat_colour(share));
    // Little heat is seen too: the root is steep at first.
    let opacity = OPACITY * share.sqrt();
    let mixed = |i: usize| f32::from(under[i]) + (f32::from(colour[i]) - f32::from(under[i])) * opacity;
    [0, 1, 2].map(|i| (mixed(i) + 0.5) as u8)
}

/// Interpolates between four values of `[size, size]`; beyond the edge that of the edge.
fn between(values: &[f32], size: usize, place: [f32; 2]) -> f32 {
    let [(upper, lower, below), (left, right, beside)] = place.map(|at| {
        let at = at.clamp(0.0, (size - 1) as f32);
        (at as usize, (at as usize + 1).min(size - 1), at.fract())
    });
    let at = |row: usize, column: usize| values.get(row * size + column).copied().unwrap_or_default();
    let above = at(upper, left) + (at(upper, right) - at(upper, left)) * beside;
    let under = at(lower, left) + (at(lower, right) - at(lower, left)) * beside;
    above + (under - above) * below
}

/// Writes a number to three digits.
fn number(value: f32) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if (0.01..1000.0).contains(&value) => {
            let decimals = (2.0 - value.log10().floor()).clamp(0.0, 4.0) as usize;
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_the_image_its_heat_and_a_bar() {
        let image = Pixels { width: 50, height: 50, channels: 1, data: vec![100; 2500] };
        let mut values = vec![0.0; 2500];
        values[20 * 50 + 30] = 0.125;
        let picture = overlay(&image, &values, 0.125).unwrap();
        assert_eq!((picture.height, picture.channels), (300, 3));
        assert_eq!(picture.data.len(), picture.width * 300 * 3);
        let at = |row: usize, column: usize| {
            let start = (row * picture.width + column) * 3;
            [0, 1, 2].map(|i| picture.data[start + i])
        };
        // The middle of the hot pixel, where nothing of its neighbours is mixed in but a twelfth.
        let hot = at(20 * 6 + 3, 30 * 6 + 3);
        assert!(hot[0] > 190 && hot[2] < hot[0], "{hot:?}");
        assert_eq!(at(200, 100), [100; 3]);
        // The bar runs from the largest value down to nothing.
        let (top, bottom) = (at(MARGIN, 300 + MARGIN), at(299 - MARGIN, 300 + MARGIN));
        assert!(top[0] > 200 && top[1] > 200, "{top:?}");
        assert_eq!(bottom, UNDER_BAR);
        assert_eq!((number(0.125).as_str(), number(0.0).as_str()), ("0.125", "0"));
        assert_eq!(
            [999.4, 12.34, 0.01, 0.0021, 1234.0].map(number),
            ["999", "12.3", "0.0100", "2.1e-3", "1.2e3"]
        );
    }

    #[test]
    fn an_empty_map_leaves_the_image_and_colour_stays() {
        let data: Vec<u8> = (0..12).map(|i| i * 20).collect();
        let image = Pixels { width: 2, height: 2, channels: 3, data };
        let picture = overlay(&image, &[0.0; 4], 0.0).unwrap();
        assert_eq!(picture.height, 256);
        assert_eq!(picture.data[..3], [0, 20, 40]);
        let large = Pixels { width: 300, height: 300, channels: 1, data: vec![7; 90_000] };
        assert_eq!(overlay(&large, &[f32::NAN; 90_000], f32::INFINITY).unwrap().height, 300);
    }

    #[test]
    fn colours_grow_brighter_in_even_steps() {
        let lightness = |share: f32| {
            let [r, g, b] = heat_colour(share).map(f32::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let steps: Vec<f32> = (0..=20).map(|step| lightness(step as f32 / 20.0)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{steps:?}");
        assert_eq!([heat_colour(-1.0), heat_colour(f32::NAN)], [heat_colour(0.0); 2]);
        assert_eq!(heat_colour(7.0), heat_colour(1.0));
    }
}
