//! Command `explain`: heat maps of where in images a model looks, as pictures and as numbers.

mod heated;
mod names;
mod rows;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base::shown;
use data::{EVALUATION_BATCH, Formats, OutputKind};
use model::{HeatMapMethod, InputReader, Predictor, PreparedImage};
use rayon::prelude::*;

use crate::{
    args::ExplainArgs,
    compute::use_threads,
    found::{self, Found, ImageSearch},
    output::Output,
    predictor::{self, Models},
    progress::{self, FileProgress},
    status::{Status, hinted},
};
use heated::Heated;
use names::{OutputNames, PicturePaths};
use rows::Rows;

/// Caveat about heat maps, printed once.
const NO_PROOF: &str = "note   a heat map helps to find faults of a model: it proves nothing about an image, nor that the model is right";

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.predictor.compute.threads)?;
    let found = predictor::find(&args.predictor)?;
    let models = Models::load(&found, &args.predictor, args.read.formats, output)?;
    let predictor = models.predictor(args.predictor.options(true))?;
    let class = args.class.as_deref().map(|name| class(name, predictor.classes())).transpose()?;
    let method = args.method.unwrap_or(predictor.first().spec().architecture.heat_map);
    output.note(format!("maps   {method}, in {}", shown(&args.out)));
    output.note(NO_PROOF);

    progress::reading_without_bar(output, |progress| {
        let mut explainer = Explainer {
            predictor: &predictor,
            reader: models.reader(args.read.max_pixels, args.read.frame),
            class,
            method,
            out: &args.out,
            names: OutputNames::new(&args.out, args.force),
            rows: Rows::new(&predictor, method, args.json, output),
            progress,
        };
        let mut files = ImageSearch::new(args.read.formats.unwrap_or(Formats::All));
        let mut chunk = Vec::with_capacity(EVALUATION_BATCH);
        for path in &args.paths {
            for found in files.of(path) {
                chunk.extend(explainer.job(path, found));
                if chunk.len() == EVALUATION_BATCH {
                    explainer.explain(std::mem::take(&mut chunk))?;
                }
                if progress::interrupted() {
                    return Ok(Status::Interrupted);
                }
            }
        }
        explainer.explain(chunk)?;
        conclude(args, &files, &explainer.rows, output)
    })
}

/// Returns the index of a class by its name.
fn class(name: &str, classes: &[String]) -> Result<usize> {
    classes.iter().position(|class| class == name).ok_or_else(|| {
        let named = classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ");
        hinted(format!("the model knows no class `{name}`"), format!("its classes are {named}"))
    })
}

fn conclude(args: &ExplainArgs, files: &ImageSearch, rows: &Rows<'_>, output: &Output) -> Result<Status> {
    files.tell(output);
    if rows.written == 0 {
        let hint = "name images, or folders that hold some, but not the folder that heat maps go to";
        return Err(found::none_in(&args.paths, hint));
    }
    rows.warnings.tell(rows.written - rows.errors, output);
    if rows.errors > 0 {
        output.note(format!("{} of {} files could not be explained", rows.errors, rows.written));
        return Ok(Status::BadInput);
    }
    Ok(Status::Done)
}

/// File to explain, with the paths of its pictures or the reason that it gets none.
struct HeatMapJob {
    path: PathBuf,
    targets: Result<PicturePaths, String>,
}

/// Decoded file with the paths of its pictures.
type DecodedJob = (PreparedImage, PicturePaths);

/// Heat map to make.
struct WantedMap {
    prepared: PreparedImage,
    targets: PicturePaths,
    /// Class or label that it is of; the predicted one for `None`.
    class: Option<usize>,
}

struct Explainer<'a> {
    predictor: &'a Predictor<'a>,
    reader: InputReader,
    class: Option<usize>,
    method: HeatMapMethod,
    out: &'a Path,
    names: OutputNames,
    rows: Rows<'a>,
    progress: &'a FileProgress<'a>,
}

