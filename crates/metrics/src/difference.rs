use crate::{Interval, IntervalMethod};

/// The interval of `first - second`, figures of two independent sets of images, from each one's own value and the ends of its
/// 95 % interval: Newcombe's hybrid for shares with Wilson intervals (1998, Statistics in Medicine 17, 873–890, method 10),
/// which Zou and Donner take to any figure (2008, Statistics in Medicine 27, 1693–1702, equation 2; "MOVER").
///
/// Each end lies as far from the difference as the two ends that lead there lie from their figures, by the root of the summed
/// squares. It is no interval for two models on the same images: see [`crate::Comparison`].
pub fn independent_difference(first: (f64, [f64; 2]), second: (f64, [f64; 2])) -> Interval {
    let (value, [low, high]) = first;
    let (other, [other_low, other_high]) = second;
    // A bootstrap's interval may leave out the figure itself: that end then adds nothing.
    let reach = |below: f64, above: f64| below.max(0.0).hypot(above.max(0.0));
    let difference = value - other;
    Interval {
        low: difference - reach(value - low, other_high - other),
        high: difference + reach(high - value, other - other_low),
        method: IntervalMethod::Mover,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wilson;

    /// Hits and images of two sets → the difference's interval, from Wilson's.
    fn of_counts(first: [f64; 2], second: [f64; 2]) -> Interval {
        let of = |[hits, images]: [f64; 2]| {
            let Interval { low, high, .. } = wilson(hits / images, images);
            (hits / images, [low, high])
        };
        independent_difference(of(first), of(second))
    }

    #[test]
    fn has_the_ends_of_newcombes_examples() {
        // Newcombe (1998), table II, method 10.
        for (first, second, low, high) in [
            ([56.0, 70.0], [48.0, 80.0], 0.0524, 0.3339),
            ([9.0, 10.0], [3.0, 10.0], 0.1705, 0.8090),
            ([6.0, 7.0], [2.0, 7.0], 0.0582, 0.8062),
            ([5.0, 56.0], [0.0, 29.0], -0.0381, 0.1926),
            ([0.0, 10.0], [0.0, 20.0], -0.1611, 0.2775),
            ([0.0, 10.0], [0.0, 10.0], -0.2775, 0.2775),
            ([10.0, 10.0], [0.0, 20.0], 0.6791, 1.0),
            ([10.0, 10.0], [0.0, 10.0], 0.6075, 1.0),
        ] {
            let interval = of_counts(first, second);
            assert!(
                (interval.low - low).abs() < 6e-5 && (interval.high - high).abs() < 6e-5,
                "{first:?} - {second:?}: {interval:?}"
            );
        }
    }

    #[test]
    fn the_other_way_round_it_is_the_mirror_image() {
        let (first, second) = ((0.9, [0.8, 0.93]), (0.7, [0.5, 0.8]));
        let (one, other) = (independent_difference(first, second), independent_difference(second, first));
        assert!((one.low + other.high).abs() < 1e-15 && (one.high + other.low).abs() < 1e-15);
    }

    #[test]
    fn an_interval_without_its_figure_does_not_turn_the_difference_round() {
        let interval = independent_difference((0.9, [0.91, 0.95]), (0.9, [0.8, 0.9]));
        assert_eq!(interval.low, 0.0);
        assert!((interval.high - 0.05f64.hypot(0.1)).abs() < 1e-12);
    }
}
