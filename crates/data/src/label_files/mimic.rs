//! MIMIC-CXR-JPG: a table of studies with their labels, and beside it the tables of images and of parts.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use base::csv_text::CsvRecord;

use super::table::{LabelRow, LabelTable, Table, filled};
use crate::{
    BlankRule, Error, LabelFormat, Mark, Part, Remark,
    csv_file::{self, CsvFile, shown},
    walk,
};

/// Endings of the names of label tables, the first preferred.
const TABLES: [&str; 2] = ["chexpert", "negbio"];
/// Endings of files.
const ENDINGS: [&str; 2] = [".csv.gz", ".csv"];
/// Largest share of images without a row of labels that are left out: the published tables have a few such studies.
const MOST_WITHOUT: f64 = 0.01;

/// Subject and study.
type StudyKey = (String, String);
/// Marks of every study.
type StudyMarks = HashMap<StudyKey, Vec<Mark>>;

pub(super) fn is_format(file: &Table<'_>) -> bool {
    file.has(&["subject_id", "study_id", "no_finding"]) && file.column(&["dicom_id"]).is_none()
}

/// Finds the table of labels in a folder that holds MIMIC's tables; the last where there are several versions.
pub(crate) fn table_in(folder: &Path) -> Option<PathBuf> {
    let names: Vec<String> = walk::entries(folder).ok()?.into_iter().map(|entry| entry.text).collect();
    let of_kind = |kind: &str| {
        let ends = |name: &&String| ENDINGS.iter().any(|ending| name.ends_with(&format!("-{kind}{ending}")));
        names.iter().rfind(ends).map(|name| folder.join(name))
    };
    let table = TABLES.iter().find_map(|kind| of_kind(kind))?;
    sibling(&table, "metadata").ok().map(|_| table)
}

/// Finds the table of this name beside the table of labels, compressed or not.
///
/// # Errors
/// A table that is not there.
fn sibling(path: &Path, kind: &str) -> Result<PathBuf, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (version, _) = name.rsplit_once('-').unwrap_or_default();
    let begin = if version.is_empty() { String::new() } else { format!("{version}-") };
    let places = ENDINGS.map(|ending| path.with_file_name(format!("{begin}{kind}{ending}")));
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| Error::Tables {
        path: path.to_owned(),
        other: places[0].clone(),
        reason: "the latter is not there".to_owned(),
    })
}

pub(super) fn read(file: &Table<'_>) -> Result<LabelTable, Error> {
    let (labels, studies) = studies(file)?;
    let split = sibling(file.path, "split")?;
    let mut parts = parts(&split)?;
    let metadata = sibling(file.path, "metadata")?;
    let CsvFile { text, .. } = csv_file::read(&metadata)?;
    let images = MimicImages::read(&Table::new(&metadata, &text), &studies)?;
    let MimicImages { mut rows, attributes, seen, without, all, keys } = images;
    let refused =
        |other: &Path, reason| Err(Error::Tables { path: metadata.clone(), other: other.to_owned(), reason });
    if without as f64 > MOST_WITHOUT * all as f64 || seen.len() < studies.len() {
        let lacking = studies.len() - seen.len();
        return refused(
            file.path,
            format!(
                "{without} of {all} images have no labels, and {lacking} of {} studies no image",
                studies.len()
            ),
        );
    }
    let mut lacking = 0;
    for (row, key) in rows.iter_mut().zip(&keys) {
        row.part = parts.remove(key);
        lacking += usize::from(row.part.is_none());
    }
    // What is left are the parts of images without labels.
    if lacking > 0 || parts.len() > without {
        let left = parts.len() - without.min(parts.len());
        return refused(&split, format!("{lacking} of {all} images have no part, and {left} parts no image"));
    }
    let remarks = (without > 0).then_some(Remark::WithoutLabels { images: without });
    Ok(LabelTable {
        labels,
        attributes,
        rows,
        group_column: Some("subject_id".to_owned()),
        blank: BlankRule::Ignore,
        has_no_finding: true,
        min_images: 0,
        remarks: remarks.into_iter().collect(),
    })
}

