//! Tests of runs of earlier versions: every later version loads, tests, shows and resumes them.
//!
//! `tests/formats/2/run` is a run of the present format, trained on [`World::study`] by [`FLAGS`] and stopped after three of its
//! epochs; paths in it are given below `FOLDER`. A change of the stored files adds a folder, made by `cargo test -p cli --test
//! end_to_end -- --ignored formats::make`, and leaves the older ones unchanged.

use std::{fs, path::Path};

use crate::world::{World, read_json};

const FORMATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/formats");
const FLAGS: [&str; 16] = [
    "train",
    "--data",
    "xrays",
    "--image-size",
    "4",
    "--epochs",
    "5",
    "--patience",
    "9",
    "--batch-size",
    "8",
    "--average",
    "ema",
    "--calibrate",
    "--out",
    "run",
];
/// Files that a resumed run does not make again.
const KEPT: [&str; 6] =
    ["best.safetensors", "last.safetensors", "history.csv", "predictions.csv", "run.json", "test.json"];

/// Makes a world with the run of a format, and the images that it was trained on.
fn world(format: &Path) -> World {
    let world = World::new();
    world.study();
    fs::create_dir(world.path("run")).unwrap();
    for name in KEPT {
        fs::copy(format.join("run").join(name), world.path("run").join(name)).unwrap();
    }
    let folder = fs::canonicalize(world.path("")).unwrap();
    let record = fs::read_to_string(world.path("run/run.json")).unwrap();
    fs::write(world.path("run/run.json"), record.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    world
}

#[track_caller]
fn close(a: &serde_json::Value, b: &serde_json::Value, what: &str) {
    let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
    assert!((a - b).abs() <= 1e-4, "{what}: {a} and {b}");
}

#[test]
fn a_run_of_every_format_is_loaded_tested_shown_and_gone_on_with() {
    let mut formats: Vec<_> = fs::read_dir(FORMATS)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    formats.sort();
    assert!(!formats.is_empty());
    for format in formats {
        let world = world(&format);
        let stored = read_json(&world.path("run/test.json"));
        let tested = world.thorax(&["test", "--saved", "run", "--json"]).json();
        for key in ["loss", "accuracy", "balanced_accuracy"] {
            close(&tested[key], &stored["saved"][key], key);
        }
        close(
            &tested["calibration"]["temperature"],
            &stored["saved"]["calibration"]["temperature"],
            "temperature",
        );
        let last = world.thorax(&["test", "--saved", "run/last.safetensors", "--json"]).json();
        close(&last["loss"], &stored["final"]["loss"], "the final model's loss");

        let predicted = world.thorax(&["predict", "xrays Test", "--saved", "run", "--csv"]);
        assert_eq!(predicted.ok().stdout.lines().count(), 1 + 12);
        world.thorax(&["report", "run"]).ok();
        assert!(world.path("run/report.html").exists());
        world.thorax(&["compare", "run", "run"]).ok();

        let resumed = world.thorax(&["train", "--resume", "run"]);
        assert!(resumed.ok().stderr.contains("\ngoing on after 3 whole epochs\n"), "{}", resumed.stderr);
        let record = read_json(&world.path("run/run.json"));
        assert_eq!((&record["status"], &record["epochs_run"]), (&"completed".into(), &5.into()));
        let history = |path: &Path| fs::read_to_string(path.join("run/history.csv")).unwrap();
        assert!(history(&world.path("")).starts_with(&history(&format)));
    }
}

/// Makes a run of the present format below the build's folder, to be inspected and moved to `tests/formats`.
#[test]
#[ignore = "makes what `tests/formats` holds"]
#[expect(clippy::print_stderr, reason = "where it is must be told")]
fn make() {
    let world = World::new();
    world.study();
    world.thorax(&FLAGS.map(|flag| if flag == "5" { "3" } else { flag })).ok();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("format/run");
    fs::create_dir_all(&out).unwrap();
    for name in KEPT {
        fs::copy(world.path("run").join(name), out.join(name)).unwrap();
    }
    let folder = fs::canonicalize(world.path("")).unwrap();
    let record =
        fs::read_to_string(out.join("run.json")).unwrap().replace(folder.to_str().unwrap(), "FOLDER");
    let stopped =
        record.replace("\"epochs\": 3", "\"epochs\": 5").replace("\"completed\"", "\"interrupted\"");
    fs::write(out.join("run.json"), stopped).unwrap();
    eprintln!("{}", out.display());
}
