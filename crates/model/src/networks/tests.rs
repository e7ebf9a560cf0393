//! Behaviour that every network has, over all rows of the table that need no file of the user's.

use tch::{Device, Kind as Number, Tensor};

use super::*;
use crate::{DropoutStep, Freeze, Mode, NamedTensor, tensors::Tensors};

fn spec(architecture: &'static Architecture, precision: Precision) -> Spec {
    Spec {
        task: metrics::Task::MultiClass,
        architecture,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size: architecture.min_image_size,
        interpolation: data::Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: architecture.input_scale,
        normalisation: None,
        precision,
    }
}

fn networks(precision: Precision) -> impl Iterator<Item = (Network, Spec)> {
    let own = ARCHITECTURES.into_iter().filter(|architecture| !architecture.takes_module());
    own.map(move |architecture| {
        let spec = spec(architecture, precision);
        let (_, shapes) = Network::declared(&spec, None).unwrap().unwrap();
        let mut tensors = Tensors::fresh(&shapes, std::collections::HashMap::new(), 28, Device::Cpu).unwrap();
        (Network::new(&spec, None, &mut tensors).unwrap(), spec)
    })
}

fn images(n: i64, side: usize) -> Tensor {
    let values: Vec<f32> = (0..n * 3 * (side * side) as i64).map(|i| (i * i % 251) as f32 / 251.0).collect();
    Tensor::from_slice(&values).view([n, side as i64, side as i64, 3]).permute([0, 3, 1, 2])
}

fn values(tensor: &Tensor) -> Vec<f32> {
    NamedTensor::copy_of("", &tensor.to_kind(Number::Float)).unwrap().values
}

#[test]
fn names_are_one_of_a_kind_and_are_read_back() {
    for (index, architecture) in ARCHITECTURES.into_iter().enumerate() {
        let read: &Architecture = architecture.name.parse().unwrap();
        assert_eq!(read, architecture);
        assert!(ARCHITECTURES[..index].iter().all(|other| other.name != architecture.name), "{architecture}");
    }
    let error = "resnet".parse::<&Architecture>().unwrap_err().to_string();
    let names = ARCHITECTURES.map(|architecture| architecture.name).join(", ");
    assert_eq!(error, format!("unknown model `resnet`: one of {names}"));
}

/// A declared network has the tensors of the one that is built, and takes no memory.
#[test]
fn declared_tensors_are_those_that_are_built() {
    for (network, spec) in networks(Precision::F32) {
        let (declared, shapes) = Network::declared(&spec, None).unwrap().unwrap();
        let built: Vec<(String, Vec<usize>)> = network
            .tensors()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.size().iter().map(|&side| side as usize).collect()))
            .collect();
        assert_eq!(built, shapes, "{}", spec.architecture);
        assert!(declared.tensors().iter().all(|(_, tensor)| tensor.stride().iter().all(|&step| step == 0)));
        let trained = network.parameters().len();
        assert!(trained > 0 && trained <= shapes.len(), "{}", spec.architecture);
    }
}

/// Evaluation, the prepared network, the traced steps and the maps give the same logits.
#[test]
fn all_ways_through_a_network_agree() {
    for (network, spec) in networks(Precision::F32) {
        let images = images(3, spec.image_size);
        let _guard = tch::no_grad_guard();
        let expected = values(&network.forward(&images, Mode::Evaluate).unwrap());
        let maps = network.maps(&images).unwrap().unwrap();
        let ways = [
            network.prepare().unwrap()(&images).unwrap(),
            network.graph().unwrap()(&images).unwrap(),
            network.of_maps(&maps.values).unwrap(),
        ];
        for (way, found) in ways.iter().enumerate() {
            let off = values(found).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-4, "{}, way {way}: {off}", spec.architecture);
        }
        let places = maps.places.map(|places| (places.first, places.step));
        assert!(places.iter().all(|(first, step)| *first > 0.0 && *step >= 1.0), "{places:?}");
    }
}

/// Each stage can be the last frozen one: its weights are no parameters any more, and the logits are the same.
#[test]
fn every_stage_of_a_pretrained_network_freezes() {
    for (mut network, spec) in networks(Precision::F32) {
        if !spec.architecture.has_pretrained_part() {
            let error = network.freeze(&Freeze::All, false).unwrap_err().to_string();
            assert!(error.contains("has no pretrained part"), "{error}");
            continue;
        }
        let images = images(2, spec.image_size);
        let expected = values(&network.forward(&images, Mode::Evaluate).unwrap());
        let names: Vec<String> = network.stages.iter().map(|stage| stage.name().to_owned()).collect();
        let mut trained = network.parameters().len();
        for name in names {
            network.freeze(&Freeze::Through(name.clone()), false).unwrap();
            assert!(network.parameters().len() < trained, "{name}");
            trained = network.parameters().len();
            let features = network.features(&images).unwrap();
            assert!(!features.requires_grad(), "{name}");
            let found = values(&network.forward(&features, Mode::Evaluate).unwrap());
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-4, "{} through {name}: {off}", spec.architecture);
        }
    }
}