/// Reads the labels of all studies.
fn studies(file: &Table<'_>) -> Result<(Vec<String>, StudyMarks), Error> {
    let key = StudyColumns::find(file)?;
    let is_label = |column: &usize| !key.has(*column) && !file.header[*column].is_empty();
    let columns: Vec<usize> = (0..file.header.len()).filter(is_label).collect();
    let mut studies = HashMap::new();
    file.read(|record| {
        let (key, marks) = (key.key(record)?, file.marks(record, &columns)?);
        match studies.insert(key, marks.clone()) {
            Some(other) if other != marks => Err("a study that is there twice, with other labels".to_owned()),
            _ => Ok(()),
        }
    })?;
    Ok((columns.into_iter().map(|column| file.header[column].clone()).collect(), studies))
}

/// Columns by which tables are joined.
struct StudyColumns {
    subject: usize,
    study: usize,
}

impl StudyColumns {
    fn find(file: &Table<'_>) -> Result<Self, Error> {
        let column = |name| file.needed(name, LabelFormat::Mimic);
        Ok(Self { subject: column("subject_id")?, study: column("study_id")? })
    }

    fn has(&self, column: usize) -> bool {
        column == self.subject || column == self.study
    }

    fn key(&self, record: &CsvRecord) -> Result<StudyKey, String> {
        let (subject, study) = (record.cell(self.subject), record.cell(self.study));
        match subject.is_empty() || study.is_empty() {
            true => Err("an empty subject or study".to_owned()),
            false => Ok((subject.to_owned(), study.to_owned())),
        }
    }
}

/// Reads the part of each image.
fn parts(path: &Path) -> Result<HashMap<String, Part>, Error> {
    let CsvFile { text, .. } = csv_file::read(path)?;
    let file = Table::new(path, &text);
    let (image, split) =
        (file.needed("dicom_id", LabelFormat::Mimic)?, file.needed("split", LabelFormat::Mimic)?);
    let mut parts = HashMap::new();
    file.read(|record| {
        let value = record.cell(split);
        let part = if value == "validate" { Some(Part::Validation) } else { Part::named(value) };
        let part = part.ok_or_else(|| format!("unknown split {}: train, validate or test", shown(value)))?;
        match parts.insert(record.cell(image).to_owned(), part) {
            Some(other) if other != part => Err(format!("{} is in two parts", shown(record.cell(image)))),
            _ => Ok(()),
        }
    })?;
    Ok(parts)
}

/// Images of the table of images that have labels.
struct MimicImages {
    rows: Vec<LabelRow>,
    /// Name of each row's DICOM file.
    keys: Vec<String>,
    attributes: Vec<String>,
    /// Studies that have an image.
    seen: HashSet<StudyKey>,
    /// Number of images without labels, and of all.
    without: usize,
    all: usize,
}

impl MimicImages {
    fn read(file: &Table<'_>, studies: &StudyMarks) -> Result<Self, Error> {
        let key = StudyColumns::find(file)?;
        let image = file.needed("dicom_id", LabelFormat::Mimic)?;
        let columns = file.attributes(&[image, key.subject]);
        let (mut rows, mut keys, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        let (mut without, mut all) = (0, 0);
        file.read(|record| {
            let study = key.key(record)?;
            all += 1;
            let Some(marks) = studies.get(&study) else {
                without += 1;
                return Ok(());
            };
            let name = path(&study, record.cell(image))?;
            let group = filled(record, Some(key.subject));
            let row = LabelRow::new(record.line, &name, marks.clone(), columns.values(record)?);
            rows.push(LabelRow { group, ..row });
            keys.push(record.cell(image).to_owned());
            seen.insert(study);
            Ok(())
        })?;
        Ok(Self { rows, keys, attributes: columns.names().to_vec(), seen, without, all })
    }
}

/// Returns the path of an image below the data set's folder: `files/p10/p10000032/s50414267/….jpg`.
fn path((subject, study): &StudyKey, image: &str) -> Result<String, String> {
    match subject.get(..2) {
        Some(two) if !image.is_empty() => Ok(format!("files/p{two}/p{subject}/s{study}/{image}.jpg")),
        _ => Err(format!("{} of subject {} names no image", shown(image), shown(subject))),
    }
}
