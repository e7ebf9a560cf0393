//! Tests of disks that fill up and writes that fail: the run ends with a clear error, and resumes from its last good state.

use std::{fs, path::Path, process::Command};

use crate::{resume::Outcome, world::World};

/// Flags of a run on thirty images, ten per class, for two epochs.
const FLAGS: [&str; 12] = [
    "train",
    "--data",
    "xrays",
    "--image-size",
    "12",
    "--epochs",
    "2",
    "--batch-size",
    "12",
    "--cache",
    "none",
    "--calibrate",
];
/// Error numbers and messages: no space left on the device; an error of the device.
const ERRORS: [(&str, &str); 2] = [("28", "No space left on device"), ("5", "Input/output error")];

/// Builds the library that makes writes fail; prints a note and returns `None` if there is no C compiler.
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn library(folder: &Path) -> Option<std::path::PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/failing_writes.c");
    let library = folder.join("failing_writes.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output();
    match built {
        Ok(output) if output.status.success() && cfg!(target_os = "linux") => Some(library),
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("skipped: no C compiler to make writes fail with: {error}");
            None
        }
    }
}

/// Fails one of every `step` writes of a run: once, and in turn with all later ones.
#[expect(clippy::print_stderr, reason = "how much was tried is worth seeing")]
fn every_write(step: usize) {
    let tools = tempfile::tempdir().unwrap();
    let Some(library) = library(tools.path()) else { return };
    let world = World::new();
    world.study();
    world.thorax(&[&FLAGS[..], &["--out", "whole"]].concat()).ok();
    let expected = Outcome::of(&world.path("whole"));
    fs::remove_dir_all(world.path("data")).unwrap();
    let count = tools.path().join("count");
    let under = fs::canonicalize(world.path("")).unwrap();
    let run = |at: usize, error: &str| {
        let mut command = world.command(&[&FLAGS[..], &["--out", "run"]].concat());
        command.env("LD_PRELOAD", &library).env("FAIL_UNDER", &under).env("FAIL_AT", at.to_string());
        command
            .env("FAIL_COUNT", &count)
            .env("FAIL_ERRNO", error)
            .env("FAIL_ON", if at.is_multiple_of(2) { "1" } else { "0" });
        command.output().unwrap()
    };
    assert!(run(0, "5").status.success());
    let calls: usize = fs::read_to_string(&count).unwrap().parse().unwrap();
    assert!(calls > 50, "only {calls} calls were seen");
    let (mut failed, mut harmless) = (0, 0);
    for at in (1..=calls).step_by(step) {
        for folder in ["run", "data"] {
            let _ = fs::remove_dir_all(world.path(folder));
        }
        let (errno, words) = ERRORS[at / 2 % 2];
        let output = run(at, errno);
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            // A page that could not be written is reported, and the run and its exit code are not affected.
            Some(0) => harmless += 1,
            Some(1) => {
                failed += 1;
                let told = stderr.contains("error: ") && stderr.contains(words) && stderr.contains('`');
                assert!(told, "call {at} of {calls}:\n{stderr}");
            }
            code => panic!("call {at} of {calls}: exit code {code:?}\n{stderr}"),
        }
        // No file is half written under its own name, and the run resumes from there.
        let again = match world.path("run/run.json").exists() {
            true => world.thorax(&["train", "--resume", "run"]),
            false => world.thorax(&[&FLAGS[..], &["--out", "run"]].concat()),
        };
        again.ok();
        Outcome::of(&world.path("run")).same_as(&expected, &format!("call {at} of {calls}"));
    }
    eprintln!("of {calls} calls every {step}. failed: {failed} runs ended, {harmless} did not mind");
    assert!(failed > harmless);
}

#[test]
fn a_write_that_fails_loses_nothing() {
    every_write(23);
}

#[test]
#[ignore = "takes minutes: `cargo xtask torture` runs it"]
fn no_write_that_fails_loses_anything() {
    every_write(1);
}

/// Checks file systems of a few KiB, which grow after the run has failed on them.
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn a_disk_that_is_full_loses_nothing() {
    let world = World::new();
    world.study();
    world.thorax(&[&FLAGS[..], &["--out", "disk/run"]].concat()).ok();
    let expected = Outcome::of(&world.path("disk/run"));
    fs::remove_dir_all(world.path("disk")).unwrap();
    fs::create_dir(world.path("disk")).unwrap();
    let sandboxed = |script: &str, size: &str| {
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-ec",
            script,
            "sh",
            env!("CARGO_BIN_EXE_thorax"),
            size,
        ]);
        command.args(FLAGS).current_dir(world.path("")).env_remove("LD_LIBRARY_PATH").output()
    };
    if !sandboxed("mount -t tmpfs -o size=100k none disk", "").is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system does not let a test mount a file system of its own");
        return;
    }
    let script = "thorax=$1; size=$2; shift 2
        mount -t tmpfs -o size=${size}k none disk
        if \"$thorax\" \"$@\" --out disk/run >/dev/null 2>first; then echo whole; else echo $?; fi
        mount -o remount,size=100m disk
        if [ -e disk/run/run.json ]; then \"$thorax\" train --resume disk/run >/dev/null 2>second
        else rm -rf disk/run; \"$thorax\" \"$@\" --out disk/run >/dev/null 2>second; fi
        rm -rf out; cp -r disk/run out";
    let mut ended = Vec::new();
    // Sizes from less than a record to all but the last file.
    for size in ["4", "64", "700", "1500", "2600", "3100", "3600", "5000", "9000"] {
        let output = sandboxed(script, size).unwrap();
        let texts = ["first", "second"].map(|name| fs::read_to_string(world.path(name)).unwrap_or_default());
        let first = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
        assert!(output.status.success(), "{size} KiB: {first}\n{}\n{}", texts[0], texts[1]);
        if first != "whole" {
            assert_eq!(first, "1", "{size} KiB:\n{}", texts[0]);
            assert!(
                texts[0].contains("No space left on device") && texts[0].contains("error: cannot "),
                "{size} KiB:\n{}",
                texts[0]
            );
        }
        Outcome::of(&world.path("out")).same_as(&expected, &format!("{size} KiB"));
        ended.push(format!("{size} KiB: {first}"));
    }
    eprintln!("{}", ended.join(", "));
    assert!(ended.iter().filter(|end| end.ends_with(": 1")).count() >= 4, "{ended:?}");
}
