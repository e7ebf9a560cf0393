//! Folders of classes, listed in Keras' order.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{Error, Formats, sample::SYNTHETIC_PREFIX, sniff};

/// A class: how it is called, and which folder holds its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassName {
    /// As results call it.
    pub label: String,
    /// Name of its folder within the data set.
    pub folder: String,
}

/// `LABEL=FOLDER`, or one name for both.
impl FromStr for ClassName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (label, folder) = text.split_once('=').unwrap_or((text, text));
        let (label, folder) = (label.trim(), folder.trim());
        if label.is_empty() || folder.is_empty() || folder.contains('/') || folder == ".." || folder == "." {
            return Err(format!("`{text}` names no class: give a folder's name, or LABEL=FOLDER"));
        }
        Ok(Self { label: label.to_owned(), folder: folder.to_owned() })
    }
}

/// An image file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// The same below the data set's folder, with `/` between names.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// Whose it is, where that is known: images of one group are never parted by a split that keeps groups whole.
    pub group: Option<String>,
    /// The part that the data set itself puts it in.
    pub part: Option<Part>,
}

/// What images are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Weights are trained on them.
    Training,
    /// Early stopping and the choice of the best epoch look at them.
    Validation,
    /// Nothing looks at them before the end.
    Test,
}

/// A file that a data set holds and does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, as a short fragment.
    pub reason: String,
}

/// A data set's classes and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The data set's folder.
    pub root: PathBuf,
    /// Classes in index order.
    pub classes: Vec<ClassName>,
    /// Class by class in index order, each class in Keras' order.
    pub samples: Vec<Sample>,
    /// Files that were found and are not used.
    pub left_out: Vec<LeftOut>,
}

impl Listing {
    /// Class labels in index order.
    pub fn labels(&self) -> Vec<String> {
        self.classes.iter().map(|class| class.label.clone()).collect()
    }

    /// Images per class.
    pub fn counts(&self) -> Vec<usize> {
        counts(&self.samples, self.classes.len())
    }

    /// Whether images of the synthetic sample are among the files.
    pub fn is_synthetic(&self) -> bool {
        self.samples.iter().any(Sample::is_synthetic)
    }
}

/// Images per class; every label is below `n_classes`.
pub fn counts(samples: &[Sample], n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    for sample in samples {
        counts[sample.label] += 1;
    }
    counts
}

impl Sample {
    /// An image of which nothing more is known.
    pub fn new(path: PathBuf, name: String, label: usize) -> Self {
        Self { path, name, label, group: None, part: None }
    }

    /// Whether this is an image of the synthetic sample, by its name.
    pub fn is_synthetic(&self) -> bool {
        self.name.rsplit('/').next().is_some_and(|name| name.starts_with(SYNTHETIC_PREFIX))
    }
}

/// Keras tests these with `endswith`, so that a file called `apng` is one of them
/// (`keras/src/legacy/preprocessing/image.py`, `white_list_formats`).
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff"];

/// Lists a data set as Keras' `flow_from_directory` does.
///
/// Without `classes`, every folder below `root` is a class, hidden ones included, sorted by code point. With `classes`
/// their order is the index order, and other folders are left out.
///
/// # Errors
/// A folder that is not there or has no classes, a named class without a folder, classes without images.
pub fn scan(root: &Path, classes: Option<&[ClassName]>) -> Result<Listing, Error> {
    let folders = class_folders(root)?;
    let classes = match classes {
        Some(classes) => {
            check_named(root, classes, &folders)?;
            classes.to_vec()
        }
        None => folders.iter().map(|name| ClassName { label: name.clone(), folder: name.clone() }).collect(),
    };
    list(root, classes)
}

/// Lists a test set for a model with these classes: their folders must be there, and no others.
///
/// # Errors
/// As [`scan`]; folders that differ from the classes, both ways.
pub fn scan_like(root: &Path, classes: &[ClassName]) -> Result<Listing, Error> {
    let folders = class_folders(root)?;
    let named = |name: &String| classes.iter().any(|class| class.folder == *name);
    let unknown: Vec<String> = folders.iter().filter(|name| !named(name)).cloned().collect();
    let missing: Vec<String> =
        classes.iter().map(|class| class.folder.clone()).filter(|folder| !folders.contains(folder)).collect();
    if unknown.is_empty() && missing.is_empty() {
        return list(root, classes.to_vec());
    }
    let close =
        missing.iter().find_map(|class| close_match(class, &unknown).map(|folder| (class.clone(), folder)));
    Err(Error::ClassesDiffer { path: root.to_owned(), missing, unknown, close })
}

