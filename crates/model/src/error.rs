use std::path::PathBuf;

use thiserror::Error;

use crate::HeatMapMethod;

/// Errors of a network or its file.
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
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A file that is no checkpoint of Thorax.
    #[error("`{path}` is not a Thorax checkpoint: {reason}")]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// Content found instead.
        reason: String,
    },
    /// A checkpoint that ends too early.
    #[error("checkpoint `{path}` is cut off: {found} of {expected} bytes are there")]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes that the header announces.
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
        /// Version of the file.
        found: u64,
        /// Newest version that this program reads, and writes.
        supported: u64,
    },
    /// A tensor that is missing from a checkpoint, or has no place in the network.
    #[error("checkpoint `{path}`: {problem}")]
    Tensors {
        /// The file.
        path: PathBuf,
        /// Name of the tensor, with expected and found shapes.
        problem: String,
    },
    /// Missing file of weights or of a backbone.
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
        /// Defect of the file, if it can be determined.
        reason: &'static str,
        /// Error of libtorch.
        source: tch::TchError,
    },
    /// Pretrained weights of another network, or damaged ones.
    #[error("weights `{path}`: {problem}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Defect, with the tensor's name where one is at fault.
        problem: String,
    },
    /// A TorchScript module that cannot serve as a backbone.
    #[error("backbone `{path}`: {problem}")]
    Backbone {
        /// The file.
        path: PathBuf,
        /// Actual and expected behaviour.
        problem: String,
    },
    /// Method that needs maps of convolutions, with a backbone that gives none.
    #[error("{method} needs maps of convolutions, and this TorchScript backbone gives one vector an image")]
    NoMaps {
        /// Method asked for.
        method: HeatMapMethod,
    },
    /// Probabilities that are not finite numbers, from weights that overflowed or never were finite.
    #[error("the probabilities of {} are not finite numbers", named(.model))]
    NotFinite {
        /// File that the network was read from, if any.
        model: Option<PathBuf>,
        /// Index of the first such image in its batch.
        image: usize,
    },
    /// Network that behaves differently once it is traced.
    #[error("the network cannot be exported: {problem}")]
    Export {
        /// Difference or failure found.
        problem: String,
    },
    /// File of weights that cannot be read.
    #[error(transparent)]
    StateDict(#[from] state_dict::Error),
    /// Models of an ensemble that answer different kinds of questions.
    #[error("one model is `{}` and another `{}`", .tasks[0], .tasks[1])]
    OtherTask {
        /// Task of the first model and of the one that differs.
        tasks: [metrics::Task; 2],
    },
    /// Models of an ensemble that know other classes.
    #[error("the models know other classes: {} and {}", quoted(&.classes[0]), quoted(&.classes[1]))]
    OtherClasses {
        /// Classes of the first model and of the one that differs.
        classes: [Vec<String>; 2],
    },
    /// Settings that no network can be built from.
    #[error("{0}")]
    Spec(String),
    /// A device that this machine or this libtorch does not have.
    #[error("device `{device}` is not available: {reason}")]
    Device {
        /// Device asked for.
        device: String,
        /// Reason.
        reason: String,
    },
    /// Error of libtorch, reduced to its first line; the rest is in the source.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[source] tch::TchError),
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(error)
    }
}

impl Error {
    /// True where libtorch failed to allocate memory.
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

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the first line of libtorch's message, to which it appends a C++ stack trace.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}
