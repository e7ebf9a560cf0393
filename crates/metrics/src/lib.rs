//! Labels and probabilities in, figures out.
//!
//! What this crate holds: [`Predictions`], Keras' eight figures ([`KerasFigures`]), the confusion matrix with its
//! per-class figures ([`ConfusionMatrix`], [`ClassFigures`]) and a weighted running [`Mean`].
//! What it must not know: tensors, files, the terminal. It builds and tests with no libtorch on the machine, and it
//! needs no outside library: every figure is a few lines of arithmetic that has to match Keras or scikit-learn.

mod confusion;
mod keras;
mod mean;
mod predictions;

pub use confusion::{ClassFigures, ConfusionMatrix};
pub use keras::KerasFigures;
pub use mean::Mean;
pub use predictions::{Predictions, PredictionsError, argmax};
