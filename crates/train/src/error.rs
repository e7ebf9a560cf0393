use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong in training and testing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A network or its file.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// Images that cannot be read.
    #[error(transparent)]
    Data(Box<data::Error>),
    /// A file of a run that could not be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// Such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        source: std::io::Error,
    },
    /// A folder that already holds a run.
    #[error("`{path}` already holds a run")]
    HoldsRun {
        /// The folder.
        path: PathBuf,
    },
    /// A folder for a new run that holds something else.
    #[error("`{path}` is not empty")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A `run.json` that cannot be understood.
    #[error("`{path}` is not a run's record")]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// A run's CSV, `history.csv` or `predictions.csv`, that holds something else.
    #[error("`{path}`, line {line}: {problem}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
    /// Two models to be compared that know other classes.
    #[error("`{}` and `{}` know other classes: {} and {}", .names[0], .names[1], quoted(&.classes[0]), quoted(&.classes[1]))]
    OtherClasses {
        /// How the two were named.
        names: [String; 2],
        /// The classes of each.
        classes: [Vec<String>; 2],
    },
    /// Two models to be compared that were tested on other images.
    #[error("`{}` and `{}` are not of the same images: {}", .names[0], .names[1], unmatched(.names, .images, .lacking, .examples))]
    OtherImages {
        /// How the two were named.
        names: [String; 2],
        /// Images of each.
        images: [usize; 2],
        /// Images of each that the other has not.
        lacking: [usize; 2],
        /// The first of those, where there is one.
        examples: [Option<PathBuf>; 2],
    },
    /// An image that is of one class to one of two models to be compared, and of another to the other.
    #[error("`{image}` is of class `{}` in `{}` and of `{}` in `{}`", .classes[0], .names[0], .classes[1], .names[1])]
    OtherLabel {
        /// How the two were named.
        names: [String; 2],
        /// The image.
        image: PathBuf,
        /// Its class in each.
        classes: [String; 2],
    },
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
    /// Settings that training cannot start with.
    #[error("{0}")]
    Config(String),
    /// Probabilities that no figure can be computed from.
    #[error("cannot compute figures")]
    Figures(#[from] metrics::PredictionsError),
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

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unmatched(
    names: &[String; 2],
    images: &[usize; 2],
    lacking: &[usize; 2],
    examples: &[Option<PathBuf>; 2],
) -> String {
    let parts = [0, 1].into_iter().filter_map(|this| {
        let example = examples[this].as_ref()?.display();
        let (own, other) = (&names[this], &names[1 - this]);
        let (lacking, of) = (lacking[this], images[this]);
        let are = if lacking == 1 { "is" } else { "are" };
        Some(format!("{lacking} of {of} in `{own}` {are} not in `{other}`, such as `{example}`"))
    });
    parts.collect::<Vec<_>>().join(", and ")
}
