//! Objective of a run, by its task: loss, monitored figure and thresholds, with the defaults of their flags.

use anyhow::Result;
use data::{LabelCounts, Listing, Sample, Split};
use experiment::FindingCounts;
use metrics::{Task, ThresholdRule};
use train::{CalibrationConfig, Loss, Monitor, class_weight, pos_weights};

use crate::{
    args::{ClassWeight, LossKind, MonitorKind, TaskKind, ThresholdKind, TrainSettings},
    output::Output,
    status::hinted,
};

/// Smallest change of a monitored figure that counts as an improvement, where none is given.
const MIN_DELTA_OF_LOSS: f64 = 0.01;
const MIN_DELTA_OF_AUC: f64 = 0.001;

/// Returns the task of a data set, and refuses flags of the other one.
pub(super) fn task(settings: &TrainSettings, listing: &Listing) -> Result<Task> {
    let task = if listing.is_multi_label() { Task::MultiLabel } else { Task::MultiClass };
    let root = base::shown(&listing.root);
    match (settings.task, task) {
        (Some(TaskKind::MultiLabel), Task::MultiClass) => {
            return Err(hinted(
                format!("`{root}` has one class an image, and `--task multi-label` was asked for"),
                "name a label file with `--data`, or leave `--task` out",
            ));
        }
        (Some(TaskKind::MultiClass), Task::MultiLabel) => {
            return Err(hinted(
                format!("`{root}` has several findings an image, and `--task multi-class` was asked for"),
                "name a folder of class folders with `--data`, or leave `--task` out",
            ));
        }
        _ => {}
    }
    let of_findings = [
        (matches!(settings.loss, Some(LossKind::Focal | LossKind::Asymmetric)), "--loss focal or asymmetric"),
        (settings.monitor == Some(MonitorKind::ValAuc), "--monitor val_auc"),
        (settings.threshold.is_some(), "--threshold"),
        (settings.specificity.is_some(), "--specificity"),
    ];
    if let (Task::MultiClass, Some((_, flag))) = (task, of_findings.iter().find(|(given, _)| *given)) {
        return Err(hinted(
            format!("`{flag}` is for findings, and `{root}` has one class an image"),
            "leave it out, or name a label file with `--data`",
        ));
    }
    let rules =
        [settings.sensitivity.is_some(), settings.specificity.is_some(), settings.threshold.is_some()];
    if rules.into_iter().filter(|given| *given).count() > 1 {
        return Err(hinted(
            "`--sensitivity`, `--specificity` and `--threshold` each choose the thresholds",
            "leave all but one out",
        ));
    }
    Ok(task)
}

/// Leaves out labels without a positive image in the training part; returns their names.
///
/// # Errors
/// No label is left.
pub(super) fn leave_out_labels(
    listing: &mut Listing,
    split: &mut Split,
    test: Option<&mut Listing>,
) -> Result<Vec<String>> {
    if !listing.is_multi_label() {
        return Ok(Vec::new());
    }
    let counts = data::counts(&split.training, listing.classes.len());
    let (kept, left_out): (Vec<usize>, Vec<usize>) = (0..counts.len()).partition(|&label| counts[label] > 0);
    if kept.is_empty() {
        return Err(hinted(
            format!("no label of `{}` has a positive image in the training part", base::shown(&listing.root)),
            "check `--labels`, `--views` and `--uncertain`: `thorax data scan` counts what the file says",
        ));
    }
    let names = left_out.iter().map(|&label| listing.classes[label].label.clone()).collect();
    if !left_out.is_empty() {
        listing.keep_labels(&kept);
        let samples = split.training.iter_mut().chain(&mut split.validation);
        samples.for_each(|sample| sample.annotation.keep(&kept));
        test.into_iter().for_each(|test| test.keep_labels(&kept));
    }
    Ok(names)
}

/// Warns of labels that were left out, and of those without a positive image in a part that figures are of.
pub(super) fn warn_of_labels(
    left_out: &[String],
    labels: &[String],
    parts: &[(&str, &[Sample])],
    output: &Output,
) {
    let quoted =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if !left_out.is_empty() {
        output.warn(format!("left out, without a positive image in the training part: {}", quoted(left_out)));
    }
    for (part, samples) in parts {
        let counts = data::counts(samples, labels.len());
        let lacking = labels.iter().zip(counts).filter(|(_, count)| *count == 0);
        let lacking: Vec<String> = lacking.map(|(label, _)| label.clone()).collect();
        if !lacking.is_empty() {
            output.warn(format!(
                "no positive image in the {part} part of {}: figures that need one have no value",
                quoted(&lacking)
            ));
        }
    }
}

