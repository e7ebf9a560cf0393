use model::{Checkpoint, NamedTensor, Parameter};
use tch::Tensor;

use crate::Result;

/// Share of the old average at each step: Keras' `ema_momentum` (`keras/src/optimizers/base_optimizer.py`).
const MOMENTUM: f64 = 0.99;

/// Prefix of the raw weights' names in a checkpoint whose network holds the average.
const WEIGHTS: &str = "optimizer.weights.";

/// Weights that are validated and saved: raw or averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Averaging {
    /// Weights after the last step.
    None,
    /// Exponential moving average of the weights over the steps.
    Ema,
}

/// Exponential moving average (EMA) of the trained weights.
///
/// Its first steps count more, as in TensorFlow's `ExponentialMovingAverage(num_updates)`: the momentum of step t is
/// at most (1 + t) / (10 + t), so that the random weights of the start are soon forgotten.
pub(crate) struct MovingAverage {
    averages: Vec<Tensor>,
    steps: u64,
}

impl MovingAverage {
    pub(crate) fn new(parameters: &[Parameter<'_>]) -> Result<Self> {
        let copy = |parameter: &Parameter<'_>| Ok(parameter.tensor.f_detach_copy()?);
        Ok(Self { averages: parameters.iter().map(copy).collect::<Result<_>>()?, steps: 0 })
    }

    /// Updates the average with the weights after a step.
    pub(crate) fn update(&mut self, parameters: &[Parameter<'_>]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let t = self.steps as f64;
        let momentum = MOMENTUM.min((1.0 + t) / (10.0 + t));
        self.steps += 1;
        for (average, parameter) in self.averages.iter_mut().zip(parameters) {
            let _ = average.f_lerp_(parameter.tensor, 1.0 - momentum)?;
        }
        Ok(())
    }

    /// Swaps the average and the network's weights; the second call swaps them back.
    pub(crate) fn swap(&mut self, parameters: &[Parameter<'_>]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (average, parameter) in self.averages.iter_mut().zip(parameters) {
            let weights = parameter.tensor.f_detach_copy()?;
            parameter.tensor.shallow_clone().f_copy_(average)?;
            average.f_copy_(&weights)?;
        }
        Ok(())
    }

    /// Restores the average from a checkpoint that was written while swapped, and swaps back: the network then holds the
    /// weights.
    pub(crate) fn restore(
        &mut self,
        parameters: &[Parameter<'_>],
        checkpoint: &Checkpoint,
        steps: u64,
    ) -> Result<()> {
        for (average, parameter) in self.averages.iter_mut().zip(parameters) {
            checkpoint.restore(&format!("{WEIGHTS}{}", parameter.name), average)?;
        }
        self.steps = steps;
        self.swap(parameters)
    }

    /// Copies the raw weights, from which training continues; called while swapped.
    pub(crate) fn tensors(&self, parameters: &[Parameter<'_>]) -> Result<Vec<NamedTensor>> {
        let named = self.averages.iter().zip(parameters);
        named
            .map(|(tensor, parameter)| {
                Ok(NamedTensor::copy_of(format!("{WEIGHTS}{}", parameter.name), tensor)?)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tensor: &Tensor) -> f64 {
        f64::try_from(tensor).unwrap()
    }

    #[test]
    fn averages_and_swaps() {
        let weight = Tensor::from(1.0_f32);
        let parameters = [Parameter { name: "w".to_owned(), is_pretrained: false, tensor: &weight }];
        let mut average = MovingAverage::new(&parameters).unwrap();
        let mut expected = 1.0;
        for step in 0..2000_u32 {
            let new = f64::from(step % 7);
            let _ = weight.shallow_clone().fill_(new);
            average.update(&parameters).unwrap();
            let momentum = 0.99_f64.min((1.0 + f64::from(step)) / (10.0 + f64::from(step)));
            expected = expected * momentum + new * (1.0 - momentum);
        }
        average.swap(&parameters).unwrap();
        assert!((value(&weight) - expected).abs() < 1e-4, "{} is not {expected}", value(&weight));
        let kept = average.tensors(&parameters).unwrap();
        assert_eq!(
            (kept[0].name.as_str(), kept[0].values.as_slice()),
            ("optimizer.weights.w", [4.0].as_slice())
        );
        average.swap(&parameters).unwrap();
        assert_eq!(value(&weight), 4.0);
    }
}
