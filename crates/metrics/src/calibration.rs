use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OperatingPoint, Temperature, argmax};

/// Temperature and thresholds of a trained network, learnt from the validation part and stored beside the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Temperature by which logits are divided before softmax; `None` leaves them as they are.
    #[serde(flatten)]
    pub temperature: Option<Temperature>,
    /// A threshold for each class, in class order; none where none was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<OperatingPoint>,
}

impl Calibration {
    /// Tells if nothing was learnt: no temperature and no operating point.
    pub fn is_empty(&self) -> bool {
        self.temperature.is_none() && self.operating_points.is_empty()
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
        let points = &self.operating_points;
        let fit = points.iter().map(|point| &point.label).eq(classes);
        (!points.is_empty() && !fit).then(|| "its operating points are of other classes".to_owned())
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
