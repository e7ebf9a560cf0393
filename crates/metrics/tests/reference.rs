//! Every figure against scikit-learn, SciPy and statsmodels, on every case of the reference file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use metrics::{Evaluation, Logits, Resampling, Targets, Temperature};
use serde_json::Value;

const NO_RESAMPLES: Resampling = Resampling { resamples: 0, seed: 28 };

fn cases() -> Vec<(Value, Logits)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/sklearn_metrics.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = reference["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    let logits = |case: &Value| {
        let labels = serde_json::from_value(case["labels"].clone()).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["logits"].clone()).unwrap();
        let targets = Targets::from_classes(vec![""; rows[0].len()], labels).unwrap();
        Logits::new(targets, rows.concat()).unwrap()
    };
    cases.into_iter().map(|case| (case.clone(), logits(&case))).collect()
}

fn close(name: &str, value: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((value - expected).abs() < tolerance, "{name}: {value} is not {expected}");
}

#[test]
fn figures_match_scikit_learn() {
    for (case, logits) in cases() {
        let evaluation = Evaluation::new(&logits.at(1.0), &NO_RESAMPLES).unwrap();
        let counts: Vec<Vec<u64>> = serde_json::from_value(case["confusion_matrix"].clone()).unwrap();
        assert_eq!(evaluation.confusion_matrix.counts(), counts);
        let figure = |key: &str| evaluation.figures.get(key).unwrap().value;
        for (name, key) in [
            ("accuracy", "accuracy"),
            ("balanced_accuracy", "balanced_accuracy"),
            ("balanced_accuracy", "macro_recall"),
            ("accuracy", "weighted_recall"),
            ("cohen_kappa", "cohen_kappa"),
            ("matthews_corrcoef", "matthews_corrcoef"),
            ("macro_f1", "macro_f1"),
            ("log_loss", "log_loss"),
            ("brier_multiclass", "brier"),
            ("expected_calibration_error_15_equal_width_bins", "expected_calibration_error"),
        ] {
            close(name, figure(key).unwrap(), &case[name], 1e-9);
        }
        for class in 0..counts.len() {
            assert_eq!(case["support"][class].as_u64(), Some(evaluation.classes[class].support));
            for (name, key) in CLASS_KEYS {
                let figure = evaluation.figures.of_class(class, key).unwrap().value;
                // scikit-learn writes 0 where a figure is 0/0.
                close(name, figure.unwrap_or(0.0), &case[name][class], 1e-9);
            }
        }
    }
}

/// Names in the reference file of every class figure.
const CLASS_KEYS: [(&str, &str); 6] = [
    ("precision", "precision"),
    ("recall", "recall"),
    ("specificity", "specificity"),
    ("f1", "f1"),
    ("roc_auc_one_vs_rest", "roc_auc"),
    ("average_precision", "average_precision"),
];

/// Macro and weighted means of the file's own per-class figures, where all are defined.
#[test]
fn means_match_their_definition() {
    let mut compared = 0;
    for (case, logits) in cases() {
        let evaluation = Evaluation::new(&logits.at(1.0), &NO_RESAMPLES).unwrap();
        let support: Vec<f64> = serde_json::from_value(case["support"].clone()).unwrap();
        for (mean, weights) in [("macro", vec![1.0; support.len()]), ("weighted", support.clone())] {
            for (name, key) in CLASS_KEYS {
                let figure = evaluation.figures.get(&format!("{mean}_{key}")).unwrap();
                let Ok(value) = figure.value else { continue };
                let values: Vec<f64> = serde_json::from_value(case[name].clone()).unwrap();
                let sum: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
                let expected = sum / weights.iter().sum::<f64>();
                assert!((value - expected).abs() < 1e-9, "{name}: {value} is not {expected}");
                compared += 1;
            }
        }
    }
    assert!(compared > 0);
}

#[test]
fn accuracys_interval_matches_statsmodels() {
    for (case, logits) in cases() {
        let evaluation = Evaluation::new(&logits.at(1.0), &NO_RESAMPLES).unwrap();
        let interval = evaluation.figures.get("accuracy").unwrap().interval.unwrap();
        close("low", interval.low, &case["accuracy_wilson_95"][0], 1e-9);
        close("high", interval.high, &case["accuracy_wilson_95"][1], 1e-9);
    }
}

#[test]
fn temperatures_match_scipy() {
    for (case, logits) in cases() {
        let fitted = Temperature::fit(&logits).unwrap();
        close("temperature", fitted.value, &case["temperature"], 1e-4);
        close("log_loss_at_temperature", fitted.log_loss[1], &case["log_loss_at_temperature"], 1e-9);
        close("log_loss", fitted.log_loss[0], &case["log_loss"], 1e-9);
        let scores = Evaluation::new(&logits.at(fitted.value), &NO_RESAMPLES).unwrap();
        assert!((scores.figures.get("log_loss").unwrap().value.unwrap() - fitted.log_loss[1]).abs() < 1e-12);
        // At e⁻⁴ or e⁴, or where the loss is already nothing.
        let at_bound = case["temperature"].as_f64().unwrap().ln().abs() > 3.999 || fitted.log_loss[1] < 1e-12;
        assert_eq!(fitted.bound.is_some(), at_bound, "T = {}", fitted.value);
    }
}
