//! Appearance of an image in a few figures, by which a radiograph differs from anything else.

use crate::Pixels;

/// Aspect of an image that a figure describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// Amount of colour.
    Colour,
    /// Brightness, and the spread of the values.
    Brightness,
    /// Changes from one pixel to the next, fine and coarse.
    Texture,
    /// Places that are bright and places that are dark.
    Layout,
}

/// Figures of one image, none of which depends much on its size.
///
/// Colour: mean and frequency of differences between channels. Brightness: five quantiles, entropy and mode of the
/// values. Texture: contrast, and mean differences between neighbours at three scales, in units of it. Layout: means of a grid
/// of 4×4, in units of contrast, and how alike the halves are.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance(pub [f64; Self::LENGTH]);

/// Shares of pixels that quantiles are taken at.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// Differences between channels, of 255, from which on a pixel has colour.
const COLOURED: u8 = 24;
/// Side below which textures of images of any size can be compared.
const SIDE: usize = 100;
/// Cells of the grid along a side.
const GRID: usize = 4;
/// Addition to the contrast that keeps images without any away from 0/0.
const LEAST_CONTRAST: f64 = 0.02;
const LEAST: f64 = 1e-3;

impl Appearance {
    /// Number of figures of an image.
    pub const LENGTH: usize = 31;

    /// Returns the aspect that the figure at an index describes.
    pub fn aspect(index: usize) -> Aspect {
        match index {
            0..2 => Aspect::Colour,
            2..9 => Aspect::Brightness,
            9..14 => Aspect::Texture,
            _ => Aspect::Layout,
        }
    }

    /// Computes the figures of an image as a network gets it.
    pub fn of(image: &Pixels) -> Self {
        let gray = Plane::gray(image);
        let contrast = gray.deviation() + LEAST_CONTRAST;
        let mut figures = Vec::with_capacity(Self::LENGTH);
        figures.extend(colour(image));
        figures.extend(brightness(&gray));
        figures.extend(texture(&gray, contrast));
        figures.extend(layout(&gray, contrast));
        let mut all = [0.0; Self::LENGTH];
        all.iter_mut().zip(figures).for_each(|(slot, figure)| *slot = figure);
        Self(all)
    }
}

fn colour(image: &Pixels) -> [f64; 2] {
    let (mut sum, mut coloured) = (0_u64, 0_u64);
    if image.channels == 3 {
        for rgb in image.data.chunks_exact(3) {
            let least = rgb.iter().fold(u8::MAX, |least, &value| least.min(value));
            let spread = rgb.iter().fold(0, |most, &value| value.max(most)) - least;
            sum += u64::from(spread);
            coloured += u64::from(spread > COLOURED);
        }
    }
    let pixels = (image.width * image.height).max(1) as f64;
    [(sum as f64 / pixels).ln_1p(), (100.0 * coloured as f64 / pixels).ln_1p()]
}

fn brightness(gray: &Plane) -> [f64; 7] {
    let mut levels = [0_usize; 256];
    gray.values.iter().for_each(|value| levels[(value * 255.0).round() as usize & 255] += 1);
    let pixels = gray.values.len().max(1) as f64;
    let quantile = |share: f64| {
        let mut left = share * pixels;
        let level = levels.iter().position(|&count| {
            left -= count as f64;
            left <= 0.0
        });
        level.unwrap_or(255) as f64 / 255.0
    };
    let [a, b, c, d, e] = QUANTILES.map(quantile);
    let bins = levels.chunks(8).map(|bin| bin.iter().sum::<usize>() as f64 / pixels);
    let entropy = bins.clone().filter(|&share| share > 0.0).map(|share| -share * share.ln()).sum();
    [a, b, c, d, e, entropy, bins.fold(0.0, f64::max)]
}

fn texture(gray: &Plane, contrast: f64) -> [f64; 5] {
    let share = |difference: f64| (difference / contrast + LEAST).ln();
    let fine = gray.differences();
    let middle = gray.reduced();
    let between = middle.differences();
    let coarse = middle.halved().differences();
    [
        contrast.ln(),
        share(fine[0] + fine[1]),
        share(between[0] + between[1]),
        ((between[0] + LEAST) / (between[1] + LEAST)).ln(),
        share(coarse[0] + coarse[1]),
    ]
}

fn layout(gray: &Plane, contrast: f64) -> [f64; GRID * GRID + 1] {
    let small = gray.reduced();
    let mut cells = [0.0; GRID * GRID + 1];
    let edge = |cell: usize, side: usize| {
        let start = (cell * side / GRID).min(side.saturating_sub(1));
        start..((cell + 1) * side / GRID).clamp(start + 1, side.max(start + 1))
    };
    for (index, cell) in cells.iter_mut().take(GRID * GRID).enumerate() {
        *cell = small.mean(edge(index / GRID, small.height), edge(index % GRID, small.width));
    }
    let mean = cells.iter().sum::<f64>() / (GRID * GRID) as f64;
    cells.iter_mut().for_each(|cell| *cell = (*cell - mean) / contrast);
    cells[GRID * GRID] = small.symmetry();
    cells
}

/// Gray values in `[0, 1]`, row by row.
struct Plane {
    width: usize,
    height: usize,
    values: Vec<f64>,
}

