//! Jobs of the data path: `thorax` decodes a folder into its cache, Keras' generator goes over it once; and the time until
//! a second run of `thorax` trains.

use super::data;
use super::environment::{Environment, quiet};
use super::job::Job;
use super::keras;
use super::ours::Thorax;
use super::statistics::{Round, median, ratios, summary};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Makes the job on large gray PNG files.
pub(super) fn png1024(thorax: &Thorax, quick: bool) -> Result<Job> {
    let job = data::png1024(thorax, quick)?;
    let meaning = format!("decoding {} once", what(&job, "PNG files of 1024×1024"));
    Ok(Job { name: "decode-png1024", epochs: Some(2), meaning, ..job })
}

/// Makes the job on gray JPEG files of 384 pixels: the named folder's, or else the sample's, which Pillow writes. Without
/// either there is no job, and a line reports that.
pub(super) fn jpeg384(
    thorax: &Thorax,
    named: Option<PathBuf>,
    pillow: Option<&Environment>,
    quick: bool,
) -> Result<(Option<Job>, Option<String>)> {
    let job =
        |data| Job { name: "decode-jpeg384", data, test_data: None, epochs: Some(2), meaning: String::new() };
    let job = match (named, pillow) {
        (Some(data), _) => job(data),
        (None, Some(pillow)) => {
            let count = if quick { 60 } else { 2000 };
            let pngs = data::sample(thorax, count, 0, 384)?;
            let jpegs = data::once(&thorax.scratch().join(format!("jpegs-{count}")), count, |out| {
                let mut command = pillow.script("make_jpegs.py");
                command.arg(&pngs).arg(out);
                quiet(&mut command, "Pillow could not write the JPEG files", "its own words are above")
            })?;
            job(jpegs)
        }
        (None, None) => {
            let line =
                "decode-jpeg384 skipped: its files are made by --peers, or named with --data".to_owned();
            return Ok((None, Some(line)));
        }
    };
    let meaning = format!("decoding {} once", what(&job, "gray JPEG files of at most 384 pixels"));
    Ok((Some(Job { meaning, ..job }), None))
}

fn what(job: &Job, kind: &str) -> String {
    match super::job::Files::below(&job.data) {
        Ok(files) => format!("{} {kind}", files.sizes.len()),
        Err(_) => kind.to_owned(),
    }
}

/// Measures one job with both sides, in turns; Keras with one decoding thread, its default, and with one per core.
pub(super) fn measure(job: &Job, thorax: &Thorax, keras: Option<&Environment>, of: u32) -> Result<Value> {
    let cores = std::thread::available_parallelism().context("cannot count the cores")?.get();
    let mut workers = vec![1, cores];
    workers.dedup();
    let (mut ours, mut again) = (Vec::new(), Vec::new());
    let mut theirs: Vec<(usize, Vec<Round>)> =
        workers.into_iter().map(|workers| (workers, Vec::new())).collect();
    for round in 1..=of {
        eprintln!("{}, round {round} of {of}", job.name);
        let (first, second) = rounds(job, thorax)?;
        eprintln!("  thorax: {:.2} s, then {second:.2} s to the first step", first.seconds);
        ours.push(first);
        again.push(second);
        let Some(keras) = keras else { continue };
        for (workers, done) in &mut theirs {
            let mut command = keras.script("keras_decode.py");
            command.arg("--data").arg(&job.data).args(["--workers", &workers.to_string()]);
            let measured = keras::measured(&mut command)?;
            eprintln!("  Keras, {workers} threads: {:.2} s", measured.seconds);
            done.push(measured);
        }
    }
    let mut result = job.describe()?;
    result["thorax"] = summary(&ours);
    result["thorax"]["second_run_seconds_to_first_step"] = json!(median(again.iter().copied()));
    for (workers, rounds) in theirs.iter().filter(|(_, rounds)| !rounds.is_empty()) {
        let name = if *workers == 1 { "keras".to_owned() } else { format!("keras_{workers}_workers") };
        result[&name] = summary(rounds);
        result[format!("ratio_to_{name}")] = ratios(&ours, rounds);
    }
    Ok(result)
}

/// Runs once into an empty cache, with the seconds of decoding alone, and once more. Returns the second run's time from its
/// start to its first training step as well.
fn rounds(job: &Job, thorax: &Thorax) -> Result<(Round, f64)> {
    let cache = thorax.scratch().join("cache");
    if cache.exists() {
        std::fs::remove_dir_all(&cache).with_context(|| format!("cannot remove `{}`", cache.display()))?;
    }
    let part = |round: &Round, name: &str| {
        round.details["parts"][name].as_f64().with_context(|| format!("run.json names no seconds.{name}"))
    };
    let mut first = thorax.run(job, Some(&cache))?;
    first.seconds = part(&first, "decode")?;
    first.epochs = 1;
    let second = thorax.run(job, Some(&cache))?;
    let start = second.process_seconds - part(&second, "fit")? - part(&second, "test").unwrap_or(0.0);
    Ok((first, start))
}
