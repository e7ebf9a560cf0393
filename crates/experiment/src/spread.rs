use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::TestFigures;

/// How a figure differs from fold to fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Folds in which it has a value; the others are in none of what follows.
    pub folds: usize,
    /// Their mean; `null` without a fold.
    pub mean: Option<f64>,
    /// Their standard deviation, with one less than their number as divisor; `null` with fewer than two.
    pub standard_deviation: Option<f64>,
    /// The lowest.
    pub min: Option<f64>,
    /// The highest.
    pub max: Option<f64>,
}

impl Spread {
    /// Of a figure's values; those that are undefined are left out.
    pub fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        let values: Vec<f64> = values.flatten().collect();
        let n = values.len() as f64;
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n);
        let deviation = |mean: f64| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1.0)).sqrt()
        };
        Self {
            folds: values.len(),
            mean,
            standard_deviation: mean.filter(|_| values.len() > 1).map(deviation),
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
        }
    }

    /// Of the figures of [`TestFigures::of_folds`], by their names.
    pub fn of_all(folds: &[&TestFigures]) -> BTreeMap<String, Self> {
        let of = |i: usize| Self::of(folds.iter().map(move |figures| figures.of_folds()[i].1));
        let names = folds.first().map(|figures| figures.of_folds()).into_iter().flatten();
        names.enumerate().map(|(i, (name, _))| (name.to_owned(), of(i))).collect()
    }
}

impl TestFigures {
    /// What folds are compared by, in the order of tables.
    pub fn of_folds(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("accuracy", Some(self.accuracy)),
            ("balanced_accuracy", self.balanced_accuracy),
            ("macro_f1", self.macro_mean.f1),
            ("macro_roc_auc", self.macro_mean.roc_auc),
            ("loss", Some(self.loss)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_left_out_and_counted() {
        let spread = Spread::of([Some(2.0), None, Some(4.0), Some(9.0)].into_iter());
        assert_eq!((spread.folds, spread.mean, spread.min, spread.max), (3, Some(5.0), Some(2.0), Some(9.0)));
        assert_eq!(spread.standard_deviation, Some(13_f64.sqrt()));
        let one = Spread::of([None, Some(0.5)].into_iter());
        assert_eq!((one.folds, one.mean, one.standard_deviation), (1, Some(0.5), None));
        let none = Spread::of([None, None].into_iter());
        assert_eq!((none.folds, none.mean, none.min, none.max), (0, None, None, None));
    }
}
