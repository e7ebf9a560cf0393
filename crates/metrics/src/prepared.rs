use crate::{
    Figure, Figures, OneVsRest, Scores, Undefined,
    cells::Cells,
    figures::means,
    ranking::Ranking,
    reliability::{RELIABILITY_BINS, bin, confidences},
};

/// A set of images worked out so far that a resample has only to count: what each image adds to every figure.
pub(crate) struct Prepared<'a> {
    pub(crate) scores: &'a Scores,
    /// Each image's place in the confusion matrix, true class × C + predicted class.
    pub(crate) cells: Vec<usize>,
    /// Each image's -ln p of its class, in nats.
    pub(crate) log_losses: Vec<f64>,
    /// Each image's squared error summed over classes.
    pub(crate) briers: Vec<f64>,
    /// Each image's bin of confidence.
    pub(crate) bins: Vec<usize>,
    /// 1 if right, else 0, less the confidence.
    pub(crate) gaps: Vec<f64>,
    /// The gaps summed by bin.
    pub(crate) bin_gaps: [f64; RELIABILITY_BINS],
    /// One a class.
    pub(crate) rankings: Vec<Ranking>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(scores: &'a Scores) -> Self {
        let n_classes = scores.n_classes();
        let cell = |(&label, predicted): (&usize, usize)| label * n_classes + predicted;
        let bins: Vec<usize> = confidences(scores).map(|(confidence, _)| bin(confidence)).collect();
        let gaps: Vec<f64> =
            confidences(scores).map(|(confidence, right)| f64::from(right) - confidence).collect();
        let mut bin_gaps = [0.0; RELIABILITY_BINS];
        bins.iter().zip(&gaps).for_each(|(&bin, gap)| bin_gaps[bin] += gap);
        Self {
            scores,
            cells: scores.labels().iter().zip(scores.predicted()).map(cell).collect(),
            log_losses: scores.rows().map(|(label, row)| log_loss(label, row)).collect(),
            briers: scores.rows().map(|(label, row)| brier(label, row)).collect(),
            bins,
            gaps,
            bin_gaps,
            rankings: (0..n_classes).map(|class| Ranking::new(scores, class)).collect(),
        }
    }

    /// All figures of the images, each counted once.
    pub(crate) fn figures(&self) -> Figures<Figure> {
        self.count(&vec![1; self.scores.len()]).0
    }

    /// All figures of the images, each counted `counts[image]` times, in a row, NaN where undefined; last, how far the
    /// bins' calibration gaps lie from those of every image counted once, as shares of all images, summed.
    pub(crate) fn row_of(&self, counts: &[u32]) -> Vec<f64> {
        let (figures, gaps) = self.count(counts);
        let (images, own) =
            (self.scores.len() as f64, counts.iter().map(|&count| f64::from(count)).sum::<f64>());
        let distance = gaps.iter().zip(&self.bin_gaps).map(|(gap, whole)| (gap / own - whole / images).abs());
        let mut row: Vec<f64> =
            figures.into_row().into_iter().map(|figure| figure.unwrap_or(f64::NAN)).collect();
        row.push(distance.sum());
        row
    }

    fn count(&self, counts: &[u32]) -> (Figures<Figure>, [f64; RELIABILITY_BINS]) {
        let areas: Vec<[Figure; 2]> = self.rankings.iter().map(|ranking| ranking.areas(counts)).collect();
        let mut weights = vec![0.0; areas.len() * areas.len()];
        let (mut log_loss, mut brier) = (0.0, 0.0);
        let mut gaps = [0.0; RELIABILITY_BINS];
        for (image, &count) in counts.iter().enumerate() {
            let count = f64::from(count);
            weights[self.cells[image]] += count;
            log_loss += count * self.log_losses[image];
            brier += count * self.briers[image];
            gaps[self.bins[image]] += count * self.gaps[image];
        }
        let losses = [log_loss, brier, gaps.iter().map(|gap| gap.abs()).sum()];
        (assemble(&weights, &areas, losses), gaps)
    }
}

/// The figures from the weights of the confusion matrix, each class's areas, and the sums of log loss, Brier score
/// and calibration gaps.
pub(crate) fn assemble(weights: &[f64], areas: &[[Figure; 2]], losses: [f64; 3]) -> Figures<Figure> {
    let cells = Cells::new(areas.len(), weights);
    let class = |(class, &[roc_auc, average_precision]): (usize, &[Figure; 2])| {
        let of_cells = cells.class(class);
        OneVsRest {
            precision: of_cells.precision,
            recall: of_cells.recall,
            specificity: of_cells.specificity,
            f1: of_cells.f1,
            roc_auc,
            average_precision,
        }
    };
    let classes: Vec<_> = areas.iter().enumerate().map(class).collect();
    let [macro_mean, weighted_mean] = means(&classes, cells.support());
    let total: f64 = cells.support().iter().sum();
    let [log_loss, brier, expected_calibration_error] =
        losses.map(|sum| if total > 0.0 { Ok(sum / total) } else { Err(Undefined::NoImages) });
    Figures {
        accuracy: cells.accuracy(),
        balanced_accuracy: macro_mean.recall,
        cohen_kappa: cells.cohen_kappa(),
        matthews_corrcoef: cells.matthews_corrcoef(),
        log_loss,
        brier,
        expected_calibration_error,
        macro_mean,
        weighted_mean,
        classes,
    }
}

/// One image's -ln p, clipped to `[ε, 1 - ε]` with f64's ε, as scikit-learn's `log_loss` takes f64 probabilities, which is what
/// pandas and NumPy read from a file: since version 1.5 it does not divide rows by their sums, and no more is done here.
pub(crate) fn log_loss(label: usize, row: &[f64]) -> f64 {
    -row[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

fn brier(label: usize, row: &[f64]) -> f64 {
    let error = |(class, p): (usize, &f64)| (p - f64::from(class == label)).powi(2);
    row.iter().enumerate().map(error).sum()
}
