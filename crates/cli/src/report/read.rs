//! Reader of a run's files for its page.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use experiment::{EpochRow, HISTORY, PREDICTIONS, PredictionTable, Run, TestRecord, read_history};
use report::{AuditSummary, Report, Test};
use serde_json::Value;

use super::{AUDIT, pictures};
use crate::status::{COPY_AGAIN, hinted};

/// Reads everything for the page; with pictures if `images` is true.
pub(super) fn report(run: &Run, images: bool) -> Result<Report> {
    let history = history(run)?;
    let test = match run.tests()? {
        Some(record) => Some(test(run, record, images)?),
        None => None,
    };
    let audit = object(&run.file(AUDIT))?.map(|json| AuditSummary::from_json(&json));
    Ok(Report { name: name(run.folder()), record: run.record.clone(), history, test, audit })
}

fn history(run: &Run) -> Result<Vec<EpochRow>> {
    let path = run.file(HISTORY);
    let rows = if path.exists() { read_history(&path).map_err(damaged)? } else { Vec::new() };
    if rows.is_empty() {
        return Err(hinted(
            format!(
                "the run in `{}` has no history: not one epoch of it was finished",
                run.folder().display()
            ),
            "name the folder of a run that finished at least one epoch",
        ));
    }
    Ok(rows)
}

fn test(run: &Run, record: TestRecord, images: bool) -> Result<Test> {
    let path = run.file(PREDICTIONS);
    let predicted = if path.exists() { Some(PredictionTable::read(&path).map_err(damaged)?) } else { None };
    if let Some(set) = &predicted {
        check(run, &record, set, &path)?;
    }
    let scores = predicted.as_ref().map(|set| set.scores.clone());
    let wanted = scores.as_ref().map(report::Cases::of).unwrap_or_default();
    let place = pictures::TestImages::of(run);
    let paths = predicted.as_ref().map_or(&[][..], |set| &set.images);
    let pictures = images.then(|| pictures::read(&place, paths, &wanted.all()));
    let names = paths.iter().map(|image| place.name(&image.path)).collect();
    let TestRecord { saved, last, occluded } = record;
    Ok(Test { saved, last: Some(last), occluded, scores, names, pictures })
}

/// Checks that predictions are the run's: those of another run give curves that do not belong to the figures.
fn check(run: &Run, tests: &TestRecord, set: &PredictionTable, path: &Path) -> Result<()> {
    let problem = if set.labels() != run.record.classes {
        "is of other classes than the run".to_owned()
    } else if set.images.len() != tests.saved.images {
        format!("holds {} images and the run was tested on {}", set.images.len(), tests.saved.images)
    } else {
        return Ok(());
    };
    let again = format!("put the run's own file there again, or train again: `{}`", run.folder().display());
    Err(hinted(format!("`{}` {problem}", path.display()), again))
}

/// Adds the hint for a CSV that is not a run's own.
fn damaged(error: experiment::Error) -> anyhow::Error {
    match &error {
        experiment::Error::Csv { .. } => hinted(error.to_string(), COPY_AGAIN),
        _ => error.into(),
    }
}

/// Reads a JSON file's value, if the file exists.
fn object(path: &Path) -> Result<Option<Value>> {
    match experiment::read_text(path) {
        Ok(text) => {
            let value = serde_json::from_str(&text)
                .map_err(|source| experiment::Error::NotARecord { path: path.to_owned(), source })?;
            Ok(Some(value))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// Returns a folder's own name, also where it is named as `.`.
fn name(folder: &Path) -> String {
    let absolute = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    absolute
        .file_name()
        .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}
