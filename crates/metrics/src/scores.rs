use crate::{
    Predictions, PredictionsError,
    predictions::{argmax, check},
};

/// True classes and probabilities in f64, from which every figure but Keras' own is computed.
///
/// f64, because ranks, log loss and the temperature of a sure network live in the digits that f32 has lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    n_classes: usize,
    labels: Vec<usize>,
    /// Probabilities `[N, C]`, row by row.
    probabilities: Vec<f64>,
}

impl Scores {
    /// Takes `labels`, class indices `[N]`, each below `n_classes`, and `probabilities`, `[N, C]` row by row, finite.
    ///
    /// # Errors
    /// Shapes that do not fit, a label out of range, a probability that is not finite.
    pub fn new(
        n_classes: usize,
        labels: Vec<usize>,
        probabilities: Vec<f64>,
    ) -> Result<Self, PredictionsError> {
        check(n_classes, &labels, &probabilities)?;
        Ok(Self { n_classes, labels, probabilities })
    }

    /// Builds scores as [`Self::new`] would, from values known to fit.
    pub(crate) fn of_finite(n_classes: usize, labels: Vec<usize>, probabilities: Vec<f64>) -> Self {
        Self { n_classes, labels, probabilities }
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Tells if there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of classes, C.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// True class indices `[N]`.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Each image's label with its row of C probabilities.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.labels.iter().copied().zip(self.probabilities.chunks_exact(self.n_classes))
    }

    /// Each image's predicted class, `[N]`: the first maximum.
    pub(crate) fn predicted(&self) -> impl Iterator<Item = usize> {
        self.probabilities.chunks_exact(self.n_classes).map(argmax)
    }

    /// The probabilities of one class, `[N]`.
    pub(crate) fn column(&self, class: usize) -> impl Iterator<Item = f64> {
        self.probabilities.iter().skip(class).step_by(self.n_classes).copied()
    }
}

/// Conversion to f64; rows are not renormalised, so that ties and order stay what they were.
impl From<&Predictions> for Scores {
    fn from(predictions: &Predictions) -> Self {
        Self {
            n_classes: predictions.n_classes(),
            labels: predictions.labels().to_vec(),
            probabilities: predictions.rows().flat_map(|(_, row)| row).map(|&p| f64::from(p)).collect(),
        }
    }
}

/// Two classes: each image's label, and the probability of the second.
#[cfg(test)]
pub(crate) fn binary(rows: &[(usize, f64)]) -> Scores {
    let labels = rows.iter().map(|&(label, _)| label).collect();
    Scores::new(2, labels, rows.iter().flat_map(|&(_, p)| [1.0 - p, p]).collect()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_predictions_hold_and_refuses_what_they_refuse() {
        let predictions = Predictions::new(2, vec![1, 0], vec![0.25, 0.75, 0.5, 0.5]).unwrap();
        let scores = Scores::from(&predictions);
        assert_eq!(scores, Scores::new(2, vec![1, 0], vec![0.25, 0.75, 0.5, 0.5]).unwrap());
        assert_eq!(scores.column(1).collect::<Vec<_>>(), [0.75, 0.5]);
        assert_eq!(
            Scores::new(2, vec![2], vec![0.5, 0.5]),
            Err(PredictionsError::Label { label: 2, n_classes: 2 })
        );
        assert_eq!(Scores::new(2, vec![0], vec![0.5, f64::NAN]), Err(PredictionsError::NotFinite(0)));
    }
}
