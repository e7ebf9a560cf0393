use crate::{
    CLASS_FIGURES, FIGURES, Figures, Scores, Undefined, Value,
    cells::Cells,
    figures::{ClassFormula, Formula, class_figure, weighted_mean},
    ranking::Ranking,
    reliability::{RELIABILITY_BINS, bin, confidences},
};

/// A set of images worked out so far that a resample has only to count: what each image adds to every figure.
pub(crate) struct ResampledSet<'a> {
    pub(crate) scores: &'a Scores,
    /// Each image's place in the confusion matrix, true class × C + predicted class.
    pub(crate) cells: Vec<usize>,
    /// Each image's loss, `[N]`, for each mean loss of [`FIGURES`] in their order.
    pub(crate) losses: Vec<Vec<f64>>,
    /// Each image's bin of confidence.
    pub(crate) bins: Vec<usize>,
    /// Each image's calibration gap, `[N]`: 1 if right, else 0, less the confidence.
    pub(crate) gaps: Vec<f64>,
    /// The gaps summed by bin.
    pub(crate) bin_gaps: [f64; RELIABILITY_BINS],
    /// Ranking of the images for each class.
    pub(crate) rankings: Vec<Ranking>,
}

impl<'a> ResampledSet<'a> {
    pub(crate) fn new(scores: &'a Scores) -> Self {
        let n_classes = scores.n_labels();
        let cell = |(&class, predicted): (&usize, usize)| class * n_classes + predicted;
        let bins: Vec<usize> = confidences(scores).map(|(confidence, _)| bin(confidence)).collect();
        let gaps: Vec<f64> =
            confidences(scores).map(|(confidence, right)| f64::from(right) - confidence).collect();
        let mut bin_gaps = [0.0; RELIABILITY_BINS];
        bins.iter().zip(&gaps).for_each(|(&bin, gap)| bin_gaps[bin] += gap);
        Self {
            scores,
            cells: scores.classes().iter().zip(scores.predicted()).map(cell).collect(),
            losses: FIGURES.iter().filter_map(|spec| losses(scores, spec.formula)).collect(),
            bins,
            gaps,
            bin_gaps,
            rankings: (0..n_classes).map(|class| Ranking::new(scores, class)).collect(),
        }
    }

    /// All figures of the images, each counted once.
    pub(crate) fn figures(&self) -> Figures<Value> {
        self.count(&vec![1; self.scores.len()]).0
    }

    /// All figures of the images, each counted `counts[image]` times, in a row, NaN where undefined; last, how far the
    /// bins' calibration gaps lie from those of every image counted once, as shares of all images, summed.
    pub(crate) fn row_of(&self, counts: &[u32]) -> Vec<f64> {
        let (figures, gaps) = self.count(counts);
        let (images, own) =
            (self.scores.len() as f64, counts.iter().map(|&count| f64::from(count)).sum::<f64>());
        let distance = gaps.iter().zip(&self.bin_gaps).map(|(gap, whole)| (gap / own - whole / images).abs());
        let mut row: Vec<f64> = figures.into_iter().map(|figure| figure.unwrap_or(f64::NAN)).collect();
        row.push(distance.sum());
        row
    }

    fn count(&self, counts: &[u32]) -> (Figures<Value>, [f64; RELIABILITY_BINS]) {
        let areas: Vec<[Value; 2]> = self.rankings.iter().map(|ranking| ranking.areas(counts)).collect();
        let mut weights = vec![0.0; areas.len() * areas.len()];
        let mut sums = vec![0.0; self.losses.len()];
        let mut gaps = [0.0; RELIABILITY_BINS];
        for (image, &count) in counts.iter().enumerate() {
            let count = f64::from(count);
            weights[self.cells[image]] += count;
            sums.iter_mut().zip(&self.losses).for_each(|(sum, losses)| *sum += count * losses[image]);
            gaps[self.bins[image]] += count * self.gaps[image];
        }
        let all_gaps = gaps.iter().map(|gap| gap.abs()).sum();
        (assemble(&weights, &areas, &sums, all_gaps), gaps)
    }
}

