//! Console texts as snapshots in `tests/expected`: texts for people, of every command, with its exit code.
//!
//! After an intended change run `INSTA_UPDATE=always cargo test -p cli --test end_to_end console`, and read the difference before
//! it is committed. Numbers that depend on the processor are blanked.

use std::fs;

use crate::world::World;

/// Patterns of numbers and names that differ between machines or runs, with their replacements. Widths are kept where columns
/// depend on them.
const BLANKED: [(&str, &str); 15] = [
    (r"/tmp/\.tmp\w+", "[folder]"),
    (r"\b[0-9a-f]{64}\b", "[sha256]"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?", "[time]"),
    (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d", "[time]"),
    (r"\b\d+\.\d+ s\b", "[seconds] s"),
    (r"\b\d+(\.\d+)? images/s\b", "[rate] images/s"),
    (r"\b\d\.\d{4}e[+-]\d+\b", "#.####e##"),
    (r"\b0\.\d{5,}(,|\b)", "#.########$1"),
    (r"\b\d\.\d{6}\b", "#.######"),
    (r"\b\d+ threads?\b", "[n] threads"),
    (r"\b\d\.\d{4}\b", "#.####"),
    (r"\b\d\.\d{3}\b", "#.###"),
    (r"\b\d\.\d{2}\b", "#.##"),
    (r"  \d+ %", "  ## %"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
];

/// Compares the output of these commands, one after the other, with the snapshot of this name.
#[track_caller]
fn assert_console(world: &World, name: &str, commands: &[&[&str]]) {
    let mut text = String::new();
    for command in commands {
        let done = world.thorax(command);
        text += &format!("$ thorax {}\n", command.join(" "));
        for (stream, printed) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            if !printed.is_empty() {
                text += &format!("--- {stream}\n{printed}");
            }
        }
        text += &format!("--- exit code {}\n\n", done.code.unwrap());
    }
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("expected");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, blank) in BLANKED {
        settings.add_filter(pattern, blank);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn help_of_every_command() {
    let world = World::new();
    let commands = [
        &["--help"][..],
        &["train", "--help"],
        &["cross-validate", "--help"],
        &["test", "--help"],
        &["compare", "--help"],
        &["predict", "--help"],
        &["explain", "--help"],
        &["report", "--help"],
        &["serve", "--help"],
        &["export", "--help"],
        &["data", "--help"],
        &["data", "scan", "--help"],
        &["data", "sample", "--help"],
        &["data", "cache", "--help"],
        &["data", "decode", "--help"],
        &["data", "split", "--help"],
        &["data", "audit", "--help"],
        &["guide", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ];
    assert_console(&world, "help", &commands);
}

#[test]
fn training_and_its_plan() {
    let world = World::new();
    world.study();
    let line = ["train", "--data", "xrays", "--image-size", "16", "--epochs", "2", "--batch-size", "8"];
    let run = [&line[..], &["--calibrate", "--sensitivity", "0.9", "--out", "run"]].concat();
    let augmented = [
        &line[..],
        &["--augment", "flip-horizontal,turn=5", "--schedule", "cosine", "--average", "ema", "--dry-run"],
    ]
    .concat();
    let resumed = ["train", "--resume", "run", "--extend-epochs", "1"];
    assert_console(&world, "train", &[&run, &augmented, &resumed]);
}

#[test]
fn a_model_at_work() {
    let world = World::new();
    world.trained();
    let commands = [
        &["test", "--saved", "run"][..],
        &["test", "--saved", "run", "--data", "xrays", "--data", "held out=xrays Test"],
        &["predict", "xrays Test/NORMAL"],
        &["predict", "xrays Test/NORMAL/000.png", "--csv"],
        &["predict", "xrays Test/NORMAL/000.png", "--uncertain-below", "0.99"],
        &["explain", "xrays Test/NORMAL/000.png", "--out", "maps"],
        &["export", "--out", "model.pt"],
        &["report", "run"],
        &["compare", "run", "run"],
    ];
    assert_console(&world, "model", &commands);
}

#[test]
fn cross_validation() {
    let world = World::new();
    world.study();
    let line = ["cross-validate", "--data", "xrays", "--image-size", "16", "--epochs", "1", "--folds", "2"];
    let out = [&line[..], &["--out", "cv"]].concat();
    assert_console(&world, "cross-validate", &[&out, &out]);
}

#[test]
fn looking_at_a_data_set() {
    let world = World::new();
    world.study();
    fs::copy(world.path("xrays/NORMAL/000.png"), world.path("xrays/COVID-19/copy.png")).unwrap();
    fs::write(world.path("xrays/NORMAL/broken.png"), "no image").unwrap();
    fs::write(world.path("xrays/notes.txt"), "notes").unwrap();
    let commands = [
        &["data", "scan", "xrays"][..],
        &["data", "scan", "xrays", "--formats", "keras"],
        &["data", "audit", "xrays"],
        &["data", "split", "xrays", "--out", "split.csv", "--test-split", "0.2"],
        &["data", "decode", "xrays/NORMAL/000.png", "--out", "decoded"],
        &["data", "cache"],
        &["data", "sample", "--out", "sample", "--count", "15", "--image-size", "32"],
    ];
    assert_console(&world, "data", &commands);
}

#[test]
fn what_is_refused() {
    let world = World::new();
    world.trained();
    fs::create_dir_all(world.path("empty")).unwrap();
    fs::write(world.path("broken.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(world.path("broken.safetensors"), "no checkpoint").unwrap();
    fs::write(world.path("m.csv"), "path,label\nxrays/NORMAL/000.png,NORMAL\nnowhere.png,COVID-19\n")
        .unwrap();
    fs::write(world.path("p.csv"), "path,label,predicted\n").unwrap();
    let commands = [
        &["train", "--data", "nowhere"][..],
        &["train", "--data", "empty"],
        &["train", "--data", "m.csv"],
        &["train", "--data", "xrays", "--out", "xrays"],
        &["train", "--data", "xrays", "--epoch", "3"],
        &["train", "--data", "xrays", "--model", "resnet"],
        &["train", "--data", "xrays", "--image-size", "0", "--out", "small"],
        &["train", "--data", "xrays", "--recipe", "quick"],
        &["train", "--resume", "nowhere"],
        &["test", "--saved", "nowhere"],
        &["test", "--saved", "broken.safetensors"],
        &["predict", "broken.png", "nowhere.png", "--saved", "run"],
        &["predict", "empty", "--saved", "run"],
        &["explain", "xrays/NORMAL", "--class", "TUBERCULOSIS", "--saved", "run"],
        &["compare", "run", "p.csv"],
        &["report", "empty"],
        &["export", "--saved", "run", "--format", "onnx", "--out", "x.onnx"],
        &["serve", "--saved", "run", "--listen", "nowhere"],
        &["data", "scan", "empty"],
        &["data", "split", "xrays", "--out", "m.csv"],
        &["dta"],
    ];
    assert_console(&world, "refused", &commands);
}
