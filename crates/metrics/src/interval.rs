use crate::{influence::Moments, normal};

/// The share of sets of images whose interval is meant to hold the true figure.
pub const CONFIDENCE: f64 = 0.95;

/// The normal distribution's 0.975 quantile.
const Z: f64 = 1.959_963_984_540_054;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How it was made.
    pub method: Method,
}

/// How an interval was made. What each covers in simulated sets stands in the crate's docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// [`wilson`]; for figures other than shares, where no resample differs from the set, of a number of images
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
}

/// Wilson's score interval (1927) of a share in `[0, 1]` of `of` independent images, above 0
/// (`statsmodels.stats.proportion.proportion_confint(method="wilson")`).
pub fn wilson(share: f64, of: f64) -> Interval {
    let z2 = Z * Z;
    let centre = (share * of + z2 / 2.0) / (of + z2);
    let half = Z * (share * (1.0 - share) * of + z2 / 4.0).max(0.0).sqrt() / (of + z2);
    Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0), method: Method::Wilson }
}

/// BCa from resamples in ascending order, of which there is at least one. The ends lie further from the figure by
/// what a bootstrap of few units misses of the variance.
pub(crate) fn bca(value: f64, sorted: &[f64], moments: &Moments) -> Interval {
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
    Interval { low: end(-Z), high: end(Z), method: Method::Bca }
}

/// The logit interval of a figure in `(0, 1)`, excluded ends, from at least one resample.
pub(crate) fn logit(value: f64, values: &[f64], moments: &Moments) -> Interval {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / values.len() as f64 * moments.inflation).sqrt();
    let (middle, spread) = ((value / (1.0 - value)).ln(), Z * error / (value * (1.0 - value)));
    let end = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    Interval { low: end(middle - spread), high: end(middle + spread), method: Method::Logit }
}

impl Interval {
    /// See [`Method::CentredGaps`]. By the triangle inequality, the true error is no further from the figure than the
    /// bins' gaps are from the true ones, summed.
    pub(crate) fn of_calibration_error(value: f64, sorted: &[f64], distances: &[f64]) -> Self {
        let low = (value - quantile(distances, CONFIDENCE)).max(0.0);
        Self { low, high: quantile(sorted, 0.975).max(value).min(1.0), method: Method::CentredGaps }
    }

    /// Kept within the figure's range.
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
