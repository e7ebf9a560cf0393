use data::ImageSet;
use experiment::{Run, write_atomically_with};
use metrics::{Calibration, OperatingPoint, Predictions, Scores, Temperature, Undefined};
use model::{Checkpoint, Classifier, Device};

use crate::{
    Error, Inputs, Observer, Result,
    evaluate::{Evaluated, evaluate},
};

/// What is learnt from the validation part once training is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationConfig {
    /// Whether a temperature is fitted (Guo and others 2017, arXiv 1706.04599).
    pub temperature: bool,
    /// The sensitivity that each class's threshold is to reach, in `(0, 1]`.
    pub sensitivity: Option<f64>,
}

impl CalibrationConfig {
    /// Whether nothing is to be learnt.
    pub fn is_empty(&self) -> bool {
        !self.temperature && self.sensitivity.is_none()
    }
}

/// Learns from the validation part how sure the model in one of a run's files may be, and stores that in the file. The test
/// part has no say in it. `None` if the observer stopped it, and the file stays what it was.
///
/// # Errors
/// A validation part without images, or without one of a class that a threshold is asked for; as [`evaluate`]; a file
/// that cannot be read or written.
pub fn calibrate(
    run: &Run,
    file: &str,
    device: Device,
    validation: &ImageSet,
    config: &CalibrationConfig,
    observer: &mut dyn Observer,
) -> Result<Option<Calibration>> {
    let path = run.file(file);
    let mut checkpoint = Checkpoint::read(&path)?;
    // Logits do not depend on it, but thresholds would.
    checkpoint.meta.calibration = Calibration::default();
    let classifier = Classifier::from_checkpoint(&checkpoint, &path, device)?;
    let classes = &classifier.spec().classes;
    let Some(evaluated) = evaluate(&classifier, &Inputs::images(validation), observer)? else {
        return Ok(None);
    };
    checkpoint.meta.calibration = learn(&evaluated, classes, config)?;
    let encoded = checkpoint.encode()?;
    write_atomically_with(&path, |file| encoded.write_to(file))?;
    Ok(Some(checkpoint.meta.calibration))
}

/// What a model's predictions on the validation part teach.
fn learn(evaluated: &Evaluated, classes: &[String], config: &CalibrationConfig) -> Result<Calibration> {
    let part = |why: Undefined| {
        Error::Config(format!("calibration needs a validation part: {}", why.named(classes)))
    };
    let temperature = match config.temperature {
        true => Some(Temperature::fit(&evaluated.logits()?).map_err(part)?),
        false => None,
    };
    // A threshold is the probability of one of these images: to the bit as the network will give it.
    let probabilities = model::probabilities(&evaluated.logits, classes.len(), temperature)?;
    let labels = evaluated.predictions.labels().to_vec();
    let scores = Scores::from(&Predictions::new(classes.len(), labels, probabilities)?);
    let operating_points: Result<Vec<_>> = match config.sensitivity {
        Some(target) => {
            let point = |(class, label): (usize, &String)| {
                OperatingPoint::reaching(&scores, (class, label), target).map_err(part)
            };
            classes.iter().enumerate().map(point).collect()
        }
        None => Ok(Vec::new()),
    };
    Ok(Calibration { temperature, operating_points: operating_points? })
}

#[cfg(test)]
mod tests;