fn list(root: &Path, classes: Vec<ClassName>) -> Result<Listing, Error> {
    let mut samples = Vec::new();
    let mut empty = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let before = samples.len();
        for name in image_names(root, &class.folder)? {
            samples.push(Sample::new(root.join(&name.path), name.text, label));
        }
        if samples.len() == before {
            empty.push(class.folder.clone());
        }
    }
    match empty.is_empty() {
        true => Ok(Listing { root: root.to_owned(), classes, samples, left_out: Vec::new() }),
        false => Err(Error::EmptyClasses { path: root.to_owned(), classes: empty }),
    }
}

/// The folders below `root`, sorted by code point.
fn class_folders(root: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::NoSuchFolder { path: root.to_owned() });
        }
        Err(_) if root.is_file() => return Err(Error::NotAFolder { path: root.to_owned() }),
        Err(source) => return Err(Error::Io { action: "read", path: root.to_owned(), source }),
    };
    let (mut folders, mut images) = (Vec::new(), 0);
    for entry in entries {
        let entry = entry.map_err(|source| Error::Io { action: "read", path: root.to_owned(), source })?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            folders.push(name);
        } else if is_image_name(&name) {
            images += 1;
        }
    }
    folders.sort_unstable();
    if folders.is_empty() {
        let found = match images {
            0 => "no folders".to_owned(),
            1 => "1 image and no folders".to_owned(),
            images => format!("{images} images and no folders"),
        };
        return Err(Error::NoClasses { path: root.to_owned(), found });
    }
    Ok(folders)
}

fn check_named(root: &Path, classes: &[ClassName], folders: &[String]) -> Result<(), Error> {
    for (i, class) in classes.iter().enumerate() {
        let twice = |other: &ClassName| other.label == class.label || other.folder == class.folder;
        if classes[..i].iter().any(twice) {
            return Err(Error::ClassTwice { class: class.label.clone() });
        }
        if !folders.contains(&class.folder) {
            return Err(Error::MissingClass {
                path: root.to_owned(),
                class: class.folder.clone(),
                close: close_match(&class.folder, folders),
                found: folders.to_vec(),
            });
        }
    }
    Ok(())
}

/// A file's path below the data set's folder, and the same as text.
struct Name {
    path: PathBuf,
    text: String,
}

/// Images of one class in the order of `sorted(os.walk(folder))` and `sorted(files)`: folders by their whole path as
/// text, then files by name, all by code point. Links to folders are not followed within a class, as in `os.walk`.
fn image_names(root: &Path, class: &str) -> Result<Vec<Name>, Error> {
    let mut folders = vec![Name { path: PathBuf::from(class), text: class.to_owned() }];
    let mut walked = Vec::new();
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder.path);
        let failed = |source| Error::Io { action: "read", path: path.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let text = entry.file_name().to_string_lossy().into_owned();
            let below = folder.path.join(entry.file_name());
            if entry.path().is_dir() {
                if !entry.file_type().map_err(failed)?.is_symlink() {
                    folders.push(Name { path: below, text: format!("{}/{text}", folder.text) });
                }
            } else if is_image_name(&text) {
                files.push(Name { path: below, text });
            }
        }
        files.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        walked.push((folder.text, files));
    }
    walked.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let names = walked.into_iter().flat_map(|(folder, files)| {
        files.into_iter().map(move |file| Name { text: format!("{folder}/{}", file.text), ..file })
    });
    Ok(names.collect())
}

fn is_image_name(name: &str) -> bool {
    let name = name.to_lowercase();
    EXTENSIONS.iter().any(|extension| name.ends_with(extension))
}

/// Whether a file of a folder counts as an image: by its extension, or, where all formats do, by its first bytes too.
pub fn is_image(path: &Path, formats: Formats) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_image_name(&name) || formats == Formats::Keras {
        return is_image_name(&name);
    }
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(132).read_to_end(&mut head));
    read.is_ok() && sniff(&head).is_some()
}

/// The name that was probably meant: the same letters and digits, or at most a quarter of them off.
fn close_match(name: &str, among: &[String]) -> Option<String> {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let distances = among.iter().map(|other| (edit_distance(&wanted, &plain(other)), other));
    let (distance, best) = distances.min()?;
    (distance * 4 <= wanted.len()).then(|| best.clone())
}

/// Insertions, deletions and replacements that turn one text into the other (Levenshtein).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
