use crate::{
    Scores,
    predictions::{Predictions, argmax},
};

/// Counts of images by true class (rows) and predicted class (columns), as scikit-learn's `confusion_matrix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
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

    /// Counts each image once, as [`Self::new`] does, from probabilities in f64.
    pub fn of(scores: &Scores) -> Self {
        let c = scores.n_classes();
        let mut counts = vec![vec![0; c]; c];
        for (&label, predicted) in scores.labels().iter().zip(scores.predicted()) {
            counts[label][predicted] += 1;
        }
        Self { counts }
    }

    /// Returns `[C][C]` counts: true classes as rows, predicted ones as columns.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }
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
    }
}
