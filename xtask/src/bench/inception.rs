//! Jobs of InceptionV3: single steps, timed by each side in a process of its own, all sides in turns.

use super::environment::{Environment, quiet};
use super::statistics::median;
use super::steps::{self, IMAGE_SIZE, Program, Round, Settings, matrix_product};
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Floating-point operations of the forward pass of one image of 256×256 pixels: two for each multiplication and addition
/// of the 94 convolutions and 4 dense layers. `xtask/peers/keras_inception.py` sums them over Keras' layers and names them
/// in its answer; torchvision's layers give the same.
const FORWARD_FLOP: f64 = 7_695_968_060.0;

/// Part of these operations above `mixed_6`.
const FORWARD_FLOP_ABOVE_MIXED_6: f64 = 2_020_426_876.0;

/// Kind of step that is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Full,
    Frozen,
    Inference,
}

impl Work {
    /// Name in the programs' arguments.
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Frozen => "frozen",
            Self::Inference => "inference",
        }
    }

    fn job(self) -> &'static str {
        match self {
            Self::Full => "inception-step",
            Self::Frozen => "inception-frozen",
            Self::Inference => "inception-inference",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Full => {
                "a fine-tuning step of InceptionV3: forward, backward and Adam, every layer trainable"
            }
            Self::Frozen => "a step with everything through mixed_6 frozen and cached, to Keras' full step",
            Self::Inference => "a forward pass of InceptionV3 with its stored statistics",
        }
    }

    fn batch_size(self) -> u32 {
        if self == Self::Inference { 32 } else { 15 }
    }

    /// Counts the operations of a step on one batch. Backward counts as twice the forward pass.
    fn flop(self) -> f64 {
        let one = match self {
            Self::Full => 3.0 * FORWARD_FLOP,
            Self::Frozen => 3.0 * FORWARD_FLOP_ABOVE_MIXED_6,
            Self::Inference => FORWARD_FLOP,
        };
        one * f64::from(self.batch_size())
    }
}

/// Precisions to measure, the most important one first.
const PRECISIONS: [&str; 2] = ["bf16", "f32"];

/// Program that measures a kind of step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Thorax(Work, &'static str),
    Keras,
    Torch(Work),
    Onnx,
}

impl Side {
    fn work(self) -> Work {
        match self {
            Self::Thorax(work, _) | Self::Torch(work) => work,
            Self::Keras => Work::Full,
            Self::Onnx => Work::Inference,
        }
    }

    /// Precision of the side; the peers compute in f32.
    fn precision(self) -> &'static str {
        if let Self::Thorax(_, precision) = self { precision } else { "f32" }
    }

    fn name(self) -> String {
        match self {
            Self::Thorax(_, precision) => format!("thorax_{precision}"),
            Self::Keras => "keras".into(),
            Self::Torch(_) => "torch".into(),
            Self::Onnx => "onnxruntime".into(),
        }
    }
}

/// All programs that measure, with their settings.
pub(super) struct Sides<'a> {
    pub(super) ours: &'a Program,
    pub(super) keras: Option<&'a Environment>,
    pub(super) torch: Option<&'a Environment>,
    pub(super) settings: Settings,
}

impl Sides<'_> {
    /// Lists the sides of one job, ours first.
    fn of(&self, work: Work) -> Vec<Side> {
        let mut sides: Vec<Side> =
            PRECISIONS.iter().map(|&precision| Side::Thorax(work, precision)).collect();
        if self.keras.is_some() && work != Work::Inference {
            sides.push(Side::Keras);
        }
        if self.torch.is_some() && work != Work::Frozen {
            sides.push(Side::Torch(work));
        }
        if self.torch.is_some() && work == Work::Inference {
            sides.push(Side::Onnx);
        }
        sides
    }

    fn run(&self, side: Side, onnx: Option<&Path>) -> Result<Round> {
        let work = side.work();
        let absent = "a peer without its environment";
        let mut command = match side {
            Side::Thorax(work, precision) => self.ours.command(work.name(), precision),
            Side::Keras => self.keras.context(absent)?.script("keras_inception.py"),
            Side::Torch(_) => self.torch.context(absent)?.script("torch_inception.py"),
            Side::Onnx => self.torch.context(absent)?.script("onnx_inception.py"),
        };
        if !matches!(side, Side::Thorax(..)) {
            command.arg(work.name());
        }
        self.settings.give(&mut command, work.batch_size());
        if side == Side::Onnx {
            command.arg("--model").arg(onnx.context("no model for ONNX Runtime")?);
        }
        steps::run(&mut command, work.batch_size())
    }

    fn matrix_product(&self, precision: &str) -> Result<f64> {
        let mut command: Command = self.ours.command("matmul", precision);
        self.settings.give(&mut command, Work::Full.batch_size());
        matrix_product(&mut command)
    }

    /// Exports the file for ONNX Runtime, once, and again after the script has changed.
    fn export(&self, torch: &Environment) -> Result<PathBuf> {
        let work = Work::Inference;
        let file = torch.file(&format!("inception-v3-{}x{IMAGE_SIZE}.onnx", work.batch_size()));
        let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
        let scripts = ["torch_inception.py", "common.py"].map(|name| changed(&torch.source(name)));
        if changed(&file).is_some_and(|made| scripts.iter().flatten().all(|&script| script <= made)) {
            return Ok(file);
        }
        let part = file.with_extension("part");
        let mut command = torch.script("torch_inception.py");
        command.arg("export");
        self.settings.give(&mut command, work.batch_size());
        let hint = "its own words are above; mend that and run this again, or leave this job out with --job";
        quiet(command.arg("--model").arg(&part), "PyTorch could not export the model", hint)?;
        std::fs::rename(&part, &file).with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(file)
    }
}

