//! Test of the allowed dependencies between crates: the table in the design, compared with cargo's metadata of the workspace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

/// Crates of this workspace that each crate may import, tests and build scripts included. A new crate gets a row here.
const MAY_IMPORT: [(&str, &[&str]); 13] = [
    ("base", &[]),
    // Tests of `data` draw their images with `phantoms`.
    ("data", &["base", "phantoms"]),
    ("audit", &["base", "data", "phantoms"]),
    ("phantoms", &["base", "data"]),
    ("metrics", &["base"]),
    ("state-dict", &["base"]),
    ("model", &["base", "data", "metrics", "state-dict"]),
    ("experiment", &["base", "metrics"]),
    ("train", &["base", "data", "model", "experiment", "metrics", "phantoms"]),
    ("report", &["audit", "experiment", "metrics"]),
    ("serve", &["base", "data", "model", "metrics"]),
    (
        "cli",
        &["base", "data", "audit", "phantoms", "metrics", "model", "experiment", "train", "report", "serve"],
    ),
    ("xtask", &[]),
];

/// Crates that must build and test without libtorch.
const WITHOUT_TCH: [&str; 9] =
    ["base", "data", "audit", "phantoms", "metrics", "state-dict", "experiment", "report", "xtask"];

fn cargo(arguments: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    Command::new(cargo).current_dir(root).args(arguments).output().expect("cargo runs")
}

/// Lists every crate of the workspace, with the workspace's crates that it depends on in any way.
fn members() -> Vec<(String, BTreeSet<String>)> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let members = list(&metadata["packages"]).into_iter().map(|package| {
        // A path marks a crate of the workspace; its own name counts, not the name that it is imported by here.
        let own =
            list(&package["dependencies"]).into_iter().filter(|dependency| dependency["path"].is_string());
        (text(&package["name"]), own.map(|dependency| text(&dependency["name"])).collect())
    });
    members.collect()
}

#[test]
fn crates_import_only_what_their_row_allows() {
    let members = members();
    assert!(members.len() >= 6, "cargo sees {} crates", members.len());
    for (name, imports) in &members {
        let row = MAY_IMPORT.iter().find(|(known, _)| known == name);
        let (_, allowed) = row.unwrap_or_else(|| panic!("crate `{name}` has no row in this test"));
        let forbidden: Vec<&String> =
            imports.iter().filter(|import| !allowed.contains(&import.as_str())).collect();
        assert!(forbidden.is_empty(), "`{name}` must not import {forbidden:?}");
    }
    // Control: edges that must exist are found, so that an empty list above means something.
    let of = |name: &str| &members.iter().find(|(known, _)| known == name).expect("it is there").1;
    assert!(of("model").contains("data"));
    assert!(of("train").contains("model"));
}

#[test]
fn tch_stays_out_of_the_crates_that_need_no_libtorch() {
    let who_needs_tch = |package: &str| {
        cargo(&[
            "tree",
            "--locked",
            "-p",
            package,
            "--edges",
            "normal,build,dev",
            "--target",
            "all",
            "-i",
            "tch",
        ])
    };
    let members = members();
    for package in WITHOUT_TCH.into_iter().filter(|name| members.iter().any(|(known, _)| known == name)) {
        let output = who_needs_tch(package);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success(),
            "`{package}` reaches tch:\n{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(words.contains("`tch` did not match any packages"), "another failure than expected: {words}");
    }
    let control = who_needs_tch("model");
    assert!(control.status.success(), "{}", String::from_utf8_lossy(&control.stderr));
    let tree = String::from_utf8_lossy(&control.stdout);
    assert!(tree.starts_with("tch v") && tree.contains("model v"), "{tree}");
}
