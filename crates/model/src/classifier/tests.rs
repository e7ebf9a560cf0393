use base::random::{Key, Purpose, Rng as _};
use data::Interpolation;

use super::*;
use crate::{DropoutStep, Metric, Precision};

fn spec(image_size: usize, precision: Precision) -> Spec {
    Spec {
        task: Task::MultiClass,
        architecture: &crate::CONVNET,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size,
        interpolation: Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision,
    }
}

fn batch(n: usize, image_size: usize) -> Batch {
    let mut pixels = vec![0; n * image_size * image_size * 3];
    Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Phantom }.generator(0).fill_bytes(&mut pixels);
    Batch { pixels, n, filled: n, image_size }
}

fn classifier(image_size: usize, precision: Precision) -> Classifier {
    Classifier::new(spec(image_size, precision), Pretrained::None, 28, Device::Cpu).unwrap()
}

fn probabilities(classifier: &Classifier, batch: &Batch) -> Vec<f32> {
    classifier.inference().unwrap().probabilities(batch).unwrap()
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
    let step = DropoutStep { seed: 28, epoch: 1, batch: 0 };
    assert_eq!(bits(&forward(Mode::Train(step))), bits(&forward(Mode::Train(step))));
    assert_ne!(forward(Mode::Train(step)), forward(Mode::Train(DropoutStep { batch: 1, ..step })));
    assert_ne!(forward(Mode::Train(step)), forward(Mode::Evaluate));
}

#[test]
fn a_saved_model_says_the_same_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    let cases = [
        (&crate::CONVNET, 20, Precision::F32),
        (&crate::CONVNET, 20, Precision::Bf16),
        (&crate::INCEPTION_V3, 75, Precision::F32),
        (&crate::INCEPTION_V3, 75, Precision::Bf16),
    ];
    for (architecture, image_size, precision) in cases {
        let spec = Spec { architecture, ..spec(image_size, precision) };
        let before = Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap();
        if *architecture == crate::INCEPTION_V3 {
            // Statistics that are not those of the start: they must travel too.
            let images = before.input(&batch(4, image_size)).unwrap();
            let _ =
                before.forward(&images, Mode::Train(DropoutStep { seed: 28, epoch: 1, batch: 0 })).unwrap();
        }
        let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
        let calibration = Calibration::default();
        let meta =
            Meta { spec: before.spec().clone(), metric, epoch: 1, calibration, guard: None, training: None };
        let checkpoint = before.checkpoint(meta).unwrap();
        checkpoint.encode().unwrap().write_to(&mut std::fs::File::create(&path).unwrap()).unwrap();
        let after = Classifier::load(&path, Device::Cpu).unwrap();
        assert_eq!(after.spec(), before.spec());
        let batch = batch(32, image_size);
        assert_eq!(
            bits(&probabilities(&after, &batch)),
            bits(&probabilities(&before, &batch)),
            "{architecture}"
        );
    }
}

#[test]
fn means_and_deviations_are_applied_to_each_colour() {
    let normalisation = Normalisation { mean: [0.5, 0.25, 0.0], std: [0.5, 0.25, 2.0] };
    let spec = Spec { normalisation: Some(normalisation), ..spec(4, Precision::F32) };
    let classifier = Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap();
    let white = Batch { pixels: vec![255; 48], n: 1, filled: 1, image_size: 4 };
    let input = NamedTensor::copy_of("", &classifier.input(&white).unwrap()).unwrap();
    assert_eq!(input.shape, [1, 3, 4, 4]);
    assert_eq!(input.values, [[1.0; 16], [3.0; 16], [0.5; 16]].concat());
}

#[test]
fn padding_is_dropped_and_changes_nothing() {
    let classifier = classifier(20, Precision::F32);
    let whole = batch(32, 20);
    let mut padded = whole.clone();
    padded.filled = 7;
    padded.pixels[7 * 20 * 20 * 3..].fill(0);
    let (whole, padded) = (probabilities(&classifier, &whole), probabilities(&classifier, &padded));
    assert_eq!(padded.len(), 7 * 3);
    assert_eq!(bits(&whole[..21]), bits(&padded));
    for row in padded.chunks(3) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
    }
}

#[test]
fn bf16_stays_close_to_f32() {
    let batch = batch(32, 50);
    let exact = probabilities(&classifier(50, Precision::F32), &batch);
    let rounded = probabilities(&classifier(50, Precision::Bf16), &batch);
    let worst = exact.iter().zip(&rounded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst > 0.0 && worst < 0.02, "{worst}");
}

#[test]
fn what_no_network_can_be_built_from_is_refused() {
    let small = Spec { architecture: &crate::INCEPTION_V3, ..spec(74, Precision::F32) };
    let error = Classifier::new(small, Pretrained::None, 28, Device::Cpu).err().unwrap().to_string();
    assert_eq!(error, "image size 74 is outside of what inception-v3 takes: 75 to 1024 pixels");
    let absent = Pretrained::File { path: Path::new("nowhere.pt"), pinned: true };
    let whole = Spec { architecture: &crate::INCEPTION_V3, ..spec(75, Precision::F32) };
    let error = Classifier::new(whole, absent, 28, Device::Cpu).err().unwrap().to_string();
    assert_eq!(error, "there is no file `nowhere.pt`, which weights should come from");
    for size in [0, 3, 1025] {
        let error = Classifier::new(spec(size, Precision::F32), Pretrained::None, 28, Device::Cpu)
            .err()
            .unwrap()
            .to_string();
        assert_eq!(error, format!("image size {size} is outside of what convnet takes: 4 to 1024 pixels"));
    }
    let one = Spec { classes: vec!["a".to_owned()], ..spec(50, Precision::F32) };
    let error = Classifier::new(one, Pretrained::None, 28, Device::Cpu).err().unwrap().to_string();
    assert_eq!(error, "at least 2 classes are needed, got 1");
    let error = classifier(20, Precision::F32).input(&batch(1, 50)).unwrap_err().to_string();
    assert_eq!(error, "images of 50×50 pixels do not fit a network of 20×20");
}
