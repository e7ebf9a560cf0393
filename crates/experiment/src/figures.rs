//! Results of a test: the figures as `test.json` holds them.

use std::collections::BTreeMap;

use metrics::{
    Bound, CLASS_FIGURES, Calibration, Evaluation, EvaluationError, FIGURES, Figure, FigureTable, Figures,
    KerasFigures, Scores,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{
    Error, PredictionTable, Result,
    intervals::intervals,
    json::{Json, object},
    operating::TestedOperatingPoint,
    predictions::RESAMPLING,
};

/// Results of one model on one set, as `test.json` holds them and `test --json` prints them. Keys are only ever added; a
/// figure without a value is `null`, and `undefined` says why.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFigures {
    /// File tested.
    pub checkpoint: String,
    /// Rules that the images were decoded by, `all` or `keras`.
    pub formats: Option<String>,
    /// Number of images.
    pub images: usize,
    /// The eight figures of the study.
    pub keras: KerasFigures,
    /// Figures in the order of [`FIGURES`].
    figures: Vec<Figure>,
    /// Figures of each class, in class order.
    pub classes: Vec<ClassFigures>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Effect of the model's temperature, where it has one.
    pub temperature: Option<TemperatureEffect>,
    /// Thresholds chosen on the validation split, with their effect on these images, in class order; none where the model
    /// has none.
    pub operating_points: Vec<TestedOperatingPoint>,
    /// Groups, such as patients, that were drawn whole for the intervals; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes.
    pub seconds: f64,
    /// Images by those seconds.
    pub images_per_second: f64,
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

/// Facts of a test that its predictions do not contain.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// File tested.
    pub checkpoint: String,
    /// Rules that the images were decoded by, `all` or `keras`, where they are known.
    pub formats: Option<String>,
    /// True where the images are phantoms, not radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes.
    pub seconds: f64,
}

impl TestFigures {
    /// Computes every figure of a set's predictions, with intervals.
    ///
    /// # Errors
    /// A set without images.
    pub fn new(set: &PredictionTable, tested: Tested) -> Result<Self> {
        let keras = KerasFigures::new(&set.scores).map_err(|error| match error {
            EvaluationError::NoImages => Error::Predictions("a test needs at least one image".to_owned()),
            error => error.into(),
        })?;
        let evaluation = Evaluation::new(&set.scores, &RESAMPLING)?;
        let named = |estimates: &[metrics::Estimate]| -> Vec<Figure> {
            estimates.iter().map(|estimate| estimate.named(set.classes())).collect()
        };
        let class = |(at, label): (usize, &String)| ClassFigures {
            label: label.clone(),
            support: evaluation.classes[at].support,
            few: evaluation.classes[at].few,
            figures: named(evaluation.figures.class(at)),
        };
        Ok(Self {
            checkpoint: tested.checkpoint,
            formats: tested.formats,
            images: set.scores.len(),
            keras,
            figures: named(evaluation.figures.of_set()),
            classes: set.classes().iter().enumerate().map(class).collect(),
            confusion_matrix: evaluation.confusion_matrix.counts().to_vec(),
            temperature: None,
            operating_points: Vec::new(),
            groups: evaluation.groups,
            synthetic: tested.synthetic,
            seconds: tested.seconds,
            images_per_second: set.scores.len() as f64 / tested.seconds.max(f64::MIN_POSITIVE),
        })
    }

