//! Choice and download of libtorch. The result is one sentence, which the caller prints.

use super::pins::{ARCHIVE_TAKE, Archive, Libtorch, Pins};
use super::remote::{self, Fault};
use super::{Depot, Options, State, TREE, assemble, once, own, place, unpack, wheels};
use crate::failure::{Advice, fail};
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::Path;
use std::time::Instant;

/// Ensures that `data/libtorch`, or the user's own, is there and complete.
pub(super) fn provide(workspace: &Workspace, pins: &Pins, options: &Options) -> Result<String> {
    if let Some(folder) = &options.libtorch {
        return own::link(workspace, &pins.libtorch, folder, options.force);
    }
    if let Some(folder) = workspace.users_libtorch() {
        own::check(&folder, &pins.libtorch, options.cuda).map_err(|error| {
            error.context(Advice::new(
                "LIBTORCH is set, but cannot be used",
                "mend it, or run again without: unset LIBTORCH",
            ))
        })?;
        let (name, shown) = (pins.libtorch.name(), folder.display());
        return Ok(format!("{name}: LIBTORCH names `{shown}`, nothing to fetch"));
    }
    let pins = wanted(workspace, pins, options)?;
    let state = || state(workspace, pins, options.cuda);
    let fetch = |depot: &Depot| fetch(workspace, depot, pins, options.from.as_deref());
    once(workspace, "libtorch", options.force, state, fetch)
}

/// Returns the build that is asked for; by default the one that is there, and on a new machine the CPU's.
fn wanted<'a>(workspace: &Workspace, pins: &'a Pins, options: &Options) -> Result<&'a Libtorch> {
    let there = std::fs::read_to_string(workspace.libtorch().join("build-version")).unwrap_or_default();
    match &pins.cuda {
        Some(cuda) if options.cuda || (!options.force && there.trim() == cuda.build_version) => Ok(cuda),
        None if options.cuda => Err(no_pins("libtorch with CUDA")),
        _ => Ok(&pins.libtorch),
    }
}

fn state(workspace: &Workspace, pins: &Libtorch, cuda: bool) -> Result<State> {
    let name = pins.name();
    let target = workspace.libtorch();
    let shown = workspace.shown(&target);
    let Ok(metadata) = target.symlink_metadata() else { return Ok(State::Absent) };
    if metadata.is_symlink() {
        own::check(&target, pins, cuda).map_err(|error| {
            let hint = "link to another with `--libtorch DIR`, or fetch one with `--force`";
            error.context(Advice::new(format!("`{shown}` is a link that leads to no usable libtorch"), hint))
        })?;
        let done = format!("{name}: `{shown}` is a link to your own, nothing to fetch");
        return Ok(State::Complete(done));
    }
    // Unpacked there by the user: it must not be replaced.
    if !place::has_receipt(&target) && own::check(&target, pins, false).is_ok() {
        own::check(&target, pins, cuda).map_err(|error| {
            let hint = "fetch one in its place with `--force`";
            error.context(Advice::new(format!("`{shown}` is your own and cannot be used"), hint))
        })?;
        let done = format!("{name}: `{shown}` is your own, nothing to fetch");
        return Ok(State::Complete(done));
    }
    Ok(match place::damage(&target, &pins.build_version) {
        None => State::Complete(format!("{name}: `{shown}` is complete, nothing to fetch")),
        Some(damage) => State::Wrong(format!("`{shown}` is not complete ({damage})")),
    })
}

fn fetch(workspace: &Workspace, depot: &Depot, pins: &Libtorch, from: Option<&Path>) -> Result<String> {
    let start = Instant::now();
    let tree = depot.fresh(TREE)?;
    let target = workspace.libtorch();
    let source = match from {
        Some(folder) => from_folder(folder, pins, &tree),
        None => from_network(depot, pins, &tree),
    }?;
    place::install(workspace, depot, &tree, pins, source)?;
    let seconds = start.elapsed().as_secs_f64();
    let shown = workspace.shown(&target);
    Ok(format!("{}: `{shown}` is ready, from {source}, in {seconds:.0} s", pins.name()))
}

