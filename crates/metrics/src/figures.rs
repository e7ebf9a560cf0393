//! The table of figures: a row is a metric, with its formula, its interval and the tables and files that show it.

use crate::{
    EvaluationError, Scores, Undefined, Value,
    cells::Cells,
    evaluation_error::check_multi_class,
    prepared::{ResampledSet, brier, log_loss},
};

/// A figure of a set of images, as files hold it and tables show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// Value; `None` where it is undefined.
    pub value: Option<f64>,
    /// Lower and upper bound of the 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Reason why the value is missing, or else the interval.
    pub missing: Option<String>,
}

/// A row of [`FIGURES`]: one figure of a whole set.
pub struct FigureSpec {
    /// Unique name, under which files hold its interval and the reason why it is missing, such as `macro_f1`.
    pub key: &'static str,
    /// Name in tables and pages.
    pub title: &'static str,
    /// Unit, or range where it is not 0 to 1, in words.
    pub unit: Option<&'static str>,
    /// Object of `test.json` that holds the value, and the value's key in it; `None` for `key` at the top.
    pub place: Option<(&'static str, &'static str)>,
    /// Tables that show it.
    pub tables: &'static [FigureTable],
    pub(crate) formula: Formula,
    pub(crate) interval: IntervalRule,
}

/// A table that shows some of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureTable {
    /// Results of `thorax test` on the terminal.
    Test,
    /// Two models on the same images.
    Comparison,
    /// One model on two sets.
    Gap,
    /// The folds of a cross-validation.
    Folds,
    /// The report page.
    Page,
}

