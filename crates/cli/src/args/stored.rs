//! Serialisation of flags' values for `run.json`.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use super::{ClassList, WeightsChoice, name, values::WordList};

/// A path that holds in every working folder, as text.
fn absolute(path: &Path) -> String {
    base::stored(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Stores a path, made absolute, as text.
pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    absolute(path).serialize(serializer)
}

/// Stores a path, made absolute, as text, or `null`.
pub(super) fn optional_path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(absolute).serialize(serializer)
}

/// Stores a folder, made absolute, as text, and the word `none`, which stands for no folder, as `null`.
pub(super) fn folder_or_none<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    (path.as_os_str() != "none").then(|| absolute(path)).serialize(serializer)
}

/// Stores a value in the form that its flag takes.
pub(super) fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Stores a value in the form that its flag takes, or `null`.
pub(super) fn optional_text<S: Serializer>(
    value: &Option<impl Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(serializer)
}

/// Stores the name of a [`ValueEnum`] variant.
pub(super) fn name_of<S: Serializer>(value: &impl ValueEnum, serializer: S) -> Result<S::Ok, S::Error> {
    name(value).serialize(serializer)
}

/// Stores the name of a [`ValueEnum`] variant, or `null`.
pub(super) fn optional_name<S: Serializer>(
    value: &Option<impl ValueEnum>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().map(name).serialize(serializer)
}

/// Stores a list of words.
impl Serialize for WordList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Stores a list of words, `LABEL` or `LABEL=FOLDER`.
impl Serialize for ClassList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|class| match class.label == class.folder {
            true => class.label.clone(),
            false => format!("{}={}", class.label, class.folder),
        }))
    }
}

/// Stores the file's path, made absolute, or `none`.
impl Serialize for WeightsChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => "none".serialize(serializer),
            Self::File(path) => absolute(path).serialize(serializer),
        }
    }
}
