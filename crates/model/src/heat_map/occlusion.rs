//! Occlusion maps: fall of a class' log-odds when a part of the image is hidden.

use data::{Batch, EVALUATION_BATCH};

use super::{Coarse, HeatMap, HeatMapMethod};
use crate::{Classifier, Inference, Result};

/// Fall of the log-odds up to which it counts as rounding.
const NOISE: f64 = 1e-4;

/// Gray of a patch that has no visible pixels around it.
const MIDDLE_GRAY: u8 = 128;

/// Classifier prepared for many images that differ little.
struct Look<'a> {
    classifier: &'a Classifier,
    inference: Inference<'a>,
}

pub(super) fn heat_maps(
    classifier: &Classifier,
    batch: &Batch,
    classes: &[Option<usize>],
) -> Result<Vec<HeatMap>> {
    let look = Look { classifier, inference: classifier.inference()? };
    let logits = look.logits(batch)?;
    let said = classifier.said(&logits, classes)?;
    let (size, n_classes) = (batch.image_size, classifier.spec().classes.len());
    let images = batch.pixels.chunks_exact(size * size * 3).zip(logits.chunks_exact(n_classes));
    let heat_maps = said.into_iter().zip(images).map(|(said, (image, whole))| {
        let patches = Patches::of(size);
        let falls = look.falls(image, &patches, whole, said.class)?;
        let values = patches.means(&falls);
        let side = patches.starts.len();
        let values = values.into_iter().map(|fall| if fall > NOISE { fall as f32 } else { 0.0 }).collect();
        let coarse =
            Coarse { rows: side, columns: side, values: falls.iter().map(|&fall| fall as f32).collect() };
        Ok(said.with(size, values, coarse))
    });
    heat_maps.collect()
}

impl Look<'_> {
    fn logits(&self, batch: &Batch) -> Result<Vec<f32>> {
        let features = self.classifier.features(&self.classifier.input(batch)?)?;
        Ok(self.inference.of_features(&features, batch.filled)?.logits)
    }

    /// Computes the falls of the log-odds of `class` under each patch, on the image `[S, S, 3]` with the logits `whole`.
    fn falls(&self, image: &[u8], patches: &Patches, whole: &[f32], class: usize) -> Result<Vec<f64>> {
        let places = patches.places();
        let mut falls = Vec::with_capacity(places.len());
        for places in places.chunks(EVALUATION_BATCH) {
            let mut pixels = Vec::with_capacity(EVALUATION_BATCH * image.len());
            for &place in places {
                let start = pixels.len();
                pixels.extend_from_slice(image);
                patches.hide(&mut pixels[start..], place);
            }
            let n = places.len();
            let hidden = Batch { pixels, n, filled: n, image_size: patches.size }.padded();
            let logits = self.logits(&hidden)?;
            falls.extend(
                logits.chunks_exact(whole.len()).map(|row| log_odds(whole, class) - log_odds(row, class)),
            );
        }
        Ok(falls)
    }
}

/// Grid of square patches over an image, the last ones at its edge.
struct Patches {
    size: usize,
    side: usize,
    /// First row or column of each patch; the same in both directions.
    starts: Vec<usize>,
}

impl Patches {
    fn of(size: usize) -> Self {
        let pixels = |share: f64| ((size as f64 * share).round() as usize).clamp(1, size.max(1));
        let side = pixels(HeatMapMethod::PATCH);
        let last = size.saturating_sub(side);
        let starts = (0..last).step_by(pixels(HeatMapMethod::STRIDE)).chain([last]).collect();
        Self { size, side, starts }
    }

    /// Returns row and column of each patch, row by row.
    fn places(&self) -> Vec<[usize; 2]> {
        self.starts.iter().flat_map(|&row| self.starts.iter().map(move |&column| [row, column])).collect()
    }

    fn rows(&self, [row, column]: [usize; 2]) -> impl Iterator<Item = std::ops::Range<usize>> {
        (row..row + self.side).map(move |row| {
            let start = row * self.size + column;
            start..start + self.side
        })
    }

