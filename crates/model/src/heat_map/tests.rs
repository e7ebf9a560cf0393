use std::path::Path;

use base::random::{Key, Purpose, Rng as _};
use data::Interpolation;
use tch::{CModule, Device, Kind as Number, Tensor};

use super::*;
use metrics::Calibration;

use crate::{Checkpoint, Freeze, InputScale, Meta, Metric, NamedTensor, Precision, Pretrained, Spec};

fn spec(architecture: &'static crate::Architecture, image_size: usize) -> Spec {
    Spec {
        task: metrics::Task::MultiClass,
        architecture,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size,
        interpolation: Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    }
}

fn fresh(spec: Spec) -> Classifier {
    Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap()
}

/// Random pixels, the last images padding.
fn batch(n: usize, filled: usize, image_size: usize) -> Batch {
    let mut pixels = vec![0; n * image_size * image_size * 3];
    Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Phantom }.generator(0).fill_bytes(&mut pixels);
    Batch { pixels, n, filled, image_size }
}

/// One black image with squares of 4 pixels in white at these rows and columns.
fn squares(image_size: usize, places: &[[usize; 2]]) -> Batch {
    let mut pixels = vec![0; image_size * image_size * 3];
    for [row, column] in places {
        for row in *row..row + 4 {
            let start = (row * image_size + column) * 3;
            pixels[start..start + 12].fill(255);
        }
    }
    Batch { pixels, n: 1, filled: 1, image_size }
}

/// A ConvNet whose logit of the first class is the sum of its maps, which are the red values, weighed by `weight` of the row's
/// share of the height; the other logits are 0.
fn summing(image_size: usize, weight: impl Fn(f32) -> f32) -> Classifier {
    let spec = spec(&crate::CONVNET, image_size);
    let mut tensors: Vec<NamedTensor> = fresh(spec.clone())
        .network
        .tensors()
        .into_iter()
        .map(|(name, tensor)| NamedTensor::copy_of(name, tensor).unwrap())
        .collect();
    let side = (image_size - 2) / 2;
    for tensor in &mut tensors {
        tensor.values.fill(0.0);
        match tensor.name.as_str() {
            // The middle of the first channel's 3×3 kernel.
            "conv.weight" => tensor.values[4] = 1.0,
            "hidden.weight" => {
                for pixel in 0..side * side {
                    tensor.values[pixel * 32] = weight((pixel / side) as f32 / side as f32);
                }
            }
            "output.weight" => tensor.values[0] = 1.0,
            _ => {}
        }
    }
    let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
    let meta =
        Meta { spec, metric, epoch: 1, calibration: Calibration::default(), guard: None, training: None };
    let checkpoint = Checkpoint { meta, tensors, backbone: None };
    Classifier::from_checkpoint(&checkpoint, Path::new("made"), Device::Cpu).unwrap()
}

fn one(classifier: &Classifier, batch: &Batch, method: HeatMapMethod) -> HeatMap {
    classifier.heat_maps(batch, &[Some(0)], method).unwrap().remove(0)
}

fn close(a: &[f32], b: &[f32]) {
    let scale = a.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!(a.len() == b.len() && scale > 0.0, "{scale}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-4 * scale, "{a} is not {b}, of {scale}");
    }
}

/// Fresh biases are 0, so that the logit is the sum of the contributions of the maps' values.
#[test]
fn hires_cam_adds_up_to_the_logit_of_the_convnet() {
    let classifier = fresh(spec(&crate::CONVNET, 21));
    let batch = batch(4, 3, 21);
    let logits = classifier.inference().unwrap();
    let logits = logits.of_features(&classifier.input(&batch).unwrap(), 3).unwrap().logits;
    for class in 0..3 {
        let heat_maps = classifier.heat_maps(&batch, &[Some(class); 3], HeatMapMethod::HiResCam).unwrap();
        for (heat_map, logits) in heat_maps.iter().zip(logits.chunks(3)) {
            assert_eq!((heat_map.coarse.rows, heat_map.coarse.columns, heat_map.values.len()), (9, 9, 441));
            let sum: f32 = heat_map.coarse.values.iter().sum();
            assert!((sum - logits[class]).abs() < 1e-4 * logits[class].abs().max(1.0), "{sum} {logits:?}");
        }
    }
}

