//! Training losses: of one class of several, and of findings of which some are unknown.

use data::Sample;
use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

/// Training loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// Keras' categorical crossentropy, multiplied by each class's weight, `[C]`.
    Crossentropy(Vec<f64>),
    /// Binary crossentropy; a positive entry's is multiplied by its label's weight, `[L]`, where there are weights
    /// (`pos_weight` of `torch.nn.BCEWithLogitsLoss`).
    BinaryCrossentropy(Option<Vec<f64>>),
    /// Focal loss with gamma 2 and no alpha (Lin and others 2017, arXiv 1708.02002; `torchvision.ops.sigmoid_focal_loss`).
    Focal,
    /// Asymmetric loss with gamma 4 for negative entries, 1 for positive ones and a margin of 0.05 (Ridnik and others 2021,
    /// arXiv 2009.14119; `AsymmetricLoss` of the authors, with the focal weight constant in the gradient).
    Asymmetric,
}

/// Focusing parameter of the focal loss.
const GAMMA: f64 = 2.0;
/// Focusing parameters of the asymmetric loss.
const GAMMA_POSITIVE: f64 = 1.0;
const GAMMA_NEGATIVE: f64 = 4.0;
/// Margin by which the asymmetric loss shifts the probabilities of negative entries.
const MARGIN: f64 = 0.05;
/// Least probability whose logarithm the asymmetric loss takes.
const LEAST: f64 = 1e-8;
/// Largest weight of positive entries.
pub const MAX_POS_WEIGHT: f64 = 100.0;

/// True answers of a batch, on the network's device.
pub(crate) enum BatchTargets {
    /// Class indices i64 `[N]` and their weights f32 `[N]`.
    Classes { classes: Tensor, weights: Tensor },
    /// Findings f32 `[N, L]`, 0 where unknown; 1 where known and 0 where not, f32 `[N, L]`; and the number of known entries.
    Findings { values: Tensor, known: Tensor, count: usize },
}

impl BatchTargets {
    /// Takes the answers of these samples.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub(crate) fn new<'a>(
        samples: impl Iterator<Item = &'a Sample> + Clone,
        loss: &Loss,
        device: Device,
    ) -> Result<Self> {
        if let Loss::Crossentropy(weights) = loss {
            let classes = samples.clone().filter_map(Sample::class);
            let of = |class: usize| weights.get(class).map_or(1.0, |&weight| weight as f32);
            let (classes, weights): (Vec<i64>, Vec<f32>) =
                classes.map(|class| (class as i64, of(class))).unzip();
            return Ok(Self::Classes {
                classes: Tensor::f_from_slice(&classes)?.f_to_device(device)?,
                weights: Tensor::f_from_slice(&weights)?.f_to_device(device)?,
            });
        }
        let n = samples.clone().count();
        let findings = samples.flat_map(|sample| sample.annotation.findings());
        let entry = |finding: &data::Finding| match finding.value {
            Some(value) => (f32::from(u8::from(value)), 1.0),
            None => (0.0, 0.0),
        };
        let (values, known): (Vec<f32>, Vec<f32>) = findings.map(entry).unzip();
        let count = known.iter().filter(|known| **known > 0.0).count();
        let rows = |values: &[f32]| {
            let columns = values.len().checked_div(n).unwrap_or_default();
            Ok::<_, Error>(
                Tensor::f_from_slice(values)?.f_view([n as i64, columns as i64])?.f_to_device(device)?,
            )
        };
        Ok(Self::Findings { values: rows(&values)?, known: rows(&known)?, count })
    }

    /// Number of answers that a mean over the batch is of: images of classes, known entries of findings.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Classes { classes, .. } => classes.numel(),
            Self::Findings { count, .. } => *count,
        }
    }
}

