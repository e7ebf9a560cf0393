use tch::{Device, Kind, Tensor};

use crate::{
    Freeze, Mode, Precision, Result, dropout,
    network::{self, Maps, Network, Parameter, Places, PreparedHead, Shapes, Tensors},
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
/// Number of images that are convolved and pooled together, so that their feature maps stay in the cache, forward and back.
const CHUNK: i64 = 50;

/// Returns names and shapes of the tensors, in the order of the network.
pub(crate) fn shapes(image_size: usize, n_classes: usize) -> Shapes {
    let pooled = (image_size - 2) / 2;
    let shapes = [
        ("conv.weight", vec![FILTERS, 3, 3, 3]),
        ("conv.bias", vec![FILTERS]),
        ("hidden.weight", vec![HIDDEN, pooled * pooled * FILTERS]),
        ("hidden.bias", vec![HIDDEN]),
        ("output.weight", vec![n_classes, HIDDEN]),
        ("output.bias", vec![n_classes]),
    ];
    shapes.map(|(name, shape)| (name.to_owned(), shape)).to_vec()
}

impl ConvNet {
    pub(crate) fn new(tensors: &mut Tensors, precision: Precision) -> Result<Self> {
        let mut next = |name| tensors.take_leaf(name);
        Ok(Self {
            conv_weight: next("conv.weight")?,
            conv_bias: next("conv.bias")?,
            hidden_weight: next("hidden.weight")?,
            hidden_bias: next("hidden.bias")?,
            output_weight: next("output.weight")?,
            output_bias: next("output.bias")?,
            compute: network::kind(precision),
        })
    }

    /// Computes f32 logits `[N, C]` of `images`: f32 `[N, 3, S, S]`, scaled, channels-last in memory.
    fn logits(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut x = Tensor::f_cat(&self.chunks(images, flat)?, 0)?;
        if let Mode::Train(step) = mode {
            x = dropout::half(&x, &step, 0)?;
        }
        self.of_features(&x)
    }

    /// Computes the pooled maps `[n, 32, h, w]`, [`CHUNK`] images at a time, and passes each chunk through `to`.
    ///
    /// The pool stands before bias and ReLU: both are monotonic, so the result is the same, on a quarter of the
    /// elements; and the bias' gradient, which libtorch sums slowly within a convolution's, costs next to nothing.
    fn chunks(&self, images: &Tensor, to: impl Fn(Tensor) -> Result<Tensor>) -> Result<Vec<Tensor>> {
        let cast = |tensor: &Tensor| tensor.f_to_kind(self.compute);
        let (kernel, bias) = (cast(&self.conv_weight)?, cast(&self.conv_bias)?.f_view([1, -1, 1, 1])?);
        let maps = |images: &Tensor| {
            let x = cast(images)?.f_conv2d(&kernel, None::<&Tensor>, 1, 0, 1, 1)?;
            to(x.f_max_pool2d(2, 2, 0, 1, false)?.f_add_(&bias)?.f_relu_()?)
        };
        images.f_split(CHUNK, 0)?.iter().map(maps).collect()
    }

    /// Runs the dense layers on flattened maps.
    fn of_features(&self, x: &Tensor) -> Result<Tensor> {
        let cast = |tensor: &Tensor| tensor.f_to_kind(self.compute);
        let (weight, bias) = (cast(&self.hidden_weight)?, cast(&self.hidden_bias)?);
        let x = match (self.compute, x.device()) {
            (Kind::Float, Device::Cpu) => dense(x, &weight, &bias)?,
            _ => x.f_linear(&weight, Some(&bias))?,
        };
        let x = x.f_relu()?;
        Ok(x.f_to_kind(Kind::Float)?.f_linear(&self.output_weight, Some(&self.output_bias))?)
    }
}

/// Estimates the bytes of activations that a training step keeps of one image.
pub(crate) fn activation_bytes(image_size: usize) -> u64 {
    (image_size.saturating_sub(2).pow(2) * FILTERS * 4 * 3) as u64
}

/// Flattens maps in the order height, width, channel; with channels-last memory this is a view.
fn flat(maps: Tensor) -> Result<Tensor> {
    let (n, _, _, _) = maps.size4()?;
    Ok(maps.f_permute([0, 2, 3, 1])?.f_reshape([n, -1])?)
}

/// Pixels of the pooled values: each covers 4×4 pixels, and the next one begins 2 pixels further.
const PLACES: Places = Places { first: 2.0, step: 2.0 };

impl Network for ConvNet {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        vec![
            ("conv.weight".to_owned(), &self.conv_weight),
            ("conv.bias".to_owned(), &self.conv_bias),
            ("hidden.weight".to_owned(), &self.hidden_weight),
            ("hidden.bias".to_owned(), &self.hidden_bias),
            ("output.weight".to_owned(), &self.output_weight),
            ("output.bias".to_owned(), &self.output_bias),
        ]
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        self.tensors()
            .into_iter()
            .map(|(name, tensor)| Parameter { name, is_pretrained: false, tensor })
            .collect()
    }

    fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()> {
        match freeze {
            Freeze::None if !batch_norm => Ok(()),
            _ => Err(crate::Error::Spec(
                "the ConvNet has no pretrained part, and no batch norm, to freeze".to_owned(),
            )),
        }
    }

    fn is_frozen(&self) -> bool {
        false
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(images.shallow_clone())
    }

    fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        self.logits(features, mode)
    }

    /// Output of the pool, which is the dense layers' whole input.
    fn maps(&self, images: &Tensor) -> Result<Option<Maps>> {
        let _guard = tch::no_grad_guard();
        Ok(Some(Maps { values: Tensor::f_cat(&self.chunks(images, Ok)?, 0)?, places: [PLACES; 2] }))
    }

    fn of_maps(&self, maps: &Tensor) -> Result<Tensor> {
        self.of_features(&flat(maps.f_to_kind(self.compute)?)?)
    }

    /// Counts convolved maps with their gradient, pooled ones with indices, masks and gradients.
    fn activation_bytes(&self, batch: usize, image_size: usize) -> u64 {
        activation_bytes(image_size).saturating_mul(batch as u64)
    }

    fn prepare(&self) -> Result<PreparedHead<'_>> {
        Ok(Box::new(|images| self.logits(images, Mode::Evaluate)))
    }

    /// Runs all images in one piece, and libtorch's own matrix products: chunks and [`dense`] serve speed only.
    fn graph(&self) -> Result<PreparedHead<'_>> {
        let _guard = tch::no_grad_guard();
        let cast = |tensor: &Tensor| network::cast(tensor, self.compute);
        let (kernel, bias) = (cast(&self.conv_weight)?, cast(&self.conv_bias)?.f_view([1, -1, 1, 1])?);
        let (hidden_weight, hidden_bias) = (cast(&self.hidden_weight)?, cast(&self.hidden_bias)?);
        Ok(Box::new(move |images| {
            let x = cast(images)?.f_conv2d(&kernel, None::<&Tensor>, 1, 0, 1, 1)?;
            let x = x.f_max_pool2d(2, 2, 0, 1, false)?.f_add(&bias)?.f_relu()?;
            let x = x.f_permute([0, 2, 3, 1])?.f_flatten(1, -1)?;
            let x = x.f_linear(&hidden_weight, Some(&hidden_bias))?.f_relu()?;
            Ok(network::cast(&x, Kind::Float)?.f_linear(&self.output_weight, Some(&self.output_bias))?)
        }))
    }
}

/// Computes `x · weightᵀ + bias` as a 1×1 convolution over a picture of N pixels, which is the same sum.
///
/// libtorch gives f32 products to MKL, which does not use AVX-512 on AMD's processors, and convolutions to oneDNN, which
/// does: with MKL a training step took a third longer.
fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let ((n, input), (output, _)) = (x.size2()?, weight.size2()?);
    let pixels = x.f_view([1, n, 1, input])?.f_permute([0, 3, 1, 2])?;
    let y = pixels.f_conv2d(&weight.f_view([output, input, 1, 1])?, Some(bias), 1, 0, 1, 1)?;
    Ok(y.f_permute([0, 2, 3, 1])?.f_reshape([n, output])?)
}
