//! Runs to make pages of.

use std::collections::BTreeMap;

use audit::Sign;
use experiment::{EpochRow, MultiClassFigures, RunRecord, RunStatus, TaskFigures, TestFigures};
use metrics::{Bound, Calibration, Scores, Targets, Temperature};
use serde_json::{Value, json};

use crate::{AuditSummary, Picture, Report, SourceLeakage, Test};

/// Makes results in the form of `test.json`: 8 images of classes `a` and `b`, 5 of them right.
pub(super) fn figures(accuracy: f64) -> Value {
    let around = |value: f64| json!([value - 0.05, value + 0.03]);
    let class = |label: &str| {
        json!({"label": label, "support": 4, "few": true, "precision": null, "recall": 0.5, "specificity": null,
               "f1": null, "roc_auc": 0.75, "average_precision": null,
               "intervals": {"recall": around(0.5), "roc_auc": around(0.75)}})
    };
    let mean = json!({"precision": null, "recall": null, "specificity": null, "f1": null, "roc_auc": null,
                      "average_precision": null});
    json!({
        "checkpoint": "best.safetensors", "images": 8, "loss": 0.5, "accuracy": accuracy, "true_positives": 5,
        "false_positives": 3, "true_negatives": 13, "false_negatives": 3, "precision": 0.625, "recall": 0.625,
        "balanced_accuracy": accuracy, "cohen_kappa": null, "matthews_corrcoef": null, "macro_mean": mean,
        "weighted_mean": mean, "classes": [class("a"), class("b")], "confusion_matrix": [[3, 1], [2, 2]],
        "intervals": {"accuracy": around(accuracy), "balanced_accuracy": around(accuracy),
                      "expected_calibration_error": around(0.1), "log_loss": around(0.5)},
        "calibration": {"expected_calibration_error": 0.1, "brier": null, "log_loss": 0.5},
        "undefined": {"precision of `b`": "no image was predicted as it", "precision of `a`": "no image was predicted as it"},
        "groups": null, "synthetic": false, "seconds": 0.2, "images_per_second": 40.0,
    })
}

/// Returns what a test of classes holds besides the figures of the set.
pub(super) fn of_classes(test: &mut Test) -> &mut MultiClassFigures {
    match &mut test.saved.of_task {
        TaskFigures::MultiClass(figures) => figures,
        TaskFigures::MultiLabel(_) => panic!("a test of classes"),
    }
}

pub(super) fn tested(json: Value) -> TestFigures {
    serde_json::from_value(json).unwrap()
}

pub(super) fn scores() -> Scores {
    let first = [0.9, 0.8, 0.7, 0.45, 0.95, 0.55, 0.2, 0.1];
    scores_of(2, vec![0, 0, 0, 0, 1, 1, 1, 1], first.into_iter().flat_map(|p| [p, 1.0 - p]).collect())
}

pub(super) fn scores_of(n_classes: usize, classes: Vec<usize>, probabilities: Vec<f64>) -> Scores {
    Scores::new(Targets::from_classes(vec![""; n_classes], classes).unwrap(), probabilities).unwrap()
}

/// Makes a whole run of two classes, with everything that a page can show.
pub(super) fn whole() -> Report {
    let mut saved = figures(0.625);
    let before = json!({"expected_calibration_error": 0.2, "brier": 0.3, "log_loss": 0.6});
    saved["calibration"]["temperature"] = 1.5.into();
    saved["calibration"]["uncalibrated"] = before;
    saved["operating_points"] = json!([{
        "label": "a", "target": 0.95, "threshold": 0.25, "sensitivity": 0.9, "specificity": 0.7,
        "intervals": {"sensitivity": [0.85, 0.93], "specificity": [0.65, 0.73]},
        "validation": {"sensitivity": 0.96, "specificity": 0.8},
    }]);
    let hidden = |part: &str| (part.to_owned(), tested(figures(0.5)));
    let picture = Picture { image: Some(vec![1, 2, 3]), heat_map: Some(vec![4, 5]) };
    let temperature = Temperature {
        value: 1.5,
        bound: Some(Bound::Upper),
        images: 8,
        log_loss: [0.6, 0.5],
        expected_calibration_error: [0.2, 0.1],
    };
    let calibration = Calibration { temperature: Some(temperature), ..Calibration::default() };
    let mut report = bare();
    let record = &mut report.record;
    record.counts =
        ["training", "validation", "test"].map(|name| (name.to_owned(), vec![4, 4])).into_iter().collect();
    record.class_weights = vec![1.0, 1.0];
    record.settings = [("seed", json!(28)), ("model", json!("convnet"))]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
    record.calibration = BTreeMap::from([("saved".to_owned(), calibration)]);
    record.seconds.fit = 2.0;
    record.seconds.total = 3.0;
    record.threads = 2;
    record.versions = BTreeMap::from([("thorax".to_owned(), "0.1.0".to_owned())]);
    record.data_fingerprint = "abc123".to_owned();
    report.test = Some(Test {
        saved: tested(saved),
        last: Some(tested(figures(0.625))),
        occluded: ["lungs", "border"].map(hidden).into_iter().collect(),
        scores: Some(scores()),
        names: (0..8).map(|image| format!("test/{image}.png")).collect(),
        pictures: Some(BTreeMap::from([(4, picture)])),
    });
    report.audit = Some(AuditSummary {
        images: 24,
        grouped: Some(24),
        source: Some(SourceLeakage { sign: Sign::Weak, balanced_accuracy: 0.6, chance: 0.5 }),
        ..AuditSummary::default()
    });
    report
}

/// Makes a run without a test set, an audit or anything else that can be missing.
pub(super) fn bare() -> Report {
    let epoch = |epoch: u64| EpochRow {
        epoch,
        loss: 2.0 / epoch as f64,
        accuracy: Some(0.5),
        val_loss: 1.0 / epoch as f64,
        val_accuracy: Some(0.6),
        auc: None,
        val_auc: None,
        learning_rate: 0.001,
        seconds: 1.0,
    };
    let record = RunRecord {
        epochs_run: 4,
        best_epoch: Some(3),
        classes: ["a", "b"].map(str::to_owned).to_vec(),
        ..RunRecord::empty(RunStatus::EarlyStopped)
    };
    Report { name: "run".to_owned(), record, history: (1..=4).map(epoch).collect(), test: None, audit: None }
}
