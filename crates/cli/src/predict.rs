//! Command `predict`: a row of class probabilities per file, in order and as they are computed.

mod committee;
mod print;
mod rows;

use anyhow::Result;
use data::{EVALUATION_BATCH, Formats};
use model::Classifier;

use crate::{
    args::PredictArgs,
    compute::use_threads,
    found::{self, ImageSearch},
    output::Output,
    progress,
    rules::Rules,
    saved::{self, LoadedModel},
    status::Status,
    unlike,
};
use committee::{Ensemble, ImageReader};
use print::{Form, Printer};
use rows::Rows;

/// Number of files decoded at a time, at first, so that the first row is printed soon. It doubles each time, since decoding and
/// computing take the same cores in turns and every turn costs, up to the files that fit into [`CHUNK_BYTES`].
const FIRST_CHUNK: usize = 2 * EVALUATION_BATCH;
const CHUNK_BYTES: usize = 64 << 20;

pub(crate) fn run(args: &PredictArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.compute.threads)?;
    let (classifiers, rules): (Vec<_>, Vec<_>) = load(args, output)?.into_iter().unzip();
    let committee = Ensemble::new(&classifiers, args.tta)?;
    let reader = ImageReader::new(&classifiers, &rules, &args.read);
    let printer =
        Printer { classes: committee.classes(), form: Form::of(args), csv_safe: args.csv_safe, output };
    printer.heading()?;

    let mut files = ImageSearch::new(args.read.formats.unwrap_or(Formats::All));
    let most = largest_chunk(&classifiers);
    progress::reading_without_bar(output, |progress| {
        let mut rows = Rows::new(&committee, &reader, &printer, progress, args.uncertain_below);
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

fn largest_chunk(classifiers: &[Classifier]) -> usize {
    let bytes = classifiers.iter().map(|classifier| 3 * classifier.spec().image_size.pow(2)).sum::<usize>();
    (CHUNK_BYTES / bytes.max(1)).max(FIRST_CHUNK)
}

/// Loads the models, and reports each.
fn load(args: &PredictArgs, output: &Output) -> Result<Vec<(Classifier, Rules)>> {
    let named: Vec<_> = match args.ensemble.is_empty() {
        true => vec![args.saved.as_deref()],
        false => args.ensemble.iter().map(|path| Some(path.as_path())).collect(),
    };
    let load = |path| {
        let saved = saved::find(path)?;
        let LoadedModel { classifier, rules, .. } =
            saved.load(&args.compute, args.precision, args.read.formats, output)?;
        let spec = classifier.spec();
        output.note(format!(
            "model  {} ({}, {})",
            base::shown(&saved.checkpoint),
            spec.architecture,
            spec.precision
        ));
        Ok((classifier, rules))
    };
    named.into_iter().map(load).collect()
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
    unlike::warn(rows.unlike, rows.written - rows.errors, output);
    if rows.errors > 0 {
        output.note(format!("{} of {} files could not be classified", rows.errors, rows.written));
        return Ok(Status::BadInput);
    }
    Ok(Status::Done)
}
