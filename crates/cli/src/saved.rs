//! Checkpoint and run that `--saved` names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base::csv_text::without_byte_order_mark;
use data::{Formats, OutputKind};
use experiment::{BEST, Run};
use model::{Checkpoint, Classifier, PrecisionChoice};

use crate::{args::ComputeArgs, compute, output::Output, rules::Rules, status::hinted};

/// Folder of runs, and below it the file that names the last run started.
pub(crate) const RUNS: &str = "data/runs";
pub(crate) const LATEST: &str = "data/runs/latest";

/// Largest size of that file, in bytes: paths are no longer than 4096.
const LONGEST_PATH: u64 = 1 << 13;
/// Makes the folder that runs go to.
pub(crate) fn make_runs_folder() -> Result<()> {
    Ok(data::create_output_folder(Path::new(RUNS), OutputKind::Runs)?)
}

/// Names a run as the last one that was started. The run is complete without that: an error is a warning.
pub(crate) fn name_as_latest(run: &Run, output: &Output) {
    let named = make_runs_folder().and_then(|()| Ok(run.name_as_latest(Path::new(LATEST))?));
    if let Err(error) = named {
        output.warn(format!(
            "`{LATEST}` cannot name this run, so that it is to be named with `--saved`: {error:#}"
        ));
    }
}

/// Warning for a TorchScript module that is not the fetched and checked one.
pub(crate) const RUNS_CODE: &str =
    "this model holds a TorchScript module, which runs code of whoever wrote it";

/// Saved model: its file, and its run where there is one.
pub(crate) struct Saved {
    pub(crate) checkpoint: PathBuf,
    pub(crate) run: Option<Run>,
    /// True where the user named the model, false for the latest run.
    named: bool,
}

/// Saved model in memory.
pub(crate) struct LoadedModel {
    pub(crate) classifier: Classifier,
    /// Epoch of its weights, from 1.
    pub(crate) epoch: u64,
    /// Rules that its images are decoded by.
    pub(crate) rules: Rules,
}

impl Saved {
    /// Reads the model, to compute as the flags say and to decode by its own rules, or by `formats` where the user names some.
    pub(crate) fn load(
        &self,
        compute: &ComputeArgs,
        precision: Option<PrecisionChoice>,
        formats: Option<Formats>,
        output: &Output,
    ) -> Result<LoadedModel> {
        let mut checkpoint = Checkpoint::read(&self.checkpoint)?;
        let device = compute.device.resolve()?;
        let stored = checkpoint.meta.spec.precision;
        checkpoint.meta.spec.precision = compute::precision(precision, stored, device, output);
        if checkpoint.backbone.is_some() {
            if !self.named {
                let path = self.checkpoint.display();
                return Err(hinted(
                    format!("`{path}` holds a TorchScript module, which can run code of whoever wrote it"),
                    format!("if you trust it, name it yourself: `--saved {path}`"),
                ));
            }
            output.warn(RUNS_CODE);
        }
        let file = self.checkpoint.display().to_string();
        let stored = checkpoint.meta.spec.formats;
        let rules = Rules::settle(&file, stored, self.run.as_ref(), formats, output);
        checkpoint.meta.spec.formats = Some(rules.formats);
        let classifier = Classifier::from_checkpoint(&checkpoint, &self.checkpoint, device)?;
        Ok(LoadedModel { classifier, epoch: checkpoint.meta.epoch, rules })
    }
}

/// Finds a checkpoint file or a run's folder (its best weights); without a path, the latest run.
pub(crate) fn find(path: Option<&Path>) -> Result<Saved> {
    let named = path.is_some();
    let path = match path {
        Some(path) => path.to_owned(),
        None => latest()?,
    };
    if path.is_dir() {
        let checkpoint = path.join(BEST);
        if !checkpoint.exists() {
            let what = if path.join("run.json").exists() { "the run in" } else { "the folder" };
            return Err(hinted(
                format!("{what} `{}` holds no `{BEST}`", path.display()),
                match named {
                    true => "name the folder of a run that finished at least one epoch",
                    false => {
                        "it is the latest run: name one that finished at least one epoch with `--saved RUN`"
                    }
                },
            ));
        }
        return Ok(Saved { checkpoint, run: Run::open(&path).ok(), named });
    }
    if !path.exists() {
        return Err(hinted(
            format!("there is no saved model `{}`", path.display()),
            "name a checkpoint file or a run's folder; without a path the latest run is meant",
        ));
    }
    let run = path.parent().and_then(|folder| Run::open(folder).ok());
    Ok(Saved { checkpoint: path, run, named })
}

/// Returns the latest run's folder.
pub(crate) fn latest() -> Result<PathBuf> {
    let text = match base::read_text(Path::new(LATEST), LONGEST_PATH) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(hinted(
                "no model has been trained here yet",
                "run `thorax train`, or name a checkpoint",
            ));
        }
        text => text.with_context(|| format!("cannot read `{LATEST}`"))?,
    };
    let path = without_byte_order_mark(&text).trim_end_matches(['\r', '\n']);
    let path = PathBuf::from(path);
    if !path.exists() {
        return Err(hinted(format!("the latest run, `{}`, is gone", path.display()), "name another run"));
    }
    Ok(path)
}
