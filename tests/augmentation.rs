//! Tests of `--augment`: training images only, and the same for a seed whatever the number of threads.

use std::fs;

use crate::world::{World, read_json};

#[test]
fn a_seed_gives_the_same_run_on_any_number_of_threads() {
    let world = World::new();
    world.study();
    let train = |out, flags: &[&str]| {
        let fixed = ["--epochs", "2", "--batch-size", "8", "--out", out];
        world.train(&[&fixed[..], flags].concat()).ok();
        fs::read(world.path(out).join("augmented.png")).ok()
    };
    let light = ["--augment", "light"];
    let one = train("one", &[&light[..], &["--threads", "1"]].concat());
    let two = train("two", &[&light[..], &["--threads", "2"]].concat());
    assert!(one.is_some() && one == two);
    let same = train("same", &[&light[..], &["--threads", "1"]].concat());
    assert_eq!(one, same);
    let weights = |run: &str| fs::read(world.path(run).join("best.safetensors")).unwrap();
    assert!(weights("one") == weights("same"));
    assert!(train("plain", &["--threads", "1"]).is_none());
    assert!(weights("one") != weights("plain"));
    let record = read_json(&world.path("one/run.json"));
    let stored = record["settings"]["augment"].as_str().unwrap();
    assert_eq!(stored, "turn=5,shift=0.05,zoom=0.05,brightness=0.05,contrast=0.1,noise=0.01,erase=0.1");
    // The stored value is one that the flag takes.
    let again = train("again", &["--augment", stored, "--threads", "1"]);
    assert_eq!(one, again);
}

/// Checks by a learning rate that moves nothing that validation and test images are not changed.
#[test]
fn validation_and_test_images_stay_as_they_are() {
    let world = World::new();
    world.study();
    let losses = |out: &str, augment: &str| {
        let flags = ["--epochs", "2", "--learning-rate", "1e-30", "--out", out, "--augment", augment];
        world.train(&flags).ok();
        let history = fs::read_to_string(world.path(out).join("history.csv")).unwrap();
        let column = |n: usize| -> Vec<String> {
            history.lines().skip(1).map(|line| line.split(',').nth(n).unwrap().to_owned()).collect()
        };
        let predictions = fs::read(world.path(out).join("predictions.csv")).unwrap();
        (column(1), column(3), predictions)
    };
    let (plain, augmented) = (losses("plain", "none"), losses("augmented", "brightness=0.5,turn=20"));
    assert!(plain.0 != augmented.0);
    assert_eq!((plain.1, plain.2), (augmented.1, augmented.2));
}

#[test]
fn what_is_no_augmentation_is_told() {
    let world = World::new();
    world.study();
    world.refuses(
        &["train", "--data", "xrays", "--augment", "flip", "--out", "run"],
        &[
            "error: invalid value 'flip' for '--augment <WHAT>'",
            "`flip` is no augmentation",
            "flip-horizontal",
        ],
    );
}
