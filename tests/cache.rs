//! Tests of the cache of decoded images.

use std::fs;

use crate::world::{World, read_json};

fn train(world: &World, flags: &[&str]) -> String {
    let fixed = ["--epochs", "2", "--batch-size", "8", "-v"];
    world.train(&[&fixed[..], flags].concat()).ok().stderr.clone()
}

#[test]
fn later_runs_read_what_the_first_one_decoded_and_train_the_same() {
    let world = World::new();
    world.study();
    let first = train(&world, &["--out", "first"]);
    let second = train(&world, &["--out", "second"]);
    let without = train(&world, &["--out", "without", "--cache", "none"]);
    assert_eq!(first.matches("images decoded").count(), 2, "{first}");
    assert_eq!(second.matches("images from the cache").count(), 2, "{second}");
    assert_eq!(without.matches("images decoded").count(), 2, "{without}");
    // The findings of the audit are from the cache as well.
    assert!(
        second.contains("the audit is from the cache") && !without.contains("the audit is from"),
        "{second}"
    );
    for run in ["second", "without"] {
        for file in ["best.safetensors", "last.safetensors", "predictions.csv", "audit.json"] {
            let of = |run: &str| fs::read(world.path(&format!("{run}/{file}"))).unwrap();
            assert!(of("first") == of(run), "{run}/{file}");
        }
        let print =
            |run: &str| read_json(&world.path(&format!("{run}/run.json")))["data_fingerprint"].clone();
        assert_eq!(print("first"), print(run));
    }
    // Another seed splits the same images.
    let other = train(&world, &["--out", "other", "--split", "random", "--seed", "5"]);
    assert_eq!(other.matches("images from the cache").count(), 2, "{other}");
    // A touched file and another size do not use the cached images.
    fs::write(world.path("xrays/NORMAL/000.png"), crate::pictures::gray_png(24, 9)).unwrap();
    let touched = train(&world, &["--out", "touched"]);
    assert!(
        touched.contains("30 images decoded") && touched.contains("12 images from the cache"),
        "{touched}"
    );

    // Three lists of images, and three audits: of one split, of another, and of the touched file.
    let size = world.thorax(&["data", "cache", "--json"]).json();
    assert_eq!((&size["files"], &size["cleared"]), (&6.into(), &false.into()));
    let cleared = world.thorax(&["data", "cache", "--clear"]);
    assert!(cleared.ok().stdout.starts_with("data/cache: removed 6 files, "), "{}", cleared.stdout);
    assert_eq!(fs::read_dir(world.path("data/cache")).unwrap().count(), 1);
    assert_eq!(world.thorax(&["data", "cache"]).ok().stdout, "data/cache: 0 files, 0.0 MB\n");
    let again = train(&world, &["--out", "again"]);
    assert_eq!(again.matches("images decoded").count(), 2, "{again}");
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let world = World::new();
    world.study();
    fs::write(world.path("file"), "no folder").unwrap();
    let done = train(&world, &["--out", "run", "--cache", "file/cache"]);
    assert!(done.contains("warning: images are kept in memory only: cannot read `file/cache/"), "{done}");
    assert_eq!(fs::read(world.path("file")).unwrap(), b"no folder");
    let done = world.train(&["--cache-limit", "a lot"]);
    assert!(done.code == Some(1) && done.stderr.contains("`a lot` is no size"), "{}", done.stderr);
}

#[test]
fn a_damaged_cache_is_found_out() {
    let world = World::new();
    world.study();
    train(&world, &["--out", "first"]);
    for entry in fs::read_dir(world.path("data/cache")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let done = world.train(&["--epochs", "2", "--batch-size", "8", "--out", "second"]);
    done.refused(&[
        "error: the cached images in `data/cache/",
        "are damaged",
        "hint: run `thorax data cache --clear`",
    ]);
    assert_eq!(read_json(&world.path("second/run.json"))["status"], "failed");
    world.thorax(&["data", "cache", "--clear"]).ok();
    train(&world, &["--out", "third"]);
}
