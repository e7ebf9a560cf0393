//! Models that predict, explain or serve: found and loaded as the flags say.

use std::path::Path;

use anyhow::Result;
use data::Formats;
use model::{InputReader, PredictOptions, Predictor, PreparedImage};

use crate::{
    args::PredictorArgs,
    output::Output,
    saved::{self, LoadedModel, Saved},
    status::hinted,
};

/// Finds the saved model, or the members of the ensemble.
pub(crate) fn find(args: &PredictorArgs) -> Result<Vec<Saved>> {
    match args.ensemble.is_empty() {
        true => Ok(vec![saved::find(args.saved.as_deref())?]),
        false => args.ensemble.iter().map(|path| saved::find(Some(path))).collect(),
    }
}

/// Models in memory.
pub(crate) struct Models(pub(crate) Vec<LoadedModel>);

impl Models {
    /// Loads the models, and reports each.
    pub(crate) fn load(
        found: &[Saved],
        args: &PredictorArgs,
        formats: Option<Formats>,
        output: &Output,
    ) -> Result<Self> {
        let load = |saved: &Saved| {
            let loaded = saved.load(&args.compute, args.precision, formats, output)?;
            let spec = loaded.classifier.spec();
            let (file, network) = (base::shown(&saved.checkpoint), spec.architecture);
            output.note(format!("model  {file} ({network}, {})", spec.precision));
            Ok(loaded)
        };
        Ok(Self(found.iter().map(load).collect::<Result<_>>()?))
    }

    /// Returns the decoder of files for all models.
    pub(crate) fn reader(&self, max_pixels: u64, frame: u32) -> InputReader {
        let input = |loaded: &LoadedModel| loaded.rules.input(max_pixels, frame);
        InputReader::new(self.0.iter().map(|loaded| (&loaded.classifier, input(loaded))))
    }

    /// Prepares the models.
    pub(crate) fn predictor(&self, options: PredictOptions) -> Result<Predictor<'_>> {
        let classifiers: Vec<_> = self.0.iter().map(|loaded| &loaded.classifier).collect();
        Predictor::new(&classifiers, options).map_err(|error| match error {
            model::Error::OtherClasses { .. } => {
                hinted(error.to_string(), "average models of the same classes")
            }
            error => error.into(),
        })
    }
}

/// Reads and decodes a file.
///
/// # Errors
/// The reason that it is no image, as the end of a sentence that begins with its name.
pub(crate) fn read(path: &Path, reader: &InputReader) -> Result<PreparedImage, String> {
    let bytes = data::read_file(path, &reader.limits()).map_err(|error| error.to_string())?;
    reader.read(&bytes).map_err(|error| error.to_string())
}
