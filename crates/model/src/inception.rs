//! InceptionV3 up to its 2048 features, with the study's head on them.
//!
//! The graph is our own because the TorchScript module with the weights normalises with stored statistics only, ends in an
//! 8×8 pool (another size than 299×299 fails in it) and hides its feature maps.

mod blocks;
mod unit;
pub(crate) mod weights;

use tch::{Kind, Tensor};

use crate::{
    Error, Freeze, Mode, Precision, Result, Spec,
    head::{self, Head},
    network::{self, Maps, Network, Parameter, PreparedHead, Shapes, Tensors},
};
use blocks::{Block, blocks};
use unit::{Folded, Statistics, Unit};

/// Number of features after the global average pool.
const FEATURES: usize = 2048;

/// Network in blocks, the first `frozen` of which are folded and keep their weights.
pub(crate) struct InceptionV3 {
    blocks: Vec<Block<Unit>>,
    frozen: Vec<Block<Folded>>,
    head: Head,
    statistics: Statistics,
    compute: Kind,
}

/// Returns names and shapes of the tensors, in the order of the network.
pub(crate) fn shapes(n_classes: usize) -> Shapes {
    let mut shapes = base_shapes();
    shapes.extend(head::shapes(FEATURES, n_classes));
    shapes
}

/// Returns names and shapes of the tensors that the pretrained weights contain.
fn base_shapes() -> Shapes {
    blocks().iter().flat_map(Block::units).flat_map(unit::shapes).collect()
}

/// Returns the block names that `--freeze through:BLOCK` takes, from the input on.
pub(crate) fn block_names() -> Vec<&'static str> {
    blocks().iter().map(|block| block.name).collect()
}

/// Counts the frozen blocks, from the input on.
fn frozen_blocks(freeze: &Freeze) -> Result<usize> {
    let names = block_names();
    match freeze {
        Freeze::None => Ok(0),
        Freeze::All => Ok(names.len()),
        Freeze::Through(name) => match names.iter().position(|block| block == name) {
            Some(index) => Ok(index + 1),
            None => {
                let names = names.join(", ");
                Err(Error::Spec(format!("inception-v3 has no block `{name}`: its blocks are {names}")))
            }
        },
    }
}

/// Estimates the bytes of activations that a training step keeps of one image if the first `frozen` blocks are frozen.
fn activation_bytes(image_size: usize, frozen: usize, compute: Kind) -> u64 {
    let mut side = image_size as i64;
    let mut values = 0;
    for (index, block) in blocks().iter().enumerate() {
        let (units, output, after) = block.values(side);
        side = after;
        if index >= frozen {
            values += 2 * units + output;
        }
    }
    values as u64 * compute.elt_size_in_bytes() as u64
}

/// Returns the bytes of the weights in the part to be frozen, and estimated bytes of activations that a training step keeps
/// of one image.
pub(crate) fn frozen_and_activations(spec: &Spec, freeze: &Freeze) -> Result<(u64, u64)> {
    let frozen = frozen_blocks(freeze)?;
    let blocks = blocks();
    let shapes = blocks.iter().take(frozen).flat_map(Block::units).flat_map(unit::shapes);
    let values: usize = shapes.map(|(_, shape)| shape.iter().product::<usize>()).sum();
    Ok((4 * values as u64, activation_bytes(spec.image_size, frozen, network::kind(spec.precision))))
}

impl InceptionV3 {
    pub(crate) fn new(tensors: &mut Tensors, precision: Precision) -> Result<Self> {
        Ok(Self {
            blocks: blocks()
                .iter()
                .map(|block| block.map(|conv| Unit::new(conv, tensors)))
                .collect::<Result<_>>()?,
            frozen: Vec::new(),
            head: Head::new(tensors)?,
            statistics: Statistics::Batch,
            compute: network::kind(precision),
        })
    }

    /// Prepares the input of the first block that is not frozen: images are cast only here.
    fn taken(&self, features: &Tensor) -> Result<Tensor> {
        Ok(if features.dim() == 4 {
            network::cast(features, self.compute)?
        } else {
            features.shallow_clone()
        })
    }

