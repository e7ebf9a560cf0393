//! Labels and probabilities in, figures out.
mod brent;
mod cells;
mod comparison;
mod confusion;
mod curves;
mod estimate;
mod evaluation;
mod figures;
mod influence;
mod interval;
mod keras;
mod mcnemar;
mod mean;
mod normal;
mod operating;
mod predictions;
mod prepared;
mod ranking;
mod reliability;
mod resample;
mod scores;
mod temperature;
mod undefined;
mod units;

pub use comparison::Comparison;
pub use confusion::{ClassFigures, ConfusionMatrix};
pub use curves::{PrecisionRecallPoint, RocPoint, precision_recall_curve, roc_curve};
pub use estimate::Estimate;
pub use evaluation::{ClassSummary, Evaluation, EvaluationError, FEW_IMAGES};
pub use figures::{Figure, Figures, OneVsRest};
pub use interval::{CONFIDENCE, Interval, Method, wilson};
pub use keras::KerasFigures;
pub use mcnemar::mcnemar_exact;
pub use mean::Mean;
pub use operating::OperatingPoint;
pub use predictions::{Predictions, PredictionsError, argmax};
pub use reliability::{RELIABILITY_BINS, Reliability, ReliabilityBin};
pub use resample::{RESAMPLES, Resampling};
pub use scores::Scores;
pub use temperature::{Bound, Logits, Temperature, at_temperature};
pub use undefined::Undefined;

/// The figures that scikit-learn, SciPy and statsmodels give.
#[cfg(test)]
pub(crate) fn reference() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/sklearn_metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
