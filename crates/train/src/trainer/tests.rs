use std::path::Path;

use model::{Checkpoint, InputScale, NamedTensor, Precision, Spec};
use tch::Device;

use super::*;
use crate::weighted_crossentropy;

/// Reads one array of the reference file: its values in row-major order, with its shape.
fn array(name: &str) -> (Vec<f32>, Vec<i64>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/convnet_step.npz");
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap();
    let array = archive.by_name(name).unwrap().unwrap();
    assert_eq!(array.order(), npyz::Order::C);
    let shape = array.shape().iter().map(|&side| side as i64).collect();
    let values = match array.dtype().descr().as_str() {
        "'<i8'" => array.into_vec::<i64>().unwrap().into_iter().map(|v| v as f32).collect(),
        _ => array.into_vec::<f32>().unwrap(),
    };
    (values, shape)
}

/// Converts Keras' kernels, HWIO and in × out, to ours, OIHW and out × in.
fn ours(name: &str) -> Tensor {
    let (values, shape) = array(name);
    let tensor = Tensor::from_slice(&values).view(shape.as_slice());
    match shape.len() {
        4 => tensor.permute([3, 2, 0, 1]).contiguous(),
        2 => tensor.tr().contiguous(),
        _ => tensor,
    }
}

#[track_caller]
fn close(value: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(value.size(), expected.size(), "{what}");
    let largest = f64::try_from(expected.abs().max()).unwrap();
    let difference = f64::try_from((value - expected).abs().max()).unwrap();
    assert!(difference <= 1e-4 * largest, "{what}: off by {difference} of {largest}");
}

#[test]
fn a_training_step_matches_keras() {
    let names = ["conv.weight", "conv.bias", "hidden.weight", "hidden.bias", "output.weight", "output.bias"];
    let tensors = (names.iter().enumerate())
        .map(|(i, name)| NamedTensor::copy_of(*name, &ours(&format!("weight_{i}"))).unwrap())
        .collect();
    let spec = Spec {
        task: Task::MultiClass,
        architecture: &model::CONVNET,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size: 12,
        interpolation: data::Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    };
    let metric = Metric { name: "val_loss".to_owned(), value: 0.0 };
    let meta =
        Meta { spec, metric, epoch: 0, calibration: Calibration::default(), guard: None, training: None };
    let checkpoint = Checkpoint { meta, tensors, backbone: None };
    let classifier = Classifier::from_checkpoint(&checkpoint, Path::new("reference"), Device::Cpu).unwrap();

    let (images, shape) = array("x");
    let images = Tensor::from_slice(&images).view(shape.as_slice()).permute([0, 3, 1, 2]);
    let labels = Tensor::from_slice(&array("labels").0).to_kind(Kind::Int64);
    let weights = Tensor::from_slice(&array("class_weights").0).index_select(0, &labels);
    // The reference has no dropout, which is what evaluation leaves out; gradients are kept all the same.
    let logits = classifier.forward(&images, Mode::Evaluate).unwrap();
    close(&logits.softmax(1, Kind::Float), &ours("probabilities").tr(), "probabilities");
    let loss = weighted_crossentropy(&logits, &labels, &weights).unwrap();
    close(&loss, &ours("loss"), "loss");
    let parameters = classifier.parameters();
    let tensors: Vec<&Tensor> = parameters.iter().map(|parameter| parameter.tensor).collect();
    let gradients = Tensor::run_backward(&[&loss], &tensors, false, false);
    for (i, gradient) in gradients.iter().enumerate() {
        close(gradient, &ours(&format!("gradient_{i}")), names[i]);
    }
}
