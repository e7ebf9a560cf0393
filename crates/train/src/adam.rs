use model::{Checkpoint, Parameter};
use tch::Tensor;

use crate::Result;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-7;
/// Prefix of the moments' names in a checkpoint.
const FIRST: &str = "optimizer.first_moment.";
const SECOND: &str = "optimizer.second_moment.";
/// Number of elements that are updated together: few enough that moments and temporaries stay in the cache between operations.
const BLOCK: i64 = 1 << 20;

/// Keras' Adam (`keras/src/optimizers/adam.py`): β 0.9 and 0.999, ε 1e-7 outside of the bias correction ("epsilon
/// hat"): w -= m · lr · √(1-β₂ᵗ)/(1-β₁ᵗ) / (√v + ε). libtorch's Adam adds ε to the corrected √v, which differs.
///
/// With weight decay it is AdamW: before each step, kernels shrink by lr times the decay (`keras/src/optimizers/
/// base_optimizer.py`, `_apply_weight_decay`); biases and batch norm offsets do not, as in timm.
pub struct Adam {
    weight_decay: f64,
    step: u64,
    moments: Vec<Moments>,
}

/// Running means of a parameter's gradient and of its square.
struct Moments {
    name: String,
    first: Tensor,
    second: Tensor,
}

impl Adam {
    /// Creates an optimizer whose moments are zero.
    ///
    /// # Errors
    /// Errors of libtorch, such as too little memory.
    pub fn new(parameters: &[Parameter<'_>], weight_decay: f64) -> Result<Self> {
        let moments = parameters
            .iter()
            .map(|parameter| {
                Ok(Moments {
                    name: parameter.name.clone(),
                    first: parameter.tensor.f_zeros_like()?.f_set_requires_grad(false)?,
                    second: parameter.tensor.f_zeros_like()?.f_set_requires_grad(false)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { weight_decay, step: 0, moments })
    }

    /// Takes one step down the `gradients`, which are in the order of `parameters`; `learning_rate` gives the rate of each
    /// parameter.
    ///
    /// # Errors
    /// Errors of libtorch, such as gradients of other shapes.
    pub fn step(
        &mut self,
        parameters: &[Parameter<'_>],
        gradients: &[Tensor],
        learning_rate: &dyn Fn(&Parameter<'_>) -> f64,
    ) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.step += 1;
        let t = self.step as f64;
        let correction = (1.0 - BETA_2.powf(t)).sqrt() / (1.0 - BETA_1.powf(t));
        for ((parameter, gradient), moments) in parameters.iter().zip(gradients).zip(&self.moments) {
            let learning_rate = learning_rate(parameter);
            let alpha = learning_rate * correction;
            let decays = self.weight_decay > 0.0 && parameter.tensor.dim() > 1;
            let kept = decays.then_some(1.0 - learning_rate * self.weight_decay);
            let rows = block_rows(parameter.tensor);
            let blocks = parameter.tensor.f_split(rows, 0)?.into_iter();
            let gradients = gradient.f_split(rows, 0)?.into_iter();
            let first = moments.first.f_split(rows, 0)?.into_iter();
            let second = moments.second.f_split(rows, 0)?.into_iter();
            for (((mut w, g), mut m), mut v) in blocks.zip(gradients).zip(first).zip(second) {
                if let Some(kept) = kept {
                    let _ = w.f_mul_scalar_(kept)?;
                }
                let _ = m.f_lerp_(&g, 1.0 - BETA_1)?;
                let _ = v.f_lerp_(&g.f_mul(&g)?, 1.0 - BETA_2)?;
                let denominator = v.f_sqrt()?.f_add_scalar_(EPSILON)?.f_mul_scalar_(-1.0 / alpha)?;
                let _ = w.f_addcdiv_(&m, &denominator)?;
            }
        }
        Ok(())
    }

    /// Number of steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Restores the moments from a checkpoint and sets the number of steps.
    ///
    /// # Errors
    /// A moment that is missing or misshapen.
    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint, steps: u64) -> Result<()> {
        for Moments { name, first, second } in &mut self.moments {
            checkpoint.restore(&format!("{FIRST}{name}"), first)?;
            checkpoint.restore(&format!("{SECOND}{name}"), second)?;
        }
        self.step = steps;
        Ok(())
    }

    /// Copies both moments of every parameter, as a checkpoint stores them.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub fn tensors(&self) -> Result<Vec<model::NamedTensor>> {
        let mut tensors = Vec::with_capacity(2 * self.moments.len());
        for Moments { name, first, second } in &self.moments {
            tensors.push(model::NamedTensor::copy_of(format!("{FIRST}{name}"), first)?);
            tensors.push(model::NamedTensor::copy_of(format!("{SECOND}{name}"), second)?);
        }
        Ok(tensors)
    }
}

/// Counts the rows of a tensor that make up a block.
fn block_rows(tensor: &Tensor) -> i64 {
    let rows = tensor.size().first().copied().unwrap_or(1).max(1);
    (BLOCK * rows / (tensor.numel() as i64).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_keras_on_the_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/adam.json");
        let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (key, ours) in [("beta_1", BETA_1), ("beta_2", BETA_2), ("epsilon", EPSILON)] {
            assert_eq!(case[key].as_f64().unwrap(), ours, "{key}");
        }
        let list = |value: &serde_json::Value| -> Vec<f32> { serde_json::from_value(value.clone()).unwrap() };
        let tensor = Tensor::from_slice(&list(&case["start"]));
        let parameters = [Parameter { name: "w".to_owned(), is_pretrained: false, tensor: &tensor }];
        let mut adam = Adam::new(&parameters, 0.0).unwrap();
        let gradients = case["gradients"].as_array().unwrap();
        assert!(!gradients.is_empty());
        for (gradient, expected) in gradients.iter().zip(case["values"].as_array().unwrap()) {
            let gradient = Tensor::from_slice(&list(gradient));
            let rate = case["learning_rate"].as_f64().unwrap();
            adam.step(&parameters, &[gradient], &|_| rate).unwrap();
            let values: Vec<f32> = Vec::try_from(&tensor).unwrap();
            for (value, expected) in values.iter().zip(list(expected)) {
                assert!((value / expected - 1.0).abs() <= 1e-6, "{value} is not {expected}");
            }
        }
        assert_eq!(adam.steps(), gradients.len() as u64);
    }

    /// Kernels shrink before the step by lr times the decay; vectors do not.
    #[test]
    fn weight_decay_shrinks_kernels_only() {
        let (kernel, bias) =
            (Tensor::from_slice(&[2.0_f32, -4.0]).view([1, 2]), Tensor::from_slice(&[8.0_f32]));
        let parameters = [("k", &kernel), ("b", &bias)].map(|(name, tensor)| Parameter {
            name: name.to_owned(),
            is_pretrained: false,
            tensor,
        });
        let mut adam = Adam::new(&parameters, 0.5).unwrap();
        adam.step(&parameters, &[kernel.zeros_like(), bias.zeros_like()], &|_| 0.1).unwrap();
        let values: Vec<f32> = Vec::try_from(kernel.view([-1])).unwrap();
        assert!((values[0] - 1.9).abs() < 1e-6 && (values[1] + 3.8).abs() < 1e-6, "{values:?}");
        assert_eq!(f64::try_from(&bias).unwrap(), 8.0);
    }

    /// A tensor of many blocks takes the same steps as one of a single block.
    #[test]
    fn blocks_change_nothing() {
        let large = Tensor::arange(3 * BLOCK, (tch::Kind::Float, tch::Device::Cpu)).view([-1, 64]) * 1e-3;
        let small = large.narrow(0, 5, 2).copy();
        let gradient = (&large * 0.37).sin();
        for (tensor, gradient) in [(&large, gradient.shallow_clone()), (&small, gradient.narrow(0, 5, 2))] {
            let parameters = [Parameter { name: "w".to_owned(), is_pretrained: false, tensor }];
            let mut adam = Adam::new(&parameters, 0.0).unwrap();
            for _ in 0..3 {
                adam.step(&parameters, &[gradient.copy()], &|_| 0.001).unwrap();
            }
        }
        assert!(block_rows(&large) < large.size()[0]);
        assert_eq!(large.narrow(0, 5, 2), small);
    }
}
