//! Network in stages with dense layers at its end: freezing, features, inference, tracing and maps, once for all networks.

use std::{rc::Rc, sync::Arc};

use tch::{Kind, Tensor};

use crate::{
    Architecture, Error, Freeze, Mode, Result, Spec,
    architecture::Dimensions,
    backbone::Module,
    layers::Head,
    stage::{Pass, Places, Prepared, Stage, Statistics, cast, kind},
    tensors::{Shapes, Tensors},
};

/// Trainable tensor with its name in the file.
pub struct Parameter<'a> {
    /// Name as in the checkpoint.
    pub name: String,
    /// True where the tensor belongs to the pretrained part, not to the head.
    pub is_pretrained: bool,
    /// Leaf tensor with gradients.
    pub tensor: &'a Tensor,
}

/// Maps `[N, C, h, w]` in the precision that a network computes in, with the positions of their values on the image.
pub(crate) struct Maps {
    pub(crate) values: Tensor,
    /// Positions down and across.
    pub(crate) places: [Places; 2],
}

/// Network in two parts: the frozen part makes features of images, and the rest makes logits of features. If nothing is
/// frozen, the features are the images.
pub(crate) struct Network {
    pub(crate) stages: Vec<Box<dyn Stage>>,
    /// The first stages, prepared, which keep their weights.
    frozen: Vec<Prepared<'static>>,
    pub(crate) head: Head,
    /// Statistics that batch norms use in training.
    statistics: Statistics,
    pub(crate) compute: Kind,
    architecture: &'static Architecture,
}

impl Network {
    /// Builds the network of `spec` from `tensors`, and from the user's module where its architecture takes one.
    pub(crate) fn new(spec: &Spec, module: Option<&Rc<Module>>, tensors: &mut Tensors) -> Result<Self> {
        let dimensions = Dimensions { image_size: spec.image_size, n_classes: spec.classes.len() };
        let (stages, head) = (spec.architecture.build)(dimensions, module, tensors)?;
        Ok(Self {
            stages,
            frozen: Vec::new(),
            head,
            statistics: Statistics::Batch,
            compute: kind(spec.precision),
            architecture: spec.architecture,
        })
    }

    /// Builds a network that is not run and takes no memory, with the shapes of its tensors. `None` where they depend on a
    /// module that is not given.
    pub(crate) fn declared(spec: &Spec, module: Option<&Rc<Module>>) -> Result<Option<(Self, Shapes)>> {
        if spec.architecture.takes_module() && module.is_none() {
            return Ok(None);
        }
        let mut tensors = Tensors::declared();
        let network = Self::new(spec, module, &mut tensors)?;
        Ok(Some((network, tensors.shapes())))
    }

