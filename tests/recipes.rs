//! Tests of `--recipe`: settings from a file.

use std::fs;

use crate::world::World;

fn settings(world: &World, flags: &[&str]) -> serde_json::Value {
    let line = [&["train", "--data", "xrays", "--dry-run"], flags].concat();
    world.thorax(&line).json()["settings"].take()
}

#[test]
fn a_recipes_settings_are_used_and_flags_win_over_them() {
    let world = World::new();
    world.study();
    fs::write(
        world.path("mine.toml"),
        "image-size = 20\nepochs = 3\nlearning-rate = 0.01\naverage = \"ema\"\n",
    )
    .unwrap();
    let found = settings(&world, &["--recipe", "mine.toml", "--epochs", "7"]);
    assert_eq!(found["recipe"], "mine.toml");
    assert_eq!((&found["image-size"], &found["epochs"]), (&20.into(), &7.into()));
    assert_eq!((&found["learning-rate"], &found["average"]), (&0.01.into(), &"ema".into()));
    assert_eq!(found["batch-size"], 250);
}

#[test]
fn built_in_recipes_name_a_pretrained_network() {
    let world = World::new();
    world.study();
    for (name, freeze) in [("best", None), ("frozen", Some("all"))] {
        let found = settings(&world, &["--recipe", name, "--weights", "none"]);
        assert_eq!(found["model"], "inception-v3");
        assert!(freeze.is_none_or(|freeze| found["freeze"] == freeze), "{found}");
    }
}

#[test]
fn what_is_wrong_with_a_recipe_is_said() {
    let world = World::new();
    world.study();
    let refuses = |recipe: &str, words: &[&str]| {
        world.refuses(&["train", "--data", "xrays", "--out", "run", "--recipe", recipe], words);
    };
    refuses("good", &["error: there is no recipe `good`", "hint: ", "best, fast, frozen"]);
    for (text, words) in [
        ("speed = 1", "error: recipe `mine.toml`: `speed` is no setting of `train`"),
        ("epochs 3", "error: recipe `mine.toml`, line 1: "),
        ("epochs = 0", "error: recipe `mine.toml`: invalid value '0' for '--epochs <N>'"),
    ] {
        fs::write(world.path("mine.toml"), text).unwrap();
        refuses("mine.toml", &[words, "hint: "]);
    }
}