/// Tries the routes in their order. When this returns, the files are in `tree` and checked.
fn from_network(depot: &Depot, pins: &Libtorch, tree: &Path) -> Result<&'static str> {
    let first = match &pins.archive {
        Some(archive) => match from_site(depot, archive, tree) {
            Ok(source) => return Ok(source),
            Err(Fault::Stop(error)) => return Err(error),
            Err(Fault::Unavailable(error)) => Some(error),
        },
        None => None,
    };
    if pins.wheels.is_empty() {
        let hint =
            "try again later, or unpack libtorch yourself and run `cargo xtask fetch-weights --libtorch DIR`";
        let advice = Advice::new("libtorch could not be fetched", hint);
        return Err(first.map_or_else(|| no_pins("libtorch"), |error| error.context(advice)));
    }
    if let Some(error) = &first {
        eprintln!("not from PyTorch's site ({error:#}): with pip instead");
    }
    let tree = depot.fresh(TREE)?; // the first route may have unpacked something before it failed
    let second = with_pip(depot, pins, &tree);
    match (second, first) {
        (Ok(()), _) => Ok("PyTorch's wheels"),
        (Err(error), None) => Err(error),
        (Err(error), Some(first)) => {
            // One error for both routes: the first one's message is a cause, and the second one's hint is the remedy.
            let hint = Advice::of(&error).map(|advice| advice.hint().to_owned());
            let hint =
                hint.unwrap_or_else(|| "run this again, or fetch elsewhere and use `--from DIR`".into());
            let both = error.context(format!("from PyTorch's site: {first:#}; with pip:"));
            Err(both.context(Advice::new("libtorch could not be fetched by either route", hint)))
        }
    }
}

fn from_site(depot: &Depot, archive: &Archive, tree: &Path) -> Result<&'static str, Fault> {
    // Named by its digest: a part of another version is never resumed.
    let part = depot.path(&format!("{:.16}.part", archive.sha256));
    remote::download(archive, &part)?;
    unpack::unpack(&part, &ARCHIVE_TAKE, tree)?;
    // The archive itself matched its pin: a member that does not match indicates a wrong pin, see `pins.rs`.
    place::check_members(tree, &archive.members).map_err(Fault::Unavailable)?;
    Ok("PyTorch's archive")
}

fn with_pip(depot: &Depot, pins: &Libtorch, tree: &Path) -> Result<()> {
    assemble::tools()?;
    assemble::assemble(&wheels::download(depot, &pins.wheels)?, pins, tree)
}

fn from_folder(folder: &Path, pins: &Libtorch, tree: &Path) -> Result<&'static str> {
    if let Some(archive) = &pins.archive {
        let name = archive.file_name();
        let files = [folder.join(&name), folder.join(name.replace('+', "%2B"))];
        if let Some(file) = files.iter().find(|file| file.is_file()) {
            remote::check(file, &archive.sha256, &format!("`{}`", file.display()))?;
            unpack::unpack(file, &ARCHIVE_TAKE, tree)?;
            place::check_members(tree, &archive.members)?;
            return Ok("PyTorch's archive");
        }
    }
    if let Some(files) = wheels::found_in(folder, &pins.wheels)? {
        assemble::assemble(&files, pins, tree)?;
        return Ok("PyTorch's wheels");
    }
    if pins.archive.is_none() {
        let message = format!("`{}` does not hold all of libtorch's wheels", folder.display());
        let missing = wheels::missing_in(folder, &pins.wheels)?;
        return Err(fail(message, format!("put there {missing}")));
    }
    let mut wanted: Vec<String> =
        pins.archive.iter().map(|archive| format!("`{}`", archive.file_name())).collect();
    if !pins.wheels.is_empty() {
        wanted.push(wheels::names(&pins.wheels));
    }
    let message = format!("`{}` holds neither libtorch's archive nor all its wheels", folder.display());
    Err(fail(message, format!("put there either {}", wanted.join(", or all of "))))
}

/// Makes the error for a machine that nothing is pinned for.
fn no_pins(what: &str) -> anyhow::Error {
    let message = format!("no {what} is pinned for {} on {}", std::env::consts::OS, std::env::consts::ARCH);
    fail(message, "unpack libtorch yourself and run `cargo xtask fetch-weights --libtorch DIR`")
}
