use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong with a network or its file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that could not be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        source: std::io::Error,
    },
    /// A file that is no checkpoint of Thorax.
    #[error("`{path}` is not a Thorax checkpoint: {reason}")]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// A checkpoint that ends too early.
    #[error("checkpoint `{path}` is cut off: {found} of {expected} bytes are there")]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        found: u64,
        /// Bytes that its header announces.
        expected: u64,
    },
    /// A checkpoint whose bytes do not match its checksum.
    #[error("checkpoint `{path}` is damaged: its checksum does not match its contents")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint of a format that this program does not know.
    #[error("checkpoint `{path}` has format version {found}; this program reads version {supported}")]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that this program writes and reads.
        supported: u64,
    },
    /// A tensor that is missing from a checkpoint, or has no place in the network.
    #[error("checkpoint `{path}`: {problem}")]
    Tensors {
        /// The file.
        path: PathBuf,
        /// Names the tensor, with expected and found shapes.
        problem: String,
    },
    /// Settings that no network can be built from.
    #[error("{0}")]
    Spec(String),
    /// A device that this machine or this libtorch does not have.
    #[error("device `{device}` is not available: {reason}")]
    Device {
        /// As asked for.
        device: String,
        /// Why not.
        reason: String,
    },
    /// An error of libtorch, reduced to its first line; the rest is in the source.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[source] tch::TchError),
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(error)
    }
}

/// libtorch appends a C++ stack trace to its messages.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}
