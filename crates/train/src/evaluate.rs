use metrics::Predictions;
use model::Classifier;

use crate::{Event, Inputs, Observer, Result};

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
