use data::ImageSet;
use experiment::{Run, write_atomically_with};
use metrics::{
    Calibration, LabelCalibration, OperatingPoint, Scores, Task, Temperature, ThresholdRule, Undefined,
};
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
    /// Rule by which each label's threshold is chosen, of findings.
    pub threshold: Option<ThresholdRule>,
}

impl CalibrationConfig {
    /// True where nothing is to be fitted.
    pub fn is_empty(&self) -> bool {
        !self.temperature && self.sensitivity.is_none() && self.threshold.is_none()
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
    match evaluated.scores.task() {
        Task::MultiClass => learn_of_classes(evaluated, config),
        Task::MultiLabel => learn_of_labels(evaluated, config),
    }
}

/// Fits each label's temperature, where one is asked for and the label is known, and chooses its threshold.
fn learn_of_labels(evaluated: &Evaluated, config: &CalibrationConfig) -> Result<Calibration> {
    let labels = evaluated.scores.labels();
    let logits = evaluated.logits()?;
    let temperature =
        |label: usize| Temperature::fit_label(&logits, label).ok().filter(|_| config.temperature);
    let temperatures: Vec<Option<Temperature>> = (0..labels.len()).map(temperature).collect();
    let rule = config.threshold.unwrap_or_default();
    let choose = |scores: &Scores| -> Vec<LabelCalibration> {
        let pairs = temperatures.iter().enumerate();
        pairs
            .map(|(label, &temperature)| LabelCalibration::choose(scores, label, rule, temperature))
            .collect()
    };
    // A threshold is the probability of one of these images at the temperatures: to the bit as the network will give it.
    let calibration = Calibration { labels: choose(&evaluated.scores), ..Calibration::default() };
    let probabilities =
        model::probabilities(Task::MultiLabel, &evaluated.logits, labels.len(), &calibration)?;
    let scores = Scores::from_f32(evaluated.scores.targets().clone(), &probabilities)?;
    Ok(Calibration { labels: choose(&scores), ..Calibration::default() })
}

fn learn_of_classes(evaluated: &Evaluated, config: &CalibrationConfig) -> Result<Calibration> {
    let classes = evaluated.scores.labels();
    let part = |why: Undefined| {
        Error::Config(format!("calibration needs a validation part: {}", why.named(classes)))
    };
    let temperature = match config.temperature {
        true => Some(Temperature::fit(&evaluated.logits()?).map_err(part)?),
        false => None,
    };
    // A threshold is the probability of one of these images: to the bit as the network will give it.
    let only_temperature = Calibration { temperature, ..Calibration::default() };
    let probabilities =
        model::probabilities(Task::MultiClass, &evaluated.logits, classes.len(), &only_temperature)?;
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
    Ok(Calibration { temperature, operating_points: operating_points?, labels: Vec::new() })
}

#[cfg(test)]
mod tests;
