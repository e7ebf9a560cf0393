//! `predict`: the same figures as the run's own test, a row a file, and a bad file that stops nothing.

use std::fs;

use crate::{pictures::gray_png, world::World};

/// Path, predicted class and probabilities of each row.
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
    assert_eq!(found[0], ["path", "predicted", "p_COVID-19", "p_NORMAL", "p_Viral Pneumonia", "error"]);
    assert_eq!((found.len(), expected.len()), (13, 13));
    for (found, expected) in found[1..].iter().zip(&expected[1..]) {
        assert_eq!(found[0], expected[0]);
        assert_eq!((&found[1], &found[2..5]), (&expected[2], &expected[3..6]));
        assert_eq!(found[5], "");
    }
    // The latest run is meant where none is named, and files may be named one by one.
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
