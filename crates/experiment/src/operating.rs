use std::collections::BTreeMap;

use metrics::{Estimate, OperatingPoint, Scores, ThresholdCounts};
use serde::{Deserialize, Serialize};

use crate::Bounds;

/// What a threshold on one class's probability does, on the images that it was chosen on and on these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingRow {
    /// The class.
    pub label: String,
    /// The sensitivity that was asked for, in `(0, 1]`.
    pub target: f64,
    /// Images whose probability of the class is at least this count as the class.
    pub threshold: f64,
    /// Of the class's images, the share that reaches it; `None` without any.
    pub sensitivity: Option<f64>,
    /// Of the other classes' images, the share that does not; `None` without any.
    pub specificity: Option<f64>,
    /// `sensitivity` and `specificity` → Wilson's 95 % interval.
    pub intervals: BTreeMap<String, Bounds>,
    /// The same on the validation part, which the threshold was chosen on.
    pub validation: Shares,
}

/// Sensitivity and specificity at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Of the class's images.
    pub sensitivity: Option<f64>,
    /// Of the others'.
    pub specificity: Option<f64>,
}

impl OperatingRow {
    pub(crate) fn new(point: &OperatingPoint, class: usize, scores: &Scores) -> Self {
        let here = ThresholdCounts::at(scores, class, point.threshold);
        let both = [("sensitivity", here.sensitivity()), ("specificity", here.specificity())];
        let bounds = |(name, share): &(&str, Estimate)| {
            share.interval.ok().map(|interval| ((*name).to_owned(), [interval.low, interval.high]))
        };
        Self {
            label: point.label.clone(),
            target: point.target,
            threshold: point.threshold,
            sensitivity: both[0].1.value.ok(),
            specificity: both[1].1.value.ok(),
            intervals: both.iter().filter_map(bounds).collect(),
            validation: Shares { sensitivity: Some(point.sensitivity), specificity: point.specificity },
        }
    }
}
