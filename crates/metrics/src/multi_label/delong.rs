//! DeLong's standard error of an area under the ROC curve, and the test of two areas on the same images.
//!
//! DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44, 837–845); by one sorted pass, as Sun and Xu (2014, IEEE Signal
//! Processing Letters 21, 1389–1393), in which ties count one half. Images are taken for independent: where they come in
//! groups, the bootstrap by group says more.

use crate::{
    EvaluationError, Scores, Undefined, Value, comparison::same_images, interval::Z, normal, ranking::Ranking,
};

/// Computes DeLong's standard error of a label's ROC AUC over its known images.
///
/// # Errors
/// Fewer than two known positive or two known negative images.
pub fn delong_standard_error(scores: &Scores, label: usize) -> Value {
    let [positive, negative] = placements(scores, label)?;
    Ok((variance(positive) + variance(negative)).sqrt())
}

/// DeLong's paired test of two models' ROC AUC of one label on the same images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelongTest {
    /// The first's AUC less the second's.
    pub difference: f64,
    /// Standard error of the difference; 0 where both models rank all images alike.
    pub standard_error: f64,
    /// Two-sided p of no difference.
    pub p: f64,
}

impl DelongTest {
    /// Returns the 95 % interval of the difference, by its standard error.
    pub fn interval(&self) -> [f64; 2] {
        [-Z, Z].map(|z| self.difference + z * self.standard_error)
    }

    /// Tests a label's AUC of two models that answered the same targets.
    ///
    /// # Errors
    /// Other targets; a label with fewer than two known positive or two known negative images, as the inner error.
    pub fn new(
        first: &Scores,
        second: &Scores,
        label: usize,
    ) -> Result<Result<Self, Undefined>, EvaluationError> {
        same_images(first, second)?;
        Ok(Self::of_same(first, second, label))
    }

    fn of_same(first: &Scores, second: &Scores, label: usize) -> Result<Self, Undefined> {
        let auc = |scores: &Scores| Ranking::new(scores, label).areas(&vec![1; scores.len()])[0];
        let difference = auc(first)? - auc(second)?;
        let (first, second) = (placements(first, label)?, placements(second, label)?);
        let paired = |[first, second]: [&Vec<f64>; 2]| -> Vec<f64> {
            first.iter().zip(second).map(|(first, second)| first - second).collect()
        };
        let sides = [0, 1].map(|side| variance(paired([&first[side], &second[side]])));
        let standard_error = (sides[0] + sides[1]).sqrt();
        // Rounding alone is no difference.
        let p = match (standard_error > 1e-12, difference.abs() > 1e-12) {
            (true, _) => 2.0 * normal::cdf(-(difference / standard_error).abs()),
            (false, false) => 1.0,
            (false, true) => 0.0,
        };
        Ok(Self { difference, standard_error, p })
    }
}

/// Placement values, less the AUC and by the number of their kind: of the positive images, and of the negative ones.
fn placements(scores: &Scores, label: usize) -> Result<[Vec<f64>; 2], Undefined> {
    let ranking = Ranking::new(scores, label);
    let [auc, average_precision] = ranking.areas(&vec![1; scores.len()]);
    let (auc, average_precision) = (auc?, average_precision?);
    let [influences, _] = ranking.influences(scores.len(), auc, average_precision);
    let of = |truth: bool| -> Vec<f64> {
        let images = (0..scores.len()).filter(|&image| scores.targets().value(image, label) == Some(truth));
        images.map(|image| influences[image]).collect()
    };
    let sides = [of(true), of(false)];
    match sides.iter().position(|side| side.len() < 2) {
        Some(0) => Err(Undefined::OnePositive(label)),
        Some(_) => Err(Undefined::OneNegative(label)),
        None => Ok(sides),
    }
}

/// Variance of the mean of placement values, from the values by their number.
fn variance(placements: Vec<f64>) -> f64 {
    let n = placements.len() as f64;
    let mean = placements.iter().sum::<f64>() / n;
    placements.iter().map(|value| (value - mean).powi(2)).sum::<f64>() * n / (n - 1.0)
}

