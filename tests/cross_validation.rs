//! Tests of `cross-validate`: every image tested once, in one process or several, interrupted and resumed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::world::{CLASSES, Done, World, read_json};

const LINE: [&str; 9] =
    ["cross-validate", "--data", "xrays", "--image-size", "16", "--batch-size", "8", "--folds", "3"];

/// Runs two epochs on small pictures in three folds.
fn cross_validate(world: &World, flags: &[&str]) -> Done {
    world.thorax(&line(flags))
}

fn line<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [&LINE[..], &["--epochs", "2"], flags].concat()
}

fn start(world: &World, line: &[&str]) -> Child {
    world.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Reads the columns of a CSV, row by row.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().unwrap().collect();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

/// Returns the files' names below `xrays`, in the order of the rows.
fn images(path: &Path) -> Vec<String> {
    let name = |row: &BTreeMap<String, String>| row["path"].rsplit_once("xrays/").unwrap().1.to_owned();
    rows(path).iter().map(name).collect()
}

/// Waits for a file, at most 30 s.
fn wait_for(path: &Path) {
    for _ in 0..60_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    panic!("{} did not come", path.display());
}

/// Returns the contents of files that do not depend on time and place.
fn results(world: &World, out: &str) -> Vec<Vec<u8>> {
    let weights = (1..=3).map(|fold| format!("fold-{fold}/best.safetensors"));
    let files = ["predictions.csv", "folds.csv"].map(str::to_owned).into_iter().chain(weights);
    files.map(|name| fs::read(world.path(out).join(name)).unwrap()).collect()
}

const WHOLE: [&str; 6] =
    ["cross-validation.json", "fold-1", "fold-2", "fold-3", "folds.csv", "predictions.csv"];

#[test]
fn every_image_is_tested_once_by_a_model_that_did_not_train_on_it() {
    let world = World::new();
    world.study();
    let told = cross_validate(&world, &["--out", "cv", "--json"]).json();
    assert_eq!(names(&world.path("cv")), WHOLE);
    let of_run =
        ["best.safetensors", "history.csv", "last.safetensors", "predictions.csv", "run.json", "test.json"];
    let folds = rows(&world.path("cv/folds.csv"));
    let mut tested = BTreeSet::new();
    for fold in 1..=3 {
        let run = world.path(&format!("cv/fold-{fold}"));
        assert_eq!(names(&run)[..], of_run);
        let expected: Vec<String> = images(&world.path("cv/folds.csv"))
            .into_iter()
            .zip(&folds)
            .filter(|(_, row)| row["fold"] == fold.to_string())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(images(&run.join("predictions.csv")), expected);
        tested.extend(expected.iter().cloned());
        let record = read_json(&run.join("run.json"));
        let counts: Vec<Vec<u64>> = ["training", "validation", "test"]
            .map(|part| serde_json::from_value(record["counts"][part].clone()).unwrap())
            .to_vec();
        for class in 0..3 {
            assert_eq!(counts.iter().map(|part| part[class]).sum::<u64>(), 10);
            assert!((3..=4).contains(&counts[2][class]) && counts[1][class] == 1, "{counts:?}");
        }
        assert_eq!((&record["settings"]["fold"], &record["settings"]["folds"]), (&fold.into(), &3.into()));
        assert_eq!(
            (&record["status"], &record["settings"]["test-data"]),
            (&"completed".into(), &Value::Null)
        );
        assert_eq!(told["folds"][fold - 1]["figures"]["images"], expected.len());
    }
    // The data set's own test images stay apart, and all others are in one fold each.
    assert_eq!((tested.len(), folds.len()), (30, 30));
    assert_eq!(images(&world.path("cv/predictions.csv")), images(&world.path("cv/folds.csv")));
    assert_eq!(told["pooled"]["images"], 30);
    let accuracies: Vec<f64> =
        (0..3).map(|fold| told["folds"][fold]["figures"]["accuracy"].as_f64().unwrap()).collect();
    let spread = &told["spread"]["accuracy"];
    assert!((spread["mean"].as_f64().unwrap() - accuracies.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    assert_eq!(spread["folds"], 3);
    let record = read_json(&world.path("cv/cross-validation.json"));
    assert_eq!((&record["status"], &record["pooled"]), (&"completed".into(), &told["pooled"]));
    // No fold's run counts as the latest run of `test`.
    assert!(!world.path("data/runs/latest").exists());
    world.refuses(
        &["test", "--saved", "cv/fold-1"],
        &["error: the model has no test set of its own", "hint: "],
    );
    world.thorax(&["test", "--saved", "cv/fold-1", "--data", "xrays Test"]).ok();
    world.refuses(
        &["train", "--resume", "cv/fold-1"],
        &["error: the run in `cv/fold-1` is a fold of a cross-validation", "hint: ", "`--out`"],
    );
}

#[test]
fn a_whole_one_is_printed_again_and_nothing_is_trained_anew() {
    let world = World::new();
    world.study();
    cross_validate(&world, &["--out", "cv"]).ok();
    let before = world.files();
    let done = cross_validate(&world, &["--out", "cv", "--threads", "1"]);
    assert!(before == world.files(), "a file was changed");
    assert!(done.ok().stderr.contains("fold 2 of 3: done before, in cv/fold-2\n"), "{}", done.stderr);
    let mut rest = done.stdout.as_str();
    for words in [
        "Cross-validation, 3 folds, drawn from seed 28\n",
        "fold                images  best epoch  accuracy  balanced accuracy  macro F1  macro ROC AUC    loss\n",
        "\n1                       1",
        "\nmean  ",
        "\nstandard deviation  ",
        "\nlowest  ",
        "\nhighest  ",
        "Test results on 30 images\n",
        "all folds\n",
        "[low, high]: 95 % intervals\n",
        "By class, all folds",
        "Confusion matrix, all folds",
        "no unbiased estimate of that exists from one cross-validation (Bengio and Grandvalet, 2004).\n",
    ] {
        let at = rest.find(words);
        assert!(at.is_some(), "`{words}` is not where it should be in:\n{}", done.stdout);
        rest = &rest[at.unwrap()..];
    }
    assert!(done.stderr.contains("fold  COVID-19  NORMAL  Viral Pneumonia\n1 "), "{}", done.stderr);
}

/// Checks that a cross-validation that is killed while a fold is trained, and started again, gives the same bytes as without the
/// kill.
#[test]
fn one_that_is_killed_goes_on_and_comes_to_the_same() {
    let world = World::new();
    world.study();
    let line = [&LINE[..], &["--epochs", "6", "--patience", "9"]].concat();
    world.thorax(&[&line[..], &["--out", "whole"]].concat()).ok();
    let line = [&line[..], &["--out", "cv"]].concat();
    let mut child = start(&world, &line);
    wait_for(&world.path("cv/fold-2/history.csv"));
    child.kill().unwrap();
    child.wait().unwrap();
    let status = read_json(&world.path("cv/fold-2/run.json"))["status"].clone();
    assert!(status == "running" && !world.path("cv/predictions.csv").exists(), "killed too late");
    let first = world.files();
    world.thorax(&line).ok();
    for (path, bytes) in first.iter().filter(|(path, _)| path.starts_with(world.path("cv/fold-1"))) {
        assert!(fs::read(path).unwrap() == *bytes, "{} was made anew", path.display());
    }
    assert_eq!(names(&world.path("cv")), WHOLE);
    assert!(results(&world, "cv") == results(&world, "whole"));
}

/// Checks two folds at once, like in a job array; the last of them pools.
#[test]
fn folds_in_processes_of_their_own_come_to_the_same() {
    let world = World::new();
    world.study();
    cross_validate(&world, &["--out", "whole"]).ok();
    let both = ["1", "3"].map(|fold| start(&world, &line(&["--out", "cv", "--fold", fold])));
    for child in both {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let names_of_two = ["cross-validation.json", "fold-1", "fold-3", "folds.csv"];
    assert_eq!(names(&world.path("cv")), names_of_two);
    let record = read_json(&world.path("cv/cross-validation.json"));
    assert_eq!((&record["status"], &record["pooled"]), (&"running".into(), &Value::Null));
    assert_eq!(
        (&record["folds"][1]["status"], &record["folds"][2]["status"]),
        (&Value::Null, &"completed".into())
    );
    let again = cross_validate(&world, &["--out", "cv", "--fold", "1"]);
    assert!(again.ok().stderr.contains("not done yet: folds 2; "), "{}", again.stderr);
    assert!(again.stdout.contains("fold 1 (epoch "), "{}", again.stdout);
    // The same from another working folder.
    fs::create_dir(world.path("elsewhere")).unwrap();
    let moved: Vec<&str> = line(&["--out", "../cv", "--fold", "2"])
        .into_iter()
        .map(|word| if word == "xrays" { "../xrays" } else { word })
        .collect();
    let done = world.command(&moved).current_dir(world.path("elsewhere")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8(done.stdout).unwrap().starts_with("Cross-validation, 3 folds, "));
    assert_eq!(names(&world.path("cv")), WHOLE);
    assert!(results(&world, "cv") == results(&world, "whole"));
}

/// Makes two classes of unequal size, four pictures of each patient; names begin with the patient's.
fn patients(world: &World) {
    world.data_set("xrays", &[("sick", 16), ("well", 24)]);
    for (class, count) in [("sick", 16), ("well", 24)] {
        for i in 0..count {
            let folder = world.path(&format!("xrays/{class}"));
            let to = folder.join(format!("p{}-{i}.png", i / 4));
            fs::rename(folder.join(format!("{i:03}.png")), to).unwrap();
        }
    }
}

#[test]
fn groups_stay_whole_and_weights_are_of_the_images_at_hand() {
    let world = World::new();
    patients(&world);
    let flags = ["--group-regex", r"/(p\d+)-", "--out", "cv", "--json"];
    let told = cross_validate(&world, &flags).json();
    let mut folds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(&world.path("cv/folds.csv")) {
        assert!(row["path"].contains(&format!("/{}-", row["group"])), "{row:?}");
        folds.entry(row["group"].clone()).or_default().insert(row["fold"].clone());
    }
    assert!(folds.len() == 6 && folds.values().all(|folds| folds.len() == 1), "{folds:?}");
    assert_eq!(told["pooled"]["groups"], 6);
    let record = read_json(&world.path("cv/fold-1/run.json"));
    let count = |part: &str, class: usize| record["counts"][part][class].as_f64().unwrap();
    let of_class = |class| count("training", class) + count("validation", class);
    for class in 0..2 {
        let weight = (of_class(0) + of_class(1)) / (2.0 * of_class(class));
        assert!((record["class_weights"][class].as_f64().unwrap() - weight).abs() < 1e-12, "{record}");
    }
}

#[test]
fn folds_that_a_csv_numbers_are_taken() {
    let world = World::new();
    world.study();
    let split = ["data", "split", "xrays", "--out", "m.csv", "--folds", "2", "--test-per-class", "2"];
    world.thorax(&[&split[..], &["--seed", "5"]].concat()).ok();
    let of_csv = |name: &str| -> BTreeMap<String, String> {
        let rows = rows(&world.path(name));
        let names = images(&world.path(name)).into_iter().zip(rows);
        names.map(|(name, row)| (name, row["fold"].clone())).filter(|(_, fold)| !fold.is_empty()).collect()
    };
    let small = ["--image-size", "16", "--epochs", "1", "--validation-split", "0.3"];
    let line = [&["cross-validate", "--data", "m.csv"], &small[..]].concat();
    let done = world.thorax(&[&line[..], &["--out", "cv"]].concat());
    assert!(
        done.ok().stderr.contains("folds  2, from the column `fold`\napart  6 test images"),
        "{}",
        done.stderr
    );
    assert_eq!(of_csv("cv/folds.csv"), of_csv("m.csv"));
    assert_eq!(images(&world.path("cv/predictions.csv")).len(), 24);
    // The manifest that is written is a data set with the same folds.
    world
        .thorax(&[&["cross-validate", "--data", "cv/folds.csv", "--out", "again"], &small[..]].concat())
        .ok();
    assert_eq!(of_csv("again/folds.csv"), of_csv("m.csv"));
    world.refuses(
        &[&line[..], &["--folds", "3", "--out", "new"]].concat(),
        &["error: `m.csv` has 2 folds in its column `fold`, not 3", "hint: leave `--folds` out"],
    );
    let text = fs::read_to_string(world.path("m.csv")).unwrap();
    fs::write(world.path("m.csv"), text.replace(",training,2", ",training,B")).unwrap();
    world.refuses(
        &[&line[..], &["--out", "new"]].concat(),
        &[
            "error: the column `fold` of `m.csv` makes no folds: `B`, of `xrays/",
            "is no number from 1 to 24",
            "hint: ",
        ],
    );
    // `train` ignores the column.
    world.thorax(&["train", "--data", "m.csv", "--image-size", "16", "--dry-run"]).ok();
}

#[test]
fn a_recipe_is_taken_and_a_dry_run_writes_nothing() {
    let world = World::new();
    world.study();
    fs::write(world.path("mine.toml"), "image-size = 20\nepochs = 3\n").unwrap();
    let before = world.files();
    let line = [
        "cross-validate",
        "--data",
        "xrays",
        "--recipe",
        "mine.toml",
        "--epochs",
        "7",
        "--out",
        "cv",
        "--dry-run",
    ];
    let told = world.thorax(&line).json();
    assert_eq!((&told["out"], &told["folds"]), (&"cv".into(), &5.into()));
    assert_eq!((&told["settings"]["image-size"], &told["settings"]["epochs"]), (&20.into(), &7.into()));
    assert!(before == world.files());
}

#[test]
fn folds_that_cannot_be_are_refused() {
    let world = World::new();
    world.study();
    let refuses = |flags: &[&str], words: &[&str]| {
        let line = ["cross-validate", "--data", "xrays", "--image-size", "16", "--out", "new"];
        world.refuses(&[&line[..], flags].concat(), words);
        assert!(!world.path("new").exists());
    };
    refuses(&["--folds", "1"], &["error: 1 folds are not at least 2", "hint: ", "--folds"]);
    refuses(&["--folds", "0"], &["error: ", "at least 1"]);
    refuses(&["--folds", "11"], &["error: class `COVID-19` has too few images for 11 folds", "hint: "]);
    refuses(
        &["--folds", "18446744073709551615"],
        &[
            "error: invalid value '18446744073709551615' for '--folds <K>': must be at least 1 and at most 1000",
        ],
    );
    refuses(
        &["--group-regex", r"/00(\d)", "--folds", "11"],
        &["error: class `COVID-19` has too few groups for 11 folds", "hint: "],
    );
    refuses(
        &["--group-regex", r"(COVID-19|NORMAL|Viral)", "--folds", "2"],
        &["error: class `COVID-19` has too few groups for 2 folds", "hint: "],
    );
    refuses(&["--fold", "6"], &["error: there is no fold 6 of 5", "hint: name one of 1 to 5 with `--fold`"]);
    refuses(&["--fold", "0"], &["error: ", "at least 1"]);
    refuses(
        &["--test-data", "xrays Test"],
        &[
            "error: `--test-data` does not go with `cross-validate`",
            "hint: leave it out; `thorax train --test-data`",
        ],
    );
    world.refuses(
        &["cross-validate", "--data", "xrays", "--resume", "run"],
        &["error: `--resume` does not go with `cross-validate`", "hint: ", "`--out`"],
    );
    refuses(&["--split", "grouped"], &["error: no image of `xrays` has a group", "hint: "]);
    fs::write(world.path("mine.toml"), "test-data = \"xrays Test\"\n").unwrap();
    refuses(&["--recipe", "mine.toml"], &["error: `--test-data` does not go with", "hint: "]);
    fs::write(world.path("xrays/NORMAL/bad.png"), "no image").unwrap();
    refuses(&[], &["error: 1 of 31 images cannot be read", "bad.png", "hint: ", "--on-bad-image skip"]);
    let line = line(&["--on-bad-image", "skip", "--out", "new", "--json"]);
    assert_eq!(world.thorax(&line).json()["pooled"]["images"], 30);
}

#[test]
fn an_out_that_holds_something_else_is_refused() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("busy")).unwrap();
    fs::write(world.path("busy/mine.txt"), "mine").unwrap();
    let refuses = |out: &str, words: &[&str]| {
        world.refuses(&line(&["--out", out]), words);
    };
    refuses("busy", &["error: `busy` is not empty", "hint: ", "`--out`"]);
    refuses("run", &["error: `run` already holds a run", "hint: ", "`--out`"]);
    refuses("busy/mine.txt", &["error: cannot create the run's folder `busy/mine.txt`", "hint: ", "`--out`"]);
    fs::remove_file(world.path("busy/mine.txt")).unwrap();
    fs::write(world.path("busy/folds.csv"), "mine").unwrap();
    refuses("busy", &["error: `busy` is not empty", "hint: ", "`--out`"]);
    fs::write(world.path("busy/cross-validation.json"), "{").unwrap();
    refuses("busy", &["error: `busy/cross-validation.json` is not a run's record"]);
    // A folder in the place of a fold that is none.
    cross_validate(&world, &["--out", "cv", "--fold", "1"]).ok();
    fs::create_dir(world.path("cv/fold-2")).unwrap();
    fs::write(world.path("cv/fold-2/mine.txt"), "mine").unwrap();
    refuses(
        "cv",
        &["error: `cv/fold-2` is not empty, where fold 2 is to be", "hint: move that folder elsewhere"],
    );
    fs::remove_dir_all(world.path("cv/fold-2")).unwrap();
    fs::rename(world.path("run"), world.path("cv/fold-2")).unwrap();
    refuses("cv", &["error: `cv/fold-2` already holds a run, where fold 2 is to be", "hint: "]);
}

#[test]
fn one_that_was_begun_otherwise_is_refused() {
    let world = World::new();
    world.study();
    cross_validate(&world, &["--out", "cv", "--fold", "1"]).ok();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&line(&[&["--out", "cv"], flags].concat()), words);
    };
    let hint = "hint: give the settings that it was begun with, or name another folder with `--out`";
    refuses(
        &["--seed", "7", "--learning-rate", "0.01"],
        &[
            "error: `cv` was begun with other settings: ",
            "`--learning-rate` 0.001, now 0.01; `--seed` 28, now 7",
            hint,
        ],
    );
    let two = [&LINE[..8], &["2", "--epochs", "2", "--out", "cv"]].concat();
    world.refuses(&two, &["error: `cv` was begun with other settings: `--folds` 3, now 2", hint]);
    // Another image, one fewer, one with other pixels.
    let changed = "error: `xrays` is not what it was when `cv` was begun: ";
    let hint = "hint: bring the data set back as it was, or name another folder with `--out`";
    let (image, more) = (world.path("xrays/NORMAL/009.png"), world.path("xrays/NORMAL/010.png"));
    let bytes = fs::read(&image).unwrap();
    fs::write(&more, crate::pictures::signed_png(24, 90, "more")).unwrap();
    refuses(&[], &[changed, "1 image more (`../xrays/NORMAL/010.png`)", hint]);
    fs::rename(&more, &image).unwrap();
    refuses(&[], &[changed, "images have other pixels", hint]);
    fs::remove_file(&image).unwrap();
    refuses(&["--fold", "2"], &[changed, "1 image fewer (`../xrays/NORMAL/009.png`)", hint]);
    fs::write(&image, bytes).unwrap();
    cross_validate(&world, &["--out", "cv"]).ok();
    // Predictions of other images are never pooled.
    let path = world.path("cv/fold-2/predictions.csv");
    fs::copy(world.path("cv/fold-1/predictions.csv"), &path).unwrap();
    refuses(
        &[],
        &[
            "error: the folds cannot be pooled: `cv/fold-2/predictions.csv`, line 2: ",
            "no image of fold 2",
            "hint: ",
        ],
    );
}

