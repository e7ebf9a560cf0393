use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
};

use data::Batch;
use metrics::{Calibration, Task};
use tch::{Device, Tensor};

use crate::{
    Checkpoint, Error, Freeze, InputScale, Meta, NamedTensor, Normalisation, OodDetector, Result, Spec,
    architecture::PretrainedPart,
    backbone::{Module, without_file},
    layers::Mode,
    module,
    network::{Network, Parameter},
    stage::{self, Prepared},
    tensors::{Shapes, Tensors},
};

/// Source of the pretrained weights that a network starts with.
#[derive(Clone, Copy, Debug)]
pub enum Pretrained<'a> {
    /// No pretrained weights: all weights are drawn.
    None,
    /// TorchScript file at this path: InceptionV3's weights, or the backbone itself.
    File {
        /// The file.
        path: &'a Path,
        /// True where only the file that `cargo xtask fetch-weights` fetches is accepted, checked by its SHA-256.
        pinned: bool,
    },
}

/// Network with everything needed to use it: classes or labels, image size, scaling, precision.
///
/// The ConvNet is conv 32 3×3 ReLU, max pool 2, dropout 0.5, flatten, dense 256 ReLU, dense C. InceptionV3 and TorchScript
/// backbones end in a global average pool and dense layers of 200, 100 and 50 with ReLU and dropout 0.5 each, then
/// dense C; for labels C is their number, and the logistic function takes the place of softmax. Fresh weights are Keras': Glorot uniform kernels and zero biases (`keras/src/layers/core/dense.py`,
/// `convolutional/conv2d.py`).
///
/// A forward pass has two parts: [`Self::features`] runs the frozen layers, and [`Self::forward`] the rest.
pub struct Classifier {
    spec: Spec,
    pub(crate) network: Network,
    device: Device,
    calibration: Calibration,
    guard: Option<OodDetector>,
    /// File that the network was read from, if any.
    file: Option<PathBuf>,
}

/// Builds a network from its TorchScript module, if it has one, and from `tensors`, which are asked for by name and shape.
fn network(
    spec: &Spec,
    module: Option<Module>,
    tensors: impl FnOnce(&Network, Shapes) -> Result<Tensors>,
) -> Result<Network> {
    let module = module.map(Rc::new);
    let (declared, shapes) = Network::declared(spec, module.as_ref())?.ok_or_else(without_file)?;
    Network::new(spec, module.as_ref(), &mut tensors(&declared, shapes)?)
}

impl Classifier {
    /// Creates a network to be trained: its pretrained part as given, all other weights drawn from `seed`.
    ///
    /// # Errors
    /// A spec that no network can be built from; a file that is not there, or holds another network; libtorch's own, such as
    /// too little memory.
    pub fn new(spec: Spec, pretrained: Pretrained<'_>, seed: u64, device: Device) -> Result<Self> {
        spec.check()?;
        let module = match (spec.architecture.pretrained, pretrained) {
            (PretrainedPart::Module, Pretrained::File { path, .. }) => {
                let file = module::read_file(path, "the backbone")?;
                Some(Module::load(file, path, spec.image_size, device)?)
            }
            _ => None,
        };
        let network = network(&spec, module, |declared, shapes| {
            let given = match pretrained {
                Pretrained::File { path, pinned } if !spec.architecture.takes_module() => {
                    let stages = declared.stages.iter().flat_map(|stage| stage.tensors()).count();
                    spec.architecture.read_weights(shapes[..stages].to_vec(), path, pinned)?
                }
                _ => HashMap::new(),
            };
            Tensors::fresh(&shapes, given, seed, device)
        })?;
        Ok(Self { spec, network, device, calibration: Calibration::default(), guard: None, file: None })
    }

