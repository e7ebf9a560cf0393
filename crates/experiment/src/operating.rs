use std::collections::BTreeMap;

use metrics::{Figure, OperatingPoint, Scores, ThresholdCounts};
use serde::Deserialize;

use crate::{
    intervals::intervals,
    json::{Json, object},
};

/// Threshold on one class's probability, with its effect on the tested images.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "OperatingRow")]
pub struct TestedOperatingPoint {
    /// The class.
    pub label: String,
    /// Sensitivity that was asked for, in `(0, 1]`.
    pub target: f64,
    /// Smallest probability of the class with which an image counts as the class.
    pub threshold: f64,
    /// Sensitivity: share of the class's tested images that reach the threshold; no value without any.
    pub sensitivity: Figure,
    /// Specificity: share of the other classes' tested images that do not; no value without any.
    pub specificity: Figure,
    /// The same shares of the validation split, on which the threshold was chosen.
    pub validation: Shares,
}

/// Sensitivity and specificity at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Shares {
    /// Share of the class's images that reach the threshold.
    pub sensitivity: Option<f64>,
    /// Share of the other classes' images that do not.
    pub specificity: Option<f64>,
}

/// Form in `test.json`.
#[derive(Deserialize)]
struct OperatingRow {
    label: String,
    target: f64,
    threshold: f64,
    sensitivity: Option<f64>,
    specificity: Option<f64>,
    intervals: BTreeMap<String, [f64; 2]>,
    validation: Shares,
}

impl TestedOperatingPoint {
    pub(crate) fn new(point: &OperatingPoint, class: usize, scores: &Scores) -> Self {
        let counts = ThresholdCounts::at(scores, class, point.threshold);
        let share = |estimate: metrics::Estimate| Figure { missing: None, ..estimate.named::<&str>(&[]) };
        Self {
            label: point.label.clone(),
            target: point.target,
            threshold: point.threshold,
            sensitivity: share(counts.sensitivity()),
            specificity: share(counts.specificity()),
            validation: Shares { sensitivity: Some(point.sensitivity), specificity: point.specificity },
        }
    }
}

impl TestedOperatingPoint {
    /// Converts to the form in `test.json`.
    pub(crate) fn json(&self) -> Json {
        let both = [("sensitivity", &self.sensitivity), ("specificity", &self.specificity)];
        object([
            ("label", Json::of(&self.label)),
            ("target", Json::of(self.target)),
            ("threshold", Json::of(self.threshold)),
            ("sensitivity", Json::of(self.sensitivity.value)),
            ("specificity", Json::of(self.specificity.value)),
            ("intervals", intervals(both.into_iter())),
            (
                "validation",
                object([
                    ("sensitivity", Json::of(self.validation.sensitivity)),
                    ("specificity", Json::of(self.validation.specificity)),
                ]),
            ),
        ])
    }
}

impl From<OperatingRow> for TestedOperatingPoint {
    fn from(row: OperatingRow) -> Self {
        let figure =
            |key: &str, value| Figure { value, interval: row.intervals.get(key).copied(), missing: None };
        Self {
            sensitivity: figure("sensitivity", row.sensitivity),
            specificity: figure("specificity", row.specificity),
            label: row.label,
            target: row.target,
            threshold: row.threshold,
            validation: row.validation,
        }
    }
}
