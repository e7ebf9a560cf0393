//! Tests of `data split`, and of splits that keep groups whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use crate::world::{World, read_json};

/// Makes two classes of twenty pictures, four of each patient; names begin with the patient's.
fn patients(world: &World) {
    world.data_set("xrays", &[("sick", 20), ("well", 20)]);
    for class in ["sick", "well"] {
        for i in 0..20 {
            let folder = world.path(&format!("xrays/{class}"));
            fs::rename(
                folder.join(format!("{i:03}.png")),
                folder.join(format!("p{}-{i}.png", i % 5 + i / 20)),
            )
            .unwrap();
        }
    }
}

/// Reads the columns of a manifest, row by row.
fn manifest(world: &World, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(world.path(name)).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().unwrap().collect();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

fn counts(rows: &[BTreeMap<String, String>], split: &str) -> usize {
    rows.iter().filter(|row| row["split"] == split).count()
}

#[test]
fn a_manifest_is_seeded_and_stratified() {
    let world = World::new();
    world.study();
    let split = |out: &str, seed: &str| {
        let line =
            ["data", "split", "xrays", "--out", out, "--test-per-class", "2", "--seed", seed, "--json"];
        world.thorax(&line).json()
    };
    let told = split("a.csv", "1");
    let class = |label: &str| json!({"label": label, "training": 7, "validation": 1, "test": 2, "folds": []});
    assert_eq!(told["classes"], json!([class("COVID-19"), class("NORMAL"), class("Viral Pneumonia")]));
    let rows = manifest(&world, "a.csv");
    assert_eq!((rows.len(), counts(&rows, "test"), counts(&rows, "validation")), (30, 6, 3));
    assert_eq!(rows[0]["path"], "xrays/COVID-19/000.png");
    assert!(rows.is_sorted_by_key(|row| row["path"].clone()));
    assert!(
        !world
            .thorax(&["data", "split", "xrays", "--out", "e.csv", "--test-split", "0.2"])
            .stderr
            .contains("Test")
    );
    let done = world.thorax(&["data", "split", "xrays", "--out", "f.csv"]);
    assert!(done.ok().stderr.contains("`xrays Test` is no part of it"), "{}", done.stderr);
    split("b.csv", "1");
    split("c.csv", "2");
    let read = |name: &str| fs::read(world.path(name)).unwrap();
    assert!(read("a.csv") == read("b.csv") && read("a.csv") != read("c.csv"));
    let text = world.thorax(&["data", "split", "xrays", "--out", "d.csv", "--test-split", "0.3"]);
    assert!(text.ok().stdout.contains("NORMAL                  6           1     3\n"), "{}", text.stdout);
}

#[test]
fn a_manifest_is_trained_from_as_it_says() {
    let world = World::new();
    world.study();
    let line = ["--out", "m.csv", "--test-per-class", "2", "--split", "random"];
    world.thorax(&[&["data", "split", "xrays"], &line[..]].concat()).ok();
    let args = ["train", "--data", "m.csv", "--image-size", "16", "--epochs", "1", "--out", "run"];
    world.thorax(&args).ok();
    let record = read_json(&world.path("run/run.json"));
    assert_eq!(record["counts"], json!({"training": [7, 7, 7], "validation": [1, 1, 1], "test": [2, 2, 2]}));
    let predictions = fs::read_to_string(world.path("run/predictions.csv")).unwrap();
    let tested: BTreeSet<&str> =
        predictions.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let rows = manifest(&world, "m.csv");
    let expected: BTreeSet<&str> =
        rows.iter().filter(|row| row["split"] == "test").map(|row| row["path"].as_str()).collect();
    assert_eq!(tested, expected);
    // Without a test part, training and manifest split alike by the same rule.
    for rule in ["keras", "random"] {
        let out = format!("{rule}.csv");
        world.thorax(&["data", "split", "xrays", "--out", &out, "--split", rule, "--seed", "9"]).ok();
        let fingerprint = |data: &str, flags: &[&str]| {
            let run = format!("{data} {rule}");
            let line =
                ["train", "--data", data, "--image-size", "16", "--epochs", "1", "--json", "--seed", "9"];
            let done = world.thorax(&[&line[..], &["--split", rule, "--out", &run], flags].concat());
            let weights = fs::read(world.path(&run).join("best.safetensors")).unwrap();
            (done.json()["best_epoch"].clone(), weights)
        };
        assert!(fingerprint("xrays", &[]) == fingerprint(&out, &["--test-data", "xrays Test"]), "{rule}");
    }
}

#[test]
fn groups_stay_whole() {
    let world = World::new();
    patients(&world);
    let flags = ["--split", "grouped", "--group-regex", r"/(p\d+)-"];
    let line = ["data", "split", "xrays", "--out", "m.csv", "--test-split", "0.2"];
    world.thorax(&[&line[..], &flags].concat()).ok();
    let rows = manifest(&world, "m.csv");
    assert_eq!(["training", "validation", "test"].map(|split| counts(&rows, split)), [24, 8, 8]);
    let mut splits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        assert!(row["path"].contains(&format!("/{}-", row["group"])), "{row:?}");
        splits.entry(&row["group"]).or_default().insert(&row["split"]);
    }
    assert!(splits.len() == 5 && splits.values().all(|splits| splits.len() == 1), "{splits:?}");
    // The same in training itself, which warns of a split that parts groups.
    let train = |flags: &[&str]| {
        let line =
            ["train", "--data", "xrays", "--image-size", "16", "--epochs", "1", "--json", "--out", "run"];
        let done = world.thorax(&[&line[..], flags].concat());
        done.ok();
        let record = read_json(&world.path("run/run.json"));
        fs::remove_dir_all(world.path("run")).unwrap();
        (record, done.stderr)
    };
    let (record, told) = train(&flags);
    assert_eq!(record["counts"], json!({"training": [16, 16], "validation": [4, 4]}));
    assert_eq!(
        (&record["settings"]["split"], &record["settings"]["group-regex"]),
        (&"grouped".into(), &r"/(p\d+)-".into())
    );
    assert!(!told.contains("in more than one of"), "{told}");
    let (_, told) = train(&["--split", "random", "--group-regex", r"/(p\d+)-"]);
    assert!(told.contains("groups stand in more than one of training, validation and test"), "{told}");
    let (_, told) = train(&["--split", "grouped", "--group-regex", r"/(p[1-4])-"]);
    assert!(told.contains("warning: no group is known of 8 of 40 images"), "{told}");
    // A manifest's own column is enough, without any flag but the rule.
    let text = fs::read_to_string(world.path("m.csv")).unwrap();
    let open = text.replace(",training", ",").replace(",validation", ",");
    fs::write(world.path("m.csv"), open).unwrap();
    let line = ["train", "--data", "m.csv", "--image-size", "16", "--epochs", "1", "--split", "grouped"];
    let done = world.thorax(&[&line[..], &["--out", "run"]].concat());
    assert!(!done.ok().stderr.contains("in more than one of"), "{}", done.stderr);
    assert_eq!(read_json(&world.path("run/run.json"))["counts"]["validation"], json!([4, 4]));
}

