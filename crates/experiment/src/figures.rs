//! Results of a test: the figures as `test.json` holds them.

mod multi_class;
mod multi_label;
mod subgroups;

use std::collections::BTreeMap;

use metrics::{
    Calibration, DEFAULT_THRESHOLD, Estimate, Figure, FigureRow, FigureTable, Scores, Task, set_figures,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::{PredictionTable, Result, json::Json};

pub(crate) use multi_class::{CALIBRATION, objects};
pub use multi_class::{ClassFigures, MultiClassFigures, TemperatureEffect, Uncalibrated};
pub use multi_label::{LabelFigures, MultiLabelFigures, SideCounts};
pub use subgroups::{
    AttributeGap, Bins, LeftOutSubgroup, MISSING, PooledAbove, Subgroup, SubgroupSettings, Subgroups,
};

/// Message for a set without images.
const NO_IMAGE: &str = "a test needs at least one image";

/// Results of one model on one set, as `test.json` holds them and `test --json` prints them. Keys are only ever added; a
/// figure without a value is `null`, and `undefined` says why.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFigures {
    /// Origin of the predictions.
    pub source: PredictionSource,
    /// Rules that the images were decoded by, `all` or `keras`.
    pub formats: Option<String>,
    /// Number of images.
    pub images: usize,
    /// Figures of the set, in the order of [`set_figures`].
    figures: Vec<Figure>,
    /// Results that only one task has.
    pub of_task: TaskFigures,
    /// Groups, such as patients, that were drawn whole for the intervals; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// Figures by attributes of the images, where there are any.
    pub subgroups: Option<Subgroups>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes; `None` where the predictions were read from a file.
    pub seconds: Option<f64>,
}

/// Origin of predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PredictionSource {
    /// Checkpoint that was tested.
    Checkpoint(String),
    /// File that was read.
    Predictions(String),
}

/// Results that only one task has.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskFigures {
    /// One class of several.
    MultiClass(Box<MultiClassFigures>),
    /// Any number of findings.
    MultiLabel(MultiLabelFigures),
}

/// Facts of a test that its predictions do not contain.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// Origin of the predictions.
    pub source: PredictionSource,
    /// Rules that the images were decoded by, `all` or `keras`, where they are known.
    pub formats: Option<String>,
    /// Threshold of each label, for findings; 0.5 for those beyond the list.
    pub thresholds: Vec<f64>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes, where there were any.
    pub seconds: Option<f64>,
}

impl Tested {
    /// Facts of predictions that were read from a file.
    pub fn from_file(file: String) -> Self {
        let source = PredictionSource::Predictions(file);
        Self { source, formats: None, thresholds: Vec::new(), synthetic: false, seconds: None }
    }
}

impl TestFigures {
    /// Computes every figure of a set's predictions, with intervals.
    ///
    /// # Errors
    /// A set without images.
    pub fn new(set: &PredictionTable, tested: Tested) -> Result<Self> {
        let (of_task, figures, groups) = match set.scores.task() {
            Task::MultiClass => {
                let (of_task, figures, groups) = MultiClassFigures::new(set)?;
                (TaskFigures::MultiClass(Box::new(of_task)), figures, groups)
            }
            Task::MultiLabel => {
                let mut thresholds = tested.thresholds;
                thresholds.resize(set.labels().len(), DEFAULT_THRESHOLD);
                let (of_task, figures, groups) = MultiLabelFigures::new(set, &thresholds)?;
                (TaskFigures::MultiLabel(of_task), figures, groups)
            }
        };
        Ok(Self {
            source: tested.source,
            formats: tested.formats,
            images: set.scores.len(),
            figures,
            of_task,
            groups,
            subgroups: None,
            synthetic: tested.synthetic,
            seconds: tested.seconds,
        })
    }

    /// Adds the effect of a calibration on these images: figures of the same network without its temperature, from the
    /// probabilities `uncalibrated`, and sensitivity and specificity at its thresholds. Findings have their thresholds from
    /// the beginning.
    ///
    /// # Errors
    /// Probabilities of another task.
    pub fn add_calibration(
        &mut self,
        calibration: &Calibration,
        uncalibrated: Option<&Scores>,
        scores: &Scores,
    ) -> Result<()> {
        match &mut self.of_task {
            TaskFigures::MultiClass(figures) => figures.add_calibration(calibration, uncalibrated, scores),
            TaskFigures::MultiLabel(_) => Ok(()),
        }
    }

