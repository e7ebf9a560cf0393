//! Keras, in a Python environment of its own, on the same jobs.

use super::child;
use super::data::Job;
use super::statistics::Round;
use crate::failure::{Advice, fail};
use crate::workspace::{Workspace, shown};
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The environment, set up and complete.
pub(super) struct Peers {
    python: PathBuf,
    script: PathBuf,
}

/// Takes the environment that is there where it is complete and of the same requirements; makes it otherwise.
pub(super) fn set_up(workspace: &Workspace, folder: &Path) -> Result<Peers> {
    let sources = workspace.root().join("xtask/peers");
    let requirements = sources.join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read `{}`", requirements.display()))?;
    let peers = Peers { python: folder.join("bin/python"), script: sources.join("keras_convnet.py") };

    // Written last: with it, the environment is complete.
    let installed = folder.join("installed-requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted)
        && works(&peers.python, &["--version"])
    {
        return Ok(peers);
    }
    if !works("python3", &["--version"]) {
        return Err(fail(
            "no Python: `python3` cannot be run",
            "install Python 3 with venv and pip, or leave out --peers",
        ));
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    let venv = "install Python's venv and pip (on Debian and Ubuntu: apt install python3-venv), or leave out --peers";
    quiet(
        Command::new("python3").args(["-m", "venv"]).arg(folder),
        "Python could not make an environment",
        venv,
    )?;
    let pip =
        "its own words are above; mend pip's set-up or the network and run this again, or leave out --peers";
    quiet(
        Command::new(&peers.python).args(["-m", "pip", "install", "--requirement"]).arg(&requirements),
        "pip could not install the peers",
        pip,
    )?;
    std::fs::write(&installed, wanted).with_context(|| format!("cannot write `{}`", installed.display()))?;
    Ok(peers)
}

impl Peers {
    pub(super) fn run(&self, job: &Job, workers: usize) -> Result<Round> {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg("--data").arg(&job.data).args(["--workers", &workers.to_string()]);
        if let Some(test) = &job.test_data {
            command.arg("--test-data").arg(test);
        }
        if let Some(epochs) = job.epochs {
            command.args(["--epochs", &epochs.to_string(), "--no-early-stopping"]);
        }
        // Tuning of NumPy's OpenBLAS for some other machine is not what Keras' users have.
        command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
        let measured = child::measure(&mut command)?;
        let (seconds, epochs, details) = read(&measured.stdout)?;
        Ok(Round {
            seconds,
            process_seconds: measured.seconds,
            epochs,
            peak_memory_bytes: measured.peak_memory_bytes,
            details,
        })
    }
}

/// The one JSON object that the script prints: seconds without the import, epochs, and the rest as it stands.
fn read(stdout: &str) -> Result<(f64, u64, Map<String, Value>)> {
    let cannot = || format!("the peer's answer is not one JSON object: `{}`", stdout.trim_end());
    let mut details: Map<String, Value> = serde_json::from_str(stdout).with_context(cannot)?;
    let mut take = |name: &str| details.remove(name).with_context(|| format!("the peer names no `{name}`"));
    let seconds = take("seconds")?.as_f64().context("the peer's `seconds` is no number")?;
    let epochs =
        take("epochs")?.as_u64().filter(|&epochs| epochs > 0).context("the peer's `epochs` is no count")?;
    Ok((seconds, epochs, details))
}

fn works(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// Runs a command of the set-up; what it says goes to stderr, for stdout is the result's.
fn quiet(command: &mut Command, failure: &str, hint: &str) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr())).status();
    let status = status.with_context(|| format!("cannot run `{shown}`"))?;
    if status.success() {
        return Ok(());
    }
    Err(anyhow::anyhow!("`{shown}` ended with {status}").context(Advice::new(failure, hint)))
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

    #[test]
    fn a_failing_set_up_says_what_to_do() {
        let error = quiet(Command::new("python3").args(["-c", "raise SystemExit(4)"]), "no luck", "try `x`");
        let text = crate::failure::render(&error.expect_err("it fails"));
        assert!(text.starts_with("error: no luck\n  caused by: `python3 -c"), "{text}");
        assert!(text.ends_with("ended with exit status: 4\n\nhint: try `x`\n"), "{text}");
    }
}
