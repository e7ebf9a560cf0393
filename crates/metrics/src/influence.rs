use crate::{
    CLASS_FIGURES, FIGURES, Figures, Undefined, Value,
    figures::{ClassFormula, Formula, class_figure},
    prepared::{ResampledSet, assemble},
    units::Units,
};

/// Influence of each image on each figure: the amount by which one more of the image would move the figure, as the derivative
/// in the image's weight where every weight is 1 (the empirical influence function; Efron 1982, The Jackknife, the Bootstrap
/// and Other Resampling Plans, 6.6).
pub(crate) struct Influences {
    /// Each image's place in the confusion matrix.
    cells: Vec<usize>,
    /// By place, a row of every figure's slope in the place's count; empty where there is no image.
    slopes: Vec<Vec<f64>>,
    /// Values an image adds of its own, `[N]` each: its losses, its calibration gap and, by class, its areas'.
    vectors: Vec<Vec<f64>>,
    /// For every figure, its terms: a factor and the index of one of these vectors.
    terms: Vec<Vec<(f64, usize)>>,
}

/// Moments of one figure's sampling distribution, from its influences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct InfluenceMoments {
    /// The infinitesimal jackknife's variance, with the factor m / (m - 1) of a stratum of m units.
    pub(crate) variance: f64,
    /// BCa's acceleration: a sixth of the influences' skewness.
    pub(crate) acceleration: f64,
    /// Factor by which m / (m - 1) raises the variance above a bootstrap's, at least 1.
    pub(crate) inflation: f64,
}

/// Step of a numerical derivative in an image count: far below one image, far above rounding.
const STEP: f64 = 1e-3;

impl Influences {
    pub(crate) fn new(prepared: &ResampledSet<'_>, figures: &Figures<Value>) -> Self {
        let n_classes = prepared.rankings.len();
        let images = prepared.scores.len() as f64;
        let signed = |(&bin, gap): (&usize, &f64)| prepared.bin_gaps[bin].signum() * gap;
        let mut vectors = prepared.losses.clone();
        let gaps = vectors.len();
        vectors.push(prepared.bins.iter().zip(&prepared.gaps).map(signed).collect());
        // Where the vectors of a class's two areas begin.
        let mut areas = Vec::new();
        for (class, ranking) in prepared.rankings.iter().enumerate() {
            let value = |key| figures.of_class(class, key).and_then(|value| value.ok());
            areas.push(value("roc_auc").zip(value("average_precision")).map(|(auc, average_precision)| {
                let at = vectors.len();
                vectors.extend(ranking.influences(prepared.scores.len(), auc, average_precision));
                at
            }));
        }
        let mut support = vec![0.0; n_classes];
        prepared.scores.classes().iter().for_each(|&class| support[class] += 1.0);
        let of_class = |class: usize, formula: ClassFormula, weight: f64| {
            let offset = match formula {
                ClassFormula::RocAuc => 0,
                ClassFormula::AveragePrecision => 1,
                ClassFormula::Share(..) | ClassFormula::Counted(_) => return None,
            };
            areas[class].map(|at| (weight, at + offset))
        };
        let mut losses = 0..gaps;
        let of_set = FIGURES.iter().map(|spec| match spec.formula {
            Formula::Cells(_) => Vec::new(),
            Formula::MeanLoss(_) => losses.next().map(|vector| (1.0 / images, vector)).into_iter().collect(),
            Formula::CalibrationError => vec![(1.0 / images, gaps)],
            Formula::Mean { of, weighted } => {
                let weight =
                    |class: usize| if weighted { support[class] / images } else { 1.0 / n_classes as f64 };
                let formula = class_figure(of).map(|(_, formula)| formula);
                let terms =
                    |formula| (0..n_classes).filter_map(move |class| of_class(class, formula, weight(class)));
                formula.map(|formula| terms(formula).collect()).unwrap_or_default()
            }
        });
        let mut terms: Vec<Vec<(f64, usize)>> = of_set.collect();
        let classes = (0..n_classes).flat_map(|class| CLASS_FIGURES.iter().map(move |spec| (class, spec)));
        terms.extend(classes.map(|(class, spec)| of_class(class, spec.formula, 1.0).into_iter().collect()));
        let slopes = slopes(prepared, figures, &vectors[..=gaps]);
        Self { cells: prepared.cells.clone(), slopes, vectors, terms }
    }

    /// The influence of one image on figure number `figure` of [`Figures`].
    pub(crate) fn of(&self, figure: usize, image: usize) -> f64 {
        let own = self.terms[figure].iter().map(|&(weight, vector)| weight * self.vectors[vector][image]);
        self.slopes[self.cells[image]][figure] + own.sum::<f64>()
    }
}