/// Computed by hand, for two channels of two pixels.
#[test]
fn maps_are_weighed_as_the_papers_say() {
    let maps = Tensor::from_slice(&[1.0_f32, 3.0, 2.0, 0.0]).view([1, 2, 1, 2]);
    let gradients = Tensor::from_slice(&[0.5_f32, -0.25, 1.0, 2.0]).view([1, 2, 1, 2]);
    let weighed = |method| -> Vec<f32> {
        Vec::try_from(cam::weigh(method, &maps, &gradients).unwrap().view([-1])).unwrap()
    };
    assert_eq!(weighed(HeatMapMethod::HiResCam), [0.5 + 2.0, -0.75]);
    // Means of the gradients: 0.125 and 1.5.
    assert_eq!(weighed(HeatMapMethod::GradCam), [0.125 + 3.0, 0.375]);
    // Sums of the maps: 4 and 2. Weights: 0.5/(2 + 4·0.5), and 1/(2 + 2·1) + 2/(2 + 2·2).
    let (first, second) = (0.125, 0.25 + 1.0 / 3.0);
    close(&weighed(HeatMapMethod::GradCamPlusPlus), &[first + 2.0 * second, 3.0 * first]);
}

#[test]
fn what_is_seen_is_where_it_is() {
    let classifier = summing(40, |_| 1.0);
    let image = squares(40, &[[8, 28]]);
    for method in HeatMapMethod::ALL {
        let heat_map = one(&classifier, &image, method);
        let [row, column] = heat_map.peak().unwrap();
        assert!((8..12).contains(&row) && (28..32).contains(&column), "{method}: {row} {column}");
        // A patch that only touches the square hides as much as its share of it.
        let near = |at: usize, from: usize| (from.saturating_sub(9)..from + 13).contains(&at);
        let mask: Vec<bool> = (0..1600).map(|at| near(at / 40, 8) && near(at % 40, 28)).collect();
        assert!(heat_map.share(&mask).unwrap() > 0.99, "{method}");
        assert_eq!((heat_map.class, heat_map.predicted, heat_map.is_empty()), (0, 0, false));
        assert!(heat_map.probability() > 0.99);
    }
}

/// Grad-CAM misleads on a network that flattens its maps: of weights that differ from place to place it knows the mean.
#[test]
fn what_has_a_weight_of_its_own_at_each_place_is_seen_by_hires_cam_alone() {
    let classifier = summing(42, |height| if height < 0.5 { 1.0 } else { -0.5 });
    let image = squares(42, &[[30, 4], [8, 28]]);
    let heat_map = one(&classifier, &image, HeatMapMethod::HiResCam);
    let upper: Vec<bool> = (0..42 * 42).map(|at| at / 42 < 21).collect();
    assert!(heat_map.share(&upper).unwrap() > 0.999);
    assert!(heat_map.coarse.values[13 * 20..].iter().any(|value| *value < 0.0));
    let heat_map = one(&classifier, &image, HeatMapMethod::GradCam);
    assert!(heat_map.share(&upper).unwrap() < 0.6);

    let against = summing(42, |_| -1.0);
    for method in [HeatMapMethod::GradCam, HeatMapMethod::HiResCam] {
        // ReLU of what is below 0 lets no gradient through.
        let heat_map = one(&against, &image, method);
        assert!(heat_map.is_empty() && heat_map.values.iter().all(|value| *value == 0.0), "{method}");
        let none = (heat_map.peak(), heat_map.share(&upper), heat_map.central_share());
        assert_eq!((none, heat_map.maximum()), ((None, None, None), 0.0));
    }
}

#[test]
fn maps_are_the_same_whatever_is_frozen_and_nothing_stays() {
    let mut classifier = fresh(spec(&crate::INCEPTION_V3, 107));
    let batch = batch(2, 2, 107);
    let classes = [Some(1), None];
    let first = classifier.heat_maps(&batch, &classes, HeatMapMethod::GradCam).unwrap();
    assert_eq!((first[0].coarse.rows, first[0].coarse.columns, first[0].class), (2, 2, 1));
    for freeze in [Freeze::Through("mixed_3".to_owned()), Freeze::All, Freeze::None] {
        classifier.freeze(&freeze, false).unwrap();
        for method in [HeatMapMethod::GradCam, HeatMapMethod::HiResCam] {
            let again = classifier.heat_maps(&batch, &classes, method).unwrap();
            for (a, b) in first.iter().zip(&again) {
                close(&a.coarse.values, &b.coarse.values);
                close(&a.probabilities, &b.probabilities);
                assert_eq!((a.class, a.predicted), (b.class, b.predicted));
            }
        }
        let parameters = classifier.parameters();
        assert!(parameters.iter().all(|parameter| !parameter.tensor.grad().defined()), "{freeze}");
        assert!(parameters.iter().all(|parameter| parameter.tensor.requires_grad()), "{freeze}");
    }
}

