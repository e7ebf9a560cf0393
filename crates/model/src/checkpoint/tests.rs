use data::Interpolation;
use safetensors::tensor::TensorView;

use super::*;
use metrics::{Bound, LabelCalibration, OperatingPoint, RuleName, Temperature};

fn checkpoint() -> Checkpoint {
    let spec = Spec {
        task: Task::MultiClass,
        architecture: &crate::CONVNET,
        classes: ["COVID-19", "a \"quoted\" class", "Größe"].map(str::to_owned).to_vec(),
        image_size: 4,
        interpolation: Interpolation::Lanczos,
        formats: Some(Formats::All),
        input_scale: InputScale::Signed,
        normalisation: Some(Normalisation { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }),
        precision: Precision::Bf16,
    };
    let metric = Metric { name: "val_loss".to_owned(), value: 0.1 + 0.2 };
    let training = Some(serde_json::json!({"steps": 7, "wait": 2}));
    let tensors = (0..6u8)
        .map(|i| NamedTensor {
            name: format!("tensor.{i}"),
            shape: vec![2, 3],
            values: (0..6u8).map(|v| f32::from(v) * 0.1 + f32::from(i)).collect(),
        })
        .collect();
    Checkpoint {
        meta: Meta { spec, metric, epoch: 3, calibration: Calibration::default(), guard: None, training },
        tensors,
        backbone: Some([1, 2, 3, 250, 255].into()),
    }
}

fn bytes(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::new();
    checkpoint.encode().unwrap().write_to(&mut bytes).unwrap();
    bytes
}

fn decode(file: &[u8]) -> Result<Checkpoint> {
    Checkpoint::decode(file, Path::new("model.safetensors"))
}

#[test]
fn reads_back_what_was_written_and_equal_models_give_equal_bytes() {
    let checkpoint = checkpoint();
    let file = bytes(&checkpoint);
    assert_eq!(decode(&file).unwrap(), checkpoint);
    // The order of tensors in memory does not reach the file.
    let mut reordered = checkpoint.clone();
    reordered.tensors.reverse();
    assert!(file == bytes(&reordered));
}

