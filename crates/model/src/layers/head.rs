use tch::{Device, Kind, Tensor};

use super::{Mode, dropout};
use crate::{Result, stage, tensors::Tensors};

/// Sizes of the study's hidden layers on a pretrained network.
pub(crate) const STUDY: [usize; 3] = [200, 100, 50];

/// Dense layers between a network's last maps and its classes, each but the last with ReLU. The last one is always f32.
pub(crate) struct Head {
    hidden: Vec<Dense>,
    output: Dense,
    input: Input,
}

/// Input of a head, and with it the place of dropout and the precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// Means of the maps over their pixels; dropout 0.5 after each hidden layer; all in f32.
    Pooled,
    /// All values of the maps; dropout 0.5 on them; the hidden layers in the network's precision.
    Flattened,
}

struct Dense {
    name: String,
    /// `[out, in]`.
    weight: Tensor,
    bias: Tensor,
}

impl Dense {
    fn new(name: String, input: i64, output: usize, tensors: &mut Tensors) -> Result<Self> {
        let output = output as i64;
        let weight = tensors.take_leaf(&format!("{name}.weight"), &[output, input])?;
        let bias = tensors.take_leaf(&format!("{name}.bias"), &[output])?;
        Ok(Self { name, weight, bias })
    }

    fn size(&self) -> i64 {
        self.bias.numel() as i64
    }

    /// Casts kernel and bias.
    fn cast(&self, compute: Kind) -> Result<Self> {
        let (weight, bias) = (stage::cast(&self.weight, compute)?, stage::cast(&self.bias, compute)?);
        Ok(Self { name: self.name.clone(), weight, bias })
    }

    fn forward(&self, x: &Tensor, compute: Kind, by_convolution: bool) -> Result<Tensor> {
        let Self { weight, bias, .. } = self.cast(compute)?;
        if by_convolution { convolved(x, &weight, &bias) } else { Ok(x.f_linear(&weight, Some(&bias))?) }
    }
}

impl Head {
    /// Dense layers of the study on a pretrained network, of these sizes: on the means of `features` maps.
    pub(crate) fn pooled(
        features: usize,
        hidden: &[usize],
        n_classes: usize,
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let names = (1..=hidden.len()).map(|index| format!("head.hidden_{index}"));
        let layers = names.zip(hidden.iter().copied());
        Self::new(Input::Pooled, features, layers, ("head.output", n_classes), tensors)
    }

    /// One hidden dense layer on `values` flattened values, in the order height, width, channel, as Keras flattens them.
    pub(crate) fn flattened(
        values: usize,
        hidden: usize,
        n_classes: usize,
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let layers = [("hidden".to_owned(), hidden)].into_iter();
        Self::new(Input::Flattened, values, layers, ("output", n_classes), tensors)
    }

    fn new(
        input: Input,
        values: usize,
        layers: impl Iterator<Item = (String, usize)>,
        (output, n_classes): (&str, usize),
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let mut size = values as i64;
        let mut hidden = Vec::new();
        for (name, width) in layers {
            let layer = Dense::new(name, size, width, tensors)?;
            size = layer.size();
            hidden.push(layer);
        }
        let output = Dense::new(output.to_owned(), size, n_classes, tensors)?;
        Ok(Self { hidden, output, input })
    }

    pub(crate) fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.hidden.iter().chain([&self.output]).flat_map(|Dense { name, weight, bias }| {
            [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)]
        })
    }

    /// Returns the features `[N, F]` that the dense layers take, of maps `[N, C, h, w]`; features pass unchanged.
    pub(crate) fn input(&self, x: &Tensor, compute: Kind) -> Result<Tensor> {
        match self.input {
            _ if x.dim() == 2 => Ok(x.shallow_clone()),
            // Summed in f32.
            Input::Pooled => Ok(x.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?),
            // With channels-last memory this is a view.
            Input::Flattened => Ok(stage::cast(x, compute)?.f_permute([0, 2, 3, 1])?.f_flatten(1, -1)?),
        }
    }

    /// Number format of the hidden layers in a network that computes in `compute`.
    fn hidden_kind(&self, compute: Kind) -> Kind {
        if self.input == Input::Flattened { compute } else { Kind::Float }
    }

    /// Prepares the head with its current weights, cast once, for evaluation.
    pub(crate) fn for_inference(&self, compute: Kind) -> Result<Self> {
        let of_hidden = self.hidden_kind(compute);
        let hidden = self.hidden.iter().map(|layer| layer.cast(of_hidden)).collect::<Result<_>>()?;
        Ok(Self { hidden, output: self.output.cast(Kind::Float)?, input: self.input })
    }

    /// Computes f32 logits `[N, n_classes]` of `x`, which is anything that [`Self::input`] takes. A `traced` pass names no
    /// number of images.
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode, compute: Kind, traced: bool) -> Result<Tensor> {
        let (is_flat, mut x) = (self.input == Input::Flattened, self.input(x, compute)?);
        let compute = self.hidden_kind(compute);
        x = stage::cast(&x, compute)?;
        if let (Mode::Train(step), true) = (mode, is_flat) {
            x = dropout::half(&x, &step, 0)?;
        }
        for (index, layer) in self.hidden.iter().enumerate() {
            let by_convolution = is_flat && !traced && (compute, x.device()) == (Kind::Float, Device::Cpu);
            x = layer.forward(&x, compute, by_convolution)?.f_relu()?;
            if let (Mode::Train(step), false) = (mode, is_flat) {
                x = dropout::half(&x, &step, index as u64)?;
            }
        }
        self.output.forward(&stage::cast(&x, Kind::Float)?, Kind::Float, false)
    }
}

/// Computes `x · weightᵀ + bias` as a 1×1 convolution over a picture of N pixels, which is the same sum.
///
/// libtorch gives f32 products to MKL, which does not use AVX-512 on AMD's processors, and convolutions to oneDNN, which
/// does: with MKL a training step of the ConvNet took a third longer.
fn convolved(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let ((n, input), (output, _)) = (x.size2()?, weight.size2()?);
    let pixels = x.f_view([1, n, 1, input])?.f_permute([0, 3, 1, 2])?;
    let y = pixels.f_conv2d(&weight.f_view([output, input, 1, 1])?, Some(bias), 1, 0, 1, 1)?;
    Ok(y.f_permute([0, 2, 3, 1])?.f_reshape([n, output])?)
}