    /// Paints a patch in the mean gray of the pixels within half its side around it: the whole image's mean looks like a
    /// finding within a dark lung. Of 100 phantoms with a finding, a ConvNet's map peaked there in 88, and in 66 with that mean.
    fn hide(&self, image: &mut [u8], [row, column]: [usize; 2]) {
        let wide = |from: usize| {
            from.saturating_sub(self.side / 2)..(from + self.side + self.side / 2).min(self.size)
        };
        let (mut sum, mut n) = (0, 0);
        for down in wide(row) {
            for across in wide(column) {
                if !((row..row + self.side).contains(&down) && (column..column + self.side).contains(&across))
                {
                    let start = (down * self.size + across) * 3;
                    sum += image[start..start + 3].iter().map(|&value| u64::from(value)).sum::<u64>();
                    n += 3;
                }
            }
        }
        let gray = (sum + n / 2).checked_div(n).map_or(MIDDLE_GRAY, |mean| mean as u8);
        for pixels in self.rows([row, column]) {
            image[pixels.start * 3..pixels.end * 3].fill(gray);
        }
    }

    /// Computes for each pixel the mean of the values of the patches that hide it.
    fn means(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.size * self.size];
        for (place, value) in self.places().into_iter().zip(values) {
            for pixels in self.rows(place) {
                for (sum, count) in &mut sums[pixels] {
                    *sum += value;
                    *count += 1.0;
                }
            }
        }
        sums.into_iter().map(|(sum, count)| sum / f64::max(count, 1.0)).collect()
    }
}

/// Computes ln p/(1-p) of the softmax of a row, without the rounding of p near 1.
fn log_odds(logits: &[f32], class: usize) -> f64 {
    let others =
        || logits.iter().enumerate().filter(|(index, _)| *index != class).map(|(_, &z)| f64::from(z));
    let most = others().fold(f64::NEG_INFINITY, f64::max);
    f64::from(logits[class]) - most - others().map(|z| (z - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_cover_the_whole_image() {
        for size in [4, 5, 16, 50, 107, 256] {
            let patches = Patches::of(size);
            let means = patches.means(&vec![2.5; patches.places().len()]);
            assert!(means.len() == size * size && means.iter().all(|mean| *mean == 2.5), "{size}");
        }
        assert_eq!(Patches::of(256).starts, [0, 26, 52, 78, 104, 130, 156, 182, 205]);
    }

    #[test]
    fn a_patch_takes_the_gray_of_what_is_around_it() {
        let patches = Patches::of(20);
        assert_eq!(patches.side, 4);
        // Left half 10, right half 50; under the patch, which lies in the middle, 255.
        let mut image: Vec<u8> = (0..400).flat_map(|at| [if at % 20 < 10 { 10 } else { 50 }; 3]).collect();
        let before = image.clone();
        patches.rows([8, 8]).for_each(|pixels| image[pixels.start * 3..pixels.end * 3].fill(255));
        patches.hide(&mut image, [8, 8]);
        let hidden: Vec<usize> = patches.rows([8, 8]).flatten().collect();
        assert_eq!(hidden.len(), 16);
        for at in 0..400 {
            let expected = if hidden.contains(&at) { 30 } else { before[at * 3] };
            assert_eq!(image[at * 3..at * 3 + 3], [expected; 3], "{at}");
        }
        // In a corner there is less around it.
        patches.hide(&mut image, [0, 0]);
        assert_eq!(image[..3], [10; 3]);
    }

    #[test]
    fn log_odds_are_those_of_the_softmax() {
        let logits = [1.0_f32, -2.0, 0.5];
        let sum: f64 = logits.iter().map(|&z| f64::from(z).exp()).sum();
        for (class, &z) in logits.iter().enumerate() {
            let p = f64::from(z).exp() / sum;
            assert!((log_odds(&logits, class) - (p / (1.0 - p)).ln()).abs() < 1e-12);
        }
        // Here p rounds to 1.
        assert!((log_odds(&[90.0, 0.0], 0) - 90.0).abs() < 1e-9);
    }
}
