use crate::Scores;

/// Number of bins of confidence.
pub const RELIABILITY_BINS: usize = 15;

/// One bin of a reliability table: the images whose highest probability lies in `(low, high]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge, exclusive (0 itself falls into the first bin).
    pub low: f64,
    /// Upper edge, inclusive.
    pub high: f64,
    /// Images in the bin.
    pub count: u64,
    /// Mean of their highest probabilities, in `[0, 1]`; `None` for an empty bin.
    pub mean_confidence: Option<f64>,
    /// Share of them that is right, in `[0, 1]`; `None` for an empty bin.
    pub accuracy: Option<f64>,
}

/// Reliability table: a network's accuracy at each level of its confidence, in 15 bins of equal width of the
/// highest probability (Guo and others 2017, arXiv 1706.04599). Without images for labels that do not exclude each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// The bins from 0 to 1, in order.
    pub bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// Sorts every image into its bin.
    pub fn new(scores: &Scores) -> Self {
        Self::of_pairs(confidences(scores))
    }

    /// Sorts every image in which a label is known into the bin of its probability: then `mean_confidence` is the mean
    /// probability, and `accuracy` the share of positive images.
    pub fn of_label(scores: &Scores, label: usize) -> Self {
        let known = scores.column(label).enumerate();
        Self::of_pairs(known.filter_map(|(image, p)| Some((p, scores.targets().value(image, label)?))))
    }

    fn of_pairs(pairs: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut sums = [(0u64, 0.0, 0u64); RELIABILITY_BINS];
        for (confidence, right) in pairs {
            let (count, confidences, hits) = &mut sums[bin(confidence)];
            *count += 1;
            *confidences += confidence;
            *hits += u64::from(right);
        }
        let edge = |at: usize| at as f64 / RELIABILITY_BINS as f64;
        let bins = sums.iter().enumerate().map(|(at, &(count, confidences, hits))| ReliabilityBin {
            low: edge(at),
            high: edge(at + 1),
            count,
            mean_confidence: (count > 0).then(|| confidences / count as f64),
            accuracy: (count > 0).then(|| hits as f64 / count as f64),
        });
        Self { bins: bins.collect() }
    }

    /// Mean distance between confidence and accuracy, weighted by the bins' images, in `[0, 1]`: the expected
    /// calibration error; `None` without images.
    pub fn expected_calibration_error(&self) -> Option<f64> {
        let images: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let gap =
            |bin: &ReliabilityBin| Some(bin.count as f64 * (bin.accuracy? - bin.mean_confidence?).abs());
        (images > 0).then(|| self.bins.iter().filter_map(gap).sum::<f64>() / images as f64)
    }
}

/// The bin of a confidence, upper edges inclusive: `ceil(15 p) - 1`, kept among the bins.
pub(crate) fn bin(confidence: f64) -> usize {
    let at = (confidence * RELIABILITY_BINS as f64).ceil() - 1.0;
    at.clamp(0.0, (RELIABILITY_BINS - 1) as f64) as usize
}

/// Each image's highest probability, and whether it is the true class's.
pub(crate) fn confidences(scores: &Scores) -> impl Iterator<Item = (f64, bool)> {
    scores
        .rows()
        .zip(scores.predicted())
        .map(|((label, row), predicted)| (row[predicted], predicted == label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::numbered;

    #[test]
    fn upper_edges_belong_to_their_bin() {
        assert_eq!([0.0, 1e-9, 1.0 / 15.0, 0.0667, 0.5, 1.0, 1.5].map(bin), [0, 0, 0, 1, 7, 14, 14]);
    }

    #[test]
    fn counts_confidence_and_accuracy_by_bin() {
        let scores = numbered(2, vec![0, 0, 1], vec![0.875, 0.125, 0.125, 0.875, 0.375, 0.625]);
        let table = Reliability::new(&scores);
        assert_eq!((table.bins.len(), table.bins[14].high), (15, 1.0));
        let bin = table.bins[13];
        assert_eq!((bin.count, bin.mean_confidence, bin.accuracy), (2, Some(0.875), Some(0.5)));
        let empty =
            ReliabilityBin { low: 0.0, high: 1.0 / 15.0, count: 0, mean_confidence: None, accuracy: None };
        assert_eq!(table.bins[0], empty);
        assert!((table.expected_calibration_error().unwrap() - (0.75 + 0.375) / 3.0).abs() < 1e-12);
        let empty = numbered(2, vec![], vec![]);
        assert_eq!(Reliability::new(&empty).expected_calibration_error(), None);
    }
}