/// A figure's computation.
#[derive(Clone, Copy)]
pub(crate) enum Formula {
    /// Figure of the confusion matrix.
    Cells(fn(&Cells) -> Value),
    /// Mean over the images of a loss, which takes the true class and the `[C]` probabilities of one.
    MeanLoss(fn(usize, &[f64]) -> f64),
    /// Mean distance between confidence and accuracy over the bins of [`crate::Reliability`].
    CalibrationError,
    /// Mean over the classes of the figure of this key in [`CLASS_FIGURES`], weighted by their images or not.
    Mean { of: &'static str, weighted: bool },
}

/// The making of a figure's interval.
#[derive(Clone, Copy)]
pub(crate) enum IntervalRule {
    /// Wilson's, of a share of all images.
    Share,
    /// BCa within `low` and 1.
    Counted { low: f64 },
    /// Interval of a mean of class figures: logit of areas, BCa of all others.
    Mean,
    /// BCa within 0 and `high`.
    Loss { high: f64 },
    /// Bootstrap of centred gaps, see [`crate::IntervalMethod::CentredGaps`].
    CalibrationError,
}

use FigureTable::{Comparison, Folds, Gap, Page, Test};

/// All figures of a set of images, in the order of files. To add one, write its formula and a row here.
pub const FIGURES: &[FigureSpec] = &[
    // Share of images whose predicted class is the true one, in [0, 1] (`accuracy_score`).
    FigureSpec {
        key: "accuracy",
        title: "Accuracy",
        unit: None,
        place: None,
        tables: &[Test, Comparison, Gap, Folds, Page],
        formula: Formula::Cells(Cells::accuracy),
        interval: IntervalRule::Share,
    },
    // Unweighted mean of the classes' recalls, in [0, 1] (`balanced_accuracy_score`; undefined where a class has no image,
    // which scikit-learn leaves out with a warning).
    FigureSpec {
        key: "balanced_accuracy",
        title: "Balanced accuracy",
        unit: None,
        place: None,
        tables: &[Test, Comparison, Gap, Folds, Page],
        formula: Formula::Mean { of: "recall", weighted: false },
        interval: IntervalRule::Mean,
    },
    // Agreement of true and predicted classes beyond chance, at most 1, 0 at chance (`cohen_kappa_score`; Cohen 1960).
    FigureSpec {
        key: "cohen_kappa",
        title: "Cohen's kappa",
        unit: None,
        place: None,
        tables: &[Page],
        formula: Formula::Cells(Cells::cohen_kappa),
        interval: IntervalRule::Counted { low: -1.0 },
    },
    // Correlation for several classes, in [-1, 1] (`matthews_corrcoef`; Gorodkin 2004).
    FigureSpec {
        key: "matthews_corrcoef",
        title: "Matthews' correlation",
        unit: None,
        place: None,
        tables: &[Page],
        formula: Formula::Cells(Cells::matthews_corrcoef),
        interval: IntervalRule::Counted { low: -1.0 },
    },
    // Unweighted means over all classes; undefined where one class's figure is.
    mean("macro_precision", "Macro precision", "macro_mean", "precision", &[]),
    mean("macro_recall", "Macro recall", "macro_mean", "recall", &[]),
    mean("macro_specificity", "Macro specificity", "macro_mean", "specificity", &[]),
    mean("macro_f1", "Macro F1", "macro_mean", "f1", &[Test, Comparison, Gap, Folds, Page]),
    mean("macro_roc_auc", "Macro ROC AUC", "macro_mean", "roc_auc", &[Test, Comparison, Gap, Folds, Page]),
    mean("macro_average_precision", "Macro average precision", "macro_mean", "average_precision", &[]),
    // Means over classes weighted by their images, as scikit-learn's `average="weighted"`; classes without an image have no
    // weight.
    mean("weighted_precision", "Weighted precision", "weighted_mean", "precision", &[]),
    mean("weighted_recall", "Weighted recall", "weighted_mean", "recall", &[]),
    mean("weighted_specificity", "Weighted specificity", "weighted_mean", "specificity", &[]),
    mean("weighted_f1", "Weighted F1", "weighted_mean", "f1", &[]),
    mean("weighted_roc_auc", "Weighted ROC AUC", "weighted_mean", "roc_auc", &[]),
    mean(
        "weighted_average_precision",
        "Weighted average precision",
        "weighted_mean",
        "average_precision",
        &[],
    ),
    // Mean distance between confidence and accuracy over bins, in [0, 1] (Naeini and others 2015; Guo and others 2017). The
    // plug-in figure lies above the true one on average, the more so the fewer the images.
    FigureSpec {
        key: "expected_calibration_error",
        title: "Calibration error",
        unit: None,
        place: Some(("calibration", "expected_calibration_error")),
        tables: &[Test, Page],
        formula: Formula::CalibrationError,
        interval: IntervalRule::CalibrationError,
    },
    // Squared error of the probabilities summed over classes, mean over images, in [0, 2] (Brier 1950).
    FigureSpec {
        key: "brier",
        title: "Brier score",
        unit: Some("0 to 2"),
        place: Some(("calibration", "brier")),
        tables: &[Page],
        formula: Formula::MeanLoss(brier),
        interval: IntervalRule::Loss { high: 2.0 },
    },
    // Mean of -ln p of the true class, in nats, p clipped to [ε, 1 - ε] with f64's ε (`log_loss`).
    FigureSpec {
        key: "log_loss",
        title: "Log loss",
        unit: Some("nats"),
        place: Some(("calibration", "log_loss")),
        tables: &[Comparison, Page],
        formula: Formula::MeanLoss(log_loss),
        interval: IntervalRule::Loss { high: f64::INFINITY },
    },
];

/// The row of a mean of a class figure.
const fn mean(
    key: &'static str,
    title: &'static str,
    object: &'static str,
    of: &'static str,
    tables: &'static [FigureTable],
) -> FigureSpec {
    // The first letter tells the two kinds of means apart.
    let weighted = object.as_bytes()[0] == b'w';
    let formula = Formula::Mean { of, weighted };
    FigureSpec {
        key,
        title,
        unit: None,
        place: Some((object, of)),
        tables,
        formula,
        interval: IntervalRule::Mean,
    }
}

/// A row of [`CLASS_FIGURES`]: one figure of a class against all others.
pub struct ClassFigureSpec {
    /// Unique name, which is its key in files too.
    pub key: &'static str,
    /// Name in tables and pages.
    pub title: &'static str,
    pub(crate) formula: ClassFormula,
}

/// A class figure's computation, from which its interval follows.
#[derive(Clone, Copy)]
pub(crate) enum ClassFormula {
    /// A share of images: Wilson's interval. The second tells by an image's true class and its predicted class, each
    /// whether it is the one, if the image is one of them.
    Share(fn(&Cells, usize) -> Value, fn(bool, bool) -> bool),
    /// Another ratio of counts between 0 and 1: BCa.
    Counted(fn(&Cells, usize) -> Value),
    /// Area under the ROC curve: the logit interval.
    RocAuc,
    /// Area under the precision-recall curve: the logit interval.
    AveragePrecision,
}

/// Figures of each class against all others, in the order of files.
pub const CLASS_FIGURES: &[ClassFigureSpec] = &[
    // Share of the images predicted as the class that is, in [0, 1].
    ClassFigureSpec {
        key: "precision",
        title: "Precision",
        formula: ClassFormula::Share(Cells::precision, |_, is_predicted| is_predicted),
    },
    // Share of the class's images predicted as it (sensitivity), in [0, 1].
    ClassFigureSpec {
        key: "recall",
        title: "Recall (sensitivity)",
        formula: ClassFormula::Share(Cells::recall, |is_class, _| is_class),
    },
    // Share of the other classes' images not predicted as it, in [0, 1].
    ClassFigureSpec {
        key: "specificity",
        title: "Specificity",
        formula: ClassFormula::Share(Cells::specificity, |is_class, _| !is_class),
    },
    // 2 TP / (2 TP + FP + FN), in [0, 1].
    ClassFigureSpec { key: "f1", title: "F1", formula: ClassFormula::Counted(Cells::f1) },
    // Area under the ROC curve of the class's probability, ties counting one half, in [0, 1] (`roc_auc_score`).
    ClassFigureSpec { key: "roc_auc", title: "ROC AUC", formula: ClassFormula::RocAuc },
    // Step-wise area under the precision-recall curve, in [0, 1] (`average_precision_score`).
    ClassFigureSpec {
        key: "average_precision",
        title: "Average precision",
        formula: ClassFormula::AveragePrecision,
    },
];

/// The formula of a class figure by its key.
pub(crate) fn class_figure(key: &str) -> Option<(usize, ClassFormula)> {
    CLASS_FIGURES.iter().position(|spec| spec.key == key).map(|at| (at, CLASS_FIGURES[at].formula))
}

/// A `T` for each figure of a set, such as its [`Value`] or its [`crate::Estimate`]: those of [`FIGURES`], then those of
/// [`CLASS_FIGURES`] for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures<T>(Vec<T>);

impl<T> Figures<T> {
    /// Takes the figures of one row, the set's first and then each class's.
    pub(crate) fn of_row(row: Vec<T>) -> Self {
        Self(row)
    }

