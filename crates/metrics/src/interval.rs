use crate::{influence::InfluenceMoments, normal};

/// Confidence of every interval: the share of sets of images whose interval is meant to hold the true figure.
pub const CONFIDENCE: f64 = 0.95;

/// The normal distribution's 0.975 quantile.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Method that made it.
    pub method: IntervalMethod,
}

/// Method of an interval. The crate's docs list the coverage of each in simulated sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalMethod {
    /// Wilson's, see [`wilson`]; for figures other than shares, where no resample differs from the set, of a number of images
    /// that gives their variance.
    Wilson,
    /// The bootstrap's bias-corrected and accelerated interval (Efron 1987, Journal of the American Statistical
    /// Association 82, 171–185).
    Bca,
    /// Symmetric in ln(x / (1 - x)) with the bootstrap's standard error (Pepe 2003, The Statistical Evaluation of
    /// Medical Tests, 5.2.4), for areas under curves: they crowd at 1, where BCa covers too little.
    Logit,
    /// For the calibration error: its lower end is no further below the figure than the bins' gaps, centred on those of
    /// the set, lie apart in 95 % of resamples; its upper end is the resamples' 0.975 quantile. The figure's upward bias
    /// makes this interval wide, and its lower end 0 where a perfectly calibrated network could have given the figure.
    CentredGaps,
    /// Difference of two sets, see [`crate::independent_difference`].
    Mover,
}

impl IntervalMethod {
    /// Returns the method's name as papers have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wilson => "Wilson",
            Self::Bca => "BCa bootstrap",
            Self::Logit => "logit bootstrap",
            Self::CentredGaps => "bootstrap of centred calibration gaps",
            Self::Mover => "MOVER",
        }
    }
}

/// Wilson's score interval (1927) of a share in `[0, 1]` of `of` independent images, above 0
/// (`statsmodels.stats.proportion.proportion_confint(method="wilson")`).
pub fn wilson(share: f64, of: f64) -> Interval {
    let z2 = Z * Z;
    let centre = (share * of + z2 / 2.0) / (of + z2);
    let half = Z * (share * (1.0 - share) * of + z2 / 4.0).max(0.0).sqrt() / (of + z2);
    // For a share of 0 the lower end is exactly 0; for a share of 1 the upper end is 1 but for rounding.
    let low = (centre - half).max(0.0);
    let high = if share < 1.0 { (centre + half).min(1.0) } else { 1.0 };
    Interval { low, high, method: IntervalMethod::Wilson }
}

/// BCa from resamples in ascending order, of which there is at least one. The ends lie further from the figure by
/// what a bootstrap of few units misses of the variance.
pub(crate) fn bca(value: f64, sorted: &[f64], moments: &InfluenceMoments) -> Interval {
    // Half of the resamples that equal the figure count as below it; rounding must not decide which do.
    let slack = 1e-12 * value.abs();
    let below = sorted.partition_point(|&resample| resample < value - slack);
    let tied = sorted.partition_point(|&resample| resample <= value + slack) - below;
    let n = sorted.len() as f64;
    let share = (below as f64 + tied as f64 / 2.0) / n;
    let bias = normal::quantile(share.clamp(0.5 / n, 1.0 - 0.5 / n));
    let end = |z: f64| {
        let shifted = bias + z;
        let share = normal::cdf(bias + shifted / (1.0 - moments.acceleration * shifted).max(1e-3));
        value + (quantile(sorted, share) - value) * moments.inflation.sqrt()
    };
    Interval { low: end(-Z), high: end(Z), method: IntervalMethod::Bca }
}

/// The logit interval of a figure in `(0, 1)`, excluded ends, from at least one resample.
pub(crate) fn logit(value: f64, values: &[f64], moments: &InfluenceMoments) -> Interval {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / values.len() as f64 * moments.inflation).sqrt();
    let (middle, spread) = ((value / (1.0 - value)).ln(), Z * error / (value * (1.0 - value)));
    let end = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    Interval { low: end(middle - spread), high: end(middle + spread), method: IntervalMethod::Logit }
}

