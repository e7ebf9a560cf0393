//! Rows in the files' order, classified a batch at a time.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use data::EVALUATION_BATCH;
use metrics::{Calibration, argmax};
use rayon::prelude::*;

use super::{
    committee::{Ensemble, ImageReader, PreparedImage},
    print::{Printer, Verdict},
};
use crate::{found::Found, progress::FileProgress};

/// Files that wait for their batch to be full, and counts of the rows written.
pub(super) struct Rows<'a> {
    committee: &'a Ensemble<'a>,
    reader: &'a ImageReader,
    printer: &'a Printer<'a>,
    progress: &'a FileProgress<'a>,
    calibration: Calibration,
    /// Least probability of the class that is decided for.
    least: Option<f64>,
    waiting: Vec<(PathBuf, Result<PreparedImage, String>)>,
    pub(super) written: usize,
    pub(super) errors: usize,
    pub(super) uncertain: usize,
    /// Number of images that are unlike the training images.
    pub(super) unlike: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        committee: &'a Ensemble<'a>,
        reader: &'a ImageReader,
        printer: &'a Printer<'a>,
        progress: &'a FileProgress<'a>,
        least: Option<f64>,
    ) -> Self {
        let calibration = committee.calibration().cloned().unwrap_or_default();
        Self {
            committee,
            reader,
            printer,
            progress,
            calibration,
            least,
            waiting: Vec::new(),
            written: 0,
            errors: 0,
            uncertain: 0,
            unlike: 0,
        }
    }

    /// Decodes files and writes the rows of all full batches.
    pub(super) fn add(&mut self, found: &[Found]) -> Result<()> {
        let (reader, progress) = (self.reader, self.progress);
        let read = |(path, error): &Found| match error {
            Some(error) => Err(error.clone()),
            None => progress.while_reading(path, || reader.read(path)),
        };
        let read: Vec<_> = found.par_iter().with_max_len(1).map(read).collect();
        self.waiting.extend(found.iter().map(|(path, _)| path.clone()).zip(read));
        while self.images() >= EVALUATION_BATCH {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the remaining rows.
    pub(super) fn finish(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            self.write()?;
        }
        Ok(())
    }

    fn images(&self) -> usize {
        self.waiting.iter().filter(|(_, seen)| seen.is_ok()).count()
    }

    /// Classifies a batch and writes its rows, and those of files before its last one that are no images.
    fn write(&mut self) -> Result<()> {
        let mut images = 0;
        let end = self.waiting.iter().position(|(_, seen)| {
            images += usize::from(seen.is_ok());
            images == EVALUATION_BATCH
        });
        let rows: Vec<_> = self.waiting.drain(..end.map_or(self.waiting.len(), |end| end + 1)).collect();
        let seen: Vec<&PreparedImage> = rows.iter().filter_map(|(_, seen)| seen.as_ref().ok()).collect();
        let probabilities = match seen.is_empty() {
            true => Vec::new(),
            false => self.committee.probabilities(&seen)?,
        };
        let mut probabilities = probabilities.chunks_exact(self.printer.classes.len().max(1));
        for (path, seen) in &rows {
            self.written += 1;
            match seen {
                Ok(seen) => {
                    let row = probabilities.next().context("a probability is missing")?;
                    let verdict = self.verdict(row, seen);
                    self.printer.row(path, &verdict)?;
                }
                Err(error) => {
                    self.errors += 1;
                    self.printer.error(path, error)?;
                }
            }
        }
        Ok(())
    }

    fn verdict<'p>(&mut self, probabilities: &'p [f32], seen: &'p PreparedImage) -> Verdict<'p> {
        let decision = self.calibration.decide(probabilities, self.least);
        self.uncertain += usize::from(decision.is_none());
        self.unlike += usize::from(seen.unlike.is_some());
        let (unlike, note) = (seen.unlike, seen.note.as_deref());
        Verdict { probabilities, predicted: argmax(probabilities), decision, unlike, note }
    }
}
