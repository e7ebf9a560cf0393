use std::path::Path;

use data::ImageSet;
use metrics::{Predictions, argmax};
use model::Classifier;

use crate::{Error, Event, Inputs, Observer, Result, files::write_atomically};

/// Classifies every image of a set, in order, by the one batcher that tests and predictions share: 32 images, the
/// last batch padded. `None` if the observer stopped it.
///
/// # Errors
/// The network's own; probabilities that are not finite.
pub fn evaluate(
    classifier: &Classifier,
    inputs: &Inputs<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<Predictions>> {
    let inference = classifier.inference()?;
    let images = inputs.set();
    let mut probabilities = Vec::with_capacity(images.len() * classifier.spec().classes.len());
    let mut done = 0;
    while done < images.len() {
        let (features, filled) = inputs.evaluation_batch(classifier, done)?;
        probabilities.extend(inference.of_features(&features, filled)?);
        done += filled;
        if observer.on(&Event::BatchClassified { images: done, of: images.len() }).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(Predictions::new(classifier.spec().classes.len(), images.labels(), probabilities)?))
}

/// Writes `predictions.csv`: `path,label,predicted,p_<class>…`, a row an image, in the set's order.
///
/// # Errors
/// A file that cannot be written.
pub fn write_predictions(
    path: &Path,
    images: &ImageSet,
    classes: &[String],
    predictions: &Predictions,
) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = ["path", "label", "predicted"].map(str::to_owned).into_iter();
    let header = fixed.chain(classes.iter().map(|class| format!("p_{class}")));
    let failed =
        |error: csv::Error| Error::Io { action: "write", path: path.to_owned(), source: error.into() };
    writer.write_record(header).map_err(failed)?;
    for (sample, (label, row)) in images.samples().iter().zip(predictions.rows()) {
        let name = sample.path.to_string_lossy();
        let fixed = [&name, classes[label].as_str(), classes[argmax(row)].as_str()].map(str::to_owned);
        writer.write_record(fixed.into_iter().chain(row.iter().map(f32::to_string))).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    write_atomically(path, &bytes)
}