    /// Adds the effect of a calibration on these images: figures of the same network without its temperature, from the
    /// probabilities `uncalibrated`, and sensitivity and specificity at its thresholds.
    ///
    /// # Errors
    /// Predictions of labels that do not exclude each other.
    pub fn add_calibration(
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

    /// Returns the figure of this key in [`FIGURES`]; one without a value where there is no such row, or the file lacks it.
    pub fn figure(&self, key: &str) -> Figure {
        let at = FIGURES.iter().position(|spec| spec.key == key);
        at.and_then(|at| self.figures.get(at)).cloned().unwrap_or_default()
    }

    /// Iterates over the figures that a table shows, with their keys and titles, in its order.
    pub fn table(&self, table: FigureTable) -> impl Iterator<Item = (&'static str, &'static str, &Figure)> {
        let rows = FIGURES.iter().zip(&self.figures).filter(move |(spec, _)| spec.tables.contains(&table));
        rows.map(|(spec, figure)| (spec.key, spec.title, figure))
    }

    /// Collects figures and intervals without a value, each with the reason, by their names in files.
    pub fn undefined(&self) -> BTreeMap<String, String> {
        let mut undefined = BTreeMap::new();
        for (spec, figure) in FIGURES.iter().zip(&self.figures) {
            add_reason(&mut undefined, spec.key, "", figure);
        }
        for class in &self.classes {
            let of = format!(" of `{}`", class.label);
            for (spec, figure) in CLASS_FIGURES.iter().zip(&class.figures) {
                add_reason(&mut undefined, spec.key, &of, figure);
            }
        }
        undefined
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

/// Object of `test.json` that holds figures of probabilities, with the temperature.
pub(crate) const CALIBRATION: &str = "calibration";

impl Serialize for TestFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let figures = || FIGURES.iter().zip(&self.figures);
        let of_object = |object: &str| -> Vec<(String, Json)> {
            let rows = figures().filter_map(|(spec, figure)| {
                let (_, key) = spec.place.filter(|(of, _)| *of == object)?;
                Some((key.to_owned(), Json::of(figure.value)))
            });
            rows.collect()
        };
        let mut json: Vec<(String, Json)> = Vec::new();
        let mut add = |key: &str, value: Json| json.push((key.to_owned(), value));
        add("checkpoint", Json::of(&self.checkpoint));
        if let Some(formats) = &self.formats {
            add("formats", Json::of(formats));
        }
        add("images", Json::of(self.images));
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
        add("undefined", Json::of(self.undefined()));
        add("groups", Json::of(self.groups));
        add("synthetic", Json::of(self.synthetic));
        add("seconds", Json::of(self.seconds));
        add("images_per_second", Json::of(self.images_per_second));
        Json::Object(json).serialize(serializer)
    }
}

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

/// Keys of `test.json` that are not rows of the tables of figures.
#[derive(Deserialize)]
struct Raw {
    checkpoint: String,
    formats: Option<String>,
    images: usize,
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
    groups: Option<usize>,
    synthetic: bool,
    seconds: f64,
    images_per_second: f64,
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

impl<'de> Deserialize<'de> for TestFigures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let value = |spec: &metrics::FigureSpec| match spec.place {
            None if spec.key == "accuracy" => Some(raw.accuracy),
            None => raw.others.get(spec.key)?.as_f64(),
            Some((CALIBRATION, key)) => raw.calibration.others.get(key)?.as_f64(),
            Some((object, key)) => raw.others.get(object)?.get(key)?.as_f64(),
        };
        let figures = FIGURES
            .iter()
            .map(|spec| figure((spec.key, ""), value(spec), &raw.intervals, &raw.undefined))
            .collect();
        let class = |class: RawClass| {
            let of = format!(" of `{}`", class.label);
            let value = |key| class.others.get(key).and_then(Value::as_f64);
            let figures = CLASS_FIGURES
                .iter()
                .map(|spec| figure((spec.key, &of), value(spec.key), &class.intervals, &raw.undefined))
                .collect();
            ClassFigures { label: class.label, support: class.support, few: class.few, figures }
        };
        let RawCalibration { temperature, bound, uncalibrated, .. } = raw.calibration;
        Ok(Self {
            checkpoint: raw.checkpoint,
            formats: raw.formats,
            images: raw.images,
            keras: KerasFigures {
                loss: raw.loss,
                accuracy: raw.accuracy,
                true_positives: raw.true_positives,
                false_positives: raw.false_positives,
                true_negatives: raw.true_negatives,
                false_negatives: raw.false_negatives,
                precision: raw.precision,
                recall: raw.recall,
            },
            figures,
            classes: raw.classes.into_iter().map(class).collect(),
            confusion_matrix: raw.confusion_matrix,
            temperature: temperature.map(|temperature| TemperatureEffect {
                temperature,
                bound,
                uncalibrated,
            }),
            operating_points: raw.operating_points,
            groups: raw.groups,
            synthetic: raw.synthetic,
            seconds: raw.seconds,
            images_per_second: raw.images_per_second,
        })
    }
}

#[cfg(test)]
mod tests;
