use tch::{Device, Kind, Tensor};

use crate::{
    Precision, Result,
    dropout::{self, Step},
    initialise::glorot_uniform,
};

/// The study's ConvNet: conv 32 3×3 ReLU, max pool 2, dropout 0.5, flatten, dense 256 ReLU, dense C.
///
/// Weights are stored as `[out, in, 3, 3]` and `[out, in]`; the flattened features run in the order height, width,
/// channel, as Keras flattens them.
pub(crate) struct ConvNet {
    conv_weight: Tensor,
    conv_bias: Tensor,
    hidden_weight: Tensor,
    hidden_bias: Tensor,
    output_weight: Tensor,
    output_bias: Tensor,
    compute: Kind,
}

const FILTERS: usize = 32;
const HIDDEN: usize = 256;
/// Images that are convolved and pooled together: their feature maps stay in the cache in between, forward and back.
const CHUNK: i64 = 50;

/// Names and shapes of the tensors, in the order of the network.
pub(crate) fn shapes(image_size: usize, n_classes: usize) -> Vec<(&'static str, Vec<usize>)> {
    let pooled = (image_size - 2) / 2;
    vec![
        ("conv.weight", vec![FILTERS, 3, 3, 3]),
        ("conv.bias", vec![FILTERS]),
        ("hidden.weight", vec![HIDDEN, pooled * pooled * FILTERS]),
        ("hidden.bias", vec![HIDDEN]),
        ("output.weight", vec![n_classes, HIDDEN]),
        ("output.bias", vec![n_classes]),
    ]
}

/// Keras' initial weights: Glorot uniform kernels, zero biases.
pub(crate) fn initial_values(image_size: usize, n_classes: usize, seed: u64) -> Vec<Vec<f32>> {
    shapes(image_size, n_classes)
        .into_iter()
        .enumerate()
        .map(|(index, (_, shape))| match shape[..] {
            [out, input, height, width] => {
                let field = height * width;
                glorot_uniform(out * input * field, input * field, out * field, seed, index as u64)
            }
            [out, input] => glorot_uniform(out * input, input, out, seed, index as u64),
            _ => vec![0.0; shape.iter().product()],
        })
        .collect()
}

impl ConvNet {
    /// Builds the network from tensors in the order of [`shapes`]; each becomes a leaf that gradients are taken of.
    pub(crate) fn new(tensors: Vec<Tensor>, precision: Precision, device: Device) -> Result<Self> {
        let mut leaves = tensors
            .into_iter()
            .map(|tensor| Ok(channels_last(&tensor.f_to_device(device)?)?.f_set_requires_grad(true)?))
            .collect::<Result<Vec<_>>>()?
            .into_iter();
        let mut next =
            || leaves.next().ok_or_else(|| crate::Error::Spec("the ConvNet has 6 tensors".to_owned()));
        Ok(Self {
            conv_weight: next()?,
            conv_bias: next()?,
            hidden_weight: next()?,
            hidden_bias: next()?,
            output_weight: next()?,
            output_bias: next()?,
            compute: match precision {
                Precision::F32 => Kind::Float,
                Precision::Bf16 => Kind::BFloat16,
            },
        })
    }

    /// The tensors, in the order of [`shapes`].
    pub(crate) fn tensors(&self) -> [&Tensor; 6] {
        [
            &self.conv_weight,
            &self.conv_bias,
            &self.hidden_weight,
            &self.hidden_bias,
            &self.output_weight,
            &self.output_bias,
        ]
    }

    /// `images`: f32 `[N, 3, S, S]`, scaled, channels-last in memory. Returns f32 logits `[N, C]`.
    ///
    /// The pool stands before bias and ReLU: both are monotonic, so the result is the same, on a quarter of the
    /// elements; and the bias' gradient, which libtorch sums slowly within a convolution's, costs next to nothing.
    pub(crate) fn forward(&self, images: &Tensor, dropout: Option<&Step>) -> Result<Tensor> {
        let cast = |tensor: &Tensor| tensor.f_to_kind(self.compute);
        let (kernel, bias) = (cast(&self.conv_weight)?, cast(&self.conv_bias)?.f_view([1, -1, 1, 1])?);
        let features = |images: &Tensor| -> Result<Tensor> {
            let (n, _, _, _) = images.size4()?;
            let x = cast(images)?.f_conv2d(&kernel, None::<&Tensor>, 1, 0, 1, 1)?;
            let x = x.f_max_pool2d(2, 2, 0, 1, false)?.f_add_(&bias)?.f_relu_()?;
            // Channels-last memory makes this order (height, width, channel) a view.
            Ok(x.f_permute([0, 2, 3, 1])?.f_reshape([n, -1])?)
        };
        let chunks = images.f_split(CHUNK, 0)?.iter().map(features).collect::<Result<Vec<_>>>()?;
        let mut x = Tensor::f_cat(&chunks, 0)?;
        if let Some(step) = dropout {
            x = dropout::half(&x, step, 0)?;
        }
        let (weight, bias) = (cast(&self.hidden_weight)?, cast(&self.hidden_bias)?);
        let x = match (self.compute, x.device()) {
            (Kind::Float, Device::Cpu) => dense(&x, &weight, &bias)?,
            _ => x.f_linear(&weight, Some(&bias))?,
        };
        let x = x.f_relu()?;
        Ok(x.f_to_kind(Kind::Float)?.f_linear(&self.output_weight, Some(&self.output_bias))?)
    }
}

/// `x · weightᵀ + bias` as a 1×1 convolution over a picture of N pixels, which is the same sum.
///
/// libtorch gives f32 products to MKL, which on AMD's processors leaves AVX-512 alone, and convolutions to oneDNN, which
/// uses it: with MKL a training step took a third longer.
fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let ((n, input), (output, _)) = (x.size2()?, weight.size2()?);
    let pixels = x.f_view([1, n, 1, input])?.f_permute([0, 3, 1, 2])?;
    let y = pixels.f_conv2d(&weight.f_view([output, input, 1, 1])?, Some(bias), 1, 0, 1, 1)?;
    Ok(y.f_permute([0, 2, 3, 1])?.f_reshape([n, output])?)
}

/// The same values, laid out with channels last where the tensor has four dimensions: convolutions read that faster.
fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dim() != 4 {
        return Ok(tensor.f_contiguous()?);
    }
    Ok(tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}