/// Corrects p values for being several by Holm's method (1979, Scandinavian Journal of Statistics 6, 65–70): each is
/// multiplied by the number of those that are not smaller, and is at least as large as any smaller one's. `None` stays out.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let (mut corrected, mut largest, tests) = (vec![None; p_values.len()], 0f64, order.len());
    for (rank, (at, p)) in order.into_iter().enumerate() {
        largest = largest.max((p * (tests - rank) as f64).min(1.0));
        corrected[at] = Some(largest);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Targets;

    fn scores(truth: &[Option<bool>], probabilities: &[f64]) -> Scores {
        let targets = Targets::from_findings(["Edema"], truth.to_vec()).unwrap();
        Scores::new(targets, probabilities.to_vec()).unwrap()
    }

    /// Known images, with one that is not.
    const TRUTH: [Option<bool>; 8] =
        [Some(true), Some(false), None, Some(true), Some(false), Some(true), Some(false), Some(false)];

    /// Placement values by their definition: the share of the other kind below, ties one half.
    fn by_pairs(truth: &[Option<bool>], p: &[f64]) -> f64 {
        let of = |kind: bool| -> Vec<f64> {
            (0..p.len()).filter(|&image| truth[image] == Some(kind)).map(|image| p[image]).collect()
        };
        let (positives, negatives) = (of(true), of(false));
        let wins = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        };
        let variance = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            squares / (values.len() - 1) as f64 / values.len() as f64
        };
        let of_positives = positives
            .iter()
            .map(|&a| negatives.iter().map(|&b| wins(a, b)).sum::<f64>() / negatives.len() as f64);
        let of_negatives = negatives
            .iter()
            .map(|&b| positives.iter().map(|&a| wins(a, b)).sum::<f64>() / positives.len() as f64);
        (variance(of_positives.collect()) + variance(of_negatives.collect())).sqrt()
    }

    #[test]
    fn the_standard_error_is_that_of_all_pairs_with_ties_and_unknown_images() {
        for p in
            [[0.9, 0.8, 0.1, 0.7, 0.3, 0.2, 0.6, 0.1], [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.75], [0.5; 8]]
        {
            let found = delong_standard_error(&scores(&TRUTH, &p), 0).unwrap();
            assert!((found - by_pairs(&TRUTH, &p)).abs() < 1e-15, "{p:?}: {found}");
        }
    }

    #[test]
    fn one_image_of_a_kind_has_no_standard_error() {
        let one = scores(&[Some(true), Some(false), Some(false)], &[0.5, 0.25, 0.75]);
        assert_eq!(delong_standard_error(&one, 0), Err(Undefined::OnePositive(0)));
        let none = scores(&[Some(false), Some(false)], &[0.5, 0.25]);
        assert_eq!(delong_standard_error(&none, 0), Err(Undefined::NoPositive(0)));
    }

    #[test]
    fn two_models_are_tested_on_paired_placements() {
        let first = scores(&TRUTH, &[0.9, 0.8, 0.1, 0.7, 0.3, 0.2, 0.6, 0.1]);
        let second = scores(&TRUTH, &[0.6, 0.5, 0.9, 0.5, 0.4, 0.3, 0.7, 0.2]);
        let test = DelongTest::new(&first, &second, 0).unwrap().unwrap();
        // The first has 8 of 12 pairs in order, the second 6.5.
        assert!((test.difference - 1.5 / 12.0).abs() < 1e-15, "{test:?}");
        let same = DelongTest::new(&first, &first, 0).unwrap().unwrap();
        assert_eq!((same.difference, same.standard_error, same.p), (0.0, 0.0, 1.0));
        let other = scores(&[Some(true); 8], &[0.5; 8]);
        assert_eq!(DelongTest::new(&first, &other, 0), Err(EvaluationError::Label(1)));
    }

    #[test]
    fn holms_correction_never_falls_and_leaves_out_what_is_missing() {
        let corrected = holm(&[Some(0.01), None, Some(0.04), Some(0.03), Some(0.5)]);
        // 4 × 0.01, 3 × 0.03, at least that for 2 × 0.04, 1 × 0.5.
        let expected = [Some(0.04), None, Some(0.09), Some(0.09), Some(0.5)];
        for (found, expected) in corrected.into_iter().zip(expected) {
            assert!(found.zip(expected).is_none_or(|(a, b): (f64, f64)| (a - b).abs() < 1e-15));
            assert_eq!(found.is_some(), expected.is_some());
        }
        assert_eq!(holm(&[Some(0.9), Some(0.8)]), [Some(1.0), Some(1.0)]);
    }
}
