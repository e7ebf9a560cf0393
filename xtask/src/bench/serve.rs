//! Job of `thorax serve`: images a second with 64 clients, compared with `thorax predict` on the same images with the same
//! model; refusals with a short queue; and resources still held after clients that are slow or close early.

mod client;
mod server;

use super::data;
use super::ours::Thorax;
use super::statistics::{median, spread};
use crate::failure::fail;
use anyhow::{Context as _, Result, ensure};
use client::{Images, Tally};
use serde_json::{Value, json};
use server::{Server, Use};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Number of images of the sample: a multiple of the batch that `predict` computes.
const SAMPLE: usize = 64;
/// Number of clients, each of which asks again as soon as it is answered.
const CLIENTS: usize = 64;
/// Length of a queue that is too short for them.
const SHORT_QUEUE: usize = 8;
/// Number of clients that close early.
const HANG_UPS: usize = 1000;

/// Durations of the measurement.
struct Plan {
    /// Number of passes of `predict` over the sample.
    passes: usize,
    warmup: Duration,
    load: Duration,
    /// Time from the start of the load to the first memory reading.
    early: Duration,
    refused: Duration,
    /// Time for which a client sends a byte a second.
    slow: Duration,
}

impl Plan {
    fn of(quick: bool) -> Self {
        let time = |quickly: f32, fully: u64| match quick {
            true => Duration::from_secs_f32(quickly),
            false => Duration::from_secs(fully),
        };
        Self {
            passes: if quick { 2 } else { 16 },
            warmup: time(0.5, 3),
            load: time(1.5, 60),
            early: time(0.5, 10),
            refused: time(0.5, 10),
            slow: time(1.0, 20),
        }
    }
}

pub(super) fn measure(thorax: &Thorax, threads: Option<u32>, quick: bool, rounds: u32) -> Result<Value> {
    let plan = Plan::of(quick);
    let sample = data::sample(thorax, SAMPLE, 0, 256)?;
    let images = Images::below(&sample)?;
    let run = model(thorax, &sample)?;
    let (mut offline, mut served) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("serve, round {round} of {rounds}");
        let flags = flags(&run, threads);
        let rate = offline_rate(thorax, &sample, &flags, plan.passes)?;
        eprintln!("  predict: {rate:.1} images a second");
        let server = Server::start(thorax, &flags, &[])?;
        client::load(server.address, &images, CLIENTS, plan.warmup)?;
        let before = server.used();
        let (tally, early) = std::thread::scope(|scope| {
            let early = scope.spawn(|| {
                std::thread::sleep(plan.early);
                server.used()
            });
            (client::load(server.address, &images, CLIENTS, plan.load), early.join())
        });
        let (tally, early) = (tally?, early.map_err(|_| anyhow::anyhow!("a thread failed"))?);
        let end = server.used();
        eprintln!("  serve: {:.1} images a second, {} lost", tally.rate(), tally.lost);
        server.end()?;
        offline.push(rate);
        served.push((tally, [before, early, end]));
    }
    let ratios: Vec<f64> =
        served.iter().zip(&offline).map(|((tally, _), rate)| tally.rate() / rate).collect();
    Ok(json!({
        "job": "serve",
        "meaning": format!(
            "InceptionV3 on {SAMPLE} PNG files of 256×256: images a second by HTTP, {CLIENTS} clients at a time, and by `thorax predict`"
        ),
        "data": sample,
        "threads": threads,
        "precision": precision(&run)?,
        "predict_images_per_second": spread(offline.iter().copied()),
        "serve_images_per_second": spread(served.iter().map(|(tally, _)| tally.rate())),
        "serve_to_predict": median(ratios.into_iter()),
        "lost": served.iter().map(|(tally, _)| tally.lost).sum::<u64>(),
        "rounds": served.iter().zip(&offline).map(|((tally, used), rate)| round(tally, used, *rate)).collect::<Vec<_>>(),
        "short_queue": short_queue(thorax, &flags(&run, threads), &images, &plan)?,
        "troublesome_clients": troublesome(thorax, &flags(&run, threads), &images, &plan)?,
    }))
}

fn round(tally: &Tally, [before, early, end]: &[Use; 3], predict: f64) -> Value {
    json!({
        "predict_images_per_second": predict,
        "serve": tally.describe(),
        "used": {"before": before.describe(), "early": early.describe(), "end": end.describe()},
    })
}

