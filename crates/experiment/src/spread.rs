use std::collections::BTreeMap;

use metrics::FigureTable;
use serde::{Deserialize, Serialize};

use crate::TestFigures;

/// Differences of a figure from fold to fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Number of folds in which it has a value; the others are left out of all that follows.
    pub folds: usize,
    /// Mean over these folds; `null` without a fold.
    pub mean: Option<f64>,
    /// Standard deviation over these folds, with one less than their number as divisor; `null` with fewer than two.
    pub standard_deviation: Option<f64>,
    /// Lowest value.
    pub min: Option<f64>,
    /// Highest value.
    pub max: Option<f64>,
}

impl Spread {
    /// Computes the differences of a figure's values; undefined values are left out.
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

    /// Computes the differences between folds of each figure of [`TestFigures::of_folds`], by key.
    pub fn of_all(folds: &[&TestFigures]) -> BTreeMap<String, Self> {
        let rows: Vec<Vec<FoldFigure>> = folds.iter().map(|figures| figures.of_folds()).collect();
        let keys = rows.first().into_iter().flatten().enumerate();
        let of = |at: usize| Self::of(rows.iter().map(|row| row.get(at).and_then(|figure| figure.value)));
        keys.map(|(at, figure)| (figure.key.to_owned(), of(at))).collect()
    }
}

/// Figure that folds are compared by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldFigure {
    /// Key in files.
    pub key: &'static str,
    /// Name in tables.
    pub title: &'static str,
    /// Value; `None` where it is undefined.
    pub value: Option<f64>,
}

impl TestFigures {
    /// Returns figures that folds are compared by, in the order of tables; of classes Keras' loss is the last.
    pub fn of_folds(&self) -> Vec<FoldFigure> {
        let rows = self.table(FigureTable::Folds).map(|(row, figure)| FoldFigure {
            key: row.key,
            title: row.title,
            value: figure.value,
        });
        let loss = self.multi_class().map(|figures| figures.keras.loss);
        rows.chain(loss.map(|loss| FoldFigure { key: "loss", title: "Loss", value: Some(loss) })).collect()
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
