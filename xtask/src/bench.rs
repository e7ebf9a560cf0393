//! `cargo xtask bench`: how fast `thorax` is and how much memory it takes, in release builds, as one JSON object.
//!
//! With `--peers` the same jobs are done by Keras in the same call, in turns, so that both meet the same machine.
//! Times are wall times of whole processes, taken from outside. A ratio is ours divided by Keras', of one round each:
//! below 1 means that `thorax` is faster. Keras' time is counted without the import of TensorFlow, ours with the
//! program's start; the ratio with the import is given beside it.

mod child;
mod data;
mod machine;
mod ours;
mod peers;
mod statistics;

use crate::workspace::{Workspace, step};
use crate::{failure::fail, fetch};
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use data::Job;
use serde_json::{Value, json};
use statistics::{Round, ratios, summary};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(crate) struct Options {
    /// Measure Keras too, in a Python environment that is set up under `target/peers`
    #[arg(long)]
    peers: bool,
    /// The data set of the `study` job [default: `data/COVID-19 Radiography Database`, or the synthetic sample]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// How often each is measured [default: 3, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// A few epochs on few images: shows that it works, says little about speed
    #[arg(long)]
    quick: bool,
    /// Only these jobs
    #[arg(long, value_name = "JOB")]
    job: Vec<JobName>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum JobName {
    /// The ConvNet as the study trains it, with early stopping
    Study,
    /// Ten epochs on 600 PNG files of 1024×1024 pixels
    Png1024,
}

/// Who does a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Thorax,
    Keras { workers: usize },
}

impl Side {
    fn name(self) -> String {
        match self {
            Self::Thorax => "thorax".into(),
            Self::Keras { workers: 1 } => "keras".into(),
            Self::Keras { workers } => format!("keras_{workers}_workers"),
        }
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let data = options.data.as_deref().map(existing).transpose()?;
    // What can be missing is found out before minutes are spent on compiling.
    let target = workspace.target()?;
    let peers = options.peers.then(|| peers::set_up(workspace, &target.join("peers"))).transpose()?;
    fetch::needed(workspace)?;
    step(workspace.cargo().args(["build", "--release", "-p", "cli"]))?;
    let thorax = ours::Thorax::new(&target)?;

    let wanted = |job| options.job.is_empty() || options.job.contains(&job);
    let mut jobs = Vec::new();
    let mut skipped = Vec::new();
    if wanted(JobName::Study) {
        let (job, left_out) = data::study(workspace, &thorax, data, options.quick)?;
        skipped.extend(left_out);
        jobs.push(measure(&job, &[1], &thorax, peers.as_ref(), options)?);
    }
    if wanted(JobName::Png1024) {
        let job = data::png1024(&thorax, options.quick)?;
        jobs.push(measure(&job, &[1, 2], &thorax, peers.as_ref(), options)?);
    }
    for line in &skipped {
        eprintln!("{line}");
    }
    let result = json!({
        "date": machine::date(),
        "machine": machine::describe(),
        "commit": machine::commit(workspace),
        "rustc": machine::rustc(workspace),
        "quick": options.quick,
        "runs": rounds(options),
        "ratio": "ours / theirs in the same round: below 1, thorax is faster; Keras without TensorFlow's import",
        "jobs": jobs,
        "skipped": skipped,
    });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

fn rounds(options: &Options) -> u32 {
    options.runs.unwrap_or(if options.quick { 1 } else { 3 })
}

fn existing(folder: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(folder).with_context(|| format!("cannot use `{}`", folder.display()))?;
    if path.is_dir() {
        return Ok(path);
    }
    Err(fail(format!("no folder `{}`", folder.display()), "name a folder with one folder of images a class"))
}

/// One job by every side, round by round.
fn measure(
    job: &Job,
    workers: &[usize],
    thorax: &ours::Thorax,
    peers: Option<&peers::Peers>,
    options: &Options,
) -> Result<Value> {
    let mut sides: Vec<(Side, Vec<Round>)> = vec![(Side::Thorax, Vec::new())];
    if peers.is_some() {
        sides.extend(workers.iter().map(|&workers| (Side::Keras { workers }, Vec::new())));
    }
    let of = rounds(options);
    for round in 1..=of {
        for (side, done) in &mut sides {
            eprintln!("{}, round {round} of {of}: {}", job.name, side.name());
            let measured = match (*side, peers) {
                (Side::Keras { workers }, Some(peers)) => peers.run(job, workers)?,
                _ => thorax.run(job)?,
            };
            eprintln!(
                "  {:.1} s, {} epochs, {:.2} s an epoch",
                measured.seconds,
                measured.epochs,
                measured.seconds_per_epoch()
            );
            done.push(measured);
        }
    }
    let mut result = job.describe()?;
    let (_, ours) = &sides[0];
    for (side, rounds) in &sides {
        result[side.name()] = summary(rounds);
        if *side != Side::Thorax {
            result[format!("ratio_to_{}", side.name())] = ratios(ours, rounds);
        }
    }
    Ok(result)
}
