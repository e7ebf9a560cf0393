//! Numbers that a network sees of an image's 8-bit values.

use serde::{Deserialize, Serialize};

use crate::names::names;

/// Scaling of 8-bit values to a network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputScale {
    /// `x / 255`, in `[0, 1]`: Keras' `rescale=1/255`.
    Unit,
    /// `(x - 128) / 128`, in `[-1, 1)`.
    Signed,
}

/// `(x - mean) / std` of the scaled red, green and blue values, as torchvision's models want it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Mean of each channel, which is subtracted.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, which divides the rest; above 0.
    pub std: [f32; 3],
}

/// Mean and standard deviation of ImageNet's channels, in `[0, 1]`, as torchvision's weights want them
/// (`torchvision/transforms/_presets.py`).
pub(crate) const IMAGENET: Normalisation =
    Normalisation { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

names!(InputScale, "input scale", "unit" => Self::Unit, "signed" => Self::Signed);
