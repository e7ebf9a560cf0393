//! Networks on libtorch, the one file each is stored in, and the device and precision they compute in.
//!
//! This crate holds [`Classifier`] (a network with everything needed to use it), [`ARCHITECTURES`] (the networks that
//! there are, with their defaults: one file of `networks` and one row each), [`Checkpoint`] (its file), [`Pretrained`] and [`Freeze`] (the weights that a network
//! starts with and the part that keeps them), [`Predictor`] (one network or an ensemble, from an image's bytes to a decision),
//! [`HeatMap`]s of the image regions that speak for a class, [`DeviceChoice`],
//! [`Precision`] and [`init`], which sets thread counts once. It must not know any file but a model's own, training, or the
//! terminal. Tensors never leave the thread that made them: only a [`Checkpoint`], plain numbers, crosses threads.
//!
//! Every network is a row of stages, named blocks of `layers`, with dense layers at its end. The first stages may be frozen:
//! they make features of images, and the rest makes logits of features. So the output of a frozen part need be computed only
//! once, and the network tested is the one that was trained.
//!
//! Outside libraries: **tch** (libtorch's bindings, one libtorch version exactly), **safetensors** (the field's plain
//! tensor file; its reader checks every offset before use, and it builds in seconds), **sha2** for checksums,
//! **serde_json** for the checkpoint's one metadata key, **bytemuck** to see f32 values as bytes without a copy
//! (little-endian machines, which is all that libtorch runs on), **libc** for glibc's allocator switch, **tempfile** because
//! libtorch writes TorchScript modules to named files only, **zip** to add a file to such a module's archive.

mod architecture;
mod backbone;
mod checkpoint;
mod classifier;
mod device;
mod error;
mod export;
mod freeze;
mod guard;
mod heat_map;
mod heat_map_method;
mod initialise;
mod input_scale;
mod layers;
mod module;
mod named_tensor;
mod names;
mod network;
mod networks;
mod predictor;
mod size;
mod spec;
mod stage;
mod tensors;
mod weights;

pub use architecture::{Architecture, PretrainedPart};
pub use checkpoint::{Checkpoint, Encoded, Meta, Metric};
pub use classifier::{Classified, Classifier, Inference, Pretrained, probabilities};
pub use device::{DeviceChoice, Precision, PrecisionChoice, init};
pub use error::Error;
pub use export::{Exported, METADATA};
pub use freeze::Freeze;
pub use guard::{OodDetector, OutOfDistribution};
pub use heat_map::{Coarse, HeatMap};
pub use heat_map_method::HeatMapMethod;
pub use input_scale::{InputScale, Normalisation};
pub use layers::{DropoutStep, Mode};
pub use named_tensor::NamedTensor;
pub use network::Parameter;
pub use networks::{
    ARCHITECTURES, CONVNET, DENSENET_121, EFFICIENTNET_LITE0, INCEPTION_V3, RESNET_50, TORCHSCRIPT,
    block_names, parameter_count,
};
pub use predictor::{
    Assessment, InputReader, InputRules, InputWarning, PredictOptions, Predictor, PreparedImage,
};
pub use spec::Spec;
pub use weights::PretrainedWeights;

pub use tch::Device;

/// Version of libtorch that this program is built for.
pub const LIBTORCH: &str = "2.13.0";

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
