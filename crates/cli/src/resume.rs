//! Flag `train --resume`: the run's own settings are added after the user's flags, and refused if the two differ.
//!
//! A run's folder may come from anyone. From the paths in its `run.json` images are read, and refused unless they have the run's
//! fingerprint; a TorchScript file, which can run code, is loaded only if the user names it; and a cache is used only below the
//! working folder or the run's own. `--trust` says that the user knows the run's origin.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use base::shown;
use clap::ArgMatches;
use experiment::{LAST, Run, RunRecord, RunStatus};
use metrics::Calibration;
use model::Checkpoint;
use serde_json::Value;
use train::FitConfig;

use crate::{
    args::{ClassList, TrainArgs},
    files,
    output::Output,
    recipe, rules,
    settings::names::{Values, is_given, is_setting},
    status::hinted,
    train::is_default_weights,
};

/// Settings that may differ between the sessions of a run: they do not change its result, or only what would have ended it.
const FREE: [&str; 5] = ["cache", "cache-limit", "checkpoint-every", "on-non-finite", "recipe"];

/// Settings that name places of images, which may have moved: a fingerprint tells if the images are the same.
const PLACES: [&str; 2] = ["data", "test-data"];

/// Reads the values of the settings of the run to resume, without those that the user gave as flags.
pub(crate) fn values(folder: &Path, args: &TrainArgs, given: &ArgMatches, output: &Output) -> Result<Values> {
    let record = open(folder)?.record;
    let mut values = Values::new();
    for (key, value) in &record.settings {
        // The test set is searched beside the data set's new place, or in it.
        let is_left_behind = key == "test-data"
            && is_given(given, "data")
            && value.as_str().is_some_and(|path| !Path::new(path).exists());
        if is_left_behind || is_given(given, key) || !is_setting(key) || key == "recipe" {
            continue;
        }
        if args.trust || is_usable(folder, key, value, output)? {
            values.extend(self::value(&record, key, value).map(|text| (key.clone(), text)));
        }
    }
    if let Some(more) = args.extend_epochs {
        if is_given(given, "epochs") {
            return Err(hinted(
                "`--epochs` does not go with `--extend-epochs`",
                "leave `--epochs` out: the run is trained for so many epochs more",
            ));
        }
        values.insert("epochs".to_owned(), record.epochs_run.saturating_add(more).to_string());
    }
    Ok(values)
}

/// Makes the error of a run whose settings are refused.
pub(crate) fn refused(folder: &Path, reason: &str) -> anyhow::Error {
    hinted(
        format!("the settings in `{}`: {reason}", folder.join("run.json").display()),
        "this version of Thorax cannot go on with the run",
    )
}

/// Opens the run in a folder.
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

/// Tells if a stored setting can be used by a user who has not named it. A setting that cannot, but has a default, is reported.
///
/// # Errors
/// A TorchScript file that would be loaded.
fn is_usable(run: &Path, key: &str, value: &Value, output: &Output) -> Result<bool> {
    let Some(path) = value.as_str().filter(|path| *path != "none").map(Path::new) else { return Ok(true) };
    match key {
        "backbone" | "weights" => {
            // A run's checkpoint holds the network itself, and the weights that are fetched are checked by their sum.
            if run.join(LAST).exists() || is_default_weights(path) {
                return Ok(true);
            }
            let (run, path) = (run.display(), path.display());
            Err(hinted(
                format!(
                    "the run in `{run}` begins with `{path}`, a TorchScript file, which can run code of whoever wrote it, \
                     and only its `run.json` names it"
                ),
                format!("if you trust the file, name it yourself, `--{key} FILE`, or add `--trust`"),
            ))
        }
        "cache" => {
            let is_below = files::lies_below(path, &[run, Path::new(".")])?;
            if !is_below {
                output.warn(format!(
                    "the run's cache, `{}`, lies elsewhere and is not used: name it with `--cache`, or add `--trust`",
                    path.display()
                ));
            }
            Ok(is_below)
        }
        _ => Ok(true),
    }
}

/// Converts a stored setting to the form that its flag takes; `None` where leaving it out means the same.
fn value(record: &RunRecord, key: &str, value: &Value) -> Option<String> {
    let settings = &record.settings;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let words = match (key, value) {
        ("cache", Value::Null) => "none".to_owned(),
        (_, Value::Null | Value::Bool(false)) => return None,
        (_, Value::Bool(true)) => String::new(),
        // The data set's own test images are found again with it.
        ("test-data", value) if Some(value) == settings.get("data") => return None,
        ("data" | "test-data", Value::String(path)) => as_given(record, key, path),
        // The head's rate is the default, and some models do not take the flag.
        ("base-learning-rate", value) if Some(value) == settings.get("learning-rate") => return None,
        (_, Value::Array(values)) if values.is_empty() => return None,
        (_, Value::Array(values)) => {
            let words = recipe::file::list(&values.iter().filter_map(text).collect::<Vec<_>>());
            // A label of a CSV such as `a=b` cannot have been given as a flag: all classes were taken.
            let is_same =
                |ClassList(classes): ClassList| classes.iter().map(|class| &class.label).eq(&record.classes);
            if matches!(key, "classes" | "labels") && !words.parse().is_ok_and(is_same) {
                return None;
            }
            words
        }
        (_, value) => text(value)?,
    };
    Some(words)
}

