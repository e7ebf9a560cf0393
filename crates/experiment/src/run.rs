use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use metrics::{Calibration, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, TestFigures,
    files::{self, refuse_link, remove_temporary, write_atomically},
    history::HISTORY,
};

/// File of a run's best weights.
pub const BEST: &str = "best.safetensors";
/// File of the weights of a run's last whole epoch, with everything needed to resume training.
pub const LAST: &str = "last.safetensors";
/// File of the saved model's predictions on the test images.
pub const PREDICTIONS: &str = "predictions.csv";
pub(crate) const RECORD: &str = "run.json";
const TEST: &str = "test.json";

/// Folder of a run, with its record, `run.json`.
pub struct Run {
    folder: PathBuf,
    /// Lock of the folder for this process alone, where it trains.
    _lock: Option<File>,
    /// Content of `run.json`; [`Run::save`] writes it.
    pub record: RunRecord,
}

/// Images of a set by what the label file says of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingCounts {
    /// Images known to have it.
    pub positive: usize,
    /// Images known not to have it.
    pub negative: usize,
    /// Images of which the file's author was not certain, whatever they count as.
    pub uncertain: usize,
    /// Images that count in no loss and no figure.
    pub unknown: usize,
}

/// Content of `run.json`. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Status of the run.
    pub status: RunStatus,
    /// Error that ended the run, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Number of whole epochs.
    pub epochs_run: u64,
    /// Epoch of the best weights, counted from 1.
    pub best_epoch: Option<u64>,
    /// Value of `val_loss` of the best weights, where it was monitored.
    pub best_val_loss: Option<f64>,
    /// Value of `val_auc` of the best weights, where it was monitored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_val_auc: Option<f64>,
    /// Kind of question that the model answers.
    #[serde(default, skip_serializing_if = "Task::is_multi_class")]
    pub task: Task,
    /// Steps that were skipped because their loss was not finite.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_steps: u64,
    /// Flag names → resolved values.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Labels in index order.
    pub classes: Vec<String>,
    /// Images per class, or positive images per label, of the `training`, `validation` and `test` sets.
    pub counts: BTreeMap<String, Vec<usize>>,
    /// Images per label by what the label file says, of the same sets; empty of classes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<String, Vec<FindingCounts>>,
    /// Factor of the training loss of each class, or of each label's positive images.
    pub class_weights: Vec<f64>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Files left out because they could not be read.
    pub skipped: Vec<String>,
    /// True where they were left out before the split was made; earlier versions made it first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skipped_before_split: bool,
    /// SHA-256 over names, labels and 8-bit pixels of the training and validation images.
    pub data_fingerprint: String,
    /// Calibration fitted on the validation split for `saved` and `final`, where there is one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<String, Calibration>,
    /// SHA-256 over names, labels and 8-bit pixels of the test images, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_fingerprint: Option<String>,
    /// Paths `data` and `test-data` as the run was started with them; `predictions.csv` names images by them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, String>,
    /// Epoch at which the run had ended before it was extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_from: Option<u64>,
    /// Layout of the data set, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// SHA-256 of the bytes of the CSV that was trained from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// Versions of `thorax` and `libtorch`.
    pub versions: BTreeMap<String, String>,
    /// Number of threads of decoding and libtorch.
    pub threads: usize,
    /// Wall times in seconds.
    pub seconds: Seconds,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Content of `test.json`: figures of a run's models on its test set. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestRecord {
    /// Figures of the best weights.
    pub saved: TestFigures,
    /// Figures of the last epoch's weights.
    #[serde(rename = "final")]
    pub last: TestFigures,
    /// Figures of the best weights with a part of every image hidden: `lungs`, `centre` or `border`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub occluded: BTreeMap<String, TestFigures>,
}

/// Wall times of a run's parts, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seconds {
    /// Listing folders.
    pub scan: f64,
    /// Reading, decoding and resizing.
    pub decode: f64,
    /// Training, validation included.
    pub fit: f64,
    /// Testing both models.
    pub test: f64,
    /// Data audit, and the page at the end.
    #[serde(default)]
    pub report: f64,
    /// Time from the program's start to its last file.
    pub total: f64,
}

/// Status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The run is in progress, or was killed.
    Running,
    /// Patience ran out.
    EarlyStopped,
    /// All epochs were run.
    Completed,
    /// The user stopped it.
    Interrupted,
    /// An error ended it.
    Failed,
}

