//! Tests of `data audit`: its findings, its page, and its exit codes.

use std::fs;

use crate::world::World;

/// Makes phantoms without any fault.
fn sample() -> World {
    let world = World::new();
    let args =
        ["data", "sample", "--out", "x", "--count", "60", "--test-per-class", "4", "--image-size", "96"];
    world.thorax(&args).ok();
    world
}

const ORIGINAL: &str = "x/NORMAL/synthetic-normal-00001.png";

#[test]
fn nothing_is_wrong_with_the_sample() {
    let world = sample();
    let done = world.thorax(&["data", "audit", "x", "--strict"]);
    let words = [
        "x (synthetic phantoms, no radiographs)\n72 images of 3 classes: ",
        "no leak found",
        "do files give their classes away? Not tried",
    ];
    words.iter().for_each(|words| assert!(done.ok().stdout.contains(words), "{}", done.stdout));
    for heading in ["copies", "groups", "cannot be read", "unlike"] {
        assert!(!done.stdout.contains(&format!("\n{heading}")), "{}", done.stdout);
    }
    assert_eq!(done.stdout, world.thorax(&["data", "audit", "x", "--threads", "1"]).stdout);
}

#[test]
fn leaks_are_named_and_only_strict_fails_by_them() {
    let world = sample();
    fs::copy(world.path(ORIGINAL), world.path("x Test/NORMAL/again.png")).unwrap();
    fs::copy(world.path(ORIGINAL), world.path("x/COVID-19/zz other class.png")).unwrap();
    let done = world.thorax(&["data", "audit", "x"]);
    let lines: Vec<&str> = done.ok().stdout.lines().collect();
    // The first image of a class is for validation, the last for training.
    let expected = [
        "2 leaks: what is trained on and what is tested on, or the classes, are not apart",
        "copies in different sets: 2",
        "  same file: training `COVID-19/zz other class.png` and validation `NORMAL/synthetic-normal-00001.png` (COVID-19 and \
         NORMAL)",
        "  same file: training `COVID-19/zz other class.png` and test `NORMAL/again.png` (COVID-19 and NORMAL)",
    ];
    expected.iter().for_each(|line| assert!(lines.contains(line), "{line} is not in\n{}", done.stdout));
    assert_eq!(world.thorax(&["data", "audit", "x", "--strict"]).code, Some(1));

    let json = world.thorax(&["data", "audit", "x", "--json"]).json();
    assert_eq!(json["leaks"], 2);
    assert_eq!(json["copies"][0]["kind"], "same file");
    assert_eq!(json["copies"][0]["across_sets"], true);
    assert_eq!(json["copies"][0]["images"][0]["label"], "COVID-19");
    assert_eq!(json["files"].as_array().unwrap().len(), 74);
    assert_eq!(json["files"][0]["facts"]["width"], 96);
    assert!(json["source"]["facts"][0]["fact"].is_string(), "{}", json["source"]);
}

#[test]
fn files_that_cannot_be_read_and_odd_ones_are_told_with_the_reason() {
    let world = sample();
    fs::write(world.path("x/NORMAL/text.png"), "this is no image").unwrap();
    fs::write(world.path("x/NORMAL/colour.png"), crate::pictures::rgb_png(80, [9, 99, 199])).unwrap();
    let done = world.thorax(&["data", "audit", "x"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    for words in [
        "images that cannot be read: 1\n",
        "NORMAL/text.png`: is no image",
        "NORMAL/colour.png`: colour in 100 %",
    ] {
        assert!(done.stdout.contains(words), "{words} is not in\n{}", done.stdout);
    }
    let json: serde_json::Value =
        serde_json::from_str(&world.thorax(&["data", "audit", "x", "--json"]).stdout).unwrap();
    assert_eq!(json["unreadable"][0]["error"], "is no image");
    assert_eq!(json["strange"][0]["reasons"][0], "colour in 100 % of its pixels");
}

#[test]
fn the_page_is_one_file_and_no_name_is_markup() {
    let world = sample();
    let name = "\"><img src=x onerror=alert(1)> & <script>alert(1)<.png";
    fs::copy(world.path(ORIGINAL), world.path(&format!("x Test/NORMAL/{name}"))).unwrap();
    world.thorax(&["data", "audit", "x", "--html", "page.html"]).ok();
    let page = fs::read_to_string(world.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(
        page.contains("&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &lt;script&gt;alert(1)&lt;.png")
    );
    for never in ["<script", "<img src=x", "http://", "https://", "<link", "url("] {
        assert!(!page.contains(never), "{never}");
    }
    assert_eq!(page.matches("<img src=\"data:image/jpeg;base64,").count(), 2);
    assert_eq!(page.matches(" alt=\"Image of class NORMAL, ").count(), 2);
    // An earlier page may be replaced.
    world.thorax(&["data", "audit", "x", "--html", "page.html"]).ok();
    assert!(world.files().keys().all(|path| !path.to_string_lossy().ends_with(".thorax-tmp")));
}

#[test]
fn a_page_replaces_nothing_but_a_page() {
    let world = sample();
    world.refuses(
        &["data", "audit", "x", "--html", ORIGINAL],
        &["error: `x/NORMAL/synthetic-normal-00001.png` is there already and is no page", "hint: "],
    );
    world.refuses(
        &["data", "audit", "x", "--html", "gone/page.html"],
        &["error: no such folder: `gone`", "hint: "],
    );
    world.refuses(&["data", "audit", "x", "--html", "x"], &["error: `x` is a folder", "hint: "]);
    world.refuses(&["data", "audit", "gone"], &["error: no such folder: `gone`", "hint: "]);
}

#[test]
fn classes_too_small_to_split_are_looked_at_all_the_same() {
    let world = World::new();
    world.data_set("few", &[("A", 2), ("B", 3)]);
    let done = world.thorax(&["data", "audit", "few"]);
    assert!(done.ok().stdout.contains("5 images of 2 classes: 5 training\n"), "{}", done.stdout);
    assert!(done.stderr.contains("note: class `A` has 2 images: too few"), "{}", done.stderr);
    assert!(done.stdout.contains("tiny: 24 pixels"), "{}", done.stdout);
}

/// Checks that training finds exact copies by itself: the same pixels in another file format, one of them gray stored as colour.
#[test]
fn training_warns_of_copies_between_its_sets() {
    let world = World::new();
    world.study();
    let clean = world.train(&["--epochs", "1", "--out", "clean"]);
    assert!(!clean.ok().stderr.contains("same pixels"), "{}", clean.stderr);
    let (training, test) =
        (world.path("xrays/NORMAL/009.png"), world.path("xrays Test/NORMAL/000 again.png"));
    fs::write(training, crate::pictures::gray_png(24, 7)).unwrap();
    fs::write(test, crate::pictures::gray_png_as_rgb(24, 7)).unwrap();
    // The same image in another class.
    fs::write(world.path("xrays/COVID-19/009.png"), crate::pictures::gray_png(24, 7)).unwrap();
    let done = world.train(&["--epochs", "1", "--out", "run"]);
    let warning = "warning: there are images with the same pixels in two sets or classes, such as \
                   `COVID-19/009.png` (training) and `NORMAL/009.png` (training) and `NORMAL/000 again.png` (test)";
    assert!(done.ok().stderr.contains(warning), "{}", done.stderr);
    assert!(done.stderr.contains("`thorax data audit` lists them"), "{}", done.stderr);
}
