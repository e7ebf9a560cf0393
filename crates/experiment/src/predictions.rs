mod read;
mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use metrics::{Resampling, Scores, ScoresError, Targets};

use crate::Result;

pub use read::OtherPredictions;

/// Resamples of a test's intervals, always with the same seed, so that a model tested again has the same intervals.
pub(crate) const RESAMPLING: Resampling = Resampling { resamples: metrics::RESAMPLES, seed: 28 };
/// Column of paths.
const PATH: &str = "path";
/// Columns of classes before the probabilities.
const CLASSES: [&str; 2] = ["label", "predicted"];
/// Columns after all others.
const GROUP: &str = "group";
const NOTE: &str = "note";
/// Prefix of a class or label in the name of the column of its probability.
const PROBABILITY: &str = "p_";

/// Predictions of a model with their images: the content of `predictions.csv`, and the source of every figure of a test.
///
/// The columns of classes are `path,label,predicted,p_<class>…`; those of findings `path,<label>…,p_<label>…`, where the truth is 1, 0
/// or empty for unknown. Then come the images' attributes, such as `view` and `age`, and, where groups such as patients are
/// known, `group`, and where files were read in another way than most, `note`. Each image has a row, in the set's order, with
/// probabilities in the shortest form that reads back as the same f32.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionTable {
    /// Path, group and note of each image.
    pub images: Vec<PredictedImage>,
    /// True answers and probabilities, in the order of `images`, with their groups. The probabilities of a model of this
    /// program are values of f32.
    pub scores: Scores,
    /// Attributes of the images, none of which passes for another column.
    pub(crate) attributes: Vec<Attribute>,
}

/// Image that was classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictedImage {
    /// Path under which the data set names the image.
    pub path: PathBuf,
    /// Group that it belongs to, such as a patient, where that is known.
    pub group: Option<String>,
    /// Note on the way its file was read, where it was unusual.
    pub note: Option<String>,
}

/// Attribute of all images of a table, such as the view or the patient's age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Name of its column.
    pub name: String,
    /// Value for each image; empty where it is not known.
    pub values: Vec<String>,
}

impl PredictionTable {
    /// Takes images and their scores in the same order; groups become those of the images.
    ///
    /// # Errors
    /// A number of images that is not that of the scores.
    pub fn new(images: Vec<PredictedImage>, scores: Scores) -> Result<Self> {
        if images.len() != scores.len() {
            return Err(ScoresError::Groups { groups: images.len(), images: scores.len() }.into());
        }
        let scores = scores.with_groups(groups(&images))?;
        Ok(Self { images, scores, attributes: Vec::new() })
    }

    /// Sets the images' attributes. One whose column would pass for another of the table, or that is not of each image, is
    /// left out.
    pub fn with_attributes(mut self, attributes: Vec<Attribute>) -> Self {
        let own = [PATH, CLASSES[0], CLASSES[1], GROUP, NOTE];
        let labels = self.labels();
        let is_free = |attribute: &Attribute| {
            let name = attribute.name.as_str();
            let is_label = labels.iter().any(|label| label == name);
            let is_column = own.contains(&name) || name.starts_with(PROBABILITY) || name.is_empty();
            !is_label && !is_column && attribute.values.len() == self.images.len()
        };
        self.attributes = attributes.into_iter().filter(is_free).collect();
        self
    }

    /// Sets what is known of each label in every image, `[N, L]` row by row, and the images' groups where the table has none.
    ///
    /// # Errors
    /// Numbers that do not fit the table.
    pub fn with_findings(mut self, findings: Vec<Option<bool>>, groups: Vec<Option<String>>) -> Result<Self> {
        if groups.len() != self.images.len() {
            return Err(ScoresError::Groups { groups: groups.len(), images: self.images.len() }.into());
        }
        let rows = (0..self.images.len()).flat_map(|image| self.scores.row(image).to_vec()).collect();
        let targets = Targets::from_findings(self.labels(), findings)?;
        if self.images.iter().all(|image| image.group.is_none()) {
            self.images.iter_mut().zip(groups).for_each(|(image, group)| image.group = group);
        }
        Ok(Self { attributes: self.attributes, ..Self::new(self.images, Scores::new(targets, rows)?)? })
    }

    /// Names of classes or labels in index order.
    pub fn labels(&self) -> &[String] {
        self.scores.labels()
    }

    /// Attributes of the images.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Returns the rows of these images, in their order.
    ///
    /// # Errors
    /// An image beyond the table.
    pub fn select(&self, images: &[usize]) -> Result<Self> {
        let (n_labels, targets) = (self.labels().len(), self.scores.targets());
        let beyond = || ScoresError::Groups { groups: images.len(), images: self.images.len() };
        if images.iter().any(|&image| image >= self.images.len()) {
            return Err(beyond().into());
        }
        let targets = match targets.task() {
            metrics::Task::MultiClass => {
                let classes = images.iter().map(|&image| targets.classes()[image]).collect();
                Targets::from_classes(self.labels(), classes)?
            }
            metrics::Task::MultiLabel => {
                let values = images
                    .iter()
                    .flat_map(|&image| (0..n_labels).map(move |label| targets.value(image, label)));
                Targets::from_findings(self.labels(), values.collect())?
            }
        };
        let rows = images.iter().flat_map(|&image| self.scores.row(image).iter().copied());
        let scores = Scores::new(targets, rows.collect())?;
        let of = |values: &[String]| images.iter().map(|&image| values[image].clone()).collect();
        let attributes = self
            .attributes
            .iter()
            .map(|attribute| Attribute { name: attribute.name.clone(), values: of(&attribute.values) });
        let selected = Self::new(images.iter().map(|&image| self.images[image].clone()).collect(), scores)?;
        Ok(Self { attributes: attributes.collect(), ..selected })
    }

    /// Writes the CSV. A path that is no UTF-8 is written as [`base::stored`] makes it.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write::write(self, path, |cell| cell)
    }

    /// Writes the CSV like [`Self::write`], with an apostrophe before cells that a spreadsheet would take for formulas.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_for_spreadsheets(&self, path: &Path) -> Result<()> {
        write::write(self, path, |cell| base::spreadsheet_safe(&cell).into_owned())
    }

    /// Reads a CSV that [`Self::write`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, or whose columns or rows do not fit, by line.
    pub fn read(path: &Path) -> Result<Self> {
        read::own(path)
    }
}

/// Returns each image's group as a number, where any is known; an image without one is a group of its own.
fn groups(images: &[PredictedImage]) -> Option<Vec<usize>> {
    if images.iter().all(|image| image.group.is_none()) {
        return None;
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut groups = Vec::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        let number = image.group.as_deref().map(|group| *numbers.entry(group).or_insert(index));
        groups.push(number.unwrap_or(index));
    }
    Some(groups)
}

#[cfg(test)]
mod tests;
