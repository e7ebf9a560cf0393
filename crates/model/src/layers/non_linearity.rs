use tch::Tensor;

use crate::Result;

/// Function that is applied to each value of a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NonLinearity {
    /// The value itself.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl NonLinearity {
    /// Applies the function in the memory of `x`, which no backward pass may need.
    pub(crate) fn apply_to(self, mut x: Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::None => x,
            Self::Relu => x.f_relu_()?,
            Self::Relu6 => x.f_clamp_(0.0, 6.0)?,
        })
    }
}
