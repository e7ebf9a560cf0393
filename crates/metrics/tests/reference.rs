//! Every figure against scikit-learn, SciPy and statsmodels, on every case of the reference file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use metrics::{Evaluation, Figure, Logits, OneVsRest, Resampling, Temperature};
use serde_json::Value;

const NO_RESAMPLES: Resampling = Resampling { resamples: 0, seed: 28, groups: None };

fn cases() -> Vec<(Value, Logits)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/sklearn_metrics.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = reference["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    let logits = |case: &Value| {
        let labels = serde_json::from_value(case["labels"].clone()).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["logits"].clone()).unwrap();
        Logits::new(rows[0].len(), labels, rows.concat()).unwrap()
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
        let figures = evaluation.figures.map(|estimate| estimate.value);
        for (name, figure) in [
            ("accuracy", figures.accuracy),
            ("balanced_accuracy", figures.balanced_accuracy),
            ("balanced_accuracy", figures.macro_mean.recall),
            ("accuracy", figures.weighted_mean.recall),
            ("cohen_kappa", figures.cohen_kappa),
            ("matthews_corrcoef", figures.matthews_corrcoef),
            ("macro_f1", figures.macro_mean.f1),
            ("log_loss", figures.log_loss),
            ("brier_multiclass", figures.brier),
            ("expected_calibration_error_15_equal_width_bins", figures.expected_calibration_error),
        ] {
            close(name, figure.unwrap(), &case[name], 1e-9);
        }
        for (class, figures) in figures.classes.iter().enumerate() {
            assert_eq!(case["support"][class].as_u64(), Some(evaluation.classes[class].support));
            for (name, figure) in named(figures) {
                // scikit-learn writes 0 where a figure is 0/0.
                close(name, figure.unwrap_or(0.0), &case[name][class], 1e-9);
            }
        }
    }
}

fn named(figures: &OneVsRest<Figure>) -> [(&'static str, Figure); 6] {
    [
        ("precision", figures.precision),
        ("recall", figures.recall),
        ("specificity", figures.specificity),
        ("f1", figures.f1),
        ("roc_auc_one_vs_rest", figures.roc_auc),
        ("average_precision", figures.average_precision),
    ]
}

/// Macro and weighted means of the file's own per-class figures, where all are defined.
#[test]
fn means_match_their_definition() {
    let mut compared = 0;
    for (case, logits) in cases() {
        let evaluation = Evaluation::new(&logits.at(1.0), &NO_RESAMPLES).unwrap();
        let support: Vec<f64> = serde_json::from_value(case["support"].clone()).unwrap();
        let figures = evaluation.figures.map(|estimate| estimate.value);
        for (mean, weights) in
            [(&figures.macro_mean, vec![1.0; support.len()]), (&figures.weighted_mean, support.clone())]
        {
            for (name, figure) in named(mean) {
                let Ok(value) = figure else { continue };
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
        let interval = evaluation.figures.accuracy.interval.unwrap();
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
        assert!((scores.figures.log_loss.value.unwrap() - fitted.log_loss[1]).abs() < 1e-12);
        // At e⁻⁴ or e⁴, or where the loss is already nothing.
        let at_bound = case["temperature"].as_f64().unwrap().ln().abs() > 3.999 || fitted.log_loss[1] < 1e-12;
        assert_eq!(fitted.bound.is_some(), at_bound, "T = {}", fitted.value);
    }
}
