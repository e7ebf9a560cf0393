//! Names and doc comments of the workspace: one word for one thing, and first lines that can be understood alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Words that a doc line does not begin with: what follows them cannot be understood without the code.
const HEADLESS: [&str; 8] = ["What", "How", "Where", "Whether", "Those", "Of", "As", "Which"];
/// Largest share of doc lines that begin with one of them.
const MOST: f64 = 0.02;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it is listed").path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

/// Source folders of every crate, by the crate's name.
fn crates() -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(root().join("crates")).expect("it is there");
    let folders = entries.map(|entry| entry.expect("it is listed").path());
    let named =
        folders.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path.join("src")));
    named.chain([("xtask".to_owned(), root().join("xtask/src"))]).collect()
}

fn texts(folder: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let mut files = Vec::new();
    sources(folder, &mut files);
    files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("it can be read");
        (path, text)
    })
}

#[test]
fn doc_lines_begin_with_what_they_say() {
    let doc = Regex::new(r"^\s*//[/!] (\w+)").expect("it is sound");
    let (mut lines, mut headless) = (0, Vec::new());
    for folder in crates().values() {
        for (path, text) in texts(folder) {
            for (at, line) in text.lines().enumerate() {
                let Some(found) = doc.captures(line) else { continue };
                lines += 1;
                if HEADLESS.contains(&&found[1]) {
                    headless.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
                }
            }
        }
    }
    assert!(lines > 4000, "{lines} doc lines are too few to be all of them");
    let share = headless.len() as f64 / f64::from(lines);
    assert!(share < MOST, "{} of {lines} doc lines:\n{}", headless.len(), headless.join("\n"));
}

/// Types that a file defines, those of its tests excepted.
fn types(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    // Associated types are indented.
    let definition = Regex::new(r"(?m)^(?:pub(?:\([a-z]+\))? )?(?:struct|enum|trait|type|union) (\w+)")
        .expect("it is sound");
    definition.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn a_type_name_of_two_crates_has_a_reason() {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, folder) in crates() {
        for (path, text) in texts(&folder) {
            if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
                continue;
            }
            for found in types(&text) {
                owners.entry(found).or_default().insert(name.clone());
            }
        }
    }
    assert!(owners.len() > 300, "{} types are too few to be all of them", owners.len());
    let page = fs::read_to_string(root().join("crates/cli/guide/architecture.md")).expect("it can be read");
    let section = page.split("## Names in more than one crate\n").nth(1).expect("the page has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let quoted = section.split('`').skip(1).step_by(2);
    let allowed: BTreeSet<&str> =
        quoted.filter(|name| name.starts_with(|first: char| first.is_uppercase())).collect();
    let shared: BTreeMap<&str, &BTreeSet<String>> = owners
        .iter()
        .filter(|(_, crates)| crates.len() > 1)
        .map(|(name, crates)| (name.as_str(), crates))
        .collect();
    let without: Vec<_> = shared.iter().filter(|(name, _)| !allowed.contains(*name)).collect();
    assert!(without.is_empty(), "no reason in the architecture page for {without:?}");
    let stale: Vec<_> = allowed.iter().filter(|name| !shared.contains_key(**name)).collect();
    assert!(stale.is_empty(), "the architecture page gives reasons for names of one crate: {stale:?}");
}
