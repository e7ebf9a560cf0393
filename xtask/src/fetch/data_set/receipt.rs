//! Finished folders: put in place by renaming, and recognised by the receipt in each.
//!
//! The receipt is a file whose name begins with a dot, beside the folders of classes, so that no listing of a data set
//! includes it. A folder without one was not put there by this task and is never touched.

use super::super::{Depot, not_writable, place, remove};
use super::contents::Classes;
use super::tree::{Files, TEST, TRAIN};
use crate::failure::fail;
use crate::workspace::{REAL_DATA, Workspace};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

const RECEIPT: &str = ".receipt.json";

/// Receipt in a folder that this task made.
#[derive(Serialize, Deserialize)]
pub(super) struct Receipt {
    /// Source of the images, for the reader.
    pub(super) source: String,
    /// True where it holds all classes of the archive by the archive's names, false for those of the study by the study's.
    pub(super) all_classes: bool,
    /// Seed of the choice of test images, see `carve.rs`.
    pub(super) seed: u64,
    pub(super) test_per_class: usize,
    /// Relative name → bytes, for every file but this one.
    pub(super) files: Files,
}

/// Content of a folder's place.
enum Found {
    Nothing,
    Ours(Receipt),
    Foreign,
}

/// Returns the two places, to train on and to test on.
pub(super) fn places(workspace: &Workspace) -> [PathBuf; 2] {
    ["", " Test"].map(|suffix| workspace.root().join(format!("{REAL_DATA}{suffix}")))
}

/// Tells if the data set is in place, whole and with these classes. Anything else in place is an error, except a test
/// folder of ours alone, which a call leaves that was killed between the two renames.
pub(super) fn in_place(workspace: &Workspace, classes: Classes) -> Result<bool> {
    let [train, test] = places(workspace);
    let shown = workspace.shown(&train);
    match (look(&train)?, look(&test)?) {
        (Found::Foreign, _) => Err(foreign(workspace, &train)),
        (_, Found::Foreign) => Err(foreign(workspace, &test)),
        (Found::Nothing, _) => Ok(false),
        (Found::Ours(_), Found::Nothing) => {
            let message =
                format!("`{shown}` is there, but not its test images in `{}`", workspace.shown(&test));
            Err(fail(message, ANEW))
        }
        (Found::Ours(receipt), Found::Ours(test_receipt)) => {
            if receipt.all_classes != (classes == Classes::All) {
                let held = if receipt.all_classes {
                    "all classes by the archive's names"
                } else {
                    "the study's classes"
                };
                return Err(fail(
                    format!("`{shown}` holds {held}"),
                    "to put the others in its place, add `--force`",
                ));
            }
            match damage(&train, &receipt).or_else(|| damage(&test, &test_receipt)) {
                None => Ok(true),
                Some((file, what)) => {
                    let message = format!("`{}` {what} since it was put there", workspace.shown(&file));
                    Err(fail(message, ANEW))
                }
            }
        }
    }
}

const ANEW: &str = "to put the data set there anew, run `cargo xtask fetch-data --force`";

/// Checks that the folders to replace hold nothing but files of this task.
pub(super) fn replaceable(workspace: &Workspace) -> Result<()> {
    for folder in places(workspace) {
        match look(&folder)? {
            Found::Nothing => {}
            Found::Foreign => return Err(foreign(workspace, &folder)),
            Found::Ours(receipt) => {
                let files = place::files_below(&folder)?;
                let own = |name: &String| name == RECEIPT || receipt.files.contains_key(name);
                if let Some((name, _)) = files.iter().find(|(name, _)| !own(name)) {
                    let shown = workspace.shown(&folder);
                    let message = format!("`{shown}/{name}` is not of this data set and would be lost");
                    return Err(fail(message, "move it away, then run this again"));
                }
            }
        }
    }
    Ok(())
}

/// Writes the receipts and moves both folders into place, the one to train on last: if it is there, all is.
pub(super) fn put(workspace: &Workspace, depot: &Depot, tree: &Path, receipts: [Receipt; 2]) -> Result<()> {
    let prepared = [TRAIN, TEST].map(|name| tree.join(name));
    for (folder, receipt) in prepared.iter().zip(receipts) {
        let path = folder.join(RECEIPT);
        std::fs::write(&path, serde_json::to_vec_pretty(&receipt)?)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    place::sync(tree)?;
    replaceable(workspace)?; // it may have changed meanwhile
    let [train, test] = places(workspace);
    let old = depot.fresh("old")?;
    // The one to train on is removed first: it never stands beside a test folder that could hold some of its images.
    for (folder, name) in [(&train, TRAIN), (&test, TEST)] {
        if folder.symlink_metadata().is_ok() {
            let moved = std::fs::rename(folder, old.join(name));
            moved.with_context(|| format!("cannot move `{}` away", folder.display()))?;
        }
    }
    let [new_train, new_test] = &prepared;
    for (new, folder) in [(new_test, &test), (new_train, &train)] {
        std::fs::rename(new, folder).map_err(|error| not_writable(folder, error))?;
    }
    let data = workspace.data();
    File::open(&data)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot sync `{}`", data.display()))?;
    remove(&old)
}

/// Determines the content of a place; links count as foreign, and an empty folder as nothing.
fn look(folder: &Path) -> Result<Found> {
    let Ok(metadata) = folder.symlink_metadata() else { return Ok(Found::Nothing) };
    if !metadata.is_dir() {
        return Ok(Found::Foreign);
    }
    if let Ok(text) = std::fs::read(folder.join(RECEIPT)) {
        return Ok(serde_json::from_slice(&text).map_or(Found::Foreign, Found::Ours));
    }
    let mut entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    Ok(if entries.next().is_none() { Found::Nothing } else { Found::Foreign })
}

fn foreign(workspace: &Workspace, folder: &Path) -> anyhow::Error {
    let shown = workspace.shown(folder);
    let message = format!("`{shown}` is there already and was not put there by this task");
    fail(message, "it is left as it is: use it, or move it away and run this again")
}

/// Finds the first file of a folder that does not match its receipt, with the difference.
fn damage(folder: &Path, receipt: &Receipt) -> Option<(PathBuf, &'static str)> {
    receipt.files.iter().find_map(|(name, bytes)| {
        let path = folder.join(name);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() && metadata.len() == *bytes => None,
            Ok(_) => Some((path, "has been changed")),
            Err(_) => Some((path, "has gone")),
        }
    })
}
