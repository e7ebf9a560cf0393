//! `predict`: files and folders into class probabilities, a row each, in order, as they come.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use data::{Batch, Decoding, EVALUATION_BATCH, Formats, Pixels, Preprocess};
use metrics::argmax;
use model::Inference;
use rayon::prelude::*;
use serde_json::json;

use crate::{
    args::PredictArgs,
    compute::use_threads,
    found::{Files, Found},
    output::Output,
    progress, saved,
    status::{Status, hinted},
};

pub(crate) fn run(args: &PredictArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.compute.threads)?;
    let saved = saved::find(args.saved.as_deref())?;
    let (classifier, _) = saved.load(&args.compute, args.precision, output)?;
    let spec = classifier.spec();
    output.note(format!("model  {} ({}, {})", saved.checkpoint.display(), spec.kind, spec.precision));

    let mut files = Files { formats: args.read.formats.unwrap_or(Formats::All), no_images: 0 };
    let mut rows = Rows {
        inference: &classifier.inference()?,
        classes: &spec.classes,
        image_size: spec.image_size,
        form: Form::of(args),
        output,
        waiting: Vec::new(),
        written: 0,
        errors: 0,
    };
    rows.begin()?;
    let (preprocess, decoding) = (spec.preprocess(), args.read.decoding(Formats::All));
    let mut chunk = Vec::with_capacity(CHUNK);
    for path in &args.paths {
        for found in files.of(path) {
            chunk.push(found);
            if chunk.len() == CHUNK {
                rows.add(&std::mem::take(&mut chunk), &preprocess, &decoding)?;
            }
            if progress::interrupted() {
                return Ok(Status::Interrupted);
            }
        }
    }
    rows.add(&chunk, &preprocess, &decoding)?;
    rows.flush(1)?;
    conclude(args, &files, &rows, output)
}

fn conclude(args: &PredictArgs, files: &Files, rows: &Rows<'_>, output: &Output) -> Result<Status> {
    match files.no_images {
        0 => {}
        1 => output.note("passed over: 1 file that is no image"),
        n => output.note(format!("passed over: {n} files that are no images")),
    }
    if rows.written == 0 {
        let named =
            args.paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ");
        return Err(hinted(
            format!("there is no image in {named}"),
            "name images, or folders that hold some; `--formats all` takes DICOM, WebP and GIF too",
        ));
    }
    if rows.errors > 0 {
        output.note(format!("{} of {} files could not be classified", rows.errors, rows.written));
        return Ok(Status::BadInput);
    }
    Ok(Status::Done)
}

/// Files decoded at a time.
const CHUNK: usize = 2 * EVALUATION_BATCH;

/// How rows are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Csv,
    Json,
}

impl Form {
    fn of(args: &PredictArgs) -> Self {
        match (args.csv, args.json) {
            (true, _) => Self::Csv,
            (_, true) => Self::Json,
            _ => Self::Table,
        }
    }
}

/// Rows in the files' order: those that wait for their batch to be full, and those behind them.
struct Rows<'a> {
    inference: &'a Inference<'a>,
    classes: &'a [String],
    image_size: usize,
    form: Form,
    output: &'a Output,
    waiting: Vec<(PathBuf, Result<Pixels, String>)>,
    written: usize,
    errors: usize,
}

