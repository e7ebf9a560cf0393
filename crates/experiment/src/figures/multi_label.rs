//! Results of several findings an image: what `test.json` holds besides the figures over all labels.

use std::collections::BTreeMap;

use metrics::{Figure, LABEL_FIGURES, LabelEvaluation, MULTI_LABEL_FIGURES, MultiLabelEvaluation};
use serde::Deserialize;
use serde_json::Value;

use super::{add_reason, figure, named};
use crate::{
    Error, PredictionTable, Result,
    intervals::intervals,
    json::{Json, object},
    predictions::RESAMPLING,
};

/// Results of a model that tells findings, any number an image.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiLabelFigures {
    /// Figures of each label, in label order.
    pub labels: Vec<LabelFigures>,
    /// Number of labels in the macro mean of ROC AUC.
    pub labels_with_roc_auc: usize,
    /// Number of labels in the macro mean of average precision.
    pub labels_with_average_precision: usize,
}

/// Figures of one label over the images in which it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFigures {
    /// The label.
    pub label: String,
    /// Images in which it is known.
    pub known: u64,
    /// Images known to have it.
    pub positives: u64,
    /// True where fewer than [`metrics::FEW_IMAGES`] known images have it, or do not, so that its figures are unreliable.
    pub few: bool,
    /// Probability from which an image counts as having it.
    pub threshold: f64,
    /// Known images by truth and side of the threshold.
    pub counts: SideCounts,
    /// DeLong's standard error of its ROC AUC; `None` with fewer than two images of a kind.
    pub roc_auc_delong_se: Option<f64>,
    /// Figures in the order of [`LABEL_FIGURES`].
    figures: Vec<Figure>,
}

/// Images on both sides of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SideCounts {
    /// Images at or above it that have the label.
    pub true_positives: u64,
    /// Images at or above it that do not.
    pub false_positives: u64,
    /// Images below it that do not have the label.
    pub true_negatives: u64,
    /// Images below it that do.
    pub false_negatives: u64,
}

impl MultiLabelFigures {
    /// Computes every figure of a set's predictions at the labels' thresholds, those over all labels in the order of
    /// [`MULTI_LABEL_FIGURES`] beside the others, and the number of groups that were drawn whole.
    pub(super) fn new(
        set: &PredictionTable,
        thresholds: &[f64],
    ) -> Result<(Self, Vec<Figure>, Option<usize>)> {
        if set.images.is_empty() {
            return Err(Error::Predictions(super::NO_IMAGE.to_owned()));
        }
        let evaluation = MultiLabelEvaluation::new(&set.scores, thresholds, &RESAMPLING)?;
        let labels = set.labels().iter().zip(&evaluation.labels);
        let figures = Self {
            labels: labels.map(|(label, found)| LabelFigures::new(label, found, set.labels())).collect(),
            labels_with_roc_auc: evaluation.labels_with_roc_auc,
            labels_with_average_precision: evaluation.labels_with_average_precision,
        };
        Ok((figures, named(&evaluation.figures, set.labels()), evaluation.groups))
    }

    /// Adds the reasons of the labels' figures without a value.
    pub(super) fn add_undefined(&self, undefined: &mut BTreeMap<String, String>) {
        for label in &self.labels {
            let of = format!(" of `{}`", label.label);
            for (spec, figure) in LABEL_FIGURES.iter().zip(&label.figures) {
                add_reason(undefined, spec.key, &of, figure);
            }
        }
    }

    /// Converts to the keys of `test.json`, with the figures over all labels in their places.
    pub(super) fn json(&self, over_labels: &[Figure]) -> Vec<(String, Json)> {
        let figures = || MULTI_LABEL_FIGURES.iter().map(|spec| spec.key).zip(over_labels);
        let mut json =
            vec![("labels".to_owned(), Json::List(self.labels.iter().map(LabelFigures::json).collect()))];
        json.extend(figures().map(|(key, figure)| (key.to_owned(), Json::of(figure.value))));
        json.push(("labels_with_roc_auc".to_owned(), Json::of(self.labels_with_roc_auc)));
        json.push(("labels_with_average_precision".to_owned(), Json::of(self.labels_with_average_precision)));
        json.push(("intervals".to_owned(), intervals(figures())));
        json
    }
}

