//! Model card: the model, its purpose, and the data it was tested on.

use metrics::{Calibration, Task};
use model::{HeatMapMethod, InputReader, Normalisation, Predictor};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Limits, refusal::Refusal};

/// Facts about a model that its file does not hold.
#[derive(Clone, Debug)]
pub struct About {
    /// Name of the model, such as the name of its run.
    pub name: String,
    /// Epoch of its weights, counted from 1.
    pub epoch: u64,
    /// Version of this program.
    pub version: String,
    /// Test results in the form that the card shows; null where it was not tested.
    pub tested: Value,
    /// True where it was trained on phantoms, which are not radiographs.
    pub synthetic: bool,
}

/// Notice on every page and in every card.
pub(crate) const NOTICE: &str =
    "Not for clinical use. A research tool: its answers must not guide the diagnosis or treatment of anyone.";

/// Answer to `/v1/model`.
#[derive(Serialize, ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelCard {
    /// Name of the model, such as the name of its run.
    name: String,
    /// Kind of network.
    kind: String,
    /// Kind of question: `multi-class` or `multi-label`.
    task: String,
    /// Classes or labels in index order.
    classes: Vec<String>,
    /// Epoch of the weights, counted from 1.
    epoch: u64,
    preprocessing: InputPreprocessing,
    /// Number format of convolutions and large products.
    precision: String,
    /// Temperature and operating points, where the model has them.
    #[schema(value_type = Object)]
    calibration: Calibration,
    /// True where the model knows how its training images look, and warns of others.
    guard: bool,
    /// Number of models whose probabilities are averaged; what is said of one model is of the first.
    members: usize,
    /// True where probabilities are averaged over the image and four shifted copies.
    tta: bool,
    /// Least probability of a class that is decided for.
    #[schema(required)]
    uncertain_below: Option<f64>,
    /// Figures of the model's test; null where it was not tested.
    #[schema(value_type = Option<Object>, required)]
    tested: Value,
    /// True where the model was trained on phantoms, which are not radiographs.
    synthetic: bool,
    explanation: HeatMapMethods,
    intended_use: &'static str,
    notice: &'static str,
    versions: Versions,
    limits: RequestLimits,
}

/// Rules by which images become the network's input.
#[derive(Serialize, ToSchema)]
struct InputPreprocessing {
    /// Side of the square input in pixels.
    image_size: usize,
    /// Rules that files are decoded by; null where they are not known.
    #[schema(required)]
    formats: Option<String>,
    interpolation: String,
    input_scale: String,
    #[schema(value_type = Option<Object>, required)]
    normalisation: Option<Normalisation>,
}

/// HeatMapMethods of heat maps.
#[derive(Serialize, ToSchema)]
struct HeatMapMethods {
    methods: Vec<String>,
    default: String,
}

#[derive(Serialize, ToSchema)]
struct Versions {
    thorax: String,
    libtorch: &'static str,
}

/// Limits of one request.
#[derive(Serialize, ToSchema)]
struct RequestLimits {
    /// Most bytes of a body.
    upload_bytes: u64,
    /// Most seconds from the end of an upload to its answer.
    answer_seconds: u64,
}

/// Model card, with the parts of it that answers need.
pub(crate) struct Card {
    pub(crate) classes: Vec<String>,
    pub(crate) task: Task,
    /// Threshold of each class or label, with its name; none of classes without operating points.
    pub(crate) thresholds: Vec<(String, f64)>,
    pub(crate) method: HeatMapMethod,
    pub(crate) shown: ModelCard,
}

impl Card {
    pub(crate) fn of(predictor: &Predictor<'_>, inputs: &InputReader, about: About, limits: &Limits) -> Self {
        let (spec, options) = (predictor.first().spec(), predictor.options());
        let calibration = predictor.calibration().cloned().unwrap_or_default();
        let method = spec.architecture.heat_map;
        let shown = ModelCard {
            name: about.name,
            kind: spec.architecture.to_string(),
            task: spec.task.to_string(),
            classes: spec.classes.clone(),
            epoch: about.epoch,
            preprocessing: InputPreprocessing {
                image_size: spec.image_size,
                formats: inputs.formats().map(|rules| rules.to_string()),
                interpolation: spec.interpolation.to_string(),
                input_scale: spec.input_scale.to_string(),
                normalisation: spec.normalisation,
            },
            precision: spec.precision.to_string(),
            calibration: calibration.clone(),
            guard: predictor.has_detector(),
            members: predictor.members(),
            tta: options.tta,
            uncertain_below: options.uncertain_below,
            tested: about.tested,
            synthetic: about.synthetic,
            explanation: HeatMapMethods {
                methods: HeatMapMethod::ALL.map(|method| method.to_string()).to_vec(),
                default: method.to_string(),
            },
            intended_use: "Research and teaching on frontal chest radiographs like those that the model was trained on.",
            notice: NOTICE,
            versions: Versions { thorax: about.version, libtorch: model::LIBTORCH },
            limits: RequestLimits {
                upload_bytes: limits.upload,
                answer_seconds: limits.answer_time.as_secs(),
            },
        };
        let classes = spec.classes.clone();
        let thresholds = match spec.task {
            Task::MultiClass => {
                let points = calibration.operating_points.into_iter();
                points.map(|point| (point.label, point.threshold)).collect()
            }
            Task::MultiLabel => classes.iter().cloned().zip(predictor.thresholds()).collect(),
        };
        Self { task: spec.task, classes, thresholds, method, shown }
    }

    /// Finds the index of a class by its name.
    pub(crate) fn class(&self, name: &str) -> Result<usize, Refusal> {
        let unknown =
            || Refusal::Class { class: name.chars().take(64).collect(), classes: self.classes.clone() };
        self.classes.iter().position(|class| class == name).ok_or_else(unknown)
    }
}