    /// Loads the network that the file at `path` holds, without the tensors that belong to training.
    ///
    /// # Errors
    /// The same as [`Checkpoint::read`]; a missing, extra or misshapen tensor, named.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        Self::from_checkpoint(&Checkpoint::read(path)?, path, device)
    }

    /// Builds the network of a checkpoint that was read; `path` names it in errors. A TorchScript module inside can run
    /// arbitrary code of its author.
    ///
    /// # Errors
    /// A missing, extra or misshapen tensor, named.
    pub fn from_checkpoint(checkpoint: &Checkpoint, path: &Path, device: Device) -> Result<Self> {
        let spec = checkpoint.meta.spec.clone();
        spec.check()?;
        let module = match (spec.architecture.takes_module(), &checkpoint.backbone) {
            (false, None) => None,
            (true, Some(file)) => Some(Module::load(file.to_vec(), path, spec.image_size, device)?),
            (_, file) => {
                let has = if file.is_some() { "holds a" } else { "lacks the" };
                let problem = format!("a {} that {has} TorchScript module", spec.architecture);
                return Err(Error::Tensors { path: path.to_owned(), problem });
            }
        };
        let network = network(&spec, module, |_, shapes| {
            Tensors::of(&checkpoint.network_tensors(&shapes, path)?, device)
        })?;
        let Meta { calibration, guard, .. } = checkpoint.meta.clone();
        Ok(Self { spec, network, device, calibration, guard, file: Some(path.to_owned()) })
    }

    /// Freezes a part of the network, which then computes with its stored batch norm statistics and is no longer trained;
    /// with `batch_norm`, the rest normalises with stored statistics too.
    ///
    /// # Errors
    /// A block that does not exist, a network without a part to freeze.
    pub fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()> {
        self.network.freeze(freeze, batch_norm)
    }

    /// Settings of the network and its input.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Temperature and thresholds from the network's file.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Input guard fitted on the training images, where there were enough of them.
    pub fn guard(&self) -> Option<&OodDetector> {
        self.guard.as_ref()
    }

    /// Sets the input guard.
    pub fn set_guard(&mut self, guard: Option<OodDetector>) {
        self.guard = guard;
    }

    /// Checks that `[N, C]` values are all finite numbers.
    pub(crate) fn check_finite(&self, rows: &[f32]) -> Result<()> {
        match rows.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(self.not_finite(at / self.spec.classes.len().max(1))),
            None => Ok(()),
        }
    }

    /// Makes the error for probabilities of an image that are not finite.
    pub(crate) fn not_finite(&self, image: usize) -> Error {
        Error::NotFinite { model: self.file.clone(), image }
    }

    /// Device that the network computes on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Returns the tensors that are trained, in the order of the network.
    pub fn parameters(&self) -> Vec<Parameter<'_>> {
        self.network.parameters()
    }

    /// True where images pass a frozen part first, whose features can be cached.
    pub fn is_frozen(&self) -> bool {
        self.network.is_frozen()
    }

    /// Estimates the bytes that training on batches of this many images takes on top of the network itself: gradients, the
    /// optimizer's moments, and activations kept for the backward pass. Activations of a TorchScript module are unknown and
    /// not counted.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        let parameters: usize = self.parameters().iter().map(|parameter| parameter.tensor.numel()).sum();
        parameters as u64 * 12 + self.network.activation_bytes(batch, self.spec.image_size)
    }

    /// Converts a batch's 8-bit pixels `[N, S, S, 3]` to the network's input: f32 `[N, 3, S, S]`, scaled, channels-last.
    ///
    /// # Errors
    /// A batch of another image size; libtorch's own.
    pub fn input(&self, batch: &Batch) -> Result<Tensor> {
        if batch.image_size != self.spec.image_size {
            return Err(Error::Spec(format!(
                "images of {0}×{0} pixels do not fit a network of {1}×{1}",
                batch.image_size, self.spec.image_size
            )));
        }
        let side = batch.image_size as i64;
        let pixels =
            Tensor::f_from_data_size(&batch.pixels, &[batch.n as i64, side, side, 3], tch::Kind::Uint8)?;
        self.scaling()?(&pixels.f_to_device(self.device)?)
    }

    /// Returns the function that scales 8-bit pixels `[N, S, S, 3]` to the network's input; its constants are made once, here.
    pub(crate) fn scaling(&self) -> Result<impl Fn(&Tensor) -> Result<Tensor> + use<>> {
        let row = |values: [f32; 3]| Tensor::f_from_slice(&values)?.f_to_device(self.device);
        let normalisation = self.spec.normalisation;
        let normalisation =
            normalisation.map(|Normalisation { mean, std }| Ok::<_, Error>((row(mean)?, row(std)?)));
        let (scale, normalisation) = (self.spec.input_scale, normalisation.transpose()?);
        Ok(move |pixels: &Tensor| {
            let x = stage::cast(pixels, tch::Kind::Float)?;
            let x = match scale {
                // Keras multiplies by the f32 nearest 1/255, which rounds differently from dividing by 255.
                InputScale::Unit => x.f_mul_scalar(1.0 / 255.0)?,
                InputScale::Signed => x.f_sub_scalar(128.0)?.f_mul_scalar(1.0 / 128.0)?,
            };
            let x = match &normalisation {
                Some((mean, std)) => x.f_sub(mean)?.f_div(std)?,
                None => x,
            };
            Ok(x.f_permute([0, 3, 1, 2])?)
        })
    }

    /// Runs the frozen part on images from [`Self::input`]. Returns `[N, C, h, w]` or `[N, F]`, in the precision it
    /// computes in. Nothing in it is random, and no gradient goes through it. If nothing is frozen, returns the images.
    ///
    /// # Errors
    /// Errors of libtorch, such as another shape.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        self.network.features(images)
    }

    /// Runs the part that is not frozen on `features` from [`Self::features`]. Returns f32 logits `[N, C]`.
    ///
    /// # Errors
    /// Errors of libtorch, such as another shape.
    pub fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        self.network.forward(features, mode)
    }

    /// Prepares the network for inference on many batches without gradients: batch norm is folded into the convolutions.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub fn inference(&self) -> Result<Inference<'_>> {
        Ok(Inference { classifier: self, logits: self.network.prepare()?, activation: self.activation()? })
    }

    /// Function from the network's logits to probabilities.
    pub(crate) fn activation(&self) -> Result<Activation> {
        Activation::new(self.spec.task, self.spec.classes.len(), &self.calibration, self.device)
    }

    /// Copies the weights, with their metadata, to plain numbers that another thread can write.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub fn checkpoint(&self, meta: Meta) -> Result<Checkpoint> {
        let tensors = self.network.tensors();
        let tensors = tensors.into_iter().map(|(name, tensor)| NamedTensor::copy_of(name, tensor));
        Ok(Checkpoint { meta, tensors: tensors.collect::<Result<_>>()?, backbone: self.network.module()? })
    }
}

