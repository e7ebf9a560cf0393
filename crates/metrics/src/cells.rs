use crate::{Undefined, Value};

/// The confusion matrix as weights, from which a bootstrap computes figures of counts and an influence function
/// those of counts moved a little: `[C, C]`, true classes as rows.
pub(crate) struct Cells {
    weights: Vec<f64>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
}

impl Cells {
    pub(crate) fn new(n_classes: usize, weights: &[f64]) -> Self {
        let (mut rows, mut columns) = (vec![0.0; n_classes], vec![0.0; n_classes]);
        for (label, row) in weights.chunks_exact(n_classes).enumerate() {
            for (predicted, weight) in row.iter().enumerate() {
                rows[label] += weight;
                columns[predicted] += weight;
            }
        }
        let total = rows.iter().sum();
        Self { weights: weights.to_vec(), rows, columns, total }
    }

    /// The weight of each true class.
    pub(crate) fn support(&self) -> &[f64] {
        &self.rows
    }

    fn hits(&self, class: usize) -> f64 {
        self.weights[class * self.rows.len() + class]
    }

    fn all_hits(&self) -> f64 {
        (0..self.rows.len()).map(|class| self.hits(class)).sum()
    }

    /// The only class with a weight in `sums`, if there is just one.
    fn only(&self, sums: &[f64]) -> Option<usize> {
        let mut present = (0..sums.len()).filter(|&class| sums[class] > 0.0);
        present.next().filter(|_| present.next().is_none())
    }

    /// A ratio of weights; `reason` is why there is none of nothing.
    fn ratio(&self, numerator: f64, denominator: f64, reason: Undefined) -> Value {
        match denominator > 0.0 {
            true => Ok(numerator / denominator),
            false => Err(if self.total > 0.0 { reason } else { Undefined::NoImages }),
        }
    }

    pub(crate) fn precision(&self, class: usize) -> Value {
        self.ratio(self.hits(class), self.columns[class], Undefined::NotPredicted(class))
    }

    pub(crate) fn recall(&self, class: usize) -> Value {
        self.ratio(self.hits(class), self.rows[class], Undefined::NoImageOf(class))
    }

    pub(crate) fn specificity(&self, class: usize) -> Value {
        let others = self.total - self.rows[class];
        let false_alarms = self.columns[class] - self.hits(class);
        self.ratio(others - false_alarms, others, Undefined::OnlyImagesOf(class))
    }

    pub(crate) fn f1(&self, class: usize) -> Value {
        let both = self.rows[class] + self.columns[class];
        self.ratio(2.0 * self.hits(class), both, Undefined::NeitherSeenNorPredicted(class))
    }

    pub(crate) fn accuracy(&self) -> Value {
        if self.total > 0.0 { Ok(self.all_hits() / self.total) } else { Err(Undefined::NoImages) }
    }

    /// Computes Cohen's kappa: (observed - expected agreement) / (1 - expected agreement); undefined where chance alone agrees
    /// on all.
    pub(crate) fn cohen_kappa(&self) -> Value {
        let observed = self.accuracy()?;
        let products = self.rows.iter().zip(&self.columns).map(|(row, column)| row * column);
        let expected = products.sum::<f64>() / (self.total * self.total);
        match (self.only(&self.rows), self.only(&self.columns)) {
            (Some(class), Some(predicted)) if class == predicted => Err(Undefined::OnlyImagesOf(class)),
            _ => Ok((observed - expected) / (1.0 - expected)),
        }
    }

    /// Gorodkin's R_K (2004, Computational Biology and Chemistry 28, 367–374).
    pub(crate) fn matthews_corrcoef(&self) -> Value {
        if self.total <= 0.0 {
            return Err(Undefined::NoImages);
        }
        if let Some(class) = self.only(&self.rows) {
            return Err(Undefined::OnlyImagesOf(class));
        }
        if let Some(class) = self.only(&self.columns) {
            return Err(Undefined::OnlyPredicted(class));
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let square = self.total * self.total;
        let covariance = self.all_hits() * self.total - dot(&self.rows, &self.columns);
        let spreads = [&self.rows, &self.columns].map(|sums| square - dot(sums, sums));
        Ok(covariance / (spreads[0] * spreads[1]).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_without_a_second_class_is_undefined_not_zero() {
        let one = Cells::new(2, &[3.0, 0.0, 0.0, 0.0]);
        assert_eq!(one.cohen_kappa(), Err(Undefined::OnlyImagesOf(0)));
        assert_eq!(one.matthews_corrcoef(), Err(Undefined::OnlyImagesOf(0)));
        let predicted = Cells::new(2, &[3.0, 0.0, 2.0, 0.0]);
        assert_eq!(predicted.matthews_corrcoef(), Err(Undefined::OnlyPredicted(0)));
        assert_eq!(predicted.cohen_kappa(), Ok(0.0));
        assert_eq!(predicted.precision(1), Err(Undefined::NotPredicted(1)));
        // One class of images, all taken for the other: agreement is 0, as chance's.
        assert_eq!(Cells::new(2, &[0.0, 3.0, 0.0, 0.0]).cohen_kappa(), Ok(0.0));
        let none = Cells::new(2, &[0.0; 4]);
        assert_eq!(none.accuracy(), Err(Undefined::NoImages));
        assert_eq!(
            (none.cohen_kappa(), none.matthews_corrcoef()),
            (Err(Undefined::NoImages), Err(Undefined::NoImages))
        );
        assert_eq!(none.recall(0), Err(Undefined::NoImages));
    }

    #[test]
    fn all_right_is_one_and_all_wrong_is_minus_one_of_two() {
        let right = Cells::new(2, &[3.0, 0.0, 0.0, 2.0]);
        assert_eq!((right.cohen_kappa(), right.matthews_corrcoef()), (Ok(1.0), Ok(1.0)));
        let wrong = Cells::new(2, &[0.0, 2.0, 2.0, 0.0]);
        assert_eq!((wrong.cohen_kappa(), wrong.matthews_corrcoef()), (Ok(-1.0), Ok(-1.0)));
    }
}
