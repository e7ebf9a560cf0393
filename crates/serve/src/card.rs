//! Model card: the model, its purpose, and the data it was tested on.

use metrics::OperatingPoint;
use model::{HeatMapMethod, InputReader, Predictor};
use serde_json::{Value, json};

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

/// Model card, with the parts of it that answers need.
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) classes: Vec<String>,
    pub(crate) operating_points: Vec<OperatingPoint>,
    pub(crate) method: HeatMapMethod,
    json: Value,
}

impl Card {
    pub(crate) fn of(predictor: &Predictor<'_>, inputs: &InputReader, about: About, limits: &Limits) -> Self {
        let (spec, options) = (predictor.first().spec(), predictor.options());
        let calibration = predictor.calibration().cloned().unwrap_or_default();
        let method = spec.architecture.heat_map;
        let json = json!({
            "name": about.name,
            "kind": spec.architecture.to_string(),
            "classes": spec.classes,
            "epoch": about.epoch,
            "preprocessing": {
                "image_size": spec.image_size,
                "formats": inputs.formats().map(|rules| rules.to_string()),
                "interpolation": spec.interpolation.to_string(),
                "input_scale": spec.input_scale.to_string(),
                "normalisation": spec.normalisation,
            },
            "precision": spec.precision.to_string(),
            "calibration": calibration,
            "guard": predictor.has_detector(),
            "members": predictor.members(),
            "tta": options.tta,
            "uncertain_below": options.uncertain_below,
            "tested": about.tested,
            "synthetic": about.synthetic,
            "explanation": {"methods": HeatMapMethod::ALL.map(|method| method.to_string()), "default": method.to_string()},
            "intended_use": "Research and teaching on frontal chest radiographs like those that the model was trained on.",
            "notice": NOTICE,
            "versions": {"thorax": about.version, "libtorch": model::LIBTORCH},
            "limits": {"upload_bytes": limits.upload, "answer_seconds": limits.answer_time.as_secs()},
        });
        let classes = spec.classes.clone();
        let operating_points = calibration.operating_points.clone();
        let About { name, version, .. } = about;
        Self { name, version, classes, operating_points, method, json }
    }

    pub(crate) fn as_json(&self) -> &Value {
        &self.json
    }

    /// Finds the index of a class by its name.
    pub(crate) fn class(&self, name: &str) -> Result<usize, Refusal> {
        let unknown =
            || Refusal::Class { class: name.chars().take(64).collect(), classes: self.classes.clone() };
        self.classes.iter().position(|class| class == name).ok_or_else(unknown)
    }
}
