use crate::Scores;

/// Counts of images by true class (rows) and predicted class (columns), as scikit-learn's `confusion_matrix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// Counts each image once, under the first maximum of its probabilities.
    pub(crate) fn new(scores: &Scores) -> Self {
        let c = scores.n_labels();
        let mut counts = vec![vec![0; c]; c];
        for (&class, predicted) in scores.classes().iter().zip(scores.predicted()) {
            counts[class][predicted] += 1;
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

    use crate::scores::numbered;

    #[test]
    fn counts_true_classes_as_rows() {
        let pairs = [(0, 0), (0, 1), (1, 1), (1, 1), (2, 0)];
        let rows = pairs.iter().flat_map(|&(_, predicted)| [0, 1, 2].map(|c| f64::from(c == predicted)));
        let matrix =
            ConfusionMatrix::new(&numbered(3, pairs.map(|(class, _)| class).to_vec(), rows.collect()));
        assert_eq!(matrix.counts(), [vec![1, 1, 0], vec![0, 2, 0], vec![1, 0, 0]]);
    }
}
