//! Checks that a cross-validation that was begun has the settings and images of the present command.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use base::csv_text::{CsvRecord, CsvText};
use experiment::{CrossValidation, FOLDS};
use serde_json::Value;

use super::setup::Setup;
use crate::status::hinted;

/// Settings that a fold's result does not depend on, or only in its last digits, or that only decide if an error ends it.
const FREE: [&str; 6] = ["cache", "cache-limit", "checkpoint-every", "on-non-finite", "recipe", "threads"];
/// Number of images that are named.
const NAMED: usize = 3;

/// Refuses other settings and other files.
pub(super) fn check(begun: &CrossValidation, setup: &Setup) -> Result<()> {
    check_settings(begun, setup)?;
    check_folds(begun, setup)
}

/// Refuses other settings.
pub(super) fn check_settings(begun: &CrossValidation, setup: &Setup) -> Result<()> {
    let out = begun.folder().display();
    let differences = differences(&begun.record.settings, &setup.settings);
    if differences.is_empty() {
        return Ok(());
    }
    Err(hinted(
        format!("`{out}` was begun with other settings: {}", differences.join("; ")),
        "give the settings that it was begun with, or name another folder with `--out`",
    ))
}

/// Refuses other files, or the same files in other folds.
pub(super) fn check_folds(begun: &CrossValidation, setup: &Setup) -> Result<()> {
    let path = begun.file(FOLDS);
    let there = experiment::read_text(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let now = setup.manifest()?;
    match there.as_bytes() == now {
        true => Ok(()),
        false => Err(changed(begun, setup, &changes(there.as_bytes(), &now))),
    }
}

/// Refuses other pixels.
pub(super) fn check_images(begun: &CrossValidation, setup: &Setup, fingerprint: &str) -> Result<()> {
    match begun.record.data_fingerprint == fingerprint {
        true => Ok(()),
        false => Err(changed(begun, setup, "images have other pixels, or others of them can be read")),
    }
}

fn changed(begun: &CrossValidation, setup: &Setup, how: &str) -> anyhow::Error {
    let (data, out) = (setup.listing().root.display(), begun.folder().display());
    hinted(
        format!("`{data}` is not what it was when `{out}` was begun: {how}"),
        "bring the data set back as it was, or name another folder with `--out`",
    )
}

/// Describes each setting that differs, as `--flag VALUE, now VALUE`.
fn differences(begun: &BTreeMap<String, Value>, now: &BTreeMap<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = begun.keys().chain(now.keys()).collect();
    let names = names.into_iter().filter(|name| !FREE.contains(&name.as_str()));
    let of =
        |settings: &BTreeMap<String, Value>, name: &str| settings.get(name).cloned().unwrap_or(Value::Null);
    let differing = names.filter(|name| of(begun, name) != of(now, name));
    differing
        .map(|name| format!("`--{name}` {}, now {}", text(&of(begun, name)), text(&of(now, name))))
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

/// Describes the differences of two manifests.
fn changes(there: &[u8], now: &[u8]) -> String {
    let (there, now) = (rows(there), rows(now));
    let lacks = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        of.keys().filter(|path| !other.contains_key(*path)).cloned().collect()
    };
    let differ =
        |(path, row): (&String, &String)| now.get(path).is_some_and(|now| now != row).then(|| path.clone());
    let of = [
        ("more", lacks(&now, &there)),
        ("fewer", lacks(&there, &now)),
        ("of another class, group or fold", there.iter().filter_map(differ).collect()),
    ];
    let told = of.iter().filter(|(_, paths)| !paths.is_empty()).map(|(what, paths)| {
        let images = if paths.len() == 1 { "image" } else { "images" };
        let named: Vec<String> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
        let more = if paths.len() > NAMED { ", …" } else { "" };
        format!("{} {images} {what} ({}{more})", paths.len(), named.join(", "))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { format!("`{FOLDS}` was changed") } else { told.join("; ") }
}

/// Returns each row of a manifest by its path.
fn rows(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let text = CsvText::new(&text);
    let fields = |record: &CsvRecord| record.cells().collect::<Vec<_>>().join(",");
    text.records().skip(1).map(|record| (record.raw(0).to_owned(), fields(&record))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_differ_by_name() {
        let of = |pairs: &[(&str, Value)]| -> BTreeMap<String, Value> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let begun = of(&[
            ("epochs", json!(3)),
            ("threads", json!(2)),
            ("mean", json!([0.5, 1.0])),
            ("new", json!(null)),
        ]);
        let now = of(&[("epochs", json!(4)), ("threads", json!(8)), ("group-column", json!("p"))]);
        assert_eq!(
            differences(&begun, &now),
            ["`--epochs` 3, now 4", "`--group-column` none, now p", "`--mean` 0.5,1.0, now none"]
        );
        assert!(differences(&begun, &begun).is_empty());
    }

    #[test]
    fn images_that_came_went_or_changed_are_named() {
        let (there, now) = ("path,fold\na,1\nb,1\nc,2\nd,2\ne,2\nf,1\n", "path,fold\na,2\ng,1\n");
        assert_eq!(
            changes(there.as_bytes(), now.as_bytes()),
            "1 image more (`g`); 5 images fewer (`b`, `c`, `d`, …); 1 image of another class, group or fold (`a`)"
        );
        assert_eq!(changes(b"path\na\n", b"path\na\n\n"), "`folds.csv` was changed");
    }
}
