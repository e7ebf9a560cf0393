use std::{collections::HashSet, fmt, str::FromStr};

use data::{Formats, Interpolation};
use serde::{Deserialize, Serialize};

use crate::{Architecture, Error, Freeze, Precision, Result, network::Network};

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

/// Settings that fix a network's shape and the preprocessing of its images; stored in its file, and read from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Kind of network.
    pub architecture: &'static Architecture,
    /// Class labels in index order; at least two.
    pub classes: Vec<String>,
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Rules that files are decoded by; none in checkpoints of format 1, which did not store them.
    pub formats: Option<Formats>,
    /// Interpolation that images are resized with.
    pub interpolation: Interpolation,
    /// Scaling of 8-bit values.
    pub input_scale: InputScale,
    /// Normalisation of each channel after that, if any.
    pub normalisation: Option<Normalisation>,
    /// Number format of convolutions and large products.
    pub precision: Precision,
}

impl Spec {
    /// Largest side: beyond it the first dense layer alone would pass 8 GiB with its gradient and moments.
    pub const MAX_IMAGE_SIZE: usize = 1024;

    /// Checks that a network can be built from these settings.
    ///
    /// # Errors
    /// Fewer than two classes, one without a name or named twice; or an image size that the network does not take.
    pub fn check(&self) -> Result<()> {
        if self.classes.len() < 2 {
            return Err(Error::Spec(format!("at least 2 classes are needed, got {}", self.classes.len())));
        }
        let mut names = HashSet::new();
        for class in &self.classes {
            if class.trim().is_empty() {
                return Err(Error::Spec("a class has no name".to_owned()));
            }
            if !names.insert(class) {
                return Err(Error::Spec(format!("two classes are called `{class}`")));
            }
        }
        let least = self.architecture.min_image_size;
        if !(least..=Self::MAX_IMAGE_SIZE).contains(&self.image_size) {
            return Err(Error::Spec(format!(
                "image size {} is outside of what {} takes: {least} to {} pixels",
                self.image_size,
                self.architecture,
                Self::MAX_IMAGE_SIZE
            )));
        }
        match self.normalisation {
            Some(Normalisation { mean, std })
                if !(mean.iter().all(|m| m.is_finite()) && std.iter().all(|s| s.is_finite() && *s > 0.0)) =>
            {
                return Err(Error::Spec("mean and std must be finite, and std above 0".to_owned()));
            }
            _ => {}
        }
        if !self.architecture.has_bf16 && self.precision != Precision::F32 {
            return Err(Error::Spec(format!("{} computes in f32: leave out `bf16`", self.architecture)));
        }
        Ok(())
    }

    /// Returns the most bytes that the tensors of a checkpoint can have: weights, their average and two moments; `None`
    /// with a TorchScript module.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub(crate) fn checkpoint_bytes(&self) -> Result<Option<u64>> {
        let Some((_, shapes)) = Network::declared(self, None)? else { return Ok(None) };
        let values = shapes.iter().map(|(_, shape)| shape.iter().map(|&side| side as u64).product::<u64>());
        Ok(Some(4 * 4 * values.sum::<u64>()))
    }

    /// Estimates the bytes that training takes on batches of this many images, as far as they are known before the network
    /// is made: weights, gradients, the optimizer's moments, and activations kept for the backward pass. 0 for a
    /// TorchScript module, which is unknown.
    ///
    /// # Errors
    /// A block to freeze that does not exist.
    pub fn training_bytes(&self, freeze: &Freeze, batch: usize) -> Result<u64> {
        match Network::declared(self, None)? {
            Some((network, _)) => network.training_bytes(freeze, batch, self.image_size),
            None => Ok(0),
        }
    }

    /// Returns the decoding and resizing settings of this network's images.
    pub fn preprocess(&self) -> data::Preprocess {
        data::Preprocess { image_size: self.image_size, interpolation: self.interpolation }
    }
}

/// Implements Display and `FromStr` by one table of names, the ones in flags and files.
macro_rules! names {
    ($type:ty, $what:literal, $($name:literal => $variant:expr),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(if *self == $variant { return f.write_str($name); })+
                Ok(())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($name => Ok($variant),)+
                    _ => Err(Error::Spec(format!("unknown {} `{text}`: one of {}", $what, [$($name),+].join(", ")))),
                }
            }
        }
    };
}
pub(crate) use names;

names!(InputScale, "input scale", "unit" => Self::Unit, "signed" => Self::Signed);
