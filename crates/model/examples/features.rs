//! Features of images by a built-in network with weights out of a file, for `tests/check_networks.py`.
//!
//! `cargo run -p model --example features -- NETWORK WEIGHTS IMAGES.safetensors FEATURES.safetensors [bf16]`: `x`, f32
//! `[N, 3, S, S]`, already normalised, becomes `features`, f32 `[N, F]`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool for a test")]

use std::path::Path;

use model::{Architecture, Classifier, Device, Freeze, Precision, Pretrained, Spec};
use tch::{Kind, Tensor};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, weights, images, features, rest @ ..] = &arguments[..] else {
        panic!("NETWORK WEIGHTS IMAGES FEATURES [bf16]")
    };
    let architecture: &'static Architecture = network.parse().unwrap();
    let images = Tensor::read_safetensors(images).unwrap();
    let (_, x) = images.into_iter().find(|(name, _)| name == "x").expect("images `x`");
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture,
        classes: vec!["a".to_owned(), "b".to_owned()],
        image_size: x.size()[2] as usize,
        interpolation: data::Interpolation::Nearest,
        formats: None,
        input_scale: architecture.input_scale,
        normalisation: architecture.normalisation,
        precision: if rest.is_empty() { Precision::F32 } else { Precision::Bf16 },
    };
    let weights = Pretrained::File { path: Path::new(weights), pinned: false };
    let mut classifier = Classifier::new(spec, weights, 28, Device::Cpu).unwrap();
    classifier.freeze(&Freeze::All, false).unwrap();
    let found = classifier.features(&x).unwrap().to_kind(Kind::Float).contiguous();
    Tensor::write_safetensors(&[("features", &found)], features).unwrap();
}
