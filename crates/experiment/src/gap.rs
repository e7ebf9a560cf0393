use std::collections::BTreeMap;

use metrics::independent_difference;
use serde::{Deserialize, Serialize};

use crate::{Bounds, TestFigures};

/// How far a model's figures on one set lie from those on another, independent one: those on `to` less those on `from`, so that
/// what falls is below 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The first set.
    pub from: String,
    /// The other.
    pub to: String,
    /// Of shares of images right.
    pub accuracy: Difference,
    /// Of unweighted means of the classes' recalls.
    pub balanced_accuracy: Difference,
    /// Of unweighted means of the classes' F1.
    pub macro_f1: Difference,
    /// Of unweighted means of the classes' ROC AUC.
    pub macro_roc_auc: Difference,
    /// Differences and intervals without a value → why.
    pub undefined: BTreeMap<String, String>,
}

/// A difference of two figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `null` where one of the figures has no value.
    pub difference: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<Bounds>,
}

impl Gap {
    /// The gap between two sets, by name, with [`independent_difference`]'s intervals.
    pub fn new(from: (&str, &TestFigures), to: (&str, &TestFigures)) -> Self {
        let mut undefined = BTreeMap::new();
        let mut between = |name: &str, value: fn(&TestFigures) -> Option<f64>| {
            let mut estimate = |(set, figures): (&str, &TestFigures)| {
                let interval = figures.intervals.get(name).copied();
                if let Some(why) = figures.undefined.get(name) {
                    undefined.entry(name.to_owned()).or_insert_with(|| format!("{set}: {why}"));
                } else if let Some(why) = figures.undefined.get(&format!("interval of {name}")) {
                    let name = format!("interval of {name}");
                    undefined.entry(name).or_insert_with(|| format!("{set}: {why}"));
                }
                (value(figures), interval)
            };
            let ((from, from_interval), (to, to_interval)) = (estimate(from), estimate(to));
            let difference = to.zip(from).map(|(to, from)| to - from);
            let estimates = to.zip(to_interval).zip(from.zip(from_interval));
            let interval = estimates.map(|(to, from)| {
                let interval = independent_difference(to, from);
                [interval.low, interval.high]
            });
            Difference { difference, interval }
        };
        Self {
            accuracy: between("accuracy", |figures| Some(figures.accuracy)),
            balanced_accuracy: between("balanced_accuracy", |figures| figures.balanced_accuracy),
            macro_f1: between("macro_f1", |figures| figures.macro_mean.f1),
            macro_roc_auc: between("macro_roc_auc", |figures| figures.macro_mean.roc_auc),
            from: from.0.to_owned(),
            to: to.0.to_owned(),
            undefined,
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics::Predictions;

    use super::*;
    use crate::{PredictedImage, PredictionTable, Tested};

    /// Figures of a set of two classes, `right` of `of` images of each right.
    fn figures(right: usize, of: [usize; 2]) -> TestFigures {
        let (mut labels, mut rows, mut images) = (Vec::new(), Vec::new(), Vec::new());
        for (label, of) in of.into_iter().enumerate() {
            for image in 0..of {
                labels.push(label);
                let own = if image < right { 0.9 } else { 0.2 };
                rows.extend(if label == 0 { [own, 1.0 - own] } else { [1.0 - own, own] });
                images.push(PredictedImage {
                    path: format!("{label}/{image}").into(),
                    group: None,
                    note: None,
                });
            }
        }
        let classes = ["sick", "well"].map(str::to_owned).to_vec();
        let predictions = Predictions::new(2, labels, rows).unwrap();
        let tested = Tested { checkpoint: String::new(), formats: None, synthetic: false, seconds: 1.0 };
        TestFigures::new(&PredictionTable { classes, images, predictions }, tested).unwrap()
    }

    #[test]
    fn a_gap_is_the_second_less_the_first_with_newcombes_interval_for_accuracy() {
        // 56 of 70 and 48 of 80 are Newcombe's (1998) first example, 0.0524 to 0.3339.
        let (first, second) = (figures(28, [35, 35]), figures(24, [40, 40]));
        let gap = Gap::new(("here", &first), ("there", &second));
        assert_eq!((gap.from.as_str(), gap.to.as_str()), ("here", "there"));
        assert!((gap.accuracy.difference.unwrap() + 0.2).abs() < 1e-12);
        let [low, high] = gap.accuracy.interval.unwrap();
        assert!((low + 0.3339).abs() < 6e-5 && (high + 0.0524).abs() < 6e-5, "{low} {high}");
        for difference in [gap.balanced_accuracy, gap.macro_f1, gap.macro_roc_auc] {
            let ([low, high], value) = (difference.interval.unwrap(), difference.difference.unwrap());
            assert!(low < value && value < high && high - low < 0.5, "{difference:?}");
        }
        assert!(gap.undefined.is_empty());
    }

    #[test]
    fn what_one_set_lacks_has_no_gap_and_says_in_which_set() {
        let (first, second) = (figures(8, [10, 10]), figures(8, [10, 0]));
        let gap = Gap::new(("here", &first), ("there", &second));
        assert!(gap.accuracy.difference.is_some() && gap.accuracy.interval.is_some());
        assert_eq!(gap.balanced_accuracy, Difference { difference: None, interval: None });
        assert_eq!(gap.undefined["balanced_accuracy"], "there: no image of class `well` in the set");
        // One image of a class: its figures have values, and no interval.
        let few = figures(1, [10, 1]);
        let gap = Gap::new(("here", &first), ("there", &few));
        assert!(gap.balanced_accuracy.difference.is_some() && gap.balanced_accuracy.interval.is_none());
        assert!(gap.undefined["interval of balanced_accuracy"].starts_with("there: "), "{gap:?}");
    }
}
