use data::{ImageSet, Sample};
use metrics::{Logits, Scores, Targets, Task};
use model::{Classifier, Spec};

use crate::{Error, Event, Inputs, Observer, Result};

/// Predictions and logits of a network on a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// True answers and probabilities, in the set's order.
    pub scores: Scores,
    /// Logits of the probabilities: f32 values, before any temperature.
    pub logits: Vec<f32>,
}

impl Evaluated {
    /// Returns the logits with the true answers.
    ///
    /// # Errors
    /// A logit that is not finite.
    pub fn logits(&self) -> Result<Logits> {
        let logits = self.logits.iter().map(|&logit| f64::from(logit)).collect();
        Ok(Logits::new(self.scores.targets().clone(), logits)?)
    }
}

/// Returns the true answers of a set's images, of the network's task.
///
/// # Errors
/// Images of another task, or with other numbers of classes or labels.
fn targets(spec: &Spec, images: &ImageSet) -> Result<Targets> {
    let samples = images.samples();
    Ok(match spec.task {
        Task::MultiClass => {
            let classes: Vec<usize> = samples.iter().filter_map(Sample::class).collect();
            if classes.len() != samples.len() {
                return Err(Error::Config("images with findings do not suit a model of classes".to_owned()));
            }
            Targets::from_classes(&spec.classes, classes)?
        }
        Task::MultiLabel => {
            let n_labels = spec.classes.len();
            if samples.iter().any(|sample| sample.annotation.findings().len() != n_labels) {
                return Err(Error::Config("images of classes do not suit a model of findings".to_owned()));
            }
            let findings = samples.iter().flat_map(|sample| sample.annotation.findings());
            Targets::from_findings(&spec.classes, findings.map(|finding| finding.value).collect())?
        }
    })
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
    let targets = targets(classifier.spec(), images)?;
    Ok(Some(Evaluated { scores: Scores::from_f32(targets, &probabilities)?, logits }))
}
