use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Reliability, Scores, ScoresError, Targets, Task, Undefined, brent::minimise, scores::check};

/// True classes and logits (or log-probabilities: a temperature cannot tell them apart), in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    targets: Targets,
    /// Logits `[N, C]`, row by row.
    logits: Vec<f64>,
}

impl Logits {
    /// Takes true answers and `logits`, `[N, L]` row by row, finite; beyond ±1e300 they count as that, so that none becomes
    /// infinite at a low temperature.
    ///
    /// # Errors
    /// Shapes that do not fit; a logit that is not finite.
    pub fn new(targets: Targets, logits: Vec<f64>) -> Result<Self, ScoresError> {
        check(&targets, &logits)?;
        let logits = logits.into_iter().map(|logit| logit.clamp(-1e300, 1e300)).collect();
        Ok(Self { targets, logits })
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Tells if there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The probabilities at a temperature: softmax of logits / T of classes, and the logistic function of labels' own.
    pub fn at(&self, temperature: f64) -> Scores {
        let probabilities = match self.targets.task() {
            Task::MultiClass => self.rows().flat_map(|(_, row)| softmax(row, temperature)).collect(),
            Task::MultiLabel => self.logits.iter().map(|logit| logistic(logit / temperature)).collect(),
        };
        Scores::from_finite(self.targets.clone(), probabilities)
    }

    /// Mean binary crossentropy of all known entries, in nats, from the logits themselves: no probability is clipped. `None`
    /// where nothing is known, and for classes that exclude each other.
    pub fn binary_crossentropy(&self) -> Option<f64> {
        let labels = if self.targets.task() == Task::MultiLabel { self.targets.labels().len() } else { 0 };
        let losses: Vec<f64> = (0..labels)
            .flat_map(|label| self.of_label(label))
            .map(|(truth, logit)| {
                let x = if truth { -logit } else { logit };
                // ln(1 + eˣ), without overflow.
                x.max(0.0) + (-x.abs()).exp().ln_1p()
            })
            .collect();
        (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
    }

    /// Mean of -ln p of a label's truth at a temperature over its known images, in nats, clipped as the figure `log_loss` of
    /// [`crate::LABEL_FIGURES`].
    fn log_loss_of_label(&self, label: usize, temperature: f64) -> f64 {
        let known = self.of_label(label);
        let losses = known.iter().map(|&(truth, logit)| {
            // 1 - p of a logit is p of its negative, without a loss of digits.
            let p = logistic(if truth { logit } else { -logit } / temperature);
            -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        });
        losses.sum::<f64>() / known.len() as f64
    }

    /// Truth and logit of each image in which a label is known.
    fn of_label(&self, label: usize) -> Vec<(bool, f64)> {
        let rows = self.logits.chunks_exact(self.targets.labels().len()).enumerate();
        rows.filter_map(|(image, row)| Some((self.targets.value(image, label)?, *row.get(label)?))).collect()
    }

    /// Mean of -ln p of the true class at a temperature, in nats, clipped as the figure `log_loss` of [`crate::FIGURES`].
    fn log_loss(&self, temperature: f64) -> f64 {
        let loss = |(label, row): (usize, &[f64])| {
            let p = (row[label] / temperature - log_sum_exp(row, temperature)).exp();
            -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        };
        self.rows().map(loss).sum::<f64>() / self.len() as f64
    }

    /// Each image's class with its row of logits.
    fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.targets.classes().iter().copied().zip(self.logits.chunks_exact(self.targets.labels().len()))
    }
}

/// The logistic function, 1 / (1 + e⁻ˣ).
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Softmax of a row over T, its highest value taken off first. Terms are summed in order, as NumPy sums them: which
/// probabilities tie hangs on that.
fn softmax(row: &[f64], temperature: f64) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|logit| ((logit - largest) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// ln Σ exp(x / T), pair by pair as NumPy's `logaddexp.reduce`: where the log loss is flat but for rounding, the place
/// at which a search ends hangs on that.
fn log_sum_exp(row: &[f64], temperature: f64) -> f64 {
    let pair = |a: f64, b: f64| {
        if a == b { a + std::f64::consts::LN_2 } else { a.max(b) + (-(a - b).abs()).exp().ln_1p() }
    };
    row.iter().map(|logit| logit / temperature).reduce(pair).unwrap_or(0.0)
}

/// An end of the range in which the temperature is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// e⁻⁴ ≈ 0.018: the surer the better, as where every image of the set is right.
    Lower,
    /// e⁴ ≈ 54.6: the less sure the better, as where the network is no better than chance.
    Upper,
}

/// A temperature T by which logits are divided before softmax, fitted to minimise log loss (Guo and others 2017,
/// arXiv 1706.04599): above 1 it makes a network less sure, below 1 surer. The predicted class stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Temperature {
    /// T, in `[e⁻⁴, e⁴]`.
    #[serde(rename = "temperature")]
    pub value: f64,
    /// Bound at which the fit ended: the log loss there is no higher than at T, so that the data set no limit of their
    /// own. `None` for a minimum inside, and where no temperature does better than 1.
    pub bound: Option<Bound>,
    /// Number of images fitted to.
    pub images: usize,
    /// Mean of -ln p of the true answer at T = 1 and at T, in nats, on the images fitted to.
    pub log_loss: [f64; 2],
    /// Expected calibration error at T = 1 and at T, in `[0, 1]`, on the images fitted to.
    pub expected_calibration_error: [f64; 2],
}

