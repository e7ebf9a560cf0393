//! Tests of files that are no image, cut off or empty.

use std::fs;

use crate::{
    pictures::gray_png,
    world::{World, read_json},
};

#[test]
fn all_bad_files_are_listed_and_nothing_is_trained() {
    let world = World::new();
    world.study();
    fs::write(world.path("xrays/NORMAL/text.png"), "this is no image").unwrap();
    fs::write(world.path("xrays/NORMAL/empty.jpg"), "").unwrap();
    let whole = gray_png(24, 100);
    fs::write(world.path("xrays/Viral Pneumonia/cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(world.path("xrays Test/COVID-19/text.jpeg"), "neither is this").unwrap();
    let args = ["train", "--data", "xrays", "--out", "run"];
    let done =
        world.refuses(&args, &["error: 4 of 46 images cannot be read", "hint: ", "--on-bad-image skip"]);
    for name in ["NORMAL/text.png", "NORMAL/empty.jpg", "Viral Pneumonia/cut.png", "COVID-19/text.jpeg"] {
        assert!(done.stderr.contains(name), "{name} is not in\n{}", done.stderr);
    }
}

#[test]
fn at_most_twenty_are_named_and_the_rest_is_counted() {
    let world = World::new();
    world.study();
    for i in 0..23 {
        fs::write(world.path(&format!("xrays/NORMAL/bad {i:02}.png")), "no image").unwrap();
    }
    let done = world.refuses(&["train", "--data", "xrays"], &["error: 23 of 65 images", "… and 3 more"]);
    assert_eq!(done.stderr.matches("bad ").count(), 20, "{}", done.stderr);
}

#[test]
fn skip_goes_on_and_reports_them() {
    let world = World::new();
    world.study();
    fs::write(world.path("xrays/NORMAL/text.png"), "this is no image").unwrap();
    let done = world.train(&["--epochs", "1", "--out", "run", "--on-bad-image", "skip"]);
    assert!(done.ok().stderr.contains("warning: left out: 1 of 43 images cannot be read"), "{}", done.stderr);
    let record = read_json(&world.path("run/run.json"));
    let skipped = record["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1);
    assert!(skipped[0].as_str().unwrap().ends_with("text.png"), "{record}");
    assert_eq!(record["counts"]["training"], serde_json::json!([8, 8, 8]));
}

#[test]
fn skip_must_not_leave_a_class_without_images() {
    let world = World::new();
    world.study();
    for i in 0..10 {
        fs::write(world.path(&format!("xrays/NORMAL/{i:03}.png")), "no image").unwrap();
    }
    world.refuses(
        &["train", "--data", "xrays", "--on-bad-image", "skip", "--out", "run"],
        &["error: no readable image of class `NORMAL` is left for training", "hint: "],
    );
}

#[test]
fn scan_lists_them_and_says_so_by_its_exit_code() {
    let world = World::new();
    world.study();
    fs::write(world.path("xrays/NORMAL/text.png"), "this is no image").unwrap();
    let done = world.thorax(&["data", "scan", "xrays"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("1 of 31 images cannot be read") && done.stdout.contains("text.png"));
    fs::remove_file(world.path("xrays/NORMAL/text.png")).unwrap();
    fs::write(world.path("xrays/NORMAL/colour.png"), crate::pictures::rgb_png(8, [9, 99, 199])).unwrap();
    let json = world.thorax(&["data", "scan", "xrays", "--json"]).json();
    assert_eq!(
        json["classes"][1],
        serde_json::json!({"label": "NORMAL", "images": 11, "gray": 10, "unreadable": 0})
    );
    assert_eq!(json["synthetic"], false);
}