/// Returns a path in the form that the run was started with, if that still leads to the same place: `predictions.csv` names
/// images by it.
fn as_given(record: &RunRecord, key: &str, stored: &str) -> String {
    let given = record.paths.get(key);
    let same = |path: &&String| std::path::absolute(path).is_ok_and(|path| path == Path::new(stored));
    given.filter(same).cloned().unwrap_or_else(|| stored.to_owned())
}

/// Resumed run, which no other process can train meanwhile.
pub(crate) struct Resumed {
    pub(crate) run: Run,
    /// Last checkpoint; `None` where the run was killed before the first one, and starts anew.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Resumed {
    /// Opens and locks the run in a folder; for a dry run, only opens it.
    pub(crate) fn take(folder: &Path, is_dry: bool) -> Result<Self> {
        let run = if is_dry { Run::open(folder)? } else { Run::resume(folder)? };
        let path = run.file(LAST);
        let mut checkpoint = path.exists().then(|| Checkpoint::read(&path)).transpose()?;
        if let Some(checkpoint) = &mut checkpoint {
            // The calibration was learnt at the end of training, which now continues.
            checkpoint.meta.calibration = Calibration::default();
            // Checkpoints of format 1 do not store the rules of decoding: the run does.
            let spec = &mut checkpoint.meta.spec;
            spec.formats = spec.formats.or_else(|| rules::of_run(&run));
        }
        Ok(Self { run, checkpoint })
    }

    /// Tells if there is nothing left to do.
    pub(crate) fn is_over(&self, args: &TrainArgs) -> Result<bool> {
        let over = matches!(self.run.record.status, RunStatus::EarlyStopped | RunStatus::Completed);
        if args.extend_epochs.is_some() && !over {
            return Err(hinted(
                format!("the run in `{}` is not over", self.run.folder().display()),
                "resume it without `--extend-epochs` first",
            ));
        }
        Ok(over && args.extend_epochs.is_none())
    }

    /// Tells if an earlier version split the data set before it left files out; the resumed run then does the same.
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
            (!free).then(|| format!("  {key}: {}, now {}", told(stored), told(now)))
        };
        let differences: Vec<String> = self.run.record.settings.iter().filter_map(differ).collect();
        if differences.is_empty() {
            return Ok(());
        }
        let hint = match differences.iter().any(|line| line.starts_with("  test-data: ")) {
            true => "name its test images with `--test-data`, or start another run without `--resume`",
            false => "leave these flags out to go on with it, or start another run without `--resume`",
        };
        Err(hinted(
            [vec![format!("the run in `{}` has other settings:", shown(self.run.folder()))], differences]
                .concat(),
            hint,
        ))
    }

    /// Prepares the run for training; `now` is the record of a new run.
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
        record.status = RunStatus::Running;
        record.error = None;
        record.settings = now.settings;
        record.paths = now.paths;
        record.seconds.scan += now.seconds.scan;
        record.seconds.decode += now.seconds.decode;
        if args.extend_epochs.is_some() {
            record.extended_from = Some(record.epochs_run);
        }
        let epochs = checkpoint.as_ref().map(|checkpoint| checkpoint.meta.epoch);
        // True also if the extension itself was interrupted before its first epoch was over.
        config.extended = epochs.is_some() && epochs == record.extended_from;
        output.note(match epochs {
            Some(epochs) => format!("going on after {epochs} whole epochs"),
            None => "nothing was saved yet: beginning anew".to_owned(),
        });
        run.save()?;
        Ok(run)
    }
}

/// Adds the hint how to name the new place of a resumed run's images, if they are gone.
pub(crate) fn moved(error: anyhow::Error, args: &TrainArgs) -> anyhow::Error {
    let (Some(run), Some(data::Error::NoSuchFolder { path } | data::Error::NoSuchFile { path })) =
        (&args.resume, error.downcast_ref())
    else {
        return error;
    };
    let (run, place) = (run.display(), path.display());
    let flag = if *path == args.settings.data { "--data" } else { "--test-data" };
    hinted(
        format!("the images of the run in `{run}` are not in `{place}` any more"),
        format!("name their new place: `thorax train --resume \"{run}\" {flag} FOLDER`"),
    )
}

/// Refuses images that are not the run's. `now` is the record of a new run.
fn check_data(run: &Run, now: &RunRecord) -> Result<()> {
    let then = &run.record;
    let test = |record: &RunRecord| record.test_fingerprint.clone();
    // Runs of earlier versions have no fingerprint of their test images.
    let test_differs = test(then).is_some() && test(then) != test(now);
    if then.data_fingerprint == now.data_fingerprint && !test_differs {
        return Ok(());
    }
    let mut differences =
        vec![format!("the images are not those that the run in `{}` was started with:", shown(run.folder()))];
    for (part, counts) in &then.counts {
        let now = now.counts.get(part);
        for (class, (label, count)) in then.classes.iter().zip(counts).enumerate() {
            let now = now.and_then(|counts| counts.get(class)).copied().unwrap_or(0);
            if now != *count {
                differences.push(format!("  {part}, {label}: {count} images, now {now}"));
            }
        }
    }
    if differences.len() == 1 {
        let part = if test_differs { "test" } else { "training and validation" };
        differences.push(format!("  as many {part} images of each class, but other names or pixels"));
    }
    Err(hinted(differences, "put the data set back as it was, or start another run without `--resume`"))
}

fn told(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        value => value.to_string(),
    }
}
