use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Scores, Temperature, ThresholdCounts, Undefined, curves::steps, ranking::RankingStep};

/// Rule by which a label's threshold is chosen on the validation part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ThresholdRule {
    /// Largest sum of sensitivity and specificity (Youden 1950, Cancer 3, 32–35).
    #[default]
    Youden,
    /// Largest F1.
    F1,
    /// Highest threshold whose sensitivity is at least this, in `(0, 1]`.
    Sensitivity(f64),
    /// Lowest threshold whose specificity is at least this, in `(0, 1]`.
    Specificity(f64),
}

/// Name of a [`ThresholdRule`] in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleName {
    /// [`ThresholdRule::Youden`].
    Youden,
    /// [`ThresholdRule::F1`].
    F1,
    /// [`ThresholdRule::Sensitivity`].
    Sensitivity,
    /// [`ThresholdRule::Specificity`].
    Specificity,
}

impl ThresholdRule {
    /// Returns the rule's name in files, and the share that it asks for, if it does.
    fn parts(self) -> (RuleName, Option<f64>) {
        match self {
            Self::Youden => (RuleName::Youden, None),
            Self::F1 => (RuleName::F1, None),
            Self::Sensitivity(target) => (RuleName::Sensitivity, Some(target)),
            Self::Specificity(target) => (RuleName::Specificity, Some(target)),
        }
    }
}

/// Temperature and threshold of one label, learnt on the validation part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelCalibration {
    /// The label.
    pub label: String,
    /// Temperature by which the label's logit is divided; `None` leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// Images whose probability, at the temperature if there is one, is at least this count as having the label.
    pub threshold: f64,
    /// Rule by which the threshold was chosen.
    pub rule: RuleName,
    /// Sensitivity or specificity that the rule asked for, in `(0, 1]`; `None` where it asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// Sensitivity on the images that the threshold was chosen on, in `[0, 1]`; `None` where no positive one is known.
    pub sensitivity: Option<f64>,
    /// Specificity on them, in `[0, 1]`; `None` where no negative one is known.
    pub specificity: Option<f64>,
    /// Reason why the threshold is 0.5, where it could not be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Threshold where none can be chosen.
const MIDDLE: f64 = 0.5;

impl LabelCalibration {
    /// Chooses the threshold of a label on these images; images of one probability fall on the same side. Of several equally
    /// good thresholds it is the highest, but for a specificity the lowest. Where no positive or no negative image is known, it
    /// is 0.5, with a note.
    pub fn choose(
        scores: &Scores,
        label: usize,
        rule: ThresholdRule,
        temperature: Option<Temperature>,
    ) -> Self {
        let name = scores.labels().get(label).cloned().unwrap_or_default();
        let (threshold, note) = match threshold(scores, label, rule) {
            Ok(threshold) => (threshold, None),
            Err(why) => (MIDDLE, Some(format!("{} in the validation part", why.named(scores.labels())))),
        };
        let counts = ThresholdCounts::at(scores, label, threshold);
        let (rule, target) = rule.parts();
        Self {
            label: name,
            temperature,
            threshold,
            rule,
            target,
            sensitivity: counts.sensitivity().value.ok(),
            specificity: counts.specificity().value.ok(),
            note,
        }
    }
}

impl LabelCalibration {
    /// Returns the rule by which the threshold was chosen, in words.
    pub fn chosen_by(&self) -> String {
        let target = self.target.unwrap_or_default();
        match self.rule {
            RuleName::Youden => "largest sum of sensitivity and specificity".to_owned(),
            RuleName::F1 => "largest F1".to_owned(),
            RuleName::Sensitivity => format!("sensitivity of at least {target}"),
            RuleName::Specificity => format!("specificity of at least {target}"),
        }
    }
}

