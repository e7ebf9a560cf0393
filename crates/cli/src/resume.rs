//! `train --resume`: a run's own settings put behind the user's flags, and refused where the two differ.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::CommandFactory as _;
use model::{Calibration, Checkpoint};
use serde_json::Value;
use train::{FitConfig, LAST, Run, RunRecord, Status};

use crate::{
    args::{ClassList, Cli, TrainArgs},
    output::Output,
    recipe::{self, NO_SETTING, given},
    status::hinted,
};

/// Settings that may be others in each part of a run: they change nothing of what comes out, or only what would have ended it.
const FREE: [&str; 4] = ["cache", "checkpoint-every", "on-non-finite", "recipe"];

/// Settings that name where images lie: they may have been moved, since their fingerprint says whether they are the same.
const PLACES: [&str; 2] = ["data", "test-data"];

/// The command line with the settings of the run that is to be resumed, those excepted that the user gave as flags; nothing
/// where none is. `command_line` was parsed before.
pub(crate) fn expand(command_line: &[OsString]) -> Result<Option<Vec<OsString>>> {
    let matches = Cli::command().try_get_matches_from(command_line)?;
    let Some(train) = matches.subcommand_matches("train") else { return Ok(None) };
    let Some(folder) = train.get_one::<PathBuf>("resume") else { return Ok(None) };
    let record = open(folder)?.record;
    let mut expanded = command_line.to_vec();
    for (key, value) in &record.settings {
        let extended = key == "epochs" && train.contains_id("extend_epochs");
        // It is looked for beside the data set's new place, or in it.
        let is_left_behind = key == "test-data"
            && given(train, "data")
            && value.as_str().is_some_and(|path| !Path::new(path).exists());
        if is_left_behind {
            continue;
        }
        if known(key) && !extended && !given(train, key) {
            expanded.extend(argument(&record, key, value));
        }
    }
    if let Some(more) = train.get_one::<u64>("extend_epochs") {
        expanded.push(format!("--epochs={}", record.epochs_run.saturating_add(*more)).into());
    }
    recipe::check(&expanded).map_err(|reason| {
        hinted(
            format!("the settings in `{}`: {reason}", folder.join("run.json").display()),
            "this version of Thorax cannot go on with the run",
        )
    })?;
    Ok(Some(expanded))
}

/// The run in a folder.
fn open(folder: &Path) -> Result<Run> {
    if !folder.join("run.json").exists() {
        return Err(hinted(
            format!("`{}` holds no run", folder.display()),
            "name a run's folder; the file `data/runs/latest` says which was started last",
        ));
    }
    let run = Run::open(folder)?;
    if run.record.settings.contains_key("fold") {
        return Err(hinted(
            format!("the run in `{}` is a fold of a cross-validation", folder.display()),
            "go on with all of it: `thorax cross-validate` with its folder as `--out`",
        ));
    }
    Ok(run)
}

/// Whether this is a flag of `train` that stands for a setting.
fn known(key: &str) -> bool {
    let command = Cli::command();
    let train = command.find_subcommand("train");
    train.is_some_and(|train| train.get_arguments().any(|flag| flag.get_long() == Some(key)))
        && !NO_SETTING.contains(&key)
}

/// A stored setting as a flag; nothing where leaving it out means the same.
fn argument(record: &RunRecord, key: &str, value: &Value) -> Option<OsString> {
    let settings = &record.settings;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let words = match (key, value) {
        ("cache", Value::Null) => "none".to_owned(),
        (_, Value::Null | Value::Bool(false)) => return None,
        (_, Value::Bool(true)) => return Some(format!("--{key}").into()),
        // The data set's own test images are found again with it.
        ("test-data", value) if Some(value) == settings.get("data") => return None,
        ("data" | "test-data", Value::String(path)) => as_given(record, key, path),
        // The same as the head's is what is meant without it, and some models take none.
        ("base-learning-rate", value) if Some(value) == settings.get("learning-rate") => return None,
        (_, Value::Array(values)) => {
            let words = recipe::file::list(&values.iter().filter_map(text).collect::<Vec<_>>());
            // A label of a CSV such as `a=b` cannot have been given as a flag: then all classes were taken.
            let is_same =
                |ClassList(classes): ClassList| classes.iter().map(|class| &class.label).eq(&record.classes);
            if key == "classes" && !words.parse().is_ok_and(is_same) {
                return None;
            }
            words
        }
        (_, value) => text(value)?,
    };
    Some(format!("--{key}={words}").into())
}

/// A path as the run was started with it, if that still leads there: `predictions.csv` names images by it.
fn as_given(record: &RunRecord, key: &str, stored: &str) -> String {
    let given = record.paths.get(key);
    let same = |path: &&String| std::path::absolute(path).is_ok_and(|path| path == Path::new(stored));
    given.filter(same).cloned().unwrap_or_else(|| stored.to_owned())
}

