use metrics::{Logits, Scores, Targets};
use model::Classifier;

use crate::{Error, Event, Inputs, Observer, Result};

/// Predictions and logits of a network on a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// True classes and probabilities, in the set's order.
    pub scores: Scores,
    /// Logits of the probabilities: f32 values, before any temperature.
    pub logits: Vec<f32>,
}

impl Evaluated {
    /// Returns the logits with the true classes.
    ///
    /// # Errors
    /// A logit that is not finite.
    pub fn logits(&self) -> Result<Logits> {
        let logits = self.logits.iter().map(|&logit| f64::from(logit)).collect();
        Ok(Logits::new(self.scores.targets().clone(), logits)?)
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
    let (images, classes) = (inputs.set(), &classifier.spec().classes);
    let (mut logits, mut probabilities) = (Vec::new(), Vec::with_capacity(images.len() * classes.len()));
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
    let targets = Targets::from_classes(classes, images.labels())?;
    Ok(Some(Evaluated { scores: Scores::from_f32(targets, &probabilities)?, logits }))
}
