//! Tests of the text and files of a run, and of its reproducibility.

use std::fs;

use serde_json::Value;

use crate::world::{CLASSES, World, read_json};

#[test]
fn a_run_leaves_what_the_guide_promises() {
    let world = World::new();
    let run = world.trained();
    let mut names: Vec<String> =
        fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = [
        "audit.json",
        "best.safetensors",
        "history.csv",
        "last.safetensors",
        "plots",
        "predictions.csv",
        "report.html",
        "run.json",
        "test.json",
    ];
    assert_eq!(names, expected);

    let record = read_json(&run.join("run.json"));
    assert_eq!((&record["status"], &record["epochs_run"]), (&"completed".into(), &2.into()));
    assert_eq!(record["classes"], serde_json::json!(CLASSES));
    assert_eq!(record["counts"]["validation"], serde_json::json!([2, 2, 2]));
    assert_eq!(record["settings"]["image-size"], 16);
    assert_eq!(record["synthetic"], false);
    assert_eq!(record["data_fingerprint"].as_str().unwrap().len(), 64);
    for part in ["scan", "decode", "fit", "test", "report", "total"] {
        assert!(record["seconds"][part].as_f64().unwrap() > 0.0, "{part}");
    }

    let history = fs::read_to_string(run.join("history.csv")).unwrap();
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines[0], "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds");
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with("1,") && lines[2].starts_with("2,"));

    let predictions = fs::read_to_string(run.join("predictions.csv")).unwrap();
    assert_eq!(
        predictions.lines().next(),
        Some("path,label,predicted,p_COVID-19,p_NORMAL,p_Viral Pneumonia")
    );
    assert_eq!(predictions.lines().count(), 13);
    assert_eq!(fs::read_to_string(world.path("data/runs/latest")).unwrap(), "run\n");
}

#[test]
fn train_prints_the_classes_and_both_models_in_the_studys_words() {
    let world = World::new();
    world.study();
    let done = world.train(&["--epochs", "1", "--class-weight", "1,2,3"]);
    let table = "class            training  validation  test  weight\n\
                 COVID-19                8           2     4  1.0000\n\
                 NORMAL                  8           2     4  2.0000\n\
                 Viral Pneumonia         8           2     4  3.0000\n";
    assert!(done.ok().stderr.contains(table), "{}", done.stderr);
    let mut rest = done.stdout.as_str();
    for words in [
        "Test results on 12 images\n",
        "saved (epoch 1)",
        "final (epoch 1)",
        "Categorical crossentropy loss",
        "Accuracy",
        "True positives",
        "False positives",
        "True negatives",
        "False negatives",
        "Precision",
        "Recall",
        "Balanced accuracy",
        "Macro ROC AUC",
        "[low, high]: 95 % intervals\n",
        "By class",
        "specificity",
        "ROC AUC",
        "few images, so that figures say little: COVID-19, NORMAL, Viral Pneumonia\n",
        "Confusion matrix",
    ] {
        let at = rest.find(words);
        assert!(at.is_some(), "`{words}` is not where it should be in:\n{}", done.stdout);
        rest = &rest[at.unwrap()..];
    }
}

#[test]
fn figures_have_intervals_and_what_has_no_value_a_reason() {
    let world = World::new();
    world.trained();
    let figures = &read_json(&world.path("run/test.json"))["saved"];
    let accuracy = figures["accuracy"].as_f64().unwrap();
    let [low, high] = [0, 1].map(|i| figures["intervals"]["accuracy"][i].as_f64().unwrap());
    assert!(low <= accuracy && accuracy <= high && high - low > 0.1, "{figures}");
    for class in figures["classes"].as_array().unwrap() {
        assert!(class["roc_auc"].is_number() && class["average_precision"].is_number(), "{class}");
        assert_eq!((&class["support"], &class["few"]), (&4.into(), &true.into()));
    }
    assert!(figures["calibration"]["expected_calibration_error"].is_number(), "{figures}");
    assert!(figures["calibration"]["brier"].is_number() && figures["groups"].is_null(), "{figures}");
    // Every figure without a value has a reason.
    for class in figures["classes"].as_array().unwrap() {
        if class["precision"].is_null() {
            let name = format!("precision of `{}`", class["label"].as_str().unwrap());
            assert!(
                figures["undefined"][&name].as_str().unwrap().starts_with("no image was predicted"),
                "{figures}"
            );
        }
    }
}

