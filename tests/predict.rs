//! Tests of `predict`: the same figures as the run's own test, a row per file, and a bad file that does not stop it.

use std::{fs, io::Write as _, process::Stdio};

use crate::{
    pictures::gray_png,
    world::{CLASSES, World},
};

/// Returns path, predicted class and probabilities of each row.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn the_test_images_get_the_runs_own_probabilities_to_the_bit() {
    let world = World::new();
    world.trained();
    let expected = rows(&fs::read_to_string(world.path("run/predictions.csv")).unwrap());
    let found = rows(&world.thorax(&["predict", "xrays Test", "--saved", "run", "--csv"]).ok().stdout);
    let classes = ["p_COVID-19", "p_NORMAL", "p_Viral Pneumonia"];
    assert_eq!(
        found[0],
        [&["path", "predicted"][..], &classes, &["error", "decision", "warning", "note"]].concat()
    );
    assert_eq!((found.len(), expected.len()), (13, 13));
    for (found, expected) in found[1..].iter().zip(&expected[1..]) {
        assert_eq!(found[0], expected[0]);
        assert_eq!((&found[1], &found[2..5]), (&expected[2], &expected[3..6]));
        // Without thresholds the decision is the prediction; of so few images no guard is learnt.
        assert_eq!(found[5..], ["", &found[1], "", ""]);
    }
    // Without a name the latest run is used, and files may be named one by one.
    let one = world.thorax(&["predict", &expected[5][0], "--csv"]);
    let one = rows(&one.ok().stdout);
    assert_eq!((one.len(), &one[1][0], &one[1][1]), (2, &expected[5][0], &expected[5][2]));
}

#[test]
fn tables_and_json_say_the_same() {
    let world = World::new();
    world.trained();
    let table = world.thorax(&["predict", "xrays Test", "--saved", "run"]);
    let lines: Vec<&str> = table.ok().stdout.lines().collect();
    assert_eq!(lines.len(), 13);
    assert!(lines[0].starts_with("predicted") && lines[0].ends_with("file"), "{}", lines[0]);
    let json = world.thorax(&["predict", "xrays Test", "--saved", "run", "--json"]);
    for (line, row) in json.ok().stdout.lines().zip(&lines[1..]) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row.ends_with(value["path"].as_str().unwrap()), "{row}");
        assert!(row.starts_with(value["predicted"].as_str().unwrap()), "{row}");
        let sum: f64 =
            value["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5 && value["error"].is_null(), "{value}");
    }
}

#[test]
fn a_bad_file_gets_its_row_and_the_others_go_on() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("mixed")).unwrap();
    for i in 0..40 {
        fs::write(world.path(&format!("mixed/{i:02}.png")), gray_png(24, 100 + i)).unwrap();
    }
    fs::write(world.path("mixed/05 text.png"), "no image").unwrap();
    fs::write(world.path("mixed/notes.txt"), "a text").unwrap();
    fs::write(world.path("mixed/without extension"), gray_png(24, 200)).unwrap();
    let whole = gray_png(24, 100);
    fs::write(world.path("mixed/39 cut.png"), &whole[..whole.len() / 2]).unwrap();

    let done = world.thorax(&["predict", "mixed", "gone.png", "--saved", "run", "--csv"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let found = rows(&done.stdout);
    assert_eq!(found.len(), 1 + 40 + 4);
    let errors: Vec<(&str, &str)> = found[1..]
        .iter()
        .filter(|row| !row[5].is_empty())
        .map(|row| (row[0].as_str(), row[5].as_str()))
        .collect();
    let bad = [("mixed/05 text.png", "is no image"), ("mixed/39 cut.png", "is cut off")];
    assert_eq!(errors[..2], bad);
    assert_eq!(errors[2].0, "gone.png");
    assert!(errors[2].1.starts_with("cannot be read: No such file"), "{}", errors[2].1);
    assert!(done.stderr.contains("passed over: 1 file that is no image"), "{}", done.stderr);
    assert!(done.stderr.contains("3 of 44 files could not be classified"), "{}", done.stderr);
    let mut paths: Vec<&str> = found[1..44].iter().map(|row| row[0].as_str()).collect();
    paths.sort_unstable();
    assert!(paths.contains(&"mixed/without extension"));

    let table = world.thorax(&["predict", "mixed", "--saved", "run"]);
    assert_eq!((table.code, table.stdout.lines().count()), (Some(1), 1 + 41));
    assert!(table.stderr.contains("error: `mixed/39 cut.png` is cut off"), "{}", table.stderr);
    // Keras' list has no file without an extension.
    let keras = world.thorax(&["predict", "mixed", "--saved", "run", "--formats", "keras"]);
    assert_eq!(keras.stdout.lines().count(), 1 + 40);
}

#[test]
fn what_holds_no_image_is_refused() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("empty")).unwrap();
    fs::write(world.path("empty/notes.txt"), "a text").unwrap();
    let done = world.thorax(&["predict", "empty", "--saved", "run", "--json"]);
    done.refused(&["error: there is no image in `empty`", "hint: name images"]);
    world.refuses(&["predict", "xrays", "--saved", "absent"], &["error: there is no saved model `absent`"]);
    let done = world.thorax(&["predict", "--saved", "run"]);
    assert_eq!(done.code, Some(1));
    let done = world.thorax(&["predict", "xrays", "--csv", "--json"]);
    assert!(done.code == Some(1) && done.stderr.contains("cannot be used with"), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn links_in_circles_are_told() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("looped")).unwrap();
    fs::write(world.path("looped/0.png"), gray_png(24, 100)).unwrap();
    std::os::unix::fs::symlink(world.path("looped"), world.path("looped/again")).unwrap();
    let done = world.thorax(&["predict", "looped", "--saved", "run", "--csv"]);
    assert_eq!((done.code, rows(&done.stdout).len()), (Some(1), 3));
    assert!(done.stdout.contains("is a link to `looped`, in which it lies"), "{}", done.stdout);
}

