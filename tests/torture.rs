//! Tests of runs that are killed again and again, at any moment, and resumed until they end.
//!
//! The short ones are part of the tests; `cargo xtask torture` runs the long ones, which cargo ignores by default.

use std::{
    fmt, fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use base::random::{Key, Purpose, unit};

use crate::{resume::Outcome, world::World};

/// Counts of kills by the state of the run.
#[derive(Clone, Copy, Debug, Default)]
struct Kills {
    /// Kills before anything was saved.
    before: usize,
    /// Kills while a checkpoint was written.
    writing: usize,
    /// Other kills in training.
    training: usize,
    /// Kills after the last epoch: in calibration, tests, or the page.
    after: usize,
}

impl Kills {
    fn all(self) -> usize {
        self.before + self.writing + self.training + self.after
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, writing, training, after } = self;
        write!(
            f,
            "{} kills: {before} before anything was saved, {writing} while a checkpoint was written, {training} otherwise in \
             training, {after} after it",
            self.all()
        )
    }
}

/// Run to be killed.
struct Torture<'a> {
    world: &'a World,
    /// Flags after `train`.
    flags: Vec<&'a str>,
    epochs: usize,
    /// Result of a run without kills.
    expected: Outcome,
    /// Time of a run without kills.
    whole: Duration,
}

impl<'a> Torture<'a> {
    fn new(world: &'a World, flags: &[&'a str], epochs: usize) -> Self {
        let mut expected = None;
        let mut whole = Duration::ZERO;
        // The second run finds all files in the system's memory, like the killed ones.
        for out in ["whole-1", "whole-2"] {
            let start = Instant::now();
            world.thorax(&[&["train", "--out", out], flags].concat()).ok();
            whole = start.elapsed();
            let outcome = Outcome::of(&world.path(out));
            if let Some(first) = &expected {
                outcome.same_as(first, "two runs that nobody killed");
            }
            expected = Some(outcome);
        }
        Self { world, flags: flags.to_vec(), epochs, expected: expected.unwrap(), whole }
    }

    /// Starts or resumes the run.
    fn spawn(&self) -> Child {
        let run = self.world.path("run");
        let args = match run.join("run.json").exists() {
            true => vec!["train", "--resume", "run"],
            false => [&["train", "--out", "run"], &self.flags[..]].concat(),
        };
        // Files of a kill before the run had a record are no run yet.
        if !run.join("run.json").exists() {
            let _ = fs::remove_dir_all(&run);
        }
        self.world.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Kills runs at moments of every kind until `kills` are done and each run was completed.
    fn run(&self, kills: usize, seed: u64) -> (Kills, usize) {
        let mut random = Key { seed, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
        let (mut met, mut runs) = (Kills::default(), 0);
        while met.all() < kills {
            let mut child = self.spawn();
            // Every third kill waits for a checkpoint that is being written; the others' moments are uniform over a whole run.
            match met.all() % 3 {
                0 => wait_for_writing(&mut child, &self.world.path("run"), unit(&mut random)),
                _ => sleep(&mut child, self.whole.mul_f32(1.1 * unit(&mut random))),
            }
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                self.count(&mut met);
                // Else a run that is killed before its first epoch is over might never come to its end.
                if met.all() % 4 != 3 {
                    continue;
                }
                child = self.spawn();
            }
            self.finish(child, met);
            runs += 1;
        }
        (met, runs)
    }

    /// Waits for a run's end, and compares its result.
    fn finish(&self, child: Child, met: Kills) {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "after {met}:\n{stderr}");
        let run = self.world.path("run");
        Outcome::of(&run).same_as(&self.expected, &format!("after {met}"));
        let left: Vec<_> = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
        fs::remove_dir_all(&run).unwrap();
    }

    fn count(&self, met: &mut Kills) {
        let run = self.world.path("run");
        let epochs = fs::read_to_string(run.join("history.csv")).map_or(0, |text| text.lines().count());
        let phase = match () {
            () if is_writing(&run) => &mut met.writing,
            () if epochs > self.epochs => &mut met.after,
            () if run.join("last.safetensors").exists() => &mut met.training,
            () => &mut met.before,
        };
        *phase += 1;
    }
}

/// Tells if a checkpoint's temporary file exists.
fn is_writing(run: &Path) -> bool {
    let entries = fs::read_dir(run).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.any(|name| [".best.safetensors.", ".last.safetensors."].iter().any(|start| name.starts_with(start)))
}

fn sleep(child: &mut Child, duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for some checkpoints to pass, a share of twenty milliseconds at a time, and then for the next.
fn wait_for_writing(child: &mut Child, run: &Path, share: f32) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(20).mul_f32(share) {
        thread::yield_now();
    }
    while !is_writing(run) && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
}

const CONVNET: [&str; 11] = [
    "--data",
    "xrays",
    "--image-size",
    "20",
    "--epochs",
    "6",
    "--batch-size",
    "5",
    "--checkpoint-every",
    "0",
    "--calibrate",
];
const INCEPTION: [&str; 13] = [
    "--data",
    "xrays",
    "--model",
    "inception-v3",
    "--weights",
    "none",
    "--image-size",
    "75",
    "--epochs",
    "2",
    "--batch-size",
    "9",
    "--checkpoint-every=0.02",
];

const FINDINGS: [&str; 13] = [
    "--data",
    "findings/labels.csv",
    "--image-size",
    "20",
    "--epochs",
    "6",
    "--patience",
    "9",
    "--batch-size",
    "5",
    "--checkpoint-every",
    "0",
    "--calibrate",
];

fn torture(flags: &[&str], epochs: usize, kills: usize, writing: usize) {
    let world = World::new();
    world.study();
    torture_in(&world, flags, epochs, kills, writing);
}

/// Tortures a run on several findings an image, some of them unknown.
fn torture_findings(kills: usize, writing: usize) {
    let world = World::new();
    let sample =
        ["data", "sample", "--multi-label", "--out", "findings", "--count", "40", "--test-count", "12"];
    world.thorax(&[&sample[..], &["--image-size", "32", "--unknown", "0.2"]].concat()).ok();
    torture_in(&world, &FINDINGS, 6, kills, writing);
}

#[expect(clippy::print_stderr, reason = "what the kills met is worth seeing")]
fn torture_in(world: &World, flags: &[&str], epochs: usize, kills: usize, writing: usize) {
    let torture = Torture::new(world, flags, epochs);
    let (met, runs) = torture.run(kills, 6);
    eprintln!(
        "{met}; {runs} runs came to their end, each as one that nobody killed ({:.1} s)",
        torture.whole.as_secs_f64()
    );
    assert!(met.writing >= writing, "{met}");
}

#[test]
fn a_convnet_killed_at_any_moment_ends_as_if_it_never_was() {
    torture(&CONVNET, 6, 12, 1);
}

#[test]
fn a_run_on_findings_killed_at_any_moment_ends_as_if_it_never_was() {
    torture_findings(6, 0);
}

#[test]
#[ignore = "takes minutes: `cargo xtask torture` runs it"]
fn a_run_on_findings_killed_over_sixty_times() {
    torture_findings(60, 5);
}

#[test]
#[ignore = "takes minutes: `cargo xtask torture` runs it"]
fn a_convnet_killed_over_a_hundred_times() {
    torture(&CONVNET, 6, 120, 20);
}

#[test]
#[ignore = "takes minutes: `cargo xtask torture` runs it"]
fn an_inception_v3_killed_over_ten_times() {
    for precision in ["f32", "bf16"] {
        torture(&[&INCEPTION[..], &["--precision", precision]].concat(), 2, 12, 1);
    }
}
