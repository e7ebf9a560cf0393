//! Label files: CSVs that say of each image which of several findings it has.
//!
//! A file's format is known by its header; [`LabelFormat`] lists them, and each has a reader here. A reader makes a row an
//! image, with a mark a label. What is common to all follows: views and labels are picked, marks become values by the rules of
//! [`FindingOptions`], and image files are found.

mod chexpert;
mod csv;
mod locate;
mod mimic;
mod nih;
mod padchest;
mod rsna;
mod rules;
mod table;
mod views;
mod vindr;
mod write;

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    path::{Path, PathBuf},
};

use crate::{
    Annotation, ClassName, Classes, Error, FileObserver, FindingOptions, GroupRule, LabelFormat, Layout,
    Listing, OpenOptions, Remark, Sample,
    csv_file::{self, CsvFile},
    manifest::Problems,
    unicode::is_same_text,
};
use table::{LabelRow, LabelTable, Table};

pub use locate::ImageNames;
pub(crate) use mimic::table_in;
pub use write::{label_file_text, write_label_file};

/// Number of images that an error names.
const NAMED: usize = 5;

/// Lists the images of a label file; `None` where a CSV has one class an image.
///
/// # Errors
/// Rows that cannot be used; images that are not there; labels or views that the file does not have; no label that is left.
pub(crate) fn open(
    path: &Path,
    options: &OpenOptions<'_>,
    observer: &dyn FileObserver,
) -> Result<Option<Listing>, Error> {
    let CsvFile { text, sha256 } = csv_file::read(path)?;
    let file = Table::new(path, &text);
    let Some(format) = format(&file, options) else { return Ok(None) };
    let mut labels = read(&file, format, options)?;
    set_groups(&mut labels, path, options.group)?;
    views::pick(&mut labels, path, &options.findings.views)?;
    let repeated = remove_repeated(&mut labels, path)?;
    labels.remarks.extend((repeated > 0).then_some(Remark::RepeatedRows { rows: repeated }));
    let picked = rules::pick(&labels, path, options)?;
    check_names(&picked.labels, path)?;
    let paths = paths(&labels.rows, path, options.findings, observer)?;
    let mut remarks = labels.remarks;
    remarks.extend(picked.remarks);
    let samples = labels.rows.into_iter().zip(picked.findings).zip(paths);
    let samples = samples.map(|((row, findings), path)| Sample {
        path,
        name: row.name,
        annotation: Annotation::Findings(findings),
        group: row.group,
        part: row.part,
        fold: row.fold,
        attributes: row.attributes,
    });
    Ok(Some(Listing {
        root: path.to_owned(),
        layout: Layout::LabelFile(format),
        classes: picked.labels,
        attributes: labels.attributes,
        samples: samples.collect(),
        left_out: Vec::new(),
        ungrouped: 0,
        manifest_sha256: Some(sha256),
        remarks,
    }))
}

/// Finds the format of a file: the one named, or the first whose columns are there. `None` for a CSV of classes.
fn format(file: &Table<'_>, options: &OpenOptions<'_>) -> Option<LabelFormat> {
    if rsna::has_classes(file) {
        return None;
    }
    if options.findings.format.is_some() {
        return options.findings.format;
    }
    let of_format = |format: &LabelFormat| match format {
        LabelFormat::Nih => nih::is_format(file),
        LabelFormat::CheXpert => chexpert::is_format(file),
        LabelFormat::Mimic => mimic::is_format(file),
        LabelFormat::PadChest => padchest::is_format(file),
        LabelFormat::VinDr => vindr::is_format(file),
        LabelFormat::Rsna => rsna::is_format(file),
        LabelFormat::Csv => csv::is_format(file, options),
    };
    LabelFormat::ALL.into_iter().find(of_format)
}

fn read(file: &Table<'_>, format: LabelFormat, options: &OpenOptions<'_>) -> Result<LabelTable, Error> {
    match format {
        LabelFormat::Nih => nih::read(file),
        LabelFormat::CheXpert => chexpert::read(file),
        LabelFormat::Mimic => mimic::read(file),
        LabelFormat::PadChest => padchest::read(file),
        LabelFormat::VinDr => vindr::read(file, options.findings.readers),
        LabelFormat::Rsna => rsna::read(file),
        LabelFormat::Csv => csv::read(file, options),
    }
}

/// Sets the groups of the column that a rule names. Otherwise images are grouped by patient, where the format knows patients.
fn set_groups(labels: &mut LabelTable, path: &Path, rule: &GroupRule) -> Result<(), Error> {
    let GroupRule::Column(column) = rule else { return Ok(()) };
    if labels.group_column.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(column)) {
        return Ok(());
    }
    let place = labels.attributes.iter().position(|name| name.eq_ignore_ascii_case(column));
    let unknown = || Error::NoColumns { path: path.to_owned(), column: column.clone() };
    let place = place.ok_or_else(unknown)?;
    for row in &mut labels.rows {
        row.group = Some(row.attributes[place].clone()).filter(|group| !group.is_empty());
    }
    Ok(())
}

