//! A data set as a CSV: a row an image.
//!
//! The first line names the columns, in any order and in upper or lower case; they are divided by commas, semicolons or tabs,
//! as that line is, or by what a line `sep=` above it says. Names in brackets mean the same; other columns are attributes. Blanks
//! around a value are no part of it. A row that says again what another does counts once.
//!
//! - `path` (`file`, `filename`, `file_name`, `filepath`, `image`, `image_path`, and without any of these `patientid`, since the
//!   RSNA's files are called so): below the CSV's folder, or absolute. Where there is no such file, but one of that name with
//!   an image's extension, that one is meant; so is one whose name is the same in another Unicode form. Where no row's file is
//!   there, paths are read in other ways, the first that finds all of them: with `/` for `\`, without the folders that all begin
//!   with, below a folder above the CSV's, or below the only folder beside it that holds them.
//! - `label` (`class`): the class.
//! - `group` (`patient`, `patient_id`, `patientid`), optional: what no split may part. Empty: a group of its own.
//! - `split` (`set`, `part`), optional: `train` or `training`; `val`, `valid` or `validation`; `test` or `testing`. Empty: left
//!   to the split's rule, or training where other rows are for validation.
//!
//! - `fold`, optional: the fold of a cross-validation, counted from 1.
//!
//! [`write`](fn@write) writes what [`open`](crate::open) reads.

mod paths;
pub(crate) mod problems;
pub(crate) mod read;
mod write;

use std::path::Path;

use crate::{
    ClassName, Error, FileObserver, GroupRule, Layout, LeftOut, Listing, OpenOptions, Reason, Remark, Sample,
    listing,
};

pub use problems::Problems;
pub(crate) use write::{Record, bytes, check_free, folder_of, holds, records, write_records};
pub use write::{Row, text, write};

/// Returns the paths that a CSV's rows name, as they stand there.
pub(crate) fn paths_in(path: &Path) -> Result<Vec<String>, Error> {
    Ok(read::read(path, None)?.rows.into_iter().map(|row| row.path).collect())
}

/// Lists the rows of a CSV; see the module for its columns.
pub(crate) fn open(
    path: &Path,
    options: &OpenOptions<'_>,
    observer: &dyn FileObserver,
) -> Result<Listing, Error> {
    let column = match options.group {
        GroupRule::Column(column) => Some(column.as_str()),
        _ => None,
    };
    let refused = |problems| Error::Csv { path: path.to_owned(), problems };
    let table = read::read(path, column)?;
    let mut labels: Vec<String> = table.rows.iter().map(|row| row.label.clone()).collect();
    labels.sort_unstable();
    labels.dedup();
    if labels.len() > read::MAX_CLASSES {
        let problem = format!("{} different labels are too many: is another column meant?", labels.len());
        return Err(refused(Problems::one(1, problem)));
    }
    options.classes.check(path, &labels)?;
    let classes: Vec<ClassName> = match options.classes.named() {
        Some(classes) => classes.to_vec(),
        None => labels.iter().map(|label| ClassName::same(label)).collect(),
    };
    let resolved = paths::resolve(path, &table.rows, observer).map_err(refused)?;
    let mut remarks = remarks(&resolved);
    remarks.extend(listing::alike(&labels));
    let (mut samples, mut left_out) = (Vec::new(), Vec::new());
    for (row, file) in resolved.files {
        let row = &table.rows[row];
        match listing::position(&classes, &row.label) {
            Some(label) => {
                let read::Row { path: name, group, part, fold, attributes, .. } = row;
                let (group, fold, attributes) = (group.clone(), fold.clone(), attributes.clone());
                let sample = Sample::new(file, name.clone(), label);
                samples.push(Sample { group, part: *part, fold, attributes, ..sample });
            }
            None => left_out.push(LeftOut { path: file, reason: Reason::NotAClass }),
        }
    }
    samples.sort_by_key(Sample::class);
    Ok(Listing {
        root: path.to_owned(),
        layout: Layout::Csv,
        classes,
        attributes: table.attributes,
        samples,
        left_out,
        ungrouped: 0,
        manifest_sha256: Some(table.sha256),
        remarks,
    })
}

/// Makes the remarks on how rows were understood.
fn remarks(files: &paths::ResolvedPaths) -> Vec<Remark> {
    let mut remarks = Vec::new();
    remarks.extend(files.way.clone().map(|way| Remark::OtherPaths { way }));
    remarks.extend((files.other_form > 0).then_some(Remark::OtherUnicodeForm { files: files.other_form }));
    remarks.extend((files.repeated > 0).then_some(Remark::RepeatedRows { rows: files.repeated }));
    remarks
}

#[cfg(test)]
mod tests;