#[test]
fn probabilities_are_those_of_predictions_and_padding_counts_for_nothing() {
    for (architecture, image_size) in [(&crate::CONVNET, 20), (&crate::INCEPTION_V3, 75)] {
        for precision in [Precision::F32, Precision::Bf16] {
            let classifier = fresh(Spec { precision, ..spec(architecture, image_size) });
            let mut part = batch(32, 5, image_size);
            part.pixels[5 * image_size * image_size * 3..].fill(0);
            let expected = classifier.inference().unwrap().probabilities(&part).unwrap();
            for method in [HeatMapMethod::GradCam, HeatMapMethod::Occlusion] {
                let heat_maps = classifier.heat_maps(&part, &[None; 5], method).unwrap();
                let found: Vec<f32> =
                    heat_maps.iter().flat_map(|heat_map| heat_map.probabilities.clone()).collect();
                match precision {
                    Precision::F32 => assert_eq!(found, expected, "{architecture} {method}"),
                    Precision::Bf16 => close(&found, &expected),
                }
            }
        }
    }
}

/// A module that libtorch traces, in a file.
fn backbone(folder: &Path, function: impl Fn(&Tensor) -> Tensor) -> Classifier {
    let images = Tensor::zeros([2, 3, 16, 16], (Number::Float, Device::Cpu));
    let mut run = |inputs: &[Tensor]| vec![function(&inputs[0])];
    let module = CModule::create_by_tracing("Traced", "forward", &[images], &mut run).unwrap();
    let path = folder.join("b.pt");
    std::fs::write(&path, crate::module::save(&module, "backbone").unwrap()).unwrap();
    let given = Pretrained::File { path: &path, pinned: false };
    Classifier::new(spec(&crate::TORCHSCRIPT, 16), given, 28, Device::Cpu).unwrap()
}

#[test]
fn backbones_with_maps_have_all_methods_and_others_occlusion() {
    let folder = tempfile::tempdir().unwrap();
    let image = squares(16, &[[4, 4]]);
    let maps = backbone(folder.path(), |x| x.avg_pool2d(4, 4, 0, false, true, None::<i64>));
    for method in HeatMapMethod::ALL {
        let heat_map = maps.heat_maps(&image, &[None], method).unwrap().remove(0);
        let side = if method == HeatMapMethod::Occlusion { 8 } else { 4 };
        assert_eq!((heat_map.coarse.rows, heat_map.values.len()), (side, 256), "{method}");
    }
    for function in [
        |x: &Tensor| x.mean_dim([2, 3].as_slice(), false, Number::Float),
        |x: &Tensor| x.mean_dim([2, 3].as_slice(), true, Number::Float),
    ] {
        let vectors = backbone(folder.path(), function);
        let error = vectors.heat_maps(&image, &[None], HeatMapMethod::GradCam).unwrap_err().to_string();
        assert_eq!(
            error,
            "grad-cam needs maps of convolutions, and this TorchScript backbone gives one vector an image"
        );
        assert_eq!(vectors.heat_maps(&image, &[None], HeatMapMethod::Occlusion).unwrap().len(), 1);
    }
}

#[test]
fn what_is_no_class_and_what_is_no_number_is_refused() {
    let classifier = summing(12, |_| f32::NAN);
    let image = squares(12, &[[4, 4]]);
    for method in HeatMapMethod::ALL {
        let error = |classes: &[Option<usize>]| classifier.heat_maps(&image, classes, method).unwrap_err();
        assert_eq!(error(&[Some(3)]).to_string(), "there is no class 3 of 3");
        assert_eq!(error(&[None; 2]).to_string(), "2 classes are named for 1 images");
        assert!(matches!(error(&[None]), Error::NotFinite { image: 0, .. }), "{method}");
        assert_eq!(method.to_string().parse::<HeatMapMethod>().unwrap(), method);
    }
    let none = Batch { pixels: Vec::new(), n: 0, filled: 0, image_size: 12 };
    assert_eq!(classifier.heat_maps(&none, &[], HeatMapMethod::GradCam).unwrap(), Vec::new());
    let error = "cam".parse::<HeatMapMethod>().unwrap_err().to_string();
    assert_eq!(error, "unknown method `cam`: one of grad-cam, grad-cam++, hires-cam, occlusion");
}