/// Network ready to classify: see [`Classifier::inference`].
pub struct Inference<'a> {
    classifier: &'a Classifier,
    logits: Prepared<'a>,
    activation: Activation,
}

/// Last function of a network: logits `[N, L]` to probabilities.
pub(crate) enum Activation {
    /// Softmax over classes, of logits divided by the temperature where there is one.
    Softmax(Option<f64>),
    /// Logistic function of each label's logit, divided by the label's temperature where any has one, `[L]`.
    Logistic(Option<Tensor>),
}

impl Activation {
    /// Makes the function of a network of this task and these numbers of classes or labels, on its device.
    pub(crate) fn new(
        task: Task,
        n_labels: usize,
        calibration: &Calibration,
        device: Device,
    ) -> Result<Self> {
        Ok(match task {
            Task::MultiClass => Self::Softmax(calibration.temperature.map(|temperature| temperature.value)),
            Task::MultiLabel if calibration.labels.iter().all(|label| label.temperature.is_none()) => {
                Self::Logistic(None)
            }
            Task::MultiLabel => {
                let divisors: Vec<f32> =
                    calibration.temperatures(n_labels).into_iter().map(|value| value as f32).collect();
                Self::Logistic(Some(Tensor::f_from_slice(&divisors)?.f_to_device(device)?))
            }
        })
    }

    /// Computes probabilities of logits `[N, L]`.
    pub(crate) fn apply(&self, logits: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Softmax(Some(temperature)) => {
                logits.f_div_scalar(*temperature)?.f_softmax(1, tch::Kind::Float)?
            }
            Self::Softmax(None) => logits.f_softmax(1, tch::Kind::Float)?,
            Self::Logistic(Some(divisors)) => logits.f_div(divisors)?.f_sigmoid()?,
            Self::Logistic(None) => logits.f_sigmoid()?,
        })
    }
}

/// Computes probabilities of logits, `[N, n_labels]` row by row: the same bits as [`Inference`] gives with this calibration.
///
/// # Errors
/// Logits that do not fill such rows.
pub fn probabilities(
    task: Task,
    logits: &[f32],
    n_labels: usize,
    calibration: &Calibration,
) -> Result<Vec<f32>> {
    let rows = Tensor::f_from_slice(logits)?.f_view([-1, n_labels as i64])?;
    let activation = Activation::new(task, n_labels, calibration, Device::Cpu)?;
    Ok(NamedTensor::copy_of("probabilities", &activation.apply(&rows)?)?.values)
}

/// Logits and probabilities of a batch of images, each `[N, C]` row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// Logits, before softmax or the logistic function and before any temperature.
    pub logits: Vec<f32>,
    /// Softmax of classes' logits, or the logistic function of labels', divided by the temperature where there is one.
    pub probabilities: Vec<f32>,
}

impl Inference<'_> {
    /// Computes class probabilities of the batch's real images, `[filled, C]` row by row; padding is computed and dropped.
    ///
    /// # Errors
    /// The same as [`Self::of_features`] and [`Classifier::input`].
    pub fn probabilities(&self, batch: &Batch) -> Result<Vec<f32>> {
        let features = self.classifier.features(&self.classifier.input(batch)?)?;
        Ok(self.of_features(&features, batch.filled)?.probabilities)
    }

    /// Computes logits and probabilities of `features` from [`Classifier::features`], the first `filled` of which count.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a logit or a probability is no finite number: the only check for all callers.
    /// The same as [`Classifier::forward`].
    pub fn of_features(&self, features: &Tensor, filled: usize) -> Result<Classified> {
        let _guard = tch::no_grad_guard();
        let logits = (self.logits)(features)?;
        let probabilities = self.activation.apply(&logits)?;
        let values = |name: &str, rows: &Tensor| {
            Ok::<_, Error>(NamedTensor::copy_of(name, &rows.f_narrow(0, 0, filled as i64)?)?.values)
        };
        let (logits, probabilities) = (values("logits", &logits)?, values("probabilities", &probabilities)?);
        self.classifier.check_finite(&logits)?;
        self.classifier.check_finite(&probabilities)?;
        Ok(Classified { logits, probabilities })
    }
}

#[cfg(test)]
mod tests;
