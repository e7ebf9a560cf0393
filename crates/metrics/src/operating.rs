use crate::{Estimate, Scores, Undefined, curves::steps, ranking::Step};

/// A threshold on one class's probability, and what it does on a set of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// Index of the class.
    pub class: usize,
    /// Images whose probability of the class is at least this count as the class.
    pub threshold: f64,
    /// Images of the class that reach it.
    pub true_positives: u64,
    /// Images of the class.
    pub positives: u64,
    /// Images of other classes that stay below it.
    pub true_negatives: u64,
    /// Images of other classes.
    pub negatives: u64,
}

impl OperatingPoint {
    /// The highest threshold whose sensitivity is at least `sensitivity`, in `(0, 1]`; images of one probability fall
    /// on the same side, so that the sensitivity reached may be higher.
    ///
    /// # Errors
    /// No image of the class. A class out of range has no image.
    pub fn reaching(scores: &Scores, class: usize, sensitivity: f64) -> Result<Self, Undefined> {
        let (steps, (positives, negatives)) = steps(scores, class)?;
        let reaches = |step: &&Step| step.hits as f64 / positives as f64 >= sensitivity;
        let step = steps.iter().find(reaches).or(steps.last()).ok_or(Undefined::NoImages)?;
        Ok(Self {
            class,
            threshold: step.threshold,
            true_positives: step.hits,
            positives,
            true_negatives: negatives - step.false_alarms,
            negatives,
        })
    }

    /// What a threshold chosen elsewhere does on these images.
    pub fn at(scores: &Scores, class: usize, threshold: f64) -> Self {
        let mut point =
            Self { class, threshold, true_positives: 0, positives: 0, true_negatives: 0, negatives: 0 };
        for (label, row) in scores.rows() {
            let above = row.get(class).is_some_and(|&p| p >= threshold);
            if label == class {
                point.positives += 1;
                point.true_positives += u64::from(above);
            } else {
                point.negatives += 1;
                point.true_negatives += u64::from(!above);
            }
        }
        point
    }

    /// Of the class's images, the share that reaches the threshold, with its Wilson interval.
    pub fn sensitivity(&self) -> Estimate {
        Estimate::of_share(self.true_positives, self.positives, Undefined::NoImageOf(self.class))
    }

    /// Of the other classes' images, the share that stays below it, with its Wilson interval.
    pub fn specificity(&self) -> Estimate {
        Estimate::of_share(self.true_negatives, self.negatives, Undefined::OnlyImagesOf(self.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::binary;

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
            let point = OperatingPoint::reaching(&scores, 1, wanted).unwrap();
            assert_eq!(point.threshold, threshold, "{wanted}");
            assert_eq!(point.sensitivity().value, Ok(sensitivity), "{wanted}");
            assert_eq!(point.specificity().value, Ok(specificity), "{wanted}");
            assert_eq!(OperatingPoint::at(&scores, 1, threshold), point, "{wanted}");
        }
    }

    #[test]
    fn a_set_without_the_class_has_no_operating_point_and_one_without_others_no_specificity() {
        let scores = binary(&[(1, 0.9), (1, 0.5)]);
        assert_eq!(OperatingPoint::reaching(&scores, 0, 0.95), Err(Undefined::NoImageOf(0)));
        let point = OperatingPoint::reaching(&scores, 1, 0.95).unwrap();
        assert_eq!(point.specificity().value, Err(Undefined::OnlyImagesOf(1)));
        assert_eq!(OperatingPoint::at(&scores, 0, 0.5).sensitivity().value, Err(Undefined::NoImageOf(0)));
    }
}
