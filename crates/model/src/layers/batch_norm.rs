use tch::{Kind, Tensor};

use super::{
    NonLinearity,
    layer::{Layer, MapSize},
};
use crate::{
    Result,
    stage::{Pass, Places, Prepared, Statistics, cast},
    tensors::Tensors,
};

/// Constants of a batch norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BatchNormRule {
    /// Number added to the variance.
    pub(crate) epsilon: f64,
    /// Share of a batch's statistics in the stored ones at each step, PyTorch's `momentum`.
    pub(crate) new_share: f64,
}

impl BatchNormRule {
    /// PyTorch's defaults (`torch/nn/modules/batchnorm.py`).
    pub(crate) const TORCH: Self = Self { epsilon: 1e-5, new_share: 0.1 };
}

/// Batch norm with scale and offset, as PyTorch computes it: the stored variance is the unbiased one.
pub(crate) struct BatchNorm {
    name: String,
    rule: BatchNormRule,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
}

/// Names of a batch norm's tensors, as PyTorch's.
const PARTS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl BatchNorm {
    pub(crate) fn new(name: &str, channels: i64, rule: BatchNormRule, tensors: &mut Tensors) -> Result<Self> {
        let [weight, bias, mean, variance] = PARTS.map(|part| format!("{name}.{part}"));
        Ok(Self {
            name: name.to_owned(),
            rule,
            weight: tensors.take_leaf(&weight, &[channels])?,
            bias: tensors.take_leaf(&bias, &[channels])?,
            mean: tensors.take(&mean, &[channels])?,
            variance: tensors.take(&variance, &[channels])?,
        })
    }

    pub(crate) fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let tensors = [&self.weight, &self.bias, &self.mean, &self.variance];
        PARTS.into_iter().zip(tensors).map(|(part, tensor)| (format!("{}.{part}", self.name), tensor))
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.tensors().take(2)
    }

    /// Normalises `x` with the statistics of the batch, which the stored ones follow. A single value a channel has no variance:
    /// then the stored ones are used.
    pub(crate) fn of_batch(&self, x: &Tensor) -> Result<Tensor> {
        let (n, _, height, width) = x.size4()?;
        if n * height * width == 1 {
            let [scale, shift] = self.stored(x.kind())?;
            return Ok(shift.f_addcmul(x, &scale)?);
        }
        let [weight, bias, mean, variance] = [&self.weight, &self.bias, &self.mean, &self.variance].map(Some);
        let BatchNormRule { epsilon, new_share } = self.rule;
        Ok(x.f_batch_norm(weight, bias, mean, variance, true, new_share, epsilon, false)?)
    }

    /// Returns factor and summand of each channel by the stored statistics, with gradients to the trained tensors.
    pub(crate) fn scale_and_shift(&self) -> Result<[Tensor; 2]> {
        let scale = self.weight.f_mul(&self.variance.f_add_scalar(self.rule.epsilon)?.f_rsqrt()?)?;
        let shift = self.bias.f_sub(&self.mean.f_mul(&scale)?)?;
        Ok([scale, shift])
    }

    /// Casts factor and summand by the stored statistics, each `[1, C, 1, 1]`.
    fn stored(&self, compute: Kind) -> Result<[Tensor; 2]> {
        let [scale, shift] = self.scale_and_shift()?;
        let shaped =
            |tensor: Tensor| cast(&tensor, compute).and_then(|tensor| Ok(tensor.f_view([1, -1, 1, 1])?));
        Ok([shaped(scale)?, shaped(shift)?])
    }
}

/// Batch norm on its own, where no convolution stands right before it, and a non-linearity.
pub(crate) struct BatchNormAct {
    pub(crate) norm: BatchNorm,
    pub(crate) after: NonLinearity,
}

impl Layer for BatchNormAct {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.norm.tensors().collect()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.norm.parameters().collect()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        match pass.statistics {
            Statistics::Batch => self.after.apply_to(self.norm.of_batch(x)?),
            Statistics::Stored => {
                let [scale, shift] = self.norm.stored(pass.compute)?;
                self.after.apply_to(shift.f_addcmul(x, &scale)?)
            }
        }
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        let ([scale, shift], after) = (self.norm.stored(compute)?, self.after);
        Ok(Box::new(move |x| after.apply_to(shift.f_addcmul(x, &scale)?)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        from
    }

    fn kept(&self, from: MapSize) -> i64 {
        from.values()
    }

    fn places(&self, from: Places) -> Places {
        from
    }
}
