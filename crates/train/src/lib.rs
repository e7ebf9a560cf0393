//! The training loop, what it keeps, and what a trained model is measured by.
//!
//! What this crate holds: [`fit`] with balanced [`class_weight`]s, Keras' [`Adam`] with or without weight decay, learning-rate
//! [`Schedule`]s, weight [`Averaging`] and early stopping ([`Tracker`]); [`Inputs`], which keeps what a frozen part makes of
//! images; a [`Run`]'s folder with its checkpoints and history, which [`fit`] goes on from; [`calibrate`], which learns from the
//! validation part how sure a model may be, and [`guard`](fn@guard), how an image must look for it; [`evaluate`] and the [`TestFigures`] that `test.json` holds; [`Gap`]s between test
//! sets, a [`ModelComparison`] of two models on the same images, and a [`CrossValidation`]'s folder of runs, in which several
//! processes may work.
//! What it must not know: the terminal. Long work reports [`Event`]s to an [`Observer`], which may also stop it.
//!
//! Outside libraries: **tch** for gradients, **csv** for `history.csv` and `predictions.csv` (quoting is its job),
//! **serde_json** for `run.json` and `test.json`, **tempfile** for features on the disk that no kill leaves behind.

mod adam;
mod average;
mod calibrate;
pub mod class_weight;
mod comparison;
mod cross_validation;
mod error;
mod evaluate;
mod events;
mod figures;
mod files;
mod fit;
mod gap;
mod guard;
mod history;
mod inputs;
mod mismatch;
mod operating;
mod pool;
mod predictions;
mod run;
mod saver;
mod schedule;
mod spread;
mod state;
mod tracker;
mod trainer;
mod writer;

pub use adam::Adam;
pub use average::Averaging;
pub use calibrate::{CalibrationConfig, calibrate};
pub use comparison::{ComparedFigure, ModelComparison};
pub use cross_validation::{CrossValidation, CrossValidationRecord, FOLDS, FoldRecord, FoldState};
pub use error::Error;
pub use evaluate::{Evaluated, evaluate};
pub use events::{Event, Observer};
pub use figures::{Bounds, Calibration, ClassRow, MeanRow, Sureness, TestFigures, Tested, figures};
pub use files::read as read_text;
pub use fit::{Ending, FitConfig, OnNonFinite, fit};
pub use gap::{Difference, Gap};
pub use guard::{guard, unlike};
pub use history::{EpochRow, HISTORY, read_history};
pub use inputs::Inputs;
pub use mismatch::Mismatch;
pub use operating::{OperatingRow, Shares};
pub use predictions::{PredictedImage, PredictedSet};
pub use run::{BEST, LAST, PREDICTIONS, Run, RunRecord, Seconds, Status, Tests, new_folder};
pub use schedule::Schedule;
pub use spread::Spread;
pub use tracker::{Tracker, Verdict};
pub use trainer::weighted_crossentropy;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
