//! JSON of a run as what a page shows. Keys are only ever added: one that is not there is a thing that was not done.

use std::collections::BTreeMap;

use data::Sign;
use report::{
    Audit, ClassFigures, Figure, ModelFigures, Occluded, OperatingPoint, Source, TemperatureFit, Uncalibrated,
};
use serde_json::Value;
use train::{Bounds, ClassRow, TestFigures};

use crate::audit::source_sentence;

/// One model's figures; `raw` is what its JSON holds besides.
pub(super) fn figures(name: String, of: &TestFigures, raw: &Value) -> ModelFigures {
    let table = Table { intervals: &of.intervals, undefined: &of.undefined, class: "" };
    let calibration = &of.calibration;
    ModelFigures {
        name,
        images: of.images,
        loss: of.loss,
        accuracy: table.figure("accuracy", Some(of.accuracy)),
        counts: [of.true_positives, of.false_positives, of.true_negatives, of.false_negatives],
        precision: of.precision,
        recall: of.recall,
        balanced_accuracy: table.figure("balanced_accuracy", of.balanced_accuracy),
        macro_f1: table.figure("macro_f1", of.macro_mean.f1),
        macro_roc_auc: table.figure("macro_roc_auc", of.macro_mean.roc_auc),
        cohen_kappa: table.figure("cohen_kappa", of.cohen_kappa),
        matthews_corrcoef: table.figure("matthews_corrcoef", of.matthews_corrcoef),
        log_loss: table.figure("log_loss", calibration.log_loss),
        brier: table.figure("brier", calibration.brier),
        expected_calibration_error: table
            .figure("expected_calibration_error", calibration.expected_calibration_error),
        classes: of.classes.iter().map(|class| self::class(class, &of.undefined)).collect(),
        confusion_matrix: of.confusion_matrix.clone(),
        undefined: of.undefined.iter().map(|(name, why)| (name.replace('_', " "), why.clone())).collect(),
        groups: of.groups,
        seconds: of.seconds,
        images_per_second: of.images_per_second,
        calibration: uncalibrated(&raw["calibration"]),
        operating_points: list(&raw["operating_points"]).iter().map(operating_point).collect(),
    }
}

fn class(row: &ClassRow, undefined: &BTreeMap<String, String>) -> ClassFigures {
    let table = Table { intervals: &row.intervals, undefined, class: &row.label };
    let of = &row.figures;
    ClassFigures {
        label: row.label.clone(),
        support: row.support,
        few: row.few,
        precision: table.figure("precision", of.precision),
        recall: table.figure("recall", of.recall),
        specificity: table.figure("specificity", of.specificity),
        f1: table.figure("f1", of.f1),
        roc_auc: table.figure("roc_auc", of.roc_auc),
        average_precision: table.figure("average_precision", of.average_precision),
    }
}

/// Where a value's interval and reason stand.
struct Table<'a> {
    intervals: &'a BTreeMap<String, Bounds>,
    undefined: &'a BTreeMap<String, String>,
    /// The class that the figures are of, or none.
    class: &'a str,
}

impl Table<'_> {
    fn figure(&self, name: &str, value: Option<f64>) -> Figure {
        let of = if self.class.is_empty() { String::new() } else { format!(" of `{}`", self.class) };
        let missing = if value.is_some() { format!("interval of {name}{of}") } else { format!("{name}{of}") };
        Figure {
            value,
            interval: self.intervals.get(name).copied(),
            reason: self.undefined.get(&missing).cloned(),
        }
    }
}

fn uncalibrated(raw: &Value) -> Option<Uncalibrated> {
    let before = raw.get("uncalibrated")?;
    Some(Uncalibrated {
        temperature: raw["temperature"].as_f64()?,
        expected_calibration_error: before["expected_calibration_error"].as_f64(),
        brier: before["brier"].as_f64(),
        log_loss: before["log_loss"].as_f64(),
    })
}

fn operating_point(raw: &Value) -> OperatingPoint {
    let figure = |name: &str| Figure {
        value: raw[name].as_f64(),
        interval: bounds(&raw["intervals"][name]),
        reason: None,
    };
    OperatingPoint {
        label: words(&raw["label"]),
        target: raw["target"].as_f64(),
        threshold: raw["threshold"].as_f64(),
        sensitivity: figure("sensitivity"),
        specificity: figure("specificity"),
        validation: ["sensitivity", "specificity"].map(|name| raw["validation"][name].as_f64()),
    }
}

/// The shortcut test, in the order of what is hidden.
pub(super) fn occluded(raw: &Value) -> Vec<Occluded> {
    let kinds = ["lungs", "centre", "border"];
    let one = |kind: &str| {
        let of = raw.get(kind)?;
        let figure = |name: &str| Figure {
            value: of[name].as_f64(),
            interval: bounds(&of["intervals"][name]),
            reason: None,
        };
        Some(Occluded {
            hidden: kind.to_owned(),
            accuracy: figure("accuracy"),
            balanced_accuracy: figure("balanced_accuracy"),
        })
    };
    kinds.into_iter().filter_map(one).collect()
}

/// `run.json`'s account of the temperature.
pub(super) fn temperature(raw: &Value) -> Option<TemperatureFit> {
    let error = &raw["expected_calibration_error"];
    Some(TemperatureFit {
        temperature: raw["temperature"].as_f64()?,
        bound: raw["bound"].as_str().map(str::to_owned),
        images: raw["images"].as_u64().unwrap_or(0),
        log_loss: bounds(&raw["log_loss"])?,
        expected_calibration_error: [error[0].as_f64(), error[1].as_f64()],
    })
}