impl Loss {
    /// Computes the mean loss of a batch with f32 logits `[N, L]`: over images of classes, over known entries of findings.
    ///
    /// # Errors
    /// Answers of the other task, or without a known entry; errors of libtorch.
    pub(crate) fn of_batch(&self, logits: &Tensor, targets: &BatchTargets) -> Result<Tensor> {
        match (self, targets) {
            (Self::Crossentropy(_), BatchTargets::Classes { classes, weights }) => {
                weighted_crossentropy(logits, classes, weights)
            }
            (Self::Crossentropy(_), _) | (_, BatchTargets::Classes { .. }) => {
                Err(Error::Config("the loss is of another task than the images".to_owned()))
            }
            (_, BatchTargets::Findings { count: 0, .. }) => {
                Err(Error::Config("a batch without a known finding has no loss".to_owned()))
            }
            (_, BatchTargets::Findings { values, known, count }) => {
                let losses = self.of_entries(logits, values)?;
                Ok(losses.f_mul(known)?.f_sum(Kind::Float)?.f_div_scalar(*count as f64)?)
            }
        }
    }

    /// Loss of each entry, f32 `[N, L]`.
    fn of_entries(&self, logits: &Tensor, values: &Tensor) -> Result<Tensor> {
        match self {
            Self::Crossentropy(_) => Err(Error::Config("classes have no entries".to_owned())),
            Self::BinaryCrossentropy(weights) => {
                let weights = match weights {
                    Some(weights) => {
                        let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
                        Some(Tensor::f_from_slice(&weights)?.f_to_device(logits.device())?)
                    }
                    None => None,
                };
                binary_crossentropy(logits, values, weights.as_ref())
            }
            Self::Focal => {
                // Logit of the wrong answer: its logistic function is 1 - p_t.
                let sign = values.f_mul_scalar(-2.0)?.f_add_scalar(1.0)?;
                let wrong = logits.f_mul(&sign)?.f_sigmoid()?;
                let weight = wrong.f_pow_tensor_scalar(GAMMA)?;
                Ok(binary_crossentropy(logits, values, None)?.f_mul(&weight)?)
            }
            Self::Asymmetric => {
                let positive = logits.f_sigmoid()?;
                let negative = positive.f_neg()?.f_add_scalar(1.0 + MARGIN)?.f_clamp_max(1.0)?;
                let is_negative = values.f_neg()?.f_add_scalar(1.0)?;
                let right = positive.f_mul(values)?.f_add(&negative.f_mul(&is_negative)?)?;
                let exponent =
                    values.f_mul_scalar(GAMMA_POSITIVE)?.f_add(&is_negative.f_mul_scalar(GAMMA_NEGATIVE)?)?;
                let weight = right.f_detach()?.f_neg()?.f_add_scalar(1.0)?.f_pow(&exponent)?;
                let logarithm = right.f_clamp_min(LEAST)?.f_log()?;
                Ok(logarithm.f_mul(&weight)?.f_neg()?)
            }
        }
    }
}

/// Binary crossentropy of each entry with logits, f32 `[N, L]`, without overflow; `weights` `[L]` multiplies that of positive
/// entries.
fn binary_crossentropy(logits: &Tensor, values: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    Ok(logits.f_binary_cross_entropy_with_logits::<&Tensor>(values, None, weights, tch::Reduction::None)?)
}

