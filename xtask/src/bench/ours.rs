//! Runs of `thorax` as a user would start them, with the figures from their folders.

use super::child;
use super::job::Job;
use super::statistics::{Round, median};
use crate::failure::fail;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Release build of `thorax`.
pub(super) struct Thorax {
    program: PathBuf,
    scratch: PathBuf,
}

impl Thorax {
    pub(super) fn new(target: &Path) -> Result<Self> {
        let program = target.join("release").join(format!("thorax{}", std::env::consts::EXE_SUFFIX));
        let scratch = target.join("bench");
        if !program.is_file() {
            let message = format!("the build left no `{}`", program.display());
            return Err(fail(
                message,
                "unset what sends cargo's output elsewhere, such as CARGO_BUILD_TARGET",
            ));
        }
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make `{}`", scratch.display()))?;
        Ok(Self { program, scratch })
    }

    /// Folder that sample images and runs are kept in.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Makes a command that runs in the scratch folder, so that the user's `data/runs/latest` stays unchanged.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.scratch);
        command
    }

    pub(super) fn sample(
        &self,
        out: &Path,
        count: usize,
        test_per_class: usize,
        image_size: usize,
    ) -> Result<()> {
        let mut command = self.command();
        command.args(["data", "sample", "--out"]).arg(out);
        command.args(["--count", &count.to_string(), "--test-per-class", &test_per_class.to_string()]);
        command.args(["--image-size", &image_size.to_string()]);
        crate::workspace::step(command.stdout(Stdio::from(std::io::stderr())))
    }

    /// Runs the job once; its folder is kept until the next run of this job. Decoded images are not kept, unless there is a
    /// cache.
    pub(super) fn run(&self, job: &Job, cache: Option<&Path>) -> Result<Round> {
        let out = self.scratch.join("runs").join(job.name);
        if out.exists() {
            std::fs::remove_dir_all(&out).with_context(|| format!("cannot remove `{}`", out.display()))?;
        }
        let mut command = self.command();
        // Keras writes no page.
        command
            .args(["train", "--quiet", "--json", "--no-report", "--data"])
            .arg(&job.data)
            .arg("--out")
            .arg(&out);
        command.arg("--cache").arg(cache.unwrap_or(Path::new("none")));
        if let Some(test) = &job.test_data {
            command.arg("--test-data").arg(test);
        }
        if let Some(epochs) = job.epochs {
            command.args(["--epochs", &epochs.to_string(), "--patience", "1000000"]);
        }
        let measured = child::measure(&mut command)?;
        let text = |name: &str| {
            let path = out.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
        };
        let test = if job.test_data.is_some() { Some(text("test.json")?) } else { None };
        let (epochs, details) = read(&text("run.json")?, test.as_deref(), &text("history.csv")?)
            .with_context(|| format!("`{}` is not what a run leaves", out.display()))?;
        Ok(Round {
            seconds: measured.seconds,
            process_seconds: measured.seconds,
            epochs,
            peak_memory_bytes: measured.peak_memory_bytes,
            details,
        })
    }
}

/// Reads epochs and figures from a run's files.
fn read(run: &str, test: Option<&str>, history: &str) -> Result<(u64, Map<String, Value>)> {
    let run: Value = serde_json::from_str(run).context("cannot read run.json")?;
    let epochs =
        run["epochs_run"].as_u64().filter(|&epochs| epochs > 0).context("run.json names no epochs_run")?;
    let decode = run["seconds"]["decode"].as_f64().context("run.json names no seconds.decode")?;
    let counts = run["counts"].as_object().context("run.json names no counts")?;
    let images: u64 = counts.values().filter_map(Value::as_array).flatten().filter_map(Value::as_u64).sum();

    let test: Option<Value> = test.map(serde_json::from_str).transpose().context("cannot read test.json")?;
    let accuracy = |model: &str| test.as_ref().map_or(Value::Null, |test| test[model]["accuracy"].clone());

    // The first epoch is a warm-up: memory is allocated and kernels are chosen in it.
    let times = epoch_seconds(history)?;
    let later = if times.len() > 1 { &times[1..] } else { &times[..] };

    let mut details = Map::new();
    details.insert("status".into(), run["status"].clone());
    details.insert("accuracy".into(), json!({"saved": accuracy("saved"), "final": accuracy("final")}));
    details.insert("parts".into(), run["seconds"].clone());
    details.insert("epoch_seconds".into(), json!(median(later.iter().copied())));
    details.insert("decoded_images_per_second".into(), json!((decode > 0.0).then(|| images as f64 / decode)));
    details.insert("threads".into(), run["threads"].clone());
    details.insert("precision".into(), run["settings"]["precision"].clone());
    details.insert("versions".into(), run["versions"].clone());
    Ok((epochs, details))
}

/// Reads the column `seconds` of `history.csv`, found by its name: columns are only ever added. No field of it is quoted.
fn epoch_seconds(history: &str) -> Result<Vec<f64>> {
    let mut lines = history.lines();
    let header = lines.next().context("history.csv is empty")?;
    let column =
        header.split(',').position(|name| name == "seconds").context("history.csv has no `seconds`")?;
    lines
        .map(|line| {
            let field = line.split(',').nth(column).and_then(|field| field.parse().ok());
            field.with_context(|| format!("history.csv holds no number in `{line}`"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{
        "status": "early_stopped", "epochs_run": 3, "threads": 2, "settings": {"precision": "f32"},
        "counts": {"training": [80, 100], "validation": [20, 25], "test": [5, 10]},
        "versions": {"thorax": "0.1.0", "libtorch": "2.13.0"},
        "seconds": {"scan": 0.1, "decode": 0.5, "fit": 3.0, "test": 0.2, "total": 4.0}
    }"#;
    const TEST: &str = r#"{"saved": {"accuracy": 0.9}, "final": {"accuracy": 0.8}}"#;
    const HISTORY: &str = "epoch,loss,seconds,later\n1,0.5,9.0,x\n2,0.4,1.0,x\n3,0.3,2.0,x\n";

    #[test]
    fn a_runs_files_are_read() {
        let (epochs, details) = read(RUN, Some(TEST), HISTORY).expect("they are as they should be");
        assert_eq!(epochs, 3);
        assert_eq!(details["accuracy"], json!({"saved": 0.9, "final": 0.8}));
        assert_eq!(details["epoch_seconds"], json!(1.5));
        assert_eq!(details["decoded_images_per_second"], json!(480.0));
        assert_eq!(details["parts"]["fit"], json!(3.0));
        assert_eq!(details["versions"]["libtorch"], json!("2.13.0"));
    }

    #[test]
    fn a_run_without_a_test_or_with_one_epoch_is_read_too() {
        let (_, details) = read(RUN, None, "epoch,seconds\n1,9.0\n").expect("they are as they should be");
        assert_eq!(details["accuracy"], json!({"saved": null, "final": null}));
        assert_eq!(details["epoch_seconds"], json!(9.0));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |run: &str, history: &str| read(run, None, history).expect_err("it is wrong").to_string();
        assert_eq!(error("{}", HISTORY), "run.json names no epochs_run");
        assert_eq!(error(r#"{"epochs_run": 0}"#, HISTORY), "run.json names no epochs_run");
        assert_eq!(error("{", HISTORY), "cannot read run.json");
        assert_eq!(error(RUN, "epoch\n1\n"), "history.csv has no `seconds`");
        assert_eq!(error(RUN, "epoch,seconds\n1,soon\n"), "history.csv holds no number in `1,soon`");
    }
}
