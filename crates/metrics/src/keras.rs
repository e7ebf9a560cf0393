use crate::{EvaluationError, Scores, evaluation_error::check_multi_class, scores::argmax};

/// The eight figures that the study's Keras model reports on one-hot labels.
///
/// TP, FP, TN and FN count binary decisions over the flattened `[N, C]` one-hot labels with a strict threshold of 0.5
/// (`keras/src/metrics/metrics_utils.py`, `confusion_metrics.py`); an image whose probabilities all stay at or below
/// 0.5 predicts nothing. Precision and recall are 0 where they are 0/0, as Keras' `divide_no_nan`. Accuracy compares
/// the first maximum (`accuracy_metrics.py`). The loss is unweighted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KerasFigures {
    /// Categorical crossentropy, mean over images, in nats, from 0 to 16.2.
    pub loss: f64,
    /// Share of images whose largest probability is the true class's, in `[0, 1]`.
    pub accuracy: f64,
    /// True classes above 0.5.
    pub true_positives: u64,
    /// Other classes above 0.5.
    pub false_positives: u64,
    /// Other classes at or below 0.5.
    pub true_negatives: u64,
    /// True classes at or below 0.5.
    pub false_negatives: u64,
    /// TP / (TP + FP), in `[0, 1]`; 0 where nothing is above 0.5.
    pub precision: f64,
    /// TP / (TP + FN), in `[0, 1]`.
    pub recall: f64,
}

impl KerasFigures {
    /// Computes the figures.
    ///
    /// # Errors
    /// No images, of which Keras has no loss; labels that do not exclude each other.
    pub fn new(scores: &Scores) -> Result<Self, EvaluationError> {
        check_multi_class(scores)?;
        if scores.is_empty() {
            return Err(EvaluationError::NoImages);
        }
        let n = scores.len() as u64;
        let (mut loss, mut correct, mut true_positives, mut false_positives) = (0.0, 0u64, 0u64, 0u64);
        for (label, row) in scores.rows() {
            let row: Vec<f32> = row.iter().map(|&p| p as f32).collect();
            loss += f64::from(crossentropy(label, &row));
            correct += u64::from(argmax(&row) == label);
            for (class, &p) in row.iter().enumerate() {
                match (p > 0.5, class == label) {
                    (true, true) => true_positives += 1,
                    (true, false) => false_positives += 1,
                    (false, _) => {}
                }
            }
        }
        let negatives = n * (scores.n_labels() as u64 - 1);
        Ok(Self {
            loss: loss / n as f64,
            accuracy: correct as f64 / n as f64,
            true_positives,
            false_positives,
            true_negatives: negatives - false_positives,
            false_negatives: n - true_positives,
            precision: ratio_or_zero(true_positives, true_positives + false_positives),
            recall: ratio_or_zero(true_positives, n),
        })
    }
}

/// One image's crossentropy: the row renormalised, then clipped to [1e-7, 1 - 1e-7], all in f32 as in Keras
/// (`keras/src/backend/tensorflow/nn.py`, `categorical_crossentropy`), since 1 - 1e-7 rounds differently in f64.
fn crossentropy(label: usize, row: &[f32]) -> f32 {
    let sum: f32 = row.iter().sum();
    -(row[label] / sum).clamp(1e-7, 1.0 - 1e-7).ln()
}

fn ratio_or_zero(numerator: u64, denominator: u64) -> f64 {
    if denominator == 0 { 0.0 } else { numerator as f64 / denominator as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::{numbered, numbered_targets};

    #[test]
    fn matches_keras_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/keras_metrics.json");
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let labels: Vec<usize> = serde_json::from_value(case["labels"].clone()).unwrap();
            let rows: Vec<Vec<f32>> = serde_json::from_value(case["probabilities"].clone()).unwrap();
            let targets = numbered_targets(rows[0].len(), labels);
            let figures = KerasFigures::new(&Scores::from_f32(targets, &rows.concat()).unwrap()).unwrap();
            let number = |key: &str| case[key].as_f64().unwrap();
            for (key, count) in [
                ("true_positives", figures.true_positives),
                ("false_positives", figures.false_positives),
                ("true_negatives", figures.true_negatives),
                ("false_negatives", figures.false_negatives),
            ] {
                assert_eq!(count as f64, number(key), "{key}");
            }
            for (key, value) in [
                ("loss", figures.loss),
                ("accuracy", figures.accuracy),
                ("precision", figures.precision),
                ("recall", figures.recall),
            ] {
                let expected = number(key);
                assert!(
                    (value - expected).abs() <= 1e-6 * expected.abs(),
                    "{key}: {value} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn clips_a_hopeless_prediction_as_keras_does() {
        let figures = KerasFigures::new(&numbered(2, vec![0, 1], vec![0.0, 1.0, 0.0, 1.0])).unwrap();
        // -ln(1e-7) for the first image and -ln(1 - 2^-23) for the second.
        assert!((figures.loss - (16.118_095 + 1.192e-7) / 2.0).abs() < 1e-5, "{}", figures.loss);
    }

    #[test]
    fn a_crossentropy_is_of_a_row_divided_by_its_sum_and_clipped_at_both_ends() {
        assert!((crossentropy(0, &[0.5, 0.25]) - 1.5f32.ln()).abs() < 1e-6);
        assert_eq!(crossentropy(0, &[0.0, 1.0]), -1e-7f32.ln());
        // 1 - 1e-7 is 1 - 2^-23 in f32.
        assert!((crossentropy(1, &[0.0, 1.0]) - 0.5f32.powi(23)).abs() < 1e-12);
    }

    #[test]
    fn an_image_at_one_half_predicts_nothing_and_no_image_has_no_figures() {
        let figures = KerasFigures::new(&numbered(2, vec![0], vec![0.5, 0.5])).unwrap();
        assert_eq!((figures.true_positives, figures.false_positives), (0, 0));
        assert_eq!((figures.true_negatives, figures.false_negatives), (1, 1));
        assert_eq!((figures.precision, figures.recall, figures.accuracy), (0.0, 0.0, 1.0));
        assert_eq!(KerasFigures::new(&numbered(2, vec![], vec![])), Err(EvaluationError::NoImages));
    }
}
