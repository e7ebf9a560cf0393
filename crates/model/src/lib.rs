//! Networks on libtorch, the one file each is stored in, and the device and precision they compute in.
//!
//! What this crate holds: [`Classifier`] (a network with everything needed to use it: the ConvNet, InceptionV3, or any
//! TorchScript backbone with a head), [`Checkpoint`] (its file), [`Pretrained`] and [`Freeze`] (what a network begins with
//! and what of it is kept), [`HeatMap`]s of where it looks, [`DeviceChoice`], [`Precision`] and [`init`], which sets thread counts once.
//! What it must not know: any file but a model's own, training, the terminal. Tensors never leave the thread that made
//! them: what crosses threads is a [`Checkpoint`], plain numbers.
//!
//! Every network has two parts: what is frozen makes features of images, the rest makes logits of features. So what lies
//! below a frozen block need be computed only once, and what is tested is what was trained.
//!
//! Outside libraries: **tch** (libtorch's bindings, one libtorch version exactly), **safetensors** (the field's plain
//! tensor file; its reader checks every offset before use, and it builds in seconds), **sha2** for checksums,
//! **serde_json** for the checkpoint's one metadata key, **bytemuck** to see f32 values as bytes without a copy
//! (little-endian machines, which is all that libtorch runs on), **libc** for glibc's allocator switch, **tempfile** because
//! libtorch writes TorchScript modules to named files only, **zip** to add a file to such a module's archive.

mod backbone;
mod checkpoint;
mod classifier;
mod convnet;
mod device;
mod dropout;
mod error;
mod export;
mod freeze;
mod guard;
mod head;
mod heat_map;
mod inception;
mod initialise;
mod module;
mod network;
mod spec;

pub use checkpoint::{Checkpoint, Encoded, Meta, Metric, NamedTensor};
pub use classifier::{Classified, Classifier, Inference, Mode, Pretrained, probabilities};
pub use device::{DeviceChoice, Precision, PrecisionChoice, init};
pub use dropout::Step;
pub use error::Error;
pub use export::{Exported, METADATA};
pub use freeze::Freeze;
pub use guard::{Guard, Unlike};
pub use heat_map::{Coarse, HeatMap, Method};
pub use network::Parameter;
pub use spec::{InputScale, Kind, Normalisation, Spec};

pub use tch::Device;

/// The libtorch that this program is built for.
pub const LIBTORCH: &str = "2.13.0";

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
