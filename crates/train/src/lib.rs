//! The training loop, and testing of the trained model.
//!
//! What this crate holds: [`fit`] with balanced [`class_weight`]s, Keras' [`Adam`] with or without weight decay, learning-rate
//! [`Schedule`]s, weight [`Averaging`] and early stopping ([`Tracker`]); [`Inputs`], which keeps what a frozen part makes of
//! images; [`calibrate`], which learns from the validation part how sure a model may be, and [`guard`](fn@guard), how an image
//! must look for it; [`evaluate`] and [`figures`](fn@figures), the test of a model. Files of a run are `experiment`'s.
//! What it must not know: the terminal. Long work reports [`Event`]s to an [`Observer`], which may also stop it.
//!
//! Outside libraries: **tch** for gradients, **tempfile** for features on the disk that no kill leaves behind.

mod adam;
mod average;
mod calibrate;
pub mod class_weight;
mod error;
mod evaluate;
mod events;
mod figures;
mod fit;
mod guard;
mod inputs;
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
pub use fit::{Ending, FitConfig, OnNonFinite, fit};
pub use guard::{guard, unlike};
pub use inputs::Inputs;
pub use schedule::Schedule;
pub use tracker::{Tracker, Verdict};
pub use trainer::weighted_crossentropy;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