#[test]
fn a_list_on_standard_input_is_as_good_as_arguments() {
    let world = World::new();
    world.trained();
    let mut child = world
        .command(&["predict", "-", "xrays Test/NORMAL/000.png", "--saved", "run", "--csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let list = "xrays Test/COVID-19/001.png\n\ngone.png\r\nxrays Test/NORMAL\n";
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found = rows(&String::from_utf8(output.stdout).unwrap());
    let paths: Vec<&str> = found[1..].iter().map(|row| row[0].as_str()).collect();
    let folder = (0..4).map(|i| format!("xrays Test/NORMAL/00{i}.png"));
    let expected: Vec<String> = ["xrays Test/COVID-19/001.png", "gone.png"]
        .map(str::to_owned)
        .into_iter()
        .chain(folder)
        .chain(["xrays Test/NORMAL/000.png".to_owned()])
        .collect();
    assert_eq!(paths, expected);
    assert!(found[2][5].starts_with("cannot be read: No such file"), "{:?}", found[2]);
    assert_eq!(found[3][2..], found[7][2..], "the same image has the same figures wherever it is named");
}

/// Returns the probabilities of each row of `predict`'s CSV.
fn probabilities(world: &World, flags: &[&str]) -> Vec<Vec<f64>> {
    let done = world.thorax(&[&["predict", "xrays Test", "--csv"], flags].concat());
    let number = |cell: &String| cell.parse().unwrap();
    rows(&done.ok().stdout)[1..].iter().map(|row| row[2..5].iter().map(number).collect()).collect()
}

#[track_caller]
fn close(a: &[Vec<f64>], b: &[Vec<f64>]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

/// Makes a world with the trained model `run`, and `other` of another size and order of classes.
fn two_models() -> World {
    let world = World::new();
    world.trained();
    let other = ["train", "--data", "xrays", "--image-size", "20", "--epochs", "2", "--classes"];
    world.thorax(&[&other[..], &["Viral Pneumonia,COVID-19,NORMAL", "--out", "other"]].concat()).ok();
    world
}

#[test]
fn an_ensemble_is_the_mean_of_its_models_whatever_their_size_and_order_of_classes() {
    let world = two_models();
    let [one, two] = ["run", "other"].map(|run| probabilities(&world, &["--saved", run]));
    let mean = |(one, two): (&Vec<f64>, &Vec<f64>)| {
        (0..3).map(|class| (one[class] + two[(class + 1) % 3]) / 2.0).collect::<Vec<_>>()
    };
    let both = probabilities(&world, &["--ensemble", "run", "other"]);
    close(&both, &one.iter().zip(&two).map(mean).collect::<Vec<_>>());
    close(&probabilities(&world, &["--ensemble", "run", "run"]), &one);

    world.data_set("cats and dogs", &[("cat", 10), ("dog", 10)]);
    let animals =
        ["train", "--data", "cats and dogs", "--image-size", "16", "--epochs", "1", "--out", "animals"];
    world.thorax(&animals).ok();
    world.refuses(
        &["predict", "xrays Test", "--ensemble", "run", "animals"],
        &["error: the models know other classes: `COVID-19`, `NORMAL`, `Viral Pneumonia` and `cat`, `dog`"],
    );
    let done = world.thorax(&["predict", "xrays Test", "--saved", "run", "--ensemble", "run", "other"]);
    assert!(done.code == Some(1) && done.stderr.contains("cannot be used with"), "{}", done.stderr);
}

#[test]
fn shifts_are_averaged() {
    let world = World::new();
    world.trained();
    let plain = probabilities(&world, &["--saved", "run"]);
    let shifted = probabilities(&world, &["--saved", "run", "--tta"]);
    let moved = plain.iter().flatten().zip(shifted.iter().flatten()).filter(|(a, b)| a != b).count();
    assert!(moved > 12, "{moved}");
    assert!(shifted.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-5));
    // A uniform picture does not change when it is shifted.
    fs::create_dir(world.path("flat")).unwrap();
    fs::write(world.path("flat/0.png"), crate::pictures::rgb_png(24, [90; 3])).unwrap();
    let [plain, shifted] = [&["--saved", "run"][..], &["--saved", "run", "--tta"]].map(|flags| {
        let done = world.thorax(&[&["predict", "flat", "--csv"], flags].concat());
        rows(&done.ok().stdout)[1][2..5].iter().map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>()
    });
    close(&[shifted], &[plain]);
}

#[test]
fn what_is_uncertain_is_said_so() {
    let world = World::new();
    world.trained();
    let done =
        world.thorax(&["predict", "xrays Test", "--saved", "run", "--csv", "--uncertain-below", "0.9999"]);
    let found = rows(&done.ok().stdout);
    let uncertain = found[1..].iter().filter(|row| row[6] == "uncertain").count();
    for row in &found[1..] {
        let largest = row[2..5].iter().map(|cell| cell.parse::<f64>().unwrap()).fold(0.0, f64::max);
        assert_eq!(row[6], if largest < 0.9999 { "uncertain" } else { row[1].as_str() });
    }
    assert!(uncertain > 0 && done.stderr.contains(&format!("uncertain: {uncertain} of 12 images")));
    let table = world.thorax(&["predict", "xrays Test", "--saved", "run", "--uncertain-below", "0.9999"]);
    assert_eq!(table.ok().stdout.matches("  uncertain  ").count(), uncertain);
    world.refuses(&["predict", "xrays", "--uncertain-below", "1.5"], &["must be above 0 and below 1"]);
}

#[test]
fn a_models_operating_points_decide() {
    let world = World::new();
    world.study();
    world.train(&["--epochs", "2", "--batch-size", "8", "--sensitivity", "0.9", "--out", "run"]).ok();
    let points =
        &crate::world::read_json(&world.path("run/run.json"))["calibration"]["saved"]["operating_points"];
    let done = world.thorax(&["predict", "xrays Test", "--saved", "run", "--json"]);
    for line in done.ok().stdout.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let reached: Vec<&str> = CLASSES
            .into_iter()
            .enumerate()
            .filter(|(i, class)| {
                let threshold = points[i]["threshold"].as_f64().unwrap();
                row["probabilities"][class].as_f64().unwrap() >= threshold
            })
            .map(|(_, class)| class)
            .collect();
        let expected = if reached.len() == 1 { reached[0] } else { "uncertain" };
        assert_eq!(row["decision"], expected, "{row}");
    }
}

/// The three ways to an answer take the same flags and give the same decision and warnings.
#[test]
fn explain_and_serve_assess_an_image_as_predict_does() {
    let world = two_models();
    fs::create_dir(world.path("mixed")).unwrap();
    fs::copy(world.path("xrays Test/NORMAL/002.png"), world.path("mixed/gray.png")).unwrap();
    fs::write(world.path("mixed/red.png"), crate::pictures::rgb_png(24, [250, 9, 9])).unwrap();
    let json = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let near = |a: &serde_json::Value, b: &serde_json::Value| {
        assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4, "{a} and {b}");
    };
    for models in [
        &["--saved", "run"][..],
        &["--saved", "run", "--tta", "--uncertain-below", "0.9999"],
        &["--ensemble", "run", "other", "--uncertain-below", "0.4"],
        &["--ensemble", "other", "run", "--tta"],
    ] {
        let predicted = json(&world.thorax(&[&["predict", "mixed", "--json"], models].concat()).ok().stdout);
        let flags = ["explain", "mixed", "--json", "--class", "COVID-19", "--force"];
        let explained = json(&world.thorax(&[&flags[..], models].concat()).ok().stdout);
        let server = crate::serve::Served::with_models(&world, models);
        assert_eq!((predicted.len(), explained.len()), (2, 2));
        for (predicted, explained) in predicted.iter().zip(&explained) {
            let served = server.predict(&fs::read(world.path(predicted["path"].as_str().unwrap())).unwrap());
            let served = served.json();
            for key in ["predicted", "decision"] {
                assert_eq!((&predicted[key], &predicted[key]), (&explained[key], &served[key]), "{models:?}");
            }
            assert_eq!(predicted["warning"], explained["warning"]);
            assert_eq!(
                predicted["warning"].as_str(),
                served["warnings"].as_array().unwrap().first().and_then(|warning| warning.as_str())
            );
            near(&predicted["probabilities"]["COVID-19"], &explained["probability"]);
            for class in CLASSES {
                near(&predicted["probabilities"][class], &served["probabilities"][class]);
            }
        }
        let told = world.thorax(&[&["predict", "mixed"], models].concat()).stderr;
        assert!(told.contains("warning: 1 of 2 images are in colour, which radiographs are not"), "{told}");
        let warned: Vec<bool> = predicted.iter().map(|row| row["warning"].is_string()).collect();
        assert_eq!(warned, [false, true], "{predicted:?}");
        let card = server.card();
        assert_eq!(card["members"], if models[0] == "--saved" { 1 } else { 2 });
        assert_eq!(card["tta"], models.contains(&"--tta"));
        assert_eq!(card["tested"].is_null(), models.len() > 2, "figures are of one model on whole images");
    }
    world.refuses(
        &["serve", "--ensemble", "run", "nowhere", "--listen", "127.0.0.1:0"],
        &["error: there is no saved model `nowhere`"],
    );
}
