//! Blocks that networks are rows of.

use std::sync::Arc;

use tch::{Kind, Tensor};

use crate::{Mode, Precision, Result};

/// Function that was prepared once, with weights of its own, for many batches without gradients.
pub(crate) type Prepared<'a> = Box<dyn Fn(&Tensor) -> Result<Tensor> + 'a>;

/// Source of the mean and variance that batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// Mean and variance of the batch, which update the stored ones.
    Batch,
    /// Stored mean and variance.
    Stored,
}

/// Circumstances of a forward pass through a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) mode: Mode,
    /// Statistics that batch norms use.
    pub(crate) statistics: Statistics,
    /// Number format of the convolutions.
    pub(crate) compute: Kind,
}

/// Named block of a network, from `[N, C, h, w]` to `[N, C, h, w]`; the last one may make features `[N, F]`.
pub(crate) trait Stage {
    /// Returns the name that `--freeze through:NAME` takes, in a network of several stages.
    fn name(&self) -> &str;

    /// Returns every tensor that belongs into the network's file, trainable or not.
    fn tensors(&self) -> Vec<(String, &Tensor)>;

    /// Returns the tensors that are trained.
    fn parameters(&self) -> Vec<(String, &Tensor)>;

    /// Runs the stage on `x`, which is in the precision of the pass, with gradients.
    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor>;

    /// Prepares the stage with its current weights. A `traced` one takes steps that are the same for any number of images.
    fn for_inference(&self, compute: Kind, traced: bool) -> Result<Prepared<'static>>;

    /// Counts the values that a training step keeps for its backward pass, of one image of this side, and finds the side of
    /// the output.
    fn activations(&self, side: i64) -> Activations;

    /// Finds the positions of the output's values on the image from those of the input's; `None` where they are unknown.
    fn places(&self, from: Places) -> Option<Places>;

    /// Returns the file of the TorchScript module inside, where there is one: as it was read if it is frozen.
    fn module(&self, _frozen: bool) -> Result<Option<Arc<[u8]>>> {
        Ok(None)
    }
}

/// Values kept for a backward pass of one image, as far as they are known, and the side of a stage's output.
pub(crate) struct Activations {
    pub(crate) kept: i64,
    pub(crate) side: i64,
}

/// Centres of the values along one side of a map, in pixels from the image's edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Places {
    pub(crate) first: f64,
    pub(crate) step: f64,
}

impl Places {
    /// Places of the pixels themselves.
    pub(crate) const PIXELS: Self = Self { first: 0.5, step: 1.0 };

    /// Returns the places of `n` values that share a side of `size` pixels evenly.
    pub(crate) fn even(n: usize, size: usize) -> Self {
        let step = size as f64 / n as f64;
        Self { first: step / 2.0, step }
    }

    /// Returns the places of what a window makes that slides over these values.
    pub(crate) fn slid(self, kernel: i64, stride: i64, padding: i64) -> Self {
        let first = self.first + self.step * ((kernel - 1) as f64 / 2.0 - padding as f64);
        Self { first, step: self.step * stride as f64 }
    }
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
