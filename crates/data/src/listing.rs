//! Listing of a data set: its classes, its images, and what was left out.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    Annotation, Error, LabelCounts, LabelFormat, LeftOut, Part,
    unicode::{Likeness, is_same_text, likeness, look},
};

/// Beginning of the name of every image of the synthetic sample, so that no result from it passes for a real one.
pub const SYNTHETIC_PREFIX: &str = "synthetic-";

/// Class of images: its label, and the folder that holds its images. A label of a label file is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassName {
    /// Name in results.
    pub label: String,
    /// Name of its folder within the data set; for a CSV, the label in the file or its column.
    pub folder: String,
}

/// `LABEL=FOLDER`, or one name for both.
impl FromStr for ClassName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (label, folder) = text.split_once('=').unwrap_or((text, text));
        let (label, folder) = (label.trim(), folder.trim());
        if label.is_empty() || folder.is_empty() || folder == ".." || folder == "." {
            return Err(format!("`{text}` names no class: give a folder's name, or LABEL=FOLDER"));
        }
        Ok(Self { label: label.to_owned(), folder: folder.to_owned() })
    }
}

impl ClassName {
    /// A class that is called as its folder.
    pub fn same(name: &str) -> Self {
        Self { label: name.to_owned(), folder: name.to_owned() }
    }
}

/// An image file with its class or findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// Path below the data set's folder, with `/` between names; of a CSV, as its row has it.
    pub name: String,
    /// Class, or findings.
    pub annotation: Annotation,
    /// Group, such as a patient, where it is known: images of one group are never parted by a split that keeps groups
    /// whole.
    pub group: Option<String>,
    /// The part that the data set itself puts it in.
    pub part: Option<Part>,
    /// Text of a CSV's column `fold`; [`split::own_folds`](crate::split::own_folds) makes numbers of it.
    pub fold: Option<String>,
    /// Values of the listing's attributes, in their order; empty where one is missing. None where the listing has none.
    pub attributes: Vec<String>,
}

impl Sample {
    /// An image of a class of which nothing more is known.
    pub fn new(path: PathBuf, name: String, label: usize) -> Self {
        let annotation = Annotation::Class(label);
        Self { path, name, annotation, group: None, part: None, fold: None, attributes: Vec::new() }
    }

    /// Class index; `None` for an image with findings.
    pub fn class(&self) -> Option<usize> {
        self.annotation.class()
    }

    /// Lists the strata that splits keep in proportion: the class, or the labels that count as positive.
    pub fn strata(&self) -> impl Iterator<Item = usize> + '_ {
        self.annotation.strata()
    }

    /// Tells if this is an image of the synthetic sample, by its name.
    pub fn is_synthetic(&self) -> bool {
        self.name.rsplit('/').next().is_some_and(|name| name.starts_with(SYNTHETIC_PREFIX))
    }
}

/// Layout of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder of images a class.
    ClassFolders,
    /// A folder a class that holds `images/` beside `masks/`.
    ImagesAndMasks,
    /// Class folders within folders for training, validation and test.
    Parts,
    /// A CSV that names files and their classes.
    Csv,
    /// A label file: several findings an image.
    LabelFile(LabelFormat),
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClassFolders => "class folders",
            Self::ImagesAndMasks => "class folders with images/ and masks/",
            Self::Parts => "training and test folders of class folders",
            Self::Csv => "CSV",
            Self::LabelFile(format) => return write!(f, "{format} label file"),
        })
    }
}

/// A data set's classes and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The data set's folder, or its CSV.
    pub root: PathBuf,
    /// Layout of the data set.
    pub layout: Layout,
    /// Classes in index order, or labels.
    pub classes: Vec<ClassName>,
    /// Names of the images' attributes: all other columns of a CSV. Age, sex and view are called so in every format.
    pub attributes: Vec<String>,
    /// Images, class by class in index order. In folders, each class is in Keras' order, part by part where there are
    /// parts; in a CSV, in the order of its rows. Images with findings are in the order of their rows.
    pub samples: Vec<Sample>,
    /// Files and folders that were found and are not used.
    pub left_out: Vec<LeftOut>,
    /// Number of images without a group where a rule for groups was given; each is a group of its own.
    pub ungrouped: usize,
    /// SHA-256 of the CSV's bytes as lowercase hex.
    pub manifest_sha256: Option<String>,
    /// Remarks on how the data set was understood.
    pub remarks: Vec<Remark>,
}