/// Computes Keras' class-weighted categorical crossentropy: Σ wᵢ·CEᵢ / N, divided by the number of images, not by the sum
/// of weights (`keras/src/losses/loss.py`). The gradient comes from log-softmax.
///
/// `logits`: f32 `[N, C]`; `labels`: i64 `[N]`; `weights`: f32 `[N]`.
///
/// # Errors
/// Errors of libtorch, such as other shapes.
pub fn weighted_crossentropy(logits: &Tensor, labels: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let log_probabilities = logits.f_log_softmax(1, Kind::Float)?;
    let picked = log_probabilities.f_gather(1, &labels.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
    Ok(picked.f_mul(weights)?.f_neg()?.f_mean(Kind::Float)?)
}

/// Computes the weight of each label's positive entries: known negative images by known positive ones, at most
/// [`MAX_POS_WEIGHT`]; 1 for a label without a positive image. `counts` are positive and negative images of the training
/// part.
pub fn pos_weights(counts: &[(usize, usize)]) -> Vec<f64> {
    let weight = |&(positive, negative): &(usize, usize)| match positive {
        0 => 1.0,
        _ => (negative as f64 / positive as f64).min(MAX_POS_WEIGHT),
    };
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use data::{Annotation, Finding, Mark};

    use super::*;

    fn sample(values: &[Option<u8>]) -> Sample {
        let finding = |value: &Option<u8>| match value {
            Some(value) => Finding::known(*value == 1),
            None => Finding { mark: Mark::Blank, value: None },
        };
        let annotation = Annotation::Findings(values.iter().map(finding).collect());
        Sample { annotation, ..Sample::new(PathBuf::new(), String::new(), 0) }
    }

    /// PyTorch's values in f64, see `make_multilabel_losses.py`.
    #[test]
    fn losses_and_gradients_are_pytorchs_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/multilabel_losses.json");
        let reference: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut compared = 0;
        for case in reference["cases"].as_array().unwrap() {
            let logits: Vec<Vec<f32>> = serde_json::from_value(case["logits"].clone()).unwrap();
            let targets: Vec<Vec<Option<u8>>> = serde_json::from_value(case["targets"].clone()).unwrap();
            let weights: Vec<f64> = serde_json::from_value(case["pos_weight"].clone()).unwrap();
            let samples: Vec<Sample> = targets.iter().map(|row| sample(row)).collect();
            for (key, loss) in [
                ("binary_crossentropy", Loss::BinaryCrossentropy(None)),
                ("weighted_binary_crossentropy", Loss::BinaryCrossentropy(Some(weights))),
                ("focal", Loss::Focal),
                ("asymmetric", Loss::Asymmetric),
            ] {
                let x = Tensor::from_slice(&logits.concat())
                    .view([logits.len() as i64, logits[0].len() as i64])
                    .set_requires_grad(true);
                let targets = BatchTargets::new(samples.iter(), &loss, Device::Cpu).unwrap();
                let value = loss.of_batch(&x, &targets).unwrap();
                let expected = &case["losses"][key];
                let found = f64::try_from(&value).unwrap();
                assert!(
                    (found - expected["loss"].as_f64().unwrap()).abs() < 1e-6,
                    "{key}: {found} is not {expected}"
                );
                value.backward();
                let gradient = Vec::<f32>::try_from(x.grad().flatten(0, -1)).unwrap();
                let rows: Vec<Vec<f64>> = serde_json::from_value(expected["gradient"].clone()).unwrap();
                for (found, expected) in gradient.iter().zip(rows.concat()) {
                    assert!((f64::from(*found) - expected).abs() < 1e-6, "{key}: {found} is not {expected}");
                }
                compared += 1;
            }
        }
        assert!(compared >= 24, "{compared}");
    }

    #[test]
    fn a_batch_without_a_known_finding_and_one_of_another_task_have_no_loss() {
        let loss = Loss::BinaryCrossentropy(None);
        let unknown = [sample(&[None, None])];
        let targets = BatchTargets::new(unknown.iter(), &loss, Device::Cpu).unwrap();
        assert_eq!(targets.count(), 0);
        let logits = Tensor::zeros([1, 2], (Kind::Float, Device::Cpu));
        let error = loss.of_batch(&logits, &targets).unwrap_err().to_string();
        assert!(error.contains("without a known finding"), "{error}");
        let error = Loss::Crossentropy(vec![1.0; 2]).of_batch(&logits, &targets).unwrap_err().to_string();
        assert!(error.contains("another task"), "{error}");
    }

    #[test]
    fn rare_findings_weigh_more_up_to_a_bound() {
        assert_eq!(pos_weights(&[(10, 30), (1, 1000), (0, 50), (20, 10)]), [3.0, 100.0, 1.0, 0.5]);
    }
}
