//! Results of one class of several: what `test.json` holds besides the figures of the set.

use std::collections::BTreeMap;

use metrics::{
    Bound, CLASS_FIGURES, Calibration, Evaluation, EvaluationError, FIGURES, Figure, Figures, KerasFigures,
    Scores,
};
use serde::Deserialize;
use serde_json::Value;

use super::{add_reason, figure, named};
use crate::{
    Error, PredictionTable, Result,
    intervals::intervals,
    json::{Json, object},
    operating::TestedOperatingPoint,
    predictions::RESAMPLING,
};

/// Results of a model that tells classes apart: Keras' figures, figures by class, the confusion matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiClassFigures {
    /// The eight figures of the study.
    pub keras: KerasFigures,
    /// Figures of each class, in class order.
    pub classes: Vec<ClassFigures>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Effect of the model's temperature, where it has one.
    pub temperature: Option<TemperatureEffect>,
    /// Thresholds chosen on the validation split, with their effect on these images, in class order; none where the model
    /// has none.
    pub operating_points: Vec<TestedOperatingPoint>,
}

/// Figures of one class against all others.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassFigures {
    /// The class.
    pub label: String,
    /// Number of its images.
    pub support: u64,
    /// True where these are so few (below [`metrics::FEW_IMAGES`]) that its figures are unreliable.
    pub few: bool,
    /// Figures in the order of [`CLASS_FIGURES`].
    figures: Vec<Figure>,
}

/// Temperature, with figures of the same images without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemperatureEffect {
    /// Divisor of the logits.
    pub temperature: f64,
    /// End of the range that its fit ended at, where the images set it no limit of their own.
    pub bound: Option<Bound>,
    /// Figures without the temperature.
    pub uncalibrated: Option<Uncalibrated>,
}

/// Figures of the probabilities without a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Uncalibrated {
    /// Expected calibration error over 15 equal bins of the largest probability.
    pub expected_calibration_error: Option<f64>,
    /// Brier score: squared error summed over classes, in `[0, 2]`.
    pub brier: Option<f64>,
    /// Log loss: mean of -ln p of the true class, clipped like scikit-learn's.
    pub log_loss: Option<f64>,
}

impl MultiClassFigures {
    /// Computes every figure of a set's predictions, those of the set in the order of [`FIGURES`] beside the others, and the
    /// number of groups that were drawn whole.
    pub(super) fn new(set: &PredictionTable) -> Result<(Self, Vec<Figure>, Option<usize>)> {
        let keras = KerasFigures::new(&set.scores).map_err(|error| match error {
            EvaluationError::NoImages => Error::Predictions(super::NO_IMAGE.to_owned()),
            error => error.into(),
        })?;
        let evaluation = Evaluation::new(&set.scores, &RESAMPLING)?;
        let class = |(at, label): (usize, &String)| ClassFigures {
            label: label.clone(),
            support: evaluation.classes[at].support,
            few: evaluation.classes[at].few,
            figures: named(evaluation.figures.class(at), set.labels()),
        };
        let figures = Self {
            keras,
            classes: set.labels().iter().enumerate().map(class).collect(),
            confusion_matrix: evaluation.confusion_matrix.counts().to_vec(),
            temperature: None,
            operating_points: Vec::new(),
        };
        Ok((figures, named(evaluation.figures.of_set(), set.labels()), evaluation.groups))
    }

    /// Adds the effect of a calibration, see [`super::TestFigures::add_calibration`].
    pub(super) fn add_calibration(
        &mut self,
        calibration: &Calibration,
        uncalibrated: Option<&Scores>,
        scores: &Scores,
    ) -> Result<()> {
        let uncalibrated = uncalibrated.map(Uncalibrated::new).transpose()?;
        self.temperature = calibration.temperature.map(|temperature| TemperatureEffect {
            temperature: temperature.value,
            bound: temperature.bound,
            uncalibrated,
        });
        let points = calibration.operating_points.iter().enumerate();
        self.operating_points =
            points.map(|(class, point)| TestedOperatingPoint::new(point, class, scores)).collect();
        Ok(())
    }

