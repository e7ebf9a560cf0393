//! Training loop, and testing of the trained model.
//!
//! This crate holds [`fit`] with balanced [`class_weight`]s, Keras' [`Adam`] with or without weight decay, learning-rate
//! [`Schedule`]s, weight [`Averaging`] and early stopping ([`EarlyStopping`]); [`Inputs`], which caches the features of a frozen
//! part; [`calibrate`], which fits temperature and thresholds on the validation split, and [`guard`](fn@guard), which fits
//! the input guard; [`evaluate`] and [`figures`](fn@figures), the test of a model. Files of a run are `experiment`'s. It
//! must not know the terminal. Long work reports [`Event`]s to an [`Observer`], which may also stop it.
//!
//! Outside libraries: **tch** for gradients, **tempfile** for features on disk that no killed process leaves behind.

mod adam;
mod average;
mod calibrate;
pub mod class_weight;
mod error;
mod evaluate;
mod events;
mod figures;
mod fit;
mod fit_config;
mod guard;
mod inputs;
mod loss;
mod monitor;
mod saver;
mod schedule;
mod state;
mod tracker;
mod trainer;
mod writer;

pub use adam::Adam;
pub use average::Averaging;
pub use calibrate::{CalibrationConfig, calibrate};
pub use error::Error;
pub use evaluate::{Evaluated, evaluate};
pub use events::{Event, Observer};
pub use figures::figures;
pub use fit::{Ending, fit};
pub use fit_config::{FitConfig, OnNonFinite};
pub use guard::{guard, unlike};
pub use inputs::Inputs;
pub use loss::{Loss, MAX_POS_WEIGHT, pos_weights, weighted_crossentropy};
pub use monitor::Monitor;
pub use schedule::Schedule;
pub use tracker::{EarlyStopping, EpochVerdict};

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