impl Plane {
    fn gray(image: &Pixels) -> Self {
        let channels = image.channels.max(1);
        let mean =
            |pixel: &[u8]| pixel.iter().map(|&value| f64::from(value)).sum::<f64>() / (255 * channels) as f64;
        Self {
            width: image.width,
            height: image.height,
            values: image.data.chunks_exact(channels).map(mean).collect(),
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values.get(row * self.width + column).copied().unwrap_or(0.0)
    }

    fn deviation(&self) -> f64 {
        let n = self.values.len().max(1) as f64;
        let mean = self.values.iter().sum::<f64>() / n;
        (self.values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    /// Mean of absolute differences between neighbours in a row, and in a column.
    fn differences(&self) -> [f64; 2] {
        let (mut across, mut down) = (0.0, 0.0);
        for row in 0..self.height {
            for column in 0..self.width {
                let here = self.at(row, column);
                if column + 1 < self.width {
                    across += (self.at(row, column + 1) - here).abs();
                }
                if row + 1 < self.height {
                    down += (self.at(row + 1, column) - here).abs();
                }
            }
        }
        let pairs = |along: usize, others: usize| (along.saturating_sub(1) * others).max(1) as f64;
        [across / pairs(self.width, self.height), down / pairs(self.height, self.width)]
    }

    /// Means of two pixels by two; a last odd row or column is left out.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mean = |index: usize| {
            let (row, column) = (2 * (index / width), 2 * (index % width));
            let pairs = [(row, column), (row, column + 1), (row + 1, column), (row + 1, column + 1)];
            pairs.iter().map(|&(row, column)| self.at(row, column)).sum::<f64>() / 4.0
        };
        Self { width, height, values: (0..width * height).map(mean).collect() }
    }

    /// Halves the plane until it is smaller than [`SIDE`].
    fn reduced(&self) -> Self {
        let mut plane = Self { values: self.values.clone(), ..*self };
        while plane.width.min(plane.height) >= SIDE {
            plane = plane.halved();
        }
        plane
    }

    fn mean(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> f64 {
        let n = (rows.len() * columns.len()).max(1) as f64;
        let row_sum = |row: usize| columns.clone().map(|column| self.at(row, column)).sum::<f64>();
        rows.map(row_sum).sum::<f64>() / n
    }

    /// Correlation with its mirror image.
    fn symmetry(&self) -> f64 {
        let mean = self.values.iter().sum::<f64>() / self.values.len().max(1) as f64;
        let (mut product, mut square) = (0.0, LEAST);
        for row in 0..self.height {
            for column in 0..self.width {
                let here = self.at(row, column) - mean;
                product += here * (self.at(row, self.width - 1 - column) - mean);
                square += here * here;
            }
        }
        product / square
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(side: usize, channels: usize, value: impl Fn(usize, usize, usize) -> u8) -> Appearance {
        let data = (0..side * side * channels).map(|i| {
            let pixel = i / channels;
            value(pixel / side, pixel % side, i % channels)
        });
        Appearance::of(&Pixels { width: side, height: side, channels, data: data.collect() })
    }

    #[test]
    fn what_was_drawn_is_what_is_seen() {
        let gray = image(50, 1, |_, column, _| (5 * column) as u8);
        assert_eq!(gray.0[..2], [0.0, 0.0]);
        // Quantiles of a ramp from 0 to 245.
        assert!((gray.0[4] - 120.0 / 255.0).abs() < 0.02, "{gray:?}");
        // All that changes changes across; the right is bright, and the halves are each other's opposite.
        assert!(gray.0[12] > 2.0, "{gray:?}");
        assert!(gray.0[14] < -1.0 && gray.0[17] > 1.0 && gray.0[30] < -0.9, "{gray:?}");
        let down = image(50, 1, |row, _, _| (5 * row) as u8);
        assert!(down.0[12] < -2.0 && down.0[30] > 0.9, "{down:?}");
        let red = image(50, 3, |_, _, channel| if channel == 0 { 200 } else { 50 });
        assert!((red.0[0] - 151_f64.ln()).abs() < 1e-9 && (red.0[1] - 101_f64.ln()).abs() < 1e-9, "{red:?}");
    }

    #[test]
    fn gray_stored_as_colour_is_gray_and_the_size_matters_little() {
        let ramp = |side: usize, channels| image(side, channels, move |row, _, _| (row * 200 / side) as u8);
        assert_eq!(ramp(64, 3), ramp(64, 1));
        let (small, large) = (ramp(64, 1), ramp(256, 1));
        for (index, (a, b)) in small.0.iter().zip(&large.0).enumerate() {
            // The finest texture is the one thing that is the pixel's.
            assert!((a - b).abs() < 0.15 || index == 10, "{index}: {a} and {b}");
        }
    }

    #[test]
    fn every_image_has_figures_that_are_finite() {
        for side in [1, 2, 3, 4, 5, 99, 100, 101] {
            for value in [0, 255] {
                let figures = image(side, 1, |_, _, _| value);
                assert!(figures.0.iter().all(|figure| figure.is_finite()), "{side}: {figures:?}");
            }
        }
    }
}