impl Rows<'_> {
    /// The heading.
    fn begin(&self) -> Result<()> {
        match self.form {
            Form::Json => {}
            Form::Csv => {
                let classes = self.classes.iter().map(|class| format!("p_{class}"));
                let fixed = ["path", "predicted"].map(str::to_owned);
                self.csv(fixed.into_iter().chain(classes).chain(["error".to_owned()]))?;
            }
            Form::Table => {
                let cells: Vec<String> =
                    self.widths().map(|(class, width)| format!("{class:>width$}")).collect();
                let width = self.label_width();
                self.output.result(format!("{:width$}  {}  file", "predicted", cells.join("  ")));
            }
        }
        Ok(())
    }

    /// Decodes files and writes the rows of all batches that are full.
    fn add(&mut self, found: &[Found], preprocess: &Preprocess, decoding: &Decoding) -> Result<()> {
        let decode = |(path, error): &Found| match error {
            Some(error) => Err(error.clone()),
            None => data::read_resized(path, preprocess, decoding).map_err(|error| error.to_string()),
        };
        let decoded: Vec<_> = found.par_iter().with_max_len(1).map(decode).collect();
        self.waiting.extend(found.iter().map(|(path, _)| path.clone()).zip(decoded));
        self.flush(EVALUATION_BATCH)
    }

    /// Classifies and writes as long as there are `least` images waiting.
    fn flush(&mut self, least: usize) -> Result<()> {
        loop {
            let good = self.waiting.iter().filter(|(_, pixels)| pixels.is_ok()).count();
            if good < least && (least > 1 || self.waiting.is_empty()) {
                return Ok(());
            }
            // Up to the last image of a batch, and the files without an image before it.
            let mut images = 0;
            let end = self.waiting.iter().position(|(_, pixels)| {
                images += usize::from(pixels.is_ok());
                images == EVALUATION_BATCH
            });
            let rows: Vec<_> = self.waiting.drain(..end.map_or(self.waiting.len(), |end| end + 1)).collect();
            let pixels: Vec<&Pixels> = rows.iter().filter_map(|(_, pixels)| pixels.as_ref().ok()).collect();
            let probabilities = match pixels.is_empty() {
                true => Vec::new(),
                false => self.inference.probabilities(&Batch::of(&pixels, self.image_size).padded())?,
            };
            let mut probabilities = probabilities.chunks_exact(self.classes.len().max(1));
            for (path, pixels) in &rows {
                match pixels {
                    Ok(_) => self.row(path, probabilities.next().context("a probability is missing")?)?,
                    Err(error) => self.error(path, error)?,
                }
                self.written += 1;
            }
        }
    }

    fn row(&self, path: &Path, probabilities: &[f32]) -> Result<()> {
        let (predicted, name) = (&self.classes[argmax(probabilities)], path.to_string_lossy());
        match self.form {
            Form::Json => {
                let by_class: serde_json::Map<_, _> = self
                    .classes
                    .iter()
                    .zip(probabilities)
                    .map(|(class, probability)| (class.clone(), json!(probability)))
                    .collect();
                let row =
                    json!({"path": name, "predicted": predicted, "probabilities": by_class, "error": null});
                self.output.result(row.to_string());
            }
            Form::Csv => {
                let fixed = [name.into_owned(), predicted.clone()];
                let numbers = probabilities.iter().map(f32::to_string);
                self.csv(fixed.into_iter().chain(numbers).chain([String::new()]))?;
            }
            Form::Table => {
                let cells = self.widths().zip(probabilities).map(|((_, width), p)| format!("{p:>width$.4}"));
                let cells = cells.collect::<Vec<_>>().join("  ");
                let width = self.label_width();
                self.output.result(format!("{predicted:width$}  {cells}  {name}"));
            }
        }
        Ok(())
    }

    fn error(&mut self, path: &Path, error: &str) -> Result<()> {
        self.errors += 1;
        let name = path.to_string_lossy();
        match self.form {
            Form::Json => {
                let row = json!({"path": name, "predicted": null, "probabilities": null, "error": error});
                self.output.result(row.to_string());
            }
            Form::Csv => {
                let empty = self.classes.iter().map(|_| String::new());
                let fixed = [name.into_owned(), String::new()];
                self.csv(fixed.into_iter().chain(empty).chain([error.to_owned()]))?;
            }
            Form::Table => self.output.error(format!("`{name}` {error}")),
        }
        Ok(())
    }

    fn csv(&self, cells: impl Iterator<Item = String>) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(cells)?;
        let line = String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?;
        self.output.result(line.trim_end_matches('\n'));
        Ok(())
    }

    /// Classes with the widths of their columns.
    fn widths(&self) -> impl Iterator<Item = (&String, usize)> {
        self.classes.iter().map(|class| (class, class.chars().count().max(6)))
    }

    fn label_width(&self) -> usize {
        self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max("predicted".len())
    }
}
