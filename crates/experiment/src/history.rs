use std::{
    fs::File,
    path::{Path, PathBuf},
};

use base::csv_text::{CsvRecord, CsvText};
use serde::Deserialize;

use crate::{
    Error, Result,
    files::{self, write_atomically, write_error},
};

/// File of a run's epochs.
pub const HISTORY: &str = "history.csv";

/// Row of `history.csv`; floats are written in the shortest form that reads back the same. Runs of findings have the columns
/// `auc,val_auc` besides, and their accuracy is empty.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct EpochRow {
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Training loss with its weights, running through the epoch, as Keras prints it: the mean over images, or over known
    /// findings.
    pub loss: f64,
    /// Share of training images right in the same forward passes, dropout on, in `[0, 1]`; `None` of findings.
    pub accuracy: Option<f64>,
    /// Unweighted crossentropy of the validation split; not comparable to `loss` where that has weights or is another loss.
    pub val_loss: f64,
    /// Share of validation images right, in `[0, 1]`; `None` of findings.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
    /// Macro ROC AUC of the training images in the same forward passes as `loss`, to 1/200 of probability; `None` of classes, and
    /// where no label has one.
    #[serde(default)]
    pub auc: Option<f64>,
    /// Macro ROC AUC of the validation split; `None` of classes, and where no label has one.
    #[serde(default)]
    pub val_auc: Option<f64>,
}

/// Columns of every run, and those that runs of findings have besides.
const COLUMNS: [&str; 7] =
    ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"];
const OF_FINDINGS: [&str; 2] = ["auc", "val_auc"];

/// Reads a `history.csv`; unknown columns are ignored.
///
/// # Errors
/// A file that cannot be read, or that holds something else, by line.
pub fn read_history(path: &Path) -> Result<Vec<EpochRow>> {
    let text =
        files::read(path).map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
    let text = CsvText::new(&text);
    let mut records = text.records();
    let Some(header) = records.next() else { return Ok(Vec::new()) };
    let header: csv::StringRecord = header.cells().collect();
    let row = |record: CsvRecord| {
        let cells: csv::StringRecord = record.cells().collect();
        let row = cells.deserialize(Some(&header));
        row.map_err(|error| Error::Csv {
            path: path.to_owned(),
            line: record.line,
            problem: error.to_string(),
        })
    };
    records.map(row).collect()
}

/// Writer of `history.csv`: a row per epoch, on disk before the next epoch begins.
pub struct History {
    path: PathBuf,
    writer: csv::Writer<File>,
    /// True where the heading is in the file.
    has_heading: bool,
}

impl History {
    /// Starts a new file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        write_atomically(path, b"")?;
        Self::appending_to(path, false)
    }

    /// Resumes a file after its row of this epoch; rows beyond it, and a partial row of a killed process, are removed.
    ///
    /// # Errors
    /// A file that lacks one of these rows, or cannot be read or written.
    pub fn resume(path: &Path, epoch: u64) -> Result<Self> {
        if epoch == 0 {
            return Self::create(path);
        }
        let text = files::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        // The heading, and a row per epoch: fields hold no line breaks.
        let kept: String = text.split_inclusive('\n').take((epoch as usize).saturating_add(1)).collect();
        if kept.lines().count() as u64 != epoch.saturating_add(1) || !kept.ends_with('\n') {
            return Err(Error::ShortHistory { path: path.to_owned(), epoch });
        }
        write_atomically(path, kept.as_bytes())?;
        Self::appending_to(path, true)
    }

    fn appending_to(path: &Path, has_heading: bool) -> Result<Self> {
        let writer = csv::WriterBuilder::new().has_headers(false).from_writer(appending(path)?);
        Ok(Self { path: path.to_owned(), writer, has_heading })
    }

    /// Adds a row, which is on disk when this returns.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add(&mut self, row: &EpochRow) -> Result<()> {
        let EpochRow { epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds, auc, val_auc } =
            *row;
        let columns = (epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds);
        let is_of_findings = accuracy.is_none();
        if !std::mem::replace(&mut self.has_heading, true) {
            let more = OF_FINDINGS.iter().filter(|_| is_of_findings);
            let heading = self.writer.write_record(COLUMNS.iter().chain(more));
            heading.map_err(|error| write_error(&self.path, error.into()))?;
        }
        let written = match is_of_findings {
            true => self.writer.serialize((columns, auc, val_auc)),
            false => self.writer.serialize(columns),
        };
        written.map_err(|error| write_error(&self.path, error.into()))?;
        self.writer.flush().map_err(|source| write_error(&self.path, source))?;
        self.writer.get_ref().sync_data().map_err(|source| write_error(&self.path, source))
    }
}

/// Opens the file that was just written, for appending.
fn appending(path: &Path) -> Result<File> {
    base::open_no_link(File::options().append(true), path).map_err(|source| write_error(path, source))
}