    /// Returns every tensor that belongs into the network's file, trainable or not.
    pub(crate) fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.stages.iter().flat_map(|stage| stage.tensors()).chain(self.head.tensors()).collect()
    }

    /// Returns the tensors that are trained.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'_>> {
        let is_pretrained = self.architecture.has_pretrained_part();
        let trained = self.stages[self.frozen.len()..].iter().flat_map(|stage| stage.parameters());
        let of_head = self.head.tensors().map(|named| (false, named));
        let all = trained.map(|named| (is_pretrained, named)).chain(of_head);
        all.map(|(is_pretrained, (name, tensor))| Parameter { name, is_pretrained, tensor }).collect()
    }

    /// Counts the stages to freeze, from the input on.
    fn frozen_stages(&self, freeze: &Freeze) -> Result<usize> {
        let name = match freeze {
            Freeze::None => return Ok(0),
            Freeze::All => return Ok(self.stages.len()),
            Freeze::Through(name) => name,
        };
        let names: Vec<&str> = self.stages.iter().map(|stage| stage.name()).collect();
        let architecture = self.architecture;
        match names.iter().position(|stage| stage == name) {
            Some(index) if names.len() > 1 => Ok(index + 1),
            _ if names.len() > 1 => Err(Error::Spec(format!(
                "{architecture} has no block `{name}`: its blocks are {}",
                names.join(", ")
            ))),
            _ => Err(Error::Spec(format!(
                "{architecture} has no block `{name}`: freeze `none` or `all` of it"
            ))),
        }
    }

    /// Freezes a part, and with `batch_norm` the statistics of all batch norms.
    pub(crate) fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()> {
        if !self.architecture.has_pretrained_part() {
            return match freeze {
                Freeze::None if !batch_norm => Ok(()),
                _ => Err(Error::Spec(format!(
                    "{} has no pretrained part, and no batch norm, to freeze",
                    self.architecture
                ))),
            };
        }
        let frozen = self.frozen_stages(freeze)?;
        if frozen == 0 && self.stages.iter().all(|stage| stage.parameters().is_empty()) {
            let problem =
                "none of the backbone's parameters is trainable: freeze `all`, or export it trainable";
            return Err(Error::Spec(problem.to_owned()));
        }
        for (index, stage) in self.stages.iter().enumerate() {
            for (_, leaf) in stage.parameters() {
                let _ = leaf.f_set_requires_grad(index >= frozen)?;
            }
        }
        self.frozen = self.prepared(0..frozen, false)?;
        self.statistics = if batch_norm { Statistics::Stored } else { Statistics::Batch };
        Ok(())
    }

    fn prepared(&self, stages: std::ops::Range<usize>, traced: bool) -> Result<Vec<Prepared<'static>>> {
        let _guard = tch::no_grad_guard();
        self.stages[stages].iter().map(|stage| stage.for_inference(self.compute, traced)).collect()
    }

    /// True where images pass a frozen part first.
    pub(crate) fn is_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    /// Prepares the input of the first stage that is not frozen: images are cast only here.
    fn taken(&self, features: &Tensor) -> Result<Tensor> {
        match features.dim() {
            4 => cast(features, self.compute),
            _ => Ok(features.shallow_clone()),
        }
    }

    /// Runs the frozen part on `images`, f32 `[N, 3, S, S]`. No gradient goes through it, and nothing in it is random.
    pub(crate) fn features(&self, images: &Tensor) -> Result<Tensor> {
        if !self.is_frozen() {
            return Ok(images.shallow_clone());
        }
        let _guard = tch::no_grad_guard();
        let x = run(&self.frozen, self.taken(images)?)?;
        if self.frozen.len() == self.stages.len() { self.head.input(&x, self.compute) } else { Ok(x) }
    }

    /// Computes f32 logits `[N, C]`, with gradients, of `features` from [`Self::features`].
    pub(crate) fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        let statistics = if mode == Mode::Evaluate { Statistics::Stored } else { self.statistics };
        let x = self.rest(features, &Pass { mode, statistics, compute: self.compute })?;
        self.head.forward(&x, mode, self.compute, false)
    }

    /// Runs the stages that are not frozen.
    fn rest(&self, features: &Tensor, pass: &Pass) -> Result<Tensor> {
        let stages = &self.stages[self.frozen.len()..];
        stages.iter().try_fold(self.taken(features)?, |x, stage| stage.forward(&x, pass))
    }

    /// Prepares the part after the features, with its current weights, for many batches without gradients.
    pub(crate) fn prepare(&self) -> Result<Prepared<'_>> {
        self.prepare_from(self.frozen.len(), false)
    }

    /// Prepares the whole network from the images on, whatever is frozen, in steps that are the same for any number of
    /// images, so that one pass can be traced.
    pub(crate) fn graph(&self) -> Result<Prepared<'_>> {
        self.prepare_from(0, true)
    }

    fn prepare_from(&self, first: usize, traced: bool) -> Result<Prepared<'_>> {
        let stages = self.prepared(first..self.stages.len(), traced)?;
        let head = {
            let _guard = tch::no_grad_guard();
            self.head.for_inference(self.compute)?
        };
        Ok(Box::new(move |features| {
            let x = run(&stages, self.taken(features)?)?;
            head.forward(&x, Mode::Evaluate, self.compute, traced)
        }))
    }

    /// Computes the last maps of `images`, f32 `[N, 3, S, S]`, in evaluation mode, without gradients, whatever is frozen.
    /// `None` where there are none, but features. Where the positions of their values are unknown, even spacing is assumed.
    pub(crate) fn maps(&self, images: &Tensor) -> Result<Option<Maps>> {
        let _guard = tch::no_grad_guard();
        let pass = Pass { mode: Mode::Evaluate, statistics: Statistics::Stored, compute: self.compute };
        let values = self.rest(&run(&self.frozen, self.taken(images)?)?, &pass)?;
        let places = self.stages.iter().try_fold(Places::PIXELS, |from, stage| stage.places(from));
        let places = match (places, &values.size()[..], &images.size()[..]) {
            (Some(places), _, _) => [places; 2],
            (None, &[_, _, h, w], &[.., height, width]) if h * w > 1 => {
                [(h, height), (w, width)].map(|(n, size)| Places::even(n as usize, size as usize))
            }
            _ => return Ok(None),
        };
        Ok(Some(Maps { values, places }))
    }

    /// Computes f32 logits `[N, C]` of the values of [`Self::maps`], in evaluation mode, with gradients.
    pub(crate) fn of_maps(&self, maps: &Tensor) -> Result<Tensor> {
        self.head.forward(maps, Mode::Evaluate, self.compute, false)
    }

    /// Estimates the bytes of activations that a training step keeps for its backward pass, as far as they are known.
    pub(crate) fn activation_bytes(&self, batch: usize, image_size: usize) -> u64 {
        self.kept_bytes(self.frozen.len(), batch, image_size)
    }

    fn kept_bytes(&self, frozen: usize, batch: usize, image_size: usize) -> u64 {
        let (mut side, mut kept) = (image_size as i64, 0);
        for (index, stage) in self.stages.iter().enumerate() {
            let of_stage = stage.activations(side);
            side = of_stage.side;
            if index >= frozen {
                kept += of_stage.kept;
            }
        }
        (kept as u64 * self.compute.elt_size_in_bytes() as u64).saturating_mul(batch as u64)
    }

    /// Estimates the bytes that training takes once a part is frozen: weights, gradients, two moments, and activations.
    pub(crate) fn training_bytes(&self, freeze: &Freeze, batch: usize, image_size: usize) -> Result<u64> {
        let frozen = if self.architecture.has_pretrained_part() { self.frozen_stages(freeze)? } else { 0 };
        let all = bytes(self.tensors());
        let kept: u64 = self.stages[..frozen].iter().map(|stage| bytes(stage.tensors())).sum();
        let trained = all.saturating_sub(kept);
        Ok(all.saturating_add(3 * trained).saturating_add(self.kept_bytes(frozen, batch, image_size)))
    }

    /// Returns the file of the TorchScript module inside, where there is one.
    pub(crate) fn module(&self) -> Result<Option<Arc<[u8]>>> {
        for (index, stage) in self.stages.iter().enumerate() {
            if let Some(file) = stage.module(index < self.frozen.len())? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

/// Sums up the bytes of tensors in f32.
pub(crate) fn bytes(named: Vec<(String, &Tensor)>) -> u64 {
    named.iter().map(|(_, tensor)| 4 * tensor.numel() as u64).sum()
}

fn run(stages: &[Prepared<'_>], x: Tensor) -> Result<Tensor> {
    stages.iter().try_fold(x, |x, stage| stage(&x))
}
