//! Checkpoints, and the files of a run's folder.

use std::path::Path;

use data::Interpolation;
use experiment::{HISTORY, ModelComparison, PREDICTIONS, PredictionTable, Run, read_history};
use metrics::{Calibration, OperatingPoint, Temperature};
use model::{
    CONVNET, Checkpoint, Classifier, Device, InputScale, Meta, Metric, NamedTensor, Precision, Pretrained, Spec,
};
use sha2::{Digest as _, Sha256};

use crate::{scratch, targets::Target};

pub(crate) fn targets() -> [Target; 5] {
    let of = |name, run, seeds| Target { name, megabytes: 256, run, seeds };
    [
        of("checkpoint", checkpoint, checkpoint_seeds),
        of("checkpoint-header", header, header_seeds),
        of("predictions", predictions, predictions_seeds),
        of("history", history, history_seeds),
        of("record", record, record_seeds),
    ]
}

/// What stands before the checksum, and what it is computed with in its place.
const BEFORE: &[u8] = br#"\"sha256\":\""#;
const ZEROS: &[u8; 64] = b"0000000000000000000000000000000000000000000000000000000000000000";

fn load(file: &[u8]) -> bool {
    let path = Path::new("m.safetensors");
    let Ok(checkpoint) = Checkpoint::decode(file, path) else { return false };
    for tensor in &checkpoint.tensors {
        assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
    }
    // TorchScript runs code: what is loaded then is libtorch's affair, and only what the user named.
    if checkpoint.backbone.is_none()
        && let Ok(classifier) = Classifier::from_checkpoint(&checkpoint, path, Device::Cpu)
    {
        assert!(classifier.spec().classes.len() >= 2 && classifier.spec().image_size <= Spec::MAX_IMAGE_SIZE);
    }
    true
}

/// A file as it is, and with its checksum made right.
fn checkpoint(input: &[u8]) {
    load(input);
    load(&with_checksum(input.to_vec()));
}

fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let Some(at) = file.windows(BEFORE.len()).position(|bytes| bytes == BEFORE) else { return file };
    let at = at + BEFORE.len();
    if let Some(place) = file.get_mut(at..at + 64) {
        place.copy_from_slice(ZEROS);
        let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        file[at..at + 64].copy_from_slice(digest.as_bytes());
    }
    file
}

/// A header as text, a NUL byte, the payload: its length and checksum are made right, so that its JSON can be changed at will.
fn header(input: &[u8]) {
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (text, payload) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let length = text.len().next_multiple_of(8);
    let mut file = (length as u64).to_le_bytes().to_vec();
    file.extend(text);
    file.resize(8 + length, b' ');
    file.extend(payload);
    load(&with_checksum(file));
}

fn made() -> Vec<Vec<u8>> {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture: &CONVNET,
        classes: vec!["a".to_owned(), "b".to_owned()],
        image_size: 4,
        interpolation: Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    };
    let metric = Metric { name: "val_loss".to_owned(), value: 0.5 };
    let meta =
        Meta {
            spec: spec.clone(),
            metric,
            epoch: 3,
            calibration: Calibration::default(),
            guard: None,
            training: None,
        };
    let network = Classifier::new(spec, Pretrained::None, 1, Device::Cpu).expect("it is small");
    let mut whole = network.checkpoint(meta).expect("it can be copied");
    // The dense layer has 33,000 values, all zero here: an input should be small.
    let mut small = whole.clone();
    for tensor in &mut small.tensors {
        tensor.shape = vec![1];
        tensor.values.truncate(1);
    }
    let mut trained = small.clone();
    let state = r#"{"steps":7,"best_val_loss":0.5,"best_epoch":2,"patience_reference":0.5,"wait":1}"#;
    trained.meta.training = Some(serde_json::from_str(state).expect("JSON"));
    let values = vec![0.5];
    trained.tensors.push(NamedTensor { name: "optimizer.first_moment.x".to_owned(), shape: vec![1], values });
    trained.backbone = Some([1, 2, 3].into());
    let point = |label: &String| OperatingPoint {
        label: label.clone(),
        target: 0.95,
        threshold: 0.3,
        sensitivity: 0.97,
        specificity: None,
    };
    whole.meta.calibration = Calibration {
        temperature: Some(Temperature {
            value: 1.5,
            bound: None,
            images: 9,
            log_loss: [0.7, 0.5],
            expected_calibration_error: [0.2, 0.1],
        }),
        operating_points: whole.meta.spec.classes.iter().map(point).collect(),
    };
    let encoded = |checkpoint: &Checkpoint| {
        let mut bytes = Vec::new();
        checkpoint.encode().expect("it is whole").write_to(&mut bytes).expect("into memory");
        bytes
    };
    [&small, &trained, &whole].map(encoded).to_vec()
}

fn checkpoint_seeds() -> Vec<Vec<u8>> {
    made()
}

fn header_seeds() -> Vec<Vec<u8>> {
    let split = |file: Vec<u8>| {
        let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
        [&file[8..8 + length], &[0], &file[8 + length..]].concat()
    };
    made().into_iter().map(split).collect()
}

fn predictions(input: &[u8]) {
    let Ok(set) = PredictionTable::read(&scratch::write(PREDICTIONS, input)) else { return };
    assert!(
        set.predictions
            .rows()
            .all(|(label, row)| label < set.classes.len() && row.iter().all(|p| p.is_finite()))
    );
    assert_eq!(set.images.len(), set.predictions.rows().count());
    // Thousands of resamples are for real sets.
    if set.images.len() <= 8 && set.classes.len() <= 4 {
        let _ = ModelComparison::new(("a", &set), ("b", &set));
    }
    let again = scratch::folder().join("again.csv");
    set.write(&again).expect("what was read can be written");
    assert_eq!(PredictionTable::read(&again).expect("and read again").images, set.images);
}

fn predictions_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "path,label,predicted,p_a,p_b\nx/1.png,a,a,0.75,0.25\nx/2.png,b,a,0.5,5e-1\n",
        "path,label,predicted,p_a,\"p_b \"\"q\"\", r\",group\n\"1,2.png\",a,a,0.75,0.25,g\n2,a,a,1,0,\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn history(input: &[u8]) {
    let _ = read_history(&scratch::write(HISTORY, input));
}

fn history_seeds() -> Vec<Vec<u8>> {
    let text =
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,0.5,0.75,0.25,1,0.001,1.5\n";
    vec![text.as_bytes().to_vec()]
}

/// `run.json` and `test.json`.
fn record(input: &[u8]) {
    for name in ["run.json", "test.json"] {
        scratch::write(name, input);
    }
    if let Ok(run) = Run::open(scratch::folder()) {
        run.save().expect("what was read can be written");
        assert_eq!(Run::open(scratch::folder()).expect("and read again").record, run.record);
        scratch::write("test.json", input);
        let _ = run.tests();
    }
}

fn record_seeds() -> Vec<Vec<u8>> {
    let text = r#"{"status":"completed","epochs_run":2,"best_epoch":1,"best_val_loss":0.5,"settings":{"seed":28,
"classes":["a","b"],"data":"x","augment":null,"freeze-batch-norm":false},"classes":["a","b"],"counts":{"training":[1,2]},
"class_weights":[1.5,0.5],"synthetic":false,"skipped":["x"],"data_fingerprint":"00","versions":{"thorax":"0.1.0"},
"threads":2,"seconds":{"scan":0.1,"decode":0.2,"fit":0.3,"test":0.4,"total":1.0}}"#;
    vec![text.as_bytes().to_vec()]
}
