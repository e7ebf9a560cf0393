use std::{io, path::PathBuf};

use thiserror::Error;

/// Error of reading a file of weights, on one line.
#[derive(Debug, Error)]
#[error("`{}` {problem}", base::escape_line(&.path.to_string_lossy()))]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Reason why it is not read.
    #[source]
    pub problem: ReadProblem,
}

/// Reason why a file of weights is not read, worded to follow the file's name.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadProblem {
    /// A file that the system does not let us read.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// A file of something else.
    #[error("holds no weights: {0}")]
    NotWeights(String),
    /// A form of weights that is known and not read.
    #[error("is {0}")]
    OtherForm(&'static str),
    /// A file that ends too early.
    #[error("is cut off: {0}")]
    CutOff(String),
    /// A file that contradicts itself, or does what PyTorch never does.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// A pickle that names a class or function that has nothing to do with tensors, such as `posix.system`.
    #[error("asks for `{0}`, and only tensors are read from it: nothing was executed")]
    AsksFor(String),
    /// A tensor of a type that is not read, such as complex numbers.
    #[error("has {what} of type {dtype}, which is not read")]
    UnknownType {
        /// Tensor or storage.
        what: String,
        /// Type, as the file names it.
        dtype: String,
    },
    /// A file that passes a limit.
    #[error("takes too much: {0}")]
    TooLarge(String),
    /// A checkpoint of several state dicts, by their keys; those of nested dicts are joined by a dot.
    #[error("holds several state dicts: {}", quoted(.0))]
    SeveralStateDicts(Vec<Vec<String>>),
}

/// Longest name in a message, in characters.
const SHOWN: usize = 200;
/// Line of Python that saves a state dict.
const SAVE: &str = "`torch.save(model.state_dict(), \"weights.pth\")`";

impl Error {
    /// Returns the edit or the line of Python that mends the error, where there is one.
    pub fn hint(&self) -> Option<String> {
        let again = || Some("copy or download the file again".to_owned());
        match &self.problem {
            ReadProblem::CutOff(_) | ReadProblem::Damaged(_) => again(),
            ReadProblem::AsksFor(name) if !is_of_system(name) => {
                Some(format!("save the weights alone, in Python: {SAVE}"))
            }
            ReadProblem::AsksFor(_) => {
                Some("name a file from a source that you trust, or one in safetensors form".to_owned())
            }
            ReadProblem::OtherForm(_) => {
                Some(format!("load the model in Python and save its weights: {SAVE}"))
            }
            ReadProblem::SeveralStateDicts(parts) => {
                let keys: String = parts.first()?.iter().map(|key| format!("[{key:?}]")).collect();
                let line = format!("torch.save(torch.load(\"checkpoint.pth\"){keys}, \"weights.pth\")");
                Some(format!("save one of them alone, in Python: `{line}`"))
            }
            ReadProblem::UnknownType { .. } => {
                Some("leave the tensor out, or convert it, in Python".to_owned())
            }
            ReadProblem::Io(_) | ReadProblem::NotWeights(_) | ReadProblem::TooLarge(_) => None,
        }
    }
}

impl From<io::Error> for ReadProblem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff("it ends too early".to_owned()),
            _ => Self::Io(error),
        }
    }
}

impl ReadProblem {
    /// Makes the error about a damaged file.
    pub(crate) fn damaged(problem: impl Into<String>) -> Self {
        Self::Damaged(problem.into())
    }
}

/// Shortens and escapes a text out of a file, so that a message stays one line.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    base::escape_line(&short).into_owned()
}

fn quoted(parts: &[Vec<String>]) -> String {
    let names = parts.iter().take(8).map(|keys| format!("`{}`", shown(&keys.join("."))));
    names.collect::<Vec<_>>().join(", ")
}

/// True where a name is one of Python itself that acts on the system; others are probably of a pickled network or its settings.
fn is_of_system(name: &str) -> bool {
    const SYSTEM: [&str; 12] = [
        "__builtin__",
        "builtins",
        "importlib",
        "multiprocessing",
        "nt",
        "os",
        "posix",
        "runpy",
        "shutil",
        "socket",
        "subprocess",
        "sys",
    ];
    name.split('.').next().is_some_and(|package| SYSTEM.contains(&package))
}
