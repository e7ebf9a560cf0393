//! Counts of a label's images on both sides of its threshold, and the figures that are ratios of them.

use crate::{Undefined, Value};

/// Weights of a label's known images by truth and side of the threshold, in the order TN, FP, FN, TP.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LabelCells(pub(super) [f64; 4]);

/// Place of an image in [`LabelCells`].
pub(super) fn cell(truth: bool, reaches: bool) -> usize {
    usize::from(truth) << 1 | usize::from(reaches)
}

/// Figure that is a ratio of sums of counts, each count with a factor in the order of [`LabelCells`].
pub(super) struct Ratio {
    pub(super) numerator: [f64; 4],
    pub(super) denominator: [f64; 4],
    /// Reason why there is none of a label, where the denominator is 0.
    pub(super) reason: fn(usize) -> Undefined,
}

pub(super) const SENSITIVITY: Ratio = Ratio {
    numerator: [0.0, 0.0, 0.0, 1.0],
    denominator: [0.0, 0.0, 1.0, 1.0],
    reason: Undefined::NoPositive,
};
pub(super) const SPECIFICITY: Ratio = Ratio {
    numerator: [1.0, 0.0, 0.0, 0.0],
    denominator: [1.0, 1.0, 0.0, 0.0],
    reason: Undefined::NoNegative,
};
pub(super) const PRECISION: Ratio = Ratio {
    numerator: [0.0, 0.0, 0.0, 1.0],
    denominator: [0.0, 1.0, 0.0, 1.0],
    reason: Undefined::NoneReaches,
};
pub(super) const NEGATIVE_PREDICTIVE_VALUE: Ratio =
    Ratio { numerator: [1.0, 0.0, 0.0, 0.0], denominator: [1.0, 0.0, 1.0, 0.0], reason: Undefined::AllReach };
pub(super) const F1: Ratio = Ratio {
    numerator: [0.0, 0.0, 0.0, 2.0],
    denominator: [0.0, 1.0, 1.0, 2.0],
    reason: Undefined::NeitherPositiveNorReached,
};

impl LabelCells {
    /// Weight of all known images.
    pub(super) fn known(&self) -> f64 {
        self.0.iter().sum()
    }

    /// Computes a ratio; `unknown` is why there is none of no image, `empty` why there is none of a denominator of 0.
    pub(super) fn ratio(&self, ratio: &Ratio, unknown: Undefined, empty: Undefined) -> Value {
        let [numerator, denominator] =
            [&ratio.numerator, &ratio.denominator].map(|factors| self.sum(factors));
        match denominator > 0.0 {
            true => Ok(numerator / denominator),
            false => Err(if self.known() > 0.0 { empty } else { unknown }),
        }
    }

    pub(super) fn sum(&self, factors: &[f64; 4]) -> f64 {
        self.0.iter().zip(factors).map(|(weight, factor)| weight * factor).sum()
    }
}

impl Ratio {
    /// Computes the influence on the ratio of one image more in a cell, where the ratio has this value.
    pub(super) fn influence(&self, cells: &LabelCells, value: f64, cell: usize) -> f64 {
        (self.numerator[cell] - value * self.denominator[cell]) / cells.sum(&self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_the_fields_figures_and_say_why_they_are_missing() {
        let of = |cells: [f64; 4], ratio: &Ratio| {
            LabelCells(cells).ratio(ratio, Undefined::NeverKnown(3), (ratio.reason)(3))
        };
        // 4 true negatives, 1 false positive, 2 false negatives, 3 true positives.
        let cells = [4.0, 1.0, 2.0, 3.0];
        assert_eq!(cell(true, true), 3);
        assert_eq!(cell(false, true), 1);
        assert_eq!(of(cells, &SENSITIVITY), Ok(3.0 / 5.0));
        assert_eq!(of(cells, &SPECIFICITY), Ok(4.0 / 5.0));
        assert_eq!(of(cells, &PRECISION), Ok(3.0 / 4.0));
        assert_eq!(of(cells, &NEGATIVE_PREDICTIVE_VALUE), Ok(4.0 / 6.0));
        assert_eq!(of(cells, &F1), Ok(6.0 / 9.0));
        assert_eq!(of([4.0, 1.0, 0.0, 0.0], &SENSITIVITY), Err(Undefined::NoPositive(3)));
        assert_eq!(of([0.0, 0.0, 1.0, 1.0], &SPECIFICITY), Err(Undefined::NoNegative(3)));
        assert_eq!(of([4.0, 0.0, 1.0, 0.0], &PRECISION), Err(Undefined::NoneReaches(3)));
        assert_eq!(of([0.0, 4.0, 0.0, 1.0], &NEGATIVE_PREDICTIVE_VALUE), Err(Undefined::AllReach(3)));
        assert_eq!(of([4.0, 0.0, 0.0, 0.0], &F1), Err(Undefined::NeitherPositiveNorReached(3)));
        assert_eq!(of([0.0; 4], &F1), Err(Undefined::NeverKnown(3)));
    }
}
