//! Input guard: tells if an image looks like the ones that a network was trained on.

use std::fmt;

use data::{Appearance, Aspect, Pixels};
use serde::{Deserialize, Serialize};

const N: usize = Appearance::LENGTH;

/// Appearance of the training images, as a Gaussian a class with one covariance (the distance of Lee and others 2018, arXiv
/// 1807.03888, of [`Appearance`] instead of a network's features), and the largest distance from it that passes.
///
/// It knows nothing of medicine: it separates colour, text, noise and other things from radiographs, not bad radiographs
/// from good ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OodDetector {
    /// Number of images that it was fitted on.
    images: usize,
    /// Largest squared distance that raises no flag.
    limit: f32,
    /// Mean of each class, `[classes][N]`.
    means: Vec<Vec<f32>>,
    /// Cholesky factor of the covariance: the lower triangle, row by row.
    factor: Vec<f32>,
}

/// Warning of an image that is unlike the training images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutOfDistribution {
    /// Squared distance from the training images, in units of the largest that passes: above 1.
    pub distance: f64,
    /// Aspect that deviates most.
    pub aspect: Aspect,
}

impl fmt::Display for OutOfDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.aspect {
            Aspect::Colour => "colour",
            Aspect::Brightness => "brightness",
            Aspect::Texture => "texture",
            Aspect::Layout => "layout",
        };
        write!(f, "unlike the images that the model was trained on, most of all in its {what}")
    }
}

/// Smallest number of training images; fewer give no reliable estimate.
const LEAST_TRAINING: usize = 100;
const LEAST_HELD_OUT: usize = 20;
/// Share of held-out images whose distance counts as usual, and the factor by which an image may exceed it.
const USUAL: f64 = 0.99;
const MARGIN: f64 = 1.25;
/// Amount added to the variances, as a share of each and in absolute terms: a figure that never varies in training may vary
/// a little.
const SHRINKAGE: f64 = 0.05;
const LEAST_VARIANCE: f64 = 1e-4;

impl OodDetector {
    /// Fits the appearance of the training images, and the limit on held-out ones; `training` is given with class indices
    /// below `n_classes`. `None` where there are too few of either, fewer than 100 and 20.
    pub fn learn(
        training: &[(Appearance, usize)],
        held_out: &[Appearance],
        n_classes: usize,
    ) -> Option<Self> {
        if training.len() < LEAST_TRAINING || held_out.len() < LEAST_HELD_OUT {
            return None;
        }
        let mut counts = vec![0_usize; n_classes];
        let mut means = vec![[0.0; N]; n_classes];
        for (Appearance(figures), label) in training {
            *counts.get_mut(*label)? += 1;
            add(&mut means[*label], figures, 1.0);
        }
        let present = counts.iter().filter(|&&count| count > 0).count() as f64;
        for (mean, &count) in means.iter_mut().zip(&counts) {
            mean.iter_mut().for_each(|value| *value /= count.max(1) as f64);
        }
        // Classes count alike, however many images they have.
        let mut covariance = vec![[0.0; N]; N];
        for (Appearance(figures), label) in training {
            let weight = 1.0 / (counts[*label] as f64 * present);
            let centred: [f64; N] = std::array::from_fn(|i| figures[i] - means[*label][i]);
            for (row, &value) in covariance.iter_mut().zip(&centred) {
                add(row, &centred, weight * value);
            }
        }
        for (i, row) in covariance.iter_mut().enumerate() {
            row[i] += SHRINKAGE * row[i] + LEAST_VARIANCE;
        }
        let seen = means.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let mut guard = Self {
            images: training.len(),
            limit: 1.0,
            means: seen.map(|(mean, _)| mean.map(|value| value as f32).to_vec()).collect(),
            factor: cholesky(&covariance)?,
        };
        let mut distances: Vec<f64> = held_out.iter().map(|image| guard.nearest(image).0).collect();
        distances.sort_by(f64::total_cmp);
        let usual = distances[((distances.len() - 1) as f64 * USUAL).round() as usize];
        guard.limit = (MARGIN * usual) as f32;
        guard.problem(n_classes).is_none().then_some(guard)
    }

    /// Checks an image as the network gets it; `None` where it is like the ones that the network was trained on.
    pub fn check(&self, image: &Pixels) -> Option<OutOfDistribution> {
        self.check_appearance(&Appearance::of(image))
    }

    /// Checks an image by its appearance, like [`Self::check`].
    pub fn check_appearance(&self, appearance: &Appearance) -> Option<OutOfDistribution> {
        let (distance, mean) = self.nearest(appearance);
        let limit = f64::from(self.limit);
        if distance <= limit {
            return None;
        }
        // Each figure by itself, in standard deviations.
        let strange = |i: &usize| {
            let variance: f64 = self.row(*i).iter().map(|&value| f64::from(value).powi(2)).sum();
            (appearance.0[*i] - f64::from(mean[*i])).powi(2) / variance
        };
        let strangest = (0..N).max_by(|a, b| strange(a).total_cmp(&strange(b)))?;
        Some(OutOfDistribution { distance: distance / limit, aspect: Appearance::aspect(strangest) })
    }

