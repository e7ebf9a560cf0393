use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with a folder of images.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder that is not there.
    #[error("no such folder: `{path}`")]
    NoSuchFolder {
        /// As it was named.
        path: PathBuf,
    },
    /// A path that names something else.
    #[error("`{path}` is not a folder")]
    NotAFolder {
        /// As it was named.
        path: PathBuf,
    },
    /// A file or folder that the system does not let us use.
    #[error("cannot {action} `{path}`")]
    Io {
        /// `read`, `write`, `create`, `rename`, `remove`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        source: std::io::Error,
    },
    /// A cache file whose bytes are not those that were written.
    #[error("the cached images in `{path}` are damaged")]
    DamagedCache {
        /// The file.
        path: PathBuf,
    },
    /// A picture that cannot be made, such as one without pixels.
    #[error("cannot make a picture")]
    Picture {
        /// What the library says.
        source: std::io::Error,
    },
    /// A thread that the system refused.
    #[error("cannot start a thread to read images")]
    Thread {
        /// The system's word for it.
        source: std::io::Error,
    },
    /// A folder without class folders.
    #[error("`{path}` has no classes: it holds {found}, but one folder of images a class is expected")]
    NoClasses {
        /// The folder.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// Classes without a single image.
    #[error("{} in `{path}` without images: {}", if .classes.len() == 1 { "class" } else { "classes" }, quoted(.classes))]
    EmptyClasses {
        /// The data set's folder.
        path: PathBuf,
        /// Their folders.
        classes: Vec<String>,
    },
    /// A named class that has no folder.
    #[error("class `{class}` has no folder in `{path}`{}; there are {}", did_you_mean(.close), quoted(.found))]
    MissingClass {
        /// The data set's folder.
        path: PathBuf,
        /// The folder named.
        class: String,
        /// The folder that was probably meant.
        close: Option<String>,
        /// The folders there.
        found: Vec<String>,
    },
    /// A class named twice.
    #[error("class `{class}` is named twice")]
    ClassTwice {
        /// Its label or folder.
        class: String,
    },
    /// A test set whose classes are not the model's.
    #[error("the classes of `{path}` are not the model's: {}", differences(.missing, .unknown, .close))]
    ClassesDiffer {
        /// The data set's folder.
        path: PathBuf,
        /// The model's classes that have no folder.
        missing: Vec<String>,
        /// Folders that are no class of the model.
        unknown: Vec<String>,
        /// A missing class with the folder that was probably meant.
        close: Option<(String, String)>,
    },
    /// A share that no split can be made by.
    #[error("a validation share of {fraction} is not above 0 and below 1")]
    Fraction {
        /// As it was given.
        fraction: f64,
    },
    /// A class with too few images to be split.
    #[error(
        "class `{class}` has {count} images: too few to keep {fraction} of them for validation, \
         which takes at least {needed}"
    )]
    TooFewToSplit {
        /// The class.
        class: String,
        /// Its images.
        count: usize,
        /// The share asked for.
        fraction: f64,
        /// The fewest that leave one image on each side.
        needed: usize,
    },
    /// A folder for the sample that holds something that is no sample.
    #[error("`{path}` is there already, and `{found}` in it is no part of a synthetic sample")]
    NotASample {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// Settings that no sample can be made by.
    #[error("{0}")]
    Options(String),
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn did_you_mean(close: &Option<String>) -> String {
    close.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn differences(missing: &[String], unknown: &[String], close: &Option<(String, String)>) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("{} missing", quoted(missing)));
    }
    if !unknown.is_empty() {
        parts.push(format!("{} unknown to the model", quoted(unknown)));
    }
    let hint = close.as_ref().map(|(class, folder)| format!(" (is `{folder}` meant to be `{class}`?)"));
    parts.join(", ") + &hint.unwrap_or_default()
}
