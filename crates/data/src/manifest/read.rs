//! Reading of a CSV's bytes into rows; nothing but the file itself is looked at.

use std::{collections::HashSet, path::Path};

use base::attributes::{AttributeColumns, plain};
use base::csv_text::{CsvRecord, CsvText};

use super::problems::Problems;
use crate::{
    Error, Part,
    csv_file::{self, CsvFile, shown},
};

/// More classes than any model has; a column of file names or numbers has more.
pub(super) const MAX_CLASSES: usize = 1000;
/// The longest field, in bytes: as long as a path can be.
const MAX_FIELD: usize = 4096;

pub(crate) const PATHS: [&str; 8] =
    ["path", "file", "filename", "file_name", "filepath", "image", "image_path", "patientid"];
pub(crate) const LABELS: [&str; 2] = ["label", "class"];
pub(crate) const GROUPS: [&str; 4] = ["group", "patient", "patient_id", "patientid"];
pub(crate) const SPLITS: [&str; 3] = ["split", "set", "part"];
pub(crate) const FOLDS: [&str; 1] = ["fold"];
/// Columns of well-known data sets that are to be renamed: they may mean something else elsewhere.
const LIKE_PATHS: [&str; 9] = [
    "image_index",
    "image_id",
    "imageid",
    "image_name",
    "x_ray_image_name",
    "images",
    "dicom_id",
    "dicom",
    "id",
];
const LIKE_LABELS: [&str; 9] = [
    "finding_labels",
    "finding",
    "findings",
    "labels",
    "target",
    "diagnosis",
    "class_name",
    "category",
    "type",
];

/// A row as it stands in the file.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) path: String,
    /// The path with the blanks around it, where it has some: they may be part of a file's name.
    pub(super) untrimmed: Option<String>,
    pub(super) label: String,
    pub(super) group: Option<String>,
    pub(super) part: Option<Part>,
    pub(super) fold: Option<String>,
    pub(super) attributes: Vec<String>,
}

pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// Names of the rows' attributes.
    pub(super) attributes: Vec<String>,
    /// SHA-256 of the file's bytes, as lowercase hex.
    pub(super) sha256: String,
}

/// Reads a CSV; `group` names the column of groups.
pub(super) fn read(path: &Path, group: Option<&str>) -> Result<Table, Error> {
    let refused = |problems| Error::Csv { path: path.to_owned(), problems };
    let CsvFile { text, sha256 } = csv_file::read(path)?;
    let text = CsvText::new(&text);
    let mut records = text.records();
    let header = records.next();
    let line = header.as_ref().map_or(1, |header| header.line);
    let columns = Columns::find(header.as_ref(), group).map_err(|problem| match problem {
        Wrong::Header(problem) => refused(Problems::one(line, problem)),
        Wrong::Group => {
            Error::NoColumns { path: path.to_owned(), column: group.unwrap_or_default().to_owned() }
        }
    })?;
    let rows = columns.rows(records, line).map_err(refused)?;
    Ok(Table { rows, attributes: columns.attributes.names().to_vec(), sha256 })
}

/// Columns by their meaning.
struct Columns {
    width: usize,
    path: usize,
    label: usize,
    group: Option<usize>,
    split: Option<usize>,
    fold: Option<usize>,
    attributes: AttributeColumns,
}

/// Fault of a header.
enum Wrong {
    Header(String),
    /// It lacks the column of groups that was asked for.
    Group,
}

impl Columns {
    fn find(header: Option<&CsvRecord>, group: Option<&str>) -> Result<Self, Wrong> {
        let Some(header) = header else {
            return Err(Wrong::Header(
                "it is empty, but `path,label` and a row an image are expected".to_owned(),
            ));
        };
        let names: Vec<String> = header.cells().map(str::to_lowercase).collect();
        let mut seen = HashSet::new();
        // A column without a name holds what a program numbers rows with, or nothing.
        if let Some(name) = names.iter().find(|name| !name.is_empty() && !seen.insert(*name)) {
            return Err(Wrong::Header(format!("column {} is there twice", shown(name))));
        }
        // `Patient ID` is `patient_id`.
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let column =
            |known: &[&str]| known.iter().find_map(|known| plain.iter().position(|name| name == known));
        let (path, label) = match (column(&PATHS), column(&LABELS)) {
            (Some(path), Some(label)) => (path, label),
            (path, label) => {
                let lacking = if path.is_none() { PATHS[0] } else { LABELS[0] };
                let there = header.cells().map(shown).collect::<Vec<_>>().join(", ");
                let mut problem = format!("no column `{lacking}`; there are {there}");
                for (found, like, name) in [(path, &LIKE_PATHS, PATHS[0]), (label, &LIKE_LABELS, LABELS[0])] {
                    if let Some(like) = column(like).filter(|_| found.is_none()) {
                        problem.push_str(&format!("; rename {} to `{name}`", shown(header.cell(like))));
                    }
                }
                return Err(Wrong::Header(problem));
            }
        };
        let group = match group {
            Some(group) => {
                let group = group.trim().to_lowercase();
                Some(names.iter().position(|name| *name == group).ok_or(Wrong::Group)?)
            }
            None => column(&GROUPS).filter(|&group| group != path),
        };
        let (split, fold) = (column(&SPLITS), column(&FOLDS));
        let used: Vec<usize> = [Some(path), Some(label), group, split, fold].into_iter().flatten().collect();
        let own: Vec<String> = header.cells().map(str::to_owned).collect();
        let attributes = AttributeColumns::new(&own, &used);
        Ok(Self { width: names.len(), path, label, group, split, fold, attributes })
    }

    fn rows(&self, records: impl Iterator<Item = CsvRecord>, header: u64) -> Result<Vec<Row>, Problems> {
        let (mut rows, mut problems) = (Vec::new(), Problems::default());
        for record in records {
            match self.row(&record) {
                Ok(row) => rows.push(row),
                Err(problem) => problems.add(record.line, problem),
            }
        }
        match (problems.count, rows.is_empty()) {
            (0, false) => Ok(rows),
            (0, true) => Err(Problems::one(header, "there is no row below the header")),
            _ => Err(problems),
        }
    }

    fn row(&self, record: &CsvRecord) -> Result<Row, String> {
        if let Some(long) = record.cells().find(|field| field.len() > MAX_FIELD) {
            return Err(format!("a field of {} bytes: is a quote not closed?", long.len()));
        }
        if record.len() != self.width {
            return Err(format!("{} fields, but the header has {}", record.len(), self.width));
        }
        let cell = |column: usize| record.cell(column).to_owned();
        let (path, label) = (cell(self.path), cell(self.label));
        if path.is_empty() {
            return Err("an empty path".to_owned());
        }
        if label.is_empty() {
            return Err(format!("an empty label for {}", shown(&path)));
        }
        let part = match self.split.map(cell).filter(|value| !value.is_empty()) {
            None => None,
            Some(value) => Some(
                Part::named(&value)
                    .ok_or_else(|| format!("unknown split {}: train, validation or test", shown(&value)))?,
            ),
        };
        let of = |column: Option<usize>| column.map(cell).filter(|value| !value.is_empty());
        let untrimmed = Some(record.raw(self.path)).filter(|raw| *raw != path).map(str::to_owned);
        Ok(Row {
            line: record.line,
            path,
            untrimmed,
            label,
            group: of(self.group),
            part,
            fold: of(self.fold),
            attributes: self.attributes.texts(record),
        })
    }
}