    /// Facts of the test from which the figures of a part of its images can be computed.
    pub fn tested(&self) -> Tested {
        let labels = self.multi_label().map_or(&[][..], |figures| &figures.labels);
        Tested {
            source: self.source.clone(),
            formats: self.formats.clone(),
            thresholds: labels.iter().map(|label| label.threshold).collect(),
            synthetic: self.synthetic,
            seconds: None,
        }
    }

    /// Kind of question that was answered.
    pub fn task(&self) -> Task {
        match self.of_task {
            TaskFigures::MultiClass(_) => Task::MultiClass,
            TaskFigures::MultiLabel(_) => Task::MultiLabel,
        }
    }

    /// Results of classes, where the model tells classes apart.
    pub fn multi_class(&self) -> Option<&MultiClassFigures> {
        match &self.of_task {
            TaskFigures::MultiClass(figures) => Some(figures),
            TaskFigures::MultiLabel(_) => None,
        }
    }

    /// Results of labels, where the model tells findings.
    pub fn multi_label(&self) -> Option<&MultiLabelFigures> {
        match &self.of_task {
            TaskFigures::MultiClass(_) => None,
            TaskFigures::MultiLabel(figures) => Some(figures),
        }
    }

    /// Images by the seconds of the forward passes.
    pub fn images_per_second(&self) -> Option<f64> {
        self.seconds.map(|seconds| self.images as f64 / seconds.max(f64::MIN_POSITIVE))
    }

    /// Returns the figure of the set of this key in [`set_figures`]; one without a value where there is no such row, or the file
    /// lacks it.
    pub fn figure(&self, key: &str) -> Figure {
        self.rows().find(|(row, _)| row.key == key).map(|(_, figure)| figure.clone()).unwrap_or_default()
    }

    /// Iterates over the figures that a table shows, in its order.
    pub fn table(&self, table: FigureTable) -> impl Iterator<Item = (FigureRow, &Figure)> {
        self.rows().filter(move |(row, _)| row.tables.contains(&table))
    }

    /// Returns a class's or label's figure of this key, with the class's or label's name.
    pub fn by_label(&self, key: &str) -> Vec<(&str, Figure)> {
        match &self.of_task {
            TaskFigures::MultiClass(figures) => {
                figures.classes.iter().map(|class| (class.label.as_str(), class.figure(key))).collect()
            }
            TaskFigures::MultiLabel(figures) => {
                figures.labels.iter().map(|label| (label.label.as_str(), label.figure(key))).collect()
            }
        }
    }

    /// Tells of each class or label if it has so few images that its figures are unreliable.
    fn few(&self) -> Vec<bool> {
        match &self.of_task {
            TaskFigures::MultiClass(figures) => figures.classes.iter().map(|class| class.few).collect(),
            TaskFigures::MultiLabel(figures) => figures.labels.iter().map(|label| label.few).collect(),
        }
    }

    /// Collects figures and intervals without a value, each with the reason, by their names in files.
    pub fn undefined(&self) -> BTreeMap<String, String> {
        let mut undefined = BTreeMap::new();
        for (row, figure) in self.rows() {
            add_reason(&mut undefined, row.key, "", figure);
        }
        match &self.of_task {
            TaskFigures::MultiClass(figures) => figures.add_undefined(&mut undefined),
            TaskFigures::MultiLabel(figures) => figures.add_undefined(&mut undefined),
        }
        undefined
    }

    fn rows(&self) -> impl Iterator<Item = (FigureRow, &Figure)> {
        set_figures(self.task()).into_iter().zip(&self.figures)
    }

    /// Converts to the keys of `test.json` that hold figures, which a subgroup has too.
    fn figures_to_json(&self) -> Vec<(String, Json)> {
        let mut json = match &self.of_task {
            TaskFigures::MultiClass(figures) => figures.json(&self.figures),
            TaskFigures::MultiLabel(figures) => figures.json(&self.figures),
        };
        json.push(("undefined".to_owned(), Json::of(self.undefined())));
        json.push(("groups".to_owned(), Json::of(self.groups)));
        json
    }
}