/// Measures these jobs; work that they share is measured once a round.
pub(super) fn measure(works: &[Work], sides: &Sides<'_>, of: u32) -> Result<Vec<Value>> {
    let onnx = match sides.torch {
        Some(torch) if works.contains(&Work::Inference) => Some(sides.export(torch)?),
        _ => None,
    };
    let mut products = PRECISIONS.map(|precision| (precision, Vec::new()));
    let mut measured: Vec<(Side, Vec<Round>)> = Vec::new();
    for side in works.iter().flat_map(|&work| sides.of(work)) {
        if !measured.iter().any(|(other, _)| *other == side) {
            measured.push((side, Vec::new()));
        }
    }
    for round in 1..=of {
        for (precision, done) in &mut products {
            eprintln!("inception, round {round} of {of}: matrix product in {precision}");
            let gflops = sides.matrix_product(precision)?;
            eprintln!("  {gflops:.0} GFLOP/s");
            done.push(gflops);
        }
        for (side, done) in &mut measured {
            let work = side.work();
            eprintln!("{}, round {round} of {of}: {}", work.job(), side.name());
            let one = sides.run(*side, onnx.as_deref())?;
            eprintln!("  {:.3} s a step, {:.0} GFLOP/s", one.seconds, work.flop() / one.seconds / 1e9);
            done.push(one);
        }
    }
    let products: Map<String, Value> = products
        .into_iter()
        .map(|(precision, gflops)| (precision.to_owned(), json!(median(gflops.into_iter()))))
        .collect();
    Ok(works.iter().map(|&work| describe(work, sides, &measured, &products)).collect())
}

/// Makes one job's entry in the result.
fn describe(
    work: Work,
    sides: &Sides<'_>,
    measured: &[(Side, Vec<Round>)],
    products: &Map<String, Value>,
) -> Value {
    let settings = &sides.settings;
    let mut result = json!({
        "job": work.job(),
        "meaning": work.meaning(),
        "batch": [work.batch_size(), 3, IMAGE_SIZE, IMAGE_SIZE],
        "threads": settings.threads,
        "warmup_steps": settings.warmup,
        "flop_per_step": work.flop(),
    });
    let wanted = sides.of(work);
    let here = || measured.iter().filter(|(side, _)| wanted.contains(side));
    let ours: Vec<_> = here().filter(|(side, _)| matches!(side, Side::Thorax(..))).collect();
    let peers: Vec<_> = here().filter(|(side, _)| !matches!(side, Side::Thorax(..))).collect();
    for (side, rounds) in here() {
        result[side.name()] = steps::summary(rounds, side.work().flop());
        result[side.name()]["matrix_product_gflops"] = products[side.precision()].clone();
    }
    let against = |theirs: &dyn Fn(&[Round]) -> Value| -> Value {
        ours.iter().map(|(side, rounds)| (side.name(), theirs(rounds))).collect::<Map<_, _>>().into()
    };
    for (side, theirs) in &peers {
        result[format!("ratio_to_{}", side.name())] = against(&|ours| ratios(ours, theirs));
    }
    if peers.len() > 1 {
        let theirs: Vec<&[Round]> = peers.iter().map(|(_, rounds)| rounds.as_slice()).collect();
        result["ratio_to_faster_peer"] =
            against(&|ours| json!({ "seconds": ratio_to_faster(ours, &theirs) }));
    }
    result
}

/// Divides ours by theirs, round by round, and takes the median.
fn ratios(ours: &[Round], theirs: &[Round]) -> Value {
    let of = |value: fn(&Round) -> f64| median(ours.iter().zip(theirs).map(|(a, b)| value(a) / value(b)));
    json!({
        "seconds": of(|round| round.seconds),
        "peak_memory": of(|round| round.peak_memory_bytes as f64),
    })
}

/// Divides ours by the fastest peer of the same round, and takes the median.
fn ratio_to_faster(ours: &[Round], peers: &[&[Round]]) -> Option<f64> {
    let least = |round: usize| peers.iter().map(|rounds| rounds[round].seconds).fold(f64::INFINITY, f64::min);
    median(ours.iter().enumerate().map(|(round, ours)| ours.seconds / least(round)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(seconds: &[f64]) -> Vec<Round> {
        let round = |&seconds: &f64| {
            let answer = json!({"median_seconds": seconds, "min_seconds": seconds, "steps": 1, "images": 1});
            let mut round: Round = serde_json::from_value(answer).expect("it is one");
            round.peak_memory_bytes = 100;
            round
        };
        seconds.iter().map(round).collect()
    }

    #[test]
    fn ratios_are_paired_by_round() {
        let (ours, keras) = (rounds(&[1.0, 6.0, 3.0]), rounds(&[2.0, 8.0, 10.0]));
        assert_eq!(ratios(&ours, &keras), json!({"seconds": 0.5, "peak_memory": 1.0})); // 0.5, 0.75 and 0.3
        let torch = rounds(&[4.0, 6.0, 5.0]);
        // Compared with 2, 6 and 5: the faster one of each round.
        assert_eq!(ratio_to_faster(&ours, &[&keras, &torch]), Some(0.6));
    }

    #[test]
    fn a_full_step_is_three_forward_passes_of_its_batch() {
        assert!((Work::Full.flop() / 1e9 - 346.3).abs() < 0.1);
        assert!((Work::Inference.flop() / 1e9 - 246.3).abs() < 0.1);
    }
}