    /// Adds the reasons of the classes' figures without a value.
    pub(super) fn add_undefined(&self, undefined: &mut BTreeMap<String, String>) {
        for class in &self.classes {
            let of = format!(" of `{}`", class.label);
            for (spec, figure) in CLASS_FIGURES.iter().zip(&class.figures) {
                add_reason(undefined, spec.key, &of, figure);
            }
        }
    }

    /// Converts to the keys of `test.json`, with the figures of the set in their places.
    pub(super) fn json(&self, of_set: &[Figure]) -> Vec<(String, Json)> {
        let figures = || FIGURES.iter().zip(of_set);
        let of_object = |object: &str| -> Vec<(String, Json)> {
            let rows = figures().filter_map(|(spec, figure)| {
                let (_, key) = spec.place.filter(|(of, _)| *of == object)?;
                Some((key.to_owned(), Json::of(figure.value)))
            });
            rows.collect()
        };
        let mut json: Vec<(String, Json)> = Vec::new();
        let mut add = |key: &str, value: Json| json.push((key.to_owned(), value));
        add("loss", Json::of(self.keras.loss));
        add("accuracy", Json::of(self.keras.accuracy));
        add("true_positives", Json::of(self.keras.true_positives));
        add("false_positives", Json::of(self.keras.false_positives));
        add("true_negatives", Json::of(self.keras.true_negatives));
        add("false_negatives", Json::of(self.keras.false_negatives));
        add("precision", Json::of(self.keras.precision));
        add("recall", Json::of(self.keras.recall));
        // Keras' accuracy is the same and is there already.
        for (spec, figure) in figures().filter(|(spec, _)| spec.place.is_none() && spec.key != "accuracy") {
            add(spec.key, Json::of(figure.value));
        }
        for object in objects() {
            add(object, Json::Object(of_object(object)));
        }
        add("classes", Json::List(self.classes.iter().map(class_to_json).collect()));
        add("confusion_matrix", Json::of(&self.confusion_matrix));
        add("intervals", intervals(figures().map(|(spec, figure)| (spec.key, figure))));
        let mut calibration = of_object(CALIBRATION);
        if let Some(TemperatureEffect { temperature, bound, uncalibrated }) = self.temperature {
            calibration.push(("temperature".to_owned(), Json::of(temperature)));
            calibration.extend(bound.map(|bound| ("bound".to_owned(), Json::of(bound))));
            calibration.extend(uncalibrated.map(|before| ("uncalibrated".to_owned(), before.json())));
        }
        add(CALIBRATION, Json::Object(calibration));
        if !self.operating_points.is_empty() {
            add(
                "operating_points",
                Json::List(self.operating_points.iter().map(TestedOperatingPoint::json).collect()),
            );
        }
        json
    }
}

impl ClassFigures {
    /// Returns the figure of this key in [`CLASS_FIGURES`]; one without a value where there is no such row, or the file lacks it.
    pub fn figure(&self, key: &str) -> Figure {
        let at = CLASS_FIGURES.iter().position(|spec| spec.key == key);
        at.and_then(|at| self.figures.get(at)).cloned().unwrap_or_default()
    }

    /// Iterates over all figures, with their titles, in the order of [`CLASS_FIGURES`].
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, &Figure)> {
        CLASS_FIGURES.iter().map(|spec| spec.title).zip(&self.figures)
    }
}

impl Uncalibrated {
    fn new(scores: &Scores) -> Result<Self> {
        let figures = Figures::of(scores)?;
        let value = |key| figures.get(key).and_then(|value| value.ok());
        Ok(Self {
            expected_calibration_error: value("expected_calibration_error"),
            brier: value("brier"),
            log_loss: value("log_loss"),
        })
    }
}

