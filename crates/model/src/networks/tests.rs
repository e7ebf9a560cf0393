//! Behaviour that every network has, over all rows of the table that need no file of the user's.

use tch::{Device, Kind as Number, Tensor};

use super::*;
use crate::{DropoutStep, Freeze, Mode, NamedTensor, Precision, Spec, network::Network, tensors::Tensors};

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