/// Version 1 did not store the rules that images are decoded by; a version 2 file without them is refused.
#[test]
fn rules_of_decoding_are_stored_and_may_only_lack_in_version_1() {
    let mut stored = checkpoint();
    let text = |file: &[u8]| String::from_utf8_lossy(file).into_owned();
    for (rules, name) in [(Formats::All, "all"), (Formats::Keras, "keras")] {
        stored.meta.spec.formats = Some(rules);
        let file = bytes(&stored);
        assert!(text(&file).contains(&format!(r#"\"formats\":\"{name}\""#)));
        assert_eq!(decode(&file).unwrap().meta.spec.formats, Some(rules));
    }
    stored.meta.spec.formats = None;
    let old = bytes(&stored);
    assert!(text(&old).contains(r#"\"format\":1,"#) && !text(&old).contains("formats"));
    assert_eq!(decode(&old).unwrap(), stored);
    // The checksum comes last: these are refused before it is looked at, or by it.
    let at = old.windows(13).position(|bytes| bytes == br#"\"format\":1,"#).unwrap();
    let mut claimed = old.clone();
    claimed[at + 11] = b'2';
    assert!(decode(&claimed).is_err());
}

fn calibrated(temperature: f64, classes: &[String]) -> Checkpoint {
    let mut checkpoint = checkpoint();
    let point = |label: &String| OperatingPoint {
        label: label.clone(),
        target: 0.95,
        threshold: 0.1 + 0.2,
        sensitivity: 0.975,
        specificity: None,
    };
    let temperature = Temperature {
        value: temperature,
        bound: Some(Bound::Upper),
        images: 409,
        log_loss: [0.7, 0.1 + 0.2],
        expected_calibration_error: [0.2, 0.05],
    };
    checkpoint.meta.calibration = Calibration {
        temperature: Some(temperature),
        operating_points: classes.iter().map(point).collect(),
        ..Calibration::default()
    };
    checkpoint
}

#[test]
fn what_was_learnt_from_validation_is_kept_with_the_network_alone_too() {
    let classes = checkpoint().meta.spec.classes;
    let checkpoint = calibrated(1.7, &classes);
    assert_eq!(decode(&bytes(&checkpoint)).unwrap(), checkpoint);
    let mut network = Vec::new();
    checkpoint.encode_network().unwrap().write_to(&mut network).unwrap();
    assert_eq!(decode(&network).unwrap().meta.calibration, checkpoint.meta.calibration);
}

#[test]
fn what_no_training_could_have_learnt_is_refused() {
    let classes = checkpoint().meta.spec.classes;
    for (checkpoint, problem) in [
        (calibrated(0.0, &classes), "its temperature is 0"),
        (calibrated(-2.0, &classes), "its temperature is -2"),
        (calibrated(1.0, &classes[1..]), "its operating points are of other classes"),
    ] {
        let error = decode(&bytes(&checkpoint)).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn the_network_alone_leaves_training_out() {
    let whole = checkpoint();
    let mut with_optimizer = whole.clone();
    with_optimizer.tensors.push(NamedTensor {
        name: "optimizer.first_moment.x".to_owned(),
        shape: vec![1],
        values: vec![7.0],
    });
    let mut network = Vec::new();
    with_optimizer.encode_network().unwrap().write_to(&mut network).unwrap();
    let network = decode(&network).unwrap();
    assert_eq!(network.tensors, whole.tensors);
    assert_eq!(network.meta, Meta { training: None, ..whole.meta });
}

/// Every bit of the file is covered: the header, the payload, and the checksum itself.
#[test]
fn no_changed_byte_goes_unnoticed() {
    let file = bytes(&checkpoint());
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(decode(&changed).is_err(), "a change of byte {at} of {} was not noticed", file.len());
    }
}

#[test]
fn every_cut_is_an_error_and_every_larger_one_says_so() {
    let file = bytes(&checkpoint());
    for length in 0..file.len() {
        let error = decode(&file[..length]).unwrap_err();
        match length {
            0..8 => assert!(matches!(error, Error::NotACheckpoint { .. }), "{length}: {error}"),
            _ => assert!(matches!(error, Error::CutOff { .. }), "{length}: {error}"),
        }
    }
    let mut longer = file;
    longer.push(0);
    assert!(decode(&longer).is_err());
}

#[test]
fn other_files_and_other_versions_are_told_apart() {
    let error = decode(b"these are no weights").unwrap_err().to_string();
    assert_eq!(error, "`model.safetensors` is not a Thorax checkpoint: it is no safetensors file");
    // A safetensors file of another program.
    let none = safetensors::serialize(Vec::<(&str, TensorView<'_>)>::new(), None).unwrap();
    let error = decode(&none).unwrap_err().to_string();
    assert!(error.ends_with("its metadata has no key `thorax`"), "{error}");
    let other = HashMap::from([(KEY.to_owned(), r#"{"format":4,"anything":"else"}"#.to_owned())]);
    let newer = safetensors::serialize(Vec::<(&str, TensorView<'_>)>::new(), Some(other)).unwrap();
    let error = decode(&newer).unwrap_err();
    assert!(matches!(error, Error::FormatVersion { found: 4, supported: 3, .. }), "{error}");
}

#[test]
fn a_tensor_that_is_missing_extra_or_misshapen_is_named() {
    let mut checkpoint = checkpoint();
    let names = ["tensor.0", "tensor.1", "tensor.2", "tensor.3", "tensor.4", "tensor.5"];
    let shapes = names.map(|name| (name.to_owned(), vec![2, 3]));
    let problem = |checkpoint: &Checkpoint, shapes: &[(String, Vec<usize>)]| {
        checkpoint.network_tensors(shapes, Path::new("m")).unwrap_err().to_string()
    };
    assert_eq!(
        problem(&checkpoint, &shapes[1..]),
        "checkpoint `m`: tensor `tensor.0` has no place in the network"
    );
    let mut other = shapes.clone();
    other[2].1 = vec![3, 2];
    let text = problem(&checkpoint, &other);
    assert_eq!(text, "checkpoint `m`: tensor `tensor.2` has shape [2, 3], expected [3, 2]");
    checkpoint.tensors.remove(4);
    assert_eq!(problem(&checkpoint, &shapes), "checkpoint `m`: tensor `tensor.4` is missing");
    // The optimizer's tensors are no part of the network.
    checkpoint.tensors[0].name = "optimizer.first_moment.x".to_owned();
    let found = checkpoint.network_tensors(
        &[shapes[1].clone(), shapes[2].clone(), shapes[3].clone(), shapes[5].clone()],
        Path::new("m"),
    );
    assert_eq!(found.unwrap().len(), 4);
}

#[test]
fn what_would_take_memory_without_end_is_not_read() {
    // A header of brackets and zeros, each of which takes 32 bytes once it is read.
    let text = format!("{{\"__metadata__\":{{\"thorax\":\"[{}0]\"}}}}", "0,".repeat(9 << 20));
    let file = [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let error = decode(&file).unwrap_err().to_string();
    assert_eq!(error, "`model.safetensors` is not a Thorax checkpoint: its header is longer than 16 MiB");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holes.safetensors");
    std::fs::File::create(&path).unwrap().set_len((16 << 30) + 1).unwrap();
    for (path, reason) in
        [(path.as_path(), "it is larger than 16 GiB"), (Path::new("/dev/zero"), "it is no file")]
    {
        let Error::Io { action: "read", source, .. } = Checkpoint::read(path).unwrap_err() else {
            panic!("{reason}")
        };
        assert_eq!(source.to_string(), reason);
    }
}

#[test]
fn a_network_of_findings_has_a_version_of_its_own_that_earlier_programs_refuse() {
    let classes = checkpoint();
    assert!(
        !String::from_utf8_lossy(&bytes(&classes)).contains("task"),
        "files without a task stay as they are"
    );
    let mut findings = checkpoint();
    findings.meta.spec.task = Task::MultiLabel;
    findings.meta.calibration.labels = vec![LabelCalibration {
        label: "a".to_owned(),
        temperature: None,
        threshold: 0.25,
        rule: RuleName::Youden,
        target: None,
        sensitivity: Some(0.5),
        specificity: None,
        note: None,
    }];
    let header = serde_json::to_value(Header::new(&findings.meta, None)).unwrap();
    assert_eq!((&header["task"], &header["format"]), (&"multi-label".into(), &3.into()));
    findings.meta.spec.classes.truncate(1);
    findings.meta.calibration.labels[0].label = findings.meta.spec.classes[0].clone();
    let read =
        serde_json::from_value::<Header>(serde_json::to_value(Header::new(&findings.meta, None)).unwrap());
    let (meta, _) = read.unwrap().into_meta().unwrap();
    assert_eq!((meta.spec, meta.calibration), (findings.meta.spec, findings.meta.calibration));
}