/// What `audit.json` comes to.
pub(super) fn audit(raw: &Value) -> Audit {
    let copies = list(&raw["copies"]);
    let across = |name: &str, pair: &Value| pair[name] == true;
    let across_sets = copies.iter().filter(|pair| across("across_sets", pair)).count();
    let across_classes =
        copies.iter().filter(|pair| !across("across_sets", pair) && across("across_classes", pair)).count();
    let source = source(&raw["source"]);
    let sentence = source_sentence(source);
    Audit {
        across_sets,
        across_classes,
        within: copies.len() - across_sets - across_classes,
        shared_groups: list(&raw["shared_groups"]).len(),
        grouped: raw["grouped"].as_u64().map(|grouped| grouped as usize),
        images: list(&raw["sets"]).iter().filter_map(|set| set["images"].as_u64()).sum::<u64>() as usize,
        unreadable: list(&raw["unreadable"]).len(),
        strange: list(&raw["strange"]).len(),
        source: source.map(|(sign, balanced_accuracy, chance)| Source {
            sign: match sign {
                Sign::None => report::Sign::None,
                Sign::Weak => report::Sign::Weak,
                Sign::Strong => report::Sign::Strong,
            },
            balanced_accuracy,
            chance,
        }),
        source_sentence: sentence,
    }
}

fn source(raw: &Value) -> Option<(Sign, f64, f64)> {
    let sign = match raw["sign"].as_str()? {
        "strong" => Sign::Strong,
        "weak" => Sign::Weak,
        _ => Sign::None,
    };
    Some((sign, raw["balanced_accuracy"].as_f64()?, raw["chance"].as_f64()?))
}

/// A run's wall times by part, the whole last.
pub(super) fn seconds(raw: &Value) -> Vec<(String, f64)> {
    let parts = [
        ("scan", "listing folders"),
        ("decode", "reading and decoding"),
        ("fit", "training"),
        ("test", "testing both models"),
        ("report", "data audit and page"),
        ("total", "in all"),
    ];
    let of = |(key, name): (&str, &str)| {
        Some((name.to_owned(), raw[key].as_f64().filter(|seconds| *seconds > 0.0)?))
    };
    parts.into_iter().filter_map(of).collect()
}

/// A setting's value without JSON's quotes.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn bounds(raw: &Value) -> Option<[f64; 2]> {
    Some([raw[0].as_f64()?, raw[1].as_f64()?])
}

fn list(raw: &Value) -> &[Value] {
    raw.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_was_not_done() {
        assert_eq!(temperature(&Value::Null), None);
        assert_eq!(uncalibrated(&json!({"brier": 0.1})), None);
        assert!(occluded(&Value::Null).is_empty() && seconds(&Value::Null).is_empty());
        assert_eq!(audit(&json!({})).source_sentence, "Not tried: it takes two classes of ten images each.");
    }

    #[test]
    fn calibration_operating_points_and_hidden_parts_are_read() {
        let fit =
            temperature(&json!({"temperature": 1.5, "bound": "upper", "images": 40, "log_loss": [0.5, 0.4],
                                      "expected_calibration_error": [0.1, null]}));
        let fit = fit.unwrap();
        assert_eq!((fit.temperature, fit.bound.as_deref(), fit.images), (1.5, Some("upper"), 40));
        assert_eq!((fit.log_loss, fit.expected_calibration_error), ([0.5, 0.4], [Some(0.1), None]));
        let before = json!({"temperature": 1.5, "uncalibrated": {"brier": 0.2, "log_loss": 0.5}});
        let before = uncalibrated(&before).unwrap();
        assert_eq!((before.brier, before.expected_calibration_error), (Some(0.2), None));
        let point = operating_point(
            &json!({"label": "A", "target": 0.95, "threshold": 0.3, "sensitivity": 0.9,
            "specificity": null, "intervals": {"sensitivity": [0.8, 0.95]}, "validation": {"sensitivity": 0.96}}),
        );
        assert_eq!((point.sensitivity.interval, point.specificity.value), (Some([0.8, 0.95]), None));
        assert_eq!(point.validation, [Some(0.96), None]);
        let hidden = occluded(
            &json!({"border": {"accuracy": 0.9}, "lungs": {"accuracy": 0.5, "intervals": {"accuracy": [0.4, 0.6]}}}),
        );
        assert_eq!(hidden.iter().map(|part| part.hidden.as_str()).collect::<Vec<_>>(), ["lungs", "border"]);
        assert_eq!(hidden[0].accuracy.interval, Some([0.4, 0.6]));
    }

    #[test]
    fn an_audit_is_counted() {
        let pair = |sets: bool, classes: bool| json!({"across_sets": sets, "across_classes": classes});
        let found = audit(&json!({
            "copies": [pair(true, true), pair(true, false), pair(false, true), pair(false, false)],
            "shared_groups": [{}], "grouped": 7, "sets": [{"images": 8}, {"images": 2}], "strange": [1, 2],
            "source": {"sign": "strong", "balanced_accuracy": 0.84, "chance": 0.33},
        }));
        assert_eq!(
            [found.across_sets, found.across_classes, found.within, found.shared_groups],
            [2, 1, 1, 1]
        );
        assert_eq!((found.grouped, found.images, found.strange), (Some(7), 10, 2));
        assert!(found.source_sentence.starts_with("Yes: "), "{}", found.source_sentence);
    }
}
