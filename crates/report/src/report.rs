//! Run as its page shows it. Labels, paths and reasons may hold any text: they are escaped when they are written.

use std::collections::BTreeMap;

use experiment::{EpochRow, FindingCounts, RunRecord, RunStatus, TaskFigures, TestFigures};
use metrics::{LabelCalibration, Scores, Temperature};
use serde_json::Value;

use crate::{AuditSummary, number};

/// Run, read from its files.
pub struct Report {
    /// Name of the run's folder.
    pub name: String,
    /// Contents of `run.json`.
    pub record: RunRecord,
    /// Epochs, in order.
    pub history: Vec<EpochRow>,
    /// Results on the test set; none where there is none.
    pub test: Option<Test>,
    /// Findings of the data audit, where there was one.
    pub audit: Option<AuditSummary>,
}

/// Predictions of any program, evaluated.
pub struct EvaluatedPredictions {
    /// Name of the file of predictions.
    pub name: String,
    /// Results.
    pub test: Test,
}

/// Results on a set of images.
pub struct Test {
    /// Figures of the model; of a run, those of its best weights.
    pub saved: TestFigures,
    /// Figures of a run's last epoch's weights; none where one model alone was tested.
    pub last: Option<TestFigures>,
    /// Figures of the model with a part of every image hidden: `lungs`, `centre` or `border`.
    pub occluded: BTreeMap<String, TestFigures>,
    /// Probabilities of every image by the model; none where they were not kept. Curves, the reliability diagram and cases are
    /// made from them.
    pub scores: Option<Scores>,
    /// Names of these images, in their order.
    pub names: Vec<String>,
    /// Pictures of some of them, by index; none at all where pictures are not wanted.
    pub pictures: Option<BTreeMap<usize, Picture>>,
}

impl Test {
    /// Iterates over the figures of the model with a part of every image hidden, in the order of tables.
    pub(crate) fn occluded(&self) -> impl Iterator<Item = (&'static str, &TestFigures)> {
        OCCLUSIONS.into_iter().filter_map(|part| Some((part, self.occluded.get(part)?)))
    }

    /// Returns the names of the classes or labels.
    pub(crate) fn labels(&self) -> Vec<String> {
        match &self.saved.of_task {
            TaskFigures::MultiClass(figures) => {
                figures.classes.iter().map(|class| class.label.clone()).collect()
            }
            TaskFigures::MultiLabel(figures) => {
                figures.labels.iter().map(|label| label.label.clone()).collect()
            }
        }
    }

    /// Returns the noun for its images.
    pub(crate) fn image_noun(&self) -> &'static str {
        if self.saved.synthetic { "synthetic test image" } else { "test image" }
    }

    /// Names the model in a sentence.
    pub(crate) fn model(&self) -> &'static str {
        if self.last.is_some() { "saved model" } else { "model" }
    }
}

/// Picture of an image, as JPEG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Image; none where its file is missing.
    pub image: Option<Vec<u8>>,
    /// Image with the heat map drawn over it.
    pub heat_map: Option<Vec<u8>>,
}

/// Parts of images that may be hidden, by the names that `test.json` gives them.
const OCCLUSIONS: [&str; 3] = ["lungs", "centre", "border"];

/// Sets of images, by the names that `run.json` gives them.
pub(crate) const SETS: [&str; 3] = ["training", "validation", "test"];

impl Report {
    /// Counts the images of a set; 0 where there is no such set.
    pub(crate) fn images(&self, set: &str) -> usize {
        self.record.images(set)
    }

    /// Returns the number of images of a set per class.
    pub(crate) fn counts(&self, set: &str) -> Option<&[usize]> {
        self.record.counts.get(set).map(Vec::as_slice)
    }

