//! Jobs of the ConvNet, measured in turns: whole runs of `thorax` against whole runs of Keras.

use super::environment::Environment;
use super::job::Job;
use super::keras;
use super::ours::Thorax;
use super::statistics::{Round, ratios, summary};
use anyhow::Result;
use serde_json::Value;

/// Program that does a job.
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

/// Measures one job with every side, round by round.
pub(super) fn measure(
    job: &Job,
    workers: &[usize],
    thorax: &Thorax,
    keras: Option<&Environment>,
    of: u32,
) -> Result<Value> {
    let mut sides: Vec<(Side, Vec<Round>)> = vec![(Side::Thorax, Vec::new())];
    if keras.is_some() {
        sides.extend(workers.iter().map(|&workers| (Side::Keras { workers }, Vec::new())));
    }
    for round in 1..=of {
        for (side, done) in &mut sides {
            eprintln!("{}, round {round} of {of}: {}", job.name, side.name());
            let measured = match (*side, keras) {
                (Side::Keras { workers }, Some(keras)) => keras::run(keras, job, workers)?,
                _ => thorax.run(job, None)?,
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