impl Explainer<'_> {
    /// Makes the job of a file that was found below `given`; `None` for earlier heat maps in a folder.
    fn job(&mut self, given: &Path, (path, error): Found) -> Option<HeatMapJob> {
        let targets = match error {
            Some(error) => Err(error),
            None if self.names.is_output(&path) => {
                if path != given {
                    return None;
                }
                Err("lies in the folder that heat maps go to: name another with `--out`".to_owned())
            }
            None => self.names.next(&path),
        };
        Some(HeatMapJob { path, targets })
    }

    /// Lists the maps to make: one a file, or, of findings without a class that was named, one a label that is positive, or else
    /// of the most probable one.
    fn by_label(
        &self,
        decoded: Vec<(PathBuf, Result<DecodedJob, String>)>,
    ) -> Result<Vec<(PathBuf, Result<WantedMap, String>)>> {
        let each = self.class.is_none() && !self.predictor.task().is_multi_class();
        let images: Vec<&PreparedImage> = decoded
            .iter()
            .filter(|_| each)
            .filter_map(|(_, decoded)| Some(&decoded.as_ref().ok()?.0))
            .collect();
        let assessed = if images.is_empty() { Vec::new() } else { self.predictor.assess(&images)? };
        let mut assessed = assessed.into_iter();
        let mut wanted = Vec::with_capacity(decoded.len());
        for (path, decoded) in decoded {
            match decoded {
                Err(error) => wanted.push((path, Err(error))),
                Ok((prepared, targets)) if !each => {
                    wanted.push((path, Ok(WantedMap { prepared, targets, class: self.class })));
                }
                Ok((prepared, targets)) => {
                    let assessed = assessed.next().context("a probability is missing")?;
                    let labels = if assessed.positive.is_empty() {
                        vec![assessed.predicted]
                    } else {
                        assessed.positive
                    };
                    for label in labels {
                        let own = self.names.of_label(&targets, &self.rows.classes[label]);
                        let map = own.map(|targets| WantedMap {
                            prepared: prepared.clone(),
                            targets,
                            class: Some(label),
                        });
                        wanted.push((path.clone(), map));
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Explains at most a batch of files, and writes pictures and rows.
    fn explain(&mut self, jobs: Vec<HeatMapJob>) -> Result<()> {
        let (reader, progress) = (&self.reader, self.progress);
        let decode = |HeatMapJob { path, targets }: HeatMapJob| {
            let read = |targets| {
                let prepared = progress.while_reading(&path, || predictor::read(&path, reader))?;
                Ok((prepared, targets))
            };
            let decoded = targets.and_then(read);
            (path, decoded)
        };
        let decoded: Vec<_> = jobs.into_par_iter().with_max_len(1).map(decode).collect();
        let decoded = self.by_label(decoded)?;
        let wanted = decoded.iter().filter_map(|(_, wanted)| wanted.as_ref().ok());
        let (images, classes): (Vec<&PreparedImage>, Vec<Option<usize>>) =
            wanted.map(|wanted| (&wanted.prepared, wanted.class)).unzip();
        let mut explained = Vec::new();
        if !images.is_empty() {
            for (images, classes) in images.chunks(EVALUATION_BATCH).zip(classes.chunks(EVALUATION_BATCH)) {
                explained.extend(self.predictor.explain(images, classes, self.method)?);
            }
            if self.rows.written == self.rows.errors {
                data::create_output_folder(self.out, OutputKind::HeatMaps)?;
            }
        }
        let mut explained = explained.into_iter();
        let with_heat_map = |(path, decoded): (PathBuf, Result<WantedMap, String>)| {
            let heated = match decoded {
                Ok(WantedMap { prepared, targets, .. }) => {
                    let mut assessment = explained.next().context("a heat map is missing")?;
                    let heat_map = assessment.heat_map.take().context("a heat map is missing")?;
                    Ok(Heated { prepared, assessment, heat_map, targets })
                }
                Err(error) => Err(error),
            };
            Ok((path, heated))
        };
        let heated: Vec<_> = decoded.into_iter().map(with_heat_map).collect::<Result<_>>()?;
        let (classes, method) = (self.rows.classes, self.method);
        let write = |(_, heated): &(PathBuf, Result<Heated, String>)| match heated {
            Ok(heated) => heated.write(classes, method),
            Err(_) => Ok(()),
        };
        heated.par_iter().with_max_len(1).try_for_each(write)?;
        heated.iter().for_each(|(path, heated)| self.rows.add(path, heated));
        Ok(self.rows.output.check()?)
    }
}
