//! `cargo xtask fetch-weights`: what is fetched rather than built, checked by sha256 and put into `data/`.
//!
//! One artefact so far, libtorch ([`libtorch`]). Each has its pins, its own folder under `data/.fetch/` and one
//! atomic move into place; [`Depot`] gives it the lock and the folder, [`remote`] the download, [`unpack`] the zip.

mod libtorch;
mod own;
mod pins;
mod place;
mod progress;
mod remote;
mod unpack;
mod wheels;

use crate::failure::fail;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use clap::Args;
use pins::Pins;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Take the archive or the wheels from this folder instead of the network
    #[arg(long, value_name = "DIR", conflicts_with = "libtorch")]
    from: Option<PathBuf>,
    /// Use this libtorch: checked, then `data/libtorch` becomes a link to it
    #[arg(long, value_name = "DIR")]
    libtorch: Option<PathBuf>,
    /// Fetch again even if everything is there
    #[arg(long)]
    force: bool,
    /// Other pins than the built-in ones, as JSON (for tests).
    #[arg(long, hide = true, value_name = "FILE")]
    pins: Option<PathBuf>,
}

/// The task.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    for done in everything(workspace, options)? {
        println!("{done}");
    }
    Ok(())
}

/// What the other tasks call before they build anything with tensors: quick when everything is there. Their stdout is
/// for their own results.
pub(crate) fn needed(workspace: &Workspace) -> Result<()> {
    for done in everything(workspace, &Options::default())? {
        eprintln!("{done}");
    }
    Ok(())
}

/// Every artefact, in order; a sentence for each.
fn everything(workspace: &Workspace, options: &Options) -> Result<Vec<String>> {
    let pins = match &options.pins {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("`{}` holds no pins", file.display()))?
        }
        None => Pins::of_this_platform(),
    };
    Ok(vec![libtorch::provide(workspace, &pins, options)?])
}

/// The folder in which fetched things are prepared. Holding it means holding the lock: no other fetch runs in this
/// workspace, so whatever lies in the folder was left by one that was interrupted. The system drops the lock with
/// the process, however it ends.
struct Depot {
    folder: PathBuf,
    _lock: File,
}

impl Depot {
    fn open(workspace: &Workspace, artefact: &str) -> Result<Self> {
        let data = workspace.data();
        std::fs::create_dir_all(&data).map_err(|error| not_writable(&data, error))?;
        let path = data.join(".fetch.lock");
        let lock =
            File::options().create(true).append(true).open(&path).map_err(|e| not_writable(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("another fetch is running in this workspace: waiting for it");
                lock.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(anyhow::Error::new(error).context(format!("cannot lock `{}`", path.display())));
            }
        }
        let folder = data.join(".fetch").join(artefact);
        std::fs::create_dir_all(&folder).map_err(|error| not_writable(&folder, error))?;
        Ok(Self { folder, _lock: lock })
    }

    /// A place inside, whether something is there or not.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An empty folder inside; what an interrupted fetch left there is removed.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        remove(&path)?;
        std::fs::create_dir_all(&path).map_err(|error| not_writable(&path, error))?;
        Ok(path)
    }

    /// Removes the folder with all that is in it, once the artefact is in place.
    fn clear(&self) -> Result<()> {
        remove(&self.folder)?;
        // `data/.fetch` itself goes too unless another artefact has something in it.
        if let Some(parent) = self.folder.parent() {
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }
}

fn not_writable(path: &Path, error: std::io::Error) -> anyhow::Error {
    let hint = "make that place writable for you, then run this again";
    anyhow::Error::new(error)
        .context(crate::failure::Advice::new(format!("cannot write `{}`", path.display()), hint))
}

/// Removes a file, a link (never what it points to) or a folder; nothing there is fine.
fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let result = if metadata.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    result.with_context(|| format!("cannot remove `{}`", path.display()))
}

/// The one line for a machine that nothing is pinned for.
fn no_pins() -> anyhow::Error {
    let message = format!("no libtorch is pinned for {} on {}", std::env::consts::OS, std::env::consts::ARCH);
    fail(message, "unpack libtorch yourself and run `cargo xtask fetch-weights --libtorch DIR`")
}
