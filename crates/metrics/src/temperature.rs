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
    /// Takes true classes and `logits`, `[N, C]` row by row, finite; beyond ±1e300 they count as that, so that none becomes
    /// infinite at a low temperature.
    ///
    /// # Errors
    /// Labels that do not exclude each other; shapes that do not fit; a logit that is not finite.
    pub fn new(targets: Targets, logits: Vec<f64>) -> Result<Self, ScoresError> {
        if targets.task() != Task::MultiClass {
            return Err(ScoresError::Task(targets.task()));
        }
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

    /// The probabilities at a temperature: softmax of logits / T.
    pub fn at(&self, temperature: f64) -> Scores {
        let probabilities = self.rows().flat_map(|(_, row)| softmax(row, temperature)).collect();
        Scores::from_finite(self.targets.clone(), probabilities)
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
    /// Mean of -ln p of the true class at T = 1 and at T, in nats, on the images fitted to.
    pub log_loss: [f64; 2],
    /// Expected calibration error at T = 1 and at T, in `[0, 1]`, on the images fitted to.
    pub expected_calibration_error: [f64; 2],
}

const LOG_BOUND: f64 = 4.0;

impl Temperature {
    /// Fits ln T in `[-4, 4]` to 1e-10 by Brent's method. Log loss has one valley in ln T, since it is convex in 1/T.
    ///
    /// # Errors
    /// No images.
    pub fn fit(logits: &Logits) -> Result<Self, Undefined> {
        let loss = |log: f64| logits.log_loss(log.exp());
        let calibration_error = |temperature| {
            Reliability::new(&logits.at(temperature)).expected_calibration_error().ok_or(Undefined::NoImages)
        };
        let (images, error_before) = (logits.len(), calibration_error(1.0)?);
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
        let refused = Logits::new(findings, vec![0.0]).unwrap_err();
        assert_eq!(refused.to_string(), "logits of `multi-label` predictions cannot be calibrated");
    }

    #[test]
    fn no_logit_is_too_large() {
        let huge = fit(2, &[0, 1, 1], &[f64::MAX, f64::MIN, -1.0, 1.0, f64::MAX, f64::MIN]);
        for value in [huge.value, huge.log_loss[0], huge.log_loss[1], huge.expected_calibration_error[1]] {
            assert!(value.is_finite(), "{huge:?}");
        }
    }
}
