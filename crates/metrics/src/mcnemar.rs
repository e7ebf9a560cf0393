/// McNemar's exact test: how likely a split at least as uneven of the images that one of two models alone got right
/// is, if each model were as likely to be the one. Two-sided p in `(0, 1]`; 1 where there is no such image.
///
/// `statsmodels.stats.contingency_tables.mcnemar(exact=True)`: twice the binomial tail of the smaller count, at
/// most 1.
pub fn mcnemar_exact(only_first_right: u64, only_second_right: u64) -> f64 {
    let n = only_first_right + only_second_right;
    let smaller = only_first_right.min(only_second_right);
    if 2 * smaller == n {
        return 1.0;
    }
    // ln of n! / (k! (n - k)!) / 2^n at k = smaller; the terms below it each follow from the one above.
    let factors = (1..=smaller).map(|i| ((n - smaller + i) as f64 / i as f64).ln());
    let largest = (factors.sum::<f64>() - n as f64 * std::f64::consts::LN_2).exp();
    let (mut tail, mut term) = (largest, largest);
    for k in (1..=smaller).rev() {
        term *= k as f64 / (n - k + 1) as f64;
        tail += term;
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_statsmodels_on_every_reference_case() {
        let reference = crate::reference();
        let pairs = reference["paired"].as_array().unwrap();
        assert!(!pairs.is_empty());
        for pair in pairs {
            let count = |key: &str| pair[key].as_u64().unwrap();
            let p = mcnemar_exact(count("only_first_right"), count("only_second_right"));
            assert!((p - pair["mcnemar_exact_p"].as_f64().unwrap()).abs() < 1e-9, "{p} is not {pair}");
        }
    }

    #[test]
    fn matches_scipys_binomial_test() {
        // scipy.stats.binomtest(first, first + second).pvalue (SciPy 1.17.1).
        for (first, second, expected) in [
            (2, 0, 0.5),
            (3, 1, 0.625),
            (2, 3, 1.0),
            (7, 7, 1.0),
            (8, 2, 0.109_375),
            (12, 30, 0.007_915_897_334_896_727),
            (140, 100, 0.011_664_092_317_677_69),
            (10_000, 9_800, 0.157_292_218_789_463_64),
            (1_000, 300, 3.354_156_873_220_609e-88),
            (3_000, 2_000, 1.300_231_000_520_532_6e-45),
        ] {
            let p = mcnemar_exact(first, second);
            assert!((p / expected - 1.0).abs() < 1e-9, "{first} and {second}: {p}");
        }
    }

    #[test]
    fn neither_thousands_nor_none_upset_it() {
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert_eq!(mcnemar_exact(0, 1), 1.0);
        assert!((mcnemar_exact(6, 0) - 0.03125).abs() < 1e-15);
        let p = mcnemar_exact(10_000, 9_800);
        // The normal approximation with continuity correction.
        assert!((p - 0.157_29).abs() < 1e-4, "{p}");
        assert_eq!(mcnemar_exact(5_000, 0), 0.0);
    }
}
