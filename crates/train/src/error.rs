use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong in training and testing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A network or its file.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// A run's files.
    #[error(transparent)]
    Experiment(#[from] experiment::Error),
    /// Images that cannot be read.
    #[error(transparent)]
    Data(Box<data::Error>),
    /// A loss that is not finite: it can never be the best, and training cannot go on from it.
    #[error("the loss is {value} in epoch {epoch}, {place}, at learning rate {learning_rate}")]
    NonFiniteLoss {
        /// NaN or an infinity.
        value: f64,
        /// Epoch, counted from 1.
        epoch: u64,
        /// Which batch, or validation.
        place: String,
        /// The learning rate in force.
        learning_rate: f64,
    },
    /// Weights that overflowed, or were never whole, make no numbers of an image.
    #[error("the probabilities of {} for `{path}` are not finite numbers", named(.model))]
    NotFinite {
        /// The first such image.
        path: PathBuf,
        /// The file that the model was read from, if any.
        model: Option<PathBuf>,
    },
    /// Settings that training cannot start with.
    #[error("{0}")]
    Config(String),
    /// Probabilities that no figure can be computed from.
    #[error("cannot compute figures")]
    Figures(#[from] metrics::PredictionsError),
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
