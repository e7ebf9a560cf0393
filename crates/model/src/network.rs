//! What every network has in common.

use std::{collections::HashMap, sync::Arc};

use tch::{Device, Kind, Tensor};

use crate::{Error, Freeze, Mode, NamedTensor, Precision, Result, initialise};

/// Names and shapes of a network's tensors, in the order of the network.
pub(crate) type Shapes = Vec<(String, Vec<usize>)>;

/// A trainable tensor with its name in the file.
pub struct Parameter<'a> {
    /// As in the checkpoint.
    pub name: String,
    /// Whether it belongs to the part that can be pretrained, not to what stands on it.
    pub is_pretrained: bool,
    /// The leaf that gradients are taken of.
    pub tensor: &'a Tensor,
}

/// What is prepared once and then makes logits of many batches of features; it holds weights of its own.
pub(crate) type Prepared<'a> = Box<dyn Fn(&Tensor) -> Result<Tensor> + 'a>;

/// Maps `[N, C, h, w]` in the precision that a network computes in, and where their values lie on the image.
pub(crate) struct Maps {
    pub(crate) values: Tensor,
    /// Down and across.
    pub(crate) places: [Places; 2],
}

/// Where the values along one side of a map are centred on the image, in pixels from its edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Places {
    pub(crate) first: f64,
    pub(crate) step: f64,
}

impl Places {
    /// Those of `n` values that share a side of `size` pixels evenly.
    pub(crate) fn even(n: usize, size: usize) -> Self {
        let step = size as f64 / n as f64;
        Self { first: step / 2.0, step }
    }
}

/// A network in two parts: what is frozen, which makes features of images, and the rest, which makes logits of them.
/// Where nothing is frozen, the features are the images.
pub(crate) trait Network {
    /// Every tensor that belongs into its file, trainable or not.
    fn tensors(&self) -> Vec<(String, &Tensor)>;

    /// The tensors that are trained.
    fn parameters(&self) -> Vec<Parameter<'_>>;

    /// Freezes a part, and with `batch_norm` the statistics of all batch norms.
    fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()>;

    /// Whether anything is frozen that images go through first.
    fn is_frozen(&self) -> bool;

    /// `images`: f32 `[N, 3, S, S]`. No gradient goes through it, and nothing in it is random.
    fn features(&self, images: &Tensor) -> Result<Tensor>;

    /// `features` as [`Self::features`] gives them. Returns f32 logits `[N, C]`, with gradients.
    fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor>;

    /// The part after the features as it stands, for many batches without gradients.
    fn prepare(&self) -> Result<Prepared<'_>>;

    /// As [`Self::prepare`], of images whatever is frozen, and of steps alone that are the same for any number of them, so that one
    /// pass can be recorded.
    fn graph(&self) -> Result<Prepared<'_>>;

    /// The last maps that convolutions make of `images`, f32 `[N, 3, S, S]`, as evaluation makes them: without gradients, whatever
    /// is frozen. `None` where a TorchScript module makes none.
    fn maps(&self, images: &Tensor) -> Result<Option<Maps>>;

    /// `maps` of [`Self::maps`]. Returns f32 logits `[N, C]` as evaluation makes them, with gradients.
    fn of_maps(&self, maps: &Tensor) -> Result<Tensor>;

    /// About how many bytes of values a training step keeps for its backward pass, as far as that can be told.
    fn activation_bytes(&self, batch: usize, image_size: usize) -> u64;

    /// The TorchScript module inside, where there is one.
    fn module(&self) -> Result<Option<Arc<[u8]>>> {
        Ok(None)
    }
}

/// Tensors on their way into a network, by name.
pub(crate) struct Tensors {
    named: HashMap<String, Tensor>,
    device: Device,
}

impl Tensors {
    /// From a file's numbers.
    pub(crate) fn of(tensors: &[&NamedTensor], device: Device) -> Result<Self> {
        let named = tensors.iter().map(|tensor| Ok((tensor.name.clone(), tensor.to_tensor()?)));
        Ok(Self { named: named.collect::<Result<_>>()?, device })
    }

    /// Keras' initial values: Glorot uniform kernels, zero offsets, and statistics of mean 0 and variance 1. Those in
    /// `given` are taken instead.
    pub(crate) fn fresh(
        shapes: &Shapes,
        mut given: HashMap<String, Tensor>,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        let named = shapes.iter().enumerate().map(|(index, (name, shape))| {
            let tensor = match given.remove(name) {
                Some(tensor) => tensor,
                None => {
                    let values = initialise::values(name, shape, seed, index as u64);
                    NamedTensor { name: name.clone(), shape: shape.clone(), values }.to_tensor()?
                }
            };
            Ok((name.clone(), tensor))
        });
        Ok(Self { named: named.collect::<Result<_>>()?, device })
    }

    /// A tensor in its place in memory. Names were checked before.
    pub(crate) fn take(&mut self, name: &str) -> Result<Tensor> {
        let tensor =
            self.named.remove(name).ok_or_else(|| Error::Spec(format!("there is no tensor `{name}`")))?;
        channels_last(&tensor.f_to_device(self.device)?)
    }

    /// As [`Self::take`], as a leaf that gradients are taken of.
    pub(crate) fn take_leaf(&mut self, name: &str) -> Result<Tensor> {
        Ok(self.take(name)?.f_set_requires_grad(true)?)
    }
}

/// A copy of the same values, laid out with channels last where the tensor has four dimensions: convolutions read that
/// faster. The copy keeps nobody else's memory.
pub(crate) fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dim() != 4 {
        return Ok(tensor.f_contiguous()?);
    }
    Ok(tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// In another precision. Unlike libtorch's `totype` it names no device where a pass is recorded.
pub(crate) fn cast(x: &Tensor, kind: Kind) -> Result<Tensor> {
    Ok(x.f_to_dtype(kind, false, false)?)
}

/// What libtorch calls a precision.
pub(crate) fn kind(precision: Precision) -> Kind {
    match precision {
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    }
}
