use std::collections::HashSet;

use data::{Formats, Interpolation};
use metrics::Task;

use crate::{Architecture, Error, InputScale, Normalisation, Precision, Result};

/// Settings that fix a network's shape and the preprocessing of its images; stored in its file, and read from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Kind of network.
    pub architecture: &'static Architecture,
    /// Kind of question that the network answers.
    pub task: Task,
    /// Names in index order: at least two classes, or at least one label.
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
    /// Fewer than two classes, or no label; one without a name or named twice; an image size that the network
    /// does not take.
    pub fn check(&self) -> Result<()> {
        match (self.task, self.classes.len()) {
            (Task::MultiClass, n @ 0..2) => {
                return Err(Error::Spec(format!("at least 2 classes are needed, got {n}")));
            }
            (Task::MultiLabel, 0) => return Err(Error::Spec("at least 1 label is needed, got 0".to_owned())),
            _ => {}
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

    /// Returns the decoding and resizing settings of this network's images.
    pub fn preprocess(&self) -> data::Preprocess {
        data::Preprocess { image_size: self.image_size, interpolation: self.interpolation }
    }
}
