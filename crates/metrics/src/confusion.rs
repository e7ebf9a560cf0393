use crate::{
    Scores,
    predictions::{Predictions, argmax},
};

/// Counts of images by true class (rows) and predicted class (columns), as scikit-learn's `confusion_matrix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
}

/// What one class's row and column of the confusion matrix say; 0/0 is undefined and stays `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// Images of this class.
    pub support: u64,
    /// Of the images predicted as this class, the share that is, in `[0, 1]`.
    pub precision: Option<f64>,
    /// Of this class's images, the share predicted as it (sensitivity), in `[0, 1]`.
    pub recall: Option<f64>,
    /// Of the other classes' images, the share not predicted as this one, in `[0, 1]`.
    pub specificity: Option<f64>,
    /// Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), in `[0, 1]`.
    pub f1: Option<f64>,
}

impl ConfusionMatrix {
    /// Counts each image once, under the first maximum of its probabilities.
    pub fn new(predictions: &Predictions) -> Self {
        let c = predictions.n_classes();
        let mut counts = vec![vec![0; c]; c];
        for (label, row) in predictions.rows() {
            counts[label][argmax(row)] += 1;
        }
        Self { counts }
    }

    /// As [`Self::new`], of probabilities in f64.
    pub fn of(scores: &Scores) -> Self {
        let c = scores.n_classes();
        let mut counts = vec![vec![0; c]; c];
        for (&label, predicted) in scores.labels().iter().zip(scores.predicted()) {
            counts[label][predicted] += 1;
        }
        Self { counts }
    }

    /// `[C][C]` counts: true classes as rows, predicted ones as columns.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// The figures of every class, in class order.
    pub fn classes(&self) -> Vec<ClassFigures> {
        let total: u64 = self.counts.iter().flatten().sum();
        (0..self.counts.len())
            .map(|class| {
                let support: u64 = self.counts[class].iter().sum();
                let predicted: u64 = self.counts.iter().map(|row| row[class]).sum();
                let hits = self.counts[class][class];
                let others = total - support;
                ClassFigures {
                    support,
                    precision: ratio(hits, predicted),
                    recall: ratio(hits, support),
                    specificity: ratio(others - (predicted - hits), others),
                    f1: ratio(2 * hits, support + predicted),
                }
            })
            .collect()
    }
}

fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_hot(n_classes: usize, pairs: &[(usize, usize)]) -> Predictions {
        let rows = pairs.iter().flat_map(|&(_, predicted)| {
            (0..n_classes).map(move |class| if class == predicted { 1.0 } else { 0.0 })
        });
        Predictions::new(n_classes, pairs.iter().map(|&(label, _)| label).collect(), rows.collect()).unwrap()
    }

    #[test]
    fn counts_true_classes_as_rows() {
        let matrix = ConfusionMatrix::new(&one_hot(3, &[(0, 0), (0, 1), (1, 1), (1, 1), (2, 0)]));
        assert_eq!(matrix.counts(), [vec![1, 1, 0], vec![0, 2, 0], vec![1, 0, 0]]);
        let classes = matrix.classes();
        assert_eq!(
            classes[0],
            ClassFigures {
                support: 2,
                precision: Some(0.5),
                recall: Some(0.5),
                specificity: Some(2.0 / 3.0),
                f1: Some(0.5)
            }
        );
        // Nothing was predicted as class 2: its precision is undefined, not 0.
        assert_eq!(classes[2].precision, None);
        assert_eq!(classes[2].f1, Some(0.0));
    }

    #[test]
    fn two_classes_and_five_work_as_three_do() {
        let two = ConfusionMatrix::new(&one_hot(2, &[(0, 0), (1, 0)])).classes();
        assert_eq!((two[1].recall, two[1].precision, two[0].specificity), (Some(0.0), None, Some(0.0)));
        let five = ConfusionMatrix::new(&one_hot(5, &[(4, 4), (3, 4)])).classes();
        assert_eq!(
            (five[4].precision, five[4].recall, five[4].specificity),
            (Some(0.5), Some(1.0), Some(0.0))
        );
        assert_eq!((five[0].support, five[0].recall, five[0].specificity), (0, None, Some(1.0)));
    }

    /// scikit-learn writes 0 where a figure is 0/0; here it is `None`.
    #[test]
    fn matches_scikit_learn_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/sklearn_metrics.json");
        let reference: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = reference["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let labels: Vec<usize> = serde_json::from_value(case["labels"].clone()).unwrap();
            // The predicted class is the largest logit's, as it is the largest probability's.
            let logits: Vec<Vec<f32>> = serde_json::from_value(case["logits"].clone()).unwrap();
            let pairs: Vec<(usize, usize)> =
                labels.iter().copied().zip(logits.iter().map(|row| argmax(row))).collect();
            let matrix = ConfusionMatrix::new(&one_hot(logits[0].len(), &pairs));
            let counts: Vec<Vec<u64>> = serde_json::from_value(case["confusion_matrix"].clone()).unwrap();
            assert_eq!(matrix.counts(), counts);
            for (class, figures) in matrix.classes().iter().enumerate() {
                assert_eq!(case["support"][class].as_u64(), Some(figures.support));
                for (key, value) in [
                    ("precision", figures.precision),
                    ("recall", figures.recall),
                    ("specificity", figures.specificity),
                    ("f1", figures.f1),
                ] {
                    let expected = case[key][class].as_f64().unwrap();
                    assert!((value.unwrap_or(0.0) - expected).abs() < 1e-9, "{key} of class {class}");
                }
            }
        }
    }
}
