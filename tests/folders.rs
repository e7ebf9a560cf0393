//! Tests of folders in everyday states: with output of this program, with files of other programs, read-only, moved.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    pictures::gray_png,
    world::{World, read_json},
};

const QUICK: [&str; 4] = ["--image-size", "16", "--epochs", "1"];

/// Makes two classes of ten pictures each, as the folder `data`.
fn two_classes(world: &World) {
    world.data_set("data", &[("NORMAL", 10), ("PNEUMONIA", 10)]);
}

/// Trains for an epoch; returns the text on stderr.
fn train(world: &World, flags: &[&str]) -> String {
    let done = world.thorax(&[&["train"], &QUICK[..], flags].concat());
    done.ok();
    done.stderr
}

fn classes(world: &World, run: &str) -> Value {
    read_json(&world.path(run).join("run.json"))["classes"].clone()
}

#[test]
fn what_the_program_wrote_into_a_data_set_is_no_part_of_it() {
    let world = World::new();
    two_classes(&world);
    for out in ["one", "two"] {
        // The first writes `data/cache` and `data/runs/latest`.
        train(&world, &["--data", "data", "--out", out]);
        assert_eq!(classes(&world, out), json!(["NORMAL", "PNEUMONIA"]));
    }
    // Runs of their own names, heat maps, a test, a split and a sample, all in the data set.
    let said = train(&world, &["--data", "data"]);
    assert!(said.contains("left out: 1 a cache: `data/cache`\n"), "{said}");
    assert!(said.contains("left out: 1 runs that Thorax wrote: `data/runs`\n"), "{said}");
    world.thorax(&["explain", "data/NORMAL", "data/PNEUMONIA", "--saved", "one"]).ok();
    world.thorax(&["test", "--saved", "one", "--data", "data", "--out", "data/tested"]).ok();
    let images: Vec<_> = fs::read_dir(world.path("data/NORMAL")).unwrap().collect();
    let image = images[0].as_ref().unwrap().path();
    let decode = |out| world.thorax(&["data", "decode", image.to_str().unwrap(), "--out", out]);
    decode("data/decoded").ok();
    decode("elsewhere/NORMAL").ok();
    world.thorax(&["data", "sample", "--count", "15", "--test-per-class", "1", "--image-size", "32"]).ok();
    world
        .thorax(&["cross-validate", "--data", "data", "--folds", "2", "--image-size", "16", "--epochs", "1"])
        .ok();
    let manifest = ["data", "split", "data", "--out", "m.csv", "--test-per-class", "2", "--copy", "parts"];
    world.thorax(&manifest).ok();
    fs::rename(world.path("parts"), world.path("data/parts")).unwrap();
    let scan = world.thorax(&["data", "scan", "data", "--json"]).json();
    let labels: Vec<&Value> =
        scan["classes"].as_array().unwrap().iter().map(|class| &class["label"]).collect();
    assert_eq!(labels, ["NORMAL", "PNEUMONIA"]);
    let mut left_out: Vec<(&str, &str)> = scan["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["path"].as_str().unwrap(), left["reason"].as_str().unwrap()))
        .collect();
    left_out.sort_unstable();
    assert_eq!(
        left_out,
        [
            ("data/cache", "a cache"),
            ("data/decoded", "decoded images that Thorax wrote"),
            ("data/explained", "heat maps that Thorax wrote"),
            ("data/parts", "a split of a data set that Thorax wrote"),
            ("data/runs", "runs that Thorax wrote"),
            ("data/sample", "the synthetic sample that Thorax wrote"),
            ("data/tested", "results of a test that Thorax wrote"),
        ]
    );
    // Images decoded to another place are data there, and so are those beside their sources if they are named.
    assert!(!world.path("elsewhere/NORMAL/.thorax-output").exists());
    world.thorax(&["predict", "data/decoded", "--saved", "one"]).ok();
    // A split and the sample are data sets if they are named.
    train(&world, &["--data", "data/parts", "--out", "of-parts"]);
    let counts = json!({"training": [7, 7], "validation": [1, 1], "test": [2, 2]});
    assert_eq!(read_json(&world.path("of-parts/run.json"))["counts"], counts);
    train(&world, &["--data", "data/sample/Phantoms", "--out", "of-sample"]);
    assert_eq!(read_json(&world.path("of-sample/run.json"))["synthetic"], true);
}

#[test]
fn the_working_folder_itself_may_be_the_data_set() {
    let world = World::new();
    two_classes(&world);
    let inside = |flags: &[&str]| {
        let mut command = world.command(&[&["train", "--data", "."], &QUICK[..], flags].concat());
        let output = command.current_dir(world.path("data")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    inside(&[]);
    // `data/data` holds nothing but runs and a cache.
    assert!(inside(&[]).contains("that Thorax wrote: `./data`\n"));
    inside(&["--out", "../run", "--cache", "none"]);
    assert_eq!(classes(&world, "run"), json!(["NORMAL", "PNEUMONIA"]));
}

/// Checks that output of versions without markers, in places of the user's choice, is recognised by its contents.
#[test]
fn output_without_a_marker_is_known() {
    let world = World::new();
    two_classes(&world);
    train(&world, &["--data", "data", "--out", "data/mine/first"]);
    world.thorax(&["explain", "data/NORMAL/000.png", "--saved", "data/mine/first"]).ok();
    fs::rename(world.path("data/explained"), world.path("maps")).unwrap();
    fs::remove_file(world.path("maps/.thorax-output")).unwrap();
    fs::rename(world.path("maps"), world.path("data/maps")).unwrap();
    fs::remove_file(world.path("data/cache/CACHEDIR.TAG")).unwrap();
    let runs = world.path("data/runs");
    assert!(runs.join("latest").exists());
    fs::remove_file(runs.join(".thorax-output")).unwrap();
    // Pictures of a heat map among the images of a class.
    for name in ["000.map.png", "000.overlay.png"] {
        fs::copy(world.path("data/maps").join(name), world.path("data/NORMAL").join(name)).unwrap();
    }
    train(&world, &["--data", "data", "--out", "run"]);
    let record = read_json(&world.path("run/run.json"));
    assert_eq!(
        (&record["classes"], &record["counts"]["training"]),
        (&json!(["NORMAL", "PNEUMONIA"]), &json!([8, 8]))
    );
    let done = world.thorax(&["predict", "data", "--saved", "run", "--csv"]);
    assert_eq!(done.ok().stdout.lines().count(), 21, "{}", done.stdout);
    for words in ["a run that Thorax wrote: `data/mine/first`", "heat maps that Thorax wrote: "] {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    // A folder of images with a marker of another program's cache is a cache, too.
    fs::create_dir(world.path("data/foreign")).unwrap();
    fs::write(world.path("data/foreign/1.png"), gray_png(8, 9)).unwrap();
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# by another program\n";
    fs::write(world.path("data/foreign/CACHEDIR.TAG"), tag).unwrap();
    train(&world, &["--data", "data", "--out", "again"]);
    assert_eq!(classes(&world, "again"), json!(["NORMAL", "PNEUMONIA"]));
}

#[test]
fn heat_maps_are_not_classified_nor_explained() {
    let world = World::new();
    two_classes(&world);
    train(&world, &["--data", "data", "--out", "run"]);
    world.thorax(&["explain", "data/NORMAL", "--saved", "run", "--out", "data/NORMAL/maps"]).ok();
    let rows = |flags: &[&str]| world.thorax(&[&["predict", "--saved", "run", "--csv"], flags].concat());
    assert_eq!(rows(&["data/NORMAL"]).ok().stdout.lines().count(), 11);
    let done = rows(&["data/NORMAL/maps"]);
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    for words in
        ["heat maps that Thorax wrote: `data/NORMAL/maps`", "error: there is no image in `data/NORMAL/maps`"]
    {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    // A folder that held something before is the user's, and is never marked.
    world.thorax(&["explain", "data/NORMAL/000.png", "--saved", "run", "--out", "data/PNEUMONIA"]).ok();
    assert_eq!(rows(&["data/PNEUMONIA"]).ok().stdout.lines().count(), 11);
    assert_eq!(world.thorax(&["data", "scan", "data", "--json"]).json()["classes"][1]["images"], 10);
}

/// Checks a latest-run note that cannot be written; a folder that can never be made, not even by root, stands for one without
/// permission.
#[test]
fn a_note_on_the_latest_run_that_cannot_be_written_stops_nothing() {
    let world = World::new();
    world.data_set("xrays", &[("a", 10), ("b", 10)]);
    fs::write(world.path("data"), "a file").unwrap();
    let line = ["--data", "xrays", "--out", "run", "--cache", "none"];
    let said = train(&world, &line);
    assert!(said.contains("warning: `data/runs/latest` cannot name this run"), "{said}");
    assert_eq!(read_json(&world.path("run/run.json"))["status"], "completed");
    assert!(world.path("run/report.html").exists());
    world
        .thorax(&[
            "cross-validate",
            "--data",
            "xrays",
            "--folds",
            "2",
            "--out",
            "cv",
            "--cache",
            "none",
            "--epochs",
            "1",
        ])
        .ok();
}

#[cfg(unix)]
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn a_working_folder_that_may_not_be_written_is_enough() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new();
    world.data_set("xrays", &[("a", 10), ("b", 10)]);
    let here = world.path("here");
    fs::create_dir(&here).unwrap();
    fs::set_permissions(&here, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(here.join("x"), "").is_ok() {
        eprintln!("a_working_folder_that_may_not_be_written_is_enough: skipped, root writes everywhere");
        return;
    }
    let line = [&["train", "--data", "../xrays", "--out", "../run", "--cache", "none"], &QUICK[..]].concat();
    let output = world.command(&line).current_dir(&here).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_notebooks_archives_and_systems_leave_is_no_data() {
    let world = World::new();
    two_classes(&world);
    for folder in [".ipynb_checkpoints", "__MACOSX/NORMAL", "@eaDir", "NORMAL/.ipynb_checkpoints", ".git/x"] {
        fs::create_dir_all(world.path("data").join(folder)).unwrap();
        fs::write(world.path("data").join(folder).join("000-checkpoint.png"), gray_png(8, 9)).unwrap();
    }
    for i in 0..10 {
        fs::write(world.path(&format!("data/NORMAL/._{i:03}.png")), b"\0\x05\x16\x07\0\x02\0\0Mac OS X")
            .unwrap();
    }
    fs::write(world.path("data/.DS_Store"), "x").unwrap();
    fs::write(world.path("data/NORMAL/Thumbs.db"), "x").unwrap();
    for formats in ["keras", "all"] {
        let said = train(&world, &["--data", "data", "--out", formats, "--formats", formats]);
        let record = read_json(&world.path(formats).join("run.json"));
        let counts = (&record["classes"], &record["counts"]["training"], &record["counts"]["validation"]);
        assert_eq!(counts, (&json!(["NORMAL", "PNEUMONIA"]), &json!([8, 8]), &json!([2, 2])), "{formats}");
        let words = "left out: 15 left by a notebook, an archive or a system: ";
        assert!(said.contains(words), "{said}");
    }
    let done = world.thorax(&["predict", "data", "--saved", "all", "--csv"]);
    assert_eq!(done.ok().stdout.lines().count(), 21, "{}", done.stdout);
    assert!(done.stderr.contains("left by a notebook, an archive or a system"), "{}", done.stderr);
    // Another hidden folder is a class by Keras' rules and none by the others; both are reported.
    fs::create_dir(world.path("data/.old")).unwrap();
    for i in 0..10 {
        fs::copy(world.path(&format!("data/NORMAL/{i:03}.png")), world.path(&format!("data/.old/{i}.png")))
            .unwrap();
    }
    let said = train(&world, &["--data", "data", "--formats", "keras", "--out", "three"]);
    assert_eq!(classes(&world, "three"), json!([".old", "NORMAL", "PNEUMONIA"]));
    assert!(
        said.contains("warning: `data`: the hidden folder `.old` is a class, as Keras takes it: "),
        "{said}"
    );
    let said = train(&world, &["--data", "data", "--formats", "all", "--out", "two"]);
    assert_eq!(classes(&world, "two"), json!(["NORMAL", "PNEUMONIA"]));
    assert!(said.contains("left out: 1 hidden: `data/.old`\n"), "{said}");
}

#[test]
fn classes_that_look_alike_and_classes_without_images_are_told() {
    let world = World::new();
    world.data_set("data", &[("Normal", 5), ("NORMAL", 5), ("r\u{f6}ntgen", 5), ("ro\u{308}ntgen", 5)]);
    let said = train(&world, &["--data", "data", "--out", "run"]);
    for words in
        ["the classes `NORMAL` and `Normal` differ in upper and lower case only", "in the Unicode form"]
    {
        assert!(said.contains(words), "{said}");
    }
    fs::create_dir(world.path("data/weights")).unwrap();
    world.refuses(
        &["train", "--data", "data"],
        &["error: class in `data` without images: `weights`", "hint: ", "--classes"],
    );
    // A class is found by its name in either Unicode form.
    let done = world.thorax(&["data", "scan", "data", "--classes", "NORMAL,ro\u{308}ntgen", "--json"]).json();
    assert_eq!(done["classes"][1]["images"], 5);
    fs::remove_dir_all(world.path("data/ro\u{308}ntgen")).unwrap();
    let done = world.thorax(&["data", "scan", "data", "--classes", "NORMAL,ro\u{308}ntgen", "--json"]).json();
    assert_eq!(
        (&done["classes"][1]["images"], &done["classes"][1]["label"]),
        (&json!(5), &json!("ro\u{308}ntgen"))
    );
}

#[test]
fn a_test_folder_without_labels_is_a_note() {
    let world = World::new();
    world.data_set("data/train", &[("a", 10), ("b", 10)]);
    world.data_set("data", &[("test", 3)]);
    let said = train(&world, &["--data", "data", "--out", "run"]);
    assert!(said.contains("`data/test` holds no class folders: its images have no labels"), "{said}");
    let counts = json!({"training": [8, 8], "validation": [2, 2]});
    assert_eq!(read_json(&world.path("run/run.json"))["counts"], counts);
    let scan = world.thorax(&["data", "scan", "data"]);
    assert!(scan.ok().stdout.contains("left out: 1 a test folder without class folders: `data/test`"));
    world.refuses(
        &["test", "--saved", "run", "--data", "data"],
        &["error: `data` has parts, and none of them is for testing"],
    );
}

/// Checks that unreadable files are left out before the split: the first ones would all have been for validation.
#[test]
fn a_split_is_made_of_the_images_that_can_be_read() {
    let world = World::new();
    two_classes(&world);
    for name in ["000", "001", "002"] {
        fs::write(world.path(&format!("data/NORMAL/{name}.png")), "no image").unwrap();
    }
    let said = train(&world, &["--data", "data", "--on-bad-image", "skip", "--out", "run"]);
    let record = read_json(&world.path("run/run.json"));
    // int(0.2 × 7) = 1; weights are those of 7 and 10 images: 17 / (2 × 7) and 17 / (2 × 10).
    assert_eq!(record["counts"], json!({"training": [6, 8], "validation": [1, 2]}));
    assert_eq!(record["class_weights"], json!([17.0 / 14.0, 17.0 / 20.0]));
    assert_eq!(record["skipped"].as_array().unwrap().len(), 3);
    assert!(said.contains("\nwithout them:\nclass "), "{said}");
    // The run is the same as on a data set without these files.
    for name in ["000", "001", "002"] {
        fs::remove_file(world.path(&format!("data/NORMAL/{name}.png"))).unwrap();
    }
    train(&world, &["--data", "data", "--out", "clean"]);
    let bytes = |run: &str| fs::read(world.path(run).join("best.safetensors")).unwrap();
    assert!(bytes("run") == bytes("clean"), "the weights differ");
    // A resumed run finds the same images.
    let resumed = ["train", "--resume", "run", "--extend-epochs", "1"];
    fs::write(world.path("data/NORMAL/000.png"), "no image").unwrap();
    world.thorax(&resumed).ok();
    let line = ["cross-validate", "--data", "data", "--folds", "2", "--on-bad-image", "skip", "--out", "cv"];
    let line = [&line[..], &QUICK, &["--validation-split", "0.4"]].concat();
    world.thorax(&line).ok();
    let dealt = fs::read_to_string(world.path("cv/folds.csv")).unwrap();
    assert!(!dealt.contains("000.png,NORMAL") && dealt.lines().count() == 18, "{dealt}");
    assert_eq!(fs::read_to_string(world.path("cv/predictions.csv")).unwrap().lines().count(), 18);
    world.thorax(&line).ok();
}

#[test]
fn runs_that_start_at_once_get_folders_of_their_own() {
    let world = World::new();
    two_classes(&world);
    let line = [&["train", "--data", "data", "--no-report"], &QUICK[..]].concat();
    let start = || world.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let runs = || {
        let entries = fs::read_dir(world.path("data/runs")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.join("run.json").exists()).collect::<Vec<_>>()
    };
    assert_eq!(runs().len(), 4, "{:?}", runs());
    assert!(runs().iter().all(|run| read_json(&run.join("run.json"))["status"] == "completed"));
    let line = [
        "cross-validate",
        "--data",
        "data",
        "--folds",
        "2",
        "--fold",
        "1",
        "--epochs",
        "1",
        "--image-size",
        "16",
    ];
    let start = |seed: &str| {
        let line = [&line[..], &["--seed", seed]].concat();
        world.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for child in ["1", "2"].map(start) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Checks that the images' fingerprint tells if they are a run's, wherever they are.
#[test]
fn a_run_goes_on_where_its_images_were_moved_to() {
    let world = World::new();
    world.study();
    let line = ["--epochs", "2", "--batch-size", "8", "--out"];
    world.train(&[&line[..], &["whole"]].concat()).ok();
    world.thorax(&["train", "--resume", "whole", "--extend-epochs", "1"]).ok();
    world.train(&[&line[..], &["run"]].concat()).ok();
    for (from, to) in [("xrays", "moved"), ("xrays Test", "moved Test")] {
        fs::rename(world.path(from), world.path(to)).unwrap();
    }
    let resume = ["train", "--resume", "run", "--extend-epochs", "1"];
    world.refuses(
        &resume,
        &[
            "error: the images of the run in `run` are not in `xrays` any more",
            "hint: ",
            "`thorax train --resume \"run\" --data FOLDER`",
        ],
    );
    world.refuses(
        &["test", "--saved", "run"],
        &["error: the test images of the run are not in `", "xrays Test` any more", "hint: ", "--data"],
    );
    world.data_set("other", &[("COVID-19", 10), ("NORMAL", 10), ("Viral Pneumonia", 10)]);
    world.refuses(
        &[&resume[..], &["--data", "other", "--test-data", "moved Test"]].concat(),
        &["error: the images are not those that the run in `run` was started with", "hint: "],
    );
    world.thorax(&[&resume[..], &["--data", "moved"]].concat()).ok();
    let files = |run: &str| {
        ["best.safetensors", "last.safetensors"].map(|name| fs::read(world.path(run).join(name)).unwrap())
    };
    assert!(files("run") == files("whole"), "the weights differ");
    let record = read_json(&world.path("run/run.json"));
    assert_eq!((&record["epochs_run"], &record["paths"]["data"]), (&json!(3), &json!("moved")));
    assert!(record["settings"]["test-data"].as_str().unwrap().ends_with("/moved Test"), "{record}");
    // From here on the folder exists.
    world.thorax(&["train", "--resume", "run", "--extend-epochs", "1"]).ok();
    world.thorax(&["test", "--saved", "run"]).ok();
}

/// Checks that Ctrl-C ends a scan of many files at once, and with its own exit code.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_scan() {
    let world = World::new();
    let folder = world.path("data/a");
    fs::create_dir_all(&folder).unwrap();
    for i in 0..20_000 {
        fs::write(folder.join(format!("{i}")), "").unwrap();
    }
    let line = ["data", "scan", "data", "--formats", "all"];
    let mut child = world.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The second bit of the mask of caught signals is that of Ctrl-C.
    let catches = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 2 != 0
    };
    while !catches(child.id()) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended without ever catching Ctrl-C");
        std::thread::sleep(Duration::from_millis(1));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
