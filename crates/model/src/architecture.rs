use std::{collections::HashMap, fmt, path::Path, rc::Rc};

use serde::{Serialize, Serializer};
use tch::Tensor;

use crate::{
    Error, HeatMapMethod, InputScale, Normalisation, PrecisionChoice, Result,
    backbone::Module,
    layers::Head,
    stage::Stage,
    tensors::{Shapes, Tensors},
    weights::{self, PretrainedWeights, WeightsFormat},
};

/// Kind of network: its name, defaults and limits, and the function that builds it. One row in
/// [`ARCHITECTURES`](crate::ARCHITECTURES) and one file add a network; the row's values are the defaults of `train`.
pub struct Architecture {
    /// Name in flags and files, such as `inception-v3`.
    pub name: &'static str,
    /// Default side of the input, in pixels.
    pub image_size: usize,
    /// Smallest side of the input, in pixels.
    pub min_image_size: usize,
    /// Default number of images a batch.
    pub batch_size: usize,
    /// Default scaling of 8-bit values.
    pub input_scale: InputScale,
    /// Default normalisation of each channel after that.
    pub normalisation: Option<Normalisation>,
    /// Default number format.
    pub precision: PrecisionChoice,
    /// True where it computes in bf16 as well as in f32.
    pub has_bf16: bool,
    /// Default method of heat maps.
    pub heat_map: HeatMapMethod,
    /// Origin of its pretrained part.
    pub pretrained: PretrainedPart,
    pub(crate) build: Build,
}

/// Stages of a network, from the input on, and its head, made of tensors that are asked for by name and shape. The module is
/// the user's, where the architecture is [`PretrainedPart::Module`].
pub(crate) type Build =
    fn(Dimensions, Option<&Rc<Module>>, &mut Tensors) -> Result<(Vec<Box<dyn Stage>>, Head)>;

/// Numbers that the shapes of a network's tensors depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dimensions {
    /// Side of the input in pixels.
    pub(crate) image_size: usize,
    pub(crate) n_classes: usize,
}

/// Origin of the part of a network that was trained on other images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PretrainedPart {
    /// No pretrained part: all of the network is trained from scratch.
    None,
    /// Weights from a file, without which all of it is trained from scratch.
    Weights(PretrainedWeights),
    /// TorchScript module of the user's.
    Module,
}

impl Architecture {
    /// True where a part of it starts with weights that were trained on other images, which can be frozen.
    pub fn has_pretrained_part(&self) -> bool {
        self.pretrained != PretrainedPart::None
    }

    /// Default weights, if there are any.
    pub fn weights(&self) -> Option<PretrainedWeights> {
        match self.pretrained {
            PretrainedPart::Weights(weights) => Some(weights),
            _ => None,
        }
    }

    /// True where a file of weights for it is a TorchScript module, which can run code of its author.
    pub fn weights_run_code(&self) -> bool {
        self.weights().is_some_and(|weights| matches!(weights.format, WeightsFormat::TorchScript { .. }))
    }

    /// True where its pretrained part is a TorchScript module of the user's.
    pub fn takes_module(&self) -> bool {
        self.pretrained == PretrainedPart::Module
    }

    /// Reads every tensor of the pretrained part by our name. `pinned`: only the file that can be fetched is accepted.
    pub(crate) fn read_weights(
        &self,
        shapes: Shapes,
        path: &Path,
        pinned: bool,
    ) -> Result<HashMap<String, Tensor>> {
        match self.weights() {
            Some(weights) => weights::read(self.name, &weights, shapes, path, pinned),
            None => Err(Error::Spec(format!("{self} takes no pretrained weights"))),
        }
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
