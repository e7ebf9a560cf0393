//! A run's records as what its page shows.

use std::collections::BTreeMap;

use data::{Occlusion, Sign};
use experiment::{Bounds, Calibration, ClassRow, OperatingRow, Seconds, TestFigures};
use metrics::Bound;
use report::{
    Audit, ClassFigures, Figure, ModelFigures, Occluded, OperatingPoint, Source, TemperatureFit, Uncalibrated,
};
use serde_json::Value;

use crate::audit::source_sentence;

/// One model's figures.
pub(super) fn figures(name: String, of: &TestFigures) -> ModelFigures {
    let table = Table { intervals: &of.intervals, undefined: &of.undefined, class: "" };
    let calibration = &of.calibration.sureness;
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
        calibration: uncalibrated(&of.calibration),
        operating_points: of.operating_points.iter().map(operating_point).collect(),
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

fn uncalibrated(of: &Calibration) -> Option<Uncalibrated> {
    let before = of.uncalibrated?;
    Some(Uncalibrated {
        temperature: of.temperature?,
        expected_calibration_error: before.expected_calibration_error,
        brier: before.brier,
        log_loss: before.log_loss,
    })
}

fn operating_point(row: &OperatingRow) -> OperatingPoint {
    let figure =
        |name: &str, value| Figure { value, interval: row.intervals.get(name).copied(), reason: None };
    OperatingPoint {
        label: row.label.clone(),
        target: row.target,
        threshold: row.threshold,
        sensitivity: figure("sensitivity", row.sensitivity),
        specificity: figure("specificity", row.specificity),
        validation: [row.validation.sensitivity, row.validation.specificity],
    }
}

/// The shortcut test, in the order of what is hidden.
pub(super) fn occluded(of: &BTreeMap<String, TestFigures>) -> Vec<Occluded> {
    let one = |part: Occlusion| {
        let (hidden, figures) = of.get_key_value(&part.to_string())?;
        let figures = self::figures(String::new(), figures);
        let (accuracy, balanced_accuracy) = (figures.accuracy, figures.balanced_accuracy);
        Some(Occluded { hidden: hidden.clone(), accuracy, balanced_accuracy })
    };
    Occlusion::ALL.into_iter().filter_map(one).collect()
}

/// `run.json`'s account of the saved model's temperature.
pub(super) fn temperature(of: &metrics::Calibration) -> Option<TemperatureFit> {
    let fit = of.temperature?;
    let bound = |bound| match bound {
        Bound::Lower => "lower".to_owned(),
        Bound::Upper => "upper".to_owned(),
    };
    Some(TemperatureFit {
        temperature: fit.value,
        bound: fit.bound.map(bound),
        images: fit.images,
        log_loss: fit.log_loss,
        expected_calibration_error: fit.expected_calibration_error,
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

/// A run's wall times by part, the whole last; parts that took no time were not done.
pub(super) fn seconds(of: &Seconds) -> Vec<(String, f64)> {
    let parts = [
        ("listing folders", of.scan),
        ("reading and decoding", of.decode),
        ("training", of.fit),
        ("testing both models", of.test),
        ("data audit and page", of.report),
        ("in all", of.total),
    ];
    parts.into_iter().filter(|(_, took)| *took > 0.0).map(|(part, took)| (part.to_owned(), took)).collect()
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

fn list(raw: &Value) -> &[Value] {
    raw.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_was_not_done() {
        assert_eq!(temperature(&metrics::Calibration::default()), None);
        assert!(occluded(&BTreeMap::new()).is_empty() && seconds(&Seconds::default()).is_empty());
        assert_eq!(audit(&json!({})).source_sentence, "Not tried: it takes two classes of ten images each.");
        assert_eq!([words(&Value::Null), words(&json!(["a", 1])), words(&json!(0.5))], ["–", "a, 1", "0.5"]);
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
