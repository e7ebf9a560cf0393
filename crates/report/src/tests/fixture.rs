//! Runs to make pages of.

use std::collections::BTreeMap;

use metrics::Scores;

use crate::{
    Audit, ClassFigures, Epoch, Figure, ModelFigures, Occluded, OperatingPoint, Picture, Report, Set, Sign,
    Source, TemperatureFit, Test, Uncalibrated,
};

fn figure(value: f64) -> Figure {
    Figure { value: Some(value), interval: Some([value - 0.05, value + 0.03]), reason: None }
}

fn model(name: &str, classes: &[String]) -> ModelFigures {
    let class = |label: &String| ClassFigures {
        label: label.clone(),
        support: 4,
        few: true,
        precision: Figure {
            value: None,
            interval: None,
            reason: Some("no image was predicted as it".to_owned()),
        },
        recall: figure(0.5),
        roc_auc: figure(0.75),
        ..ClassFigures::default()
    };
    ModelFigures {
        name: name.to_owned(),
        images: 8,
        loss: 0.5,
        accuracy: figure(0.625),
        counts: [5, 3, 13, 3],
        classes: classes.iter().map(class).collect(),
        confusion_matrix: vec![vec![3, 1], vec![2, 2]],
        undefined: vec![("precision of `b`".to_owned(), "no image was predicted as it".to_owned())],
        expected_calibration_error: figure(0.1),
        log_loss: figure(0.5),
        images_per_second: 40.0,
        ..ModelFigures::default()
    }
}

pub(super) fn scores() -> Scores {
    let first = [0.9, 0.8, 0.7, 0.45, 0.95, 0.55, 0.2, 0.1];
    Scores::new(2, vec![0, 0, 0, 0, 1, 1, 1, 1], first.into_iter().flat_map(|p| [p, 1.0 - p]).collect())
        .unwrap()
}

/// A whole run of two classes, with everything that a page can show.
pub(super) fn whole() -> Report {
    let classes = ["a", "b"].map(str::to_owned).to_vec();
    let epoch = |epoch: u64| Epoch {
        epoch,
        loss: 2.0 / epoch as f64,
        accuracy: 0.5,
        val_loss: 1.0 / epoch as f64,
        val_accuracy: 0.6,
    };
    let picture = Picture { image: Some(vec![1, 2, 3]), heat_map: Some(vec![4, 5]) };
    let mut saved = model("saved (epoch 3)", &classes);
    saved.calibration = Some(Uncalibrated {
        temperature: 1.5,
        expected_calibration_error: Some(0.2),
        brier: Some(0.3),
        log_loss: Some(0.6),
    });
    saved.operating_points = vec![OperatingPoint {
        label: "a".to_owned(),
        target: 0.95,
        threshold: 0.25,
        sensitivity: figure(0.9),
        specificity: figure(0.7),
        validation: [Some(0.96), Some(0.8)],
    }];
    let hidden = |hidden: &str| Occluded {
        hidden: hidden.to_owned(),
        accuracy: figure(0.5),
        balanced_accuracy: figure(0.5),
    };
    Report {
        name: "run".to_owned(),
        status: "stopped early".to_owned(),
        classes: classes.clone(),
        sets: ["training", "validation", "test"]
            .map(|name| Set { name: name.to_owned(), counts: vec![4, 4] })
            .to_vec(),
        class_weights: vec![1.0, 1.0],
        history: (1..=4).map(epoch).collect(),
        best_epoch: Some(3),
        settings: vec![("seed".to_owned(), "28".to_owned()), ("model".to_owned(), "convnet".to_owned())],
        test: Some(Test {
            saved,
            last: model("final (epoch 4)", &classes),
            scores: Some(scores()),
            names: (0..8).map(|image| format!("test/{image}.png")).collect(),
            pictures: Some(BTreeMap::from([(4, picture)])),
            occluded: ["lungs", "border"].map(hidden).to_vec(),
        }),
        temperature: Some(TemperatureFit {
            temperature: 1.5,
            bound: Some("upper".to_owned()),
            images: 8,
            log_loss: [0.6, 0.5],
            expected_calibration_error: [0.2, 0.1],
        }),
        audit: Some(Audit {
            images: 24,
            grouped: Some(24),
            source: Some(Source { sign: Sign::Weak, balanced_accuracy: 0.6, chance: 0.5 }),
            source_sentence: "Some signs of it.".to_owned(),
            ..Audit::default()
        }),
        seconds: vec![("training".to_owned(), 2.0), ("in all".to_owned(), 3.0)],
        threads: 2,
        versions: vec![("thorax".to_owned(), "0.1.0".to_owned())],
        data_fingerprint: "abc123".to_owned(),
        ..Report::default()
    }
}

/// A run without a test set, an audit or anything else that can be missing.
pub(super) fn bare() -> Report {
    let Report { name, status, classes, history, best_epoch, .. } = whole();
    Report { name, status, classes, history, best_epoch, ..Report::default() }
}