/// Returns the training loss with its weights.
pub(super) fn loss(
    settings: &TrainSettings,
    task: Task,
    listing: &Listing,
    training: &[Sample],
) -> Result<Loss> {
    let kind = settings.loss.unwrap_or(LossKind::Crossentropy);
    let weights = settings.class_weight.as_ref();
    let n = listing.classes.len();
    match (task, kind) {
        (Task::MultiClass, _) => Ok(Loss::Crossentropy(match weights.unwrap_or(&ClassWeight::Balanced) {
            ClassWeight::Balanced => class_weight::balanced(&listing.counts()),
            ClassWeight::None => vec![1.0; n],
            ClassWeight::Given(weights) => as_many(weights, listing)?,
        })),
        (Task::MultiLabel, LossKind::Crossentropy) => {
            Ok(Loss::BinaryCrossentropy(match weights.unwrap_or(&ClassWeight::Balanced) {
                ClassWeight::Balanced => Some(pos_weights(&known(training, n))),
                ClassWeight::None => None,
                ClassWeight::Given(weights) => Some(as_many(weights, listing)?),
            }))
        }
        (Task::MultiLabel, _) if weights.is_some_and(|weights| *weights != ClassWeight::None) => Err(hinted(
            "`--class-weight` does not go with `--loss focal` or `asymmetric`, which weigh images themselves",
            "leave `--class-weight` out",
        )),
        (Task::MultiLabel, LossKind::Focal) => Ok(Loss::Focal),
        (Task::MultiLabel, LossKind::Asymmetric) => Ok(Loss::Asymmetric),
    }
}

/// Returns the weights as a run stores them, one a class or label.
pub(crate) fn stored_weights(loss: &Loss, n_labels: usize) -> Vec<f64> {
    match loss {
        Loss::Crossentropy(weights) | Loss::BinaryCrossentropy(Some(weights)) => weights.clone(),
        Loss::BinaryCrossentropy(None) | Loss::Focal | Loss::Asymmetric => vec![1.0; n_labels],
    }
}

/// Counts the images by what is known of each label and by what the label file says.
pub(super) fn finding_counts(samples: &[Sample], n_labels: usize) -> Vec<FindingCounts> {
    let pairs = data::label_counts(samples, n_labels).into_iter().zip(known(samples, n_labels));
    let label = |(marks, (positive, negative)): (LabelCounts, (usize, usize))| FindingCounts {
        positive,
        negative,
        uncertain: marks.uncertain,
        unknown: marks.unknown,
    };
    pairs.map(label).collect()
}

/// Counts the known positive and negative images of each label.
fn known(samples: &[Sample], n_labels: usize) -> Vec<(usize, usize)> {
    let mut counts = vec![(0, 0); n_labels];
    for sample in samples {
        for (counts, finding) in counts.iter_mut().zip(sample.annotation.findings()) {
            match finding.value {
                Some(true) => counts.0 += 1,
                Some(false) => counts.1 += 1,
                None => {}
            }
        }
    }
    counts
}

fn as_many(weights: &[f64], listing: &Listing) -> Result<Vec<f64>> {
    let (n, what) = (listing.classes.len(), if listing.is_multi_label() { "labels" } else { "classes" });
    match weights.len() == n {
        true => Ok(weights.to_vec()),
        false => Err(hinted(
            format!("{} class weights do not fit {n} {what}", weights.len()),
            format!("give one for each of {}, in this order", listing.labels().join(", ")),
        )),
    }
}

/// Returns the monitored figure, and the smallest change of it that counts as an improvement.
pub(super) fn monitor(settings: &TrainSettings, task: Task) -> (Monitor, f64) {
    let monitor = match (settings.monitor, task) {
        (Some(MonitorKind::ValLoss), _) | (None, Task::MultiClass) => Monitor::ValLoss,
        (Some(MonitorKind::ValAuc), _) | (None, Task::MultiLabel) => Monitor::ValAuc,
    };
    let default = match monitor {
        Monitor::ValLoss => MIN_DELTA_OF_LOSS,
        Monitor::ValAuc => MIN_DELTA_OF_AUC,
    };
    (monitor, settings.min_delta.unwrap_or(default))
}