#[test]
fn a_fold_that_another_process_trains_is_refused() {
    let world = World::new();
    world.study();
    cross_validate(&world, &["--out", "cv", "--fold", "1"]).ok();
    let lock = File::create(world.path("cv/.fold-2.lock")).unwrap();
    lock.lock().unwrap();
    let words = ["error: fold 2 of `cv` is being trained by another process", "hint: ", "`--fold`"];
    for flags in [&["--out", "cv", "--fold", "2"][..], &["--out", "cv"]] {
        world.refuses(&line(flags), &words);
    }
    cross_validate(&world, &["--out", "cv", "--fold", "3"]).ok();
    // A lock file that a kill leaves does not block others.
    drop(lock);
    cross_validate(&world, &["--out", "cv"]).ok();
    assert_eq!(names(&world.path("cv")), WHOLE);
}

/// Checks that Ctrl-C ends it with its files complete and prints how to go on.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_folds_that_are_done() {
    let world = World::new();
    world.study();
    cross_validate(&world, &["--out", "cv", "--fold", "1"]).ok();
    let before = world.files();
    let flags = ["--epochs", "100000", "--patience", "100000"];
    // The settings of the first fold are changed here: it stands for one that was trained before with these settings.
    let text = fs::read_to_string(world.path("cv/cross-validation.json")).unwrap();
    let text = text
        .replace("\"epochs\": 2", "\"epochs\": 100000")
        .replace("\"patience\": 5", "\"patience\": 100000");
    fs::write(world.path("cv/cross-validation.json"), text).unwrap();
    let line = [&LINE[..], &["--out", "cv"], &flags].concat();
    let child = start(&world, &line);
    wait_for(&world.path("cv/fold-2/best.safetensors"));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(
        told.ends_with("1 of 3 folds are done; the same with `--out cv` goes on with the rest\n"),
        "{told}"
    );
    assert_eq!(read_json(&world.path("cv/fold-2/run.json"))["status"], "interrupted");
    let record = read_json(&world.path("cv/cross-validation.json"));
    let statuses: Vec<&Value> = (0..3).map(|fold| &record["folds"][fold]["status"]).collect();
    assert_eq!(json!(statuses), json!(["completed", "interrupted", null]));
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with(world.path("cv/fold-1"))) {
        assert!(fs::read(path).unwrap() == *bytes, "{}", path.display());
    }
    assert_eq!(record["classes"], json!(CLASSES));
}