    /// Iterates over the sets that the run has, with their images per class.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (&'static str, &[usize])> {
        SETS.into_iter().filter_map(|name| Some((name, self.counts(name)?)))
    }

    /// Iterates over the sets that the run has, with their images per label by what the label file says; none of classes.
    pub(crate) fn findings(&self) -> impl Iterator<Item = (&'static str, &[FindingCounts])> {
        SETS.into_iter().filter_map(|name| Some((name, self.record.findings.get(name)?.as_slice())))
    }

    /// Returns temperature and threshold of each label of the saved model; none of classes.
    pub(crate) fn label_calibration(&self) -> &[LabelCalibration] {
        self.record.calibration.get("saved").map_or(&[], |calibration| &calibration.labels)
    }

    /// Returns a setting's value, formatted for a table.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        self.record.settings.get(name).map(words)
    }

    /// Iterates over all settings with their values, formatted for a table.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, String)> {
        self.record.settings.iter().map(|(name, value)| (name.as_str(), words(value)))
    }

    /// Returns the history row of the saved weights.
    pub(crate) fn best(&self) -> Option<&EpochRow> {
        self.history.iter().find(|row| Some(row.epoch) == self.record.best_epoch)
    }

    /// Tells if the saved weights were chosen by the macro ROC AUC of findings and not by the loss.
    pub(crate) fn chosen_by_auc(&self) -> bool {
        !self.record.task.is_multi_class() && self.record.best_val_auc.is_some()
    }

    /// Tells if the training loss weighs classes, so that it cannot be compared with the validation loss.
    pub(crate) fn weighted(&self) -> bool {
        self.record.class_weights.iter().any(|weight| (weight - 1.0).abs() > 1e-9)
    }

    /// Tells if these are the three classes of the well-known collection.
    pub(crate) fn confounded_by_age(&self) -> bool {
        let mut classes: Vec<&str> = self.record.classes.iter().map(String::as_str).collect();
        classes.sort_unstable();
        classes == ["COVID-19", "NORMAL", "Viral Pneumonia"]
    }

    /// Returns the temperature of the saved model, where one was fitted.
    pub(crate) fn temperature(&self) -> Option<&Temperature> {
        self.record.calibration.get("saved")?.temperature.as_ref()
    }

    /// Describes the ending of the run in words.
    pub(crate) fn status(&self) -> &'static str {
        match self.record.status {
            RunStatus::Running => "still running, or killed",
            RunStatus::EarlyStopped => "stopped early",
            RunStatus::Completed => "all epochs run",
            RunStatus::Interrupted => "interrupted",
            RunStatus::Failed => "failed",
        }
    }

    /// Returns wall times by part in seconds, the whole last; parts that took no time were not done.
    pub(crate) fn seconds(&self) -> Vec<(&'static str, f64)> {
        let of = &self.record.seconds;
        let parts = [
            ("listing folders", of.scan),
            ("reading and decoding", of.decode),
            (TRAINING, of.fit),
            ("testing both models", of.test),
            ("data audit and page", of.report),
            ("in all", of.total),
        ];
        parts.into_iter().filter(|(_, took)| *took > 0.0).collect()
    }

    /// Returns the tested models with their names, the saved one first.
    pub(crate) fn models<'a>(&self, test: &'a Test) -> TestedModels<'a> {
        let epoch = self.record.best_epoch.map_or("none".to_owned(), |epoch| format!("epoch {epoch}"));
        let last = test.last.iter().map(|last| (format!("final (epoch {})", self.record.epochs_run), last));
        [(format!("saved ({epoch})"), &test.saved)].into_iter().chain(last).collect()
    }
}

/// Tested models with their names; figures that are shown of one model alone are the first one's.
pub(crate) type TestedModels<'a> = Vec<(String, &'a TestFigures)>;

/// Name of training in the list of wall times.
pub(crate) const TRAINING: &str = "training";

/// Formats a setting's value without JSON's quotes.
fn words(value: &Value) -> String {
    match value {
        Value::Null => number::DASH.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_setting_is_shown_without_quotes() {
        assert_eq!([words(&Value::Null), words(&json!(["a", 1])), words(&json!(0.5))], ["–", "a, 1", "0.5"]);
    }
}
