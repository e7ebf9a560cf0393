use std::{collections::HashMap, path::PathBuf};

use base::random::{Key, Purpose, Rng as _};
use tch::Device;

use super::*;
use crate::{DropoutStep, Freeze, Mode, NamedTensor, Precision, Spec, module, network::Network};

const STEP: DropoutStep = DropoutStep { seed: 28, epoch: 1, batch: 0 };

/// Returns the pretrained weights, if they were fetched. Otherwise the tests that need them report that and pass.
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn file() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/weights/inception-v3.pt"));
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: there are no pretrained weights here; run `cargo xtask fetch-weights`");
    None
}

/// Random pixels over a ramp, in [-1, 1).
fn images(n: i64, side: i64) -> Tensor {
    let mut bytes = vec![0; (n * 3 * side * side) as usize];
    Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Phantom }.generator(0).fill_bytes(&mut bytes);
    let row = (side * 3) as usize;
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = *byte / 4 + (index % row * 190 / row) as u8;
    }
    let x = Tensor::from_data_size(&bytes, &[n, side, side, 3], Kind::Uint8).to_kind(Kind::Float);
    ((x - 128.) / 128.).permute([0, 3, 1, 2])
}

fn spec(precision: Precision) -> Spec {
    Spec {
        task: metrics::Task::MultiClass,
        architecture: &INCEPTION_V3,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size: 299,
        interpolation: data::Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Signed,
        normalisation: None,
        precision,
    }
}

fn base_shapes() -> Vec<(String, Vec<usize>)> {
    shapes().into_iter().filter(|(name, _)| !name.starts_with("head")).collect()
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    Network::declared(&spec(Precision::F32), None).unwrap().unwrap().1
}

fn network(given: HashMap<String, Tensor>, precision: Precision) -> Network {
    let mut tensors = Tensors::fresh(&shapes(), given, 28, Device::Cpu).unwrap();
    Network::new(&spec(precision), None, &mut tensors).unwrap()
}

fn largest(x: &Tensor) -> f64 {
    f64::try_from(x.abs().max()).unwrap()
}

fn statistics(network: &Network) -> Vec<(String, Vec<f32>)> {
    let of = |(name, tensor): (String, &Tensor)| {
        let values = NamedTensor::copy_of("", tensor).unwrap().values;
        (name.ends_with(".mean") || name.ends_with(".var")).then_some((name, values))
    };
    network.tensors().into_iter().filter_map(of).collect()
}

/// Compares with the TorchScript module, the oracle, on the same images.
#[test]
fn features_are_those_of_the_torchscript_module() {
    let Some(path) = file() else { return };
    let mut module = module::load(&std::fs::read(&path).unwrap(), &path, Device::Cpu).unwrap();
    module.set_eval();
    let images = images(2, 299);
    let _guard = tch::no_grad_guard();
    let expected = module.forward_ts(&[&images]).unwrap();
    for precision in [Precision::F32, Precision::Bf16] {
        let mut network = network(INCEPTION_V3.read_weights(base_shapes(), &path, true).unwrap(), precision);
        network.freeze(&Freeze::All, false).unwrap();
        let features = network.features(&images).unwrap();
        assert_eq!((features.size(), features.kind()), (vec![2, FEATURES as i64], Kind::Float));
        if precision == Precision::F32 {
            let difference = largest(&(&features - &expected));
            assert!(difference < 1e-4, "{difference}");
        }
        let cosine = Tensor::cosine_similarity(&features, &expected, 1, 1e-8);
        assert!(f64::try_from(cosine.min()).unwrap() > 0.999, "{precision}: {cosine:?}");
    }
}

fn loss(logits: &Tensor) -> Tensor {
    logits.log_softmax(1, Kind::Float).narrow(1, 0, 1).mean(Kind::Float).neg()
}

/// Runs a training step in the textbook's order: pool, convolution, libtorch's batch norm, ReLU, pool.
fn plain_loss(network: &Network, images: &Tensor) -> Tensor {
    let mut x = images.to_kind(network.compute);
    let mut tensors: HashMap<String, Tensor> =
        network.tensors().into_iter().map(|(name, tensor)| (name, tensor.shallow_clone())).collect();
    for block in blocks() {
        let mut unit = |conv: &Conv| ConvBnAct::of(conv, |name| tensors.remove(name).unwrap());
        x = block.map(|conv| Ok(unit(conv))).unwrap().run(&x, &ConvBnAct::plain).unwrap();
    }
    loss(&network.head.forward(&x, Mode::Train(STEP), network.compute, false).unwrap())
}

fn our_loss(network: &Network, images: &Tensor) -> Tensor {
    loss(&network.forward(&network.features(images).unwrap(), Mode::Train(STEP)).unwrap())
}

