//! Libtorch that the user already has: checked, never changed.

use super::pins::Libtorch;
use super::{Depot, place};
use crate::failure::{Advice, fail};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::path::Path;

/// Checks that a folder is the libtorch that tch names, with CUDA if that is asked for, as far as its files show.
pub(super) fn check(folder: &Path, pins: &Libtorch, cuda: bool) -> Result<()> {
    let hint =
        format!("name a folder with `include/`, `lib/` and `build-version` of libtorch {}", pins.version);
    let no =
        |why: String| Err(fail(format!("`{}` is no usable libtorch: {why}", folder.display()), hint.clone()));
    let suffix = std::env::consts::DLL_SUFFIX;
    for name in ["include/torch", "lib"] {
        if !folder.join(name).is_dir() {
            return no(format!("it has no folder `{name}`"));
        }
    }
    for library in ["torch", "torch_cpu", "c10"].into_iter().chain(cuda.then_some("torch_cuda")) {
        let name = format!("lib/{}{library}{suffix}", std::env::consts::DLL_PREFIX);
        if !folder.join(&name).is_file() {
            return no(format!("it has no `{name}`"));
        }
    }
    // `2.13.0`, `2.13.0+cpu` and `2.13.0+cu130` all match the version that tch names.
    match std::fs::read_to_string(folder.join("build-version")) {
        Ok(text) if text.trim().split('+').next() == Some(&pins.version) => Ok(()),
        Ok(text) => no(format!("it is version {}, and tch needs {} exactly", text.trim(), pins.version)),
        Err(_) => no("it has no file `build-version`".into()),
    }
}

/// Makes `data/libtorch` a link to the folder: so `cargo run` finds it without a variable.
pub(super) fn link(workspace: &Workspace, pins: &Libtorch, folder: &Path, force: bool) -> Result<String> {
    let folder = folder.canonicalize().map_err(|error| {
        let advice =
            Advice::new(format!("cannot find `{}`", folder.display()), "name the folder of a libtorch");
        anyhow::Error::new(error).context(advice)
    })?;
    check(&folder, pins, false)?;
    let target = workspace.libtorch();
    let depot = Depot::open(workspace, "libtorch")?;
    let there = target.symlink_metadata().ok();
    if target.canonicalize().is_ok_and(|there| there == folder) {
        depot.clear()?;
        let shown = workspace.shown(&target);
        return Ok(format!("libtorch {}: `{shown}` is `{}` already", pins.version, folder.display()));
    }
    if !force && there.is_some_and(|there| !there.is_symlink()) {
        let message = format!("`{}` is a folder already", workspace.shown(&target));
        return Err(fail(message, "add `--force` to replace it"));
    }
    let fresh = depot.fresh("link")?.join("libtorch");
    make_link(&folder, &fresh)?;
    place::put_libtorch(workspace, &depot, &fresh)?;
    depot.clear()?;
    Ok(format!(
        "libtorch {}: `{}` is now a link to `{}`",
        pins.version,
        workspace.shown(&target),
        folder.display()
    ))
}

#[cfg(unix)]
fn make_link(folder: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(folder, link).with_context(|| format!("cannot write `{}`", link.display()))
}

#[cfg(not(unix))]
fn make_link(folder: &Path, _link: &Path) -> Result<()> {
    Err(fail("links cannot be made here", format!("set LIBTORCH to `{}` instead", folder.display())))
}