impl Uncalibrated {
    fn json(&self) -> Json {
        object([
            ("expected_calibration_error", Json::of(self.expected_calibration_error)),
            ("brier", Json::of(self.brier)),
            ("log_loss", Json::of(self.log_loss)),
        ])
    }
}

/// Object of `test.json` that holds figures of probabilities, with the temperature.
pub(crate) const CALIBRATION: &str = "calibration";

/// Objects of `test.json` that hold figures of the set, but that of the probabilities, in order.
pub(crate) fn objects() -> Vec<&'static str> {
    let objects = FIGURES.iter().filter_map(|spec| Some(spec.place?.0));
    let mut objects: Vec<&str> = objects.filter(|object| *object != CALIBRATION).collect();
    objects.dedup();
    objects
}

fn class_to_json(class: &ClassFigures) -> Json {
    let figures = || CLASS_FIGURES.iter().map(|spec| spec.key).zip(&class.figures);
    let first = [
        ("label", Json::of(&class.label)),
        ("support", Json::of(class.support)),
        ("few", Json::of(class.few)),
    ];
    let values = figures().map(|(key, figure)| (key, Json::of(figure.value)));
    object(first.into_iter().chain(values).chain([("intervals", intervals(figures()))]))
}

/// Keys of `test.json` that are of classes alone and no rows of the tables of figures.
#[derive(Deserialize)]
pub(super) struct Raw {
    loss: f64,
    accuracy: f64,
    true_positives: u64,
    false_positives: u64,
    true_negatives: u64,
    false_negatives: u64,
    precision: f64,
    recall: f64,
    classes: Vec<RawClass>,
    confusion_matrix: Vec<Vec<u64>>,
    intervals: BTreeMap<String, [f64; 2]>,
    calibration: RawCalibration,
    #[serde(default)]
    operating_points: Vec<TestedOperatingPoint>,
    undefined: BTreeMap<String, String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct RawClass {
    label: String,
    support: u64,
    few: bool,
    intervals: BTreeMap<String, [f64; 2]>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct RawCalibration {
    temperature: Option<f64>,
    bound: Option<Bound>,
    uncalibrated: Option<Uncalibrated>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl Raw {
    /// Returns the figures, those of the set in the order of [`FIGURES`] beside the others.
    pub(super) fn figures(self) -> (MultiClassFigures, Vec<Figure>) {
        let value = |spec: &metrics::FigureSpec| match spec.place {
            None if spec.key == "accuracy" => Some(self.accuracy),
            None => self.others.get(spec.key)?.as_f64(),
            Some((CALIBRATION, key)) => self.calibration.others.get(key)?.as_f64(),
            Some((object, key)) => self.others.get(object)?.get(key)?.as_f64(),
        };
        let of_set = FIGURES
            .iter()
            .map(|spec| figure((spec.key, ""), value(spec), &self.intervals, &self.undefined))
            .collect();
        let class = |class: RawClass| {
            let of = format!(" of `{}`", class.label);
            let value = |key| class.others.get(key).and_then(Value::as_f64);
            let figures = CLASS_FIGURES
                .iter()
                .map(|spec| figure((spec.key, &of), value(spec.key), &class.intervals, &self.undefined))
                .collect();
            ClassFigures { label: class.label, support: class.support, few: class.few, figures }
        };
        let RawCalibration { temperature, bound, uncalibrated, .. } = self.calibration;
        let figures = MultiClassFigures {
            keras: KerasFigures {
                loss: self.loss,
                accuracy: self.accuracy,
                true_positives: self.true_positives,
                false_positives: self.false_positives,
                true_negatives: self.true_negatives,
                false_negatives: self.false_negatives,
                precision: self.precision,
                recall: self.recall,
            },
            classes: self.classes.into_iter().map(class).collect(),
            confusion_matrix: self.confusion_matrix,
            temperature: temperature.map(|temperature| TemperatureEffect {
                temperature,
                bound,
                uncalibrated,
            }),
            operating_points: self.operating_points,
        };
        (figures, of_set)
    }
}
