//! TorchScript modules that make features of images.

use std::{cell::RefCell, path::Path, sync::Arc};

use base::random::{Key, Purpose, Rng as _};
use tch::{CModule, Device, Kind, Tensor};

use crate::{Error, Result, layers::DropoutStep, module};

/// Error for a network whose module is not named.
pub(crate) fn without_file() -> Error {
    Error::Spec("a TorchScript network needs its backbone's file".to_owned())
}

/// TorchScript module that was run once and found to make features.
pub(crate) struct Module {
    /// The module; forward passes set its mode (train or evaluate) beforehand.
    pub(crate) module: RefCell<CModule>,
    pub(crate) file: Arc<[u8]>,
    pub(crate) parameters: Vec<(String, Tensor)>,
    pub(crate) features: usize,
}

impl Module {
    /// Loads a module, which runs code of its own, and tries it on black images; `path` names it in errors.
    pub(crate) fn load(file: Vec<u8>, path: &Path, image_size: usize, device: Device) -> Result<Self> {
        let problem = |problem: String| Error::Backbone { path: path.to_owned(), problem };
        let mut module = module::load(&file, path, device)?;
        module.f_set_eval()?;
        let side = image_size as i64;
        let _guard = tch::no_grad_guard();
        let images = Tensor::f_zeros([2, 3, side, side], (Kind::Float, device))?;
        let features = module.forward_ts(&[images]).map_err(|error| {
            problem(format!("it cannot be run on images [2, 3, {side}, {side}]: {}", module::reason(&error)))
        })?;
        let size = features.size();
        let sound = matches!(size[..], [2, f] | [2, f, _, _] if f > 0) && features.is_floating_point();
        if !sound {
            return Err(problem(format!(
                "it makes {size:?} of images [2, 3, {side}, {side}], where features [2, F] or [2, F, h, w] are wanted"
            )));
        }
        let parameters = module
            .named_parameters()?
            .into_iter()
            .filter(|(_, tensor)| tensor.requires_grad())
            .map(|(name, tensor)| (format!("backbone.{name}"), tensor))
            .collect();
        Ok(Self { module: RefCell::new(module), file: file.into(), parameters, features: size[1] as usize })
    }

    /// Runs the module in evaluation mode, in which batch norm uses its stored statistics.
    pub(crate) fn evaluate(&self, images: &Tensor) -> Result<Tensor> {
        self.module.borrow_mut().f_set_eval()?;
        Ok(self.module.borrow().forward_ts(&[images])?)
    }

    /// Runs the module in training mode. It draws from libtorch's generator, which is seeded from the step.
    pub(crate) fn train(&self, images: &Tensor, step: DropoutStep) -> Result<Tensor> {
        let key = Key { seed: step.seed, epoch: step.epoch, step: step.batch, purpose: Purpose::Backbone };
        tch::manual_seed(key.generator(0).next_u64() as i64);
        self.module.borrow_mut().f_set_train()?;
        Ok(self.module.borrow().forward_ts(&[images])?)
    }
}