impl LabelFigures {
    fn new(label: &str, found: &LabelEvaluation, labels: &[String]) -> Self {
        Self {
            label: label.to_owned(),
            known: found.known,
            positives: found.positives,
            few: found.few,
            threshold: found.threshold,
            counts: SideCounts {
                true_positives: found.true_positives,
                false_positives: found.false_positives,
                true_negatives: found.true_negatives,
                false_negatives: found.false_negatives,
            },
            roc_auc_delong_se: found.roc_auc_delong_se.ok(),
            figures: named(&found.figures, labels),
        }
    }

    /// Returns the figure of this key in [`LABEL_FIGURES`]; one without a value where there is no such row, or the file lacks it.
    pub fn figure(&self, key: &str) -> Figure {
        let at = LABEL_FIGURES.iter().position(|spec| spec.key == key);
        at.and_then(|at| self.figures.get(at)).cloned().unwrap_or_default()
    }

    /// Share of the known images that have it; `None` where it is known in none.
    pub fn prevalence(&self) -> Option<f64> {
        (self.known > 0).then(|| self.positives as f64 / self.known as f64)
    }

    fn json(&self) -> Json {
        let figures = || LABEL_FIGURES.iter().map(|spec| spec.key).zip(&self.figures);
        let first = [
            ("label", Json::of(&self.label)),
            ("known", Json::of(self.known)),
            ("positives", Json::of(self.positives)),
            ("prevalence", Json::of(self.prevalence())),
            ("few", Json::of(self.few)),
            ("threshold", Json::of(self.threshold)),
            ("true_positives", Json::of(self.counts.true_positives)),
            ("false_positives", Json::of(self.counts.false_positives)),
            ("true_negatives", Json::of(self.counts.true_negatives)),
            ("false_negatives", Json::of(self.counts.false_negatives)),
            ("roc_auc_delong_se", Json::of(self.roc_auc_delong_se)),
        ];
        let values = figures().map(|(key, figure)| (key, Json::of(figure.value)));
        object(first.into_iter().chain(values).chain([("intervals", intervals(figures()))]))
    }
}

/// Keys of `test.json` that are of labels alone.
#[derive(Deserialize)]
pub(super) struct Raw {
    labels: Vec<RawLabel>,
    labels_with_roc_auc: usize,
    labels_with_average_precision: usize,
    intervals: BTreeMap<String, [f64; 2]>,
    undefined: BTreeMap<String, String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct RawLabel {
    label: String,
    known: u64,
    positives: u64,
    few: bool,
    threshold: f64,
    #[serde(flatten)]
    counts: SideCounts,
    roc_auc_delong_se: Option<f64>,
    intervals: BTreeMap<String, [f64; 2]>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl Raw {
    /// Returns the figures, those over all labels in the order of [`MULTI_LABEL_FIGURES`] beside the others.
    pub(super) fn figures(self) -> (MultiLabelFigures, Vec<Figure>) {
        let value = |others: &BTreeMap<String, Value>, key: &str| others.get(key).and_then(Value::as_f64);
        let over_labels = MULTI_LABEL_FIGURES
            .iter()
            .map(|spec| {
                figure((spec.key, ""), value(&self.others, spec.key), &self.intervals, &self.undefined)
            })
            .collect();
        let label = |raw: RawLabel| {
            let of = format!(" of `{}`", raw.label);
            let figures = LABEL_FIGURES
                .iter()
                .map(|spec| {
                    figure((spec.key, &of), value(&raw.others, spec.key), &raw.intervals, &self.undefined)
                })
                .collect();
            LabelFigures {
                label: raw.label,
                known: raw.known,
                positives: raw.positives,
                few: raw.few,
                threshold: raw.threshold,
                counts: raw.counts,
                roc_auc_delong_se: raw.roc_auc_delong_se,
                figures,
            }
        };
        let figures = MultiLabelFigures {
            labels: self.labels.into_iter().map(label).collect(),
            labels_with_roc_auc: self.labels_with_roc_auc,
            labels_with_average_precision: self.labels_with_average_precision,
        };
        (figures, over_labels)
    }
}
