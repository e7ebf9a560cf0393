//! Any TorchScript module from images to features, with the study's head on them.

use std::{cell::RefCell, path::Path, rc::Rc, sync::Arc};

use base::random::{Key, Purpose, Rng as _};
use tch::{CModule, Device, Kind, Tensor};

use super::inception_v3::HIDDEN;
use crate::{
    Architecture, DropoutStep, Error, HeatMapMethod, InputScale, Mode, Precision, PrecisionChoice, Result,
    Spec,
    architecture::PretrainedPart,
    layers::{Head, Statistics},
    module,
    network::{Activations, Pass, Places, Prepared, Stage},
    tensors::Tensors,
};

/// Any TorchScript module from images to features, with the study's head.
pub static TORCHSCRIPT: Architecture = Architecture {
    name: "torchscript",
    image_size: 224,
    min_image_size: 1,
    batch_size: 15,
    input_scale: InputScale::Unit,
    precision: PrecisionChoice::Fixed(Precision::F32),
    has_bf16: false,
    // It may give no maps, but one vector an image.
    heat_map: HeatMapMethod::Occlusion,
    pretrained: PretrainedPart::Module,
    build,
};

fn build(
    spec: &Spec,
    module: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let module = Rc::clone(module.ok_or_else(without_file)?);
    let head = Head::pooled(module.features, &HIDDEN, spec.classes.len(), tensors)?;
    Ok((vec![Box::new(Backbone { module })], head))
}

/// Error for a network whose module is not named.
pub(crate) fn without_file() -> Error {
    Error::Spec("a TorchScript network needs its backbone's file".to_owned())
}

/// Any TorchScript module from images `[N, 3, H, W]` to features `[N, F]` or `[N, F, h, w]`.
///
/// Its parameters are the ones that the file marks as trainable. Batch norm statistics and all other state belong to the
/// module and travel inside its file. It computes in f32.
struct Backbone {
    module: Rc<Module>,
}

/// TorchScript module that was run once and found to make features.
pub(crate) struct Module {
    /// The module; forward passes set its mode (train or evaluate) beforehand.
    module: RefCell<CModule>,
    file: Arc<[u8]>,
    parameters: Vec<(String, Tensor)>,
    features: usize,
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
    fn evaluate(&self, images: &Tensor) -> Result<Tensor> {
        self.module.borrow_mut().f_set_eval()?;
        Ok(self.module.borrow().forward_ts(&[images])?)
    }

    /// Runs the module in training mode. It draws from libtorch's generator, which is seeded from the step.
    fn train(&self, images: &Tensor, step: DropoutStep) -> Result<Tensor> {
        let key = Key { seed: step.seed, epoch: step.epoch, step: step.batch, purpose: Purpose::Backbone };
        tch::manual_seed(key.generator(0).next_u64() as i64);
        self.module.borrow_mut().f_set_train()?;
        Ok(self.module.borrow().forward_ts(&[images])?)
    }
}

impl Stage for Backbone {
    fn name(&self) -> &str {
        "backbone"
    }

    fn tensors(&self) -> Vec<(String, &Tensor)> {
        Vec::new()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.module.parameters.iter().map(|(name, tensor)| (name.clone(), tensor)).collect()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        match pass.mode {
            Mode::Train(step) if pass.statistics == Statistics::Batch => self.module.train(x, step),
            _ => self.module.evaluate(x),
        }
    }

    fn for_inference(&self, _: Kind, _: bool) -> Result<Prepared<'static>> {
        let module = Rc::clone(&self.module);
        Ok(Box::new(move |x| {
            let _guard = tch::no_grad_guard();
            module.evaluate(x)
        }))
    }

    /// Nothing is known of the values that the module keeps.
    fn activations(&self, side: i64) -> Activations {
        Activations { kept: 0, side }
    }

    fn places(&self, _: Places) -> Option<Places> {
        None
    }

    fn module(&self, frozen: bool) -> Result<Option<Arc<[u8]>>> {
        if frozen {
            return Ok(Some(Arc::clone(&self.module.file)));
        }
        let mut module = self.module.module.borrow_mut();
        // The mode is part of the file, and equal modules should give equal files.
        module.f_set_eval()?;
        module::save(&module, "backbone").map(|file| Some(file.into()))
    }
}

#[cfg(test)]
mod tests;