#[test]
fn folds_are_numbered() {
    let world = World::new();
    patients(&world);
    let line = ["data", "split", "xrays", "--out", "m.csv", "--folds", "4", "--test-per-class", "4"];
    let told = world.thorax(&[&line[..], &["--json"]].concat()).json();
    assert_eq!(told["classes"][0]["folds"], json!([4, 4, 4, 4]));
    let rows = manifest(&world, "m.csv");
    assert_eq!((counts(&rows, "training"), counts(&rows, "test"), counts(&rows, "validation")), (32, 8, 0));
    let folds: BTreeSet<&str> = rows.iter().map(|row| row["fold"].as_str()).collect();
    assert_eq!(folds.into_iter().collect::<Vec<_>>(), ["", "1", "2", "3", "4"]);
    assert!(rows.iter().all(|row| row["fold"].is_empty() == (row["split"] == "test")));
    // Training from it splits the validation part by the rule.
    let line = ["train", "--data", "m.csv", "--dry-run"];
    assert!(world.thorax(&line).ok().stderr.contains("sick         13           3     4"));
}

#[test]
fn folders_are_laid_out() {
    for how in ["--link", "--copy", "--move"] {
        let world = World::new();
        world.study();
        let line = ["data", "split", "xrays", "--out", "m.csv", "--test-per-class", "2", how, "new"];
        world.thorax(&line).ok();
        let there = |name: &str| world.path(name).symlink_metadata().is_ok();
        assert_eq!(there("xrays/NORMAL/000.png"), how != "--move");
        let rows = manifest(&world, "m.csv");
        assert!(rows.iter().all(|row| row["path"].starts_with("new/") && there(&row["path"])));
        // The folders and the manifest agree.
        let scan = |data: &str| world.thorax(&["data", "scan", data, "--json"]).json()["classes"].clone();
        assert_eq!(scan("new"), scan("m.csv"));
        assert_eq!(scan("new")[0]["validation"], 1);
        let line = ["train", "--data", "new", "--image-size", "16", "--epochs", "1", "--out", "run"];
        world.thorax(&line).ok();
        let counts = json!({"training": [7, 7, 7], "validation": [1, 1, 1], "test": [2, 2, 2]});
        assert_eq!(read_json(&world.path("run/run.json"))["counts"], counts);
    }
}

