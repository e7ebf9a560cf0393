//! `cargo xtask demo`: from a fresh clone to a trained and tested model.
//!
//! Everything runs in the dev profile, the one `cargo xtask test` uses, so that tch's C++ layer compiles once.

use crate::failure::fail;
use crate::fetch;
use crate::workspace::{REAL_DATA, Workspace, step};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Path of the synthetic data set, relative to the root.
const SAMPLE: &str = "data/sample/Phantoms";

/// Descriptions of the files in a run's folder.
const MEANINGS: [(&str, &str); 9] = [
    ("report.html", "the page to begin with: figures, curves, cases, settings, limits"),
    ("plots", "its plots as SVG files"),
    ("run.json", "settings, classes, counts, versions and times of the run"),
    ("history.csv", "loss and accuracy of every epoch"),
    ("best.safetensors", "the saved model: the epoch with the lowest validation loss"),
    ("last.safetensors", "the model after the last epoch, with the optimizer's state"),
    ("test.json", "the test figures of both"),
    ("predictions.csv", "the saved model's probabilities for every test image"),
    ("audit.json", "what the data audit found"),
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let start = Instant::now();
    fetch::needed(workspace)?;
    eprintln!("compiling: the first build compiles tch's C++ layer, which takes 2 to 4 minutes on 2 cores");
    step(workspace.cargo().args(["build", "-p", "cli"]))?;
    let data = data_set(workspace)?;
    step(thorax(workspace).args(["train", "--data", data]))?;
    step(thorax(workspace).args(["test", "--saved"]))?;
    let run = latest_run(workspace)?;
    list(workspace, &run)?;
    println!("\nAll of it took {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

/// Returns the real data set if there is one, otherwise the sample.
fn data_set(workspace: &Workspace) -> Result<&'static str> {
    if workspace.root().join(REAL_DATA).is_dir() {
        return Ok(REAL_DATA);
    }
    if workspace.root().join(SAMPLE).is_dir() {
        eprintln!("no data set in `{REAL_DATA}`: using the synthetic sample in `{SAMPLE}`");
    } else {
        eprintln!("no data set in `{REAL_DATA}`: making a synthetic sample in `{SAMPLE}`");
        step(thorax(workspace).args(["data", "sample", "--out", SAMPLE]))?;
    }
    Ok(SAMPLE)
}

fn thorax(workspace: &Workspace) -> std::process::Command {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "-p", "cli", "--"]);
    command
}

/// Returns the folder that `data/runs/latest` names.
fn latest_run(workspace: &Workspace) -> Result<PathBuf> {
    let pointer = workspace.data().join("runs/latest");
    let text = std::fs::read_to_string(&pointer)
        .with_context(|| format!("training named no run in `{}`", workspace.shown(&pointer)))?;
    let run = workspace.root().join(text.trim());
    if !run.is_dir() {
        let message = format!("`{}` names `{}`, which is no folder", workspace.shown(&pointer), text.trim());
        return Err(fail(message, "train again: cargo xtask demo"));
    }
    Ok(run)
}

/// Lists the files in the run's folder, with sizes and a line each.
fn list(workspace: &Workspace, run: &Path) -> Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(run).with_context(|| format!("cannot list `{}`", run.display()))? {
        let entry = entry?;
        files.push((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()));
    }
    // The known ones come in the order above, all others after them by name.
    let rank = |name: &str| MEANINGS.iter().position(|(known, _)| *known == name).unwrap_or(MEANINGS.len());
    files.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    println!("\nThe run is in {}:\n", workspace.shown(run));
    for (name, bytes) in &files {
        let meaning = MEANINGS.iter().find(|(known, _)| known == name).map_or("", |(_, meaning)| meaning);
        let size = indicatif::HumanBytes(*bytes).to_string();
        println!("  {name:<18} {size:>11}  {meaning}");
    }
    Ok(())
}