    /// Returns all figures in one row, the set's first and then each class's.
    pub(crate) fn row(&self) -> &[T] {
        &self.0
    }

    /// The figure of this key in [`FIGURES`].
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.get(FIGURES.iter().position(|spec| spec.key == key)?)
    }

    /// The figure of a class of this key in [`CLASS_FIGURES`]; classes count from 0.
    pub fn of_class(&self, class: usize, key: &str) -> Option<&T> {
        self.class(class).get(CLASS_FIGURES.iter().position(|spec| spec.key == key)?)
    }

    /// Figures of the whole set, in the order of [`FIGURES`].
    pub fn of_set(&self) -> &[T] {
        &self.0[..FIGURES.len().min(self.0.len())]
    }

    /// Figures of a class, in the order of [`CLASS_FIGURES`]; none where there is no such class.
    pub fn class(&self, class: usize) -> &[T] {
        self.0
            .get(FIGURES.len()..)
            .and_then(|rest| rest.chunks(CLASS_FIGURES.len()).nth(class))
            .unwrap_or(&[])
    }

    /// Maps every figure, each with its place in the row.
    pub(crate) fn map<U>(self, map: impl FnMut((usize, T)) -> U) -> Figures<U> {
        Figures(self.0.into_iter().enumerate().map(map).collect())
    }
}

impl<'a, T> IntoIterator for &'a Figures<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Figures<Value> {
    /// The figures of a set of images, without intervals.
    ///
    /// # Errors
    /// Labels that do not exclude each other.
    pub fn of(scores: &Scores) -> Result<Self, EvaluationError> {
        check_multi_class(scores)?;
        Ok(ResampledSet::new(scores).figures())
    }
}

/// Mean over the classes of one of their figures.
pub(crate) fn weighted_mean(classes: impl Iterator<Item = Value>, weights: &[f64]) -> Value {
    let (mut sum, mut total) = (0.0, 0.0);
    for (value, &weight) in classes.zip(weights).filter(|(_, weight)| **weight > 0.0) {
        sum += weight * value?;
        total += weight;
    }
    if total > 0.0 { Ok(sum / total) } else { Err(Undefined::NoImages) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn means_are_undefined_where_a_class_they_need_is() {
        let mean = |weights: [f64; 3]| {
            weighted_mean([Ok(1.0), Err(Undefined::NoImageOf(1)), Ok(0.25)].into_iter(), &weights)
        };
        assert_eq!(mean([1.0; 3]), Err(Undefined::NoImageOf(1)));
        assert_eq!(mean([1.0, 0.0, 2.0]), Ok(0.5));
        assert_eq!(mean([0.0; 3]), Err(Undefined::NoImages));
    }

    #[test]
    fn a_row_of_figures_is_the_sets_and_then_each_classs() {
        let length = FIGURES.len() + 2 * CLASS_FIGURES.len();
        let figures = Figures::of_row((0..length).collect());
        assert_eq!(figures.of_set(), (0..FIGURES.len()).collect::<Vec<_>>());
        assert_eq!((figures.get("balanced_accuracy"), figures.get("recall")), (Some(&1), None));
        let second = FIGURES.len() + CLASS_FIGURES.len();
        assert_eq!(figures.class(1), (second..length).collect::<Vec<_>>());
        assert_eq!(
            (figures.of_class(1, "recall"), figures.of_class(2, "recall")),
            (Some(&(second + 1)), None)
        );
        assert_eq!(figures.class(2), [0; 0]);
        assert_eq!(figures.into_iter().copied().collect::<Vec<_>>(), figures.row());
        assert_eq!(Figures::of_row(vec![7]).of_set(), [7]);
    }

    #[test]
    fn keys_and_places_are_unique_and_means_are_of_class_figures() {
        let keys: BTreeSet<&str> = FIGURES.iter().map(|spec| spec.key).collect();
        let places: BTreeSet<_> = FIGURES.iter().map(|spec| spec.place.unwrap_or(("", spec.key))).collect();
        assert_eq!((keys.len(), places.len()), (FIGURES.len(), FIGURES.len()));
        for spec in FIGURES {
            if let Formula::Mean { of, weighted } = spec.formula {
                assert!(class_figure(of).is_some(), "{}", spec.key);
                assert_eq!(weighted, spec.key.starts_with("weighted_"), "{}", spec.key);
            }
        }
    }
}
