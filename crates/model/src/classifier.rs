use std::path::Path;

use data::Batch;
use tch::{Device, Kind, Tensor};

use crate::{
    Checkpoint, Error, InputScale, Meta, NamedTensor, Result, Spec,
    convnet::{self, ConvNet},
    dropout::Step,
};

/// Whether a forward pass trains (dropout on, gradients kept) or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout is on and drawn from this step.
    Train(Step),
    /// Dropout is off.
    Evaluate,
}

/// A trainable tensor with its name in the file.
pub struct Parameter<'a> {
    /// As in the checkpoint.
    pub name: &'static str,
    /// The leaf that gradients are taken of.
    pub tensor: &'a Tensor,
}

/// A network with all that is needed to use it: classes, image size, scaling, precision.
///
/// The ConvNet is conv 32 3×3 ReLU, max pool 2, dropout 0.5, flatten, dense 256 ReLU, dense C, with Keras'
/// initialisers: Glorot uniform kernels and zero biases (`keras/src/layers/core/dense.py`, `convolutional/conv2d.py`).
pub struct Classifier {
    spec: Spec,
    network: ConvNet,
    device: Device,
}

impl Classifier {
    /// A network with fresh weights, drawn from `seed`.
    ///
    /// # Errors
    /// A spec that no network can be built from; libtorch's own, such as too little memory.
    pub fn new(spec: Spec, seed: u64, device: Device) -> Result<Self> {
        spec.check()?;
        let n_classes = spec.classes.len();
        let values = convnet::initial_values(spec.image_size, n_classes, seed);
        let tensors = convnet::shapes(spec.image_size, n_classes)
            .iter()
            .zip(values)
            .map(|((name, shape), values)| {
                NamedTensor { name: (*name).to_owned(), shape: shape.clone(), values }.to_tensor()
            })
            .collect::<Result<_>>()?;
        Self::from_tensors(spec, tensors, device)
    }

    /// The network that the file at `path` holds; tensors that belong to training are left alone.
    ///
    /// # Errors
    /// As [`Checkpoint::read`]; a missing, extra or misshapen tensor, named.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        Self::from_checkpoint(&Checkpoint::read(path)?, path, device)
    }

    /// As [`Self::load`], from a checkpoint that was read; `path` names it in errors.
    ///
    /// # Errors
    /// A missing, extra or misshapen tensor, named.
    pub fn from_checkpoint(checkpoint: &Checkpoint, path: &Path, device: Device) -> Result<Self> {
        let spec = checkpoint.meta.spec.clone();
        spec.check()?;
        let shapes = convnet::shapes(spec.image_size, spec.classes.len());
        let tensors = checkpoint
            .network_tensors(&shapes, path)?
            .iter()
            .map(|tensor| tensor.to_tensor())
            .collect::<Result<_>>()?;
        Self::from_tensors(spec, tensors, device)
    }

    fn from_tensors(spec: Spec, tensors: Vec<Tensor>, device: Device) -> Result<Self> {
        let network = ConvNet::new(tensors, spec.precision, device)?;
        Ok(Self { spec, network, device })
    }

    /// What the network is and wants.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The trainable tensors, in the order of the network.
    pub fn parameters(&self) -> Vec<Parameter<'_>> {
        convnet::shapes(self.spec.image_size, self.spec.classes.len())
            .into_iter()
            .zip(self.network.tensors())
            .map(|((name, _), tensor)| Parameter { name, tensor })
            .collect()
    }

    /// A batch's 8-bit pixels `[N, S, S, 3]` as the network's input: f32 `[N, 3, S, S]`, scaled, channels-last.
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
        let pixels = Tensor::f_from_data_size(&batch.pixels, &[batch.n as i64, side, side, 3], Kind::Uint8)?;
        let x = pixels.f_to_device(self.device)?.f_to_kind(Kind::Float)?;
        let x = match self.spec.input_scale {
            // Keras multiplies by the f32 nearest 1/255, which rounds differently from dividing by 255.
            InputScale::Unit => x.f_mul_scalar(1.0 / 255.0)?,
            InputScale::Signed => x.f_sub_scalar(128.0)?.f_mul_scalar(1.0 / 128.0)?,
        };
        Ok(x.f_permute([0, 3, 1, 2])?)
    }

    /// `images` as [`Self::input`] gives them. Returns f32 logits `[N, C]`.
    ///
    /// # Errors
    /// libtorch's own, such as another shape.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        match mode {
            Mode::Train(step) => self.network.forward(images, Some(&step)),
            Mode::Evaluate => self.network.forward(images, None),
        }
    }

    /// Class probabilities of the batch's real images, `[filled, C]` row by row; padding is computed and dropped.
    ///
    /// # Errors
    /// As [`Self::input`] and [`Self::forward`].
    pub fn probabilities(&self, batch: &Batch) -> Result<Vec<f32>> {
        let _guard = tch::no_grad_guard();
        let logits = self.forward(&self.input(batch)?, Mode::Evaluate)?;
        let filled = logits.f_softmax(1, Kind::Float)?.f_narrow(0, 0, batch.filled as i64)?;
        Ok(NamedTensor::copy_of("probabilities", &filled)?.values)
    }

    /// The weights as plain numbers with their metadata, ready to be written on another thread.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn checkpoint(&self, meta: Meta) -> Result<Checkpoint> {
        let tensors = self
            .parameters()
            .iter()
            .map(|parameter| NamedTensor::copy_of(parameter.name, parameter.tensor))
            .collect::<Result<_>>()?;
        Ok(Checkpoint { meta, tensors })
    }
}

#[cfg(test)]
mod tests;
