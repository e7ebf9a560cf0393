//! Convolution, batch norm without scale, ReLU: as training computes them, and folded into one convolution.

use tch::{Kind, Tensor};

use crate::{
    Result,
    stage::{Places, Statistics},
    tensors::Tensors,
};

/// Epsilon of Keras' batch norm (`BatchNormalization(scale=False, epsilon=1e-3)`), with which the weights were trained.
const EPSILON: f64 = 1e-3;
/// Share of a batch's statistics in the stored ones at each step: Keras' momentum is the rest, 0.99.
const NEW_SHARE: f64 = 0.01;

/// Convolution without bias, with the pool that belongs to it. Batch norm and ReLU always follow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conv {
    /// Name, unique in the network, as in the TorchScript file: `mixed_4.tower.conv_1`.
    pub(crate) name: String,
    /// Number of input channels.
    pub(crate) input: i64,
    /// Number of output channels.
    pub(crate) filters: i64,
    /// Kernel height and width.
    pub(crate) kernel: [i64; 2],
    /// Stride in both directions.
    pub(crate) stride: i64,
    /// Padding above and below, left and right.
    pub(crate) padding: [i64; 2],
    /// Pool before or after it.
    pub(crate) pool: Pool,
}

/// A 3×3 pool that belongs to a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    None,
    /// Before a 1×1 convolution: the mean of 3×3, stride 1, padding 1 not counted.
    AverageBefore,
    /// After batch norm and ReLU: the maximum of 3×3, stride 2.
    MaximumAfter,
}

/// Trainable unit: leaves with gradients, and stored statistics.
pub(crate) struct ConvBnAct {
    conv: Conv,
    weight: Tensor,
    beta: Tensor,
    mean: Tensor,
    variance: Tensor,
}

/// Names of a unit's four tensors in files: kernel, offset, stored mean and variance.
const PARTS: [&str; 4] = ["weight", "beta", "mean", "var"];

impl ConvBnAct {
    pub(crate) fn new(conv: &Conv, tensors: &mut Tensors) -> Result<Self> {
        let [weight, beta, mean, variance] = PARTS.map(|part| format!("{}.{part}", conv.name));
        let (kernel, filters) = ([conv.filters, conv.input, conv.kernel[0], conv.kernel[1]], [conv.filters]);
        Ok(Self {
            conv: conv.clone(),
            weight: tensors.take_leaf(&weight, &kernel)?,
            beta: tensors.take_leaf(&beta, &filters)?,
            mean: tensors.take(&mean, &filters)?,
            variance: tensors.take(&variance, &filters)?,
        })
    }

    /// Iterates over the trained tensors: kernel and offset.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.tensors().take(2)
    }

    /// Iterates over the tensors with their names, in the order of the file.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let tensors = [&self.weight, &self.beta, &self.mean, &self.variance];
        PARTS.into_iter().zip(tensors).map(|(part, tensor)| (format!("{}.{part}", self.conv.name), tensor))
    }

    /// Computes the output of the unit; `x` and the result are `[N, C, h, w]` of kind `compute`, channels-last.
    pub(crate) fn forward(&self, x: &Tensor, statistics: Statistics, compute: Kind) -> Result<Tensor> {
        match statistics {
            Statistics::Stored => self.fold(compute)?.forward(x),
            Statistics::Batch => {
                let y =
                    self.conv.averaged(self.conv.convolved(x, &self.weight.f_to_kind(compute)?, None)?)?;
                let none = None::<&Tensor>;
                let (y, mean, deviation) =
                    y.f_native_batch_norm(none, Some(&self.beta), none, none, true, 0.0, EPSILON)?;
                self.move_statistics(&mean, &deviation)?;
                self.conv.activated(y)
            }
        }
    }

    /// Makes a unit of these very tensors.
    #[cfg(test)]
    pub(crate) fn of(conv: &Conv, mut tensor: impl FnMut(&str) -> Tensor) -> Self {
        let [weight, beta, mean, variance] = PARTS.map(|part| tensor(&format!("{}.{part}", conv.name)));
        Self { conv: conv.clone(), weight, beta, mean, variance }
    }

    /// Computes the unit in the textbook's order with libtorch's own batch norm, to compare with.
    #[cfg(test)]
    pub(crate) fn plain(&self, x: &Tensor) -> Result<Tensor> {
        let x = match self.conv.pool {
            Pool::AverageBefore => x.f_avg_pool2d(3, 1, 1, false, false, None::<i64>)?,
            _ => x.shallow_clone(),
        };
        let x = self.conv.convolved(&x, &self.weight, None)?;
        let none = None::<&Tensor>;
        let x = x.f_batch_norm(none, Some(&self.beta), none, none, true, 0.0, EPSILON, false)?.f_relu()?;
        match self.conv.pool {
            Pool::MaximumAfter => Ok(x.f_max_pool2d(3, 2, 0, 1, false)?),
            _ => Ok(x),
        }
    }

    /// Updates the stored statistics by Keras' rule: `stored·0.99 + batch·0.01`, with the biased variance, the mean of
    /// squares about the mean (`keras/src/layers/normalization/batch_normalization.py`, `ops.moments`). libtorch's own
    /// rule takes the unbiased one, which is larger by 1/(n-1).
    ///
    /// `deviation`: 1/√(variance + ε), as libtorch keeps it for the backward pass.
    fn move_statistics(&self, mean: &Tensor, deviation: &Tensor) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let variance = deviation.f_pow_tensor_scalar(-2)?.f_sub_scalar(EPSILON)?;
        let _ = self.mean.shallow_clone().f_lerp_(mean, NEW_SHARE)?;
        let _ = self.variance.shallow_clone().f_lerp_(&variance, NEW_SHARE)?;
        Ok(())
    }

    /// Folds the unit with its stored statistics into one convolution; gradients reach its leaves through it.
    pub(crate) fn fold(&self, compute: Kind) -> Result<Folded> {
        let scale = self.variance.f_add_scalar(EPSILON)?.f_rsqrt()?;
        let weight = self.weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?.f_to_kind(compute)?;
        let bias = self.beta.f_sub(&self.mean.f_mul(&scale)?)?.f_to_kind(compute)?;
        Ok(Folded { conv: self.conv.clone(), weight, bias })
    }
}