/// Something about a data set that its user should know; displayed as a sentence without its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Paths of a CSV were read in another way than they are written.
    OtherPaths {
        /// The way, as the end of a sentence.
        way: String,
    },
    /// Files of a CSV have their names stored in another Unicode form.
    OtherUnicodeForm {
        /// Number of files.
        files: usize,
    },
    /// Rows of a CSV say again what another row says.
    RepeatedRows {
        /// Number of rows, the first of each not counted.
        rows: usize,
    },
    /// Two classes whose names look alike.
    AlikeClasses {
        /// The names.
        names: [String; 2],
        /// Difference between the names.
        likeness: Likeness,
    },
    /// A hidden folder is a class by Keras' rules.
    HiddenClass {
        /// Its name.
        class: String,
    },
    /// A folder for testing holds images without class folders.
    UnlabelledTest {
        /// The folder.
        path: PathBuf,
    },
    /// A label joins several findings: each is a label of its own.
    SeveralFindings {
        /// Such a label.
        label: String,
        /// Rows with such a label.
        rows: usize,
        /// Number of findings.
        findings: usize,
    },
    /// Labels that no image is known to have or not to have.
    UnknownLabels {
        /// Their names.
        labels: Vec<String>,
    },
    /// Labels with too few positive images.
    RareLabels {
        /// Number of labels.
        labels: usize,
        /// Fewest positive images of a label that is read.
        min_images: usize,
    },
    /// Images without a row in the table of labels.
    WithoutLabels {
        /// Number of images.
        images: usize,
    },
}

impl Remark {
    /// Tells if the remark is a warning, of what may spoil the results.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::AlikeClasses { .. } | Self::HiddenClass { .. } | Self::UnknownLabels { .. })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPaths { way } => {
                write!(f, "not all files lie where the rows say; all were found {way}")
            }
            Self::OtherUnicodeForm { files: 1 } => {
                f.write_str("1 file was found under the same name in another Unicode form")
            }
            Self::OtherUnicodeForm { files } => {
                write!(f, "{files} files were found under the same names in another Unicode form")
            }
            Self::RepeatedRows { rows: 1 } => {
                f.write_str("1 row says again what another says, and is not counted")
            }
            Self::RepeatedRows { rows } => {
                write!(f, "{rows} rows say again what others say, and are not counted")
            }
            Self::AlikeClasses { names: [a, b], likeness } => {
                write!(f, "the classes `{a}` and `{b}` differ {likeness} only: are they one?")
            }
            Self::HiddenClass { class } => write!(
                f,
                "the hidden folder `{class}` is a class, as Keras takes it: leave it out by `--formats all`, or by `--classes`"
            ),
            Self::UnlabelledTest { path } => write!(
                f,
                "`{}` holds no class folders: its images have no labels, and are not tested on",
                path.display()
            ),
            Self::SeveralFindings { label, rows, findings } => write!(
                f,
                "{rows} {} several findings, such as `{label}`: read as {findings} labels, any of which an image may have",
                if *rows == 1 { "row has" } else { "rows have" }
            ),
            Self::UnknownLabels { labels } => write!(
                f,
                "no image is known to have or not to have {}: left out",
                labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
            ),
            Self::RareLabels { labels, min_images } => write!(
                f,
                "{labels} labels have fewer than {min_images} positive images: left out; `--min-images` sets the number"
            ),
            Self::WithoutLabels { images } => {
                write!(f, "{images} images have no row in the table of labels: left out")
            }
        }
    }
}

/// Pairs of names that look alike, each name with the first like it.
pub(crate) fn alike(names: &[String]) -> Vec<Remark> {
    let mut first: HashMap<String, &String> = HashMap::new();
    let mut remarks = Vec::new();
    for name in names {
        let other = *first.entry(look(name)).or_insert(name);
        if let Some(likeness) = likeness(other, name) {
            remarks.push(Remark::AlikeClasses { names: [other.clone(), name.clone()], likeness });
        }
    }
    remarks
}

/// The class whose folder has this name; one in another Unicode form where none has it exactly.
pub(crate) fn position(classes: &[ClassName], name: &str) -> Option<usize> {
    let exactly = classes.iter().position(|class| class.folder == name);
    exactly.or_else(|| classes.iter().position(|class| is_same_text(&class.folder, name)))
}

impl Listing {
    /// Returns the folder that relative paths of images are below: the data set's own, or that of its CSV.
    pub fn folder(&self) -> &Path {
        match self.layout {
            Layout::Csv | Layout::LabelFile(_) => self.root.parent().unwrap_or(Path::new("")),
            Layout::ClassFolders | Layout::ImagesAndMasks | Layout::Parts => &self.root,
        }
    }

    /// Tells if images have findings of several labels, not one class.
    pub fn is_multi_label(&self) -> bool {
        matches!(self.layout, Layout::LabelFile(_))
    }

    /// Keeps these labels alone, in this order, where images have findings.
    pub fn keep_labels(&mut self, labels: &[usize]) {
        if self.is_multi_label() {
            self.classes = labels.iter().filter_map(|&label| self.classes.get(label).cloned()).collect();
            self.samples.iter_mut().for_each(|sample| sample.annotation.keep(labels));
        }
    }

    /// Class labels in index order.
    pub fn labels(&self) -> Vec<String> {
        self.classes.iter().map(|class| class.label.clone()).collect()
    }

