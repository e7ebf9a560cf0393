//! Rows in the files' order, classified a batch at a time.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use data::EVALUATION_BATCH;
use model::{Assessment, InputReader, Predictor, PreparedImage};
use rayon::prelude::*;

use super::print::Printer;
use crate::{found::Found, predictor, progress::FileProgress, unlike::WarningCounts};

/// Files that wait for their batch to be full, and counts of the rows written.
pub(super) struct Rows<'a> {
    predictor: &'a Predictor<'a>,
    reader: &'a InputReader,
    printer: &'a Printer<'a>,
    progress: &'a FileProgress<'a>,
    waiting: Vec<(PathBuf, Result<PreparedImage, String>)>,
    pub(super) written: usize,
    pub(super) errors: usize,
    pub(super) uncertain: usize,
    pub(super) warnings: WarningCounts,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        predictor: &'a Predictor<'a>,
        reader: &'a InputReader,
        printer: &'a Printer<'a>,
        progress: &'a FileProgress<'a>,
    ) -> Self {
        let waiting = Vec::new();
        Self {
            predictor,
            reader,
            printer,
            progress,
            waiting,
            written: 0,
            errors: 0,
            uncertain: 0,
            warnings: WarningCounts::default(),
        }
    }

    /// Decodes files and writes the rows of all full batches.
    pub(super) fn add(&mut self, found: &[Found]) -> Result<()> {
        let (reader, progress) = (self.reader, self.progress);
        let read = |(path, error): &Found| match error {
            Some(error) => Err(error.clone()),
            None => progress.while_reading(path, || predictor::read(path, reader)),
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
        let assessed = match seen.is_empty() {
            true => Vec::new(),
            false => self.predictor.assess(&seen)?,
        };
        let mut assessed = assessed.into_iter();
        for (path, seen) in &rows {
            self.written += 1;
            match seen {
                Ok(seen) => {
                    let assessment = assessed.next().context("a probability is missing")?;
                    self.count(&assessment);
                    self.printer.row(path, &assessment, seen.note.as_deref())?;
                }
                Err(error) => {
                    self.errors += 1;
                    self.printer.error(path, error)?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, assessment: &Assessment) {
        let is_class = self.predictor.task().is_multi_class();
        self.uncertain += usize::from(is_class && assessment.decision.is_none());
        self.warnings.add(assessment.warning.as_ref());
    }
}
