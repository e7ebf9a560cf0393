use std::path::PathBuf;

use thiserror::Error;

use crate::{LabelFormat, Part, manifest::problems::Problems};

/// Error while a data set is listed, read, split or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder that is not there.
    #[error("no such folder: `{path}`")]
    NoSuchFolder {
        /// Path as it was named.
        path: PathBuf,
    },
    /// A path that names something else.
    #[error("`{path}` is not a folder")]
    NotAFolder {
        /// Path as it was named.
        path: PathBuf,
    },
    /// A file or folder that the system does not let us use.
    #[error("cannot {action} `{path}`")]
    Io {
        /// Action that failed: `read`, `write`, `create`, `rename`, `remove`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A cache file whose bytes are not those that were written.
    #[error("the cached images in `{path}` are damaged")]
    DamagedCache {
        /// The file.
        path: PathBuf,
    },
    /// A cache file that another process has locked and does not write.
    #[error("another process has locked `{path}` and has written nothing for {seconds} s")]
    CacheInUse {
        /// The file.
        path: PathBuf,
        /// Seconds that it was waited for.
        seconds: u64,
    },
    /// A picture that cannot be made, such as one without pixels.
    #[error("cannot make a picture")]
    Picture {
        /// The library's error.
        source: std::io::Error,
    },
    /// A thread that the system refused.
    #[error("cannot start a thread to read images")]
    Thread {
        /// The system's error.
        source: std::io::Error,
    },
    /// A folder without class folders.
    #[error("`{path}` has no classes: it holds {found}, but one folder of images a class is expected")]
    NoClasses {
        /// The folder.
        path: PathBuf,
        /// Content that is there instead.
        found: String,
        /// The only CSV in it, which may be what was meant.
        csv: Option<PathBuf>,
    },
    /// Classes without a single image.
    #[error("{} in `{path}` without images: {}", if .classes.len() == 1 { "class" } else { "classes" }, quoted(.classes))]
    EmptyClasses {
        /// The data set's folder.
        path: PathBuf,
        /// Their folders.
        classes: Vec<String>,
        /// Images in the data set that Keras' list of extensions leaves out, where that was asked for.
        others: usize,
    },
    /// A named class that has no folder.
    #[error("there is no class `{class}` in `{path}`{}; there are {}", did_you_mean(.close), quoted(.found))]
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
    #[error("the classes of `{path}` are not the model's: {}", differences(.missing, .unknown, "to the model", .close))]
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
        /// Share as it was given.
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
    /// A CSV that is not there.
    #[error("no such file: `{path}`")]
    NoSuchFile {
        /// Path as it was named.
        path: PathBuf,
    },
    /// A CSV with rows that cannot be used, or without the columns that are needed.
    #[error("`{}`, {problems}", base::shown(.path))]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line by line.
        problems: Problems,
    },
    /// A label file without a column that its format has.
    #[error("`{path}` is no {format} label file: there is no column `{column}`, but {}", quoted(.found))]
    NoLabelFile {
        /// The file.
        path: PathBuf,
        /// Format that was named.
        format: LabelFormat,
        /// Column that is missing.
        column: String,
        /// Columns that are there.
        found: Vec<String>,
    },
    /// A label that the label file does not have.
    #[error("there is no label `{label}` in `{path}`{}; there are {}", did_you_mean(.close), quoted(.found))]
    MissingLabel {
        /// The file.
        path: PathBuf,
        /// The label named.
        label: String,
        /// The label that was probably meant.
        close: Option<String>,
        /// Labels that are there.
        found: Vec<String>,
    },
    /// A label file of which no label is left.
    #[error("no label of `{path}` is left: {reason}")]
    NoLabels {
        /// The file.
        path: PathBuf,
        /// Reason, as a fragment.
        reason: String,
    },
    /// Views of which the label file has no image.
    #[error("`{path}` has no image of the view {}{}", quoted(.views), if .found.is_empty() { ", and no column of views".to_owned() } else { format!("; there are {}", quoted(.found)) })]
    NoSuchView {
        /// The file.
        path: PathBuf,
        /// Views that were asked for.
        views: Vec<String>,
        /// Views that are there.
        found: Vec<String>,
    },
    /// Images of a label file that are not on the disk.
    #[error("{missing} of {images} images of `{path}` are not there: {}", some(.first, *.missing))]
    MissingImages {
        /// The file.
        path: PathBuf,
        /// Images that are not there.
        missing: usize,
        /// Images in all.
        images: usize,
        /// The first of them.
        first: Vec<String>,
    },
    /// Lists of training and test images that do not name each image once.
    #[error("{count} images of `{path}` are {fault} the lists `train_val_list.txt` and `test_list.txt`: {}", some(.first, *.count))]
    ImageLists {
        /// The label file.
        path: PathBuf,
        /// Number of images.
        count: usize,
        /// Fault, as the middle of a sentence: `in neither of`.
        fault: &'static str,
        /// The first of them.
        first: Vec<String>,
    },
    /// Tables of one data set whose rows do not belong together.
    #[error("`{path}` and `{other}` are not of one version: {reason}")]
    Tables {
        /// A table.
        path: PathBuf,
        /// Another one, or the place where it is missing.
        other: PathBuf,
        /// Reason, with numbers of rows.
        reason: String,
    },
    /// A part without images.
    #[error("`{path}` has no {part} images")]
    NoImages {
        /// The data set.
        path: PathBuf,
        /// Part that lacks them.
        part: Part,
    },
    /// A test part of images with findings that was asked for by a number a class.
    #[error(
        "images of `{path}` have several findings each: no number of them a class can be kept for testing"
    )]
    TestPerLabel {
        /// The data set.
        path: PathBuf,
    },
    /// A data set without the column that groups were to be taken from.
    #[error("`{path}` has no column `{column}`")]
    NoColumns {
        /// The CSV, or a folder, which has no columns at all.
        path: PathBuf,
        /// Column as it was named.
        column: String,
    },
    /// Folders for training and test that hold other classes.
    #[error("the classes of `{path}` are not those of the other parts: {}", differences(.missing, .unknown, "elsewhere", &None))]
    PartClasses {
        /// The part's folder.
        path: PathBuf,
        /// Classes that it lacks.
        missing: Vec<String>,
        /// Classes that it has alone.
        unknown: Vec<String>,
    },
    /// Two folders for the same part.
    #[error("both {} in `{path}` are for {part} images", quoted(.folders))]
    PartTwice {
        /// The data set's folder.
        path: PathBuf,
        /// Part that both are for.
        part: Part,
        /// The folders.
        folders: [String; 2],
    },
    /// A part without images of a class.
    #[error("`{path}` has no {part} images of class `{class}`")]
    EmptyPart {
        /// The data set.
        path: PathBuf,
        /// The class.
        class: String,
        /// Part that lacks them.
        part: Part,
    },
    /// A data set with parts of which none is for testing.
    #[error("`{path}` has parts, and none of them is for testing")]
    NoTestPart {
        /// The data set.
        path: PathBuf,
    },
    /// A data set that says itself what is for testing.
    #[error("`{path}` has a test part of its own")]
    HasTestPart {
        /// The data set.
        path: PathBuf,
    },
    /// A class with too few images to be tested on.
    #[error("class `{class}` has {count} images: {wanted} of them cannot be kept for testing")]
    TooFewToTest {
        /// The class.
        class: String,
        /// Its images.
        count: usize,
        /// Number of images that were to be kept.
        wanted: usize,
    },
    /// A data set of which no image's group is known.
    #[error("no image of `{path}` has a group to be kept whole")]
    NoGroups {
        /// The data set.
        path: PathBuf,
    },
    /// A class that whole groups cannot be split by.
    #[error("class `{class}` cannot be split by its {groups} groups: one side would be left without it")]
    TooFewGroups {
        /// The class.
        class: String,
        /// Groups that hold images of it.
        groups: usize,
    },
    /// A number of folds that is none.
    #[error("{k} folds are not at least 2")]
    Folds {
        /// Number as it was given.
        k: usize,
    },
    /// A class that cannot be in every fold.
    #[error("class `{class}` has too few {} for {k} folds: one would be left without it", if *.whole_groups { "groups" } else { "images" })]
    TooFewForFolds {
        /// The class.
        class: String,
        /// Folds.
        k: usize,
        /// True where groups were to be kept whole.
        whole_groups: bool,
    },
    /// Images with findings that are too few, or of too few groups, for a number of folds.
    #[error("`{path}` has {groups} images or groups to be kept whole: too few for {k} folds")]
    TooFewToFold {
        /// The data set.
        path: PathBuf,
        /// Images, those of one group counted once.
        groups: usize,
        /// Folds.
        k: usize,
    },
    /// A CSV whose column `fold` numbers no folds.
    #[error("the column `fold` of `{path}` makes no folds: {reason}")]
    FoldColumn {
        /// The CSV.
        path: PathBuf,
        /// Reason, as a fragment.
        reason: String,
    },
    /// A file or folder that is there already.
    #[error("`{path}` is there already")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A name that a CSV cannot hold.
    #[error("the name of `{path}` is not UTF-8, which a CSV is written in")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// A folder that images cannot be laid out in.
    #[error("cannot lay images out in `{path}`: {reason}")]
    LayOut {
        /// The folder.
        path: PathBuf,
        /// Reason, as a fragment.
        reason: String,
    },
    /// A folder for the sample that holds something that is no sample.
    #[error("`{path}` is there already, and `{found}` in it is no part of a synthetic sample")]
    NotASample {
        /// The folder.
        path: PathBuf,
        /// Name of what is in it.
        found: String,
    },
    /// Settings that no sample can be made by.
    #[error("{0}")]
    Options(String),
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The first names of some, of which there are `count`.
fn some(first: &[String], count: usize) -> String {
    quoted(first) + if count > first.len() { ", …" } else { "" }
}

fn did_you_mean(close: &Option<String>) -> String {
    close.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn differences(
    missing: &[String],
    unknown: &[String],
    to_whom: &str,
    close: &Option<(String, String)>,
) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("{} missing", quoted(missing)));
    }
    if !unknown.is_empty() {
        parts.push(format!("{} unknown {to_whom}", quoted(unknown)));
    }
    let hint = close.as_ref().map(|(class, folder)| format!(" (is `{folder}` meant to be `{class}`?)"));
    parts.join(", ") + &hint.unwrap_or_default()
}
