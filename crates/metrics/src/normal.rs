//! The normal distribution, as far as intervals need it.

/// The distribution function Φ, to 1e-15 absolute: Marsaglia's series (2004, Journal of Statistical Software 11(4)).
pub(crate) fn cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while sum + term != sum || odd < 3.0 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (0.5 + sum * density).clamp(0.0, 1.0)
}

/// Inverse of [`cdf`] for `p` in `(0, 1)`, kept within ±8: bisection, since a report needs a few hundred of them.
pub(crate) fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    while high - low > 1e-13 {
        let middle = (low + high) / 2.0;
        if cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_tables() {
        // scipy.stats.norm
        for (x, p) in [(0.0, 0.5), (1.0, 0.841_344_746_068_542_9), (-3.0, 0.001_349_898_031_630_094_6)] {
            assert!((cdf(x) - p).abs() < 1e-14, "{x}");
            assert!((quantile(p) - x).abs() < 1e-11, "{p}");
        }
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert_eq!((cdf(9.0), cdf(-9.0)), (1.0, 0.0));
    }
}
