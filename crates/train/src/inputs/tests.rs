use std::ops::ControlFlow;

use data::{Decoding, Formats, Interpolation, Preprocess, Sample};
use model::{Freeze, InputScale, NamedTensor, Precision, Pretrained, Spec};
use phantoms::SampleOptions;
use tch::Device;

use super::*;

fn classifier(precision: Precision, freeze: Freeze) -> Classifier {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture: &model::INCEPTION_V3,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size: 75,
        interpolation: Interpolation::Bilinear,
        formats: Some(Formats::All),
        input_scale: InputScale::Signed,
        normalisation: None,
        precision,
    };
    let mut classifier = Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap();
    classifier.freeze(&freeze, false).unwrap();
    classifier
}

/// Makes 40 phantoms: a whole batch of 32 and a part of one.
fn images(folder: &Path) -> ImageSet {
    let out = folder.join("Phantoms");
    let options = SampleOptions { count: 40, test_per_class: 0, image_size: 80, seed: 28 };
    phantoms::write_sample(&out, &options, &|| ()).unwrap();
    let listing = data::open(&out, &data::OpenOptions::KERAS).unwrap();
    let samples: Vec<Sample> = listing.samples;
    data::load(
        &samples,
        &Preprocess { image_size: 75, interpolation: Interpolation::Bilinear },
        &Decoding::new(Formats::Keras),
        None,
        &|| (),
    )
    .images
}

fn values(tensor: &Tensor) -> (Vec<usize>, Vec<f32>) {
    let tensor = NamedTensor::copy_of("", &tensor.to_kind(Kind::Float)).unwrap();
    (tensor.shape, tensor.values)
}

#[test]
fn features_are_kept_as_they_were_computed_in_memory_and_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    for (precision, freeze) in [
        (Precision::Bf16, Freeze::Through("mixed_7".to_owned())),
        (Precision::F32, Freeze::Through("conv_4".to_owned())),
        (Precision::F32, Freeze::All),
    ] {
        let classifier = classifier(precision, freeze);
        let prepare =
            |memory| Inputs::prepare(&classifier, &images, memory, folder.path(), &mut ()).unwrap().unwrap();
        let (memory, disk, direct) = (prepare(u64::MAX), prepare(0), Inputs::images(&images));
        assert!(matches!(memory.kept, Some(CachedFeatures { rows: FeatureBytes::Memory(_), .. })));
        assert!(matches!(disk.kept, Some(CachedFeatures { rows: FeatureBytes::Disk(..), .. })));
        for start in [0, 32] {
            let (expected, filled) = direct.evaluation_batch(&classifier, start).unwrap();
            let expected = values(&expected.narrow(0, 0, filled as i64));
            for kept in [&memory, &disk] {
                let (features, n) = kept.evaluation_batch(&classifier, start).unwrap();
                assert_eq!((n, features.size()[0]), (filled, 32));
                assert!(values(&features.narrow(0, 0, n as i64)) == expected);
            }
        }
        let indices = [39, 3, 7];
        let none = AugmentContext { augmentation: data::Augmentation::default(), seed: 28, epoch: 1 };
        let batch = |inputs: &Inputs<'_>| {
            inputs.feed(&[indices.to_vec()], none).unwrap().next(&classifier, &indices).unwrap()
        };
        let chosen = batch(&memory);
        assert!(values(&chosen) == values(&batch(&disk)));
        let (whole, _) = memory.evaluation_batch(&classifier, 32).unwrap();
        assert!(values(&chosen.narrow(0, 0, 1)) == values(&whole.narrow(0, 7, 1)));
    }
    // The file has no name: it leaves nothing in the folder.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_observer_can_stop_it() {
    struct Stop;
    impl Observer for Stop {
        fn on(&mut self, _: &Event<'_>) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let frozen = classifier(Precision::F32, Freeze::All);
    assert!(Inputs::prepare(&frozen, &images, 0, folder.path(), &mut Stop).unwrap().is_none());
    // Nothing is frozen, so nothing is computed.
    let whole = classifier(Precision::F32, Freeze::None);
    let inputs = Inputs::prepare(&whole, &images, 0, folder.path(), &mut Stop).unwrap();
    assert!(inputs.is_some_and(|inputs| inputs.kept.is_none()));
}
