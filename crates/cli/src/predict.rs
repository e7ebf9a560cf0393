//! Command `predict`: a row of class probabilities per file, in order and as they are computed.

mod print;
mod row;
mod rows;

use anyhow::Result;
use data::{EVALUATION_BATCH, Formats};
use model::Predictor;

use crate::{
    args::PredictArgs,
    compute::use_threads,
    found::{self, ImageSearch},
    output::Output,
    predictor::{self, Models},
    progress,
    status::Status,
};
use print::{Form, Printer};
use rows::Rows;

pub(crate) use row::PredictionRow;

/// Number of files decoded at a time, at first, so that the first row is printed soon. It doubles each time, since decoding and
/// computing take the same cores in turns and every turn costs, up to the files that fit into [`CHUNK_BYTES`].
const FIRST_CHUNK: usize = 2 * EVALUATION_BATCH;
const CHUNK_BYTES: usize = 64 << 20;

pub(crate) fn run(args: &PredictArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.predictor.compute.threads)?;
    let found = predictor::find(&args.predictor)?;
    let models = Models::load(&found, &args.predictor, args.read.formats, output)?;
    let predictor = models.predictor(args.predictor.options(true))?;
    let reader = models.reader(args.read.max_pixels, args.read.frame);
    let printer = Printer {
        task: predictor.task(),
        classes: predictor.classes(),
        form: Form::of(args),
        csv_safe: args.csv_safe,
        output,
    };
    printer.heading()?;

    let mut files = ImageSearch::new(args.read.formats.unwrap_or(Formats::All));
    let most = largest_chunk(&predictor);
    progress::reading_without_bar(output, |progress| {
        let mut rows = Rows::new(&predictor, &reader, &printer, progress);
        let (mut chunk, mut full) = (Vec::new(), FIRST_CHUNK);
        for path in &args.paths {
            for found in files.of(path) {
                chunk.push(found);
                if chunk.len() == full {
                    rows.add(&std::mem::take(&mut chunk))?;
                    full = (2 * full).min(most);
                }
                if progress::interrupted() {
                    return Ok(Status::Interrupted);
                }
            }
        }
        rows.add(&chunk)?;
        rows.finish()?;
        conclude(args, &files, &rows, output)
    })
}

fn largest_chunk(predictor: &Predictor<'_>) -> usize {
    (CHUNK_BYTES / predictor.input_bytes().max(1)).max(FIRST_CHUNK)
}

fn conclude(args: &PredictArgs, files: &ImageSearch, rows: &Rows<'_>, output: &Output) -> Result<Status> {
    files.tell(output);
    if rows.written == 0 {
        let hint = match args.read.formats {
            Some(Formats::Keras) => {
                "name images, or folders that hold some; `--formats all` takes DICOM and WebP too"
            }
            _ => "name images, or folders that hold some",
        };
        return Err(found::none_in(&args.paths, hint));
    }
    if rows.uncertain > 0 {
        output.note(format!("uncertain: {} of {} images", rows.uncertain, rows.written - rows.errors));
    }
    rows.warnings.tell(rows.written - rows.errors, output);
    if rows.errors > 0 {
        output.note(format!("{} of {} files could not be classified", rows.errors, rows.written));
        return Ok(Status::BadInput);
    }
    Ok(Status::Done)
}
