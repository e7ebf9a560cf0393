//! JSON Schema of `test.json`, whose figures come from the tables of metrics.

use std::borrow::Cow;

use metrics::{Bound, CLASS_FIGURES, FIGURES, LABEL_FIGURES, MULTI_LABEL_FIGURES};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::{
    TestFigures,
    figures::{CALIBRATION, objects},
};

impl JsonSchema for TestFigures {
    fn schema_name() -> Cow<'static, str> {
        "Figures".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = [of_classes(generator), of_findings()];
        json_schema!({"description": "Figures of one model on one set.", "anyOf": options})
    }
}

/// Schema of the figures of a model that tells classes apart.
fn of_classes(generator: &mut SchemaGenerator) -> Value {
    let bound = generator.subschema_for::<Bound>();
    let mut fields = vec![
        ("checkpoint", text("File tested.")),
        ("images", count("Number of images.")),
        ("loss", number("Keras' categorical crossentropy, in nats.")),
        ("accuracy", number("Share of images whose most probable class is the true one.")),
        ("true_positives", count("Keras' count: true classes above 0.5.")),
        ("false_positives", count("Keras' count: other classes above 0.5.")),
        ("true_negatives", count("Keras' count: other classes at or below 0.5.")),
        ("false_negatives", count("Keras' count: true classes at or below 0.5.")),
        ("precision", number("Keras' precision, from these counts.")),
        ("recall", number("Keras' recall, from these counts.")),
    ];
    let of_set = FIGURES.iter().filter(|spec| spec.place.is_none() && spec.key != "accuracy");
    fields.extend(of_set.map(|spec| (spec.key, figure(spec.title))));
    for object in objects() {
        let rows = FIGURES.iter().filter_map(|spec| Some((spec.place?, spec.title)));
        let rows = rows.filter(|((of, _), _)| *of == object);
        fields
            .push((object, object_schema(rows.map(|((_, key), title)| (key, figure(title))).collect(), &[])));
    }
    let mut class = vec![
        ("label", text("The class.")),
        ("support", count("Number of its images.")),
        (
            "few",
            json!({"type": "boolean", "description": "True where these are too few for reliable figures."}),
        ),
    ];
    class.extend(CLASS_FIGURES.iter().map(|spec| (spec.key, figure(spec.title))));
    class.push(("intervals", intervals()));
    let calibration = FIGURES.iter().filter_map(|spec| Some((spec.place?, spec.title)));
    let calibration = calibration.filter(|((of, _), _)| *of == CALIBRATION);
    let calibration: Vec<_> = calibration.map(|((_, key), title)| (key, figure(title))).collect();
    let calibrated = [
        ("temperature", number("Divisor of the logits.")),
        ("bound", bound.into()),
        ("uncalibrated", object_schema(calibration.clone(), &[])),
    ];
    let shares = || vec![("sensitivity", figure("Sensitivity")), ("specificity", figure("Specificity"))];
    let mut point = vec![
        ("label", text("The class.")),
        ("target", number("Sensitivity that was asked for.")),
        ("threshold", number("Least probability with which an image counts as the class.")),
        ("intervals", intervals()),
        ("validation", object_schema(shares(), &[])),
    ];
    point.extend(shares());
    let rows = json!({"type": "array", "items": {"type": "integer", "minimum": 0}});
    fields.extend([
        ("classes", json!({"type": "array", "items": object_schema(class, &[])})),
        (
            "confusion_matrix",
            json!({"type": "array", "items": rows,
                "description": "Images by true class (rows) and predicted class (columns)."}),
        ),
        ("intervals", intervals()),
        (CALIBRATION, object_schema(calibration, &calibrated)),
        ("seconds", number("Wall time of the forward passes.")),
        ("images_per_second", number("Images by those seconds.")),
    ]);
    fields.extend(last());
    let optional = [
        ("formats", text("Rules that the images were decoded by.")),
        ("operating_points", json!({"type": "array", "items": object_schema(point, &[])})),
    ];
    object_schema(fields, &optional)
}

/// Schema of the figures of a model that tells findings.
fn of_findings() -> Value {
    let mut label = vec![
        ("label", text("The label.")),
        ("known", count("Images in which it is known.")),
        ("positives", count("Images known to have it.")),
        ("prevalence", figure("Share of the known images that have it.")),
        (
            "few",
            json!({"type": "boolean", "description": "True where images of a kind are too few for reliable figures."}),
        ),
        ("threshold", number("Probability from which an image counts as having it.")),
        ("true_positives", count("Images at or above the threshold that have it.")),
        ("false_positives", count("Images at or above the threshold that do not.")),
        ("true_negatives", count("Images below the threshold that do not have it.")),
        ("false_negatives", count("Images below the threshold that do.")),
        ("roc_auc_delong_se", figure("DeLong's standard error of the ROC AUC.")),
    ];
    label.extend(LABEL_FIGURES.iter().map(|spec| (spec.key, figure(spec.title))));
    label.push(("intervals", intervals()));
    let mut fields = vec![
        ("task", json!({"const": "multi-label", "description": "Kind of question."})),
        ("images", count("Number of images.")),
        ("labels", json!({"type": "array", "items": object_schema(label, &[])})),
    ];
    fields.extend(MULTI_LABEL_FIGURES.iter().map(|spec| (spec.key, figure(spec.title))));
    fields.extend([
        ("labels_with_roc_auc", count("Number of labels in the macro mean of ROC AUC.")),
        ("labels_with_average_precision", count("Number of labels in the macro mean of average precision.")),
        ("intervals", intervals()),
    ]);
    fields.extend(last());
    let optional = [
        ("checkpoint", text("File tested.")),
        ("predictions", text("File of predictions that was read.")),
        ("formats", text("Rules that the images were decoded by.")),
        ("seconds", number("Wall time of the forward passes.")),
        ("images_per_second", number("Images by those seconds.")),
    ];
    object_schema(fields, &optional)
}

/// Fields that both tasks have.
fn last() -> [(&'static str, Value); 3] {
    [
        (
            "undefined",
            json!({"type": "object", "additionalProperties": {"type": "string"},
            "description": "Names of figures or intervals without a value → the reason."}),
        ),
        (
            "groups",
            json!({"type": ["integer", "null"], "minimum": 1,
            "description": "Number of groups that the intervals drew whole; null where images were drawn one by one."}),
        ),
        ("synthetic", json!({"type": "boolean", "description": "True where the images are phantoms."})),
    ]
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "number", "description": description})
}

/// Returns the schema of a figure with this description: a number, or null where it is undefined.
fn figure(title: &str) -> Value {
    json!({"type": ["number", "null"], "description": title})
}

/// Figures by key, each with the bounds of its interval.
fn intervals() -> Value {
    let bounds = json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2});
    json!({"type": "object", "additionalProperties": bounds, "description": "Figure → lower and upper bound, 95 %."})
}

/// Object of these required fields, and of these optional ones.
fn object_schema(required: Vec<(&str, Value)>, optional: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let all = required.iter().chain(optional).map(|(name, schema)| ((*name).to_owned(), schema.clone()));
    json!({"type": "object", "properties": all.collect::<Map<_, _>>(), "required": names})
}
