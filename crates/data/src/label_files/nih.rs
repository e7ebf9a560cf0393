//! NIH ChestX-ray14: `Data_Entry_2017.csv`, and the lists of training and test images beside it.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::{
    NAMED,
    table::{LabelRow, LabelTable, Table, filled},
};
use crate::{BlankRule, Error, LabelFormat, Mark, Part, csv_file::shown};

/// Labels of the data set (Wang et al. 2017, arXiv 1705.02315, and the release of 14 labels).
const LABELS: [&str; 14] = [
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
];
/// Finding of an image that has none of the labels.
pub(super) const NO_FINDING: &str = "No Finding";
/// Names of the lists, with the part that each is for.
const LISTS: [(&str, Part); 2] = [("train_val_list.txt", Part::Training), ("test_list.txt", Part::Test)];

pub(super) fn is_format(file: &Table<'_>) -> bool {
    file.has(&["image_index", "finding_labels"])
}

pub(super) fn read(file: &Table<'_>) -> Result<LabelTable, Error> {
    let image = file.needed("Image Index", LabelFormat::Nih)?;
    let findings = file.needed("Finding Labels", LabelFormat::Nih)?;
    let patient = file.column(&["patient_id"]);
    let used: Vec<usize> = [Some(image), Some(findings), patient].into_iter().flatten().collect();
    let attributes = file.attributes(&used);
    let mut joined = JoinedFindings::new(LABELS.map(str::to_owned).to_vec());
    let mut rows = Vec::new();
    file.read(|record| {
        let name = record.cell(image);
        if name.is_empty() {
            return Err("an empty image index".to_owned());
        }
        let marks = joined.marks(record.cell(findings), name)?;
        let group = filled(record, patient);
        rows.push(LabelRow { group, ..LabelRow::new(record.line, name, marks, attributes.values(record)?) });
        Ok(())
    })?;
    let labels = joined.finish(rows.iter_mut().map(|row| &mut row.marks));
    set_parts(&mut rows, file.path)?;
    Ok(LabelTable {
        labels,
        attributes: attributes.names().to_vec(),
        rows,
        group_column: patient.map(|column| file.header[column].clone()),
        blank: BlankRule::Ignore,
        has_no_finding: false,
        min_images: 0,
        remarks: Vec::new(),
    })
}

/// Findings joined by vertical bars, with the labels that were met.
pub(super) struct JoinedFindings {
    labels: Vec<String>,
    places: HashMap<String, usize>,
}

impl JoinedFindings {
    /// Begins with labels that are there in any case.
    pub(super) fn new(labels: Vec<String>) -> Self {
        let places = labels.iter().cloned().zip(0..).collect();
        Self { labels, places }
    }

    /// Returns the marks of the findings that `text` joins: positive, and all others of the labels met so far negative.
    ///
    /// # Errors
    /// A finding without a name; `No Finding` beside a finding.
    pub(super) fn marks(&mut self, text: &str, image: &str) -> Result<Vec<Mark>, String> {
        let findings: Vec<&str> = text.split('|').map(str::trim).collect();
        if findings.iter().any(|finding| finding.is_empty()) {
            return Err(format!("an empty finding for {}", shown(image)));
        }
        let is_none = |finding: &&str| finding.eq_ignore_ascii_case(NO_FINDING);
        if findings.len() > 1 && findings.iter().any(is_none) {
            return Err(format!("{} is a finding and none at once", shown(text)));
        }
        let mut marks = vec![Mark::Negative; self.labels.len()];
        for finding in findings.into_iter().filter(|finding| !is_none(finding)) {
            let place = self.place(finding);
            marks.resize(self.labels.len(), Mark::Negative);
            marks[place] = Mark::Positive;
        }
        Ok(marks)
    }

    fn place(&mut self, finding: &str) -> usize {
        if let Some(place) = self.places.get(finding) {
            return *place;
        }
        self.labels.push(finding.to_owned());
        self.places.insert(finding.to_owned(), self.labels.len() - 1);
        self.labels.len() - 1
    }

    /// Gives every row a mark of every label that was met, and returns the labels.
    pub(super) fn finish<'a>(self, rows: impl Iterator<Item = &'a mut Vec<Mark>>) -> Vec<String> {
        rows.for_each(|marks| marks.resize(self.labels.len(), Mark::Negative));
        self.labels
    }
}

/// Sets the parts that the lists beside the file put images in, where both lists are there.
///
/// # Errors
/// Images that are in none of them, or in several places.
fn set_parts(rows: &mut [LabelRow], path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if !LISTS.iter().all(|(name, _)| folder.join(name).is_file()) {
        return Ok(());
    }
    let own: HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let (mut parts, mut twice) = (HashMap::new(), Vec::new());
    for (name, part) in LISTS {
        let list = folder.join(name);
        let text = base::read_text(&list, 1 << 26).map_err(|source| Error::Io {
            action: "read",
            path: list.clone(),
            source,
        })?;
        for image in text.lines().map(base::csv_text::trim_cell).filter(|image| own.contains(image)) {
            if parts.insert(image.to_owned(), part).is_some() {
                twice.push(image.to_owned());
            }
        }
    }
    refuse(path, "more than once in", twice)?;
    let unnamed = rows.iter().filter(|row| !parts.contains_key(&row.name)).map(|row| row.name.clone());
    refuse(path, "in neither of", unnamed.collect())?;
    rows.iter_mut().for_each(|row| row.part = parts.get(&row.name).copied());
    Ok(())
}

fn refuse(path: &Path, fault: &'static str, mut images: Vec<String>) -> Result<(), Error> {
    let count = images.len();
    if count == 0 {
        return Ok(());
    }
    images.truncate(NAMED);
    Err(Error::ImageLists { path: path.to_owned(), count, fault, first: images })
}