    /// Images per mark of each label; zeros where images have one class.
    pub fn label_counts(&self) -> Vec<LabelCounts> {
        label_counts(&self.samples, self.classes.len())
    }

    /// Images per class, or positive images per label.
    pub fn counts(&self) -> Vec<usize> {
        counts(&self.samples, self.classes.len())
    }

    /// Images per class of one part, or positive images per label.
    pub fn counts_of(&self, part: Part) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for sample in self.samples.iter().filter(|sample| sample.part == Some(part)) {
            sample.strata().for_each(|stratum| counts[stratum] += 1);
        }
        counts
    }

    /// Tells if images of the synthetic sample are among the files.
    pub fn is_synthetic(&self) -> bool {
        self.samples.iter().any(Sample::is_synthetic)
    }

    /// Tells if the data set itself puts at least one of its images in a part.
    pub fn has_parts(&self) -> bool {
        self.samples.iter().any(|sample| sample.part.is_some())
    }

    /// Takes out what the data set keeps for testing; nothing where it keeps nothing.
    ///
    /// # Errors
    /// A class without images among those.
    pub fn take_test(&mut self) -> Result<Option<Self>, Error> {
        let test = self.part_off_test();
        test.iter().try_for_each(|test| check_part(&test.samples, test, Part::Test))?;
        Ok(test)
    }

    /// Takes files out, as if they were not there; tells if any was.
    pub fn remove(&mut self, files: &HashSet<&Path>) -> bool {
        let before = self.samples.len();
        self.samples.retain(|sample| !files.contains(sample.path.as_path()));
        if self.ungrouped > 0 {
            self.count_ungrouped();
        }
        self.samples.len() < before
    }

    fn part_off_test(&mut self) -> Option<Self> {
        let (test, rest): (Vec<Sample>, Vec<Sample>) =
            std::mem::take(&mut self.samples).into_iter().partition(|sample| sample.part == Some(Part::Test));
        self.samples = rest;
        if test.is_empty() {
            return None;
        }
        let mut test = Self { samples: test, left_out: Vec::new(), remarks: Vec::new(), ..self.clone() };
        if self.ungrouped > 0 {
            self.count_ungrouped();
            test.count_ungrouped();
        }
        Some(test)
    }

    pub(crate) fn count_ungrouped(&mut self) {
        self.ungrouped = self.samples.iter().filter(|sample| sample.group.is_none()).count();
    }

    /// Returns the images to test a model on: the part kept for testing, or all of a data set without parts.
    ///
    /// # Errors
    /// Parts of which none is for testing; a class without images in it.
    pub fn into_test_set(self) -> Result<Self, Error> {
        let test = self.into_partial_test_set()?;
        check_part(&test.samples, &test, Part::Test)?;
        Ok(test)
    }

    /// Returns the images to test a model on as [`Self::into_test_set`] does, where classes may be without images.
    ///
    /// # Errors
    /// Parts of which none is for testing.
    pub fn into_partial_test_set(mut self) -> Result<Self, Error> {
        match (self.has_parts(), self.part_off_test()) {
            (_, Some(test)) => Ok(test),
            (false, None) => Ok(self),
            (true, None) => Err(Error::NoTestPart { path: self.root }),
        }
    }
}

/// Checks that every class has an image in a part; of findings, that the part has an image.
pub(crate) fn check_part(samples: &[Sample], listing: &Listing, part: Part) -> Result<(), Error> {
    if listing.is_multi_label() {
        let empty = || Error::NoImages { path: listing.root.clone(), part };
        return if samples.is_empty() { Err(empty()) } else { Ok(()) };
    }
    let counts = counts(samples, listing.classes.len());
    match counts.iter().position(|&count| count == 0) {
        Some(class) => Err(Error::EmptyPart {
            path: listing.root.clone(),
            class: listing.classes[class].label.clone(),
            part,
        }),
        None => Ok(()),
    }
}

/// Images per class, or positive images per label; every index is below `n_classes`.
pub fn counts(samples: &[Sample], n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    for sample in samples {
        sample.strata().for_each(|stratum| counts[stratum] += 1);
    }
    counts
}

/// Images per mark of each label; zeros where images have one class.
pub fn label_counts(samples: &[Sample], n_labels: usize) -> Vec<LabelCounts> {
    let mut counts = vec![LabelCounts::default(); n_labels];
    for sample in samples {
        counts
            .iter_mut()
            .zip(sample.annotation.findings())
            .for_each(|(counts, finding)| counts.add(*finding));
    }
    counts
}

/// Checks that no two classes have a name in common.
pub(crate) fn check_distinct(classes: &[ClassName]) -> Result<(), Error> {
    for (i, class) in classes.iter().enumerate() {
        let twice = |other: &ClassName| other.label == class.label || other.folder == class.folder;
        if classes[..i].iter().any(twice) {
            return Err(Error::ClassTwice { class: class.label.clone() });
        }
    }
    Ok(())
}
