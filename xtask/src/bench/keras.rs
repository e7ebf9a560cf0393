//! Keras on the jobs of the ConvNet.

use super::child;
use super::environment::Environment;
use super::job::Job;
use super::statistics::Round;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use std::process::Command;

/// Runs a job once, with this many decoding threads.
pub(super) fn run(keras: &Environment, job: &Job, workers: usize) -> Result<Round> {
    let mut command = keras.script("keras_convnet.py");
    command.arg("--data").arg(&job.data).args(["--workers", &workers.to_string()]);
    if let Some(test) = &job.test_data {
        command.arg("--test-data").arg(test);
    }
    if let Some(epochs) = job.epochs {
        command.args(["--epochs", &epochs.to_string(), "--no-early-stopping"]);
    }
    measured(&mut command)
}

/// Runs and measures a script whose output [`read`] parses.
pub(super) fn measured(command: &mut Command) -> Result<Round> {
    let measured = child::measure(command)?;
    let (seconds, epochs, details) = read(&measured.stdout)?;
    Ok(Round {
        seconds,
        process_seconds: measured.seconds,
        epochs,
        peak_memory_bytes: measured.peak_memory_bytes,
        details,
    })
}

/// Parses the one JSON object that the script prints: seconds without the import, epochs, and the rest unchanged.
fn read(stdout: &str) -> Result<(f64, u64, Map<String, Value>)> {
    let cannot = || format!("the peer's answer is not one JSON object: `{}`", stdout.trim_end());
    let mut details: Map<String, Value> = serde_json::from_str(stdout).with_context(cannot)?;
    let mut take = |name: &str| details.remove(name).with_context(|| format!("the peer names no `{name}`"));
    let seconds = take("seconds")?.as_f64().context("the peer's `seconds` is no number")?;
    let epochs =
        take("epochs")?.as_u64().filter(|&epochs| epochs > 0).context("the peer's `epochs` is no count")?;
    Ok((seconds, epochs, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_answer_is_read() {
        let text = r#"{"seconds": 12.5, "epochs": 5, "seconds_import": 4.0, "accuracy": {"saved": 0.9, "final": 0.8}}"#;
        let (seconds, epochs, details) = read(text).expect("it is as it should be");
        assert_eq!((seconds, epochs), (12.5, 5));
        assert_eq!(details["accuracy"]["saved"], serde_json::json!(0.9));
        assert!(!details.contains_key("seconds"), "the round names it");
    }

    #[test]
    fn another_answer_is_an_error() {
        let error = |text: &str| read(text).expect_err("it is wrong").to_string();
        assert_eq!(error("warning: x\n{}\n"), "the peer's answer is not one JSON object: `warning: x\n{}`");
        assert_eq!(error("{}"), "the peer names no `seconds`");
        assert_eq!(error(r#"{"seconds": 1, "epochs": 0}"#), "the peer's `epochs` is no count");
    }
}