/// Checks a move that is killed at some moment, and repeated: every image is in its place, with its own pixels.
#[cfg(unix)]
#[test]
fn a_move_that_is_killed_goes_on() {
    let contents = |world: &World, below: &str| -> Vec<Vec<u8>> {
        let files = world.files();
        let is_image = |path: &Path| path.starts_with(world.path(below)) && !path.ends_with(".thorax-output");
        let images = files.iter().filter(|(path, _)| is_image(path));
        let mut all: Vec<Vec<u8>> = images.map(|(_, bytes)| bytes.clone()).collect();
        all.sort();
        all
    };
    let mut cut_off = 0;
    for delay in 0..12 {
        let world = World::new();
        world.data_set("xrays", &[("sick", 150), ("well", 150)]);
        let before = contents(&world, "xrays");
        let line = ["data", "split", "xrays", "--out", "m.csv", "--test-split", "0.2", "--move", "new"];
        let mut child = world
            .command(&line)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // As soon as the journal is there, and a little later each time.
        let journal = world.path("new/.thorax-move.csv");
        while !journal.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_micros(500 * delay));
        child.kill().unwrap();
        child.wait().unwrap();
        cut_off += usize::from(journal.exists());
        if !world.path("m.csv").exists() || journal.exists() {
            world.thorax(&line).ok();
        }
        assert!(contents(&world, "new") == before, "after {delay}");
        assert!(contents(&world, "xrays").is_empty() && !journal.exists());
        assert_eq!(manifest(&world, "m.csv").len(), 300);
    }
    assert!(cut_off > 0, "no move was cut off");
}

