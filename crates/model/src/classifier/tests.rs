use data::{Interpolation, random::Key, random::Purpose, random::Rng as _};

use super::*;
use crate::{Metric, Precision};

fn spec(image_size: usize, precision: Precision) -> Spec {
    Spec {
        kind: crate::Kind::Convnet,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size,
        interpolation: Interpolation::Nearest,
        input_scale: InputScale::Unit,
        precision,
    }
}

fn batch(n: usize, image_size: usize) -> Batch {
    let mut pixels = vec![0; n * image_size * image_size * 3];
    Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Phantom }.generator(0).fill_bytes(&mut pixels);
    Batch { pixels, n, filled: n, image_size }
}

fn classifier(image_size: usize, precision: Precision) -> Classifier {
    Classifier::new(spec(image_size, precision), 28, Device::Cpu).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn evaluation_has_no_chance_in_it_and_training_has() {
    let classifier = classifier(20, Precision::F32);
    let images = classifier.input(&batch(5, 20)).unwrap();
    let forward =
        |mode| NamedTensor::copy_of("", &classifier.forward(&images, mode).unwrap()).unwrap().values;
    assert_eq!(bits(&forward(Mode::Evaluate)), bits(&forward(Mode::Evaluate)));
    let step = Step { seed: 28, epoch: 1, batch: 0 };
    assert_eq!(bits(&forward(Mode::Train(step))), bits(&forward(Mode::Train(step))));
    assert_ne!(forward(Mode::Train(step)), forward(Mode::Train(Step { batch: 1, ..step })));
    assert_ne!(forward(Mode::Train(step)), forward(Mode::Evaluate));
}

#[test]
fn a_saved_model_says_the_same_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    for precision in [Precision::F32, Precision::Bf16] {
        let before = classifier(20, precision);
        let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
        let meta = Meta { spec: before.spec().clone(), metric, epoch: 1, training: None };
        let checkpoint = before.checkpoint(meta).unwrap();
        checkpoint.encode().unwrap().write_to(&mut std::fs::File::create(&path).unwrap()).unwrap();
        let after = Classifier::load(&path, Device::Cpu).unwrap();
        assert_eq!(after.spec(), before.spec());
        let batch = batch(32, 20);
        assert_eq!(bits(&after.probabilities(&batch).unwrap()), bits(&before.probabilities(&batch).unwrap()));
    }
}

#[test]
fn padding_is_dropped_and_changes_nothing() {
    let classifier = classifier(20, Precision::F32);
    let whole = batch(32, 20);
    let mut padded = whole.clone();
    padded.filled = 7;
    padded.pixels[7 * 20 * 20 * 3..].fill(0);
    let (whole, padded) =
        (classifier.probabilities(&whole).unwrap(), classifier.probabilities(&padded).unwrap());
    assert_eq!(padded.len(), 7 * 3);
    assert_eq!(bits(&whole[..21]), bits(&padded));
    for row in padded.chunks(3) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
    }
}

#[test]
fn bf16_stays_close_to_f32() {
    let batch = batch(32, 50);
    let exact = classifier(50, Precision::F32).probabilities(&batch).unwrap();
    let rounded = classifier(50, Precision::Bf16).probabilities(&batch).unwrap();
    let worst = exact.iter().zip(&rounded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst > 0.0 && worst < 0.02, "{worst}");
}

#[test]
fn what_no_network_can_be_built_from_is_refused() {
    for size in [0, 3, 1025] {
        let error = Classifier::new(spec(size, Precision::F32), 28, Device::Cpu).err().unwrap().to_string();
        assert_eq!(error, format!("image size {size} is outside of what convnet takes: 4 to 1024 pixels"));
    }
    let one = Spec { classes: vec!["a".to_owned()], ..spec(50, Precision::F32) };
    let error = Classifier::new(one, 28, Device::Cpu).err().unwrap().to_string();
    assert_eq!(error, "at least 2 classes are needed, got 1");
    let error = classifier(20, Precision::F32).input(&batch(1, 50)).unwrap_err().to_string();
    assert_eq!(error, "images of 50×50 pixels do not fit a network of 20×20");
}