#[test]
fn test_prints_what_training_printed_bit_for_bit() {
    let world = World::new();
    let run = world.trained();
    let tests = read_json(&run.join("test.json"));
    for (path, key) in
        [("run", "saved"), ("run/best.safetensors", "saved"), ("run/last.safetensors", "final")]
    {
        let tested = world.thorax(&["test", "--saved", path, "--json"]).json();
        assert_eq!(timeless(tested), timeless(tests[key].clone()), "{path}");
    }
    // Without a path the latest run is used, and a test set can be named.
    let latest = world.thorax(&["test", "--saved", "--json", "--data", "xrays Test"]).json();
    assert_eq!(timeless(latest), timeless(tests["saved"].clone()));
}

/// Returns figures without times, which differ between runs.
fn timeless(mut figures: Value) -> Value {
    let object = figures.as_object_mut().unwrap();
    for key in ["seconds", "images_per_second", "checkpoint"] {
        assert!(object.remove(key).is_some(), "{key}");
    }
    figures
}

#[test]
fn equal_seeds_give_equal_bytes_and_other_seeds_do_not() {
    let world = World::new();
    world.study();
    for (out, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        world.train(&["--epochs", "3", "--batch-size", "8", "--seed", seed, "--out", out]).ok();
    }
    let read = |run: &str, file: &str| fs::read(world.path(run).join(file)).unwrap();
    for file in ["best.safetensors", "last.safetensors", "predictions.csv"] {
        assert!(read("a", file) == read("b", file), "{file} differs between equal runs");
        assert!(read("a", file) != read("c", file), "{file} does not depend on the seed");
    }
    let history = |run: &str| {
        let text = String::from_utf8(read(run, "history.csv")).unwrap();
        text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(history("a"), history("b"));
    assert_ne!(history("a"), history("c"));
    let fingerprint = |run: &str| read_json(&world.path(run).join("run.json"))["data_fingerprint"].clone();
    assert_eq!(fingerprint("a"), fingerprint("c"));
}

#[test]
fn two_classes_and_five_work_as_three_do() {
    let world = World::new();
    for n in [2, 5] {
        let classes: Vec<(String, usize)> = (0..n).map(|class| (format!("class {class}"), 6)).collect();
        let classes: Vec<(&str, usize)> =
            classes.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let name = format!("set of {n}");
        world.data_set(&name, &classes);
        world.data_set(&format!("{name} Test"), &classes);
        let args = ["train", "--data", &name, "--image-size", "8", "--epochs", "1", "--json"];
        let result = world.thorax(&args).json();
        let saved = &result["saved"];
        assert_eq!(saved["images"], 6 * n);
        assert_eq!(saved["classes"].as_array().unwrap().len(), n);
        assert_eq!(saved["confusion_matrix"].as_array().unwrap().len(), n);
        let counts = ["true_positives", "false_positives", "true_negatives", "false_negatives"];
        let total: u64 = counts.iter().map(|key| saved[key].as_u64().unwrap()).sum();
        assert_eq!(total, (6 * n * n) as u64);
    }
}

#[test]
fn a_run_without_a_test_set_says_how_to_name_one() {
    let world = World::new();
    world.data_set("xrays", &CLASSES.map(|class| (class, 10)));
    let args = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--json", "--out", "run"];
    let done = world.thorax(&args);
    assert!(done.ok().stderr.contains("--test-data FOLDER"), "{}", done.stderr);
    assert_eq!((&done.json()["saved"], &done.json()["best_epoch"]), (&Value::Null, &1.into()));
    assert!(!world.path("run/test.json").exists());
    world.refuses(
        &["test", "--saved"],
        &["error: the model has no test set of its own", "hint: ", "--data FOLDER"],
    );
}

#[test]
fn a_dry_run_writes_nothing() {
    let world = World::new();
    world.study();
    let before = world.files();
    let done = world.thorax(&["train", "--data", "xrays", "--dry-run"]);
    assert!(done.ok().stdout.contains("\"validation-split\": 0.2"), "{}", done.stdout);
    assert!(before == world.files());
}

#[test]
fn classes_take_the_order_and_names_they_are_given() {
    let world = World::new();
    world.study();
    let args = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--json", "--out", "run"];
    let done = world.thorax(&[&args[..], &["--classes", "healthy=NORMAL,COVID-19"]].concat());
    let labels: Vec<Value> = done.json()["saved"]["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["label"].clone())
        .collect();
    assert_eq!(labels, ["healthy", "COVID-19"]);
    assert_eq!(read_json(&world.path("run/run.json"))["settings"]["classes"][0], "healthy=NORMAL");
    let tested = world.thorax(&["test", "--saved", "--json"]).json();
    assert_eq!(timeless(tested), timeless(done.json()["saved"].clone()));
}

#[test]
fn the_sample_is_marked_as_synthetic_everywhere() {
    let world = World::new();
    let made = world.thorax(&[
        "data",
        "sample",
        "--out",
        "phantoms",
        "--count",
        "40",
        "--test-per-class",
        "2",
        "--image-size",
        "32",
    ]);
    assert!(made.ok().stdout.contains("synthetic"), "{}", made.stdout);
    for file in world.files().keys() {
        let name = file.file_name().unwrap().to_str().unwrap();
        // Besides the images there is the marker of Thorax.
        assert!(name.starts_with("synthetic-") || name == ".thorax-output", "{}", file.display());
    }
    let trained =
        world.thorax(&["train", "--data", "phantoms", "--image-size", "16", "--epochs", "1", "--out", "run"]);
    assert!(trained.ok().stdout.contains("synthetic") && trained.stderr.contains("synthetic"));
    assert_eq!(read_json(&world.path("run/run.json"))["synthetic"], true);
    let tested = world.thorax(&["test", "--saved"]);
    assert!(tested.ok().stdout.contains("synthetic") && tested.stderr.contains("synthetic"));
    assert_eq!(world.thorax(&["data", "scan", "phantoms", "--json"]).json()["synthetic"], true);
    // The same seed gives the same bytes; a folder with other contents is not changed.
    let first = world.files();
    fs::create_dir(world.path("mine")).unwrap();
    fs::write(world.path("mine/x.png"), "mine").unwrap();
    let done = world.thorax(&["data", "sample", "--out", "mine", "--count", "40", "--image-size", "32"]);
    done.refused(&["error: ", "`mine`"]);
    assert_eq!(fs::read(world.path("mine/x.png")).unwrap(), b"mine");
    let again =
        ["data", "sample", "--out", "again", "--count", "40", "--test-per-class", "2", "--image-size", "32"];
    world.thorax(&again).ok();
    let both: Vec<_> = first.iter().filter(|(path, _)| path.starts_with(world.path("phantoms"))).collect();
    assert!(!both.is_empty());
    for (path, bytes) in both {
        let copy = world.path("again").join(path.strip_prefix(world.path("phantoms")).unwrap());
        assert!(fs::read(&copy).unwrap() == *bytes, "{}", copy.display());
    }
}

#[test]
fn quiet_prints_results_only() {
    let world = World::new();
    world.study();
    let args = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--quiet"];
    let done = world.thorax(&args);
    assert_eq!(done.ok().stderr, "");
    assert!(done.stdout.starts_with("Test results on 12 images\n"), "{}", done.stdout);
}

#[test]
fn help_and_version_are_no_errors() {
    let world = World::new();
    assert!(world.thorax(&["--version"]).ok().stdout.starts_with("thorax "));
    let help = world.thorax(&["train", "--help"]);
    for flag in ["--data", "--validation-split", "--class-weight", "--patience", "--on-bad-image"] {
        assert!(help.ok().stdout.contains(flag), "{flag}");
    }
}

/// Checks that Ctrl-C stops training with exit code 130, keeps saved files, and is noted in the record.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_saved() {
    use std::{process::Stdio, time::Duration};

    let world = World::new();
    world.study();
    let args =
        ["train", "--data", "xrays", "--image-size", "16", "--patience", "100000", "--epochs", "100000"];
    let mut child = world
        .command(&[&args[..], &["--out", "run"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let best = world.path("run/best.safetensors");
    for _ in 0..600 {
        if best.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(best.exists(), "no epoch was finished in 30 s");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let record = read_json(&world.path("run/run.json"));
    assert_eq!(record["status"], "interrupted");
    assert!(record["epochs_run"].as_u64().unwrap() >= 1);
    assert!(world.path("run/report.html").exists());
    world.thorax(&["test", "--saved", "run"]).ok();
}
