use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LabelCalibration, OperatingPoint, Temperature, argmax};

/// Temperature and thresholds of a trained network, learnt from the validation part and stored beside the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Temperature by which logits are divided before softmax; `None` leaves them as they are.
    #[serde(flatten)]
    pub temperature: Option<Temperature>,
    /// A threshold for each class, in class order; none where none was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<OperatingPoint>,
    /// Temperature and threshold of each label, in label order; none of classes that exclude each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelCalibration>,
}

/// Threshold of a label without one of its own.
pub const DEFAULT_THRESHOLD: f64 = 0.5;

impl Calibration {
    /// Tells if nothing was learnt: no temperature, no operating point and no threshold of a label.
    pub fn is_empty(&self) -> bool {
        self.temperature.is_none() && self.operating_points.is_empty() && self.labels.is_empty()
    }

    /// Returns the threshold of each of `n_labels` labels, [`DEFAULT_THRESHOLD`] for those without one.
    pub fn thresholds(&self, n_labels: usize) -> Vec<f64> {
        let own = self.labels.iter().map(|label| label.threshold);
        own.chain(std::iter::repeat(DEFAULT_THRESHOLD)).take(n_labels).collect()
    }

    /// Returns the divisor of each of `n_labels` logits before the logistic function, 1 for those without a temperature.
    pub fn temperatures(&self, n_labels: usize) -> Vec<f64> {
        let own =
            self.labels.iter().map(|label| label.temperature.map_or(1.0, |temperature| temperature.value));
        own.chain(std::iter::repeat(1.0)).take(n_labels).collect()
    }

    /// Tells for each label if its probability reaches its threshold.
    pub fn positive(&self, probabilities: &[f32]) -> Vec<bool> {
        let thresholds = self.thresholds(probabilities.len());
        probabilities.iter().zip(thresholds).map(|(&p, threshold)| f64::from(p) >= threshold).collect()
    }

    /// Returns the class to act on, given the probability of each; `None` where that is uncertain: the largest is below
    /// `least`, or, with operating points, no class or more than one reaches its threshold.
    pub fn decide(&self, probabilities: &[f32], least: Option<f64>) -> Option<usize> {
        let largest = argmax(probabilities);
        let probability = f64::from(*probabilities.get(largest)?);
        if least.is_some_and(|least| probability < least) {
            return None;
        }
        if self.operating_points.is_empty() {
            return Some(largest);
        }
        let pairs = self.operating_points.iter().zip(probabilities).enumerate();
        let mut reached = pairs.filter(|(_, (point, p))| f64::from(**p) >= point.threshold);
        let (class, _) = reached.next()?;
        reached.next().is_none().then_some(class)
    }

