//! A run as its page shows it. Labels, paths and reasons may hold anything: they are escaped where they are written.

use std::collections::BTreeMap;

use experiment::{EpochRow, RunRecord, Status, TestFigures, TestRecord};
use metrics::{Scores, Temperature};
use serde_json::Value;

use crate::{Audit, number};

/// A run, as its files tell it.
pub struct Report {
    /// Name of its folder.
    pub name: String,
    /// Contents of `run.json`.
    pub record: RunRecord,
    /// Every epoch, in order.
    pub history: Vec<EpochRow>,
    /// Results on the test set; none where there is none.
    pub test: Option<Test>,
    /// Findings of the data audit, where there was one.
    pub audit: Option<Audit>,
}

/// Results on the test set.
pub struct Test {
    /// Contents of `test.json`.
    pub record: TestRecord,
    /// Probabilities that the saved model gave every image; none where they were not kept. Curves, the reliability diagram
    /// and cases are made from them.
    pub scores: Option<Scores>,
    /// Names of these images, in their order.
    pub names: Vec<String>,
    /// Pictures of some of them, by index; none at all where pictures are not wanted.
    pub pictures: Option<BTreeMap<usize, Picture>>,
}

impl Test {
    /// Figures of the saved model with a part of every image hidden, in the order of tables.
    pub(crate) fn occluded(&self) -> impl Iterator<Item = (&'static str, &TestFigures)> {
        OCCLUSIONS.into_iter().filter_map(|part| Some((part, self.record.occluded.get(part)?)))
    }
}

/// A picture of an image, as JPEG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The image; none where its file is gone.
    pub image: Option<Vec<u8>>,
    /// The image with the heat map drawn over it.
    pub heat_map: Option<Vec<u8>>,
}

/// Parts of images that may be hidden, by the names that `test.json` gives them.
const OCCLUSIONS: [&str; 3] = ["lungs", "centre", "border"];

/// Sets of images, by the names that `run.json` gives them.
pub(crate) const SETS: [&str; 3] = ["training", "validation", "test"];

impl Report {
    /// Images of a set in all; 0 where there is no such set.
    pub(crate) fn images(&self, set: &str) -> usize {
        self.counts(set).map_or(0, |counts| counts.iter().sum())
    }

    /// Images of a set per class.
    pub(crate) fn counts(&self, set: &str) -> Option<&[usize]> {
        self.record.counts.get(set).map(Vec::as_slice)
    }

    /// Sets that the run has, with their images per class.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (&'static str, &[usize])> {
        SETS.into_iter().filter_map(|name| Some((name, self.counts(name)?)))
    }

    /// A setting's value, as a table shows it.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        self.record.settings.get(name).map(words)
    }

    /// All settings with their values, as a table shows them.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, String)> {
        self.record.settings.iter().map(|(name, value)| (name.as_str(), words(value)))
    }

    /// The row of the saved weights.
    pub(crate) fn best(&self) -> Option<&EpochRow> {
        self.history.iter().find(|row| Some(row.epoch) == self.record.best_epoch)
    }

    /// Whether the training loss weighs classes, so that it cannot be compared with the validation loss.
    pub(crate) fn weighted(&self) -> bool {
        self.record.class_weights.iter().any(|weight| (weight - 1.0).abs() > 1e-9)
    }

    /// Whether these are the three classes of the well-known collection.
    pub(crate) fn confounded_by_age(&self) -> bool {
        let mut classes: Vec<&str> = self.record.classes.iter().map(String::as_str).collect();
        classes.sort_unstable();
        classes == ["COVID-19", "NORMAL", "Viral Pneumonia"]
    }

    /// Temperature of the saved model, where one was fitted.
    pub(crate) fn temperature(&self) -> Option<&Temperature> {
        self.record.calibration.get("saved")?.temperature.as_ref()
    }

    /// Words for how the run ended.
    pub(crate) fn status(&self) -> &'static str {
        match self.record.status {
            Status::Running => "still running, or killed",
            Status::EarlyStopped => "stopped early",
            Status::Completed => "all epochs run",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
        }
    }

    /// Wall times by part in seconds, the whole last; parts that took no time were not done.
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

    /// Both tested models with their names, the saved one first.
    pub(crate) fn models<'a>(&self, test: &'a Test) -> [(String, &'a TestFigures); 2] {
        let epoch = self.record.best_epoch.map_or("none".to_owned(), |epoch| format!("epoch {epoch}"));
        [
            (format!("saved ({epoch})"), &test.record.saved),
            (format!("final (epoch {})", self.record.epochs_run), &test.record.last),
        ]
    }
}

/// Name of the part of a run's time that training took.
pub(crate) const TRAINING: &str = "training";

/// A setting's value without JSON's quotes.
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
