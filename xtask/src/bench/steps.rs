//! Process that times single steps, ours or a peer's: all take the same flags and answer with the same fields.

use super::child;
use super::statistics::{median, spread};
use crate::failure::fail;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Width and height of every image.
pub(super) const IMAGE_SIZE: u32 = 256;

/// Settings that every side measures with.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) threads: usize,
    pub(super) steps: u32,
    pub(super) warmup: u32,
}

impl Settings {
    /// Adds a process' arguments from the second on; the first one names its work.
    pub(super) fn give(&self, command: &mut Command, batch_size: u32) {
        command.args(["--threads", &self.threads.to_string()]);
        command.args(["--steps", &self.steps.to_string(), "--warmup", &self.warmup.to_string()]);
        command.args(["--batch-size", &batch_size.to_string(), "--image-size", &IMAGE_SIZE.to_string()]);
    }
}

/// Program of ours that times steps: an example of the crate `train`.
pub(super) struct Program(PathBuf);

impl Program {
    pub(super) fn new(target: &Path) -> Result<Self> {
        let program = target.join(format!("release/examples/steps{}", std::env::consts::EXE_SUFFIX));
        if program.is_file() {
            return Ok(Self(program));
        }
        let message = format!("the build left no `{}`", program.display());
        Err(fail(
            message,
            "it is the example `steps` of the crate `train`; unset what sends cargo's output elsewhere, such as CARGO_BUILD_TARGET",
        ))
    }

    pub(super) fn command(&self, work: &str, precision: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.args([work, "--precision", precision]);
        command
    }
}

/// Measurement of one process.
#[derive(Deserialize)]
pub(super) struct Round {
    /// Median of its timed steps, which is the result.
    #[serde(rename = "median_seconds")]
    pub(super) seconds: f64,
    #[serde(rename = "min_seconds")]
    least_seconds: f64,
    steps: u64,
    images: u64,
    #[serde(skip)]
    process_seconds: f64,
    #[serde(skip)]
    pub(super) peak_memory_bytes: u64,
    /// Details of this side alone, unchanged, such as versions.
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl Round {
    fn describe(&self) -> Value {
        let mut value = self.details.clone();
        value.insert("seconds".into(), json!(self.seconds));
        value.insert("least_seconds".into(), json!(self.least_seconds));
        value.insert("steps".into(), json!(self.steps));
        value.insert("process_seconds".into(), json!(self.process_seconds));
        value.insert("peak_memory_bytes".into(), json!(self.peak_memory_bytes));
        value.into()
    }
}

/// Runs a process to its end; one of its steps takes a batch of that many images.
pub(super) fn run(command: &mut Command, batch_size: u32) -> Result<Round> {
    let measured = child::measure(command)?;
    let mut round = read(&measured.stdout, batch_size)?;
    round.process_seconds = measured.seconds;
    round.peak_memory_bytes = measured.peak_memory_bytes;
    Ok(round)
}

fn read(stdout: &str, batch_size: u32) -> Result<Round> {
    let round: Round = serde_json::from_str(stdout).with_context(|| unreadable(stdout))?;
    anyhow::ensure!(round.seconds > 0.0 && round.steps > 0, "nothing was timed: `{}`", stdout.trim_end());
    anyhow::ensure!(
        round.images == u64::from(batch_size),
        "a step took {} images, not {batch_size}",
        round.images
    );
    Ok(round)
}

/// Measures the speed of a product of large matrices, in GFLOP/s.
pub(super) fn matrix_product(command: &mut Command) -> Result<f64> {
    #[derive(Deserialize)]
    struct Answer {
        gflops: f64,
    }
    let stdout = child::measure(command)?.stdout;
    let answer: Answer = serde_json::from_str(&stdout).with_context(|| unreadable(&stdout))?;
    Ok(answer.gflops)
}

fn unreadable(stdout: &str) -> String {
    format!("the answer is not the one JSON object that was expected: `{}`", stdout.trim_end())
}

/// Summarises all rounds of one side, with the speed for so many operations a step.
pub(super) fn summary(rounds: &[Round], flop: f64) -> Value {
    let seconds = rounds.iter().map(|round| round.seconds);
    json!({
        "seconds": spread(seconds.clone()),
        "gflops": median(seconds).map(|seconds| flop / seconds / 1e9),
        "peak_memory_bytes": rounds.iter().map(|round| round.peak_memory_bytes).max(),
        "rounds": rounds.iter().map(Round::describe).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let text = r#"{"median_seconds": 1.5, "min_seconds": 1.25, "steps": 10, "images": 15, "versions": {"torch": "2"}}"#;
        let round = read(text, 15).expect("it is as it should be");
        let value = round.describe();
        assert_eq!((&value["seconds"], &value["least_seconds"]), (&json!(1.5), &json!(1.25)));
        assert_eq!((&value["steps"], &value["versions"]["torch"]), (&json!(10), &json!("2")));
        let summary = summary(&[round, read(&text.replace("1.5", "3.5"), 15).expect("so is this")], 5e9);
        assert_eq!(summary["seconds"], json!({"min": 1.5, "median": 2.5}));
        assert_eq!(summary["gflops"], json!(2.0));
    }

    #[test]
    fn another_answer_is_an_error() {
        let error = |text: &str| format!("{:#}", read(text, 15).err().expect("it is wrong"));
        let said = error("warning: x\n{}\n");
        assert!(said.contains("the one JSON object that was expected: `warning: x\n{}`: "), "{said}");
        let said = error("{}");
        assert!(said.contains("missing field `median_seconds`"), "{said}");
        let of = |steps, images| {
            format!(r#"{{"median_seconds": 1, "min_seconds": 1, "steps": {steps}, "images": {images}}}"#)
        };
        assert!(error(&of(0, 15)).starts_with("nothing was timed: "));
        assert_eq!(error(&of(10, 32)), "a step took 32 images, not 15");
    }

    #[test]
    fn a_program_that_is_not_there_says_whose_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Program::new(folder.path()).err().expect("it is not there");
        let text = crate::failure::render(&error);
        assert!(text.contains("release/examples/steps`") && text.contains("of the crate `train`"), "{text}");
    }
}
