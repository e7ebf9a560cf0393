use crate::{Scores, Task, Undefined, Value};

/// Images in descending order of one class's or label's probability, sorted once, so that a resample only counts. Images whose
/// label is unknown are left out.
///
/// An entry is `image << 2 | is of the class << 1 | is the last of its ties`; ties are equal probabilities.
pub(crate) struct Ranking {
    entries: Vec<usize>,
    /// Probability of each step, in descending order.
    thresholds: Vec<f64>,
    missing: Missing,
}

/// Reasons why the areas of a ranking have no value.
#[derive(Clone, Copy)]
pub(crate) struct Missing {
    pub(crate) no_image: Undefined,
    pub(crate) no_hit: Undefined,
    pub(crate) no_miss: Undefined,
}

impl Missing {
    /// Reasons for a class, or for a label.
    pub(crate) fn of(task: Task, class: usize) -> Self {
        match task {
            Task::MultiClass => Self {
                no_image: Undefined::NoImages,
                no_hit: Undefined::NoImageOf(class),
                no_miss: Undefined::OnlyImagesOf(class),
            },
            Task::MultiLabel => Self {
                no_image: Undefined::NeverKnown(class),
                no_hit: Undefined::NoPositive(class),
                no_miss: Undefined::NoNegative(class),
            },
        }
    }
}

/// One step down a ranking: all images of one probability.
pub(crate) struct RankingStep {
    /// The images' probability.
    pub(crate) threshold: f64,
    /// Images of the class with at least this probability.
    pub(crate) hits: u64,
    /// Images of other classes with at least this probability.
    pub(crate) false_alarms: u64,
}

const HIT: usize = 2;
const LAST: usize = 1;

impl Ranking {
    /// Ranks the images by their probability of a class or label.
    pub(crate) fn new(scores: &Scores, class: usize) -> Self {
        Self::of_known(scores, class..class + 1, Missing::of(scores.task(), class))
    }

    /// Ranks all known pairs of an image and a label by their probability.
    pub(crate) fn of_all_labels(scores: &Scores) -> Self {
        let missing = Missing {
            no_image: Undefined::NothingKnown,
            no_hit: Undefined::NoPositiveAtAll,
            no_miss: Undefined::NoNegativeAtAll,
        };
        Self::of_known(scores, 0..scores.n_labels(), missing)
    }

    fn of_known(scores: &Scores, labels: std::ops::Range<usize>, missing: Missing) -> Self {
        let mut order: Vec<(f64, usize)> = Vec::new();
        for label in labels {
            order.extend(scores.column(label).enumerate().filter_map(|(image, p)| {
                let hit = scores.targets().value(image, label)?;
                // -0 and 0 are one threshold: adding 0 makes them one for total_cmp too.
                Some((p + 0.0, image << 2 | usize::from(hit) << 1))
            }));
        }
        order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let is_last = |at: usize| order.get(at + 1).is_none_or(|(next, _)| *next != order[at].0);
        let entries = order.iter().enumerate().map(|(at, (_, entry))| entry | usize::from(is_last(at)));
        let entries: Vec<usize> = entries.collect();
        let steps = order.iter().zip(&entries).filter(|(_, entry)| *entry & LAST != 0);
        let thresholds = steps.map(|((threshold, _), _)| *threshold).collect();
        Self { entries, thresholds, missing }
    }

    /// ROC AUC and average precision of images that count `counts[image]` times.
    ///
    /// AUC is the share of pairs in the right order, ties counting one half; average precision sums the precision
    /// at each distinct threshold times the recall gained there.
    pub(crate) fn areas(&self, counts: &[u32]) -> [Value; 2] {
        let (mut hits, mut misses, mut doubled_pairs, mut precisions) = (0u64, 0u64, 0u64, 0.0);
        let (mut tied_hits, mut tied) = (0u64, 0u64);
        for entry in &self.entries {
            let count = u64::from(counts[entry >> 2]);
            tied += count;
            tied_hits += count * (entry >> 1 & 1) as u64;
            if entry & LAST != 0 {
                doubled_pairs += (tied - tied_hits) * (2 * hits + tied_hits);
                hits += tied_hits;
                misses += tied - tied_hits;
                if tied_hits > 0 {
                    precisions += (tied_hits * hits) as f64 / (hits + misses) as f64;
                }
                (tied_hits, tied) = (0, 0);
            }
        }
        match (hits, misses) {
            (0, 0) => [Err(self.missing.no_image); 2],
            (0, _) => [Err(self.missing.no_hit); 2],
            (_, 0) => [Err(self.missing.no_miss), Ok(1.0)],
            _ => {
                let pairs = (hits * misses) as f64;
                [Ok(doubled_pairs as f64 / (2.0 * pairs)), Ok(precisions / hits as f64)]
            }
        }
    }

    /// The steps from the highest probability to the lowest, each image counting once.
    pub(crate) fn steps(&self) -> Vec<RankingStep> {
        let mut thresholds = self.thresholds.iter();
        let (mut hits, mut false_alarms) = (0, 0);
        let mut steps = Vec::new();
        for entry in &self.entries {
            if entry & HIT != 0 {
                hits += 1;
            } else {
                false_alarms += 1;
            }
            if entry & LAST != 0 {
                steps.extend(thresholds.next().map(|&threshold| RankingStep {
                    threshold,
                    hits,
                    false_alarms,
                }));
            }
        }
        steps
    }

