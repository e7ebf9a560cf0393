//! Figures of several findings an image: of each label over its known images, and over all labels.

mod cells;
mod comparison;
mod delong;
mod figures;
mod prepared;
mod running_auc;

pub use comparison::findings_differences;
pub use delong::{DelongTest, delong_standard_error, holm};
pub use figures::{LABEL_FIGURES, LabelFigureSpec, MULTI_LABEL_FIGURES, MultiLabelFigureSpec};
pub use running_auc::RunningAuc;

use crate::{
    Estimate, EvaluationError, FEW_IMAGES, PrecisionRecallPoint, Reliability, Resampling, RocPoint, Scores,
    Task, Undefined, Value,
    estimate::{Evidence, IntervalKind},
    influence::moments,
    precision_recall_curve,
    ranking::Ranking,
    resample::Resamples,
    roc_curve,
    units::Units,
};
use figures::{LabelFormula, MultiLabelFormula, label_figure};
use prepared::{FindingsSums, PreparedFindings};

/// Evaluation of several findings an image: figures with intervals, counts at thresholds, and curves.
///
/// Resamples draw images, or whole groups of them, without strata: an image has any number of findings.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiLabelEvaluation {
    /// Number of images, N.
    pub images: usize,
    /// Number of groups that were drawn whole; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// Figures over all labels, in the order of [`MULTI_LABEL_FIGURES`].
    pub figures: Vec<Estimate>,
    /// Every label's figures, in label order.
    pub labels: Vec<LabelEvaluation>,
    /// Number of labels in the macro mean of ROC AUC.
    pub labels_with_roc_auc: usize,
    /// Number of labels in the macro mean of average precision.
    pub labels_with_average_precision: usize,
}

/// Computes the ROC AUC of one class or label, without an interval.
///
/// # Errors
/// No image with it, or none without it.
pub fn roc_auc(scores: &Scores, label: usize) -> Value {
    Ranking::new(scores, label).areas(&vec![1; scores.len()])[0]
}

/// Computes the mean over labels of their ROC AUC, without an interval; labels without one are left out.
///
/// # Errors
/// No label with a known positive and a known negative image.
pub fn macro_roc_auc(scores: &Scores) -> Value {
    let counts = vec![1; scores.len()];
    let areas = (0..scores.n_labels()).filter_map(|label| Ranking::new(scores, label).areas(&counts)[0].ok());
    let areas: Vec<f64> = areas.collect();
    if areas.is_empty() {
        Err(Undefined::NoLabel)
    } else {
        Ok(areas.iter().sum::<f64>() / areas.len() as f64)
    }
}

/// Evaluation of one label over the images in which it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelEvaluation {
    /// Images in which it is known.
    pub known: u64,
    /// Images known to have it.
    pub positives: u64,
    /// Probability from which an image counts as having it.
    pub threshold: f64,
    /// Known images at or above the threshold that have it.
    pub true_positives: u64,
    /// Known images at or above the threshold that do not.
    pub false_positives: u64,
    /// Known images below the threshold that do not have it.
    pub true_negatives: u64,
    /// Known images below the threshold that do.
    pub false_negatives: u64,
    /// True where fewer than [`FEW_IMAGES`] known images have it, or fewer do not, so that its figures say little.
    pub few: bool,
    /// Figures in the order of [`LABEL_FIGURES`].
    pub figures: Vec<Estimate>,
    /// DeLong's standard error of its ROC AUC.
    pub roc_auc_delong_se: Value,
    /// ROC curve, see [`roc_curve`].
    pub roc: Result<Vec<RocPoint>, Undefined>,
    /// Precision-recall curve, see [`precision_recall_curve`].
    pub precision_recall: Result<Vec<PrecisionRecallPoint>, Undefined>,
    /// Probability against share of positives.
    pub reliability: Reliability,
}

