//! RSNA Pneumonia Detection Challenge: a row a box, images named by their patients' numbers.

use std::collections::HashMap;

use super::table::{LabelRow, LabelTable, Table};
use crate::{BlankRule, Error, LabelFormat, Mark, csv_file::shown};

/// Label that `Target` stands for: boxes are drawn around opacities that suggest pneumonia.
const LABEL: &str = "Lung Opacity";
/// Columns of a box, in lower case.
const BOX: [&str; 4] = ["x", "y", "width", "height"];

pub(super) fn is_format(file: &Table<'_>) -> bool {
    file.has(&["patientid", "target"])
}

/// Tells if a file has the three classes of the challenge, one an image.
pub(super) fn has_classes(file: &Table<'_>) -> bool {
    file.has(&["patientid", "class"])
}

pub(super) fn read(file: &Table<'_>) -> Result<LabelTable, Error> {
    let image = file.needed("patientId", LabelFormat::Rsna)?;
    let target = file.needed("Target", LabelFormat::Rsna)?;
    let boxes = BOX.iter().filter_map(|name| file.column(&[name]));
    let used: Vec<usize> = boxes.chain([image, target]).collect();
    let attributes = file.attributes(&used);
    let mut rows: Vec<LabelRow> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    file.read(|record| {
        let name = record.cell(image);
        let marks = file.marks(record, &[target])?;
        if name.is_empty() || marks[0] == Mark::Blank {
            return Err(format!("an empty image or target for {}", shown(name)));
        }
        match places.get(name).map(|&place| &rows[place]) {
            // A box more.
            Some(first) if first.marks == marks => Ok(()),
            Some(first) => {
                Err(format!("{} is in line {} already, with another target", shown(name), first.line))
            }
            None => {
                places.insert(name.to_owned(), rows.len());
                rows.push(LabelRow::new(record.line, name, marks, attributes.values(record)?));
                Ok(())
            }
        }
    })?;
    // A file has one image of each patient, so that patients are no groups.
    Ok(LabelTable {
        labels: vec![LABEL.to_owned()],
        attributes: attributes.names().to_vec(),
        rows,
        group_column: None,
        blank: BlankRule::Ignore,
        has_no_finding: false,
        min_images: 0,
        remarks: Vec::new(),
    })
}
