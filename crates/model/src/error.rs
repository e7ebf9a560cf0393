use std::path::PathBuf;

use thiserror::Error;

use crate::Method;

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
    #[error("checkpoint `{path}` has format version {found}; this program reads versions 1 to {supported}")]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version that this program reads, and writes.
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
    /// Weights or a backbone that are not where they should be.
    #[error("there is no file `{path}`, which {what} should come from")]
    NoFile {
        /// `weights`, or `the backbone`.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file that libtorch cannot load as a module.
    #[error("`{path}` is no TorchScript module: {reason}")]
    NotTorchScript {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as far as that shows.
        reason: &'static str,
        /// libtorch's word for it.
        source: tch::TchError,
    },
    /// Pretrained weights of another network, or damaged ones.
    #[error("weights `{path}`: {problem}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Names the tensor where one is at fault.
        problem: String,
    },
    /// A TorchScript module that cannot serve as a backbone.
    #[error("backbone `{path}`: {problem}")]
    Backbone {
        /// The file.
        path: PathBuf,
        /// What it does, and what it should.
        problem: String,
    },
    /// A heat map of the maps of convolutions, from a backbone that gives none.
    #[error("{method} needs maps of convolutions, and this TorchScript backbone gives one vector an image")]
    NoMaps {
        /// As asked for.
        method: Method,
    },
    /// A network whose weights overflowed, or were never whole: it says nothing of an image.
    #[error("the probabilities of {} are not finite numbers", named(.model))]
    NotFinite {
        /// The file that it was read from, if any.
        model: Option<PathBuf>,
        /// Index of the first such image in its batch.
        image: usize,
    },
    /// A network that does something else once it is recorded.
    #[error("the network cannot be exported: {problem}")]
    Export {
        /// What goes wrong.
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

impl Error {
    /// Whether libtorch could not get the memory that it asked for.
    pub fn is_out_of_memory(&self) -> bool {
        let Self::Torch(error) = self else { return false };
        let text = error.to_string();
        ["can't allocate memory", "not enough memory", "out of memory"]
            .iter()
            .any(|words| text.contains(words))
    }
}

fn named(model: &Option<PathBuf>) -> String {
    model.as_ref().map_or("the network".to_owned(), |path| format!("the model `{}`", path.display()))
}

/// libtorch appends a C++ stack trace to its messages.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}
