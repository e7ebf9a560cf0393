//! `cargo xtask bench`: speed and memory of `thorax` in release builds, as one JSON object.
//!
//! With `--peers` the same jobs are done by Keras, PyTorch and ONNX Runtime in the same call, in turns, so that all run on
//! the same machine in the same state. A ratio is ours divided by theirs, of one round each: below 1 means that `thorax` is
//! faster.
//!
//! The ConvNet's jobs (`convnet`) are whole runs, their times wall times of whole processes, taken from outside. Keras'
//! time is counted without the import of TensorFlow, ours with the program's start; the ratio with the import is given
//! beside it. InceptionV3's jobs (`inception`) are single steps, timed inside each process after some to warm up. `serve` has no peer:
//! its measure is `thorax predict` in the same round.

mod child;
mod convnet;
mod data;
mod decode;
mod environment;
mod inception;
mod job;
mod keras;
mod machine;
mod ours;
mod serve;
mod statistics;
mod steps;

use crate::workspace::{Workspace, step};
use crate::{failure::fail, fetch};
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use inception::{Sides, Work};
use serde_json::json;
use std::path::{Path, PathBuf};
use steps::Settings;

#[derive(Args)]
pub(crate) struct Options {
    /// Measure Keras, PyTorch and ONNX Runtime too, in Python environments that are set up where a job needs them:
    /// `target/peers`, and for InceptionV3 `target/peers-torch`, which can take 5 GB
    #[arg(long)]
    peers: bool,
    /// The data set of the `study` job [default: `data/COVID-19 Radiography Database`, or the synthetic sample]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Number of measurements of each job [default: 3, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// A few epochs on few images, a few steps: shows that it works, says little about speed
    #[arg(long)]
    quick: bool,
    /// Threads of each side in the jobs of InceptionV3, `serve` among them [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
    /// Only these jobs
    #[arg(long, value_name = "JOB")]
    job: Vec<JobName>,
}

/// Job that is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum JobName {
    /// The ConvNet as the study trains it, with early stopping
    Study,
    /// Ten epochs on 600 PNG files of 1024×1024 pixels
    Png1024,
    /// Decoding 600 PNG files of 1024×1024 pixels once, and how soon a second run trains
    #[value(name = "decode-png1024")]
    DecodePng,
    /// The same for 2,000 JPEG files of 384 pixels, or those of --data
    #[value(name = "decode-jpeg384")]
    DecodeJpeg,
    /// A full fine-tuning step of InceptionV3 on 15 images of 256×256 pixels
    InceptionStep,
    /// The same with everything through mixed_6 frozen, to Keras' full step
    InceptionFrozen,
    /// A forward pass of InceptionV3 on 32 images of 256×256 pixels
    InceptionInference,
    /// Images a second of `thorax serve` under 64 clients, to those of `thorax predict`
    Serve,
}

impl JobName {
    fn of_inception(self) -> Option<Work> {
        match self {
            Self::InceptionStep => Some(Work::Full),
            Self::InceptionFrozen => Some(Work::Frozen),
            Self::InceptionInference => Some(Work::Inference),
            Self::Study | Self::Png1024 | Self::DecodePng | Self::DecodeJpeg | Self::Serve => None,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    use JobName::{
        DecodeJpeg, DecodePng, InceptionFrozen, InceptionInference, InceptionStep, Png1024, Serve, Study,
    };
    let wanted = |job: &JobName| options.job.is_empty() || options.job.contains(job);
    let any = |jobs: &[JobName]| jobs.iter().any(wanted);
    let data = options.data.as_deref().map(existing).transpose()?;
    // Missing parts are reported before minutes are spent on compiling.
    let target = workspace.target()?;
    let keras = (options.peers
        && any(&[Study, Png1024, DecodePng, DecodeJpeg, InceptionStep, InceptionFrozen]))
    .then(|| environment::keras(workspace, &target))
    .transpose()?;
    let torch = (options.peers && any(&[InceptionStep, InceptionInference]))
        .then(|| environment::torch(workspace, &target))
        .transpose()?;
    fetch::needed(workspace)?;

    let rounds = options.runs.unwrap_or(if options.quick { 1 } else { 3 });
    let mut jobs = Vec::new();
    let mut skipped = Vec::new();
    if any(&[Study, Png1024, DecodePng, DecodeJpeg, Serve]) {
        step(workspace.cargo().args(["build", "--release", "-p", "cli"]))?;
        let thorax = ours::Thorax::new(&target)?;
        if wanted(&Study) {
            let (job, left_out) = data::study(workspace, &thorax, data.clone(), options.quick)?;
            skipped.extend(left_out);
            jobs.push(convnet::measure(&job, &[1], &thorax, keras.as_ref(), rounds)?);
        }
        if wanted(&Png1024) {
            let job = data::png1024(&thorax, options.quick)?;
            jobs.push(convnet::measure(&job, &[1, 2], &thorax, keras.as_ref(), rounds)?);
        }
        if wanted(&DecodePng) {
            let job = decode::png1024(&thorax, options.quick)?;
            jobs.push(decode::measure(&job, &thorax, keras.as_ref(), rounds)?);
        }
        if wanted(&DecodeJpeg) {
            let (job, left_out) = decode::jpeg384(&thorax, data, keras.as_ref(), options.quick)?;
            skipped.extend(left_out);
            jobs.extend(job.map(|job| decode::measure(&job, &thorax, keras.as_ref(), rounds)).transpose()?);
        }
        if wanted(&Serve) {
            jobs.push(serve::measure(&thorax, options.threads, options.quick, rounds)?);
        }
    }
    let works: Vec<Work> = JobName::value_variants()
        .iter()
        .filter(|job| wanted(job))
        .filter_map(|job| job.of_inception())
        .collect();
    if !works.is_empty() {
        step(workspace.cargo().args(["build", "--release", "-p", "train", "--example", "steps"]))?;
        let ours = steps::Program::new(&target)?;
        let (keras, torch) = (keras.as_ref(), torch.as_ref());
        let sides = Sides { ours: &ours, keras, torch, settings: settings(options)? };
        jobs.extend(inception::measure(&works, &sides, rounds)?);
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
        "runs": rounds,
        "ratio": "ours / theirs in the same round: below 1, thorax is faster; Keras without TensorFlow's import",
        "jobs": jobs,
        "skipped": skipped,
    });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

fn settings(options: &Options) -> Result<Settings> {
    let threads = match options.threads {
        Some(threads) => usize::try_from(threads)?,
        None => std::thread::available_parallelism().context("cannot count the cores")?.get(),
    };
    let (steps, warmup) = if options.quick { (3, 1) } else { (10, 3) };
    Ok(Settings { threads, steps, warmup })
}

fn existing(folder: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(folder).with_context(|| format!("cannot use `{}`", folder.display()))?;
    if path.is_dir() {
        return Ok(path);
    }
    Err(fail(format!("no folder `{}`", folder.display()), "name a folder with one folder of images a class"))
}
