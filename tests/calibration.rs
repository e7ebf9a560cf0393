//! Tests of calibration: learnt from the validation images and reported for the test images.

use std::fs;

use crate::world::{CLASSES, World, read_json};

#[test]
fn a_temperature_is_stored_in_the_model_and_changes_no_class() {
    let world = World::new();
    world.study();
    let flags = ["--epochs", "3", "--batch-size", "8", "--seed", "5"];
    world.train(&[&flags[..], &["--out", "plain"]].concat()).ok();
    let done = world.train(&[&flags[..], &["--out", "run", "--calibrate"]].concat());
    assert!(done.ok().stdout.contains("\nCalibration, saved (epoch "), "{}", done.stdout);

    let record = read_json(&world.path("run/run.json"));
    assert_eq!(record["settings"]["calibrate"], true);
    let learnt = &record["calibration"]["saved"];
    let temperature = learnt["temperature"].as_f64().unwrap();
    assert!(temperature > 0.0 && temperature != 1.0 && learnt["images"] == 6, "{learnt}");
    assert!(learnt["log_loss"][1].as_f64() <= learnt["log_loss"][0].as_f64(), "{learnt}");
    assert!(learnt["operating_points"].is_null(), "{learnt}");

    // The figures before are those of the same model without it.
    let [plain, tested] = ["plain", "run"].map(|run| read_json(&world.path(run).join("test.json")));
    for model in ["saved", "final"] {
        let (before, after) = (&plain[model], &tested[model]);
        assert_eq!(before["accuracy"], after["accuracy"]);
        assert_eq!(before["confusion_matrix"], after["confusion_matrix"]);
        for figure in ["log_loss", "brier", "expected_calibration_error"] {
            let [own, told] = [&before["calibration"], &after["calibration"]["uncalibrated"]]
                .map(|figures| figures[figure].as_f64().unwrap());
            assert!((own - told).abs() < 1e-6, "{model}: {figure} {own} {told}");
            assert_ne!(before["calibration"][figure], after["calibration"][figure], "{model}: {figure}");
        }
    }
    assert_eq!(tested["saved"]["calibration"]["temperature"].as_f64().unwrap(), temperature);
    assert!(plain["saved"]["calibration"]["temperature"].is_null());

    // The calibration is stored in the file, and `predict` gives the probabilities that were tested.
    fs::create_dir(world.path("alone")).unwrap();
    fs::copy(world.path("run/best.safetensors"), world.path("alone/model.safetensors")).unwrap();
    let alone = world
        .thorax(&["test", "--saved", "alone/model.safetensors", "--data", "xrays Test", "--json"])
        .json();
    assert_eq!(alone["calibration"], tested["saved"]["calibration"]);
    let predicted = world.thorax(&["predict", "--csv", "--saved", "run", "--formats", "keras", "xrays Test"]);
    let rows = |text: &str, from: usize| -> Vec<String> {
        let row = |line: &str| line.split(',').skip(from).take(3).collect::<Vec<_>>().join(",");
        text.lines().skip(1).map(row).collect()
    };
    let predictions = fs::read_to_string(world.path("run/predictions.csv")).unwrap();
    assert_eq!(rows(&predicted.ok().stdout, 2), rows(&predictions, 3));
}

#[test]
fn equal_runs_are_calibrated_to_equal_bytes() {
    let world = World::new();
    world.study();
    for out in ["a", "b"] {
        let flags = ["--epochs", "2", "--calibrate", "--sensitivity", "0.9", "--out", out];
        world.train(&flags).ok();
    }
    for file in ["best.safetensors", "last.safetensors", "predictions.csv"] {
        let [a, b] = ["a", "b"].map(|out| fs::read(world.path(out).join(file)).unwrap());
        assert!(a == b, "{file}");
    }
}

#[test]
fn thresholds_are_chosen_on_validation_images_and_reported_on_test_images() {
    let world = World::new();
    world.study();
    let done = world.train(&["--epochs", "3", "--sensitivity", "1", "--out", "run"]);
    let heading = "\nOperating points, saved (epoch ";
    assert!(done.ok().stdout.contains(heading), "{}", done.stdout);
    let tests = read_json(&world.path("run/test.json"));
    for model in ["saved", "final"] {
        let points = tests[model]["operating_points"].as_array().unwrap();
        let labels: Vec<&str> = points.iter().map(|point| point["label"].as_str().unwrap()).collect();
        assert_eq!(labels, CLASSES);
        for point in points {
            assert_eq!(
                (point["target"].as_f64(), point["validation"]["sensitivity"].as_f64()),
                (Some(1.0), Some(1.0))
            );
            let share = point["sensitivity"].as_f64().unwrap();
            let [low, high] = [0, 1].map(|i| point["intervals"]["sensitivity"][i].as_f64().unwrap());
            assert!(low <= share && share <= high && low < high, "{point}");
            assert!((0.0..=1.0).contains(&point["threshold"].as_f64().unwrap()), "{point}");
        }
    }
    // Without a temperature no probability changes.
    assert!(tests["saved"]["calibration"]["uncalibrated"].is_null());
    let tested = world.thorax(&["test", "--saved", "run", "--json"]).json();
    assert_eq!(tested["operating_points"], tests["saved"]["operating_points"]);
}

#[test]
fn a_sensitivity_that_is_none_is_refused_before_anything_is_written() {
    let world = World::new();
    world.study();
    for (value, reason) in [
        ("0", "must be above 0 and at most 1"),
        ("1.5", "must be above 0 and at most 1"),
        ("-1", "must be above 0 and at most 1"),
        ("high", "is not a number"),
    ] {
        let done = world.train(&["--sensitivity", value, "--out", "run"]);
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        assert!(done.stderr.contains("--sensitivity") && done.stderr.contains(reason), "{}", done.stderr);
        assert!(!world.path("run").exists());
    }
    // There is always a validation part to learn from.
    let done = world.train(&["--calibrate", "--validation-split", "0", "--out", "run"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("must be above 0 and below 1"), "{}", done.stderr);
    assert!(!world.path("run").exists());
}

#[test]
fn a_model_that_makes_no_numbers_names_the_image() {
    let world = World::new();
    world.trained();
    let path = world.path("run/best.safetensors");
    let mut checkpoint = model::Checkpoint::read(&path).unwrap();
    let bias = checkpoint.tensors.iter_mut().find(|tensor| tensor.name == "output.bias").unwrap();
    bias.values[1] = f32::NAN;
    let broken = world.path("broken.safetensors");
    checkpoint.encode().unwrap().write_to(&mut fs::File::create(&broken).unwrap()).unwrap();
    let before = world.files();
    let done = world.thorax(&["test", "--saved", "broken.safetensors", "--data", "xrays Test"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""));
    let first = "xrays Test/COVID-19/000.png";
    let error = format!(
        "error: the probabilities of the model `broken.safetensors` for `{first}` are not finite numbers\n"
    );
    assert!(
        done.stderr.contains(&error) && done.stderr.contains("hint: its weights are of no use"),
        "{}",
        done.stderr
    );
    assert_eq!(world.files(), before);
}
