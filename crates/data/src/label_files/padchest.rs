//! PadChest: a list of labels an image, as Python writes it.

use std::collections::HashMap;

use super::table::{LabelRow, LabelTable, Table, filled};
use base::attributes;

use crate::{BlankRule, Error, LabelFormat, Mark, csv_file::shown};

/// Columns of texts and lists that are no attributes, in lower case with `_` for blanks.
const TEXTS: [&str; 6] =
    ["report", "labels", "localizations", "labelslocalizationsbysentence", "labelcuis", "localizationscuis"];
/// Images for each of which a label needs a positive one more, where nothing else is asked for: 17 of all 160,861.
const IMAGES_PER_POSITIVE: usize = 10_000;

pub(super) fn is_format(file: &Table<'_>) -> bool {
    file.has(&["imageid", "labels"]) && file.column(&["patientid", "studyid", "methodlabel"]).is_some()
}

/// Columns of the file.
struct PadChestColumns {
    image: usize,
    labels: usize,
    patient: Option<usize>,
    birth: Option<usize>,
    date: Option<usize>,
}

pub(super) fn read(file: &Table<'_>) -> Result<LabelTable, Error> {
    let columns = PadChestColumns {
        image: file.needed("ImageID", LabelFormat::PadChest)?,
        labels: file.needed("Labels", LabelFormat::PadChest)?,
        patient: file.column(&["patientid"]),
        birth: file.column(&["patientbirth"]),
        date: file.column(&["studydate_dicom"]),
    };
    let used: Vec<usize> = TEXTS.iter().filter_map(|name| file.column(&[name])).collect();
    let used: Vec<usize> = used.into_iter().chain([columns.image]).chain(columns.patient).collect();
    let attributes = file.attributes(&used);
    let (mut rows, mut labels, mut places) = (Vec::new(), Vec::new(), HashMap::new());
    file.read(|record| {
        let name = record.cell(columns.image);
        if name.is_empty() {
            return Err("an empty image".to_owned());
        }
        let found = list(record.cell(columns.labels))?;
        let found = found.map(|found| places_of(found, &mut labels, &mut places));
        let mut values = attributes.values(record)?;
        let cell = |column: Option<usize>| column.map(|column| record.cell(column)).unwrap_or_default();
        values.push(age(cell(columns.birth), cell(columns.date))?);
        let group = filled(record, columns.patient);
        let row = LabelRow { group, ..LabelRow::new(record.line, name, Vec::new(), values) };
        rows.push((row, found));
        Ok(())
    })?;
    let n_labels = labels.len();
    let rows: Vec<LabelRow> = rows
        .into_iter()
        .map(|(row, found)| LabelRow { marks: marks(found.as_deref(), n_labels), ..row })
        .collect();
    let mut names = attributes.names().to_vec();
    names.push("age".to_owned());
    let (labels, rows) = sorted(labels, rows);
    Ok(LabelTable {
        labels,
        attributes: names,
        group_column: columns.patient.map(|column| file.header[column].clone()),
        blank: BlankRule::Ignore,
        has_no_finding: false,
        min_images: rows.len().div_ceil(IMAGES_PER_POSITIVE),
        rows,
        remarks: Vec::new(),
    })
}

/// Returns the places of labels; a new one gets the next.
fn places_of(found: Vec<&str>, labels: &mut Vec<String>, places: &mut HashMap<String, usize>) -> Vec<usize> {
    let place = |label: &str| match places.get(label) {
        Some(place) => *place,
        None => {
            labels.push(label.to_owned());
            places.insert(label.to_owned(), labels.len() - 1);
            labels.len() - 1
        }
    };
    found.into_iter().map(place).collect()
}

/// Returns the marks of a row: blank where the file has no list for it.
fn marks(found: Option<&[usize]>, n_labels: usize) -> Vec<Mark> {
    let Some(found) = found else { return vec![Mark::Blank; n_labels] };
    let mut marks = vec![Mark::Negative; n_labels];
    found.iter().for_each(|&label| marks[label] = Mark::Positive);
    marks
}

/// Sorts labels by name, and the rows' marks with them.
fn sorted(labels: Vec<String>, mut rows: Vec<LabelRow>) -> (Vec<String>, Vec<LabelRow>) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&label| &labels[label]);
    for row in &mut rows {
        row.marks = order.iter().map(|&label| row.marks[label]).collect();
    }
    (order.into_iter().map(|label| labels[label].clone()).collect(), rows)
}

/// Reads a list as Python writes it, without empty labels and those that a table without values leaves; `None` where there is no
/// list.
fn list(text: &str) -> Result<Option<Vec<&str>>, String> {
    if text.is_empty() || text == "nan" {
        return Ok(None);
    }
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let Some(inside) = inside else {
        return Err(format!("{} in column `Labels` is no list", shown(text)));
    };
    let (mut labels, mut rest) = (Vec::new(), inside.trim_start());
    while !rest.is_empty() {
        let (label, after) =
            item(rest).ok_or_else(|| format!("{} in column `Labels` is no list", shown(text)))?;
        labels.extend(Some(label.trim()).filter(|label| !matches!(*label, "" | "nan")));
        rest = after.trim_start().strip_prefix(',').unwrap_or(after).trim_start();
    }
    Ok(Some(labels))
}

/// Splits the first item off a list: in single or double quotes, or a word such as `nan`.
fn item(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    match quote {
        Some(quote) => text[1..].split_once(quote),
        None => Some(text.split_at(text.find(',').unwrap_or(text.len()))),
    }
}

/// Computes the age from the year of birth and the day of the study, `20140915`.
fn age(birth: &str, date: &str) -> Result<String, String> {
    let year = |text: &str| text.get(..4).and_then(|year| year.parse::<f64>().ok());
    match (birth, year(date)) {
        ("" | "nan", _) | (_, None) => Ok(String::new()),
        (birth, Some(of_study)) => {
            let born: f64 =
                birth.parse().map_err(|_| format!("{} in column `PatientBirth` is no year", shown(birth)))?;
            let years = of_study - born;
            if years < 0.0 { Ok(String::new()) } else { attributes::age(&years.to_string(), "PatientBirth") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_python_writes_them() {
        let read = |text| list(text).unwrap();
        assert_eq!(read("['normal']"), Some(vec!["normal"]));
        assert_eq!(
            read("[' chronic changes', \"loc 'basal'\", '', nan]"),
            Some(vec!["chronic changes", "loc 'basal'"])
        );
        assert_eq!((read("[]"), read(""), read("nan")), (Some(vec![]), None, None));
        for text in ["normal", "['normal'", "['normal]"] {
            assert!(list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_the_year_of_the_study_without_that_of_birth() {
        assert_eq!(age("1930.0", "20140915"), Ok("84".to_owned()));
        assert_eq!(age("", "20140915"), Ok(String::new()));
        assert_eq!(age("1830", "20140915"), Ok(String::new()));
        assert!(age("old", "20140915").is_err());
    }
}