/// By place of the confusion matrix, every figure's slope in its count, with areas and the sums of `losses` held, of which the
/// last are the calibration gaps.
fn slopes(prepared: &ResampledSet<'_>, figures: &Figures<Value>, losses: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n_classes = prepared.rankings.len();
    let area = |class, key| figures.of_class(class, key).copied().unwrap_or(Err(Undefined::NoImages));
    let areas: Vec<[Value; 2]> =
        (0..n_classes).map(|class| ["roc_auc", "average_precision"].map(|key| area(class, key))).collect();
    let mut sums: Vec<f64> = losses.iter().map(|losses| losses.iter().sum()).collect();
    let gaps = sums.pop().unwrap_or(0.0);
    let mut weights = vec![0.0; n_classes * n_classes];
    prepared.cells.iter().for_each(|&cell| weights[cell] += 1.0);
    let occupied: Vec<bool> = weights.iter().map(|&weight| weight > 0.0).collect();
    let mut moved = |cell: usize, by: f64| {
        let before = weights[cell];
        weights[cell] += by;
        let figures = assemble(&weights, &areas, &sums, gaps);
        weights[cell] = before;
        figures
    };
    let slope = |(more, fewer): (&Value, &Value)| match (more, fewer) {
        (Ok(more), Ok(fewer)) => (more - fewer) / (2.0 * STEP),
        _ => 0.0,
    };
    let row = |(cell, occupied): (usize, bool)| {
        if !occupied {
            return Vec::new();
        }
        let (more, fewer) = (moved(cell, STEP), moved(cell, -STEP));
        more.into_iter().zip(&fewer).map(slope).collect()
    };
    occupied.into_iter().enumerate().map(row).collect()
}

/// Variance and acceleration of a figure whose units' influences are summed by `influence`.
pub(crate) fn moments(units: &Units, influence: impl Fn(usize) -> f64) -> InfluenceMoments {
    let (mut variance, mut squares, mut cubes) = (0.0, 0.0, 0.0);
    for stratum in units.strata() {
        let m = stratum.len() as f64;
        let sums: Vec<f64> = stratum.map(|unit| unit.iter().map(|&image| influence(image)).sum()).collect();
        let mean = sums.iter().sum::<f64>() / m;
        let centred = || sums.iter().map(|sum| sum - mean);
        let square: f64 = centred().map(|value| value * value).sum();
        squares += square;
        cubes += centred().map(|value| value * value * value).sum::<f64>();
        variance += square * m / (m - 1.0).max(1.0);
    }
    let spread = squares > 0.0;
    let acceleration = if spread { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    InfluenceMoments { variance, acceleration, inflation: if spread { variance / squares } else { 1.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scores, scores::numbered};

    fn scores() -> Scores {
        let labels = vec![0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
        let row = |image: usize| {
            let weights =
                [1 + image * 7 % 11, 1 + image * 5 % 13, 2 + image * 3 % 7].map(|weight| weight as f64);
            weights.map(|weight| weight / weights.iter().sum::<f64>())
        };
        numbered(3, labels, (0..10).flat_map(row).collect())
    }

    /// The derivative in a weight is the limit of adding an image to many copies of the set.
    #[test]
    fn influences_are_derivatives_of_every_figure() {
        const COPIES: u32 = 100_000;
        let scores = scores();
        let prepared = ResampledSet::new(&scores);
        let influences = Influences::new(&prepared, &prepared.figures());
        for image in 0..scores.len() {
            let moved = |by: i32| {
                let mut counts = [COPIES; 10];
                counts[image] = counts[image].saturating_add_signed(by);
                prepared.row_of(&counts)
            };
            let (more, fewer) = (moved(100), moved(-100));
            assert_eq!(more.len(), FIGURES.len() + 3 * CLASS_FIGURES.len() + 1);
            for figure in 0..more.len() - 1 {
                let slope = (more[figure] - fewer[figure]) / (200.0 / f64::from(COPIES));
                let influence = influences.of(figure, image);
                assert!(
                    (slope - influence).abs() < 1e-5,
                    "figure {figure}, image {image}: {influence} is not {slope}"
                );
            }
        }
    }

    #[test]
    fn moments_are_those_of_a_mean() {
        // Influences 0, 0, 0, 4 over 4 units: centred -1, -1, -1, 3.
        let units = Units::new(2, &[0, 0, 0, 0], None);
        let found = moments(&units, |image| if image == 3 { 4.0 } else { 0.0 });
        assert_eq!(found.variance, 12.0 * 4.0 / 3.0);
        assert!((found.acceleration - 24.0 / (6.0 * 12f64.powf(1.5))).abs() < 1e-15);
        assert!((found.inflation - 4.0 / 3.0).abs() < 1e-15);
        // Two groups: 0 and 4, centred -2 and 2.
        let grouped =
            moments(
                &Units::new(2, &[0, 0, 0, 0], Some(&[0, 0, 1, 1])),
                |image| if image == 3 { 4.0 } else { 0.0 },
            );
        assert_eq!((grouped.variance, grouped.acceleration, grouped.inflation), (16.0, 0.0, 2.0));
    }

    #[test]
    fn units_of_one_influence_give_no_variance_and_no_correction() {
        let found = moments(&Units::new(2, &[0, 0, 1, 1], None), |_| 0.5);
        assert_eq!(found, InfluenceMoments { variance: 0.0, acceleration: 0.0, inflation: 1.0 });
    }
}