/// Refuses to monitor the AUC of a validation part without a label that has one.
pub(super) fn check_monitor(monitor: Monitor, validation: &[Sample], listing: &Listing) -> Result<()> {
    let counts = known(validation, listing.classes.len());
    match monitor == Monitor::ValAuc && counts.iter().all(|&(positive, negative)| positive.min(negative) == 0)
    {
        true => Err(hinted(
            "no label has a positive and a negative image in the validation part: there is no val_auc",
            "add `--monitor val_loss`, or keep more images for validation with `--validation-split`",
        )),
        false => Ok(()),
    }
}

/// Returns the calibration that a run ends with.
pub(super) fn calibration(settings: &TrainSettings, task: Task) -> CalibrationConfig {
    let TrainSettings { calibrate, sensitivity, specificity, threshold, .. } = settings;
    let threshold = match (task, sensitivity, specificity, threshold) {
        (Task::MultiClass, ..) => None,
        (_, Some(target), ..) => Some(ThresholdRule::Sensitivity(*target)),
        (_, _, Some(target), _) => Some(ThresholdRule::Specificity(*target)),
        (_, _, _, Some(ThresholdKind::F1)) => Some(ThresholdRule::F1),
        (_, _, _, Some(ThresholdKind::Youden) | None) => Some(ThresholdRule::Youden),
    };
    let sensitivity = sensitivity.filter(|_| task.is_multi_class());
    CalibrationConfig { temperature: *calibrate, sensitivity, threshold }
}

/// Rows of the table of labels: counts of each part, and the weight of positive images.
pub(super) fn label_rows(
    listing: &Listing,
    split: &Split,
    test: Option<&Listing>,
    weights: &[f64],
) -> Vec<Vec<String>> {
    let heading =
        ["label", "positive", "negative", "uncertain", "unknown", "validation +", "test +", "weight"];
    let n = listing.classes.len();
    let training = finding_counts(&split.training, n);
    let validation = data::counts(&split.validation, n);
    let tested = test.map(Listing::counts);
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (label, name) in listing.labels().into_iter().enumerate() {
        let FindingCounts { positive, negative, uncertain, unknown } = training[label];
        let blank = unknown.saturating_sub(uncertain);
        let numbers = [positive, negative, uncertain, blank, validation[label]];
        let tested = tested.as_ref().map_or("–".to_owned(), |tested| tested[label].to_string());
        let mut row = vec![name];
        row.extend(numbers.map(|number| number.to_string()));
        row.extend([tested, format!("{:.4}", weights[label])]);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser as _;
    use data::{Annotation, Finding, Mark};

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn only_known_findings_are_counted() {
        let sample = |values: [Option<bool>; 2]| {
            let finding = |value: Option<bool>| match value {
                Some(value) => Finding::known(value),
                None => Finding { mark: Mark::Uncertain, value: None },
            };
            let annotation = Annotation::Findings(values.map(finding).to_vec());
            Sample { annotation, ..Sample::new(PathBuf::new(), String::new(), 0) }
        };
        let samples = [[Some(true), None], [Some(false), None], [None, Some(true)]].map(sample);
        assert_eq!(known(&samples, 2), [(1, 1), (1, 0)]);
    }

    #[test]
    fn classes_have_the_studys_defaults_and_findings_their_own() {
        let Command::Train(args) = Cli::parse_from(["thorax", "train"]).command else { panic!("not train") };
        let settings = args.settings;
        assert_eq!(monitor(&settings, Task::MultiClass), (Monitor::ValLoss, 0.01));
        assert_eq!(monitor(&settings, Task::MultiLabel), (Monitor::ValAuc, 0.001));
        let of_classes = calibration(&settings, Task::MultiClass);
        assert!(of_classes.is_empty());
        assert_eq!(calibration(&settings, Task::MultiLabel).threshold, Some(ThresholdRule::Youden));
    }

    #[test]
    fn a_run_stores_a_weight_for_each_label() {
        assert_eq!(stored_weights(&Loss::Focal, 2), [1.0, 1.0]);
        assert_eq!(stored_weights(&Loss::BinaryCrossentropy(Some(vec![3.0, 4.0])), 2), [3.0, 4.0]);
    }
}
