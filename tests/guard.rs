//! Tests of warnings about images that are unlike the training images.

use std::fs;

use serde_json::Value;

use crate::{
    pictures::{no_radiograph, text_page},
    world::World,
};

/// Returns the warnings of `predict --json`, by path.
fn warnings(world: &World, folder: &str, run: &str) -> Vec<(String, Value)> {
    let done = world.thorax(&["predict", folder, "--saved", run, "--json"]);
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["path"].as_str().unwrap().to_owned(), row["warning"].clone())
    };
    done.ok().stdout.lines().map(row).collect()
}

/// Makes a hundred images that are no radiographs.
pub(crate) fn strangers(world: &World) -> &'static str {
    fs::create_dir(world.path("strangers")).unwrap();
    for i in 0..100 {
        fs::write(world.path(&format!("strangers/{i:02}.png")), no_radiograph(i)).unwrap();
    }
    "strangers"
}

/// Counts the images in a folder that are flagged.
pub(crate) fn flagged(world: &World, folder: &str, run: &str) -> usize {
    warnings(world, folder, run).iter().filter(|(_, warning)| !warning.is_null()).count()
}

#[test]
fn what_is_no_radiograph_is_flagged_and_test_images_are_not() {
    let world = World::new();
    world.thorax(&["data", "sample", "--count", "200", "--test-per-class", "20", "--out", "sample"]).ok();
    world.thorax(&["train", "--data", "sample", "--epochs", "1", "--no-report", "--out", "run"]).ok();
    let strangers = strangers(&world);
    let found = flagged(&world, strangers, "run");
    assert!(found >= 95, "{found} of 100");
    let test = flagged(&world, "sample Test", "run");
    assert!(test <= 3, "{test} of 60");

    let says = "unlike the images that the model was trained on, most of all in its ";
    fs::write(world.path("page.png"), text_page(1)).unwrap();
    let csv = world.thorax(&["predict", "page.png", "--saved", "run", "--csv"]);
    assert!(csv.ok().stdout.contains(says), "{}", csv.stdout);
    let table = world.thorax(&["predict", "page.png", "--saved", "run"]);
    assert!(table.ok().stdout.contains("  unlike training  page.png"), "{}", table.stdout);
    assert!(table.stderr.contains("warning: 1 of 1 images are unlike those"), "{}", table.stderr);
    let heated = world.thorax(&["explain", "page.png", "--saved", "run", "--out", "maps"]);
    assert!(heated.ok().stdout.contains("  unlike training  page.png"), "{}", heated.stdout);
    assert!(heated.stderr.contains("warning: 1 of 1 images are unlike those"), "{}", heated.stderr);
    let heated =
        world.thorax(&["explain", "page.png", "--saved", "run", "--out", "maps", "--force", "--json"]);
    assert!(heated.ok().stdout.contains(says), "{}", heated.stdout);
    // A test set of other images is flagged too.
    for class in ["COVID-19", "NORMAL", "Viral Pneumonia"] {
        fs::create_dir_all(world.path("pages").join(class)).unwrap();
        fs::write(world.path("pages").join(class).join("page.png"), text_page(2)).unwrap();
    }
    let tested = world.thorax(&["test", "--saved", "run", "--data", "pages"]);
    assert!(tested.ok().stderr.contains("warning: 3 of 3 images are unlike those"), "{}", tested.stderr);
    // All models of an ensemble check the image.
    let both = world.thorax(&["predict", "page.png", "--ensemble", "run", "run", "--csv"]);
    assert!(both.ok().stdout.contains(says), "{}", both.stdout);
}
