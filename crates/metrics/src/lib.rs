//! Evaluation of classifiers: labels and probabilities in, figures with intervals out.
//!
//! Contents: [`Targets`] of a [`Task`] and [`Scores`], which add a model's probabilities to them; Keras' eight figures
//! ([`KerasFigures`]), the confusion matrix with its per-class figures ([`ConfusionMatrix`], [`CLASS_FIGURES`]) and a weighted
//! running [`Mean`]; an [`Evaluation`] of [`Scores`], which is every figure that scikit-learn has for them, with intervals,
//! curves and a [`Reliability`] table; a [`Comparison`] of two models, and the [`independent_difference`] of one on two sets; a
//! [`Temperature`] and [`OperatingPoint`]s. A figure without a value says why ([`Undefined`]). Curves, rankings and operating
//! points know both tasks, unknown labels too; all else is of one class of several.
//! Must not know: tensors, files, the terminal. It builds and tests with no libtorch on the machine.
//!
//! Outside libraries: **rayon** (resamples in parallel), **serde** and **schemars** (a calibration is stored beside the weights,
//! in a documented form). The figures are each a few lines of arithmetic that has to match Keras or scikit-learn.
//!
//! # Intervals
//! Shares of images (accuracy, recall, specificity, precision) have Wilson's interval; where images come in groups, of as many
//! independent images as would have the groups' variance. Areas under curves have the logit interval with the bootstrap's
//! standard error; the calibration error one of its own ([`IntervalMethod::CentredGaps`]); all else has BCa with accelerations from
//! analytic influences. Differences between two sets have an interval made of both sets' own ([`IntervalMethod::Mover`]). Resamples are
//! stratified by class. The table gives the coverage of the 95 % intervals in 1,000 simulated sets of three classes (example
//! `coverage`; a standard error is 0.7 points), in %. The plain percentile interval was seen to hold 80 to 93 % for AUC at 40
//! images a class.
//!
//! | accuracy | images a class | accuracy | balanced accuracy | macro F1 | macro AUC | AUC of a class | log loss | calibration error |
//! |---|---|---|---|---|---|---|---|---|
//! | 0.85 | 40 | 94.1 | 94.5 | 94.9 | 94.1 | 93.7, 94.8 | 94.0 | 98.7 |
//! | 0.85 | 200 | 95.4 | 95.4 | 95.6 | 95.8 | 95.2, 94.8 | 95.3 | 99.8 |
//! | 0.95 | 40 | 93.9 | 95.9 | 94.7 | 93.9 | 97.0, 97.1 | 91.7 | 90.9 |
//! | 0.95 | 200 | 94.4 | 94.5 | 94.4 | 94.9 | 94.8, 94.2 | 95.5 | 97.1 |
//! | 0.85 | 40, by fours | 93.9 | 94.0 | 93.9 | 93.1 | 93.3, 92.6 | 92.3 | 98.5 |
//! | 0.95 | 40, by fours | 95.4 | 95.8 | 93.8 | 92.3 | 97.9, 97.2 | 90.9 | 86.9 |
//! | 0.85 | 200, by fours | 96.4 | 95.9 | 96.3 | 95.6 | 94.5, 94.3 | 95.0 | 99.6 |
//! | 0.95 | 200, by fours | 95.2 | 95.1 | 95.2 | 93.1 | 93.1, 93.2 | 93.9 | 97.1 |
//!
//! With few wrong images, less is known than intervals say: at an accuracy of 0.98 and 40 images a class (two or three mistakes
//! in all) log loss holds 85 % and Brier score 87 %, and at 200 a class the AUC of a class 93 %.

mod brent;
mod calibration;
mod cells;
mod comparison;
mod confusion;
mod curves;
mod difference;
mod estimate;
mod evaluation;
mod evaluation_error;
mod figure_row;
mod figures;
mod influence;
mod interval;
mod keras;
mod label_calibration;
mod mcnemar;
mod mean;
mod multi_label;
mod normal;
mod operating;
mod prepared;
mod ranking;
mod reliability;
mod resample;
mod scores;
mod targets;
mod temperature;
mod undefined;
mod units;

pub use calibration::{Calibration, DEFAULT_THRESHOLD};
pub use comparison::Comparison;
pub use confusion::ConfusionMatrix;
pub use curves::{PrecisionRecallPoint, RocPoint, precision_recall_curve, roc_curve};
pub use difference::independent_difference;
pub use estimate::Estimate;
pub use evaluation::{ClassSummary, Evaluation, FEW_IMAGES};
pub use evaluation_error::{EvaluationError, check_multi_class};
pub use figure_row::{FigureRow, set_figures};
pub use figures::{CLASS_FIGURES, ClassFigureSpec, FIGURES, Figure, FigureSpec, FigureTable, Figures};
pub use interval::{CONFIDENCE, Interval, IntervalMethod, wilson};
pub use keras::KerasFigures;
pub use label_calibration::{LabelCalibration, RuleName, ThresholdRule};
pub use mcnemar::mcnemar_exact;
pub use mean::Mean;
pub use multi_label::{
    DelongTest, LABEL_FIGURES, LabelEvaluation, LabelFigureSpec, MULTI_LABEL_FIGURES, MultiLabelEvaluation,
    MultiLabelFigureSpec, RunningAuc, delong_standard_error, findings_differences, holm, macro_roc_auc,
    roc_auc,
};
pub use operating::{OperatingPoint, ThresholdCounts};
pub use reliability::{RELIABILITY_BINS, Reliability, ReliabilityBin};
pub use resample::{RESAMPLES, Resampling};
pub use scores::{Scores, argmax};
pub use targets::{ScoresError, Targets, Task};
pub use temperature::{Bound, Logits, Temperature};
pub use undefined::{Undefined, Value};

/// The figures that scikit-learn, SciPy and statsmodels give.
#[cfg(test)]
pub(crate) fn reference() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/sklearn_metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
