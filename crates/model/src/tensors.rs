//! Tensors that a network is built from.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use crate::{Error, NamedTensor, Result, initialise};

/// Names and shapes of a network's tensors, in the order of the network.
pub(crate) type Shapes = Vec<(String, Vec<usize>)>;

/// Tensors by name, from which a network is built.
pub(crate) struct Tensors {
    source: TensorSource,
    device: Device,
}

enum TensorSource {
    /// Tensors that take no memory; the shapes asked for are recorded.
    Declared(Shapes),
    Named(HashMap<String, Tensor>),
}

impl Tensors {
    /// Makes tensors that have shapes only, for a network that is not run: see [`Self::shapes`].
    pub(crate) fn declared() -> Self {
        Self { source: TensorSource::Declared(Vec::new()), device: Device::Cpu }
    }

    /// Returns names and shapes of the declared tensors, in the order in which they were taken.
    pub(crate) fn shapes(self) -> Shapes {
        match self.source {
            TensorSource::Declared(shapes) => shapes,
            TensorSource::Named(_) => Vec::new(),
        }
    }

    /// Makes tensors from a file's numbers.
    pub(crate) fn of(tensors: &[&NamedTensor], device: Device) -> Result<Self> {
        let named = tensors.iter().map(|tensor| Ok((tensor.name.clone(), tensor.to_tensor()?)));
        Ok(Self { source: TensorSource::Named(named.collect::<Result<_>>()?), device })
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
        Ok(Self { source: TensorSource::Named(named.collect::<Result<_>>()?), device })
    }

    /// Removes a tensor and returns it on the device, in its memory layout. Those of a file were checked before.
    pub(crate) fn take(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        match &mut self.source {
            TensorSource::Declared(shapes) => {
                shapes.push((name.to_owned(), shape.iter().map(|&side| side as usize).collect()));
                Ok(Tensor::f_zeros([0; 0], (Kind::Float, Device::Cpu))?.f_expand(shape, false)?)
            }
            TensorSource::Named(named) => {
                let tensor =
                    named.remove(name).ok_or_else(|| Error::Spec(format!("there is no tensor `{name}`")))?;
                channels_last(&tensor.f_to_device(self.device)?)
            }
        }
    }

    /// Takes a tensor like [`Self::take`], as a leaf with gradients.
    pub(crate) fn take_leaf(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        Ok(self.take(name, shape)?.f_set_requires_grad(true)?)
    }
}

/// Copies a tensor, laid out with channels last if it has four dimensions: convolutions read that faster. The copy shares
/// no memory.
fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dim() != 4 {
        return Ok(tensor.f_contiguous()?);
    }
    Ok(tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}
