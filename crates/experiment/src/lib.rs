//! Files that a training run and a cross-validation leave, as types.
//!
//! This crate holds a [`Run`]'s folder with its [`RunRecord`] (`run.json`), [`History`] (`history.csv`), [`TestRecord`]
//! (`test.json`) and [`PredictionTable`] (`predictions.csv`); a [`CrossValidation`]'s folder of runs, in which several
//! processes may work; the [`ModelComparison`] of two models on the same images and the [`Gap`] of one model between two
//! sets. It must not know libtorch, images, or the terminal. It builds and tests with no libtorch on the machine.
//!
//! Outside libraries: **schemars** for the JSON Schemas that `thorax guide --schema` prints (out of the types, but for the
//! figures of `test.json`, which a test compares with real files), **csv** for `history.csv` and `predictions.csv` (quoting is
//! its job), **flate2** for predictions of other programs that are compressed (in the tree already), **serde_json** for `run.json` and `test.json`.

mod comparison;
mod cross_validation;
mod error;
mod figures;
mod files;
mod gap;
mod history;
mod intervals;
mod json;
mod mismatch;
mod operating;
mod pool;
mod predictions;
mod run;
mod schema;
mod spread;

pub use comparison::{ComparedFigure, ComparedLabel, ModelComparison, RightCounts};
pub use cross_validation::{CrossValidation, CrossValidationRecord, FOLDS, FoldRecord, FoldState};
pub use error::Error;
pub use figures::{
    AttributeGap, Bins, ClassFigures, LabelFigures, LeftOutSubgroup, MISSING, MultiClassFigures,
    MultiLabelFigures, PooledAbove, PredictionSource, SideCounts, Subgroup, SubgroupSettings, Subgroups,
    TaskFigures, TemperatureEffect, TestFigures, Tested, Uncalibrated,
};
pub use files::{read as read_text, write_atomically_with};
pub use gap::{FigureDifference, Gap};
pub use history::{EpochRow, HISTORY, History, read_history};
pub use mismatch::Mismatch;
pub use operating::{Shares, TestedOperatingPoint};
pub use pool::HeldOutImage;
pub use predictions::{Attribute, OtherPredictions, PredictedImage, PredictionTable};
pub use run::{
    BEST, FindingCounts, LAST, PREDICTIONS, Run, RunRecord, RunStatus, Seconds, TestRecord, new_folder,
};
pub use spread::{FoldFigure, Spread};

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
