//! CheXpert: `train.csv`, with `valid.csv` beside it as the validation part.

use std::path::{Path, PathBuf};

use super::table::{LabelRow, LabelTable, Table};
use crate::{
    BlankRule, Error, LabelFormat, Part,
    csv_file::{self, CsvFile},
    manifest::Problems,
};

/// Columns that are no labels, in lower case with `_` for blanks.
const OTHERS: [&str; 5] = ["path", "sex", "age", "frontal/lateral", "ap/pa"];
/// Labels by which a file is known that has no column of views, as that of the test set.
const LABELS: [&str; 3] = ["no_finding", "enlarged_cardiomediastinum", "support_devices"];

pub(super) fn is_format(file: &Table<'_>) -> bool {
    let is_manifest = file.column(&["group", "split", "label", "class", "study_id"]).is_some();
    file.has(&["path"]) && (file.has(&["frontal/lateral"]) || file.has(&LABELS)) && !is_manifest
}

pub(super) fn read(file: &Table<'_>) -> Result<LabelTable, Error> {
    let mut table = read_one(file)?;
    let Some(valid) = beside(file.path) else { return Ok(table) };
    let CsvFile { text, .. } = csv_file::read(&valid)?;
    let mut other = read_one(&Table::new(&valid, &text))?;
    if (&table.labels, &table.attributes) != (&other.labels, &other.attributes) {
        let problems = Problems::one(1, format!("the columns are not those of `{}`", file.path.display()));
        return Err(Error::Csv { path: valid, problems });
    }
    table.rows.iter_mut().for_each(|row| row.part = Some(Part::Training));
    other.rows.iter_mut().for_each(|row| row.part = Some(Part::Validation));
    table.rows.append(&mut other.rows);
    Ok(table)
}

/// Returns the validation file beside a training file, where there is one.
fn beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let other = name.replacen("train", "valid", 1);
    Some(path.with_file_name(&other)).filter(|valid| other != name && valid.is_file())
}

fn read_one(file: &Table<'_>) -> Result<LabelTable, Error> {
    let path = file.needed("Path", LabelFormat::CheXpert)?;
    let others: Vec<usize> = OTHERS.iter().filter_map(|name| file.column(&[name])).collect();
    let columns: Vec<usize> = (0..file.header.len()).filter(|column| !others.contains(column)).collect();
    let columns: Vec<usize> = columns.into_iter().filter(|&column| !file.header[column].is_empty()).collect();
    let used: Vec<usize> = columns.iter().copied().chain([path]).collect();
    let attributes = file.attributes(&used);
    let (side, projection) = (file.column(&["frontal/lateral"]), file.column(&["ap/pa"]));
    let mut rows = Vec::new();
    file.read(|record| {
        let name = record.cell(path);
        if name.is_empty() {
            return Err("an empty path".to_owned());
        }
        let marks = file.marks(record, &columns)?;
        let mut values = attributes.values(record)?;
        let cell = |column: Option<usize>| column.map(|column| record.cell(column)).unwrap_or_default();
        // Some frontal images have the projection `LL` or `RL`.
        let is_frontal = ["AP", "PA"].contains(&cell(projection)) && cell(side) != "Lateral";
        let view = if is_frontal { cell(projection) } else { cell(side) };
        values.push(view.to_owned());
        values.push(folder(name, "study").unwrap_or_default());
        let group = folder(name, "patient");
        rows.push(LabelRow { group, ..LabelRow::new(record.line, name, marks, values) });
        Ok(())
    })?;
    let mut names = attributes.names().to_vec();
    names.extend(["view", "study"].map(str::to_owned));
    Ok(LabelTable {
        labels: columns.iter().map(|&column| file.header[column].clone()).collect(),
        attributes: names,
        rows,
        group_column: None,
        blank: BlankRule::Zeros,
        has_no_finding: true,
        min_images: 0,
        remarks: Vec::new(),
    })
}

/// Finds the folder of a path that begins so, followed by digits: `patient00001`.
fn folder(path: &str, begin: &str) -> Option<String> {
    let is_one = |name: &&str| {
        let digits = name.strip_prefix(begin).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    path.split(['/', '\\']).find(is_one).map(str::to_owned)
}
