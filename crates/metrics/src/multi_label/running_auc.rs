use serde::{Deserialize, Serialize};

use crate::{Undefined, Value};

/// Number of bins of probability, as Keras' `AUC` metric has thresholds (`keras/src/metrics/confusion_metrics.py`).
const BINS: usize = 200;

/// Running macro ROC AUC: counts of known images by label, truth and bin of probability, as Keras' `AUC(multi_label=True)`
/// keeps them. Probabilities within 1/200 of each other count as ties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunningAuc {
    /// Positive and negative images, `[L, 2, BINS]`, row by row.
    counts: Vec<u32>,
}

impl RunningAuc {
    /// Adds an image: what is known of each label, and its probability, `[L]`.
    pub fn add(&mut self, labels: impl ExactSizeIterator<Item = (Option<bool>, f64)>) {
        self.counts.resize(labels.len() * 2 * BINS, 0);
        for (label, (truth, p)) in labels.enumerate() {
            let Some(truth) = truth else { continue };
            let bin = ((p * BINS as f64) as usize).min(BINS - 1);
            let at = (label * 2 + usize::from(!truth)) * BINS + bin;
            self.counts[at] = self.counts[at].saturating_add(1);
        }
    }

    /// Computes the mean over the labels that have both kinds of images.
    ///
    /// # Errors
    /// No such label.
    pub fn value(&self) -> Value {
        let areas: Vec<f64> = self.counts.chunks_exact(2 * BINS).filter_map(area).collect();
        if areas.is_empty() {
            Err(Undefined::NoLabel)
        } else {
            Ok(areas.iter().sum::<f64>() / areas.len() as f64)
        }
    }
}

/// Area under a label's ROC curve, ties counting one half.
fn area(counts: &[u32]) -> Option<f64> {
    let (positives, negatives) = counts.split_at(BINS);
    let [all_positives, all_negatives] =
        [positives, negatives].map(|counts| counts.iter().map(|&count| f64::from(count)).sum::<f64>());
    let (mut below, mut pairs) = (0.0, 0.0);
    for (&positives, &negatives) in positives.iter().zip(negatives) {
        pairs += f64::from(positives) * (below + f64::from(negatives) / 2.0);
        below += f64::from(negatives);
    }
    (all_positives > 0.0 && all_negatives > 0.0).then(|| pairs / (all_positives * all_negatives))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_over_labels_with_both_kinds_and_ties_count_one_half() {
        let mut auc = RunningAuc::default();
        assert_eq!(auc.value(), Err(Undefined::NoLabel));
        let rows = [
            [(Some(true), 0.9), (Some(true), 0.9), (None, 0.5)],
            [(Some(false), 0.2), (Some(true), 0.1), (None, 0.5)],
            [(Some(false), 0.901), (None, 0.5), (Some(true), 1.0)],
            [(Some(true), 0.3), (None, 0.5), (Some(false), 0.0)],
        ];
        for row in rows {
            auc.add(row.into_iter());
        }
        // The first label: 0.9 above 0.2 and tied with 0.901, 0.3 above 0.2 and below 0.901; the second has no negative image.
        assert_eq!(auc.value(), Ok((2.5 / 4.0 + 1.0) / 2.0));
        let stored = serde_json::to_string(&auc).unwrap();
        assert_eq!(serde_json::from_str::<RunningAuc>(&stored).unwrap(), auc);
    }
}