    /// Computes the influence of each of `images` images on AUC and average precision, `[N]` each: their derivatives in the
    /// image's weight, where every weight is 1. Both figures must be defined.
    ///
    /// For AUC these are DeLong's placement values (1988, Biometrics 44, 837–845), centred and divided by the number
    /// of images of their kind.
    pub(crate) fn influences(&self, images: usize, auc: f64, average_precision: f64) -> [Vec<f64>; 2] {
        let steps = self.steps();
        let Some(all) = steps.last() else { return [Vec::new(), Vec::new()] };
        let (positives, negatives) = (all.hits as f64, all.false_alarms as f64);
        // Sums over the positives at or below each step of d precision / d weight, for a hit and a false alarm above.
        let mut below = vec![[0.0; 2]; steps.len() + 1];
        for (at, step) in steps.iter().enumerate().rev() {
            let gained = (step.hits - if at > 0 { steps[at - 1].hits } else { 0 }) as f64;
            let above = (step.hits + step.false_alarms) as f64;
            below[at][0] = below[at + 1][0] + gained * step.false_alarms as f64 / (above * above);
            below[at][1] = below[at + 1][1] - gained * step.hits as f64 / (above * above);
        }
        let mut influences = [vec![0.0; images], vec![0.0; images]];
        let mut at = 0;
        for entry in &self.entries {
            let (step, image) = (&steps[at], entry >> 2);
            let before = if at > 0 {
                &steps[at - 1]
            } else {
                &RankingStep { threshold: 0.0, hits: 0, false_alarms: 0 }
            };
            let middle = |now: u64, before: u64| (now + before) as f64 / 2.0;
            let of_entry = if entry & HIT != 0 {
                let placement = 1.0 - middle(step.false_alarms, before.false_alarms) / negatives;
                let precision = step.hits as f64 / (step.hits + step.false_alarms) as f64;
                [(placement - auc) / positives, (precision - average_precision + below[at][0]) / positives]
            } else {
                let placement = middle(step.hits, before.hits) / positives;
                [(placement - auc) / negatives, below[at][1] / positives]
            };
            influences.iter_mut().zip(of_entry).for_each(|(influences, own)| influences[image] += own);
            at += entry & LAST;
        }
        influences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Targets, scores::binary};

    /// Labels and the probability of class 1, with ties between and within the classes.
    fn tied() -> Scores {
        let rows = [(1, 0.9), (1, 0.5), (0, 0.5), (0, 0.5), (1, 0.5), (0, 0.25), (1, 0.125), (0, 0.0)];
        binary(&rows)
    }

    #[test]
    fn areas_count_images_as_often_as_they_are_drawn() {
        let ranking = Ranking::new(&tied(), 1);
        // 16 pairs: 4 + (1 + 1) + 2 + (1 + 1) + 2 + 1, where ties give one half.
        let [auc, average_precision] = ranking.areas(&[1; 8]);
        assert_eq!(auc, Ok((4.0 + 3.0 + 3.0 + 1.0) / 16.0));
        assert_eq!(average_precision, Ok((1.0 + 2.0 * 0.6 + 4.0 / 7.0) / 4.0));
        // Twice the first image, none of the second and third.
        let [auc, _] = ranking.areas(&[2, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(auc, Ok((3.0 + 3.0 + 2.5 + 1.0) / 12.0));
        assert_eq!(ranking.areas(&[0; 8]), [Err(Undefined::NoImages); 2]);
        assert_eq!(ranking.areas(&[0, 0, 1, 0, 0, 0, 0, 0]), [Err(Undefined::NoImageOf(1)); 2]);
        assert_eq!(ranking.areas(&[1, 0, 0, 0, 0, 0, 0, 0]), [Err(Undefined::OnlyImagesOf(1)), Ok(1.0)]);
    }

    #[test]
    fn an_image_whose_label_is_unknown_is_in_no_pair_and_moves_nothing() {
        let known = [(1, 0.75), (0, 0.5), (1, 0.25)];
        let findings = vec![Some(true), None, Some(false), Some(true)];
        let targets = Targets::from_findings(["Edema"], findings).unwrap();
        let scores = Scores::new(targets, vec![0.75, 0.625, 0.5, 0.25]).unwrap();
        let (ranking, without) = (Ranking::new(&scores, 0), Ranking::new(&binary(&known), 1));
        assert_eq!(ranking.areas(&[1; 4]), without.areas(&[1; 3]));
        let [auc, average_precision] = without.areas(&[1; 3]).map(Result::unwrap);
        assert_eq!((auc, average_precision), (0.5, (1.0 + 2.0 / 3.0) / 2.0));
        let influences = ranking.influences(4, auc, average_precision);
        let mut expected = without.influences(3, auc, average_precision);
        expected.iter_mut().for_each(|row| row.insert(1, 0.0));
        assert_eq!(influences, expected);
    }

    /// The derivative in a weight is the limit of adding an image to many copies of the set.
    #[test]
    fn influences_are_derivatives_in_an_images_weight() {
        let scores = tied();
        let ranking = Ranking::new(&scores, 1);
        let [auc, average_precision] = ranking.areas(&[1; 8]).map(Result::unwrap);
        let influences = ranking.influences(8, auc, average_precision);
        const COPIES: u32 = 100_000;
        for image in 0..8 {
            let moved = |by: i64| {
                let mut counts = [COPIES; 8];
                counts[image] = (i64::from(COPIES) + by) as u32;
                ranking.areas(&counts).map(Result::unwrap)
            };
            let (more, fewer) = (moved(100), moved(-100));
            for figure in 0..2 {
                let slope = (more[figure] - fewer[figure]) / (200.0 / f64::from(COPIES));
                assert!((slope - influences[figure][image]).abs() < 1e-6, "figure {figure} of image {image}");
            }
        }
    }
}
