use std::fmt;

use crate::{Scores, Task};

/// Images that cannot be evaluated, or compared, as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationError {
    /// No image at all.
    NoImages,
    /// Task whose figures cannot be computed.
    Task(Task),
    /// A number of thresholds that is not the number of labels.
    Thresholds {
        /// Number of thresholds.
        thresholds: usize,
        /// Number of labels, L.
        labels: usize,
    },
    /// Two models that know different numbers of classes.
    Classes {
        /// Classes of the first.
        first: usize,
        /// Classes of the second.
        second: usize,
    },
    /// Two models that saw different numbers of images.
    Images {
        /// Images of the first.
        first: usize,
        /// Images of the second.
        second: usize,
    },
    /// Two models whose images differ in their true class; holds the first such image's index.
    Label(usize),
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImages => f.write_str("there is no image"),
            Self::Task(task) => write!(f, "figures of `{task}` predictions cannot be computed"),
            Self::Thresholds { thresholds, labels } => {
                write!(f, "{thresholds} thresholds were given for {labels} labels")
            }
            Self::Classes { first, second } => {
                write!(f, "one model knows {first} classes and the other {second}")
            }
            Self::Images { first, second } => {
                write!(f, "one model saw {first} images and the other {second}")
            }
            Self::Label(image) => {
                write!(f, "the true class of image {image} is not the same for both models")
            }
        }
    }
}

impl std::error::Error for EvaluationError {}

/// Checks that images were classified, each as one of several classes.
///
/// # Errors
/// Labels that do not exclude each other.
pub fn check_multi_class(scores: &Scores) -> Result<(), EvaluationError> {
    match scores.task() {
        Task::MultiClass => Ok(()),
        task @ Task::MultiLabel => Err(EvaluationError::Task(task)),
    }
}