impl MultiLabelEvaluation {
    /// Computes all figures and curves, with the threshold of each label, `[L]`: sorts once a label, then counts once a
    /// resample, in parallel.
    ///
    /// # Errors
    /// Classes that exclude each other; thresholds that are not one a label.
    pub fn new(
        scores: &Scores,
        thresholds: &[f64],
        resampling: &Resampling,
    ) -> Result<Self, EvaluationError> {
        if scores.task() != Task::MultiLabel {
            return Err(EvaluationError::Task(scores.task()));
        }
        if thresholds.len() != scores.n_labels() {
            let (thresholds, labels) = (thresholds.len(), scores.n_labels());
            return Err(EvaluationError::Thresholds { thresholds, labels });
        }
        let units = Units::in_one_stratum(scores.len(), scores.groups());
        let prepared = PreparedFindings::new(scores, thresholds);
        let whole = prepared.sums();
        let mut samples =
            resampling.samples(&units, scores.len(), |counts| prepared.row_of(counts, &whole)).into_iter();
        let of_set: Vec<Resamples> = samples.by_ref().take(MULTI_LABEL_FIGURES.len()).collect();
        let of_labels: Vec<Resamples> =
            samples.by_ref().take(LABEL_FIGURES.len() * scores.n_labels()).collect();
        let distances: Vec<Resamples> = samples.collect();
        let estimates = Estimates {
            units: &units,
            grouped: scores.groups().is_some(),
            prepared: &prepared,
            whole: &whole,
        };
        let label = |label: usize| {
            let samples = of_labels.get(label * LABEL_FIGURES.len()..).unwrap_or_default();
            LabelEvaluation::new(
                scores,
                label,
                thresholds[label],
                estimates.of_label(label, samples, distances.get(label)),
            )
        };
        Ok(Self {
            images: scores.len(),
            groups: scores.groups().is_some().then(|| units.len()),
            figures: MULTI_LABEL_FIGURES
                .iter()
                .enumerate()
                .map(|(figure, spec)| estimates.over_labels(spec.formula, of_set.get(figure)))
                .collect(),
            labels: (0..scores.n_labels()).map(label).collect(),
            labels_with_roc_auc: whole.labels_with("roc_auc").len(),
            labels_with_average_precision: whole.labels_with("average_precision").len(),
        })
    }
}

impl LabelEvaluation {
    fn new(scores: &Scores, label: usize, threshold: f64, figures: Vec<Estimate>) -> Self {
        let mut cells = [0u64; 4];
        for (image, p) in scores.column(label).enumerate() {
            if let Some(truth) = scores.targets().value(image, label) {
                cells[cells::cell(truth, p >= threshold)] += 1;
            }
        }
        let [true_negatives, false_positives, false_negatives, true_positives] = cells;
        let (positives, negatives) = (true_positives + false_negatives, true_negatives + false_positives);
        Self {
            known: positives + negatives,
            positives,
            threshold,
            true_positives,
            false_positives,
            true_negatives,
            false_negatives,
            few: positives.min(negatives) < FEW_IMAGES,
            figures,
            roc_auc_delong_se: delong_standard_error(scores, label),
            roc: roc_curve(scores, label),
            precision_recall: precision_recall_curve(scores, label),
            reliability: Reliability::of_label(scores, label),
        }
    }
}

/// Data from which the estimates of all figures are made.
struct Estimates<'a> {
    units: &'a Units,
    grouped: bool,
    prepared: &'a PreparedFindings,
    whole: &'a FindingsSums,
}

