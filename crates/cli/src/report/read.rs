//! A run's files as what its page is made of.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use experiment::{HISTORY, PREDICTIONS, PredictionTable, Run, Status, TestRecord, read_history};
use report::{Epoch, Report, Set, Test};
use serde_json::Value;

use super::{AUDIT, convert, pictures};
use crate::status::{COPY_AGAIN, hinted};

/// Reads all of it; `images` says whether pictures are wanted.
pub(super) fn report(run: &Run, images: bool) -> Result<Report> {
    let record = &run.record;
    let history = history(run)?;
    let tests = run.tests()?;
    let test = match &tests {
        Some(tests) => Some(test(run, tests, images)?),
        None => None,
    };
    let audit = object(&run.file(AUDIT))?;
    let sets = ["training", "validation", "test"]
        .into_iter()
        .filter_map(|name| Some(Set { name: name.to_owned(), counts: record.counts.get(name)?.clone() }));
    Ok(Report {
        name: name(run.folder()),
        status: status(record.status).to_owned(),
        synthetic: record.synthetic,
        classes: record.classes.clone(),
        sets: sets.collect(),
        class_weights: record.class_weights.clone(),
        history,
        best_epoch: record.best_epoch,
        settings: record.settings.iter().map(|(name, value)| (name.clone(), convert::words(value))).collect(),
        skipped: record.skipped.clone(),
        test,
        temperature: record.calibration.get("saved").and_then(convert::temperature),
        audit: audit.as_ref().map(convert::audit),
        seconds: convert::seconds(&record.seconds),
        threads: record.threads,
        versions: record.versions.iter().map(|(name, version)| (name.clone(), version.clone())).collect(),
        data_fingerprint: record.data_fingerprint.clone(),
        manifest_sha256: record.manifest_sha256.clone(),
        layout: record.layout.clone(),
    })
}

fn history(run: &Run) -> Result<Vec<Epoch>> {
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
    Ok(rows
        .into_iter()
        .map(|row| Epoch {
            epoch: row.epoch,
            loss: row.loss,
            accuracy: row.accuracy,
            val_loss: row.val_loss,
            val_accuracy: row.val_accuracy,
        })
        .collect())
}

fn test(run: &Run, tests: &TestRecord, images: bool) -> Result<Test> {
    let path = run.file(PREDICTIONS);
    let predicted = if path.exists() { Some(PredictionTable::read(&path).map_err(damaged)?) } else { None };
    if let Some(set) = &predicted {
        check(run, tests, set, &path)?;
    }
    let epoch = run.record.best_epoch.map_or("none".to_owned(), |epoch| format!("epoch {epoch}"));
    let scores = predicted.as_ref().map(PredictionTable::scores);
    let wanted = scores.as_ref().map(report::Cases::of).unwrap_or_default();
    let place = pictures::Place::of(run);
    let paths = predicted.as_ref().map_or(&[][..], |set| &set.images);
    let pictures = images.then(|| pictures::read(&place, paths, &wanted.all()));
    Ok(Test {
        saved: convert::figures(format!("saved ({epoch})"), &tests.saved),
        last: convert::figures(format!("final (epoch {})", run.record.epochs_run), &tests.last),
        names: paths.iter().map(|image| place.name(&image.path)).collect(),
        scores,
        pictures,
        occluded: convert::occluded(&tests.occluded),
    })
}

/// Predictions of another run would give curves that do not belong to the figures.
fn check(run: &Run, tests: &TestRecord, set: &PredictionTable, path: &Path) -> Result<()> {
    let problem = if set.classes != run.record.classes {
        "is of other classes than the run".to_owned()
    } else if set.images.len() != tests.saved.images {
        format!("holds {} images and the run was tested on {}", set.images.len(), tests.saved.images)
    } else {
        return Ok(());
    };
    let again = format!("put the run's own file there again, or train again: `{}`", run.folder().display());
    Err(hinted(format!("`{}` {problem}", path.display()), again))
}

/// A CSV that is not a run's own, with what mends it.
fn damaged(error: experiment::Error) -> anyhow::Error {
    match &error {
        experiment::Error::Csv { .. } => hinted(error.to_string(), COPY_AGAIN),
        _ => error.into(),
    }
}

/// A JSON file's value, if there is one.
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

/// A folder's own name, also where it is named as `.`.
fn name(folder: &Path) -> String {
    let absolute = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    absolute
        .file_name()
        .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Running => "still running, or killed",
        Status::EarlyStopped => "stopped early",
        Status::Completed => "all epochs run",
        Status::Interrupted => "interrupted",
        Status::Failed => "failed",
    }
}
