//! Move of a filled folder to its place under `data/`: checked, in one step, libtorch with a receipt.
//!
//! The receipt lists every file with its size. It is written last, before the move, so a folder that has one was once
//! complete; a later check takes no hashing, only as many `stat` calls as there are files.

use super::pins::{Libtorch, Member};
use super::{Depot, not_writable, remote};
use crate::failure::fail;
use crate::workspace::{Workspace, shown};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const RECEIPT: &str = "receipt.json";

#[derive(Serialize, Deserialize)]
struct Receipt {
    build_version: String,
    /// Source of the files, for the reader.
    source: String,
    /// Relative name → bytes, for every file but this one.
    files: BTreeMap<String, u64>,
}

/// Tells if a folder was made by this task.
pub(super) fn has_receipt(folder: &Path) -> bool {
    folder.join(RECEIPT).symlink_metadata().is_ok()
}

/// Returns the difference between a folder and its receipt, or nothing if they match.
pub(super) fn damage(folder: &Path, build_version: &str) -> Option<String> {
    let Ok(text) = std::fs::read(folder.join(RECEIPT)) else { return Some("it has no receipt".into()) };
    let Ok(receipt) = serde_json::from_slice::<Receipt>(&text) else {
        return Some("its receipt cannot be read".into());
    };
    if receipt.build_version != build_version {
        return Some(format!("it is version {}, not {build_version}", receipt.build_version));
    }
    receipt.files.iter().find_map(|(name, bytes)| match folder.join(name).metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() == *bytes => None,
        Ok(metadata) => Some(format!("`{name}` has {} bytes, not {bytes}", metadata.len())),
        Err(_) => Some(format!("`{name}` is missing")),
    })
}

/// Checks the filled folder against its pins.
pub(super) fn check_members(tree: &Path, members: &[Member]) -> Result<()> {
    for member in members {
        let path = tree.join(&member.path);
        let found = if member.path.ends_with('/') { folder_digest(&path)? } else { remote::digest(&path)? };
        if found != member.sha256 {
            let message =
                format!("wrong sha256 of `{}`: expected {}, found {found}", member.path, member.sha256);
            return Err(fail(
                message,
                "nothing of it is used; run this again, or use another source with `--from DIR`",
            ));
        }
    }
    Ok(())
}

/// Completes the folder with `build-version` and the receipt, and moves it into place.
pub(super) fn install(
    workspace: &Workspace,
    depot: &Depot,
    tree: &Path,
    pins: &Libtorch,
    source: &str,
) -> Result<()> {
    let version = tree.join("build-version");
    let unwritten = |path: &Path| format!("cannot write `{}`", path.display());
    match std::fs::read_to_string(&version) {
        Ok(text) if text.trim() == pins.build_version => {}
        Ok(text) => {
            let message = format!("this libtorch is {}, not {}", text.trim(), pins.build_version);
            return Err(fail(message, "nothing of it is used; fetch the version named"));
        }
        Err(_) => {
            std::fs::write(&version, format!("{}\n", pins.build_version))
                .with_context(|| unwritten(&version))?;
        }
    }
    let mut files = BTreeMap::new();
    for (name, path) in files_below(tree)? {
        files.insert(name, path.metadata()?.len());
    }
    let receipt = Receipt { build_version: pins.build_version.clone(), source: source.into(), files };
    let path = tree.join(RECEIPT);
    std::fs::write(&path, serde_json::to_vec_pretty(&receipt)?).with_context(|| unwritten(&path))?;
    sync(tree)?;
    put_libtorch(workspace, depot, tree)
}

/// Puts a libtorch in its place. If one with CUDA follows one without, or the other way round, tch's C++ layer has to be
/// compiled again: its build script stored the libraries to link, and checks again only if LIBTORCH changes.
pub(super) fn put_libtorch(workspace: &Workspace, depot: &Depot, prepared: &Path) -> Result<()> {
    let target = workspace.libtorch();
    let cuda = |folder: &Path| folder.join("lib/libtorch_cuda.so").exists();
    // Before the move, so that a kill at no moment leaves the old build results beside the new libtorch.
    if target.is_dir() && cuda(&target) != cuda(prepared) {
        for profile in [&[][..], &["--release"]] {
            let mut clean = workspace.cargo();
            clean.args(["clean", "--quiet", "--package", "torch-sys"]).args(profile);
            clean.stdout(Stdio::null()).stderr(Stdio::null());
            if !clean.status().is_ok_and(|status| status.success()) {
                eprintln!("should the next build not link, run this first: {}", shown(&clean));
            }
        }
    }
    put(depot, prepared, &target)
}

/// Moves a prepared artefact into its place. A file or a link is replaced in one step. A folder cannot be: the old one is
/// removed first, so that there is never a mixture.
pub(super) fn put(depot: &Depot, prepared: &Path, target: &Path) -> Result<()> {
    let unwritten = |path: &Path| format!("cannot write `{}`", path.display());
    let folder = target.parent().unwrap_or(target);
    std::fs::create_dir_all(folder).map_err(|error| not_writable(folder, error))?;
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if (is_folder(prepared) || is_folder(target)) && target.symlink_metadata().is_ok() {
        let old = depot.fresh("old")?.join("replaced");
        std::fs::rename(target, &old).with_context(|| format!("cannot move `{}` away", target.display()))?;
    }
    std::fs::rename(prepared, target).with_context(|| unwritten(target))?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| unwritten(folder))
}

/// Computes the digest of a folder: of `sha256sum`'s lines for all its files, sorted by name.
fn folder_digest(folder: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    for (name, path) in files_below(folder)? {
        hasher.update(format!("{}  {name}\n", remote::digest(&path)?));
    }
    Ok(remote::hex(&hasher.finalize()))
}

/// Lists every file below a folder, by its name relative to it with `/`, sorted by bytes.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) -> Result<()> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.push((name, entry.path()));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found)?;
    found.sort();
    Ok(found)
}

/// Flushes a folder's file system to disk: one call instead of one for each of ten thousand files, which would take far longer.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "syncfs has no safe wrapper in std; it takes an open descriptor and nothing else"
)]
pub(super) fn sync(tree: &Path) -> Result<()> {
    use std::os::fd::AsRawFd as _;
    let folder = File::open(tree).with_context(|| format!("cannot read `{}`", tree.display()))?;
    // SAFETY: the descriptor is open for as long as `folder` lives.
    if unsafe { libc::syncfs(folder.as_raw_fd()) } != 0 {
        return Err(std::io::Error::last_os_error())
            .with_context(|| format!("cannot sync `{}`", tree.display()));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync(tree: &Path) -> Result<()> {
    for (_, path) in files_below(tree)? {
        File::open(&path)
            .and_then(|file| file.sync_all())
            .with_context(|| format!("cannot sync `{}`", path.display()))?;
    }
    Ok(())
}
