//! The tables of figures for several findings an image: a row is a metric, with its formula.

use super::cells::{F1, LabelCells, NEGATIVE_PREDICTIVE_VALUE, PRECISION, Ratio, SENSITIVITY, SPECIFICITY};
use crate::{FigureTable, prepared};

use FigureTable::{Comparison, Folds, Gap, Page, Test};

/// A row of [`LABEL_FIGURES`]: one figure of a label over the images in which it is known.
pub struct LabelFigureSpec {
    /// Unique name, which is its key in files too.
    pub key: &'static str,
    /// Name in tables and pages.
    pub title: &'static str,
    pub(super) formula: LabelFormula,
}

/// A label figure's computation, from which its interval follows.
#[derive(Clone, Copy)]
pub(super) enum LabelFormula {
    /// Area under the ROC curve: the logit interval.
    RocAuc,
    /// Area under the precision-recall curve: the logit interval.
    AveragePrecision,
    /// A share of images: Wilson's interval.
    Share(&'static Ratio),
    /// Another ratio of counts between 0 and 1: BCa.
    Counted(&'static Ratio),
    /// Mean over the images of a loss, which takes the truth and the probability: BCa within 0 and `high`.
    MeanLoss { loss: fn(bool, f64) -> f64, high: f64 },
    /// Mean distance between probability and share of positives over bins.
    CalibrationError,
}

/// Figures of each label over its known images, in the order of files. To add one, write its formula and a row here.
pub const LABEL_FIGURES: &[LabelFigureSpec] = &[
    // Area under the ROC curve, ties counting one half, in [0, 1] (`roc_auc_score`).
    LabelFigureSpec { key: ROC_AUC, title: "ROC AUC", formula: LabelFormula::RocAuc },
    // Step-wise area under the precision-recall curve, in [0, 1] (`average_precision_score`).
    LabelFigureSpec {
        key: AVERAGE_PRECISION,
        title: "Average precision",
        formula: LabelFormula::AveragePrecision,
    },
    // Share of the positive images at or above the threshold, in [0, 1].
    LabelFigureSpec { key: "sensitivity", title: "Sensitivity", formula: LabelFormula::Share(&SENSITIVITY) },
    // Share of the negative images below the threshold, in [0, 1].
    LabelFigureSpec { key: "specificity", title: "Specificity", formula: LabelFormula::Share(&SPECIFICITY) },
    // Share of the images at or above the threshold that are positive, in [0, 1].
    LabelFigureSpec { key: "precision", title: "Precision", formula: LabelFormula::Share(&PRECISION) },
    // Share of the images below the threshold that are negative, in [0, 1].
    LabelFigureSpec {
        key: "negative_predictive_value",
        title: "Negative predictive value",
        formula: LabelFormula::Share(&NEGATIVE_PREDICTIVE_VALUE),
    },
    // 2 TP / (2 TP + FP + FN) at the threshold, in [0, 1].
    LabelFigureSpec { key: "f1", title: "F1", formula: LabelFormula::Counted(&F1) },
    // Squared error of the probability, mean over images, in [0, 1] (`brier_score_loss`).
    LabelFigureSpec {
        key: "brier",
        title: "Brier score",
        formula: LabelFormula::MeanLoss { loss: brier, high: 1.0 },
    },
    // Mean of -ln p of the true answer, in nats, p clipped to [ε, 1 - ε] with f64's ε (`log_loss`).
    LabelFigureSpec {
        key: "log_loss",
        title: "Log loss",
        formula: LabelFormula::MeanLoss { loss: log_loss, high: f64::INFINITY },
    },
    // Mean distance between probability and share of positives over 15 equal bins, in [0, 1].
    LabelFigureSpec {
        key: "expected_calibration_error",
        title: "Calibration error",
        formula: LabelFormula::CalibrationError,
    },
];

/// Key of the area under the ROC curve.
const ROC_AUC: &str = "roc_auc";
/// Key of the area under the precision-recall curve.
const AVERAGE_PRECISION: &str = "average_precision";

/// A row of [`MULTI_LABEL_FIGURES`]: one figure over all labels.
pub struct MultiLabelFigureSpec {
    /// Unique name, which is its key in files too.
    pub key: &'static str,
    /// Name in tables and pages.
    pub title: &'static str,
    /// Unit, where it has one, in words.
    pub unit: Option<&'static str>,
    /// Tables that show it.
    pub tables: &'static [FigureTable],
    pub(super) formula: MultiLabelFormula,
}

/// Computation of a figure over all labels.
#[derive(Clone, Copy)]
pub(super) enum MultiLabelFormula {
    /// Mean over the labels that have it of the figure of this key in [`LABEL_FIGURES`].
    Macro(&'static str),
    /// Area under the ROC curve of all known pairs of an image and a label.
    MicroRocAuc,
    /// Area under the precision-recall curve of all known pairs.
    MicroAveragePrecision,
    /// F1 of all known pairs, each at its label's threshold.
    MicroF1,
    /// Mean log loss over all known pairs.
    MicroLogLoss,
}

/// Figures over all labels, in the order of files. Macro means leave out labels without a value; micro figures count every
/// known pair of an image and a label once.
pub const MULTI_LABEL_FIGURES: &[MultiLabelFigureSpec] = &[
    MultiLabelFigureSpec {
        key: "macro_roc_auc",
        title: "Macro ROC AUC",
        unit: None,
        tables: &[Test, Comparison, Gap, Folds, Page],
        formula: MultiLabelFormula::Macro(ROC_AUC),
    },
    MultiLabelFigureSpec {
        key: "micro_roc_auc",
        title: "Micro ROC AUC",
        unit: None,
        tables: &[Test, Page],
        formula: MultiLabelFormula::MicroRocAuc,
    },
    MultiLabelFigureSpec {
        key: "macro_average_precision",
        title: "Macro average precision",
        unit: None,
        tables: &[Test, Comparison, Gap, Folds, Page],
        formula: MultiLabelFormula::Macro(AVERAGE_PRECISION),
    },
    MultiLabelFigureSpec {
        key: "micro_average_precision",
        title: "Micro average precision",
        unit: None,
        tables: &[Test, Page],
        formula: MultiLabelFormula::MicroAveragePrecision,
    },
    MultiLabelFigureSpec {
        key: "micro_f1",
        title: "Micro F1",
        unit: None,
        tables: &[Test, Gap, Folds, Page],
        formula: MultiLabelFormula::MicroF1,
    },
    MultiLabelFigureSpec {
        key: "micro_log_loss",
        title: "Log loss",
        unit: Some("nats, mean over known labels"),
        tables: &[Test, Comparison, Gap, Folds, Page],
        formula: MultiLabelFormula::MicroLogLoss,
    },
];

/// Place of a figure in [`LABEL_FIGURES`] by its key.
pub(super) fn label_figure(key: &str) -> Option<usize> {
    LABEL_FIGURES.iter().position(|spec| spec.key == key)
}

/// Squared error of one probability.
fn brier(truth: bool, p: f64) -> f64 {
    (p - f64::from(truth)).powi(2)
}

/// -ln p of one true answer, of a probability or its complement.
pub(super) fn log_loss(truth: bool, p: f64) -> f64 {
    prepared::log_loss(usize::from(truth), &[1.0 - p, p])
}

/// Micro F1 from the counts of all labels at their thresholds.
pub(super) fn micro_f1(cells: &LabelCells) -> crate::Value {
    cells.ratio(&F1, crate::Undefined::NothingKnown, crate::Undefined::NeitherPositiveNorReachedAtAll)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_means_are_of_label_figures() {
        let keys: BTreeSet<&str> = LABEL_FIGURES.iter().map(|spec| spec.key).collect();
        assert_eq!(keys.len(), LABEL_FIGURES.len());
        let keys: BTreeSet<&str> = MULTI_LABEL_FIGURES.iter().map(|spec| spec.key).collect();
        assert_eq!(keys.len(), MULTI_LABEL_FIGURES.len());
        for spec in MULTI_LABEL_FIGURES {
            if let MultiLabelFormula::Macro(of) = spec.formula {
                assert!(label_figure(of).is_some(), "{}", spec.key);
            }
        }
    }

    #[test]
    fn losses_are_of_the_true_answer() {
        assert_eq!((brier(true, 0.25), brier(false, 0.25)), (0.5625, 0.0625));
        assert_eq!((log_loss(true, 0.25), log_loss(false, 0.25)), (4f64.ln(), -(0.75f64.ln())));
        assert_eq!(log_loss(true, 0.0), -f64::EPSILON.ln());
        assert_eq!(log_loss(false, 1.0), -f64::EPSILON.ln());
    }
}