    /// Returns the reason why a network of these classes cannot use it, if there is one: files come from anywhere.
    pub fn problem(&self, classes: &[String]) -> Option<String> {
        match self.temperature {
            Some(Temperature { value, .. }) if !(value.is_finite() && value > 0.0) => {
                return Some(format!("its temperature is {value}"));
            }
            _ => {}
        }
        let divisor =
            |label: &LabelCalibration| label.temperature.map_or(1.0, |temperature| temperature.value);
        let is_right = |value: f64| value.is_finite() && value > 0.0;
        let is_wrong = |label: &LabelCalibration| !is_right(divisor(label)) || !label.threshold.is_finite();
        if let Some(label) = self.labels.iter().find(|label| is_wrong(label)) {
            return Some(format!(
                "temperature or threshold of `{}` is no number that it can be",
                label.label
            ));
        }
        let points = &self.operating_points;
        let fit = points.iter().map(|point| &point.label).eq(classes);
        if !points.is_empty() && !fit {
            return Some("its operating points are of other classes".to_owned());
        }
        let fit = self.labels.iter().map(|label| &label.label).eq(classes);
        (!self.labels.is_empty() && !fit).then(|| "its thresholds are of other labels".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_must_reach_its_threshold_and_no_other() {
        let point = |label: &str, threshold| OperatingPoint {
            label: label.to_owned(),
            target: 0.95,
            threshold,
            sensitivity: 1.0,
            specificity: None,
        };
        let plain = Calibration::default();
        assert_eq!(plain.decide(&[0.2, 0.4, 0.4], None), Some(1));
        assert_eq!(plain.decide(&[0.2, 0.4, 0.4], Some(0.5)), None);
        assert_eq!(plain.decide(&[0.5, 0.5, 0.0], Some(0.5)), Some(0));
        assert_eq!(plain.decide(&[], None), None);
        let points = vec![point("a", 0.25), point("b", 0.75), point("c", 0.5)];
        let pointed = Calibration { operating_points: points, ..plain };
        // The most probable class need not be the one that reaches its threshold.
        assert_eq!(pointed.decide(&[0.25, 0.5, 0.25], None), Some(0));
        assert_eq!(pointed.decide(&[0.375, 0.125, 0.5], None), None, "two reach theirs");
        assert_eq!(pointed.decide(&[0.125, 0.5, 0.375], None), None, "none does");
        assert_eq!(pointed.decide(&[0.25, 0.5, 0.25], Some(0.6)), None);
    }

    fn of_temperature(value: f64) -> Calibration {
        let (log_loss, expected_calibration_error) = ([0.5, 0.25], [0.125, 0.0625]);
        let temperature = Temperature { value, bound: None, images: 9, log_loss, expected_calibration_error };
        Calibration { temperature: Some(temperature), ..Calibration::default() }
    }

    fn of_points(labels: &[&str]) -> Calibration {
        let point = |label: &&str| OperatingPoint {
            label: (*label).to_owned(),
            target: 0.95,
            threshold: 0.5,
            sensitivity: 1.0,
            specificity: None,
        };
        Calibration { operating_points: labels.iter().map(point).collect(), ..Calibration::default() }
    }

    #[test]
    fn a_calibration_is_empty_without_a_temperature_and_operating_points() {
        assert!(Calibration::default().is_empty());
        assert!(!of_temperature(1.5).is_empty());
        assert!(!of_points(&["a", "b"]).is_empty());
    }

    #[test]
    fn a_temperature_that_is_not_above_zero_and_finite_cannot_be_used() {
        for (value, told) in [(0.0, "0"), (-1.5, "-1.5"), (f64::INFINITY, "inf"), (f64::NAN, "NaN")] {
            assert_eq!(of_temperature(value).problem(&[]), Some(format!("its temperature is {told}")));
        }
        assert_eq!(of_temperature(1.5).problem(&[]), None);
    }

    fn of_labels(labels: &[(&str, f64, Option<f64>)]) -> Calibration {
        let label = |&(label, threshold, value): &(&str, f64, Option<f64>)| LabelCalibration {
            label: label.to_owned(),
            temperature: value.map(|value| Temperature {
                value,
                bound: None,
                images: 9,
                log_loss: [0.5, 0.25],
                expected_calibration_error: [0.125, 0.0625],
            }),
            threshold,
            rule: crate::RuleName::Youden,
            target: None,
            sensitivity: None,
            specificity: None,
            note: None,
        };
        Calibration { labels: labels.iter().map(label).collect(), ..Calibration::default() }
    }

    #[test]
    fn each_label_has_its_threshold_and_temperature() {
        let calibration = of_labels(&[("a", 0.25, Some(2.0)), ("b", 0.75, None)]);
        assert!(!calibration.is_empty());
        assert_eq!(calibration.thresholds(2), [0.25, 0.75]);
        assert_eq!(calibration.temperatures(2), [2.0, 1.0]);
        assert_eq!(calibration.positive(&[0.25, 0.5]), [true, false]);
        assert_eq!(Calibration::default().positive(&[0.25, 0.5]), [false, true]);
        let names = ["a", "b"].map(str::to_owned);
        assert_eq!(calibration.problem(&names), None);
        let other = calibration.problem(&["b", "a"].map(str::to_owned));
        assert_eq!(other.as_deref(), Some("its thresholds are of other labels"));
        for labels in [[("a", f64::NAN, None)], [("a", 0.5, Some(0.0))], [("a", 0.5, Some(f64::NAN))]] {
            let problem = of_labels(&labels).problem(&names[..1]);
            assert_eq!(
                problem.as_deref(),
                Some("temperature or threshold of `a` is no number that it can be")
            );
        }
    }

    #[test]
    fn operating_points_must_be_of_the_networks_classes_in_their_order() {
        let classes = ["a", "b"].map(str::to_owned);
        let other = Some("its operating points are of other classes".to_owned());
        assert_eq!(of_points(&["a", "b"]).problem(&classes), None);
        assert_eq!(of_points(&[]).problem(&classes), None);
        for labels in [&["b", "a"][..], &["a"], &["a", "b", "c"]] {
            assert_eq!(of_points(labels).problem(&classes), other);
        }
    }
}
