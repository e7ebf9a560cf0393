use std::collections::BTreeMap;

use metrics::{Figure, FigureTable, independent_difference};
use serde::{Serialize, Serializer};

use crate::{
    TestFigures,
    json::{Json, object},
};

/// Differences between a model's figures on two independent sets: the values on `to` minus the values on `from`, so that a
/// loss of performance is below 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Name of the first set.
    pub from: String,
    /// Name of the second set.
    pub to: String,
    /// Differences of figures, in the order of tables.
    pub differences: Vec<FigureDifference>,
    /// Differences and intervals without a value, each with the reason.
    pub undefined: BTreeMap<String, String>,
}

/// Difference of a figure between two sets or two models.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureDifference {
    /// Key in files.
    pub key: &'static str,
    /// Name in tables.
    pub title: &'static str,
    /// Difference, without a value where one of the figures has none.
    pub difference: Figure,
}

impl Gap {
    /// Computes the gap between two sets, by name, with [`independent_difference`]'s intervals.
    pub fn new(from: (&str, &TestFigures), to: (&str, &TestFigures)) -> Self {
        let mut undefined = BTreeMap::new();
        let mut between = |key: &'static str, title: &'static str| {
            let mut figure = |(set, figures): (&str, &TestFigures)| {
                let figure = figures.figure(key);
                if let Some(why) = &figure.missing {
                    let of = if figure.value.is_some() { "interval of " } else { "" };
                    undefined.entry(format!("{of}{key}")).or_insert_with(|| format!("{set}: {why}"));
                }
                figure
            };
            let (from, to) = (figure(from), figure(to));
            let value = to.value.zip(from.value).map(|(to, from)| to - from);
            let estimates = to.value.zip(to.interval).zip(from.value.zip(from.interval));
            let interval = estimates.map(|(to, from)| {
                let interval = independent_difference(to, from);
                [interval.low, interval.high]
            });
            FigureDifference { key, title, difference: Figure { value, interval, missing: None } }
        };
        let shown = from.1.table(FigureTable::Gap).map(|(row, _)| (row.key, row.title));
        let differences = shown.map(|(key, title)| between(key, title)).collect();
        Self { from: from.0.to_owned(), to: to.0.to_owned(), differences, undefined }
    }
}

impl Serialize for Gap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = [("from", Json::of(&self.from)), ("to", Json::of(&self.to))];
        let rows = self.differences.iter().map(|row| {
            let Figure { value, interval, .. } = row.difference;
            (row.key, object([("difference", Json::of(value)), ("interval", Json::of(interval))]))
        });
        let last = [("undefined", Json::of(&self.undefined))];
        object(first.into_iter().chain(rows).chain(last)).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use metrics::{Scores, Targets};

    use super::*;
    use crate::{PredictedImage, PredictionTable, Tested};

    /// Makes figures of a set of two classes, `right` of `of` images of each right.
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
        let targets = Targets::from_classes(["sick", "well"], labels).unwrap();
        let table = PredictionTable::new(images, Scores::new(targets, rows).unwrap()).unwrap();
        TestFigures::new(&table, Tested::from_file(String::new())).unwrap()
    }

    fn difference(gap: &Gap, key: &str) -> Figure {
        gap.differences.iter().find(|row| row.key == key).unwrap().difference.clone()
    }

    #[test]
    fn a_gap_is_the_second_less_the_first_with_newcombes_interval_for_accuracy() {
        // 56 of 70 and 48 of 80 are Newcombe's (1998) first example, 0.0524 to 0.3339.
        let (first, second) = (figures(28, [35, 35]), figures(24, [40, 40]));
        let gap = Gap::new(("here", &first), ("there", &second));
        assert_eq!((gap.from.as_str(), gap.to.as_str()), ("here", "there"));
        assert!((difference(&gap, "accuracy").value.unwrap() + 0.2).abs() < 1e-12);
        let [low, high] = difference(&gap, "accuracy").interval.unwrap();
        assert!((low + 0.3339).abs() < 6e-5 && (high + 0.0524).abs() < 6e-5, "{low} {high}");
        for key in ["balanced_accuracy", "macro_f1", "macro_roc_auc"] {
            let difference = difference(&gap, key);
            let ([low, high], value) = (difference.interval.unwrap(), difference.value.unwrap());
            assert!(low < value && value < high && high - low < 0.5, "{difference:?}");
        }
        assert!(gap.undefined.is_empty());
    }

    #[test]
    fn what_one_set_lacks_has_no_gap_and_says_in_which_set() {
        let (first, second) = (figures(8, [10, 10]), figures(8, [10, 0]));
        let gap = Gap::new(("here", &first), ("there", &second));
        let accuracy = difference(&gap, "accuracy");
        assert!(accuracy.value.is_some() && accuracy.interval.is_some());
        assert_eq!(difference(&gap, "balanced_accuracy"), Figure::default());
        assert_eq!(gap.undefined["balanced_accuracy"], "there: no image of class `well` in the set");
        // One image of a class: its figures have values, and no interval.
        let few = figures(1, [10, 1]);
        let gap = Gap::new(("here", &first), ("there", &few));
        let balanced = difference(&gap, "balanced_accuracy");
        assert!(balanced.value.is_some() && balanced.interval.is_none());
        assert!(gap.undefined["interval of balanced_accuracy"].starts_with("there: "), "{gap:?}");
    }
}
