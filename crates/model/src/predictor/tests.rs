use data::{Appearance, Decoding, Formats, Interpolation, encode_png};
use metrics::OperatingPoint;
use tch::Device;

use super::*;
use crate::{CONVNET, InputScale, Meta, Metric, OodDetector, Precision, Pretrained, Spec};

fn classifier(classes: [&str; 2], image_size: usize, seed: u64) -> Classifier {
    let spec = Spec {
        task: Task::MultiClass,
        architecture: &CONVNET,
        classes: classes.map(str::to_owned).to_vec(),
        image_size,
        interpolation: Interpolation::Nearest,
        formats: Some(Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    };
    Classifier::new(spec, Pretrained::None, seed, Device::Cpu).unwrap()
}

fn rules() -> InputRules {
    InputRules { decoding: Decoding::new(Formats::All), note: None }
}

fn reader(models: &[&Classifier]) -> InputReader {
    InputReader::new(models.iter().map(|&model| (model, rules())))
}

fn png(channels: usize) -> Vec<u8> {
    let data = (0..24 * 24 * channels).map(|i| (i * i / 3 % 251) as u8).collect();
    encode_png(&Pixels { width: 24, height: 24, channels, data }).unwrap()
}

fn predictor<'a>(models: &[&'a Classifier], options: PredictOptions) -> Predictor<'a> {
    Predictor::new(models, options).unwrap()
}

fn with_thresholds(model: &Classifier, thresholds: [f64; 2]) -> Classifier {
    let classes = &model.spec().classes;
    let point = |(label, threshold): (&String, f64)| OperatingPoint {
        label: label.clone(),
        target: 0.9,
        threshold,
        sensitivity: 0.9,
        specificity: None,
    };
    let points = classes.iter().zip(thresholds).map(point);
    let calibration = Calibration { operating_points: points.collect(), ..Calibration::default() };
    let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
    let meta =
        Meta { spec: model.spec().clone(), metric, epoch: 1, calibration, guard: None, training: None };
    let checkpoint = model.checkpoint(meta).unwrap();
    Classifier::from_checkpoint(&checkpoint, "m".as_ref(), Device::Cpu).unwrap()
}

/// Members differ in the order of their classes and in their sizes.
#[test]
fn an_ensemble_averages_its_members_class_by_class() {
    let (a, b) = (classifier(["x", "y"], 16, 1), classifier(["y", "x"], 20, 2));
    let bytes = png(1);
    let of = |models: &[&Classifier]| {
        let image = reader(models).read(&bytes).unwrap();
        predictor(models, PredictOptions::default()).assess(&[&image]).unwrap().remove(0).probabilities
    };
    let (of_a, of_b, both) = (of(&[&a]), of(&[&b]), of(&[&a, &b]));
    for (class, other) in [(0, 1), (1, 0)] {
        assert!((both[class] - (of_a[class] + of_b[other]) / 2.0).abs() < 1e-6, "{both:?}");
    }
    assert_ne!(of_a, of_b);
    let c = classifier(["x", "z"], 16, 1);
    let error = Predictor::new(&[&a, &c], PredictOptions::default()).err().unwrap().to_string();
    assert_eq!(error, "the models know other classes: `x`, `y` and `x`, `z`");
}

#[test]
fn copies_are_shifted_by_a_share_of_the_side() {
    let model = classifier(["x", "y"], 20, 1);
    let image = reader(&[&model]).read(&png(1)).unwrap();
    let plain = predictor(&[&model], PredictOptions::default());
    let shifted = predictor(&[&model], PredictOptions { tta: true, ..Default::default() });
    let mut sum = 0.0;
    for [right, down] in [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]] {
        let copy = PreparedImage::of_pixels(image.first().shifted(right, down));
        sum += plain.assess(&[&copy]).unwrap()[0].probabilities[0];
    }
    let found = shifted.assess(&[&image]).unwrap()[0].probabilities[0];
    assert!((found - sum / 5.0).abs() < 1e-6, "{found} {}", sum / 5.0);
}