/// Convolution with batch norm folded into it.
pub(crate) struct Folded {
    conv: Conv,
    weight: Tensor,
    bias: Tensor,
}

impl Folded {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.conv.convolved(x, &self.weight, Some(&self.bias))?;
        self.conv.activated(self.conv.averaged(y)?)
    }
}

impl Conv {
    /// Side of the convolution's output and of what its pool leaves of it. Paddings keep height and width alike: both lose the
    /// same or nothing.
    pub(crate) fn sides(&self, side: i64) -> [i64; 2] {
        let convolved = (side + 2 * self.padding[0] - self.kernel[0]) / self.stride + 1;
        [convolved, if self.pool == Pool::MaximumAfter { (convolved - 3) / 2 + 1 } else { convolved }]
    }

    /// Positions of the output's values on the image.
    pub(crate) fn places(&self, from: Places) -> Places {
        let at = from.slid(self.kernel[0], self.stride, self.padding[0]);
        if self.pool == Pool::MaximumAfter { at.slid(3, 2, 0) } else { at }
    }

    fn convolved(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        Ok(x.f_conv2d(weight, bias, self.stride, self.padding, 1, 1)?)
    }

    /// Averages 3×3 pixels after the 1×1 convolution instead of before it: the result is the same, on fewer channels.
    fn averaged(&self, y: Tensor) -> Result<Tensor> {
        match self.pool {
            Pool::AverageBefore => Ok(y.f_avg_pool2d(3, 1, 1, false, false, None::<i64>)?),
            _ => Ok(y),
        }
    }

    /// Applies the maximum before ReLU instead of after it: the result is the same, on a quarter of the elements.
    fn activated(&self, mut y: Tensor) -> Result<Tensor> {
        match self.pool {
            Pool::MaximumAfter => Ok(y.f_max_pool2d(3, 2, 0, 1, false)?.f_relu_()?),
            _ => Ok(y.f_relu_()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tch::Device;

    use super::*;

    /// Here a 1×1 identity convolution leaves only batch norm and ReLU.
    #[test]
    fn statistics_move_as_keras_moves_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/batch_norm.json");
        let case: HashMap<String, Vec<f32>> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let shape: Vec<i64> = case["shape"].iter().map(|&side| side as i64).collect();
        let channels = shape[3];
        let (pool, padding) = (Pool::None, [0, 0]);
        let conv = Conv {
            name: "unit".to_owned(),
            input: channels,
            filters: channels,
            kernel: [1, 1],
            stride: 1,
            padding,
            pool,
        };
        let identity = Tensor::eye(channels, (Kind::Float, Device::Cpu)).view([channels, channels, 1, 1]);
        let given = [("beta", "beta"), ("mean", "mean"), ("var", "variance")]
            .map(|(part, key)| (format!("unit.{part}"), Tensor::from_slice(&case[key])));
        let given: HashMap<String, Tensor> =
            given.into_iter().chain([("unit.weight".to_owned(), identity)]).collect();
        let shapes =
            ["weight", "beta", "mean", "var"].map(|part| (format!("unit.{part}"), Vec::new())).to_vec();
        let unit =
            ConvBnAct::new(&conv, &mut Tensors::fresh(&shapes, given, 28, Device::Cpu).unwrap()).unwrap();

        let x = Tensor::from_slice(&case["x"]).view(shape.as_slice()).permute([0, 3, 1, 2]);
        let output = unit.forward(&x, Statistics::Batch, Kind::Float).unwrap().permute([0, 2, 3, 1]);
        let close = |found: &Tensor, expected: &[f32], what: &str| {
            let found: Vec<f32> = Vec::try_from(found.contiguous().view([-1])).unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{what}: {found} is not {expected}");
            }
        };
        let positive: Vec<f32> = case["output"].iter().map(|value| value.max(0.0)).collect();
        close(&output, &positive, "output");
        close(&unit.mean, &case["new_mean"], "mean");
        close(&unit.variance, &case["new_variance"], "variance");
        // libtorch would store this: with 12 values a channel, the tests' tolerance separates the two.
        let unbiased =
            12.0 / 11.0 * (case["new_variance"][0] - 0.99 * case["variance"][0]) + 0.99 * case["variance"][0];
        assert!((unbiased - case["new_variance"][0]).abs() > 1e-3);
    }
}