const LOG_BOUND: f64 = 4.0;

impl Temperature {
    /// Fits ln T in `[-4, 4]` to 1e-10 by Brent's method. Log loss has one valley in ln T, since it is convex in 1/T.
    ///
    /// # Errors
    /// No images of classes that exclude each other.
    pub fn fit(logits: &Logits) -> Result<Self, Undefined> {
        let calibration_error = |temperature| {
            Reliability::new(&logits.at(temperature)).expected_calibration_error().ok_or(Undefined::NoImages)
        };
        Self::minimising(logits.len(), |temperature| logits.log_loss(temperature), calibration_error)
    }

    /// Fits the temperature of one label like [`Self::fit`], over the images in which it is known.
    ///
    /// # Errors
    /// No image in which it is known.
    pub fn fit_label(logits: &Logits, label: usize) -> Result<Self, Undefined> {
        let calibration_error = |temperature| {
            Reliability::of_label(&logits.at(temperature), label)
                .expected_calibration_error()
                .ok_or(Undefined::NeverKnown(label))
        };
        let images = logits.of_label(label).len();
        Self::minimising(
            images,
            |temperature| logits.log_loss_of_label(label, temperature),
            calibration_error,
        )
    }

    fn minimising(
        images: usize,
        log_loss: impl Fn(f64) -> f64,
        calibration_error: impl Fn(f64) -> Result<f64, Undefined>,
    ) -> Result<Self, Undefined> {
        let loss = |log: f64| log_loss(log.exp());
        let error_before = calibration_error(1.0)?;
        let log = minimise(loss, (-LOG_BOUND, LOG_BOUND), 1e-10);
        let (before, after) = (loss(0.0), loss(log));
        // Rounding alone is no gain.
        if before - after <= 1e-12 * before {
            return Ok(Self {
                value: 1.0,
                bound: None,
                images,
                log_loss: [before, before],
                expected_calibration_error: [error_before, error_before],
            });
        }
        let bound = if loss(-LOG_BOUND) <= after {
            Some(Bound::Lower)
        } else {
            (loss(LOG_BOUND) <= after).then_some(Bound::Upper)
        };
        Ok(Self {
            value: log.exp(),
            bound,
            images,
            log_loss: [before, after],
            expected_calibration_error: [error_before, calibration_error(log.exp())?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::numbered_targets;

    fn fit(n_classes: usize, labels: &[usize], logits: &[f64]) -> Temperature {
        let targets = numbered_targets(n_classes, labels.to_vec());
        Temperature::fit(&Logits::new(targets, logits.to_vec()).unwrap()).unwrap()
    }

    #[test]
    fn an_overconfident_network_is_cooled_down() {
        // Two of three right, at odds of e^4 : 1; the best odds are 2 : 1.
        let fitted = fit(2, &[0, 0, 1], &[4.0, 0.0, 4.0, 0.0, 4.0, 0.0]);
        assert!((fitted.value - 4.0 / 2f64.ln()).abs() < 1e-6, "{}", fitted.value);
        assert_eq!(fitted.bound, None);
        assert!(fitted.log_loss[1] < fitted.log_loss[0]);
        assert!(fitted.expected_calibration_error[1] < 1e-7 && fitted.expected_calibration_error[0] > 0.3);
    }

    #[test]
    fn a_fit_without_a_minimum_says_at_which_bound_it_ended() {
        let right = fit(2, &[0, 1], &[1.0, 0.0, 0.0, 1.0]);
        assert_eq!((right.bound, right.value < 1.0), (Some(Bound::Lower), true));
        let wrong = fit(2, &[1, 0], &[1.0, 0.0, 0.0, 1.0]);
        assert_eq!(wrong.bound, Some(Bound::Upper));
        assert!((wrong.value - 4f64.exp()).abs() < 1e-4, "{}", wrong.value);
    }

    #[test]
    fn a_gain_is_judged_by_the_loss_that_there_was() {
        // A loss of 1e-6 that can fall to nothing.
        let sure = fit(2, &[0, 1], &[14.0, 0.0, 0.0, 14.0]);
        assert_eq!((sure.bound, sure.images), (Some(Bound::Lower), 2));
        assert!((sure.log_loss[0] - (-14f64).exp().ln_1p()).abs() < 1e-15, "{sure:?}");
        // No probability counts as more than 1 - ε.
        assert_eq!(sure.log_loss[1], -(1.0 - f64::EPSILON).ln());
    }

    #[test]
    fn where_nothing_is_gained_the_temperature_stays_one_and_without_images_there_is_none() {
        let flat = fit(2, &[0, 1], &[0.5, 0.5, 0.5, 0.5]);
        assert_eq!((flat.value, flat.bound), (1.0, None));
        let none = Logits::new(numbered_targets(2, vec![]), vec![]).unwrap();
        assert_eq!((none.is_empty(), none.len()), (true, 0));
        let two = Logits::new(numbered_targets(2, vec![0, 1]), vec![0.0; 4]).unwrap();
        assert_eq!((two.is_empty(), two.len()), (false, 2));
        assert_eq!(Temperature::fit(&none), Err(Undefined::NoImages));
        let nan = Logits::new(numbered_targets(2, vec![0, 1]), vec![0.0, 1.0, f64::NAN, 0.0]).unwrap_err();
        assert_eq!(nan, ScoresError::NotFinite(1));
        let findings = Targets::from_findings(["Edema"], vec![None]).unwrap();
        let unknown = Logits::new(findings, vec![0.0]).unwrap();
        assert_eq!(Temperature::fit_label(&unknown, 0), Err(Undefined::NeverKnown(0)));
        assert_eq!(Temperature::fit_label(&unknown, 1), Err(Undefined::NeverKnown(1)));
    }

    /// A label against nothing is a class of two whose logits are its own and 0.
    #[test]
    fn a_labels_temperature_is_that_of_two_classes_over_its_known_images() {
        let (truth, values) = ([1, 1, 0, 1, 0, 0], [3.0, -1.0, 2.0, 4.0, -3.0, -5.0]);
        let classes = fit(2, &truth, &values.map(|value| [0.0, value]).concat());
        let mut findings: Vec<Option<bool>> =
            truth.iter().flat_map(|&truth| [None, Some(truth == 1)]).collect();
        findings.extend([Some(true), None]);
        let mut logits = values.map(|value| [9.0, value]).concat();
        logits.extend([1.0, 7.0]);
        let targets = Targets::from_findings(["Edema", "Mass"], findings).unwrap();
        let logits = Logits::new(targets, logits).unwrap();
        let label = Temperature::fit_label(&logits, 1).unwrap();
        assert!((label.value - classes.value).abs() < 1e-6 && label.images == 6, "{label:?} {classes:?}");
        assert!((label.log_loss[1] - classes.log_loss[1]).abs() < 1e-12);
        let at = logits.at(label.value);
        assert!((at.row(0)[1] - 1.0 / (1.0 + (-3.0 / label.value).exp())).abs() < 1e-15);
    }

    #[test]
    fn the_binary_crossentropy_is_of_known_entries_and_never_clipped() {
        let targets =
            Targets::from_findings(["a", "b"], vec![Some(true), Some(false), None, Some(true)]).unwrap();
        let logits = Logits::new(targets, vec![2.0, -1.0, 9.0, -800.0]).unwrap();
        let expected = ((-2f64).exp().ln_1p() + (-1f64).exp().ln_1p() + 800.0) / 3.0;
        assert!((logits.binary_crossentropy().unwrap() - expected).abs() < 1e-12);
        let unknown = Targets::from_findings(["a"], vec![None]).unwrap();
        assert_eq!(Logits::new(unknown, vec![1.0]).unwrap().binary_crossentropy(), None);
        let classes = Logits::new(numbered_targets(2, vec![0]), vec![0.0; 2]).unwrap();
        assert_eq!(classes.binary_crossentropy(), None);
    }

    #[test]
    fn no_logit_is_too_large() {
        let huge = fit(2, &[0, 1, 1], &[f64::MAX, f64::MIN, -1.0, 1.0, f64::MAX, f64::MIN]);
        for value in [huge.value, huge.log_loss[0], huge.log_loss[1], huge.expected_calibration_error[1]] {
            assert!(value.is_finite(), "{huge:?}");
        }
    }
}
