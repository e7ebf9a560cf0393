//! VinDr-CXR: boxes of several readers (Kaggle), or a column a label with a row a reader (PhysioNet).

use base::attributes::AttributeColumns;
use std::collections::HashMap;

use super::table::{LabelRow, LabelTable, Table};
use crate::{BlankRule, Error, LabelFormat, Mark, Readers, csv_file::shown};

/// Finding of an image that has none, in lower case.
const NO_FINDING: &str = "no finding";
/// Columns that are neither labels nor attributes, in lower case.
const OTHERS: [&str; 8] =
    ["image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max"];

pub(super) fn is_format(file: &Table<'_>) -> bool {
    file.has(&["image_id"]) && (file.column(&["rad_id"]).is_some() || file.has(&["aortic_enlargement"]))
}

pub(super) fn read(file: &Table<'_>, readers: Readers) -> Result<LabelTable, Error> {
    let image = file.needed("image_id", LabelFormat::VinDr)?;
    let reader = file.column(&["rad_id"]);
    match file.column(&["class_name"]) {
        Some(class) => read_boxes(file, [image, class], reader, readers),
        None => read_columns(file, image, reader, readers),
    }
}

/// Images with what each of their readers says.
#[derive(Default)]
struct VinDrImages {
    places: HashMap<String, usize>,
    rows: Vec<LabelRow>,
    /// Readers of each image, each with the labels that the reader marks.
    readers: Vec<Vec<(String, Vec<usize>)>>,
}

impl VinDrImages {
    /// Adds what a reader says of an image, besides what the reader has said of it before.
    fn add(
        &mut self,
        name: &str,
        reader: &str,
        labels: Vec<usize>,
        row: impl FnOnce() -> Result<LabelRow, String>,
    ) -> Result<(), String> {
        if name.is_empty() {
            return Err("an empty image".to_owned());
        }
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.rows.push(row()?);
                self.readers.push(Vec::new());
                self.places.insert(name.to_owned(), self.rows.len() - 1);
                self.rows.len() - 1
            }
        };
        let readers = &mut self.readers[place];
        match readers.iter_mut().find(|(other, _)| other == reader) {
            Some((_, known)) => known.extend(labels),
            None => readers.push((reader.to_owned(), labels)),
        }
        Ok(())
    }

    /// Makes the marks that the readers agree on.
    fn finish(mut self, labels: Vec<String>, attributes: &AttributeColumns, rule: Readers) -> LabelTable {
        for (row, readers) in self.rows.iter_mut().zip(&self.readers) {
            let agree = |label: usize| {
                let positive = readers.iter().filter(|(_, labels)| labels.contains(&label)).count();
                rule.agree(positive, readers.len())
            };
            let mark = |label| if agree(label) { Mark::Positive } else { Mark::Negative };
            row.marks = (0..labels.len()).map(mark).collect();
        }
        LabelTable {
            labels,
            attributes: attributes.names().to_vec(),
            rows: self.rows,
            group_column: None,
            blank: BlankRule::Ignore,
            has_no_finding: false,
            min_images: 0,
            remarks: Vec::new(),
        }
    }
}

/// Returns the columns that no label is in.
fn others(file: &Table<'_>) -> Vec<usize> {
    OTHERS.iter().filter_map(|name| file.column(&[name])).collect()
}

fn read_boxes(
    file: &Table<'_>,
    [image, class]: [usize; 2],
    reader: Option<usize>,
    readers: Readers,
) -> Result<LabelTable, Error> {
    let mut labels: Vec<String> = file
        .records()
        .map(|record| record.cell(class).to_owned())
        .filter(|label| !label.is_empty())
        .collect();
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| label.to_lowercase() != NO_FINDING);
    let attributes = file.attributes(&others(file));
    let mut images = VinDrImages::default();
    file.read(|record| {
        let (name, label) = (record.cell(image), record.cell(class));
        if label.is_empty() {
            return Err(format!("an empty class for {}", shown(name)));
        }
        let found = labels.binary_search_by(|other| other.as_str().cmp(label)).ok();
        let reader = reader.map(|reader| record.cell(reader)).unwrap_or_default();
        let row = || Ok(LabelRow::new(record.line, name, Vec::new(), attributes.values(record)?));
        images.add(name, reader, found.into_iter().collect(), row)
    })?;
    Ok(images.finish(labels, &attributes, readers))
}

fn read_columns(
    file: &Table<'_>,
    image: usize,
    reader: Option<usize>,
    readers: Readers,
) -> Result<LabelTable, Error> {
    let others = others(file);
    let is_label = |column: &usize| {
        let name = file.header[*column].to_lowercase();
        !others.contains(column) && !name.is_empty() && name != NO_FINDING
    };
    let columns: Vec<usize> = (0..file.header.len()).filter(is_label).collect();
    let attributes = file.attributes(&(0..file.header.len()).collect::<Vec<_>>());
    let labels: Vec<String> = columns.iter().map(|&column| file.header[column].clone()).collect();
    let mut images = VinDrImages::default();
    file.read(|record| {
        let name = record.cell(image);
        let marks = file.marks(record, &columns)?;
        let found = (0..marks.len()).filter(|&label| marks[label] == Mark::Positive).collect();
        let reader = reader.map(|reader| record.cell(reader)).unwrap_or_default();
        let row = || Ok(LabelRow::new(record.line, name, Vec::new(), attributes.values(record)?));
        images.add(name, reader, found, row)
    })?;
    Ok(images.finish(labels, &attributes, readers))
}
