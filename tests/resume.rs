//! Tests of resumed runs: one that was stopped in any way ends as if it had never stopped.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{World, read_json};

/// Results that two runs must share: whole files, the history without its seconds, figures without paths and speeds.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    best: Vec<u8>,
    last: Vec<u8>,
    predictions: String,
    history: Vec<String>,
    tests: Value,
}

impl Outcome {
    pub(crate) fn of(run: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(run.join(name)).unwrap();
        let mut tests = read_json(&run.join("test.json"));
        strip(&mut tests);
        let history = text("history.csv");
        let mut columns = history.lines().next().unwrap().split(',');
        let seconds = columns.position(|column| column == "seconds").unwrap();
        let timeless = |line: &str| {
            let cells = line.split(',').enumerate().filter(|(at, _)| *at != seconds);
            cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
        };
        Self {
            best: fs::read(run.join("best.safetensors")).unwrap(),
            last: fs::read(run.join("last.safetensors")).unwrap(),
            predictions: text("predictions.csv"),
            history: history.lines().map(timeless).collect(),
            tests,
        }
    }

    /// Fails with the first difference, not with megabytes.
    #[track_caller]
    pub(crate) fn same_as(&self, other: &Self, what: &str) {
        assert_eq!(self.history, other.history, "{what}");
        assert_eq!(self.tests, other.tests, "{what}");
        assert!(self.best == other.best, "{what}: best.safetensors");
        assert!(self.last == other.last, "{what}: last.safetensors");
        assert_eq!(self.predictions, other.predictions, "{what}");
    }
}

/// Removes paths and speeds at any depth.
fn strip(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        for key in ["checkpoint", "seconds", "images_per_second"] {
            object.remove(key);
        }
        object.values_mut().for_each(strip);
    }
}

const FLAGS: [&str; 8] =
    ["--epochs", "4", "--batch-size", "8", "--seed", "3", "--calibrate", "--augment=light"];

fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a file exists and is not empty.
#[track_caller]
pub(crate) fn wait_for(path: &Path) {
    let start = Instant::now();
    while fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_run_ended_by_ctrl_c_says_how_to_go_on_and_ends_as_if_it_had_not() {
    let world = World::new();
    world.study();
    world.train(&[&FLAGS[..], &["--out", "whole"]].concat()).ok();
    let args = [&["train", "--data", "xrays", "--image-size", "16", "--out", "run"], &FLAGS[..]].concat();
    let child = world.command(&args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&world.path("run/last.safetensors"));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("\ngo on with it: `thorax train --resume \"run\"`\n"), "{stderr}");
    assert_eq!(read_json(&world.path("run/run.json"))["status"], "interrupted");

    let done = world.thorax(&["train", "--resume", "run"]);
    assert!(done.ok().stderr.contains("\ngoing on after "), "{}", done.stderr);
    Outcome::of(&world.path("run")).same_as(&Outcome::of(&world.path("whole")), "resumed");
    let [run, whole] = ["run", "whole"].map(|run| read_json(&world.path(run).join("run.json")));
    for key in ["status", "epochs_run", "best_epoch", "best_val_loss", "calibration", "settings", "paths"] {
        assert_eq!(run[key], whole[key], "{key}");
    }
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_anew_with_its_settings() {
    let world = World::new();
    world.study();
    world.train(&[&FLAGS[..], &["--out", "whole"]].concat()).ok();
    fs::create_dir(world.path("run")).unwrap();
    let mut record = read_json(&world.path("whole/run.json"));
    record["status"] = "running".into();
    fs::write(world.path("run/run.json"), record.to_string()).unwrap();
    fs::write(world.path("run/history.csv"), "").unwrap();
    let done = world.thorax(&["train", "--resume", "run"]);
    assert!(done.ok().stderr.contains("\nnothing was saved yet: beginning anew\n"), "{}", done.stderr);
    Outcome::of(&world.path("run")).same_as(&Outcome::of(&world.path("whole")), "begun anew");
}

#[test]
fn from_another_folder_the_data_set_is_found_by_its_full_path() {
    let world = World::new();
    world.study();
    world.train(&["--epochs", "2", "--out", "run"]).ok();
    fs::create_dir(world.path("elsewhere")).unwrap();
    let mut command = world.command(&["train", "--resume", "../run", "--extend-epochs", "1"]);
    let output = command.current_dir(world.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read_json(&world.path("run/run.json"))["epochs_run"], 3);
}

#[test]
fn a_run_that_is_over_says_so_and_goes_on_only_when_extended() {
    let world = World::new();
    world.study();
    let flags = ["--epochs", "9", "--patience", "1", "--min-delta", "5", "--batch-size", "8", "--out", "run"];
    world.train(&flags).ok();
    let record = || read_json(&world.path("run/run.json"));
    assert_eq!((&record()["status"], &record()["epochs_run"]), (&"early_stopped".into(), &2.into()));
    let files = world.files();
    let done = world.thorax(&["train", "--resume", "run"]);
    assert!(
        done.ok().stderr.contains("the run is over: `--extend-epochs N` trains it further\n"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.starts_with("Test results on 12 images\n"), "{}", done.stdout);
    let printed = world.thorax(&["train", "--resume", "run", "--json"]).json();
    assert_eq!(printed["saved"], read_json(&world.path("run/test.json"))["saved"]);
    assert!(world.files() == files, "a run that is over was changed");

    // The patience is reset, and one epoch uses it up.
    let before = fs::read_to_string(world.path("run/history.csv")).unwrap();
    world.thorax(&["train", "--resume", "run", "--extend-epochs", "1"]).ok();
    let after = fs::read_to_string(world.path("run/history.csv")).unwrap();
    assert!(after.starts_with(&before) && after.lines().count() == 4, "{after}");
    assert_eq!((&record()["status"], &record()["settings"]["epochs"]), (&"early_stopped".into(), &3.into()));
    assert_eq!(record()["extended_from"], 2);
    world.refuses(&["train", "--extend-epochs", "1"], &["--resume <RUN>"]);
}

#[test]
fn other_settings_and_other_images_are_refused_with_the_difference() {
    let world = World::new();
    let run = world.trained();
    // The state after a kill: with a test set a run is over only once it is tested.
    let mut record = read_json(&run.join("run.json"));
    record["status"] = "running".into();
    fs::write(run.join("run.json"), record.to_string()).unwrap();
    let resume = |more: &[&'static str]| [&["train", "--resume", "run"], more].concat();
    world.refuses(
        &resume(&["--seed", "7", "--batch-size=9"]),
        &[
            "error: the run in `run` has other settings:",
            "\n  batch-size: 8, now 9",
            "\n  seed: 28, now 7",
            "hint: leave these flags out",
        ],
    );
    world.refuses(
        &resume(&["--extend-epochs", "2"]),
        &["error: the run in `run` is not over", "hint: resume it without"],
    );
    world.refuses(&resume(&["--out", "other"]), &["--out <FOLDER>"]);
    world.refuses(&resume(&["--recipe", "best"]), &["--recipe <FILE|NAME>"]);
    // The same value is no difference, and the cache makes none that matters.
    let dry = resume(&["--seed", "28", "--cache", "none", "--on-non-finite", "skip", "--dry-run"]);
    assert_eq!(world.thorax(&dry).json()["settings"]["seed"], 28);

    let picture = world.path("xrays/NORMAL/009.png");
    let bytes = fs::read(&picture).unwrap();
    fs::remove_file(&picture).unwrap();
    let changed = "error: the images are not those that the run in `run` was started with:";
    world.refuses(
        &resume(&[]),
        &[changed, "\n  validation, NORMAL: 2 images, now 1", "hint: put the data set back"],
    );
    fs::copy(world.path("xrays/NORMAL/008.png"), &picture).unwrap();
    world.refuses(
        &resume(&[]),
        &[changed, "\n  as many training and validation images of each class, but other"],
    );
    fs::write(&picture, bytes).unwrap();
    fs::copy(&picture, world.path("xrays Test/NORMAL/000.png")).unwrap();
    world.refuses(&resume(&[]), &[changed, "\n  as many test images of each class, but other"]);
}

#[test]
fn what_is_no_run_or_a_damaged_one_is_refused() {
    let world = World::new();
    let run = world.trained();
    world.refuses(
        &["train", "--resume", "nowhere"],
        &["error: `nowhere` holds no run", "hint: name a run's folder"],
    );
    world.refuses(&["train", "--resume", "xrays"], &["error: `xrays` holds no run"]);
    let record = fs::read_to_string(run.join("run.json")).unwrap();
    let running = record.replace("\"completed\"", "\"running\"");
    fs::write(run.join("run.json"), &running[..running.len() / 2]).unwrap();
    world.refuses(&["train", "--resume", "run"], &["error: `run/run.json` is not a run's record"]);
    fs::write(run.join("run.json"), running.replace("\"batch-size\": 8", "\"batch-size\": \"many\""))
        .unwrap();
    world.refuses(
        &["train", "--resume", "run"],
        &["error: the settings in `run/run.json`: invalid value 'many'"],
    );
    fs::write(run.join("run.json"), &running).unwrap();

    let last = fs::read(run.join("last.safetensors")).unwrap();
    fs::write(run.join("last.safetensors"), &last[..last.len() / 2]).unwrap();
    world.refuses(
        &["train", "--resume", "run"],
        &["last.safetensors` is cut off", "hint: copy the file again"],
    );
    let mut flipped = last.clone();
    flipped[last.len() / 2] ^= 1;
    fs::write(run.join("last.safetensors"), flipped).unwrap();
    world.refuses(&["train", "--resume", "run"], &["last.safetensors` is damaged"]);
    fs::copy(run.join("best.safetensors"), run.join("last.safetensors")).unwrap();
    let alone = "error: the checkpoint holds a network alone, which no training can go on from";
    assert!(world.thorax(&["train", "--resume", "run"]).refused(&[]).stderr.contains(alone));
    fs::write(run.join("last.safetensors"), last).unwrap();

    fs::write(run.join("history.csv"), "").unwrap();
    let short = "does not have all of the 2 epochs of the run's last checkpoint";
    assert!(world.thorax(&["train", "--resume", "run"]).refused(&[]).stderr.contains(short));
}

#[test]
fn two_processes_never_train_one_run() {
    let world = World::new();
    world.study();
    let args = [
        "train",
        "--data",
        "xrays",
        "--image-size",
        "16",
        "--epochs",
        "100000",
        "--patience",
        "100000",
        "--out",
        "run",
    ];
    let mut child = world.command(&args).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&world.path("run/last.safetensors"));
    let words =
        ["error: another process is training the run in `run`", "hint: wait until it has ended, or stop it"];
    world.thorax(&["train", "--resume", "run"]).refused(&words);
    child.kill().unwrap();
    child.wait().unwrap();
    // A kill releases the lock: only the number of epochs is wrong now.
    world.thorax(&["train", "--resume", "run", "--epochs", "2"]).refused(&["epochs: 100000, now 2"]);
}
