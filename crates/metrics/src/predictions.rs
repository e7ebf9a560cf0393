/// Predictions of a model for a set of images, with the true classes: the one input of every figure in this
/// crate.
///
/// Labels and probabilities travel together, so that no figure can be computed against labels of another order.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    n_classes: usize,
    labels: Vec<usize>,
    /// Probabilities `[N, C]`, row by row.
    probabilities: Vec<f32>,
}

/// Labels and probabilities that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PredictionsError {
    /// Fewer than two classes.
    TooFewClasses(usize),
    /// The number of probabilities is not labels × classes.
    Shape {
        /// Number of labels, N.
        labels: usize,
        /// Number of probabilities.
        probabilities: usize,
        /// Number of classes, C.
        n_classes: usize,
    },
    /// A label that is no class index.
    Label {
        /// The label.
        label: usize,
        /// Number of classes, C.
        n_classes: usize,
    },
    /// A probability or logit that is no finite number; holds the image's index.
    NotFinite(usize),
}

impl std::fmt::Display for PredictionsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooFewClasses(n) => write!(f, "at least 2 classes are needed, got {n}"),
            Self::Shape { labels, probabilities, n_classes } => {
                write!(f, "{probabilities} probabilities do not fit {labels} labels of {n_classes} classes")
            }
            Self::Label { label, n_classes } => write!(f, "label {label} is not one of {n_classes} classes"),
            Self::NotFinite(image) => {
                write!(f, "a probability or logit of image {image} is not a finite number")
            }
        }
    }
}

impl std::error::Error for PredictionsError {}

impl Predictions {
    /// Takes `labels`, class indices `[N]`, each below `n_classes`, and `probabilities`, `[N, C]` row by row, finite.
    ///
    /// # Errors
    /// Shapes that do not fit, a label out of range, a probability that is not finite.
    pub fn new(
        n_classes: usize,
        labels: Vec<usize>,
        probabilities: Vec<f32>,
    ) -> Result<Self, PredictionsError> {
        check(n_classes, &labels, &probabilities)?;
        Ok(Self { n_classes, labels, probabilities })
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
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.labels.iter().copied().zip(self.probabilities.chunks_exact(self.n_classes))
    }
}

/// Checks labels against their values, which are `[N, C]`, row by row, for all constructors that take both.
pub(crate) fn check<T: Copy + Into<f64>>(
    n_classes: usize,
    labels: &[usize],
    values: &[T],
) -> Result<(), PredictionsError> {
    if n_classes < 2 {
        return Err(PredictionsError::TooFewClasses(n_classes));
    }
    if labels.len().checked_mul(n_classes) != Some(values.len()) {
        return Err(PredictionsError::Shape { labels: labels.len(), probabilities: values.len(), n_classes });
    }
    if let Some(&label) = labels.iter().find(|&&label| label >= n_classes) {
        return Err(PredictionsError::Label { label, n_classes });
    }
    match values.iter().position(|&value| !value.into().is_finite()) {
        Some(at) => Err(PredictionsError::NotFinite(at / n_classes)),
        None => Ok(()),
    }
}

/// The predicted class of a row of probabilities: the first maximum, as `argmax` of NumPy and Keras.
pub fn argmax<T: PartialOrd>(row: &[T]) -> usize {
    let mut best = 0;
    for (i, p) in row.iter().enumerate() {
        if *p > row[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_does_not_fit() {
        assert_eq!(Predictions::new(1, vec![], vec![]), Err(PredictionsError::TooFewClasses(1)));
        let short = Predictions::new(3, vec![0, 1], vec![0.0; 5]).unwrap_err();
        assert_eq!(short.to_string(), "5 probabilities do not fit 2 labels of 3 classes");
        let label = Predictions::new(2, vec![2], vec![0.5, 0.5]).unwrap_err();
        assert_eq!(label.to_string(), "label 2 is not one of 2 classes");
        let nan = Predictions::new(2, vec![0, 1], vec![0.5, 0.5, f32::NAN, 0.5]).unwrap_err();
        assert_eq!(nan, PredictionsError::NotFinite(1));
    }

    #[test]
    fn predicts_the_first_maximum() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(argmax(&[0.5, 0.5]), 0);
    }
}
