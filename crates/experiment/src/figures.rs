use std::collections::BTreeMap;

use metrics::{Bound, Estimate, Evaluation, Figure, Figures, KerasFigures, OneVsRest, Scores, Undefined};
use serde::{Deserialize, Serialize};

use crate::{Error, OperatingRow, PredictionTable, Result};

/// The bounds of a 95 % interval.
pub type Bounds = [f64; 2];

/// A test's result as `test.json` holds it and `test --json` prints it. Keys are only ever added; a figure without a value is
/// `null`, and `undefined` says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestFigures {
    /// The file tested.
    pub checkpoint: String,
    /// Rules that the images were decoded by, `all` or `keras`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<String>,
    /// Number of images.
    pub images: usize,
    /// Keras' categorical crossentropy.
    pub loss: f64,
    /// Share of images right, in `[0, 1]`.
    pub accuracy: f64,
    /// As Keras counts them: see [`KerasFigures`].
    pub true_positives: u64,
    /// As Keras counts them.
    pub false_positives: u64,
    /// As Keras counts them.
    pub true_negatives: u64,
    /// As Keras counts them.
    pub false_negatives: u64,
    /// TP / (TP + FP) of the counts above.
    pub precision: f64,
    /// TP / (TP + FN) of the counts above.
    pub recall: f64,
    /// Unweighted mean of the classes' recalls.
    pub balanced_accuracy: Option<f64>,
    /// Cohen's kappa of true and predicted classes.
    pub cohen_kappa: Option<f64>,
    /// Matthews' correlation for several classes.
    pub matthews_corrcoef: Option<f64>,
    /// Unweighted means over the classes.
    pub macro_mean: MeanRow,
    /// Means over the classes, weighted by their images.
    pub weighted_mean: MeanRow,
    /// Each class's figures, in class order.
    pub classes: Vec<ClassRow>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Figure → its 95 % interval: Wilson's for shares, of the bootstrap for all else.
    pub intervals: BTreeMap<String, Bounds>,
    /// How far probabilities are those of being right.
    pub calibration: Calibration,
    /// What thresholds chosen on the validation part do here, in class order; none where the model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<OperatingRow>,
    /// Figures and intervals without a value → why.
    pub undefined: BTreeMap<String, String>,
    /// Groups, such as patients, that were drawn whole for the intervals; `null` where images were drawn one by one.
    pub groups: Option<usize>,
    /// Whether the images are phantoms, no radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes.
    pub seconds: f64,
    /// Images by those seconds.
    pub images_per_second: f64,
}

/// One class's figures against all other classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// The class.
    pub label: String,
    /// Its images.
    pub support: u64,
    /// Whether these are so few (below [`metrics::FEW_IMAGES`]) that its figures say little.
    pub few: bool,
    /// Its figures.
    #[serde(flatten)]
    pub figures: MeanRow,
    /// Figure → its 95 % interval.
    pub intervals: BTreeMap<String, Bounds>,
}

/// A class's figures, or means of them, in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanRow {
    /// See [`OneVsRest`].
    pub precision: Option<f64>,
    /// Sensitivity.
    pub recall: Option<f64>,
    /// See [`OneVsRest`].
    pub specificity: Option<f64>,
    /// See [`OneVsRest`].
    pub f1: Option<f64>,
    /// See [`OneVsRest`].
    pub roc_auc: Option<f64>,
    /// See [`OneVsRest`].
    pub average_precision: Option<f64>,
}

/// How far probabilities are those of being right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What they are at the model's temperature, if it has one.
    #[serde(flatten)]
    pub sureness: Sureness,
    /// What logits were divided by, where the model was calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Which end of the range its fit ended at, where the images set it no limit of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// What the same figures are without a temperature, where the model has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncalibrated: Option<Sureness>,
}

/// Figures of probabilities as such.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sureness {
    /// Over 15 equal bins of the largest probability.
    pub expected_calibration_error: Option<f64>,
    /// Squared error summed over classes, in `[0, 2]`.
    pub brier: Option<f64>,
    /// Mean of -ln p of the true class, as scikit-learn clips it.
    pub log_loss: Option<f64>,
}

impl Sureness {
    fn new(scores: &Scores) -> Self {
        let figures = Figures::of(scores);
        Self {
            expected_calibration_error: figures.expected_calibration_error.ok(),
            brier: figures.brier.ok(),
            log_loss: figures.log_loss.ok(),
        }
    }
}

/// What figures say of a test besides what the predictions say.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// How the tested file is called.
    pub checkpoint: String,
    /// Rules that the images were decoded by, `all` or `keras`, where they are known.
    pub formats: Option<String>,
    /// Whether the images are phantoms, no radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes.
    pub seconds: f64,
}