    /// Runs the frozen blocks on images; if nothing is frozen, returns the images.
    fn through_frozen(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = if self.is_frozen() { images.f_to_kind(self.compute)? } else { images.shallow_clone() };
        for block in &self.frozen {
            x = block.run(&x, &Folded::forward)?;
        }
        Ok(x)
    }

    /// Runs the blocks that are not frozen.
    fn rest(&self, features: &Tensor, statistics: Statistics) -> Result<Tensor> {
        let mut x = self.taken(features)?;
        for block in &self.blocks[self.frozen.len()..] {
            x = block.run(&x, &|unit: &Unit, x| unit.forward(x, statistics, self.compute))?;
        }
        Ok(x)
    }

    fn fold(&self, block: &Block<Unit>) -> Result<Block<Folded>> {
        block.map(|unit| unit.fold(self.compute))
    }

    /// Folds the blocks from index `first` on, with their current weights, followed by the head.
    fn folded_from(&self, first: usize) -> Result<PreparedHead<'_>> {
        let _guard = tch::no_grad_guard();
        let blocks: Vec<Block<Folded>> =
            self.blocks[first..].iter().map(|block| self.fold(block)).collect::<Result<_>>()?;
        Ok(Box::new(move |features| {
            let mut x = self.taken(features)?;
            for block in &blocks {
                x = block.run(&x, &Folded::forward)?;
            }
            self.head.forward(&x, Mode::Evaluate)
        }))
    }
}

impl Network for InceptionV3 {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.blocks.iter().flat_map(Block::units).flat_map(Unit::tensors).chain(self.head.tensors()).collect()
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        let trained = self.blocks[self.frozen.len()..].iter().flat_map(Block::units).flat_map(Unit::leaves);
        trained
            .map(|(name, tensor)| Parameter { name, is_pretrained: true, tensor })
            .chain(self.head.parameters())
            .collect()
    }

    fn freeze(&mut self, freeze: &Freeze, batch_norm: bool) -> Result<()> {
        let frozen = frozen_blocks(freeze)?;
        for (index, block) in self.blocks.iter().enumerate() {
            block.units().try_for_each(|unit| unit.set_trainable(index >= frozen))?;
        }
        let _guard = tch::no_grad_guard();
        self.frozen = self.blocks[..frozen].iter().map(|block| self.fold(block)).collect::<Result<_>>()?;
        self.statistics = if batch_norm { Statistics::Stored } else { Statistics::Batch };
        Ok(())
    }

    fn is_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let x = self.through_frozen(images)?;
        if self.frozen.len() == self.blocks.len() { head::pooled(&x) } else { Ok(x) }
    }

    fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        let statistics = if mode == Mode::Evaluate { Statistics::Stored } else { self.statistics };
        self.head.forward(&self.rest(features, statistics)?, mode)
    }

    /// Output of `mixed_10`.
    fn maps(&self, images: &Tensor) -> Result<Option<Maps>> {
        let _guard = tch::no_grad_guard();
        let values = self.rest(&self.through_frozen(images)?, Statistics::Stored)?;
        Ok(Some(Maps { values, places: [blocks::places(&blocks()); 2] }))
    }

    fn of_maps(&self, maps: &Tensor) -> Result<Tensor> {
        self.head.forward(maps, Mode::Evaluate)
    }

    /// Counts the outputs of convolution and batch norm of each trained unit, and the output of each block.
    fn activation_bytes(&self, batch: usize, image_size: usize) -> u64 {
        activation_bytes(image_size, self.frozen.len(), self.compute).saturating_mul(batch as u64)
    }

    fn prepare(&self) -> Result<PreparedHead<'_>> {
        self.folded_from(self.frozen.len())
    }

    fn graph(&self) -> Result<PreparedHead<'_>> {
        self.folded_from(0)
    }
}

#[cfg(test)]
mod tests;