#[test]
fn thresholds_are_for_one_model_on_whole_images() {
    let plain = classifier(["x", "y"], 16, 1);
    let model = with_thresholds(&plain, [2.0, 2.0]);
    let image = reader(&[&model]).read(&png(1)).unwrap();
    let decide = |models: &[&Classifier], options| {
        let assessment = predictor(models, options).assess(&[&image]).unwrap().remove(0);
        (assessment.decision, assessment.predicted)
    };
    let options = PredictOptions::default();
    let (decision, predicted) = decide(&[&model], options);
    // Neither class reaches its threshold.
    assert_eq!(decision, None);
    assert_eq!(decide(&[&plain], options).0, Some(predicted));
    assert_eq!(decide(&[&model, &model], options).0, Some(predicted));
    assert_eq!(decide(&[&model], PredictOptions { tta: true, ..options }).0, Some(predicted));
    let most = PredictOptions { uncertain_below: Some(1.0), ..options };
    assert_eq!(decide(&[&plain], most).0, None);
}

#[test]
fn a_single_models_map_is_its_own_and_several_are_averaged() {
    let (a, b) = (classifier(["x", "y"], 16, 1), classifier(["y", "x"], 20, 2));
    let bytes = png(1);
    let explain = |models: &[&Classifier], class| {
        let image = reader(models).read(&bytes).unwrap();
        let predictor = predictor(models, PredictOptions { padded: true, ..Default::default() });
        let explained = predictor.explain(&[&image], &[class], HeatMapMethod::HiResCam).unwrap().remove(0);
        let assessed = predictor.assess(&[&image]).unwrap().remove(0);
        assert_eq!(Assessment { heat_map: None, ..explained.clone() }, assessed);
        explained.heat_map.unwrap()
    };
    let image = reader(&[&a]).read(&bytes).unwrap();
    let batch = Batch::of(&[image.first()], 16).padded();
    let own = a.heat_maps(&batch, &[Some(1)], HeatMapMethod::HiResCam).unwrap().remove(0);
    assert_eq!(explain(&[&a], Some(1)), own);
    let twice = explain(&[&a, &a], Some(1));
    assert_eq!((twice.class, twice.size), (1, 16));
    for (found, own_value) in twice.values.iter().zip(&own.values) {
        assert!((found - own_value / own.maximum()).abs() < 1e-5, "{found} {own_value}");
    }
    // The class has another index in the second member, whose map is larger.
    let of_b = explain(&[&b], Some(0));
    let both = explain(&[&a, &b], Some(1));
    let maximum = (own.maximum(), of_b.maximum());
    assert!(both.maximum() <= 1.0 + 1e-6 && (own.is_empty() || both.maximum() > 0.4), "{maximum:?}");
    assert_eq!(both.values.len(), 256);
    let bright = |map: &HeatMap, at: usize| map.values[at] / map.maximum();
    let at = both.peak().unwrap();
    let share =
        f64::from(bright(&own, at[0] * 16 + at[1]) + bright(&of_b, (at[0] * 20 / 16) * 20 + at[1] * 20 / 16));
    assert!(share > 0.5, "{share}");
}

#[test]
fn colour_is_warned_of_where_no_member_has_a_detector() {
    let model = classifier(["x", "y"], 16, 1);
    let reader = reader(&[&model]);
    assert_eq!(reader.read(&png(1)).unwrap().warning, None);
    let warning = reader.read(&png(3)).unwrap().warning.unwrap();
    assert!(matches!(warning, InputWarning::Coloured(share) if share > 0.5), "{warning:?}");
    assert!(warning.to_string().ends_with("% of its pixels: radiographs have none"), "{warning}");
}

