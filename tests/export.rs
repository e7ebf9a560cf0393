//! Tests of `export`: the contents of the file, and its results in PyTorch.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::world::{CLASSES, World};

#[test]
fn the_file_says_what_it_is() {
    let world = World::new();
    world.trained();
    let done = world.thorax(&["export", "--saved", "run"]);
    let lines: Vec<&str> = done.ok().stdout.lines().collect();
    assert!(lines[0].starts_with("file   run/best.pt (1."), "{}", done.stdout);
    assert_eq!(lines[1], "input  u8 [N, 3, 16, 16], RGB, nearest to that size");
    assert_eq!(lines[2], "output f32 [N, 3], probabilities of COVID-19, NORMAL, Viral Pneumonia");
    assert!(lines[3].starts_with("check  probabilities differ by at most "), "{}", done.stdout);
    assert!(done.stderr.contains("the input guard is not in it"), "{}", done.stderr);

    let found = world.thorax(&["export", "--out", "model.pt", "--json"]).json();
    let bytes = fs::read(world.path("model.pt")).unwrap();
    assert_eq!((found["bytes"].as_u64(), &found["file"]), (Some(bytes.len() as u64), &json!("model.pt")));
    assert!(found["largest_difference"].as_f64().unwrap() <= 1e-5);
    let metadata = &found["metadata"];
    assert_eq!(metadata["classes"], json!(CLASSES));
    assert_eq!(metadata["input"]["shape"], json!(["N", 3, 16, 16]));
    assert_eq!((&metadata["run"], &metadata["precision"]), (&json!("run"), &json!("f32")));
    // The metadata is in the file literally, uncompressed.
    let text = metadata.to_string();
    assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()));

    // The file is no checkpoint of Thorax.
    world.refuses(&["predict", "xrays", "--saved", "model.pt"], &["`model.pt` is not a Thorax checkpoint"]);
}

#[test]
fn nothing_is_overwritten_unawares() {
    let world = World::new();
    world.trained();
    fs::write(world.path("run/best.pt"), "mine").unwrap();
    world.refuses(
        &["export", "--saved", "run"],
        &[
            "error: `run/best.pt` is there already",
            "hint: name another file with `--out FILE`, or overwrite it with `--force`",
        ],
    );
    world.refuses(&["export", "--saved", "run", "--out", "xrays"], &["error: `xrays` is a folder"]);
    world.refuses(
        &["export", "--saved", "run", "--out", "no/model.pt"],
        &["error: cannot write `no/model.pt`"],
    );
    world.refuses(&["export", "--saved", "nothing"], &["error: there is no saved model `nothing`"]);
    let onnx = world.thorax(&["export", "--saved", "run", "--format", "onnx"]);
    assert!(onnx.stderr.contains("no well-kept library writes ONNX from Rust"), "{}", onnx.stderr);
    assert_eq!(fs::read(world.path("run/best.pt")).unwrap(), b"mine");
    world.thorax(&["export", "--saved", "run", "--force"]).ok();
    assert!(fs::read(world.path("run/best.pt")).unwrap().starts_with(b"PK"));
}

#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn pytorch_says_the_same() {
    let has = Command::new("python3").args(["-c", "import numpy, PIL, torch"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("pytorch_says_the_same: skipped, `python3` has no torch, numpy and Pillow");
        return;
    }
    let world = World::new();
    world.study();
    world.train(&["--epochs", "2", "--batch-size", "8", "--calibrate", "--out", "run"]).ok();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/check_export.py");
    let arguments = [script, "--thorax", env!("CARGO_BIN_EXE_thorax"), "--saved", "run", "xrays Test"];
    let output = Command::new("python3").args(arguments).current_dir(world.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["images"], &found["same_class"]), (&json!(12), &json!(12)), "{found}");
}