impl TestFigures {
    /// Every figure of a set's predictions, with intervals.
    ///
    /// # Errors
    /// A set without images.
    pub fn new(set: &PredictionTable, tested: Tested) -> Result<Self> {
        let keras = KerasFigures::new(&set.predictions)
            .ok_or_else(|| Error::Predictions("a test needs at least one image".to_owned()))?;
        let evaluation = Evaluation::new(&set.scores(), &set.resampling())
            .map_err(|error| Error::Predictions(error.to_string()))?;
        let labels = &set.classes;
        let mut table = Table { labels, intervals: BTreeMap::new(), undefined: BTreeMap::new() };
        let all = &evaluation.figures;
        table.add("accuracy", &all.accuracy);
        Ok(Self {
            checkpoint: tested.checkpoint,
            formats: tested.formats,
            images: set.predictions.len(),
            loss: keras.loss,
            accuracy: keras.accuracy,
            true_positives: keras.true_positives,
            false_positives: keras.false_positives,
            true_negatives: keras.true_negatives,
            false_negatives: keras.false_negatives,
            precision: keras.precision,
            recall: keras.recall,
            balanced_accuracy: table.add("balanced_accuracy", &all.balanced_accuracy),
            cohen_kappa: table.add("cohen_kappa", &all.cohen_kappa),
            matthews_corrcoef: table.add("matthews_corrcoef", &all.matthews_corrcoef),
            macro_mean: table.row("macro_", &all.macro_mean),
            weighted_mean: table.row("weighted_", &all.weighted_mean),
            calibration: Calibration {
                sureness: Sureness {
                    expected_calibration_error: table
                        .add("expected_calibration_error", &all.expected_calibration_error),
                    brier: table.add("brier", &all.brier),
                    log_loss: table.add("log_loss", &all.log_loss),
                },
                temperature: None,
                bound: None,
                uncalibrated: None,
            },
            operating_points: Vec::new(),
            classes: class_rows(&evaluation, &mut table),
            confusion_matrix: evaluation.confusion_matrix.counts().to_vec(),
            intervals: table.intervals,
            undefined: table.undefined,
            groups: evaluation.groups,
            synthetic: tested.synthetic,
            seconds: tested.seconds,
            images_per_second: set.predictions.len() as f64 / tested.seconds.max(f64::MIN_POSITIVE),
        })
    }
}

impl TestFigures {
    /// Adds the effect of a calibration on these images: figures of the same network without its temperature, whose
    /// probabilities are `uncalibrated`, and those at its thresholds.
    pub fn add_calibration(
        &mut self,
        calibration: &metrics::Calibration,
        uncalibrated: Option<&Scores>,
        scores: &Scores,
    ) {
        if let Some(temperature) = calibration.temperature {
            self.calibration.temperature = Some(temperature.value);
            self.calibration.bound = temperature.bound;
            self.calibration.uncalibrated = uncalibrated.map(Sureness::new);
        }
        let points = calibration.operating_points.iter().enumerate();
        self.operating_points =
            points.map(|(class, point)| OperatingRow::new(point, class, scores)).collect();
    }
}

/// Values by name as they are taken from estimates: intervals, and why there is none.
struct Table<'a> {
    labels: &'a [String],
    intervals: BTreeMap<String, Bounds>,
    undefined: BTreeMap<String, String>,
}

impl Table<'_> {
    fn add(&mut self, name: &str, estimate: &Estimate) -> Option<f64> {
        let value = self.value(name.to_owned(), &estimate.value);
        // An interval of what has no value has the same reason.
        if value.is_some() {
            match &estimate.interval {
                Ok(interval) => {
                    self.intervals.insert(name.to_owned(), [interval.low, interval.high]);
                }
                Err(why) => self.note(format!("interval of {name}"), why),
            }
        }
        value
    }

    fn value(&mut self, name: String, figure: &Figure) -> Option<f64> {
        figure.as_ref().map_err(|why| self.note(name, why)).ok().copied()
    }

    fn note(&mut self, name: String, why: &Undefined) {
        self.undefined.insert(name, why.named(self.labels).to_string());
    }

    fn row(&mut self, before: &str, figures: &OneVsRest<Estimate>) -> MeanRow {
        let mut add = |name: &str, estimate| self.add(&format!("{before}{name}"), estimate);
        MeanRow {
            precision: add("precision", &figures.precision),
            recall: add("recall", &figures.recall),
            specificity: add("specificity", &figures.specificity),
            f1: add("f1", &figures.f1),
            roc_auc: add("roc_auc", &figures.roc_auc),
            average_precision: add("average_precision", &figures.average_precision),
        }
    }
}

fn class_rows(evaluation: &Evaluation, table: &mut Table<'_>) -> Vec<ClassRow> {
    let classes = table.labels.iter().zip(&evaluation.classes).zip(&evaluation.figures.classes);
    let mut rows = Vec::new();
    for ((label, class), figures) in classes {
        let mut own = Table { labels: table.labels, intervals: BTreeMap::new(), undefined: BTreeMap::new() };
        let figures = own.row("", figures);
        table
            .undefined
            .extend(own.undefined.into_iter().map(|(name, why)| (format!("{name} of `{label}`"), why)));
        let (support, few) = (class.support, class.few);
        rows.push(ClassRow { label: label.clone(), support, few, figures, intervals: own.intervals });
    }
    rows
}

#[cfg(test)]
mod tests;
