use tch::{Kind, Tensor};

use super::{
    BatchNorm, BatchNormRule, NonLinearity,
    layer::{Layer, MapSize},
};
use crate::{
    Result,
    stage::{Pass, Places, Prepared, Statistics, cast},
    tensors::Tensors,
};

/// Shape of a convolution with a square kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvShape {
    /// Channels that it takes and makes.
    pub(crate) channels: [i64; 2],
    /// Side of the kernel.
    pub(crate) kernel: i64,
    pub(crate) stride: i64,
    /// Groups of channels that are convolved apart; as many as channels in a depthwise convolution.
    pub(crate) groups: i64,
    pub(crate) padding: Padding,
}

/// Padding of a convolution with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Half of the kernel on every side, as PyTorch's networks have it.
    Half,
    /// So that the output has ⌈side / stride⌉ pixels, with the odd pixel at the right and the bottom: TensorFlow's `SAME`.
    Same,
}

impl ConvShape {
    /// Makes the shape of a convolution that keeps the side and groups no channels, padded by half of its kernel.
    pub(crate) const fn new(channels: [i64; 2], kernel: i64) -> Self {
        Self { channels, kernel, stride: 1, groups: 1, padding: Padding::Half }
    }

    /// Sets the stride.
    pub(crate) const fn strided(self, stride: i64) -> Self {
        Self { stride, ..self }
    }

    /// Returns the pixels of padding before and behind maps of this side.
    fn pad(&self, side: i64) -> [i64; 2] {
        match self.padding {
            Padding::Half => [self.kernel / 2; 2],
            Padding::Same => {
                let outputs = (side + self.stride - 1) / self.stride;
                let all = ((outputs - 1) * self.stride + self.kernel - side).max(0);
                [all / 2, all - all / 2]
            }
        }
    }

    fn convolve(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (_, _, height, width) = x.size4()?;
        let [[top, bottom], [left, right]] = [height, width].map(|side| self.pad(side));
        if top == bottom && left == right {
            return Ok(x.f_conv2d(weight, bias, self.stride, [top, left], 1, self.groups)?);
        }
        let padded = x.f_constant_pad_nd([left, right, top, bottom])?;
        Ok(padded.f_conv2d(weight, bias, self.stride, 0, 1, self.groups)?)
    }

    fn output(&self, from: MapSize) -> MapSize {
        let [before, behind] = self.pad(from.side);
        let side = ((from.side + before + behind - self.kernel) / self.stride + 1).max(0);
        MapSize { channels: self.channels[1], side }
    }
}

/// Convolution without bias, batch norm with scale, and a non-linearity. With stored statistics the norm is folded into the
/// convolution.
pub(crate) struct ConvNormAct {
    name: String,
    shape: ConvShape,
    weight: Tensor,
    norm: BatchNorm,
    after: NonLinearity,
}

impl ConvNormAct {
    /// Takes the tensors of the convolution `conv` and of the norm `norm`.
    pub(crate) fn new(
        [conv, norm]: [&str; 2],
        shape: ConvShape,
        rule: BatchNormRule,
        after: NonLinearity,
        tensors: &mut Tensors,
    ) -> Result<Self> {
        Ok(Self {
            name: format!("{conv}.weight"),
            shape,
            weight: take_kernel(conv, &shape, tensors)?,
            norm: BatchNorm::new(norm, shape.channels[1], rule, tensors)?,
            after,
        })
    }

    /// Folds the norm with its stored statistics; gradients reach the trained tensors through it.
    fn fold(&self, compute: Kind) -> Result<[Tensor; 2]> {
        let [scale, shift] = self.norm.scale_and_shift()?;
        let weight = self.weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?;
        Ok([cast(&weight, compute)?, cast(&shift, compute)?])
    }
}

fn take_kernel(name: &str, shape: &ConvShape, tensors: &mut Tensors) -> Result<Tensor> {
    let ConvShape { channels: [input, output], kernel, groups, .. } = *shape;
    tensors.take_leaf(&format!("{name}.weight"), &[output, input / groups, kernel, kernel])
}

impl Layer for ConvNormAct {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        [(self.name.clone(), &self.weight)].into_iter().chain(self.norm.tensors()).collect()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        [(self.name.clone(), &self.weight)].into_iter().chain(self.norm.parameters()).collect()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let y = match pass.statistics {
            Statistics::Batch => {
                let weight = self.weight.f_to_kind(pass.compute)?;
                self.norm.of_batch(&self.shape.convolve(x, &weight, None)?)?
            }
            Statistics::Stored => {
                let [weight, bias] = self.fold(pass.compute)?;
                self.shape.convolve(x, &weight, Some(&bias))?
            }
        };
        self.after.apply_to(y)
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        let ([weight, bias], shape, after) = (self.fold(compute)?, self.shape, self.after);
        Ok(Box::new(move |x| after.apply_to(shape.convolve(x, &weight, Some(&bias))?)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        self.shape.output(from)
    }

    /// Counts the outputs of convolution and batch norm, and the copy that ReLU6 keeps of its input.
    fn kept(&self, from: MapSize) -> i64 {
        let maps = if self.after == NonLinearity::Relu6 { 3 } else { 2 };
        maps * self.output(from).values()
    }

    fn places(&self, from: Places) -> Places {
        let ConvShape { kernel, stride, padding, .. } = self.shape;
        match padding {
            Padding::Half => from.slid(kernel, stride, kernel / 2),
            // An even side has one pixel less before it than behind.
            Padding::Same => from.slid(kernel, stride, (kernel - stride).max(0) / 2),
        }
    }
}

/// Convolution without bias, norm or non-linearity.
pub(crate) struct PlainConv {
    name: String,
    shape: ConvShape,
    weight: Tensor,
}

impl PlainConv {
    pub(crate) fn new(name: &str, shape: ConvShape, tensors: &mut Tensors) -> Result<Self> {
        Ok(Self { name: format!("{name}.weight"), shape, weight: take_kernel(name, &shape, tensors)? })
    }
}

impl Layer for PlainConv {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        vec![(self.name.clone(), &self.weight)]
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.tensors()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.shape.convolve(x, &cast(&self.weight, pass.compute)?, None)
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        // A copy: the trained tensor changes.
        let (weight, shape) = (self.weight.f_detach_copy()?.f_to_kind(compute)?, self.shape);
        Ok(Box::new(move |x| shape.convolve(x, &weight, None)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        self.shape.output(from)
    }

    fn kept(&self, from: MapSize) -> i64 {
        self.output(from).values()
    }

    fn places(&self, from: Places) -> Places {
        from.slid(self.shape.kernel, self.shape.stride, self.shape.kernel / 2)
    }
}
