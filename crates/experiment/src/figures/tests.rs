use metrics::{Bound, Targets};

use super::*;
use crate::PredictedImage;

/// Makes figures of three classes, of which the last has no image and is never predicted.
fn tested() -> TestFigures {
    let rows = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0]].concat();
    let targets = Targets::from_classes(["a", "b", "c"], vec![0, 1, 1, 0]).unwrap();
    let scores = Scores::new(targets, rows).unwrap();
    let image = |at: usize| PredictedImage { path: format!("{at}.png").into(), group: None, note: None };
    let table = PredictionTable::new((0..4).map(image).collect(), scores).unwrap();
    let tested = Tested {
        source: PredictionSource::Checkpoint("best.safetensors".to_owned()),
        formats: Some("all".to_owned()),
        thresholds: Vec::new(),
        synthetic: false,
        seconds: Some(2.0),
    };
    TestFigures::new(&table, tested).unwrap()
}

#[test]
fn a_figure_without_a_value_has_a_reason_and_no_interval() {
    let figures = tested();
    let accuracy = figures.figure("accuracy");
    assert_eq!((accuracy.value, accuracy.missing), (Some(0.5), None));
    let [low, high] = accuracy.interval.unwrap();
    assert!(low > 0.0 && low < 0.5 && high > 0.5 && high < 1.0);
    let balanced = figures.figure("balanced_accuracy");
    assert_eq!((balanced.value, balanced.interval), (None, None));
    assert_eq!(balanced.missing.as_deref(), Some("no image of class `c` in the set"));

    let [first, _, last] = &figures.multi_class().unwrap().classes[..] else { panic!("three classes") };
    assert_eq!((first.support, last.support, last.few), (2, 0, true));
    assert_eq!((first.figure("recall").value, last.figure("recall").value), (Some(0.5), None));
    assert!(first.figure("recall").interval.is_some() && last.figure("specificity").interval.is_some());
    let undefined = figures.undefined();
    assert_eq!(undefined["precision of `c`"], "no image was predicted as class `c`");
    assert_eq!(undefined["balanced_accuracy"], "no image of class `c` in the set");
    assert!(undefined.contains_key("interval of f1 of `a`") != first.figure("f1").interval.is_some());
    assert_eq!(figures.figure("no such figure"), Figure::default());
}

/// Other programs read the file text of earlier versions: keys, order and digits must not change.
#[test]
fn json_has_the_keys_of_every_version_in_their_order_and_reads_back() {
    let mut figures = tested();
    let TaskFigures::MultiClass(of_task) = &mut figures.of_task else { panic!("classes") };
    of_task.temperature = Some(TemperatureEffect {
        temperature: 1.5,
        bound: Some(Bound::Upper),
        uncalibrated: Some(Uncalibrated {
            expected_calibration_error: Some(0.25),
            brier: None,
            log_loss: Some(0.5),
        }),
    });
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<TestFigures>(&text).unwrap(), figures);
    let keys = [
        "checkpoint",
        "formats",
        "images",
        "loss",
        "accuracy",
        "true_positives",
        "false_positives",
        "true_negatives",
        "false_negatives",
        "precision",
        "recall",
        "balanced_accuracy",
        "cohen_kappa",
        "matthews_corrcoef",
        "macro_mean",
        "weighted_mean",
        "classes",
        "confusion_matrix",
        "intervals",
        "calibration",
        "undefined",
        "groups",
        "synthetic",
        "seconds",
        "images_per_second",
    ];
    let mut rest = text.as_str();
    for key in keys {
        let place =
            rest.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("no `{key}` in its place in {text}"));
        rest = &rest[place..];
    }
    let means = "{\"precision\":null,\"recall\":null,\"specificity\":";
    assert!(text.contains(&format!("\"macro_mean\":{means}")), "{text}");
    let calibration =
        "\"temperature\":1.5,\"bound\":\"upper\",\"uncalibrated\":{\"expected_calibration_error\":0.25,";
    assert!(text.contains(calibration), "{text}");
    assert!(text.contains("\"label\":\"a\",\"support\":2,\"few\":true,\"precision\":0.5,"), "{text}");
}

#[test]
fn a_figure_that_an_earlier_version_did_not_write_has_no_value() {
    let figures = tested();
    let mut value = serde_json::to_value(&figures).unwrap();
    value.as_object_mut().unwrap().remove("cohen_kappa").unwrap();
    value["intervals"].as_object_mut().unwrap().remove("cohen_kappa");
    let read: TestFigures = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(read.figure("cohen_kappa"), Figure::default());
    assert_eq!(read.figure("accuracy"), figures.figure("accuracy"));
    value.as_object_mut().unwrap().remove("images").unwrap();
    let error = serde_json::from_value::<TestFigures>(value).unwrap_err().to_string();
    assert_eq!(error, "missing field `images`");
}

/// Makes figures of two labels and 40 images; `Mass` has no known positive image.
fn findings() -> (PredictionTable, Tested) {
    let values =
        (0..40).flat_map(|image| [Some(image % 3 == 0), (image % 2 == 0).then_some(false)]).collect();
    let rows = (0..40).flat_map(|image| [f64::from(image * 7 % 40) / 40.0, 0.25]).collect();
    let scores = Scores::new(Targets::from_findings(["Edema", "Mass"], values).unwrap(), rows).unwrap();
    let image = |at: usize| PredictedImage {
        path: format!("{at}.png").into(),
        group: Some(format!("p{}", at / 2)),
        note: None,
    };
    let table = PredictionTable::new((0..40).map(image).collect(), scores).unwrap();
    (table, Tested { thresholds: vec![0.25], ..Tested::from_file("other.csv".to_owned()) })
}

#[test]
fn findings_have_figures_by_label_that_read_back() {
    let (table, tested) = findings();
    let figures = TestFigures::new(&table, tested).unwrap();
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<TestFigures>(&text).unwrap(), figures);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["task"], &json["predictions"]), (&"multi-label".into(), &"other.csv".into()));
    assert!(json.get("checkpoint").is_none() && json.get("seconds").is_none() && json.get("loss").is_none());
    let [edema, mass] = &json["labels"].as_array().unwrap()[..] else { panic!("{json}") };
    assert_eq!(
        (&edema["known"], &edema["positives"], &edema["threshold"]),
        (&40.into(), &14.into(), &0.25.into())
    );
    assert_eq!(
        (&mass["known"], &mass["positives"], &mass["threshold"]),
        (&20.into(), &0.into(), &0.5.into())
    );
    assert_eq!((&mass["roc_auc"], &mass["roc_auc_delong_se"]), (&Value::Null, &Value::Null));
    assert_eq!(json["undefined"]["roc_auc of `Mass`"], "no known positive image of `Mass`");
    assert_eq!((&json["macro_roc_auc"], &json["labels_with_roc_auc"]), (&edema["roc_auc"], &1.into()));
    assert_eq!((&json["groups"], json["intervals"].get("macro_roc_auc").is_some()), (&20.into(), true));
    assert_eq!(figures.by_label("roc_auc")[1].0, "Mass");
}

#[test]
fn findings_without_an_image_are_refused() {
    let (table, tested) = findings();
    let error = TestFigures::new(&table.select(&[]).unwrap(), tested).unwrap_err();
    assert_eq!(error.to_string(), "a test needs at least one image");
}
