//! The normal distribution, as far as intervals need it.

/// The distribution function Φ, to 1e-15 absolute: Marsaglia's series (2004, Journal of Statistical Software 11(4)).
pub(crate) fn cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while sum + term != sum {
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
        for x in [9.0, 60.0, f64::INFINITY] {
            assert_eq!((cdf(x), cdf(-x)), (1.0, 0.0));
        }
    }

    #[test]
    fn probabilities_are_scipys_to_all_digits_that_a_sum_has() {
        // scipy.stats.norm.cdf (SciPy 1.17.1).
        for (x, p) in [
            (-7.5, 3.190_891_672_910_884_4e-14),
            (-5.0, 2.866_515_718_791_933e-7),
            (-2.5, 0.006_209_665_325_776_132),
            (-1.0, 0.158_655_253_931_457_07),
            (-0.1, 0.460_172_162_722_971),
            (0.0, 0.5),
            (0.3, 0.617_911_422_188_952_6),
            (1.5, 0.933_192_798_731_141_9),
            (2.0, 0.977_249_868_051_820_8),
            (3.25, 0.999_422_974_957_609_2),
            (6.0, 0.999_999_999_013_412_3),
        ] {
            assert!((cdf(x) - p).abs() < 1e-15, "{x}: {}", cdf(x));
        }
        // The series has the last word up to ±8.
        assert!(cdf(8.0) < 1.0 && cdf(-8.0) > 0.0);
    }

    #[test]
    fn quantiles_are_scipys_and_end_at_8() {
        // scipy.stats.norm.ppf (SciPy 1.17.1).
        for (p, x) in [
            (1e-6, -4.753_424_308_822_899),
            (0.025, -1.959_963_984_540_054_5),
            (0.2, -0.841_621_233_572_914_2),
            (0.7, 0.524_400_512_708_040_7),
            (0.999, 3.090_232_306_167_813),
            (1e-300, -8.0),
        ] {
            assert!((quantile(p) - x).abs() < 1e-9, "{p}: {}", quantile(p));
        }
        // The place sought is the first at which the probability is reached: 48 halvings end just below 0.
        assert_eq!(quantile(0.5), -0.5f64.powi(45));
    }
}