/// Puts the names of classes or labels into estimates.
fn named(estimates: &[Estimate], labels: &[String]) -> Vec<Figure> {
    estimates.iter().map(|estimate| estimate.named(labels)).collect()
}

/// Adds the reason why a figure, or else its interval, has no value.
fn add_reason(undefined: &mut BTreeMap<String, String>, key: &str, of: &str, figure: &Figure) {
    let Some(why) = &figure.missing else { return };
    let name = if figure.value.is_some() { format!("interval of {key}{of}") } else { format!("{key}{of}") };
    undefined.insert(name, why.clone());
}

/// Builds a figure from its value, interval and reason in a file.
pub(crate) fn figure(
    (key, of): (&str, &str),
    value: Option<f64>,
    intervals: &BTreeMap<String, [f64; 2]>,
    undefined: &BTreeMap<String, String>,
) -> Figure {
    let name = if value.is_some() { format!("interval of {key}{of}") } else { format!("{key}{of}") };
    Figure { value, interval: intervals.get(key).copied(), missing: undefined.get(&name).cloned() }
}

impl Serialize for TestFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut json: Vec<(String, Json)> = Vec::new();
        if self.task() == Task::MultiLabel {
            json.push((TASK.to_owned(), Json::of(self.task())));
        }
        let (key, file) = match &self.source {
            PredictionSource::Checkpoint(file) => (CHECKPOINT, file),
            PredictionSource::Predictions(file) => (PREDICTIONS, file),
        };
        json.push((key.to_owned(), Json::of(file)));
        json.extend(self.formats.iter().map(|formats| ("formats".to_owned(), Json::of(formats))));
        json.push(("images".to_owned(), Json::of(self.images)));
        json.extend(self.figures_to_json());
        json.extend(self.subgroups.iter().flat_map(Subgroups::json));
        json.push(("synthetic".to_owned(), Json::of(self.synthetic)));
        if let Some((seconds, rate)) = self.seconds.zip(self.images_per_second()) {
            json.push(("seconds".to_owned(), Json::of(seconds)));
            json.push(("images_per_second".to_owned(), Json::of(rate)));
        }
        Json::Object(json).serialize(serializer)
    }
}

const TASK: &str = "task";
const CHECKPOINT: &str = "checkpoint";
const PREDICTIONS: &str = "predictions";

/// Keys of `test.json` that both tasks have.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    task: Task,
    checkpoint: Option<String>,
    predictions: Option<String>,
    formats: Option<String>,
    images: usize,
    groups: Option<usize>,
    synthetic: bool,
    seconds: Option<f64>,
}

impl<'de> Deserialize<'de> for TestFigures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read(value).map_err(D::Error::custom)
    }
}

/// Reads results from the object that holds them.
fn read(value: Value) -> serde_json::Result<TestFigures> {
    let raw = Raw::deserialize(&value)?;
    let source = match (raw.checkpoint, raw.predictions) {
        (Some(file), _) => PredictionSource::Checkpoint(file),
        (None, Some(file)) => PredictionSource::Predictions(file),
        (None, None) => return Err(serde::de::Error::missing_field(CHECKPOINT)),
    };
    let subgroups = subgroups::Raw::deserialize(&value)?;
    let (of_task, figures) = figures_of_task(raw.task, value)?;
    let mut tested = TestFigures {
        source,
        formats: raw.formats,
        images: raw.images,
        figures,
        of_task,
        groups: raw.groups,
        subgroups: None,
        synthetic: raw.synthetic,
        seconds: raw.seconds,
    };
    tested.subgroups = subgroups.subgroups(&tested)?;
    Ok(tested)
}

/// Reads the keys that hold figures, which a subgroup has too.
fn figures_of_task(task: Task, value: Value) -> serde_json::Result<(TaskFigures, Vec<Figure>)> {
    Ok(match task {
        Task::MultiClass => {
            let (of_task, figures) = multi_class::Raw::deserialize(value)?.figures();
            (TaskFigures::MultiClass(Box::new(of_task)), figures)
        }
        Task::MultiLabel => {
            let (of_task, figures) = multi_label::Raw::deserialize(value)?.figures();
            (TaskFigures::MultiLabel(of_task), figures)
        }
    })
}

#[cfg(test)]
mod tests;