#[track_caller]
fn equal_losses(network: &Network, images: &Tensor) -> [Tensor; 2] {
    let losses = [plain_loss(network, images), our_loss(network, images)];
    let [plain, ours] = losses.each_ref().map(|loss| f64::try_from(loss).unwrap());
    assert!((plain - ours).abs() < 1e-5 * plain, "loss {ours} is not {plain}");
    losses
}

/// In f32 the loss is the plain step's. Gradients cannot be compared there: those of two plain steps, channels first and
/// last, differ by a hundredth of the largest, because rounding decides which side of a ReLU or which pixel of a pool it is.
#[test]
fn a_step_in_f32_has_the_loss_of_the_plain_one() {
    let _ = equal_losses(&network(HashMap::new(), Precision::F32), &images(6, 139));
}

/// The same graph in f64, where rounding decides nothing: loss and every gradient are the plain step's.
#[test]
fn a_step_is_the_plain_one() {
    let fresh = network(HashMap::new(), Precision::F32);
    let base = fresh.tensors().into_iter().filter(|(name, _)| !name.starts_with("head"));
    let doubles = base.map(|(name, tensor)| (name, tensor.detach().to_kind(Kind::Double))).collect();
    let mut network = network(doubles, Precision::F32);
    network.compute = Kind::Double;
    let losses = equal_losses(&network, &images(4, 107));
    let parameters = network.parameters();
    assert_eq!(parameters.len(), 2 * 94 + 8);
    let leaves: Vec<&Tensor> = parameters.iter().map(|parameter| parameter.tensor).collect();
    let [plain, ours] = losses.map(|loss| Tensor::run_backward(&[&loss], &leaves, false, false));
    for ((parameter, plain), ours) in parameters.iter().zip(&plain).zip(&ours) {
        let (difference, scale) = (largest(&(plain - ours)), largest(plain));
        assert!(difference <= 1e-5 * scale, "{}: off by {difference} of {scale}", parameter.name);
    }
}

#[test]
fn what_is_frozen_stays_and_the_rest_is_trained() {
    let mut network = network(HashMap::new(), Precision::F32);
    let images = images(3, 75);
    let whole = network.forward(&network.features(&images).unwrap(), Mode::Evaluate).unwrap();
    let train = |network: &Network| {
        let features = network.features(&images).unwrap();
        assert!(!features.requires_grad());
        network.forward(&features, Mode::Train(STEP)).unwrap()
    };
    let moved = |network: &Network| -> Vec<String> {
        let before = statistics(network);
        let _ = train(network);
        let after = statistics(network);
        let pairs = before.into_iter().zip(after);
        pairs.filter(|(before, after)| before != after).map(|((name, _), _)| name).collect()
    };

    network.freeze(&Freeze::Through("mixed_8".to_owned()), false).unwrap();
    assert!(network.is_frozen());
    let names: Vec<String> = network.parameters().into_iter().map(|parameter| parameter.name).collect();
    assert_eq!((names[0].as_str(), names.len()), ("mixed_9.conv.weight", 2 * 18 + 8));
    assert!(moved(&network).iter().all(|name| name.starts_with("mixed_9") || name.starts_with("mixed_10")));

    network.freeze(&Freeze::Through("mixed_8".to_owned()), true).unwrap();
    assert_eq!(moved(&network), Vec::<String>::new());
    network.freeze(&Freeze::All, false).unwrap();
    assert_eq!((network.parameters().len(), moved(&network).len()), (8, 0));

    // Parts and folding change nothing; the statistics that moved above do.
    let mut fresh = self::network(HashMap::new(), Precision::F32);
    for freeze in [Freeze::None, Freeze::Through("mixed_3".to_owned()), Freeze::All] {
        fresh.freeze(&freeze, false).unwrap();
        let _guard = tch::no_grad_guard();
        let features = fresh.features(&images).unwrap();
        for logits in
            [fresh.forward(&features, Mode::Evaluate).unwrap(), fresh.prepare().unwrap()(&features).unwrap()]
        {
            assert!(largest(&(&logits - &whole)) < 1e-5 * largest(&whole).max(1.0), "{freeze}");
        }
    }
    fresh.freeze(&Freeze::None, false).unwrap();
    assert_eq!((fresh.parameters().len(), fresh.is_frozen()), (2 * 94 + 8, false));
    assert_eq!(moved(&fresh).len(), 2 * 94);

    let error = fresh.freeze(&Freeze::Through("mixed_11".to_owned()), false).unwrap_err().to_string();
    let blocks = "conv, conv_1, conv_2, conv_3, conv_4, mixed, mixed_1, mixed_2, mixed_3, mixed_4, mixed_5, mixed_6, \
                  mixed_7, mixed_8, mixed_9, mixed_10";
    assert_eq!(error, format!("inception-v3 has no block `mixed_11`: its blocks are {blocks}"));
}
