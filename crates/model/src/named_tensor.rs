//! Tensors as plain numbers, which cross threads.

use tch::{Device, Tensor};

use crate::Result;

/// Prefix of the names of the optimizer's tensors.
const OPTIMIZER: &str = "optimizer.";

/// Tensor copied out of libtorch, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Name, unique in its file.
    pub name: String,
    /// Size of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// Values, row by row.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// True where the tensor belongs to the optimizer, not to the network.
    pub fn is_optimizers(&self) -> bool {
        self.name.starts_with(OPTIMIZER)
    }

    /// Copies a tensor out of libtorch, row by row whatever its layout in memory.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub fn copy_of(name: impl Into<String>, tensor: &Tensor) -> Result<Self> {
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut values = vec![0.0; flat.numel()];
        flat.f_copy_data(&mut values, flat.numel())?;
        Ok(Self { name: name.into(), shape: flat.size().iter().map(|&side| side as usize).collect(), values })
    }

    /// Makes a libtorch tensor on the CPU.
    ///
    /// # Errors
    /// Values that do not fill the shape.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let shape: Vec<i64> = self.shape.iter().map(|&side| side as i64).collect();
        Ok(Tensor::f_from_slice(&self.values)?.f_view(shape.as_slice())?)
    }
}