impl Interval {
    /// Makes the interval of the calibration error, see [`IntervalMethod::CentredGaps`]. By the triangle inequality, the true error is
    /// no further from the figure than the bins' gaps are from the true ones, summed.
    pub(crate) fn of_calibration_error(value: f64, sorted: &[f64], distances: &[f64]) -> Self {
        let low = (value - quantile(distances, CONFIDENCE)).max(0.0);
        Self { low, high: quantile(sorted, 0.975).max(value).min(1.0), method: IntervalMethod::CentredGaps }
    }

    /// Clamps both ends to the figure's range.
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high), ..self }
    }
}

/// A quantile of ascending values, of which there is at least one; linear between them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * (sorted.len() + 1) as f64 - 1.0).clamp(0.0, (sorted.len() - 1) as f64);
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: InfluenceMoments = InfluenceMoments { variance: 1.0, acceleration: 0.0, inflation: 1.0 };

    /// Resamples as a standard normal distribution's quantiles.
    fn normals() -> Vec<f64> {
        (1..20_000).map(|at| normal::quantile(f64::from(at) / 20_000.0)).collect()
    }

    fn assert_ends(interval: Interval, low: f64, high: f64) {
        assert!((interval.low - low).abs() < 1e-3 && (interval.high - high).abs() < 1e-3, "{interval:?}");
    }

    #[test]
    fn bca_of_normal_resamples_has_efrons_ends() {
        assert_ends(bca(0.0, &normals(), &PLAIN), -Z, Z);
        // z₀ + (z₀ ± z) / (1 - a (z₀ ± z)) with a = 0.1, and then with z₀ = 0.25 from a figure above the middle.
        let skewed = InfluenceMoments { acceleration: 0.1, ..PLAIN };
        assert_ends(bca(0.0, &normals(), &skewed), -1.9600 / 1.196, 1.9600 / 0.804);
        assert_ends(bca(0.25, &normals(), &PLAIN), 0.5 - Z, 0.5 + Z);
        // A bootstrap of two units sees half of the variance.
        let two = InfluenceMoments { inflation: 2.0, ..PLAIN };
        assert_ends(bca(0.0, &normals(), &two), -Z * 2f64.sqrt(), Z * 2f64.sqrt());
    }

    /// Ends by scipy.stats.norm (SciPy 1.17.1) and numpy.quantile(method="weibull") (NumPy 2.4.6).
    #[test]
    fn bca_has_the_ends_of_scipys_distribution_and_numpys_quantiles() {
        let squares: Vec<f64> = (0..40).map(|at| f64::from(at * at) / 64.0).collect();
        let eighths: Vec<f64> = (-20..20).map(|at| f64::from(at) / 8.0).collect();
        // Two resamples differ from 0.25 by rounding, a third by more.
        let near = [0.25 - 1e-14, 0.25 + 1e-14, 0.25 + 1e-12];
        let moments = InfluenceMoments { acceleration: 0.05, inflation: 1.5, ..PLAIN };
        for (value, values, low, high) in [
            (0.25, [&squares[..], &near].concat(), -0.056_186_217_847_897_235, 3.277_815_900_110_721),
            (0.0, [&eighths[..], &[0.0; 2]].concat(), -2.939_920_900_681_479, 2.908_769_069_555_024),
            (-1.0, vec![0.0, 1.0, 4.0, 9.0], 0.224_744_871_391_588_94, 1.324_456_664_008_841_8),
            (10.0, vec![0.0, 1.0, 4.0, 9.0], 4.033_670_307_013_078, 8.775_255_128_608_41),
        ] {
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let interval = bca(value, &sorted, &moments);
            assert!(
                (interval.low - low).abs() < 1e-9 && (interval.high - high).abs() < 1e-9,
                "{value}: {interval:?}"
            );
        }
    }

    #[test]
    fn resamples_equal_to_the_figure_count_half() {
        let values = [[0.0; 100], [0.5; 100], [1.0; 100]].concat();
        let interval = bca(0.5, &values, &PLAIN);
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
    }

    #[test]
    fn logit_stays_inside_and_reaches_further_down_than_up() {
        let values: Vec<f64> = normals().iter().map(|z| 0.98 + 0.01 * z).collect();
        let interval = logit(0.98, &values, &PLAIN);
        // 0.01 / (0.98 · 0.02) on the logit scale.
        let end = |sign: f64| 1.0 / (1.0 + (-(0.98f64 / 0.02).ln() - sign * Z * 0.01 / 0.0196).exp());
        assert_ends(interval, end(-1.0), end(1.0));
        assert!(interval.high < 1.0 && interval.high - 0.98 < 0.98 - interval.low);
    }

    /// scipy.special.logit and expit (SciPy 1.17.1), with the standard deviation that numpy.std gives.
    #[test]
    fn logit_has_the_ends_of_scipys_functions() {
        let moments = InfluenceMoments { inflation: 1.5, ..PLAIN };
        let interval = logit(0.75, &[0.6, 0.7, 0.8, 0.85], &moments);
        assert!((interval.low - 0.467_395_219_491_615_3).abs() < 1e-12, "{interval:?}");
        assert!((interval.high - 0.911_155_751_648_756_7).abs() < 1e-12, "{interval:?}");
    }

    /// numpy.quantile(method="weibull") (NumPy 2.4.6).
    #[test]
    fn quantiles_are_those_of_numpys_weibull_method() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [
            (0.0, 1.0),
            (0.125, 1.0),
            (0.25, 1.5),
            (0.4, 2.8),
            (0.75, 12.0),
            (0.8, 14.4),
            (0.9, 16.0),
            (1.0, 16.0),
        ] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12, "{share}");
        }
        assert_eq!(quantile(&[3.0], 0.5), 3.0);
    }

    #[test]
    fn an_interval_is_cut_off_at_the_figures_range_and_keeps_its_method() {
        let interval = Interval { low: -0.25, high: 1.25, method: IntervalMethod::Bca };
        let cut = Interval { low: 0.0, high: 1.0, method: IntervalMethod::Bca };
        assert_eq!((interval.within(0.0, 1.0), interval.within(-1.0, 2.0)), (cut, interval));
    }

    #[test]
    fn methods_have_the_names_of_papers() {
        use IntervalMethod::{Bca, CentredGaps, Logit, Mover, Wilson};
        let names = [Wilson, Bca, Logit, CentredGaps, Mover].map(IntervalMethod::name);
        let calibration = "bootstrap of centred calibration gaps";
        assert_eq!(names, ["Wilson", "BCa bootstrap", "logit bootstrap", calibration, "MOVER"]);
    }

    #[test]
    fn wilson_is_of_some_width_where_all_or_none_are_right() {
        let all = wilson(1.0, 10.0);
        assert!((all.low - 0.722_467).abs() < 1e-6 && all.high == 1.0, "{all:?}");
        let none = wilson(0.0, 10.0);
        assert!(none.low == 0.0 && (none.high - 0.277_533).abs() < 1e-6, "{none:?}");
    }

    #[test]
    fn a_calibration_errors_interval_reaches_down_as_far_as_gaps_lie_apart() {
        let distances: Vec<f64> = (0..=100).map(|at| f64::from(at) / 1000.0).collect();
        let values: Vec<f64> = (0..=100).map(|at| 0.15 + f64::from(at) / 1000.0).collect();
        let interval = Interval::of_calibration_error(0.12, &values, &distances);
        assert!((interval.low - (0.12 - 0.0959)).abs() < 1e-6, "{interval:?}");
        assert!(interval.high > 0.24 && interval.high < 0.25, "{interval:?}");
        assert_eq!(Interval::of_calibration_error(0.05, &values, &distances).low, 0.0);
    }
}
