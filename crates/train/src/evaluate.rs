use metrics::{Logits, Predictions};
use model::Classifier;

use crate::{Error, Event, Inputs, Observer, Result};

/// Predictions and logits of a network on a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// True classes and probabilities, in the set's order.
    pub predictions: Predictions,
    /// Logits of the probabilities: f32 values, before any temperature.
    pub logits: Vec<f32>,
}

impl Evaluated {
    /// Returns the logits with the true classes.
    ///
    /// # Errors
    /// A logit that is not finite.
    pub fn logits(&self) -> Result<Logits> {
        let (n_classes, labels) = (self.predictions.n_classes(), self.predictions.labels().to_vec());
        let logits = self.logits.iter().map(|&logit| f64::from(logit)).collect();
        Ok(Logits::new(n_classes, labels, logits)?)
    }
}

/// Classifies every image of a set, in order, in the batches that tests and predictions share: 32 images, the last batch
/// padded. `None` if the observer stopped it.
///
/// # Errors
/// Errors of the network; an image whose probabilities are not finite, named.
pub fn evaluate(
    classifier: &Classifier,
    inputs: &Inputs<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<Evaluated>> {
    let inference = classifier.inference()?;
    let (images, n_classes) = (inputs.set(), classifier.spec().classes.len());
    let (mut logits, mut probabilities) = (Vec::new(), Vec::with_capacity(images.len() * n_classes));
    let mut done = 0;
    while done < images.len() {
        let (features, filled) = inputs.evaluation_batch(classifier, done)?;
        let classified = inference.of_features(&features, filled).map_err(|error| match error {
            model::Error::NotFinite { model, image } => {
                Error::NotFinite { path: images.samples()[done + image].path.clone(), model }
            }
            error => error.into(),
        })?;
        logits.extend(classified.logits);
        probabilities.extend(classified.probabilities);
        done += filled;
        if observer.on(&Event::BatchClassified { images: done, of: images.len() }).is_break() {
            return Ok(None);
        }
    }
    let predictions = Predictions::new(n_classes, images.labels(), probabilities)?;
    Ok(Some(Evaluated { predictions, logits }))
}