impl Estimates<'_> {
    /// Estimates of all figures of a label, from their resamples and those of its calibration gaps' distances.
    fn of_label(&self, label: usize, samples: &[Resamples], distances: Option<&Resamples>) -> Vec<Estimate> {
        let evidence = Evidence { units: self.units, grouped: self.grouped, distances };
        let one = |figure: usize| {
            let value = self.whole.labels[label].figure(label, figure);
            let moments = || {
                let influences = self.prepared.labels[label].influences(&self.whole.labels[label], figure);
                moments(self.units, |image| influences[image])
            };
            evidence.estimate(value, self.kind(label, figure), samples.get(figure), moments)
        };
        (0..LABEL_FIGURES.len()).map(one).collect()
    }

    /// The kind of a label's figure, by which its interval is made.
    fn kind(&self, label: usize, figure: usize) -> IntervalKind {
        let own = self.units_of(label, &[0.0, 0.0, 1.0, 1.0]);
        match LABEL_FIGURES[figure].formula {
            LabelFormula::Share(ratio) => IntervalKind::Share {
                of: self.whole.labels[label].cells.sum(&ratio.denominator),
                units: self.units_of(label, &ratio.denominator),
            },
            LabelFormula::Counted(_) => IntervalKind::Counted { low: 0.0, images: own },
            // The sources are those of the areas of classes.
            LabelFormula::RocAuc => {
                let known = self.units_of(label, &[1.0; 4]);
                IntervalKind::Area { images: 4.0 * own * (known - own) / known.max(1.0) }
            }
            LabelFormula::AveragePrecision => IntervalKind::Area { images: own },
            LabelFormula::MeanLoss { high, .. } => IntervalKind::Loss { high },
            LabelFormula::CalibrationError => IntervalKind::CalibrationError,
        }
    }

    /// Number of units with an image that some of these factors count.
    fn units_of(&self, label: usize, factors: &[f64; 4]) -> f64 {
        let label = &self.prepared.labels[label];
        let counts = |unit: &&[usize]| unit.iter().any(|&image| label.counts(image, factors));
        self.units.strata().flatten().filter(counts).count() as f64
    }

    /// Estimate of a figure over all labels.
    fn over_labels(&self, formula: MultiLabelFormula, sample: Option<&Resamples>) -> Estimate {
        let evidence = Evidence { units: self.units, grouped: self.grouped, distances: None };
        let value = self.whole.over_labels(formula);
        let moments = || {
            let influences = self.influences(formula);
            moments(self.units, |image| influences[image])
        };
        evidence.estimate(value, self.kind_over_labels(formula), sample, moments)
    }

    fn kind_over_labels(&self, formula: MultiLabelFormula) -> IntervalKind {
        let least = |key: &str| {
            let figure = label_figure(key).unwrap_or_default();
            let kinds = self.whole.labels_with(key).into_iter().map(|label| match self.kind(label, figure) {
                IntervalKind::Area { images } => images,
                _ => f64::INFINITY,
            });
            kinds.fold(f64::INFINITY, f64::min)
        };
        let with_any = || {
            let positive = [0.0, 0.0, 1.0, 1.0];
            let has = |image: usize| self.prepared.labels.iter().any(|label| label.counts(image, &positive));
            let units = self.units.strata().flatten();
            units.filter(|unit| unit.iter().any(|&image| has(image))).count() as f64
        };
        match formula {
            MultiLabelFormula::Macro(of) => IntervalKind::Area { images: least(of) },
            MultiLabelFormula::MicroRocAuc => IntervalKind::Area { images: least("roc_auc") },
            MultiLabelFormula::MicroAveragePrecision => IntervalKind::Area { images: with_any() },
            MultiLabelFormula::MicroF1 => IntervalKind::Counted { low: 0.0, images: with_any() },
            MultiLabelFormula::MicroLogLoss => IntervalKind::Loss { high: f64::INFINITY },
        }
    }

    /// Influence of each image on a figure over all labels, `[N]`.
    fn influences(&self, formula: MultiLabelFormula) -> Vec<f64> {
        let images = self.units.images();
        let mut sum = vec![0.0; images];
        let mut add = |influences: Vec<f64>, factor: f64| {
            sum.iter_mut().zip(influences).for_each(|(sum, influence)| *sum += factor * influence);
        };
        match formula {
            MultiLabelFormula::Macro(of) => {
                let labels = self.whole.labels_with(of);
                let Some(figure) = label_figure(of) else { return sum };
                for &label in &labels {
                    let own = self.prepared.labels[label].influences(&self.whole.labels[label], figure);
                    add(own, 1.0 / labels.len() as f64);
                }
            }
            MultiLabelFormula::MicroRocAuc | MultiLabelFormula::MicroAveragePrecision => {
                let [Ok(auc), Ok(average_precision)] = self.whole.areas else { return sum };
                let [of_auc, of_precision] =
                    self.prepared.all_labels.influences(images, auc, average_precision);
                add(
                    if matches!(formula, MultiLabelFormula::MicroRocAuc) { of_auc } else { of_precision },
                    1.0,
                );
            }
            MultiLabelFormula::MicroF1 => {
                let (cells, Ok(value)) = (self.whole.all_cells(), self.whole.over_labels(formula)) else {
                    return sum;
                };
                for label in &self.prepared.labels {
                    let influence = |cell| cells::F1.influence(&cells, value, cell);
                    add((0..images).map(|image| label.cell(image).map_or(0.0, influence)).collect(), 1.0);
                }
            }
            MultiLabelFormula::MicroLogLoss => {
                let (known, Ok(value)) = (self.whole.all_cells().known(), self.whole.over_labels(formula))
                else {
                    return sum;
                };
                let figure = label_figure("log_loss").unwrap_or_default();
                for label in &self.prepared.labels {
                    let mut losses = vec![0.0; images];
                    label.add_losses(figure, &mut losses);
                    let own = losses
                        .into_iter()
                        .enumerate()
                        .map(|(image, loss)| label.cell(image).map_or(0.0, |_| loss - value));
                    add(own.collect(), 1.0 / known);
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests;