/// The figures from the weights of the confusion matrix, `[C, C]`; each class's areas under the ROC and the precision-recall
/// curve; the sum of each mean loss of [`FIGURES`], and that of the calibration gaps.
pub(crate) fn assemble(weights: &[f64], areas: &[[Value; 2]], losses: &[f64], gaps: f64) -> Figures<Value> {
    let cells = Cells::new(areas.len(), weights);
    let of_class = |class: usize, formula: ClassFormula| match formula {
        ClassFormula::Share(value, _) | ClassFormula::Counted(value) => value(&cells, class),
        ClassFormula::RocAuc => areas[class][0],
        ClassFormula::AveragePrecision => areas[class][1],
    };
    let ones = vec![1.0; areas.len()];
    let total: f64 = cells.support().iter().sum();
    let per_image = |sum: f64| if total > 0.0 { Ok(sum / total) } else { Err(Undefined::NoImages) };
    let mut losses = losses.iter();
    let mut row: Vec<Value> = Vec::with_capacity(FIGURES.len() + areas.len() * CLASS_FIGURES.len());
    row.extend(FIGURES.iter().map(|spec| match spec.formula {
        Formula::Cells(value) => value(&cells),
        Formula::MeanLoss(_) => losses.next().map_or(Err(Undefined::NoImages), |&sum| per_image(sum)),
        Formula::CalibrationError => per_image(gaps),
        Formula::Mean { of, weighted } => {
            let (_, formula) = class_figure(of).ok_or(Undefined::NoImages)?;
            let classes = (0..areas.len()).map(|class| of_class(class, formula));
            weighted_mean(classes, if weighted { cells.support() } else { &ones })
        }
    }));
    let classes = (0..areas.len()).flat_map(|class| CLASS_FIGURES.iter().map(move |spec| (class, spec)));
    row.extend(classes.map(|(class, spec)| of_class(class, spec.formula)));
    Figures::of_row(row)
}

/// Each image's loss, `[N]`, where the figure is the mean of one.
fn losses(scores: &Scores, formula: Formula) -> Option<Vec<f64>> {
    match formula {
        Formula::MeanLoss(loss) => Some(scores.rows().map(|(label, row)| loss(label, row)).collect()),
        _ => None,
    }
}

/// One image's -ln p, clipped to `[ε, 1 - ε]` with f64's ε, as scikit-learn's `log_loss` takes f64 probabilities, which is what
/// pandas and NumPy read from a file: since version 1.5 it does not divide rows by their sums, and no more is done here.
pub(crate) fn log_loss(label: usize, row: &[f64]) -> f64 {
    -row[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// One image's squared error summed over classes.
pub(crate) fn brier(label: usize, row: &[f64]) -> f64 {
    let error = |(class, p): (usize, &f64)| (p - f64::from(class == label)).powi(2);
    row.iter().enumerate().map(error).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::numbered;

    #[test]
    fn a_row_has_the_figures_of_a_set_with_each_image_repeated() {
        let classes = [0, 0, 1, 1, 2, 2];
        let rows = [
            [0.75, 0.125, 0.125],
            [0.25, 0.5, 0.25],
            [0.125, 0.625, 0.25],
            [0.5, 0.375, 0.125],
            [0.25, 0.25, 0.5],
            [0.125, 0.25, 0.625],
        ];
        let scores = numbered(3, classes.to_vec(), rows.concat());
        let counts = [2, 1, 3, 1, 0, 2];
        let images = || counts.iter().enumerate().flat_map(|(image, &count)| vec![image; count as usize]);
        let repeated = numbered(
            3,
            images().map(|image| classes[image]).collect(),
            images().flat_map(|image| rows[image]).collect(),
        );
        let row = ResampledSet::new(&scores).row_of(&counts);
        let figures = ResampledSet::new(&repeated).figures();
        assert_eq!(row.len(), figures.row().len() + 1);
        for (figure, (value, expected)) in row.iter().zip(&figures).enumerate() {
            assert!(
                (value - expected.unwrap()).abs() < 1e-12,
                "figure {figure}: {value} is not {expected:?}"
            );
        }
    }

    #[test]
    fn a_rows_last_value_is_how_far_the_bins_gaps_lie_from_those_of_the_set() {
        let rows = vec![0.875, 0.125, 0.875, 0.125, 0.625, 0.375];
        let scores = numbered(2, vec![0, 1, 0], rows);
        let prepared = ResampledSet::new(&scores);
        let distance = |counts: [u32; 3]| *prepared.row_of(&counts).last().unwrap();
        assert_eq!(distance([1, 1, 1]), 0.0);
        // Gaps of -5/8 and 3/8 over four images, where the set's are -6/8 and 3/8 over three.
        assert!((distance([2, 1, 1]) - (0.25 - 0.625 / 4.0 + 0.125 - 0.375 / 4.0)).abs() < 1e-15);
    }

    #[test]
    fn a_loss_is_of_the_true_classs_probability_between_two_ends() {
        assert_eq!(log_loss(1, &[0.75, 0.25]), 4f64.ln());
        assert_eq!(log_loss(0, &[0.0, 1.0]), -f64::EPSILON.ln());
        assert_eq!(log_loss(1, &[0.0, 1.0]), -(1.0 - f64::EPSILON).ln());
        assert_eq!(brier(0, &[0.75, 0.25]), 0.125);
        assert_eq!(brier(1, &[0.75, 0.25]), 1.125);
    }
}