/// Checks a folder from elsewhere, with the journal of a move in it.
#[test]
fn a_planted_journal_moves_nothing_that_is_not_of_the_data_set() {
    let world = World::new();
    world.study();
    fs::create_dir(world.path("new")).unwrap();
    fs::write(world.path("secret.txt"), "mine").unwrap();
    let real = |name: &str| fs::canonicalize(world.path(".")).unwrap().join(name).display().to_string();
    let journal = format!(
        "{},,path,label\n{},{},secret.txt,a\n",
        real("m.csv"),
        real("secret.txt"),
        real("new/secret.txt")
    );
    fs::write(world.path("new/.thorax-move.csv"), journal).unwrap();
    world.refuses(
        &["data", "split", "xrays", "--out", "m.csv", "--move", "new"],
        &[
            "error: cannot lay images out in `new`: its journal of a move, `.thorax-move.csv`, is not followed: `",
            "secret.txt` is no part of the data set",
            "hint: ",
        ],
    );
    // The same from the data set to another place.
    std::os::unix::fs::symlink("..", world.path("new/up")).unwrap();
    let image = real("xrays/NORMAL/000.png");
    let journal = format!("{},,path,label\n{image},{},x.png,a\n", real("m.csv"), real("new/up/x.png"));
    fs::write(world.path("new/.thorax-move.csv"), journal).unwrap();
    let done = world.thorax(&["data", "split", "xrays", "--out", "m.csv", "--move", "new"]);
    done.refused(&["error: cannot lay images out in `new`", "leads through a linked folder, to `"]);
    assert!(world.path("xrays/NORMAL/000.png").is_file() && !world.path("x.png").exists());
}

#[test]
fn what_cannot_be_split_or_written_is_refused() {
    let world = World::new();
    world.study();
    fs::write(world.path("m.csv"), "mine").unwrap();
    fs::create_dir(world.path("busy")).unwrap();
    fs::write(world.path("busy/mine.txt"), "mine").unwrap();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&[&["data", "split", "xrays"], flags].concat(), words);
    };
    refuses(&["--out", "m.csv"], &["error: `m.csv` is there already", "hint: ", "--force"]);
    refuses(&["--out", "m.csv", "--copy", "new"], &["error: `m.csv` is there already", "hint: "]);
    refuses(&["--out", "absent/n.csv"], &["error: cannot read `absent`"]);
    refuses(
        &["--out", "n.csv", "--test-per-class", "10"],
        &["error: class `COVID-19` has 10 images: 10 of them cannot be kept for testing", "hint: "],
    );
    refuses(
        &["--out", "n.csv", "--folds", "11"],
        &["error: class `COVID-19` has too few images for 11 folds", "hint"],
    );
    refuses(&["--out", "n.csv", "--folds", "1"], &["error: 1 folds are not at least 2", "hint: "]);
    refuses(
        &["--out", "n.csv", "--split", "grouped"],
        &["error: no image of `xrays` has a group", "--group-regex"],
    );
    refuses(&["--out", "n.csv", "--group-regex", "("], &["error: ", "no regular expression: unclosed group"]);
    refuses(
        &["--out", "n.csv", "--group-column", "patient"],
        &["error: `xrays` has no column `patient`", "hint: "],
    );
    for how in ["--link", "--copy", "--move"] {
        let words = ["error: cannot lay images out in `busy`: `busy/mine.txt` in it is no part", "hint: "];
        refuses(&["--out", "n.csv", how, "busy"], &words);
        let words = ["error: cannot lay images out in `xrays/new`: it lies within the data set", "hint: "];
        refuses(&["--out", "n.csv", how, "xrays/new"], &words);
    }
    refuses(&["--out", "n.csv", "--link", "new", "--copy", "new"], &["error: ", "cannot be used with"]);
    world.thorax(&["data", "split", "xrays", "--out", "m.csv", "--force"]).ok();
    assert_eq!(manifest(&world, "m.csv").len(), 30);
    world.data_set("own/train", &[("a", 5), ("b", 5)]);
    world.data_set("own/test", &[("a", 2), ("b", 2)]);
    world.refuses(
        &["data", "split", "own", "--out", "n.csv", "--test-per-class", "1"],
        &["error: `own` has a test part of its own", "hint: "],
    );
    let told: Value = world.thorax(&["data", "split", "own", "--out", "n.csv", "--json"]).json();
    assert_eq!((&told["classes"][0]["test"], &told["classes"][0]["validation"]), (&2.into(), &1.into()));
}