fn threshold(scores: &Scores, label: usize, rule: ThresholdRule) -> Result<f64, Undefined> {
    let (steps, (positives, negatives)) = steps(scores, label)?;
    if negatives == 0 {
        return Err(Undefined::NoNegative(label));
    }
    let (positives, negatives) = (positives as f64, negatives as f64);
    let sensitivity = |step: &RankingStep| step.hits as f64 / positives;
    let specificity = |step: &RankingStep| 1.0 - step.false_alarms as f64 / negatives;
    // The first of the largest, which has the highest threshold.
    let largest = |value: &dyn Fn(&RankingStep) -> f64| {
        let better = |best: Option<(f64, f64)>, step: &RankingStep| match (best, value(step)) {
            (Some(best), value) if value <= best.0 => Some(best),
            (_, value) => Some((value, step.threshold)),
        };
        steps.iter().fold(None, better).map(|(_, threshold)| threshold)
    };
    let found = match rule {
        ThresholdRule::Youden => largest(&|step| sensitivity(step) + specificity(step)),
        ThresholdRule::F1 => {
            largest(&|step| 2.0 * step.hits as f64 / ((step.hits + step.false_alarms) as f64 + positives))
        }
        ThresholdRule::Sensitivity(target) => {
            steps.iter().find(|step| sensitivity(step) >= target).map(|step| step.threshold)
        }
        ThresholdRule::Specificity(target) => {
            let reached = steps.iter().rev().find(|step| specificity(step) >= target);
            // Above every image: a network's probabilities are f32.
            let above = steps.first().map(|step| f64::from((step.threshold as f32).next_up()));
            reached.map(|step| step.threshold).or(above)
        }
    };
    found.or(steps.last().map(|step| step.threshold)).ok_or(Undefined::NeverKnown(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Targets;

    /// Probabilities of one label with its truth; `None` is unknown.
    fn scores(rows: &[(Option<bool>, f64)]) -> Scores {
        let targets = Targets::from_findings(["Edema"], rows.iter().map(|row| row.0).collect()).unwrap();
        Scores::new(targets, rows.iter().map(|row| row.1).collect()).unwrap()
    }

    const ROWS: [(Option<bool>, f64); 9] = [
        (Some(false), 0.95),
        (Some(true), 0.9),
        (Some(true), 0.8),
        (None, 0.75),
        (Some(false), 0.7),
        (Some(true), 0.5),
        (Some(false), 0.5),
        (Some(true), 0.25),
        (Some(false), 0.125),
    ];

    #[test]
    fn each_rule_has_its_threshold() {
        // Down the ranking: sensitivity 0, 1/4, 2/4, 2/4, 3/4, 1, 1; specificity 3/4, 3/4, 3/4, 2/4, 1/4, 1/4, 0.
        for (rule, threshold, sensitivity, specificity) in [
            (ThresholdRule::Youden, 0.8, 0.5, 0.75),
            // 2·4 / (7 + 4).
            (ThresholdRule::F1, 0.25, 1.0, 0.25),
            (ThresholdRule::Sensitivity(0.5), 0.8, 0.5, 0.75),
            (ThresholdRule::Sensitivity(0.51), 0.5, 0.75, 0.25),
            (ThresholdRule::Specificity(0.75), 0.8, 0.5, 0.75),
            (ThresholdRule::Specificity(0.5), 0.7, 0.5, 0.5),
            (ThresholdRule::Specificity(0.9), f64::from(0.95f32.next_up()), 0.0, 1.0),
        ] {
            let chosen = LabelCalibration::choose(&scores(&ROWS), 0, rule, None);
            assert_eq!((chosen.label.as_str(), chosen.threshold), ("Edema", threshold), "{rule:?}");
            assert_eq!(
                (chosen.sensitivity, chosen.specificity),
                (Some(sensitivity), Some(specificity)),
                "{rule:?}"
            );
            assert_eq!((chosen.rule, chosen.target), rule.parts());
            assert!(chosen.note.is_none() && !chosen.chosen_by().is_empty());
        }
    }

    #[test]
    fn without_images_of_both_kinds_it_is_one_half_with_a_note() {
        for (rows, note) in [
            (
                &[(Some(true), 0.9), (None, 0.5)][..],
                "no known negative image of `Edema` in the validation part",
            ),
            (&[(Some(false), 0.9)], "no known positive image of `Edema` in the validation part"),
            (&[(None, 0.9)], "`Edema` is known in no image in the validation part"),
        ] {
            let chosen = LabelCalibration::choose(&scores(rows), 0, ThresholdRule::F1, None);
            assert_eq!((chosen.threshold, chosen.note.as_deref()), (0.5, Some(note)));
        }
    }

    #[test]
    fn a_file_holds_the_rule_with_its_target() {
        let chosen = LabelCalibration::choose(&scores(&ROWS), 0, ThresholdRule::Sensitivity(0.9), None);
        let json = serde_json::to_value(&chosen).unwrap();
        assert_eq!((&json["rule"], &json["target"]), (&"sensitivity".into(), &0.9.into()));
        assert_eq!(serde_json::from_value::<LabelCalibration>(json).unwrap(), chosen);
        let chosen = LabelCalibration::choose(&scores(&ROWS), 0, ThresholdRule::Youden, None);
        let json = serde_json::to_value(&chosen).unwrap();
        assert_eq!((&json["rule"], json.get("target")), (&"youden".into(), None));
        assert_eq!(serde_json::from_value::<LabelCalibration>(json).unwrap(), chosen);
    }
}
