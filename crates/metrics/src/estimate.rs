use crate::{
    CLASS_FIGURES, FIGURES, Figure, Interval, Undefined, Value,
    figures::{ClassFormula, Formula, IntervalRule, class_figure},
    influence::InfluenceMoments,
    interval::{bca, logit, wilson},
    prepared::ResampledSet,
    resample::Resamples,
    units::Units,
};

/// A figure with its 95 % interval; either may be undefined, each for a reason of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure's value in the set.
    pub value: Value,
    /// Interval of the figure over all images like these, with 95 % confidence.
    pub interval: Result<Interval, Undefined>,
    /// Resamples left out of the interval because the figure is undefined in them.
    pub undefined_resamples: usize,
}

impl Estimate {
    /// A share of images with its Wilson interval; `reason` is why there is none of no images.
    pub(crate) fn of_share(hits: u64, of: u64, reason: Undefined) -> Self {
        let value = if of > 0 { Ok(hits as f64 / of as f64) } else { Err(reason) };
        Self { value, interval: value.map(|share| wilson(share, of as f64)), undefined_resamples: 0 }
    }

    /// Returns the same with reasons in words, which name the classes.
    pub fn named<S: AsRef<str>>(&self, classes: &[S]) -> Figure {
        let missing = self.value.err().or(self.interval.err());
        Figure {
            value: self.value.ok(),
            interval: self.interval.ok().map(|interval| [interval.low, interval.high]),
            missing: missing.map(|why| why.named(classes).to_string()),
        }
    }
}

/// Kind of a figure, by which its interval is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IntervalKind {
    /// A share of so many images, of which so many units hold one: Wilson.
    Share { of: f64, units: f64 },
    /// A mean or ratio of counts between `low` and 1: BCa. Where no resample differs, Wilson for so many images.
    Counted { low: f64, images: f64 },
    /// An area between 0 and 1, which crowds at 1: logit. Where no resample differs, Wilson for so many images.
    Area { images: f64 },
    /// A mean loss from 0 to `high`: BCa.
    Loss { high: f64 },
    /// The calibration error, biased as it is; see [`crate::IntervalMethod::CentredGaps`].
    CalibrationError,
    /// The difference of two models' figures: BCa.
    Difference,
}

/// The kind of every figure, in the order of [`crate::Figures`].
pub(crate) fn kinds(prepared: &ResampledSet<'_>, units: &Units) -> Vec<IntervalKind> {
    let n_classes = prepared.rankings.len();
    let images = prepared.scores.len();
    let share = |counts: &dyn Fn(usize) -> bool| IntervalKind::Share {
        of: (0..images).filter(|&image| counts(image)).count() as f64,
        units: units.strata().flatten().filter(|unit| unit.iter().any(|&image| counts(image))).count() as f64,
    };
    // The variance of a mean of the classes' shares is that of one share of this many images: C² / Σ 1/m.
    let drawn: Vec<f64> = units.per_class().map(|(_, units)| units as f64).collect();
    let inverses: f64 = drawn.iter().map(|units| 1.0 / units).sum();
    let images = (drawn.len() * drawn.len()) as f64 / inverses.max(f64::MIN_POSITIVE);
    let total: f64 = drawn.iter().sum();
    let of_class = |class: usize, formula: ClassFormula| {
        let own: f64 = units.per_class().filter(|(other, _)| *other == class).map(|(_, m)| m as f64).sum();
        match formula {
            ClassFormula::Share(_, counts) => share(&|image| {
                let cell = prepared.cells[image];
                counts(cell / n_classes == class, cell % n_classes == class)
            }),
            ClassFormula::Counted(_) => IntervalKind::Counted { low: 0.0, images: own },
            // Hanley and McNeil's variance (1982) near 1 is that of a share of this many images, by Newcombe's
            // method 5 (2006, Statistics in Medicine 25, 559–573).
            ClassFormula::RocAuc => IntervalKind::Area { images: 4.0 * own * (total - own) / total.max(1.0) },
            // Boyd, Eng and Page (2013): a share of the class's own images.
            ClassFormula::AveragePrecision => IntervalKind::Area { images: own },
        }
    };
    let of_mean = |formula: ClassFormula| match formula {
        ClassFormula::Share(..) | ClassFormula::Counted(_) => IntervalKind::Counted { low: 0.0, images },
        ClassFormula::RocAuc | ClassFormula::AveragePrecision => {
            let images = (0..n_classes).map(|class| match of_class(class, formula) {
                IntervalKind::Area { images } => images,
                _ => f64::INFINITY,
            });
            IntervalKind::Area { images: images.fold(f64::INFINITY, f64::min) }
        }
    };
    let of_set = FIGURES.iter().map(|spec| match (spec.interval, spec.formula) {
        (IntervalRule::Share, _) => share(&|_| true),
        (IntervalRule::Counted { low }, _) => IntervalKind::Counted { low, images },
        (IntervalRule::Mean, Formula::Mean { of, .. }) => match class_figure(of) {
            Some((_, formula)) => of_mean(formula),
            None => IntervalKind::Counted { low: 0.0, images },
        },
        (IntervalRule::Mean, _) => IntervalKind::Counted { low: 0.0, images },
        (IntervalRule::Loss { high }, _) => IntervalKind::Loss { high },
        (IntervalRule::CalibrationError, _) => IntervalKind::CalibrationError,
    });
    let classes = (0..n_classes).flat_map(|class| CLASS_FIGURES.iter().map(move |spec| (class, spec)));
    of_set.chain(classes.map(|(class, spec)| of_class(class, spec.formula))).collect()
}

