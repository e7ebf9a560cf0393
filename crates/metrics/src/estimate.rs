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

    /// Returns the figure with the reason for a missing value or interval in words, which name the classes.
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
#[derive(Clone, Copy, Debug, PartialEq)]
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
        self.units.too_few().map_or_else(|| sample.usable(), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Figures, IntervalMethod, scores::numbered};

    /// Three classes of 4, 2 and 2 images, in 3, 2 and 2 groups.
    fn kinds_by_key() -> Figures<IntervalKind> {
        let predicted = [0, 0, 1, 2, 1, 0, 2, 2];
        let rows =
            predicted.iter().flat_map(|&predicted| [0, 1, 2].map(|class| f64::from(class == predicted)));
        let scores = numbered(3, vec![0, 0, 0, 0, 1, 1, 2, 2], rows.collect());
        let scores = scores.with_groups(Some(vec![0, 0, 1, 2, 3, 4, 5, 6])).unwrap();
        let units = Units::new(3, scores.classes(), scores.groups());
        Figures::of_row(kinds(&ResampledSet::new(&scores), &units))
    }

    #[test]
    fn shares_are_of_the_images_and_units_that_they_count() {
        let kinds = kinds_by_key();
        let share =
            |of: u8, units: u8| Some(IntervalKind::Share { of: f64::from(of), units: f64::from(units) });
        assert_eq!(kinds.get("accuracy").copied(), share(8, 7));
        for (class, key, of, units) in [
            (0, "precision", 3, 2),
            (0, "recall", 4, 3),
            (0, "specificity", 4, 4),
            (1, "precision", 2, 2),
            (1, "recall", 2, 2),
            (1, "specificity", 6, 5),
            (2, "precision", 3, 3),
        ] {
            assert_eq!(kinds.of_class(class, key).copied(), share(of, units), "{key} of {class}");
        }
    }

    #[test]
    fn areas_and_means_know_how_many_images_would_give_their_variance() {
        let kinds = kinds_by_key();
        let of_class = |class, key| kinds.of_class(class, key).copied().unwrap();
        assert_eq!(of_class(0, "f1"), IntervalKind::Counted { low: 0.0, images: 3.0 });
        assert_eq!(of_class(0, "average_precision"), IntervalKind::Area { images: 3.0 });
        // 4 m (M - m) / M for m of M units.
        assert_eq!(of_class(0, "roc_auc"), IntervalKind::Area { images: 4.0 * 3.0 * 4.0 / 7.0 });
        assert_eq!(of_class(1, "roc_auc"), IntervalKind::Area { images: 4.0 * 2.0 * 5.0 / 7.0 });
        let of_set = |key| kinds.get(key).copied().unwrap();
        // 3² / (1/3 + 1/2 + 1/2).
        let IntervalKind::Counted { low, images } = of_set("balanced_accuracy") else { panic!("{kinds:?}") };
        assert!(low == 0.0 && (images - 6.75).abs() < 1e-12, "{images}");
        assert_eq!(of_set("cohen_kappa"), IntervalKind::Counted { low: -1.0, images });
        assert_eq!(of_set("macro_roc_auc"), of_class(1, "roc_auc"));
        assert_eq!(of_set("macro_average_precision"), IntervalKind::Area { images: 2.0 });
    }

    /// An estimate from four images of two classes, with the variance of its influences.
    fn estimate(grouped: bool, value: f64, kind: IntervalKind, sample: &[f64], variance: f64) -> Estimate {
        let units = Units::new(2, &[0, 0, 1, 1], None);
        let evidence = Evidence { units: &units, grouped, distances: None };
        let sample = Resamples { values: sample.to_vec(), undefined: 1 };
        let moments = || InfluenceMoments { variance, acceleration: 0.0, inflation: 1.0 };
        evidence.estimate(Ok(value), kind, Some(&sample), moments)
    }

    #[test]
    fn a_share_of_groups_is_of_as_many_images_as_would_have_their_variance() {
        let kind = IntervalKind::Share { of: 100.0, units: 10.0 };
        let interval = |grouped, value, variance| estimate(grouped, value, kind, &[], variance).interval;
        assert_eq!(interval(false, 0.5, 0.25 / 20.0), Ok(wilson(0.5, 100.0)));
        assert_eq!(interval(true, 0.5, 0.25 / 20.0), Ok(wilson(0.5, 20.0)));
        assert_eq!(interval(true, 0.5, 0.25 / 200.0), Ok(wilson(0.5, 100.0)));
        // Without any variance each unit is one image.
        assert_eq!(interval(true, 1.0, 0.0), Ok(wilson(1.0, 10.0)));
    }

    #[test]
    fn a_figure_of_equal_resamples_has_wilsons_interval_on_its_own_scale() {
        let sample = [0.0; 40];
        let kind = IntervalKind::Counted { low: -1.0, images: 20.0 };
        let share = wilson(0.5, 20.0);
        let expected = Interval {
            low: 2.0 * share.low - 1.0,
            high: 2.0 * share.high - 1.0,
            method: IntervalMethod::Wilson,
        };
        let found = estimate(false, 0.0, kind, &sample, 1.0).interval.unwrap();
        assert!((found.low - expected.low).abs() < 1e-15, "{found:?}");
        assert!((found.high - expected.high).abs() < 1e-15, "{found:?}");
        assert_eq!(found.method, expected.method);
        let area = estimate(false, 0.75, IntervalKind::Area { images: 9.0 }, &sample, 1.0);
        assert_eq!(area.interval, Ok(wilson(0.75, 9.0)));
    }

    #[test]
    fn two_units_of_a_class_are_enough_to_draw_from_and_one_is_not() {
        let sample: Vec<f64> = (0..40).map(f64::from).collect();
        let interval = |labels: &[usize]| {
            let units = Units::new(2, labels, None);
            let evidence = Evidence { units: &units, grouped: false, distances: None };
            let sample = Resamples { values: sample.clone(), undefined: 0 };
            evidence.drawn(Some(&sample)).map(<[f64]>::len)
        };
        assert_eq!(interval(&[0, 0, 1, 1]), Ok(40));
        assert_eq!(interval(&[0, 0, 1]), Err(Undefined::TooFewToDraw(1)));
    }

    #[test]
    fn only_a_share_leaves_no_resample_out() {
        let sample: Vec<f64> = (0..40).map(|at| f64::from(at) / 40.0).collect();
        let undefined = |kind| estimate(false, 0.5, kind, &sample, 1.0).undefined_resamples;
        assert_eq!(undefined(IntervalKind::Share { of: 4.0, units: 4.0 }), 0);
        assert_eq!(undefined(IntervalKind::Counted { low: 0.0, images: 4.0 }), 1);
    }

    #[test]
    fn an_estimate_in_words_names_the_class_that_a_figure_lacks() {
        let classes = ["COVID-19", "NORMAL"];
        let interval = wilson(0.5, 4.0);
        let known = Estimate { value: Ok(0.5), interval: Ok(interval), undefined_resamples: 0 };
        let ends = Some([interval.low, interval.high]);
        assert_eq!(known.named(&classes), Figure { value: Some(0.5), interval: ends, missing: None });
        let few = Estimate { interval: Err(Undefined::TooFewToDraw(1)), ..known };
        let missing = Some("fewer than two images or groups of class `NORMAL` to draw from".to_owned());
        assert_eq!(few.named(&classes), Figure { value: Some(0.5), interval: None, missing });
        let none = Estimate { value: Err(Undefined::NoImageOf(0)), ..few };
        let missing = Some("no image of class `COVID-19` in the set".to_owned());
        assert_eq!(none.named(&classes), Figure { value: None, interval: None, missing });
    }
}