    /// Computes the squared Mahalanobis distance from the nearest class, and returns it with that class's means.
    fn nearest(&self, Appearance(figures): &Appearance) -> (f64, &[f32]) {
        let distance = |mean: &[f32]| {
            // Forward substitution: with LLᵀ the covariance, |L⁻¹x|² is the distance.
            let mut solved = [0.0; N];
            for i in 0..N {
                let row = self.row(i);
                let known: f64 = (0..i).map(|j| f64::from(row[j]) * solved[j]).sum();
                solved[i] = (figures[i] - f64::from(mean[i]) - known) / f64::from(row[i]);
            }
            solved.iter().map(|value| value * value).sum::<f64>()
        };
        let distances = self.means.iter().map(|mean| (distance(mean), &mean[..]));
        distances.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, &[]))
    }

    /// Returns a row of the factor, up to and with the diagonal.
    fn row(&self, i: usize) -> &[f32] {
        &self.factor[i * (i + 1) / 2..(i + 1) * (i + 2) / 2]
    }

    /// Returns the reason why the guard does not fit a network of so many classes, if there is one: files are not trusted.
    pub(crate) fn problem(&self, n_classes: usize) -> Option<String> {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let fits = !self.means.is_empty()
            && self.means.len() <= n_classes
            && self.means.iter().all(|mean| mean.len() == N && finite(mean))
            && self.factor.len() == N * (N + 1) / 2
            && finite(&self.factor);
        let sound =
            fits && self.limit > 0.0 && self.limit.is_finite() && (0..N).all(|i| self.row(i)[i] > 0.0);
        (!sound).then(|| "its input guard is none that training could have learnt".to_owned())
    }
}

fn add(sum: &mut [f64; N], values: &[f64; N], weight: f64) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
}

/// Computes the lower triangle of the matrix's Cholesky factor, row by row; `None` where it is not positive definite.
fn cholesky(matrix: &[[f64; N]]) -> Option<Vec<f32>> {
    let mut factor = vec![[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let left = matrix[i][j] - known;
            factor[i][j] = match i == j {
                true if left > 0.0 => left.sqrt(),
                true => return None,
                false => left / factor[j][j],
            };
        }
    }
    Some(factor.iter().enumerate().flat_map(|(i, row)| row[..=i].iter().map(|&value| value as f32)).collect())
}

#[cfg(test)]
mod tests {
    use base::random::{Key, Purpose, unit};

    use super::*;

    /// Makes images of two classes, whose figures vary independently around 0 and 5.
    fn images(n: usize, seed: u64) -> Vec<(Appearance, usize)> {
        let mut random = Key { seed, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
        let mut figure = |class: usize| {
            let sum: f64 = (0..12).map(|_| f64::from(unit(&mut random))).sum();
            sum - 6.0 + 5.0 * class as f64
        };
        (0..n).map(|i| (Appearance(std::array::from_fn(|_| figure(i % 2))), i % 2)).collect()
    }

    fn learnt() -> OodDetector {
        let held_out: Vec<_> = images(200, 2).into_iter().map(|(image, _)| image).collect();
        OodDetector::learn(&images(4000, 1), &held_out, 2).unwrap()
    }

    #[test]
    fn the_distance_is_mahalanobis_from_the_nearest_class() {
        let guard = learnt();
        // Independent figures of variance 1, but for the shrinkage.
        for (mean, (distance, class)) in [(0.0, (0.0, 0)), (5.0, (0.0, 1)), (-1.0, (31.0 / 1.05, 0))]
            .map(|(mean, expected)| (mean, expected))
        {
            let (found, means) = guard.nearest(&Appearance([mean; N]));
            assert!((found - distance).abs() < 0.15 * distance + 0.2, "{mean}: {found}");
            assert_eq!(means, guard.means[class]);
        }
        // In units of the limit, which most images of the same kind are well below.
        let flagged =
            images(1000, 3).into_iter().filter(|(image, _)| guard.nearest(image).0 > f64::from(guard.limit));
        assert!(flagged.count() < 10);
    }

    #[test]
    fn what_is_strange_is_named() {
        let gray = |level: usize| {
            let data = (0..400).map(|i| (i % 20 * level / 10 + 40) as u8).collect();
            Pixels { width: 20, height: 20, channels: 1, data }
        };
        let training: Vec<_> = (0..120).map(|i| (Appearance::of(&gray(20 + i % 40)), i % 2)).collect();
        let held_out: Vec<_> = (0..40).map(|i| Appearance::of(&gray(20 + i))).collect();
        let guard = OodDetector::learn(&training, &held_out, 2).unwrap();
        assert_eq!(guard.check(&gray(31)), None);
        let mut red = gray(31);
        red.data = red.data.iter().flat_map(|&value| [255, value, value]).collect();
        red.channels = 3;
        let unlike = guard.check(&red).unwrap();
        assert!(unlike.distance > 1.0 && unlike.aspect == Aspect::Colour, "{unlike:?}");
        let says = "unlike the images that the model was trained on, most of all in its colour";
        assert_eq!(unlike.to_string(), says);
    }

    #[test]
    fn few_images_teach_nothing() {
        let held_out: Vec<_> = images(20, 2).into_iter().map(|(image, _)| image).collect();
        assert!(OodDetector::learn(&images(99, 1), &held_out, 2).is_none());
        assert!(OodDetector::learn(&images(100, 1), &held_out[1..], 2).is_none());
        assert!(OodDetector::learn(&images(100, 1), &held_out, 2).is_some());
    }

    #[test]
    fn what_training_could_not_have_learnt_is_a_problem() {
        let guard = learnt();
        assert_eq!(guard.problem(2), None);
        let broken: [&dyn Fn(&mut OodDetector); 6] = [
            &|guard| guard.means.clear(),
            &|guard| guard.means[1].push(0.0),
            &|guard| guard.means[0][3] = f32::NAN,
            &|guard| guard.factor.truncate(10),
            &|guard| guard.factor[0] = 0.0,
            &|guard| guard.limit = -1.0,
        ];
        for change in broken {
            let mut changed = guard.clone();
            change(&mut changed);
            assert!(changed.problem(2).is_some(), "{changed:?}");
        }
        assert!(guard.problem(1).is_some());
    }
}
