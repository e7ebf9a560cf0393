//! Figures of several findings an image against scikit-learn and DeLong's formulas, on every case of the reference file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use metrics::{
    DelongTest, LABEL_FIGURES, MULTI_LABEL_FIGURES, MultiLabelEvaluation, Resampling, Scores, Targets,
};
use serde_json::Value;

const NO_RESAMPLES: Resampling = Resampling { resamples: 0, seed: 28 };

struct Case {
    expected: Value,
    scores: Scores,
    others: Scores,
    thresholds: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/multilabel_metrics.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let labels: Vec<String> = serde_json::from_value(reference["labels"].clone()).unwrap();
    let case = |case: &Value| {
        let truth: Vec<Vec<Option<u8>>> = serde_json::from_value(case["truth"].clone()).unwrap();
        let truth = truth.concat().into_iter().map(|value| value.map(|value| value == 1)).collect();
        let targets = Targets::from_findings(&labels, truth).unwrap();
        let of = |key: &str| {
            let rows: Vec<Vec<f64>> = serde_json::from_value(case[key].clone()).unwrap();
            Scores::new(targets.clone(), rows.concat()).unwrap()
        };
        Case {
            scores: of("probabilities"),
            others: of("others"),
            thresholds: serde_json::from_value(case["thresholds"].clone()).unwrap(),
            expected: case.clone(),
        }
    };
    let cases: Vec<Case> = reference["cases"].as_array().unwrap().iter().map(case).collect();
    assert!(cases.len() >= 4);
    cases
}

fn same(name: &str, value: Option<f64>, expected: &Value) {
    match (value, expected.as_f64()) {
        (Some(value), Some(expected)) => {
            assert!((value - expected).abs() < 1e-9, "{name}: {value} is not {expected}");
        }
        (None, None) if expected.is_null() => {}
        (value, _) => panic!("{name}: {value:?} is not {expected}"),
    }
}

#[test]
fn figures_match_scikit_learn() {
    for Case { expected, scores, thresholds, .. } in cases() {
        let evaluation = MultiLabelEvaluation::new(&scores, &thresholds, &NO_RESAMPLES).unwrap();
        for (label, of_label) in evaluation.labels.iter().enumerate() {
            let row = &expected["labels"][label];
            for (key, count) in [
                ("known", of_label.known),
                ("positives", of_label.positives),
                ("true_positives", of_label.true_positives),
                ("false_positives", of_label.false_positives),
                ("true_negatives", of_label.true_negatives),
                ("false_negatives", of_label.false_negatives),
            ] {
                assert_eq!(row[key].as_u64(), Some(count), "{key}");
            }
            for (spec, figure) in LABEL_FIGURES.iter().zip(&of_label.figures) {
                same(spec.key, figure.value.ok(), &row[spec.key]);
            }
            same("roc_auc_delong_se", of_label.roc_auc_delong_se.ok(), &row["roc_auc_delong_se"]);
        }
        let over = &expected["over_labels"];
        for (spec, figure) in MULTI_LABEL_FIGURES.iter().zip(&evaluation.figures) {
            same(spec.key, figure.value.ok(), &over[spec.key]);
        }
        assert_eq!(over["labels_with_roc_auc"], evaluation.labels_with_roc_auc);
        assert_eq!(over["labels_with_average_precision"], evaluation.labels_with_average_precision);
    }
}

#[test]
fn two_models_differ_by_delongs_paired_test() {
    let mut tested = 0;
    for Case { expected, scores, others, .. } in cases() {
        for label in 0..scores.n_labels() {
            let against = &expected["labels"][label]["against"];
            match DelongTest::new(&scores, &others, label).unwrap() {
                Ok(test) => {
                    same("difference", Some(test.difference), &against["difference"]);
                    same("standard_error", Some(test.standard_error), &against["standard_error"]);
                    same("p", Some(test.p), &against["p"]);
                    tested += 1;
                }
                Err(_) => assert!(against.is_null(), "{against}"),
            }
        }
    }
    assert!(tested >= 10, "{tested}");
}
