use std::{path::Path, time::Instant};

use data::ImageSet;
use experiment::{Attribute, PredictedImage, PredictionSource, PredictionTable, TestFigures, Tested};
use metrics::Scores;
use model::Classifier;

use crate::{Inputs, Observer, Result, evaluate};

/// Tests a network on a set and returns its figures with its predictions; `checkpoint` names the network's file in them, and
/// `attributes` those of the set's samples.
/// `None` if the observer stopped it.
///
/// # Errors
/// A set without images; the same as [`evaluate`].
pub fn figures(
    classifier: &Classifier,
    checkpoint: &Path,
    images: &ImageSet,
    attributes: &[String],
    observer: &mut dyn Observer,
) -> Result<Option<(TestFigures, PredictionTable)>> {
    let start = Instant::now();
    let Some(evaluated) = evaluate(classifier, &Inputs::images(images), observer)? else { return Ok(None) };
    let tested = Tested {
        source: PredictionSource::Checkpoint(checkpoint.display().to_string()),
        formats: classifier.spec().formats.map(|rules| rules.to_string()),
        thresholds: classifier.calibration().thresholds(classifier.spec().classes.len()),
        synthetic: images.is_synthetic(),
        seconds: Some(start.elapsed().as_secs_f64()),
    };
    let set = prediction_table(images, attributes, evaluated.scores.clone())?;
    let mut figures = TestFigures::new(&set, tested)?;
    let calibration = classifier.calibration();
    let uncalibrated = match calibration.temperature {
        Some(_) => Some(evaluated.logits()?.at(1.0)),
        None => None,
    };
    figures.add_calibration(calibration, uncalibrated.as_ref(), &set.scores)?;
    Ok(Some((figures, set)))
}

/// Combines the images of a set with a model's predictions of them, and with their attributes, by name.
fn prediction_table(set: &ImageSet, names: &[String], scores: Scores) -> Result<PredictionTable> {
    let image = |index: usize| {
        let (sample, notes) = (&set.samples()[index], set.notes(index));
        let note = (!notes.is_empty()).then(|| notes.to_string());
        PredictedImage { path: sample.path.clone(), group: sample.group.clone(), note }
    };
    let values = |at: usize| {
        set.samples().iter().map(|sample| sample.attributes.get(at).cloned().unwrap_or_default()).collect()
    };
    let attributes =
        names.iter().enumerate().map(|(at, name)| Attribute { name: name.clone(), values: values(at) });
    let table = PredictionTable::new((0..set.len()).map(image).collect(), scores)?;
    Ok(table.with_attributes(attributes.collect()))
}
