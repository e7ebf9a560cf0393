//! The training loop, what it keeps, and what a trained model is measured by.
//!
//! What this crate holds: [`fit`] with balanced [`class_weight`]s, Keras' [`Adam`] with or without weight decay, learning-rate
//! [`Schedule`]s, weight [`Averaging`] and early stopping ([`Tracker`]); [`Inputs`], which keeps what a frozen part makes of
//! images; a [`Run`]'s folder with its checkpoints and history; [`evaluate`] and the [`TestFigures`] that `test.json` holds;
//! [`Gap`]s between test sets, and a [`ModelComparison`] of two models on the same images.
//! What it must not know: the terminal. Long work reports [`Event`]s to an [`Observer`], which may also stop it.
//!
//! Outside libraries: **tch** for gradients, **csv** for `history.csv` and `predictions.csv` (quoting is its job),
//! **serde_json** for `run.json` and `test.json`, **tempfile** for features on the disk that no kill leaves behind.

mod adam;
mod average;
pub mod class_weight;
mod comparison;
mod error;
mod evaluate;
mod events;
mod figures;
mod files;
mod fit;
mod gap;
mod history;
mod inputs;
mod mismatch;
mod predictions;
mod run;
mod schedule;
mod tracker;
mod trainer;
mod writer;

pub use adam::Adam;
pub use average::Averaging;
pub use comparison::{ComparedFigure, ModelComparison};
pub use error::Error;
pub use evaluate::evaluate;
pub use events::{Event, Observer};
pub use figures::{Bounds, Calibration, ClassRow, MeanRow, TestFigures, Tested, figures};
pub use fit::{Ending, FitConfig, fit};
pub use gap::{Difference, Gap};
pub use history::{EpochRow, read_history};
pub use inputs::Inputs;
pub use mismatch::Mismatch;
pub use predictions::{PredictedImage, PredictedSet};
pub use run::{BEST, LAST, PREDICTIONS, Run, RunRecord, Seconds, Status, Tests};
pub use schedule::Schedule;
pub use tracker::{Tracker, Verdict};
pub use trainer::weighted_crossentropy;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
