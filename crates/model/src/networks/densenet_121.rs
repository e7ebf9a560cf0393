//! DenseNet-121 up to its 1024 features.
//!
//! Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks" (2017), as torchvision builds and
//! names it (`torchvision/models/densenet.py`, `densenet121`).

use std::rc::Rc;

use crate::{
    Architecture, HeatMapMethod, InputScale, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::Module,
    input_scale::IMAGENET,
    layers::{
        BatchNorm, BatchNormAct, BatchNormRule, ConvNormAct, ConvShape, DenseConnection, Head, Layer,
        LayerStage, NonLinearity, PlainConv, Pooling, Sequence,
    },
    stage::Stage,
    tensors::Tensors,
    weights::{PretrainedWeights, WeightsFormat},
};

/// DenseNet-121 with one dense layer on its features.
pub static DENSENET_121: Architecture = Architecture {
    name: "densenet-121",
    image_size: 224,
    min_image_size: 32,
    batch_size: 32,
    input_scale: InputScale::Unit,
    normalisation: Some(IMAGENET),
    precision: PrecisionChoice::Auto,
    has_bf16: true,
    heat_map: HeatMapMethod::GradCam,
    pretrained: PretrainedPart::Weights(PretrainedWeights {
        path: "data/weights/densenet121-a639ec97.pth",
        fetched_by: None,
        licence: "BSD-3-Clause (torchvision)",
        sha256: "a639ec97",
        format: WeightsFormat::StateDict {
            // The file has `denselayer1.norm.1.weight` where the module has `denselayer1.norm1.weight`.
            renamed: &[
                (".norm.1.", ".norm1."),
                (".norm.2.", ".norm2."),
                (".conv.1.", ".conv1."),
                (".conv.2.", ".conv2."),
            ],
            classifier: "classifier.",
        },
    }),
    build,
};

/// Layers of each dense block.
const LAYERS: [i64; 4] = [6, 12, 24, 16];
/// Channels that a layer adds.
const GROWTH: i64 = 32;
/// Channels between a layer's two convolutions.
const BOTTLENECK: i64 = 4 * GROWTH;

fn build(
    dimensions: Dimensions,
    _: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let (mut channels, mut input) = (64, 3);
    let stem = ConvShape::new([input, channels], 7).strided(2);
    let stem = ConvNormAct::new(
        ["features.conv0", "features.norm0"],
        stem,
        BatchNormRule::TORCH,
        NonLinearity::Relu,
        tensors,
    )?;
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    let mut stage = |name: &str, layers: Vec<Box<dyn Layer>>, input: i64| {
        stages.push(Box::new(LayerStage { name: name.to_owned(), layers: Sequence(layers), input }));
    };
    stage("stem", vec![Box::new(stem), Box::new(Pooling::Maximum)], input);
    for (number, n_layers) in (1..).zip(LAYERS) {
        input = channels;
        let name = format!("denseblock{number}");
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        for layer in 1..=n_layers {
            layers.push(Box::new(dense(&format!("features.{name}.denselayer{layer}"), channels, tensors)?));
            channels += GROWTH;
        }
        if number == LAYERS.len() {
            layers.push(norm("features.norm5", channels, tensors)?);
            stage(&name, layers, input);
            break;
        }
        stage(&name, layers, input);
        let name = format!("transition{number}");
        let halved = ConvShape::new([channels, channels / 2], 1);
        let layers: Vec<Box<dyn Layer>> = vec![
            norm(&format!("features.{name}.norm"), channels, tensors)?,
            Box::new(PlainConv::new(&format!("features.{name}.conv"), halved, tensors)?),
            Box::new(Pooling::Mean),
        ];
        stage(&name, layers, channels);
        channels /= 2;
    }
    Ok((stages, Head::pooled(channels as usize, &[], dimensions.n_classes, tensors)?))
}

/// Builds a layer of a dense block: norm, ReLU, 1×1 convolution, norm, ReLU, 3×3 convolution.
fn dense(name: &str, input: i64, tensors: &mut Tensors) -> Result<DenseConnection> {
    let first = norm(&format!("{name}.norm1"), input, tensors)?;
    let names = [&*format!("{name}.conv1"), &*format!("{name}.norm2")];
    let shape = ConvShape::new([input, BOTTLENECK], 1);
    let middle = ConvNormAct::new(names, shape, BatchNormRule::TORCH, NonLinearity::Relu, tensors)?;
    let last = PlainConv::new(&format!("{name}.conv2"), ConvShape::new([BOTTLENECK, GROWTH], 3), tensors)?;
    Ok(DenseConnection(Sequence(vec![first, Box::new(middle), Box::new(last)])))
}

/// Builds a batch norm of its own, with ReLU.
fn norm(name: &str, channels: i64, tensors: &mut Tensors) -> Result<Box<dyn Layer>> {
    let norm = BatchNorm::new(name, channels, BatchNormRule::TORCH, tensors)?;
    Ok(Box::new(BatchNormAct { norm, after: NonLinearity::Relu }))
}