/// One rule for both members: the file is decoded once for each size, and a whole one is the first member's.
#[test]
fn each_size_is_decoded_by_its_rules_and_the_whole_image_is_the_first_ones() {
    let (a, b) = (classifier(["x", "y"], 16, 1), classifier(["x", "y"], 20, 2));
    let noted = InputRules { note: Some("other rules".to_owned()), ..rules() };
    let models = [(&a, rules()), (&b, noted), (&a, rules())];
    let reader = InputReader::new(models.iter().map(|(model, rules)| (*model, rules.clone())));
    let (with_whole, whole) = reader.read_within(&png(1), 1 << 20, true).unwrap();
    assert_eq!(with_whole, reader.read(&png(1)).unwrap());
    let sides: Vec<usize> = with_whole.images.iter().map(|image| image.width).collect();
    assert_eq!((sides, whole.unwrap().width), (vec![16, 20], 24));
    assert_eq!(with_whole.note.as_deref(), Some("other rules"));
    assert!(reader.read_within(&png(1), 100, false).is_err());
    let (one, two) = (self::reader(&[&a]).cost(&png(1), false), reader.cost(&png(1), false));
    assert_eq!((two.pixels, two.stored_bytes), (one.pixels, 2 * one.stored_bytes));
    // A whole image is decoded once for all members of the same rules.
    let (one, two) = (self::reader(&[&a]).cost(&png(1), true), reader.cost(&png(1), true));
    assert_eq!((two.stored_bytes, two.memory_bytes), (one.stored_bytes, one.memory_bytes));
    let bytes = |models: &[&Classifier]| predictor(models, PredictOptions::default()).input_bytes();
    assert_eq!((bytes(&[&a, &b]), bytes(&[&b, &a])), (3 * (256 + 400), 3 * (256 + 400)));
}

/// By other rules the whole image of the first member is no other member's: 16 bits are cut by Keras'.
#[test]
fn a_member_of_other_rules_decodes_by_itself() {
    let (a, b) = (classifier(["x", "y"], 4, 1), classifier(["x", "y"], 6, 2));
    let mut keras = b.spec().clone();
    keras.formats = Some(Formats::Keras);
    let b = Classifier::new(keras, Pretrained::None, 2, Device::Cpu).unwrap();
    let bytes = data::encode_png_16(4, 4, &[513; 16], &[]).unwrap();
    let by_keras = InputRules { decoding: Decoding::new(Formats::Keras), note: None };
    let models = [(&a, rules()), (&b, by_keras)];
    let reader = InputReader::new(models.iter().map(|(model, rules)| (*model, rules.clone())));
    for with_whole in [false, true] {
        let (image, _) = reader.read_within(&bytes, 100, with_whole).unwrap();
        assert_eq!((image.images[0].data[0], image.images[1].data[0]), (2, 255), "{with_whole}");
    }
}

#[test]
fn a_detector_sees_its_members_image_and_silences_the_warning_of_colour() {
    let gray = |level: usize, side: usize| {
        let data = (0..side * side).map(|i| (i % side * level / 10 + 40) as u8).collect();
        Pixels { width: side, height: side, channels: 1, data }
    };
    let training: Vec<_> = (0..120).map(|i| (Appearance::of(&gray(20 + i % 40, 20)), i % 2)).collect();
    let held_out: Vec<_> = (0..40).map(|i| Appearance::of(&gray(20 + i, 20))).collect();
    let detector = OodDetector::learn(&training, &held_out, 2).unwrap();
    let plain = classifier(["x", "y"], 16, 1);
    let mut guarded = classifier(["x", "y"], 20, 2);
    guarded.set_guard(Some(detector.clone()));
    let bytes = png(3);
    let own = reader(&[&guarded]).read(&bytes).unwrap();
    let expected = detector.check(own.first()).unwrap();
    for models in [[&plain, &guarded], [&guarded, &plain]] {
        let image = reader(&models).read(&bytes).unwrap();
        assert_eq!(image.warning, Some(InputWarning::OutOfDistribution(expected)));
        assert!(predictor(&models, PredictOptions::default()).has_detector());
    }
    let usual = encode_png(&gray(31, 20)).unwrap();
    assert_eq!(reader(&[&plain, &guarded]).read(&usual).unwrap().warning, None);
}
