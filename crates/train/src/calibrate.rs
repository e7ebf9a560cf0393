use data::ImageSet;
use experiment::{Run, write_atomically_with};
use metrics::{Calibration, OperatingPoint, Scores, Temperature, Undefined};
use model::{Checkpoint, Classifier, Device};

use crate::{
    Error, Inputs, Observer, Result,
    evaluate::{Evaluated, evaluate},
};

/// Settings of the calibration on the validation split after training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationConfig {
    /// True where a temperature is fitted (Guo and others 2017, arXiv 1706.04599).
    pub temperature: bool,
    /// Sensitivity that each class's threshold must reach, in `(0, 1]`.
    pub sensitivity: Option<f64>,
}

impl CalibrationConfig {
    /// True where nothing is to be fitted.
    pub fn is_empty(&self) -> bool {
        !self.temperature && self.sensitivity.is_none()
    }
}

/// Fits temperature and thresholds of a model in one of a run's files on the validation split, and stores them in that
/// file. The test split is not used. `None` if the observer stopped it; then the file stays unchanged.
///
/// # Errors
/// A validation split without images, or without one of a class that a threshold is asked for; the same as [`evaluate`]; a
/// file that cannot be read or written.
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
    // Logits do not depend on an earlier calibration, but thresholds would.
    checkpoint.meta.calibration = Calibration::default();
    let classifier = Classifier::from_checkpoint(&checkpoint, &path, device)?;
    let Some(evaluated) = evaluate(&classifier, &Inputs::images(validation), observer)? else {
        return Ok(None);
    };
    checkpoint.meta.calibration = learn(&evaluated, config)?;
    let encoded = checkpoint.encode()?;
    write_atomically_with(&path, |file| encoded.write_to(file))?;
    Ok(Some(checkpoint.meta.calibration))
}

/// Fits the calibration on a model's predictions on the validation split.
fn learn(evaluated: &Evaluated, config: &CalibrationConfig) -> Result<Calibration> {
    let classes = evaluated.scores.labels();
    let part = |why: Undefined| {
        Error::Config(format!("calibration needs a validation part: {}", why.named(classes)))
    };
    let temperature = match config.temperature {
        true => Some(Temperature::fit(&evaluated.logits()?).map_err(part)?),
        false => None,
    };
    // A threshold is the probability of one of these images: to the bit as the network will give it.
    let probabilities = model::probabilities(&evaluated.logits, classes.len(), temperature)?;
    let scores = Scores::from_f32(evaluated.scores.targets().clone(), &probabilities)?;
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
