use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Estimate, Scores, Undefined, curves::steps, ranking::RankingStep};

/// A threshold on one class's probability, chosen on the validation part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperatingPoint {
    /// The class.
    pub label: String,
    /// The sensitivity that was asked for, in `(0, 1]`.
    pub target: f64,
    /// Images whose probability of the class, at the temperature if there is one, is at least this count as the class.
    pub threshold: f64,
    /// Sensitivity on the images that the threshold was chosen on, in `[0, 1]`.
    pub sensitivity: f64,
    /// Specificity on them, in `[0, 1]`; `None` where all of them are of the class.
    pub specificity: Option<f64>,
}

impl OperatingPoint {
    /// Chooses the highest threshold on the probability of a class, by index, whose sensitivity is at least `target`, in
    /// `(0, 1]`; images of one probability fall on the same side, so that the sensitivity reached may be higher.
    ///
    /// # Errors
    /// No image of the class. A class out of range has no image.
    pub fn reaching(scores: &Scores, (class, label): (usize, &str), target: f64) -> Result<Self, Undefined> {
        let (steps, (positives, _)) = steps(scores, class)?;
        let reaches = |step: &&RankingStep| step.hits as f64 / positives as f64 >= target;
        let step = steps.iter().find(reaches).or(steps.last()).ok_or(Undefined::NoImages)?;
        let counts = ThresholdCounts::at(scores, class, step.threshold);
        Ok(Self {
            label: label.to_owned(),
            target,
            threshold: step.threshold,
            sensitivity: counts.sensitivity().value?,
            specificity: counts.specificity().value.ok(),
        })
    }
}

/// Images on either side of a threshold on one class's probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdCounts {
    /// Index of the class.
    pub class: usize,
    /// Images of the class that reach the threshold.
    pub true_positives: u64,
    /// Images of the class.
    pub positives: u64,
    /// Images of other classes that stay below it.
    pub true_negatives: u64,
    /// Images of other classes.
    pub negatives: u64,
}

impl ThresholdCounts {
    /// Counts the images of which the class is known; those whose probability of it is at least `threshold` reach it.
    pub fn at(scores: &Scores, class: usize, threshold: f64) -> Self {
        let mut counts = Self { class, true_positives: 0, positives: 0, true_negatives: 0, negatives: 0 };
        for (image, p) in scores.column(class).enumerate() {
            match scores.targets().value(image, class) {
                Some(true) => {
                    counts.positives += 1;
                    counts.true_positives += u64::from(p >= threshold);
                }
                Some(false) => {
                    counts.negatives += 1;
                    counts.true_negatives += u64::from(p < threshold);
                }
                None => {}
            }
        }
        counts
    }

    /// Share of the class's images that reaches the threshold, with its Wilson interval.
    pub fn sensitivity(&self) -> Estimate {
        Estimate::of_share(self.true_positives, self.positives, Undefined::NoImageOf(self.class))
    }

    /// Share of the other classes' images that stays below it, with its Wilson interval.
    pub fn specificity(&self) -> Estimate {
        Estimate::of_share(self.true_negatives, self.negatives, Undefined::OnlyImagesOf(self.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Targets, scores::binary};

    #[test]
    fn the_highest_threshold_that_reaches_the_sensitivity_takes_all_of_its_ties() {
        let scores = binary(&[(1, 0.9), (1, 0.5), (1, 0.5), (0, 0.5), (1, 0.2), (0, 0.1)]);
        for (wanted, threshold, sensitivity, specificity) in [
            (0.25, 0.9, 0.25, 1.0),
            (0.26, 0.5, 0.75, 0.5),
            (0.75, 0.5, 0.75, 0.5),
            (0.76, 0.2, 1.0, 0.5),
            (1.0, 0.2, 1.0, 0.5),
        ] {
            let point = OperatingPoint::reaching(&scores, (1, "sick"), wanted).unwrap();
            let expected = OperatingPoint {
                label: "sick".to_owned(),
                target: wanted,
                threshold,
                sensitivity,
                specificity: Some(specificity),
            };
            assert_eq!(point, expected);
        }
    }

    #[test]
    fn a_set_without_the_class_has_no_operating_point_and_one_without_others_no_specificity() {
        let scores = binary(&[(1, 0.9), (1, 0.5)]);
        assert_eq!(OperatingPoint::reaching(&scores, (0, "well"), 0.95), Err(Undefined::NoImageOf(0)));
        let point = OperatingPoint::reaching(&scores, (1, "sick"), 0.95).unwrap();
        assert_eq!((point.sensitivity, point.specificity), (1.0, None));
        let counts = ThresholdCounts::at(&scores, 1, 0.6);
        assert_eq!((counts.true_positives, counts.positives, counts.negatives), (1, 2, 0));
        assert_eq!(counts.specificity().value, Err(Undefined::OnlyImagesOf(1)));
        assert_eq!(ThresholdCounts::at(&scores, 0, 0.5).sensitivity().value, Err(Undefined::NoImageOf(0)));
    }

    #[test]
    fn images_of_which_a_label_is_unknown_are_on_neither_side() {
        let findings = vec![Some(true), Some(false), None, Some(true), None, Some(false)];
        let targets = Targets::from_findings(["Edema", "Mass"], findings).unwrap();
        let scores = Scores::new(targets, vec![0.75, 0.25, 0.5, 0.5, 0.875, 0.5]).unwrap();
        let edema =
            ThresholdCounts { class: 0, true_positives: 1, positives: 1, true_negatives: 0, negatives: 0 };
        assert_eq!(ThresholdCounts::at(&scores, 0, 0.75), edema);
        let mass =
            ThresholdCounts { class: 1, true_positives: 1, positives: 1, true_negatives: 1, negatives: 2 };
        assert_eq!(ThresholdCounts::at(&scores, 1, 0.5), mass);
        let none =
            ThresholdCounts { class: 2, true_positives: 0, positives: 0, true_negatives: 0, negatives: 0 };
        assert_eq!(ThresholdCounts::at(&scores, 2, 0.5), none);
        let point = OperatingPoint::reaching(&scores, (1, "Mass"), 0.9).unwrap();
        assert_eq!((point.threshold, point.sensitivity, point.specificity), (0.5, 1.0, Some(0.5)));
    }
}
