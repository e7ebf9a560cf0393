//! Interface that all networks share.

use std::{collections::HashMap, sync::Arc};

use tch::{Device, Kind, Tensor};

use crate::{Error, Freeze, Mode, NamedTensor, Precision, Result, initialise};

/// Names and shapes of a network's tensors, in the order of the network.
pub(crate) type Shapes = Vec<(String, Vec<usize>)>;

/// Trainable tensor with its name in the file.
pub struct Parameter<'a> {
    /// Name as in the checkpoint.
    pub name: String,
    /// True where the tensor belongs to the pretrained part, not to the head.
    pub is_pretrained: bool,
    /// Leaf tensor with gradients.
    pub tensor: &'a Tensor,
}

/// Function that computes logits of many batches of features; it was prepared once and holds weights of its own.
pub(crate) type PreparedHead<'a> = Box<dyn Fn(&Tensor) -> Result<Tensor> + 'a>;

/// Maps `[N, C, h, w]` in the precision that a network computes in, with the positions of their values on the image.
pub(crate) struct Maps {
    pub(crate) values: Tensor,
    /// Positions down and across.
    pub(crate) places: [Places; 2],
}

/// Centres of the values along one side of a map, in pixels from the image's edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Places {
    pub(crate) first: f64,
    pub(crate) step: f64,
}

impl Places {
    /// Returns the places of `n` values that share a side of `size` pixels evenly.
    pub(crate) fn even(n: usize, size: usize) -> Self {
        let step = size as f64 / n as f64;
        Self { first: step / 2.0, step }
    }
}

/// Network in two parts: the frozen part makes features of images, and the rest makes logits of features. If nothing is
/// frozen, the features are the images.
pub(crate) trait Network {
    /// Returns every tensor that belongs into the network's file, trainable or not.
    fn tensors(&self) -> Vec<(String, &Tensor)>;

    /// Returns the tensors that are trained.
    fn parameters(&self) -> Vec<Parameter<'_>>;

    /// Freezes a part, and with `batch_norm` the statistics of all batch norms.
    fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()>;

    /// True where images pass a frozen part first.
    fn is_frozen(&self) -> bool;

    /// Runs the frozen part on `images`, f32 `[N, 3, S, S]`. No gradient goes through it, and nothing in it is random.
    fn features(&self, images: &Tensor) -> Result<Tensor>;

    /// Computes f32 logits `[N, C]`, with gradients, of `features` from [`Self::features`].
    fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor>;

    /// Prepares the part after the features, with its current weights, for many batches without gradients.
    fn prepare(&self) -> Result<PreparedHead<'_>>;

    /// Prepares the whole network from the images on, whatever is frozen, in steps that are the same for any number of
    /// images, so that one pass can be traced.
    fn graph(&self) -> Result<PreparedHead<'_>>;

    /// Computes the last convolutional maps of `images`, f32 `[N, 3, S, S]`, in evaluation mode, without gradients,
    /// whatever is frozen. `None` where a TorchScript module makes none.
    fn maps(&self, images: &Tensor) -> Result<Option<Maps>>;

    /// Computes f32 logits `[N, C]` of the values of [`Self::maps`], in evaluation mode, with gradients.
    fn of_maps(&self, maps: &Tensor) -> Result<Tensor>;

    /// Estimates the bytes of activations that a training step keeps for its backward pass, if they are known.
    fn activation_bytes(&self, batch: usize, image_size: usize) -> u64;

    /// Returns the file of the TorchScript module inside, where there is one.
    fn module(&self) -> Result<Option<Arc<[u8]>>> {
        Ok(None)
    }
}

/// Tensors by name, from which a network is built.
pub(crate) struct Tensors {
    named: HashMap<String, Tensor>,
    device: Device,
}

impl Tensors {
    /// Makes tensors from a file's numbers.
    pub(crate) fn of(tensors: &[&NamedTensor], device: Device) -> Result<Self> {
        let named = tensors.iter().map(|tensor| Ok((tensor.name.clone(), tensor.to_tensor()?)));
        Ok(Self { named: named.collect::<Result<_>>()?, device })
    }

    /// Makes Keras' initial values: Glorot uniform kernels, zero offsets, and statistics of mean 0 and variance 1. Tensors
    /// in `given` replace them.
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

    /// Removes a tensor and returns it on the device, in its memory layout. Names were checked before.
    pub(crate) fn take(&mut self, name: &str) -> Result<Tensor> {
        let tensor =
            self.named.remove(name).ok_or_else(|| Error::Spec(format!("there is no tensor `{name}`")))?;
        channels_last(&tensor.f_to_device(self.device)?)
    }

    /// Takes a tensor like [`Self::take`], as a leaf with gradients.
    pub(crate) fn take_leaf(&mut self, name: &str) -> Result<Tensor> {
        Ok(self.take(name)?.f_set_requires_grad(true)?)
    }
}

/// Copies a tensor, laid out with channels last if it has four dimensions: convolutions read that faster. The copy shares
/// no memory.
pub(crate) fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dim() != 4 {
        return Ok(tensor.f_contiguous()?);
    }
    Ok(tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// Converts to another precision. Unlike libtorch's `totype` it names no device where a pass is traced.
pub(crate) fn cast(x: &Tensor, kind: Kind) -> Result<Tensor> {
    Ok(x.f_to_dtype(kind, false, false)?)
}

/// Returns libtorch's name of a precision.
pub(crate) fn kind(precision: Precision) -> Kind {
    match precision {
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    }
}