/// Data from which intervals are made, besides the figure's kind.
pub(crate) struct Evidence<'a> {
    pub(crate) units: &'a Units,
    /// True where units are groups of images.
    pub(crate) grouped: bool,
    /// Distances of the bins' calibration gaps from those of the set, over all resamples.
    pub(crate) distances: Option<&'a Resamples>,
}

impl Evidence<'_> {
    pub(crate) fn estimate(
        &self,
        value: Value,
        kind: IntervalKind,
        sample: Option<&Resamples>,
        moments: impl FnOnce() -> InfluenceMoments,
    ) -> Estimate {
        let interval = value.and_then(|value| self.interval(value, kind, sample, moments));
        let undefined_resamples = match kind {
            IntervalKind::Share { .. } => 0,
            _ => sample.map_or(0, |sample| sample.undefined),
        };
        Estimate { value, interval, undefined_resamples }
    }

    fn interval(
        &self,
        value: f64,
        kind: IntervalKind,
        sample: Option<&Resamples>,
        moments: impl FnOnce() -> InfluenceMoments,
    ) -> Result<Interval, Undefined> {
        match kind {
            IntervalKind::Share { of, .. } if !self.grouped => Ok(wilson(value, of)),
            IntervalKind::Share { of, units } => {
                // Images of one group say less than as many of their own: as many as would have the same variance
                // (Korn and Graubard 1998, Survey Methodology 24, 193–201).
                let variance = moments().variance;
                let worth = if variance > 0.0 { value * (1.0 - value) / variance } else { units };
                Ok(wilson(value, worth.min(of)))
            }
            IntervalKind::Counted { low, images } => match self.drawn(sample) {
                Err(Undefined::Constant) => {
                    let share = wilson((value - low) / (1.0 - low), images);
                    let back = |end: f64| low + end * (1.0 - low);
                    Ok(Interval { low: back(share.low), high: back(share.high), ..share })
                }
                values => Ok(bca(value, values?, &moments()).within(low, 1.0)),
            },
            IntervalKind::Area { images } => match self.drawn(sample) {
                Err(Undefined::Constant) => Ok(wilson(value, images)),
                values => Ok(logit(value, values?, &moments())),
            },
            IntervalKind::Loss { high } => Ok(bca(value, self.drawn(sample)?, &moments()).within(0.0, high)),
            IntervalKind::CalibrationError => {
                Ok(Interval::of_calibration_error(value, self.drawn(sample)?, self.drawn(self.distances)?))
            }
            IntervalKind::Difference => Ok(bca(value, self.drawn(sample)?, &moments())),
        }
    }

    /// A sample's values, where they and what they were drawn from say how uncertain a figure is.
    fn drawn<'a>(&self, sample: Option<&'a Resamples>) -> Result<&'a [f64], Undefined> {
        let sample = sample.ok_or(Undefined::NotResampled)?;
        match self.units.per_class().find(|(_, units)| *units < 2) {
            Some((class, _)) => Err(Undefined::TooFewToDraw(class)),
            None => sample.usable(),
        }
    }
}
