//! Tests of `ci` and `test`, with a stand-in for cargo that logs its calls.

use crate::workspace::{Said, World};

/// Script that logs `LIBTORCH`, variables that `cargo run` may have left in the environment, and the arguments.
const CARGO: &str = r#"#!/bin/sh
echo "[${LIBTORCH-unset}] ${CARGO_PKG_NAME-}${CARGO_MANIFEST_DIR-}$*" >> "$WORLD/log"
test "$1" != "$FAILS"
"#;

fn world() -> World {
    let world = World::new();
    world.script("bin/cargo-stand-in", CARGO);
    world
}

fn xtask(world: &World, arguments: &[&str], fails: &str) -> Said {
    let mut command = world.command(arguments);
    command.env("CARGO", world.path("bin/cargo-stand-in")).env("FAILS", fails);
    Said::new(command.output().expect("it starts"))
}

#[test]
fn ci_goes_through_its_steps_and_sums_them_up() {
    let world = world();
    let said = xtask(&world, &["ci"], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let expected = [
        "[./libtorch] fmt --all -- --check",
        "[./tree/target/no-libtorch] test -p base -p data -p audit -p phantoms -p metrics -p state-dict -p experiment -p report -p xtask",
        "[./libtorch] clippy --workspace --all-targets -- -D warnings",
        "[./libtorch] test --workspace --exclude base --exclude data --exclude audit --exclude phantoms --exclude metrics --exclude state-dict --exclude experiment --exclude report --exclude xtask",
    ];
    assert_eq!(world.log(), expected);
    let passed = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(passed == 5 && said.stdout.contains("== summary =="), "{}", said.stdout);
}

#[test]
fn ci_stops_at_the_first_step_that_fails() {
    let world = world();
    let said = xtask(&world, &["ci"], "clippy");
    said.assert_error("ci stopped at: clippy", "run `cargo xtask ci` again");
    assert_eq!(world.log().len(), 3);
    let failed: Vec<&str> = said.stdout.lines().filter(|line| line.starts_with("FAILED")).collect();
    assert!(failed.len() == 1 && failed[0].ends_with("clippy"), "{}", said.stdout);
    assert!(said.stdout.ends_with("1 not run\n"), "{}", said.stdout);
}

#[test]
fn tests_are_run_for_the_packages_named_or_all() {
    let world = world();
    for (arguments, expected) in [
        (&["test"][..], "[./libtorch] test --workspace"),
        (&["test", "--", "-p", "data", "resize"][..], "[./libtorch] test -p data resize"),
        (&["test", "--", "--", "--nocapture"][..], "[./libtorch] test --workspace -- --nocapture"),
    ] {
        assert_eq!(xtask(&world, arguments, "").code, Some(0));
        assert_eq!(world.log(), [expected]);
    }
    xtask(&world, &["test"], "test")
        .assert_error("` failed (exit status: 1)", "mend that and run this again");
}

/// Otherwise torch-sys, whose build script watches such variables, would compile again, which takes minutes.
#[test]
fn cargo_is_called_as_by_hand() {
    let world = world();
    std::fs::create_dir_all(world.path("tree/data")).expect("a folder");
    std::fs::rename(world.path("libtorch"), world.path("tree/data/libtorch")).expect("it is ours");
    let mut command = world.command(&["test"]);
    command.env("CARGO", world.path("bin/cargo-stand-in")).env("FAILS", "");
    // Variables that `cargo run` sets.
    command.env("LIBTORCH", world.path("tree/data/libtorch"));
    command.env("CARGO_PKG_NAME", "xtask").env("CARGO_MANIFEST_DIR", world.path("tree/xtask"));
    let said = Said::new(command.output().expect("it starts"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(world.log(), ["[unset] test --workspace"]);
}