/// Trains a model with a head for one epoch: its speed does not depend on its quality.
fn model(thorax: &Thorax, sample: &Path) -> Result<PathBuf> {
    let out = thorax.scratch().join("runs/serve");
    if out.exists() {
        std::fs::remove_dir_all(&out).with_context(|| format!("cannot remove `{}`", out.display()))?;
    }
    let mut command = thorax.command();
    command.args(["train", "--quiet", "--no-report", "--cache", "none", "--model", "inception-v3"]);
    command.args(["--weights", "none", "--freeze", "all", "--image-size", "256", "--epochs", "1", "--data"]);
    command.arg(sample).arg("--out").arg(&out);
    crate::workspace::step(command.stdout(std::process::Stdio::null()))?;
    Ok(out)
}

fn flags(run: &Path, threads: Option<u32>) -> Vec<String> {
    let mut flags = vec!["--saved".to_owned(), run.display().to_string()];
    flags.extend(threads.into_iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]));
    flags
}

fn precision(run: &Path) -> Result<Value> {
    let path = run.join("run.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let record: Value = serde_json::from_str(&text).context("cannot read run.json")?;
    Ok(record["settings"]["precision"].clone())
}

/// Measures the images a second of `predict` without its start, from the extra time of many passes over one.
fn offline_rate(thorax: &Thorax, sample: &Path, flags: &[String], passes: usize) -> Result<f64> {
    let seconds = |passes: usize| -> Result<f64> {
        let mut command = thorax.command();
        command.args(["predict", "--quiet", "--csv"]).args(flags).args(vec![sample; passes]);
        let measured = super::child::measure(&mut command)?;
        let rows = measured.stdout.lines().count();
        ensure!(
            rows == 1 + SAMPLE * passes,
            "`predict` wrote {rows} lines for {passes} times {SAMPLE} images"
        );
        Ok(measured.seconds)
    };
    let (one, many) = (seconds(1)?, seconds(1 + passes)?);
    ensure!(many > one, "{} passes took {many} s, one {one} s", 1 + passes);
    Ok((SAMPLE * passes) as f64 / (many - one))
}

/// Measures as many clients at a queue that is too short for them.
fn short_queue(thorax: &Thorax, flags: &[String], images: &Images, plan: &Plan) -> Result<Value> {
    let server = Server::start(thorax, flags, &["--queue", &SHORT_QUEUE.to_string()])?;
    let tally = client::load(server.address, images, CLIENTS, plan.refused)?;
    server.end()?;
    eprintln!(
        "  a queue of {SHORT_QUEUE}: {} answered, {} refused, {} lost",
        tally.answered, tally.refused, tally.lost
    );
    if tally.refused == 0 {
        return Err(fail("a queue that is too short refused nobody", "look into `crates/serve/src/read.rs`"));
    }
    Ok(json!({"queue": SHORT_QUEUE, "clients": CLIENTS, "serve": tally.describe()}))
}

/// Measures the server's resources before and after clients that are slow or close early.
fn troublesome(thorax: &Thorax, flags: &[String], images: &Images, plan: &Plan) -> Result<Value> {
    let server = Server::start(thorax, flags, &[])?;
    // Threads and memory are allocated when they are first needed.
    client::load(server.address, images, CLIENTS, plan.warmup)?;
    let settle = Duration::from_secs(2);
    std::thread::sleep(settle);
    let before = server.used();
    let slow = std::thread::scope(|scope| {
        let slow = scope.spawn(|| client::slowly(server.address, plan.slow));
        client::hang_up(server.address, images, HANG_UPS)?;
        slow.join().map_err(|_| anyhow::anyhow!("a thread failed"))?
    })?;
    let after_all = client::load(server.address, images, 1, plan.warmup)?;
    std::thread::sleep(settle);
    let after = server.used();
    server.end()?;
    eprintln!("  {HANG_UPS} hung up: {} then, {} before", after.describe(), before.describe());
    Ok(json!({
        "hung_up": HANG_UPS,
        "byte_a_second": {"seconds": slow.seconds, "answer": slow.answer},
        "used": {"before": before.describe(), "after": after.describe()},
        "answered_after": after_all.answered,
        "lost_after": after_all.lost,
    }))
}