/// bf16 rounds and no more, and a training step gives every parameter a finite gradient.
#[test]
fn a_step_reaches_every_parameter_in_each_precision() {
    for precision in [Precision::F32, Precision::Bf16] {
        for (network, spec) in networks(precision) {
            let step = DropoutStep { seed: 28, epoch: 1, batch: 0 };
            let logits = network.forward(&images(4, spec.image_size), Mode::Train(step)).unwrap();
            assert_eq!((logits.size(), logits.kind()), (vec![4, 3], Number::Float));
            let loss = logits.log_softmax(1, Number::Float).narrow(1, 0, 1).mean(Number::Float).neg();
            let parameters = network.parameters();
            let leaves: Vec<&Tensor> = parameters.iter().map(|parameter| parameter.tensor).collect();
            for (parameter, gradient) in
                parameters.iter().zip(Tensor::run_backward(&[&loss], &leaves, false, false))
            {
                let values = values(&gradient);
                assert!(values.iter().all(|value| value.is_finite()), "{}", parameter.name);
                assert!(values.iter().any(|value| *value != 0.0), "{}", parameter.name);
            }
            assert!(network.activation_bytes(4, spec.image_size) > 0, "{}", spec.architecture);
        }
    }
}

/// The last batch of an epoch may be one image, whose last maps have one value a channel: that has no variance.
#[test]
fn one_image_of_the_smallest_size_leaves_statistics_finite() {
    for (network, spec) in networks(Precision::F32) {
        let step = DropoutStep { seed: 28, epoch: 1, batch: 0 };
        let _ = network.forward(&images(1, spec.image_size), Mode::Train(step)).unwrap();
        for (name, tensor) in network.tensors() {
            assert!(values(tensor).iter().all(|value| value.is_finite()), "{} {name}", spec.architecture);
        }
    }
}

/// Value `i` of a tensor by the formula of `make_networks.py`.
fn formula(name: &str, shape: &[usize]) -> Tensor {
    let hash: i64 = name.bytes().map(i64::from).sum();
    let n: usize = shape.iter().product();
    let fan_in: usize = shape[1..].iter().product();
    let value = |i: usize| {
        let v = ((31 * hash + 17 * i as i64) % 101) as f64 / 101.0 - 0.5;
        match name {
            _ if shape.len() == 4 => v * (12.0 / fan_in as f64).sqrt(),
            _ if name.ends_with("running_var") => 1.0 + v,
            _ if name.ends_with("bn3.weight") => (1.0 + 0.4 * v) / 2.0,
            _ if name.ends_with("weight") => 1.0 + 0.4 * v,
            _ => 0.4 * v,
        }
    };
    let values: Vec<f32> = (0..n).map(|i| value(i) as f32).collect();
    Tensor::from_slice(&values).view(shape.iter().map(|&side| side as i64).collect::<Vec<_>>().as_slice())
}

#[derive(serde::Deserialize)]
struct Reference {
    network: String,
    image_size: usize,
    features: i64,
    mean: f64,
    first: Vec<Vec<f64>>,
}

/// Features by weights of a formula, against those of the Python packages whose graphs the networks follow.
#[test]
fn features_are_those_of_the_packages_that_the_graphs_follow() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/networks.json");
    let mut file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases: Vec<Reference> = serde_json::from_value(file["cases"].take()).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let architecture: &'static Architecture = case.network.parse().unwrap();
        let side = case.image_size;
        let values: Vec<f32> =
            (0..2 * side * side * 3).map(|i| ((i * i % 251) as f64 / 251.0 - 0.5) as f32).collect();
        let side = side as i64;
        let images = Tensor::from_slice(&values).view([2, side, side, 3]).permute([0, 3, 1, 2]);
        let features = |precision, freeze: &Freeze| {
            let spec = Spec { image_size: case.image_size, ..spec(architecture, precision) };
            let (_, shapes) = Network::declared(&spec, None).unwrap().unwrap();
            let given = shapes.iter().map(|(name, shape)| (name.clone(), formula(name, shape))).collect();
            let mut tensors = Tensors::fresh(&shapes, given, 28, Device::Cpu).unwrap();
            let mut network = Network::new(&spec, None, &mut tensors).unwrap();
            network.freeze(freeze, false).unwrap();
            // Frozen, the layers are prepared once; otherwise they are folded in each pass.
            let maps = network.maps(&images).unwrap().unwrap();
            network.head.input(&maps.values, network.compute).unwrap()
        };
        for freeze in [Freeze::None, Freeze::All] {
            let found = features(Precision::F32, &freeze);
            assert_eq!(found.size(), [2, case.features], "{architecture}");
            let mean = found.mean(Number::Double).double_value(&[]);
            assert!(
                (mean - case.mean).abs() / case.mean.max(1.0) < 1e-4,
                "{architecture}: mean {mean}, expected {}",
                case.mean
            );
            for (row, expected) in case.first.iter().enumerate() {
                for (at, expected) in expected.iter().enumerate() {
                    let value = found.double_value(&[row as i64, at as i64]);
                    let off = (value - expected).abs() / expected.abs().max(1.0);
                    assert!(off < 1e-4, "{architecture}: {value}, expected {expected}");
                }
            }
        }
        let [f32, bf16] =
            [Precision::F32, Precision::Bf16].map(|precision| features(precision, &Freeze::None));
        let cosine = Tensor::cosine_similarity(&f32, &bf16, 1, 1e-12).min().double_value(&[]);
        assert!(cosine > 0.999, "{architecture}: cosine {cosine}");
    }
}