impl Run {
    /// Creates the folder and its first `run.json`.
    ///
    /// # Errors
    /// The same as [`Self::check_free`]; a folder that cannot be written.
    pub fn create(folder: &Path, record: RunRecord) -> Result<Self> {
        Self::check_free(folder)?;
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            action: "create",
            path: folder.to_owned(),
            source,
        })?;
        let lock = Some(lock(folder)?);
        remove_temporary(folder)?;
        let run = Self { folder: folder.to_owned(), _lock: lock, record };
        run.save()?;
        Ok(run)
    }

    /// Creates a run in a new folder of this name, or with `-2`, `-3` and so on if that exists already. Two processes never
    /// get the same.
    ///
    /// # Errors
    /// A folder that cannot be made or written.
    pub fn create_numbered(name: &Path, record: RunRecord) -> Result<Self> {
        Self::create(&new_folder(name)?, record)
    }

    /// Locks an existing run to train on: no other process can until this one drops it, or ends in any way.
    ///
    /// # Errors
    /// A run that another process trains; a file or folder of the run that is a symbolic link; the same as [`Self::open`].
    pub fn resume(folder: &Path) -> Result<Self> {
        let lock = lock(folder)?;
        let links = [RECORD, TEST, BEST, LAST, HISTORY, PREDICTIONS].map(|name| folder.join(name));
        links.iter().try_for_each(|path| refuse_link(path))?;
        let run = Self { _lock: Some(lock), ..Self::open(folder)? };
        remove_temporary(folder)?;
        Ok(run)
    }

    /// Checks that a new run can be created in a folder.
    ///
    /// # Errors
    /// A folder that holds a run, or anything else.
    pub fn check_free(folder: &Path) -> Result<()> {
        if folder.join(RECORD).exists() {
            return Err(Error::HoldsRun { path: folder.to_owned() });
        }
        match fs::read_dir(folder) {
            // A run that was killed before its first record left no more than temporary files.
            Ok(mut entries) => {
                let foreign = |entry: &std::io::Result<fs::DirEntry>| {
                    !entry.as_ref().is_ok_and(|entry| base::is_temporary(&entry.file_name()))
                };
                match entries.any(|entry| foreign(&entry)) {
                    true => Err(Error::NotEmpty { path: folder.to_owned() }),
                    false => Ok(()),
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::Io { action: "use", path: folder.to_owned(), source }),
        }
    }

    /// Reads the record of an existing run.
    ///
    /// # Errors
    /// A record that is not there or cannot be understood.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(RECORD);
        let text =
            files::read(&path).map_err(|source| Error::Io { action: "read", path: path.clone(), source })?;
        let record =
            serde_json::from_str(&text).map_err(|source| Error::NotARecord { path: path.clone(), source })?;
        Ok(Self { folder: folder.to_owned(), _lock: None, record })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self) -> Result<()> {
        write_json(&self.folder.join(RECORD), &self.record)
    }

    /// Writes `test.json`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save_tests(&self, tests: &TestRecord) -> Result<()> {
        write_json(&self.folder.join(TEST), tests)
    }

    /// Reads `test.json`; `None` where the run was not tested.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn tests(&self) -> Result<Option<TestRecord>> {
        let path = self.file(TEST);
        match files::read(&path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).map_err(|source| Error::NotARecord { path, source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { action: "read", path, source }),
        }
    }

    /// Writes the path of this run's folder, as it was given, to the file `latest`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn name_as_latest(&self, latest: &Path) -> Result<()> {
        if let Some(folder) = latest.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::Io {
                action: "create",
                path: folder.to_owned(),
                source,
            })?;
        }
        write_atomically(latest, format!("{}\n", self.folder.display()).as_bytes())
    }

    /// Writes another file of the run.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_atomically(&self.file(name), bytes)
    }

    /// Refuses files and folders of the run, and its record, that are symbolic links.
    ///
    /// # Errors
    /// The first such link.
    pub fn refuse_links(&self, names: &[&str]) -> Result<()> {
        [RECORD].iter().chain(names).try_for_each(|name| refuse_link(&self.file(name)))
    }

    /// Creates a folder of the run, if it is missing.
    ///
    /// # Errors
    /// A symbolic link in its place; a folder that cannot be made.
    pub fn create_folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.file(name);
        refuse_link(&path)?;
        match fs::create_dir_all(&path) {
            Ok(()) => remove_temporary(&path).map(|()| path),
            Err(source) => Err(Error::Io { action: "create", path, source }),
        }
    }

    /// Folder of the run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of a file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl RunRecord {
    /// Returns the number of images of a set, `training`, `validation` or `test`; 0 where there is no such set.
    pub fn images(&self, set: &str) -> usize {
        if self.task.is_multi_class() {
            return self.counts.get(set).map_or(0, |counts| counts.iter().sum());
        }
        // Each image is one of these three for any label; uncertain ones are among them.
        let of = self.findings.get(set).and_then(|labels| labels.first());
        of.map_or(0, |of| of.positive + of.negative + of.unknown)
    }

    /// Makes a record without any content.
    pub fn empty(status: RunStatus) -> Self {
        Self {
            status,
            error: None,
            epochs_run: 0,
            best_epoch: None,
            best_val_loss: None,
            best_val_auc: None,
            task: Task::MultiClass,
            skipped_steps: 0,
            settings: BTreeMap::new(),
            classes: Vec::new(),
            counts: BTreeMap::new(),
            findings: BTreeMap::new(),
            class_weights: Vec::new(),
            synthetic: false,
            skipped: Vec::new(),
            skipped_before_split: false,
            data_fingerprint: String::new(),
            calibration: BTreeMap::new(),
            test_fingerprint: None,
            paths: BTreeMap::new(),
            extended_from: None,
            layout: None,
            manifest_sha256: None,
            versions: BTreeMap::new(),
            threads: 1,
            seconds: Seconds::default(),
        }
    }
}

/// Creates a folder of this name, or with a number where there is one already.
///
/// # Errors
/// A folder that cannot be made.
pub fn new_folder(name: &Path) -> Result<PathBuf> {
    let failed = |path: &Path, source| Error::Io { action: "create", path: path.to_owned(), source };
    if let Some(parent) = name.parent() {
        fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
    }
    let mut number = 1_u64;
    loop {
        let mut path = name.as_os_str().to_owned();
        if number > 1 {
            path.push(format!("-{number}"));
        }
        let path = PathBuf::from(path);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|()| path.clone()).map_err(|source| failed(&path, source)),
        }
    }
}

/// Locks a folder. The lock leaves no file behind, and ends with the process.
fn lock(folder: &Path) -> Result<File> {
    let failed = |source| Error::Io { action: "lock", path: folder.to_owned(), source };
    let file = File::open(folder).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let failed =
        |error: serde_json::Error| Error::Io { action: "write", path: path.to_owned(), source: error.into() };
    let mut text = serde_json::to_string_pretty(value).map_err(failed)?;
    text.push('\n');
    write_atomically(path, text.as_bytes())
}
