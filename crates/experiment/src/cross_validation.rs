use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use base::FileLock;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, Run, RunStatus, Spread, TestFigures,
    files::{self, refuse_link, remove_temporary, write_atomically},
    run::{PREDICTIONS, RECORD as RUN, write_json},
};

/// Manifest of each image's fold; a data set can be named by it.
pub const FOLDS: &str = "folds.csv";
const RECORD: &str = "cross-validation.json";
const LOCK: &str = ".lock";
/// Files of a folder with a cross-validation that has just begun, beside files that killed processes left.
const BEGUN: [&str; 2] = [LOCK, FOLDS];

/// Folder of a cross-validation: `cross-validation.json`, `folds.csv`, a run's folder `fold-K` for each fold, and the
/// `predictions.csv` of all of them.
///
/// Several processes may work in it, each on a fold of its own: a process that changes one of the first two holds
/// [`Self::lock`], and a process that trains a fold [`Self::lock_fold`]. Only the run's folder decides if a fold is done.
pub struct CrossValidation {
    folder: PathBuf,
    /// Content of `cross-validation.json`.
    pub record: CrossValidationRecord,
}

/// Content of `cross-validation.json`. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidationRecord {
    /// Status: `completed` once all folds are pooled.
    pub status: RunStatus,
    /// Flag names → resolved values, the same for all folds.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Seed that folds are drawn from, and that each fold's run draws from.
    pub seed: u64,
    /// Rule by which images were assigned to folds, in words.
    pub drawn: String,
    /// Labels in index order.
    pub classes: Vec<String>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Files left out because they could not be read.
    pub skipped: Vec<String>,
    /// SHA-256 over names, labels and 8-bit pixels of all images.
    pub data_fingerprint: String,
    /// Versions of `thorax` and `libtorch`.
    pub versions: BTreeMap<String, String>,
    /// Folds, in order.
    pub folds: Vec<FoldRecord>,
    /// Figures of every image's prediction by the model that was trained without it; `null` until all folds are done.
    pub pooled: Option<TestFigures>,
    /// Figure → its differences from fold to fold.
    pub spread: Option<BTreeMap<String, Spread>>,
}

/// Result of a fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldRecord {
    /// Fold, counted from 1.
    pub fold: usize,
    /// Name of its run's folder, within that of the cross-validation.
    pub run: String,
    /// Status of its run; `null` where it was not begun.
    pub status: Option<RunStatus>,
    /// Epoch of the tested weights.
    pub best_epoch: Option<u64>,
    /// Figures of these weights on the images held out; `null` until they are tested.
    pub figures: Option<TestFigures>,
}

/// Progress of a fold.
pub enum FoldState {
    /// Not begun: no files.
    Missing,
    /// Begun, with its run's status, if it has a record.
    Unfinished(Option<RunStatus>),
    /// Trained and tested: its run, and the figures of its best weights.
    Finished(Box<(Run, TestFigures)>),
}

impl CrossValidation {
    /// Opens a cross-validation; `None` where one can be begun.
    ///
    /// # Errors
    /// A folder that holds a run, or anything else; a record that cannot be understood.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORD);
        match files::read(&path) {
            Ok(text) => {
                let record =
                    serde_json::from_str(&text).map_err(|source| Error::NotARecord { path, source })?;
                Ok(Some(Self { folder: folder.to_owned(), record }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if folder.join(RUN).exists() {
                    return Err(Error::HoldsRun { path: folder.to_owned() });
                }
                holds_only(folder, &BEGUN).map(|_| None)
            }
            Err(source) => Err(Error::Io { action: "read", path, source }),
        }
    }

    /// Begins a cross-validation: `folds` is written to `folds.csv` before all else. The caller must hold the folder's lock.
    ///
    /// # Errors
    /// Another `folds.csv` that is there; a file that cannot be written.
    pub fn create(folder: &Path, record: CrossValidationRecord, folds: &[u8]) -> Result<Self> {
        let path = folder.join(FOLDS);
        match files::read(&path).map(String::into_bytes) {
            Ok(there) if there == folds => {}
            Ok(_) => return Err(Error::NotEmpty { path: folder.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_atomically(&path, folds)?,
            Err(source) => return Err(Error::Io { action: "read", path, source }),
        }
        let begun = Self { folder: folder.to_owned(), record };
        begun.save()?;
        Ok(begun)
    }

    /// Writes `cross-validation.json`. The caller must hold the folder's lock.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self) -> Result<()> {
        write_json(&self.file(RECORD), &self.record)
    }

    /// Makes the folder if it is missing, and waits for the lock that guards changes in it.
    ///
    /// # Errors
    /// A folder that cannot be made or written.
    pub fn lock(folder: &Path) -> Result<FileLock> {
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            action: "create",
            path: folder.to_owned(),
            source,
        })?;
        let lock = folder.join(LOCK);
        let lock = FileLock::wait(&lock).map_err(|source| lock_error(&lock, source))?;
        remove_temporary(folder)?;
        Ok(lock)
    }

