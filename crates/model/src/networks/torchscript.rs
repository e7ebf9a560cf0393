//! Any TorchScript module from images to features, with the study's head on them.

use std::{rc::Rc, sync::Arc};

use tch::{Kind, Tensor};

use crate::{
    Architecture, HeatMapMethod, InputScale, Mode, Precision, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::{Module, without_file},
    layers::{Head, STUDY},
    module,
    stage::{Activations, Pass, Places, Prepared, Stage, Statistics},
    tensors::Tensors,
};

/// Any TorchScript module from images to features, with the study's head.
pub static TORCHSCRIPT: Architecture = Architecture {
    name: "torchscript",
    image_size: 224,
    min_image_size: 1,
    batch_size: 15,
    input_scale: InputScale::Unit,
    normalisation: None,
    precision: PrecisionChoice::Fixed(Precision::F32),
    has_bf16: false,
    // It may give no maps, but one vector an image.
    heat_map: HeatMapMethod::Occlusion,
    pretrained: PretrainedPart::Module,
    build,
};

fn build(
    dimensions: Dimensions,
    module: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let module = Rc::clone(module.ok_or_else(without_file)?);
    let head = Head::pooled(module.features, &STUDY, dimensions.n_classes, tensors)?;
    Ok((vec![Box::new(Backbone { module })], head))
}

/// Any TorchScript module from images `[N, 3, H, W]` to features `[N, F]` or `[N, F, h, w]`.
///
/// Its parameters are the ones that the file marks as trainable. Batch norm statistics and all other state belong to the
/// module and travel inside its file. It computes in f32.
struct Backbone {
    module: Rc<Module>,
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

    /// Counts nothing: the values that the module keeps are unknown.
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
