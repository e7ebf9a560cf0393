use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use base::csv_text::{CsvRecord, CsvText};
use metrics::{Resampling, Scores, ScoresError, Targets, argmax, check_multi_class};

use crate::{
    Error, Result,
    files::{self, write_atomically},
};

/// Resamples of a test's intervals, always with the same seed, so that a model tested again has the same intervals.
pub(crate) const RESAMPLING: Resampling = Resampling { resamples: metrics::RESAMPLES, seed: 28 };
/// Columns before and after the probabilities.
const FIRST: [&str; 3] = ["path", "label", "predicted"];
const GROUP: &str = "group";
const NOTE: &str = "note";
/// Largest number of classes accepted, as a header may have any number of columns; no model has so many.
const MAX_CLASSES: usize = 1000;
/// Prefix of a class in the name of its column.
const PROBABILITY: &str = "p_";

/// Predictions of a model with their images: the content of `predictions.csv`, and the source of every figure of a test.
///
/// The columns are `path,label,predicted,p_<class>…` and, where groups such as patients are known, `group`, and where files
/// were read in another way than most, `note`: a row per image, in the set's order, probabilities in the shortest form that
/// reads back as the same f32.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionTable {
    /// Path, group and note of each image.
    pub images: Vec<PredictedImage>,
    /// True classes and probabilities, in the order of `images`, with their groups. The probabilities are values of f32.
    pub scores: Scores,
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

impl PredictionTable {
    /// Takes images and their scores in the same order; groups become those of the images.
    ///
    /// # Errors
    /// Labels that do not exclude each other, or a number of images that is not that of the scores.
    pub fn new(images: Vec<PredictedImage>, scores: Scores) -> Result<Self> {
        check_multi_class(&scores)?;
        if images.len() != scores.len() {
            return Err(ScoresError::Groups { groups: images.len(), images: scores.len() }.into());
        }
        let scores = scores.with_groups(groups(&images))?;
        Ok(Self { images, scores })
    }

    /// Class names in index order.
    pub fn classes(&self) -> &[String] {
        self.scores.labels()
    }

    /// Writes the CSV. A path that is no UTF-8 is written as [`base::stored`] makes it.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.write_cells(path, |cell| cell)
    }

    /// Writes the CSV like [`Self::write`], with an apostrophe before cells that a spreadsheet would take for formulas.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_for_spreadsheets(&self, path: &Path) -> Result<()> {
        self.write_cells(path, |cell| base::spreadsheet_safe(&cell).into_owned())
    }

    fn write_cells(&self, path: &Path, cell: impl Fn(String) -> String) -> Result<()> {
        let failed =
            |error: csv::Error| Error::Io { action: "write", path: path.to_owned(), source: error.into() };
        let grouped = self.images.iter().any(|image| image.group.is_some());
        let noted = self.images.iter().any(|image| image.note.is_some());
        let mut writer = csv::Writer::from_writer(Vec::new());
        let columns = FIRST.map(str::to_owned).into_iter();
        let columns = columns.chain(self.classes().iter().map(|class| format!("{PROBABILITY}{class}")));
        let last = [(grouped, GROUP), (noted, NOTE)].into_iter().filter(|(is_there, _)| *is_there);
        writer.write_record(columns.chain(last.map(|(_, name)| name.to_owned()))).map_err(failed)?;
        for (image, (label, row)) in self.images.iter().zip(self.scores.rows()) {
            let name = base::stored(&image.path);
            let classes = [label, argmax(row)].map(|class| self.classes()[class].as_str());
            let first = [name.as_str(), classes[0], classes[1]];
            let fields =
                first.map(str::to_owned).into_iter().chain(row.iter().map(|&p| (p as f32).to_string()));
            let group = grouped.then(|| image.group.clone().unwrap_or_default());
            let note = noted.then(|| image.note.clone().unwrap_or_default());
            writer.write_record(fields.chain(group).chain(note).map(&cell)).map_err(failed)?;
        }
        let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
        write_atomically(path, &bytes)
    }

    /// Reads a CSV that [`Self::write`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, or whose columns or rows do not fit, by line.
    pub fn read(path: &Path) -> Result<Self> {
        let other = |line: u64, problem: String| Error::Csv { path: path.to_owned(), line, problem };
        let text = files::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let text = CsvText::new(&text);
        let mut records = text.records();
        let header = records.next();
        // A class may begin or end with a blank.
        let column = |header: &'_ CsvRecord, at: usize| match at < FIRST.len() {
            true => header.cell(at).to_owned(),
            false => header.raw(at).to_owned(),
        };
        let columns: Vec<String> =
            header.iter().flat_map(|header| (0..header.len()).map(|at| column(header, at))).collect();
        let all: Vec<&str> = columns.iter().map(String::as_str).collect();
        let Some(columns) = all.strip_prefix(&FIRST) else {
            return Err(other(1, format!("its columns do not begin with `{}`", FIRST.join(","))));
        };
        let (columns, noted) = columns.strip_suffix(&[NOTE]).map_or((columns, false), |rest| (rest, true));
        let (probabilities, grouped) =
            columns.strip_suffix(&[GROUP]).map_or((columns, false), |rest| (rest, true));
        let classes: Option<Vec<String>> =
            probabilities.iter().map(|column| column.strip_prefix(PROBABILITY).map(str::to_owned)).collect();
        let classes =
            classes.ok_or_else(|| other(1, "it has a column that is no class's `p_…`".to_owned()))?;
        if classes.len() > MAX_CLASSES {
            return Err(other(1, format!("it has columns of more than {MAX_CLASSES} classes")));
        }
        let mut seen = HashSet::new();
        if let Some(class) = classes.iter().find(|class| !seen.insert(*class)) {
            return Err(other(1, format!("it has two columns of class `{class}`")));
        }
        let (mut images, mut labels, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            let line = record.line;
            if record.len() != all.len() {
                let problem = format!("{} fields, but the header has {}", record.len(), all.len());
                return Err(other(line, problem));
            }
            // `test --csv-safe` put apostrophes before some cells.
            let path = base::without_apostrophe(record.raw(0));
            let find = |label: &str| classes.iter().position(|class| class == label);
            let label = [record.raw(1), record.cell(1)]
                .into_iter()
                .find_map(|label| find(label).or_else(|| find(base::without_apostrophe(label))));
            labels.push(label.ok_or_else(|| other(line, "its label is none of the classes".to_owned()))?);
            let mut fields = record.cells().skip(FIRST.len());
            for field in fields.by_ref().take(classes.len()) {
                let value: Option<f32> = field.parse().ok().filter(|value| (0.0..=1.0).contains(value));
                let no_probability = || other(line, format!("`{field}` is no probability, which is 0 to 1"));
                values.push(value.ok_or_else(no_probability)?);
            }
            let mut text = |is_there: bool| {
                let text = if is_there { fields.next() } else { None };
                text.filter(|text| !text.is_empty()).map(|text| base::without_apostrophe(text).to_owned())
            };
            let (group, note) = (text(grouped), text(noted));
            images.push(PredictedImage { path: base::from_stored(path), group, note });
        }
        let scores = Targets::from_classes(classes, labels)
            .and_then(|targets| Scores::from_f32(targets, &values))
            .map_err(|error| other(1, error.to_string()))?;
        Self::new(images, scores)
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