/// Names of columns that a table of predictions has besides its labels.
const RESERVED: [&str; 4] = ["path", "predicted", "group", "note"];

/// Refuses labels that a table of predictions cannot hold: those called like its other columns, and lists of labels.
fn check_names(labels: &[ClassName], path: &Path) -> Result<(), Error> {
    let is_taken = |label: &&ClassName| {
        let label = label.label.as_str();
        RESERVED.contains(&label) || label.starts_with("p_") || label.contains('|')
    };
    let refused = |problem| Err(Error::Csv { path: path.to_owned(), problems: Problems::one(1, problem) });
    let mut seen = HashSet::new();
    if let Some(label) = labels.iter().find(|label| !seen.insert(label.label.as_str())) {
        return refused(format!("label {} is there twice", csv_file::shown(&label.label)));
    }
    match labels.iter().find(is_taken) {
        Some(label) => {
            let problem = format!(
                "a label cannot be called {}: predictions have the columns {} and `p_LABEL`, and join labels by `|`; `--labels \
                 NAME=COLUMN` gives it another name",
                csv_file::shown(&label.label),
                RESERVED.map(csv_file::shown).join(", ")
            );
            refused(problem)
        }
        None => Ok(()),
    }
}

/// Removes rows that say again what another row of the same image says, and counts them.
///
/// # Errors
/// Rows of one image that say something else.
fn remove_repeated(labels: &mut LabelTable, path: &Path) -> Result<usize, Error> {
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(labels.rows.len());
    let (mut repeated, mut problems) = (Vec::new(), Problems::default());
    for (at, row) in labels.rows.iter().enumerate() {
        match first.entry(&row.name) {
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
            Entry::Occupied(entry) => match difference(&labels.rows[*entry.get()], row, &labels.labels) {
                None => repeated.push(at),
                Some(difference) => {
                    let (name, line) = (csv_file::shown(&row.name), labels.rows[*entry.get()].line);
                    problems.add(
                        row.line,
                        format!("{name} is in line {line} already, with another {difference}"),
                    );
                }
            },
        }
    }
    if problems.count > 0 {
        return Err(Error::Csv { path: path.to_owned(), problems });
    }
    let mut at = 0;
    labels.rows.retain(|_| {
        at += 1;
        repeated.binary_search(&(at - 1)).is_err()
    });
    Ok(repeated.len())
}

/// Names what two rows of one image say differently.
fn difference(first: &LabelRow, second: &LabelRow, labels: &[String]) -> Option<String> {
    let marks = first.marks.iter().zip(&second.marks);
    let label = labels.iter().zip(marks).find(|(_, (first, second))| first != second);
    match label {
        Some((label, _)) => Some(format!("`{label}`")),
        None if first.group != second.group => Some("patient or group".to_owned()),
        None => (first.part != second.part || first.fold != second.fold).then(|| "part".to_owned()),
    }
}

/// Finds the file of every row.
fn paths(
    rows: &[LabelRow],
    path: &Path,
    options: &FindingOptions,
    observer: &dyn FileObserver,
) -> Result<Vec<PathBuf>, Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if !options.look_for_images {
        observer.listed(rows.len());
        return Ok(rows.iter().map(|row| folder.join(&row.name)).collect());
    }
    let mut finder = locate::Finder::new(folder, rows.iter().map(|row| row.name.as_str()));
    let found: Vec<Option<PathBuf>> = rows
        .iter()
        .map(|row| {
            observer.listed(1);
            finder.find(&row.name)
        })
        .collect();
    let lacking = rows.iter().zip(&found).filter(|(_, found)| found.is_none());
    let missing = lacking.clone().count();
    if missing > 0 {
        let first = lacking.take(NAMED).map(|(row, _)| row.name.clone()).collect();
        return Err(Error::MissingImages { path: path.to_owned(), missing, images: rows.len(), first });
    }
    Ok(found.into_iter().flatten().collect())
}

/// Returns the labels that are asked for, with the columns or findings that they are called in the file.
fn wanted<'a>(options: &OpenOptions<'a>) -> Option<&'a [ClassName]> {
    match options.classes {
        // Those of a model, or of the data set that this one belongs to.
        Classes::Exactly(labels) | Classes::Among(labels) => Some(labels),
        Classes::All | Classes::Named(_) => options.findings.labels.as_deref().or(options.classes.named()),
    }
}

/// Finds a label by its name in the file, in any Unicode form.
fn position(labels: &[String], name: &str) -> Option<usize> {
    let exactly = labels.iter().position(|label| label == name);
    exactly.or_else(|| labels.iter().position(|label| is_same_text(label, name)))
}

#[cfg(test)]
mod tests;
