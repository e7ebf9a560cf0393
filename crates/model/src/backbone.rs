use std::{cell::RefCell, path::Path, sync::Arc};

use base::random::{Key, Purpose, Rng as _};
use tch::{CModule, Device, Kind, Tensor};

use crate::{
    DropoutStep, Error, Freeze, Mode, Result,
    head::{self, Head},
    module,
    network::{Maps, Network, Parameter, Places, PreparedHead, Shapes, Tensors},
};

/// Any TorchScript module from images `[N, 3, H, W]` to features `[N, F]` or `[N, F, h, w]`, with the study's head.
///
/// Its parameters are the ones that the file marks as trainable. Batch norm statistics and all other state belong to the
/// module and travel inside its file. It computes in f32.
pub(crate) struct Backbone {
    module: Module,
    head: Head,
    frozen: bool,
    /// True where the module stays in evaluation mode while it is trained, so that batch norm uses its stored statistics.
    stored_statistics: bool,
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

    pub(crate) fn shapes(&self, n_classes: usize) -> Shapes {
        head::shapes(self.features, n_classes)
    }

    /// Returns features `[N, F]`, maps averaged over their pixels.
    fn features(&self, images: &Tensor) -> Result<Tensor> {
        head::pooled(&self.module.borrow().forward_ts(&[images])?)
    }

    fn evaluate(&self, images: &Tensor) -> Result<Tensor> {
        self.module.borrow_mut().f_set_eval()?;
        let _guard = tch::no_grad_guard();
        self.features(images)
    }

    /// Runs the module in training mode. It draws from libtorch's generator, which is seeded from the step.
    fn train(&self, images: &Tensor, step: DropoutStep) -> Result<Tensor> {
        let key = Key { seed: step.seed, epoch: step.epoch, step: step.batch, purpose: Purpose::Backbone };
        tch::manual_seed(key.generator(0).next_u64() as i64);
        self.module.borrow_mut().f_set_train()?;
        self.features(images)
    }
}

impl Backbone {
    pub(crate) fn new(module: Module, tensors: &mut Tensors) -> Result<Self> {
        Ok(Self { module, head: Head::new(tensors)?, frozen: false, stored_statistics: false })
    }
}

impl Network for Backbone {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.head.tensors().collect()
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        let own = if self.frozen { &[] } else { self.module.parameters.as_slice() };
        let own =
            own.iter().map(|(name, tensor)| Parameter { name: name.clone(), is_pretrained: true, tensor });
        own.chain(self.head.parameters()).collect()
    }

    fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()> {
        self.frozen = match freeze {
            Freeze::None if self.module.parameters.is_empty() => {
                let problem =
                    "none of the backbone's parameters is trainable: freeze `all`, or export it trainable";
                return Err(Error::Spec(problem.to_owned()));
            }
            Freeze::None => false,
            Freeze::All => true,
            Freeze::Through(block) => {
                let problem =
                    format!("a TorchScript backbone has no block `{block}`: freeze `none` or `all` of it");
                return Err(Error::Spec(problem));
            }
        };
        self.stored_statistics = batch_norm;
        Ok(())
    }

    fn is_frozen(&self) -> bool {
        self.frozen
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        if self.frozen { self.module.evaluate(images) } else { Ok(images.shallow_clone()) }
    }

    fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        let features = match mode {
            _ if self.frozen => features.shallow_clone(),
            Mode::Train(step) if !self.stored_statistics => self.module.train(features, step)?,
            _ => {
                self.module.module.borrow_mut().f_set_eval()?;
                self.module.features(features)?
            }
        };
        self.head.forward(&features, mode)
    }

    /// Output of the module, if that is more than one value a channel. The places of the values are unknown, so even
    /// spacing is assumed.
    fn maps(&self, images: &Tensor) -> Result<Option<Maps>> {
        let mut module = self.module.module.borrow_mut();
        module.f_set_eval()?;
        let _guard = tch::no_grad_guard();
        let values = module.forward_ts(&[images])?;
        let places = match (&values.size()[..], &images.size()[..]) {
            (&[_, _, h, w], &[.., height, width]) if h * w > 1 => {
                [(h, height), (w, width)].map(|(n, size)| Places::even(n as usize, size as usize))
            }
            _ => return Ok(None),
        };
        Ok(Some(Maps { values, places }))
    }

    fn of_maps(&self, maps: &Tensor) -> Result<Tensor> {
        self.head.forward(maps, Mode::Evaluate)
    }

    /// Always 0: the memory that the module keeps is unknown.
    fn activation_bytes(&self, _: usize, _: usize) -> u64 {
        0
    }

    fn prepare(&self) -> Result<PreparedHead<'_>> {
        Ok(Box::new(|features| match self.frozen {
            true => self.head.forward(features, Mode::Evaluate),
            false => self.head.forward(&self.module.evaluate(features)?, Mode::Evaluate),
        }))
    }

    fn graph(&self) -> Result<PreparedHead<'_>> {
        Ok(Box::new(|images| self.head.forward(&self.module.evaluate(images)?, Mode::Evaluate)))
    }

    fn module(&self) -> Result<Option<Arc<[u8]>>> {
        if self.frozen {
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
