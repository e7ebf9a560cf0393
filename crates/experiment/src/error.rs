use std::path::PathBuf;

use thiserror::Error;

use crate::Mismatch;

/// Faults of the files of a run or cross-validation.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of a run that could not be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// Action, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// Symbolic link in place of a file or a folder of a run: nothing is written through it.
    #[error("`{path}` is a symbolic link")]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A folder that already holds a run.
    #[error("`{path}` already holds a run")]
    HoldsRun {
        /// The folder.
        path: PathBuf,
    },
    /// A run that another process trains.
    #[error("another process is training the run in `{path}`")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A folder for a new run that holds something else.
    #[error("`{path}` is not empty")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A fold of a cross-validation that another process is training.
    #[error("fold {fold} of `{path}` is being trained by another process")]
    FoldTaken {
        /// The cross-validation's folder.
        path: PathBuf,
        /// Fold, counted from 1.
        fold: usize,
    },
    /// A `run.json` that cannot be understood.
    #[error("`{path}` is not a run's record")]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// Position and kind of the fault.
        source: serde_json::Error,
    },
    /// A `history.csv` that lacks epochs that the checkpoint has.
    #[error("`{path}` does not have all of the {epoch} epochs of the run's last checkpoint")]
    ShortHistory {
        /// The file.
        path: PathBuf,
        /// Whole epochs of the checkpoint.
        epoch: u64,
    },
    /// A run's CSV, `history.csv` or `predictions.csv`, that holds something else.
    #[error("`{path}`, line {line}: {problem}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Fault in that line.
        problem: String,
    },
    /// A column of attributes that a table lacks.
    #[error("there is no column `{column}`")]
    NoColumn {
        /// Column that was asked for.
        column: String,
        /// Columns of attributes that there are.
        columns: Vec<String>,
    },
    /// A column of attributes that figures cannot be computed by.
    #[error("column `{column}`: {reason}")]
    Column {
        /// The column.
        column: String,
        /// Reason in plain words.
        reason: String,
    },
    /// Two models that cannot be compared.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// Predictions without an image.
    #[error("{0}")]
    Predictions(String),
    /// Probabilities that no figure can be computed from.
    #[error("cannot compute figures")]
    Scores(#[from] metrics::ScoresError),
    /// Predictions that cannot be evaluated, or compared, as asked.
    #[error(transparent)]
    Evaluation(#[from] metrics::EvaluationError),
}

impl From<Mismatch> for Error {
    fn from(error: Mismatch) -> Self {
        Self::Mismatch(Box::new(error))
    }
}
