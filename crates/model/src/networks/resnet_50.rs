//! ResNet-50 up to its 2048 features.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016), as torchvision builds and names it
//! (`torchvision/models/resnet.py`, `resnet50`): the 3×3 convolution of a block has the stride, not the first one.

use std::rc::Rc;

use crate::{
    Architecture, HeatMapMethod, InputScale, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::Module,
    input_scale::IMAGENET,
    layers::{
        BatchNormRule, ConvNormAct, ConvShape, Head, Layer, LayerStage, NonLinearity, Pooling, Residual,
        Sequence,
    },
    stage::Stage,
    tensors::Tensors,
    weights::{PretrainedWeights, WeightsFormat},
};

/// ResNet-50 with one dense layer on its features.
pub static RESNET_50: Architecture = Architecture {
    name: "resnet-50",
    image_size: 224,
    min_image_size: 32,
    batch_size: 32,
    input_scale: InputScale::Unit,
    normalisation: Some(IMAGENET),
    precision: PrecisionChoice::Auto,
    has_bf16: true,
    heat_map: HeatMapMethod::GradCam,
    pretrained: PretrainedPart::Weights(PretrainedWeights {
        path: "data/weights/resnet50-11ad3fa6.pth",
        fetched_by: None,
        licence: "BSD-3-Clause (torchvision)",
        sha256: "11ad3fa6",
        format: WeightsFormat::StateDict { renamed: &[], classifier: "fc." },
    }),
    build,
};

const FEATURES: usize = 2048;
/// Blocks of each of the four layers.
const BLOCKS: [i64; 4] = [3, 4, 6, 3];
/// Channels that a block makes, as a multiple of those inside it.
const EXPANSION: i64 = 4;

fn build(
    dimensions: Dimensions,
    _: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let stem = ConvShape::new([3, 64], 7).strided(2);
    let stem = unit(["conv1", "bn1"], stem, NonLinearity::Relu, tensors)?;
    let stem = Sequence(vec![stem, Box::new(Pooling::Maximum)]);
    let mut stages: Vec<Box<dyn Stage>> =
        vec![Box::new(LayerStage { name: "stem".to_owned(), layers: stem, input: 3 })];
    let mut channels = 64;
    for (index, blocks) in BLOCKS.into_iter().enumerate() {
        let (name, input, inside) = (format!("layer{}", index + 1), channels, 64 << index);
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        for number in 0..blocks {
            let stride = if number == 0 && index > 0 { 2 } else { 1 };
            layers.push(Box::new(block(&format!("{name}.{number}"), [channels, inside], stride, tensors)?));
            channels = inside * EXPANSION;
        }
        stages.push(Box::new(LayerStage { name, layers: Sequence(layers), input }));
    }
    Ok((stages, Head::pooled(FEATURES, &[], dimensions.n_classes, tensors)?))
}

/// Builds a block of three convolutions from `input` channels, with `inside` channels in between.
fn block(name: &str, [input, inside]: [i64; 2], stride: i64, tensors: &mut Tensors) -> Result<Residual> {
    let output = inside * EXPANSION;
    let shapes = [
        ConvShape::new([input, inside], 1),
        ConvShape::new([inside, inside], 3).strided(stride),
        ConvShape::new([inside, output], 1),
    ];
    let mut body: Vec<Box<dyn Layer>> = Vec::new();
    for (number, shape) in (1..).zip(shapes) {
        let after = if number < 3 { NonLinearity::Relu } else { NonLinearity::None };
        body.push(unit(
            [&format!("{name}.conv{number}"), &format!("{name}.bn{number}")],
            shape,
            after,
            tensors,
        )?);
    }
    let mut shortcut = Vec::new();
    if input != output {
        let names = [&*format!("{name}.downsample.0"), &*format!("{name}.downsample.1")];
        let shape = ConvShape::new([input, output], 1).strided(stride);
        shortcut.push(unit(names, shape, NonLinearity::None, tensors)?);
    }
    Ok(Residual { body: Sequence(body), shortcut: Sequence(shortcut), after: NonLinearity::Relu })
}

fn unit(
    names: [&str; 2],
    shape: ConvShape,
    after: NonLinearity,
    tensors: &mut Tensors,
) -> Result<Box<dyn Layer>> {
    Ok(Box::new(ConvNormAct::new(names, shape, BatchNormRule::TORCH, after, tensors)?))
}
