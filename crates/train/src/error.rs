use std::path::PathBuf;

use thiserror::Error;

/// Errors of training and testing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Fault of a network or its file.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// Fault of a run's files.
    #[error(transparent)]
    Experiment(#[from] experiment::Error),
    /// Images that cannot be read.
    #[error(transparent)]
    Data(Box<data::Error>),
    /// Loss that is not finite: such weights can never be the best, and training cannot continue from them.
    #[error("the loss is {value} in epoch {epoch}, {place}, at learning rate {learning_rate}")]
    NonFiniteLoss {
        /// NaN or an infinity.
        value: f64,
        /// Epoch, counted from 1.
        epoch: u64,
        /// Batch, or validation.
        place: String,
        /// Learning rate in force.
        learning_rate: f64,
    },
    /// Predictions that are not finite, because weights overflowed or never were finite.
    #[error("the probabilities of {} for `{path}` are not finite numbers", named(.model))]
    NotFinite {
        /// First such image.
        path: PathBuf,
        /// File that the model was read from, if any.
        model: Option<PathBuf>,
    },
    /// Settings that training cannot start with.
    #[error("{0}")]
    Config(String),
    /// Probabilities that no figure can be computed from.
    #[error("cannot compute figures")]
    Scores(#[from] metrics::ScoresError),
}

fn named(model: &Option<PathBuf>) -> String {
    model.as_ref().map_or("the model".to_owned(), |path| format!("the model `{}`", path.display()))
}

impl From<data::Error> for Error {
    fn from(error: data::Error) -> Self {
        Self::Data(Box::new(error))
    }
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Model(error.into())
    }
}