    /// Locks a fold for this process alone; folds count from 1.
    ///
    /// # Errors
    /// A fold that another process has; a folder that cannot be written.
    pub fn lock_fold(&self, fold: usize) -> Result<FileLock> {
        let path = self.file(&format!(".fold-{fold}.lock"));
        let lock = FileLock::take(&path).map_err(|source| lock_error(&path, source))?;
        lock.ok_or_else(|| Error::FoldTaken { path: self.folder.clone(), fold })
    }

    /// Folder of the cross-validation.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the progress of a fold; folds count from 1.
    ///
    /// # Errors
    /// A folder of that name that holds something else; a file that cannot be read.
    pub fn state(&self, fold: usize) -> Result<FoldState> {
        let folder = self.file(&run_name(fold));
        refuse_link(&folder)?;
        if !folder.join(RUN).exists() {
            return Ok(match holds_only(&folder, &[])? {
                true => FoldState::Unfinished(None),
                false => FoldState::Missing,
            });
        }
        let run = Run::open(&folder)?;
        if run.record.settings.get("fold") != Some(&fold.into()) {
            return Err(Error::HoldsRun { path: folder });
        }
        let ended = matches!(run.record.status, RunStatus::EarlyStopped | RunStatus::Completed);
        match run.tests()? {
            Some(tests) if ended && run.file(PREDICTIONS).exists() => {
                Ok(FoldState::Finished(Box::new((run, tests.saved))))
            }
            _ => Ok(FoldState::Unfinished(Some(run.record.status))),
        }
    }

    /// Removes the files of a fold's run that was cut off, so that a new one can begin. The caller must hold its lock, and
    /// its state must not be [`FoldState::Finished`].
    ///
    /// # Errors
    /// A folder that cannot be removed.
    pub fn clear(&self, fold: usize) -> Result<()> {
        let (folder, aside) = (self.file(&run_name(fold)), self.file(&format!(".fold-{fold}.old")));
        let failed = |source| Error::Io { action: "remove", path: folder.clone(), source };
        remove(&aside).map_err(failed)?;
        // Renamed first: half of a run's folder would not be recognised as one.
        match fs::rename(&folder, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.and_then(|()| remove(&aside)).map_err(failed),
        }
    }

    /// Updates the record with each fold's state. Returns true where all of them are finished.
    ///
    /// # Errors
    /// The same as [`Self::state`].
    pub fn refresh(&mut self) -> Result<bool> {
        let mut finished = true;
        for index in 0..self.record.folds.len() {
            let (status, best_epoch, figures) = match self.state(index + 1)? {
                FoldState::Missing => (None, None, None),
                FoldState::Unfinished(status) => (status, None, None),
                FoldState::Finished(done) => {
                    let (run, figures) = *done;
                    (Some(run.record.status), run.record.best_epoch, Some(figures))
                }
            };
            finished &= figures.is_some();
            let fold = &mut self.record.folds[index];
            (fold.status, fold.best_epoch, fold.figures) = (status, best_epoch, figures);
        }
        if !finished {
            let record = &mut self.record;
            (record.status, record.pooled, record.spread) = (RunStatus::Running, None, None);
        }
        Ok(finished)
    }
}

impl FoldRecord {
    /// Makes the record of a fold that was not begun; folds count from 1.
    pub fn new(fold: usize) -> Self {
        Self { fold, run: run_name(fold), status: None, best_epoch: None, figures: None }
    }
}

pub(crate) fn run_name(fold: usize) -> String {
    format!("fold-{fold}")
}

/// Tells if a folder is there, which may then hold these names, temporary files and nothing else.
fn holds_only(folder: &Path, names: &[&str]) -> Result<bool> {
    let failed = |source| Error::Io { action: "use", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if !base::is_temporary(&name) && !names.iter().any(|known| name == **known) {
            return Err(Error::NotEmpty { path: folder.to_owned() });
        }
    }
    Ok(true)
}

fn lock_error(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "lock", path: path.to_owned(), source }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