/// A run that is gone on with: no other process can train it.
pub(crate) struct Resumed {
    pub(crate) run: Run,
    /// What it was saved as last; nothing where it was killed before that, and begins anew.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Resumed {
    /// Takes the run in a folder.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let run = Run::resume(folder)?;
        let path = run.file(LAST);
        let mut checkpoint = path.exists().then(|| Checkpoint::read(&path)).transpose()?;
        if let Some(checkpoint) = &mut checkpoint {
            // It was learnt when training was over, which it is no longer.
            checkpoint.meta.calibration = Calibration::default();
        }
        Ok(Self { run, checkpoint })
    }

    /// Whether there is nothing left to do.
    pub(crate) fn is_over(&self, args: &TrainArgs) -> Result<bool> {
        let over = matches!(self.run.record.status, Status::EarlyStopped | Status::Completed);
        if args.extend_epochs.is_some() && !over {
            return Err(hinted(
                format!("the run in `{}` is not over", self.run.folder().display()),
                "resume it without `--extend-epochs` first",
            ));
        }
        Ok(over && args.extend_epochs.is_none())
    }

    /// Whether an earlier version split the data set before it left files out, and so is to be gone on with.
    pub(crate) fn was_split_first(&self) -> bool {
        let record = &self.run.record;
        !record.skipped.is_empty() && !record.skipped_before_split
    }

    /// Refuses settings that are not the run's.
    pub(crate) fn check_settings(&self, now: &BTreeMap<String, Value>, args: &TrainArgs) -> Result<()> {
        let differ = |(key, stored): (&String, &Value)| {
            let extended = args.extend_epochs.is_some() && key == "epochs";
            let now = now.get(key).filter(|now| *now != stored)?;
            let is_moved = PLACES.contains(&key.as_str()) && stored.is_string() && now.is_string();
            let free = extended || is_moved || FREE.contains(&key.as_str());
            (!free).then(|| format!("\n  {key}: {}, now {}", told(stored), told(now)))
        };
        let differences: String = self.run.record.settings.iter().filter_map(differ).collect();
        if differences.is_empty() {
            return Ok(());
        }
        let hint = match differences.contains("\n  test-data: ") {
            true => "name its test images with `--test-data`, or start another run without `--resume`",
            false => "leave these flags out to go on with it, or start another run without `--resume`",
        };
        Err(hinted(
            format!("the run in `{}` has other settings:{differences}", self.run.folder().display()),
            hint,
        ))
    }

    /// The run, ready to be trained on; `now` is what a new one would note.
    pub(crate) fn begin(
        self,
        args: &TrainArgs,
        now: RunRecord,
        config: &mut FitConfig,
        output: &Output,
    ) -> Result<Run> {
        let Self { mut run, checkpoint } = self;
        check_data(&run, &now)?;
        let record = &mut run.record;
        record.status = Status::Running;
        record.error = None;
        record.settings = now.settings;
        record.paths = now.paths;
        record.seconds.scan += now.seconds.scan;
        record.seconds.decode += now.seconds.decode;
        if args.extend_epochs.is_some() {
            record.extended_from = Some(record.epochs_run);
        }
        let epochs = checkpoint.as_ref().map(|checkpoint| checkpoint.meta.epoch);
        // Also where the extension itself was cut off before its first epoch was over.
        config.extended = epochs.is_some() && epochs == record.extended_from;
        output.note(match epochs {
            Some(epochs) => format!("going on after {epochs} whole epochs"),
            None => "nothing was saved yet: beginning anew".to_owned(),
        });
        run.save()?;
        Ok(run)
    }
}

/// Says how to name the new place of a resumed run's images, where they are gone.
pub(crate) fn moved(error: anyhow::Error, args: &TrainArgs) -> anyhow::Error {
    let (Some(run), Some(data::Error::NoSuchFolder { path } | data::Error::NoSuchFile { path })) =
        (&args.resume, error.downcast_ref())
    else {
        return error;
    };
    let (run, place) = (run.display(), path.display());
    let flag = if *path == args.data { "--data" } else { "--test-data" };
    hinted(
        format!("the images of the run in `{run}` are not in `{place}` any more"),
        format!("name their new place: `thorax train --resume \"{run}\" {flag} FOLDER`"),
    )
}

/// Refuses images that are not the run's. `now` is what a new run would note.
fn check_data(run: &Run, now: &RunRecord) -> Result<()> {
    let then = &run.record;
    let test = |record: &RunRecord| record.test_fingerprint.clone();
    // Runs of earlier versions have no fingerprint of their test images.
    let test_differs = test(then).is_some() && test(then) != test(now);
    if then.data_fingerprint == now.data_fingerprint && !test_differs {
        return Ok(());
    }
    let mut differences = String::new();
    for (part, counts) in &then.counts {
        let now = now.counts.get(part);
        for (class, (label, count)) in then.classes.iter().zip(counts).enumerate() {
            let now = now.and_then(|counts| counts.get(class)).copied().unwrap_or(0);
            if now != *count {
                differences.push_str(&format!("\n  {part}, {label}: {count} images, now {now}"));
            }
        }
    }
    if differences.is_empty() {
        let part = if test_differs { "test" } else { "training and validation" };
        differences = format!("\n  as many {part} images of each class, but other names or pixels");
    }
    Err(hinted(
        format!(
            "the images are not those that the run in `{}` was started with:{differences}",
            run.folder().display()
        ),
        "put the data set back as it was, or start another run without `--resume`",
    ))
}

fn told(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        value => value.to_string(),
    }
}
