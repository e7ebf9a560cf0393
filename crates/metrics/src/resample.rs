use rayon::prelude::*;

use crate::{Undefined, units::Units};

/// Number of resamples that a bootstrap interval is made from, unless there is a reason for others.
pub const RESAMPLES: usize = 2000;

/// Settings of the bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// Number of resamples; 0 leaves bootstrap intervals out ([`Undefined::NotResampled`]).
    pub resamples: usize,
    /// Equal seeds give equal intervals, whatever the number of threads.
    pub seed: u64,
}

/// The values of one figure over all resamples.
pub(crate) struct Resamples {
    /// Values in ascending order, without the undefined ones.
    pub(crate) values: Vec<f64>,
    /// Resamples in which the figure is undefined, such as the precision of a class never predicted. They are left
    /// out, so that the interval is of the figure given that it is defined.
    pub(crate) undefined: usize,
}

impl Resampling {
    /// Every figure's values over all resamples; `figures` gives a row for how often each of `images` images was
    /// drawn, NaN where a figure is undefined.
    pub(crate) fn samples(
        &self,
        units: &Units,
        images: usize,
        figures: impl Fn(&[u32]) -> Vec<f64> + Sync,
    ) -> Vec<Resamples> {
        let draw = |counts: &mut Vec<u32>, resample: usize| {
            units.draw(self.seed, resample as u64, counts);
            figures(counts)
        };
        // Each row depends on its number alone, and they are collected in order: no thread changes anything.
        let rows: Vec<Vec<f64>> =
            (0..self.resamples).into_par_iter().map_init(|| vec![0; images], draw).collect();
        let sample = |figure: usize| {
            let mut values: Vec<f64> =
                rows.iter().map(|row| row[figure]).filter(|value| !value.is_nan()).collect();
            values.sort_unstable_by(f64::total_cmp);
            Resamples { undefined: rows.len() - values.len(), values }
        };
        (0..rows.first().map_or(0, Vec::len)).into_par_iter().map(sample).collect()
    }
}

/// Values no further apart than this differ by rounding alone.
const ROUNDING: f64 = 1e-12;

impl Resamples {
    /// The values, if they say how uncertain the figure is: no more than one resample in twenty, the share that a
    /// 95 % interval leaves out, may be without the figure, and not all may give the same.
    pub(crate) fn usable(&self) -> Result<&[f64], Undefined> {
        let of = self.values.len() + self.undefined;
        if self.undefined * 20 > of {
            return Err(Undefined::UndefinedResamples { undefined: self.undefined, of });
        }
        match (self.values.first(), self.values.last()) {
            (Some(first), Some(last)) if last - first <= ROUNDING => Err(Undefined::Constant),
            (Some(_), Some(_)) => Ok(&self.values),
            _ => Err(Undefined::NotResampled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64], undefined: usize) -> Resamples {
        Resamples { values: values.to_vec(), undefined }
    }

    #[test]
    fn a_sample_that_says_nothing_is_refused_for_its_reason() {
        let twenty: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(sample(&twenty, 1).usable(), Ok(&twenty[..]));
        assert_eq!(sample(&twenty[1..], 1).usable(), Ok(&twenty[1..]), "one in twenty");
        assert_eq!(sample(&twenty, 2).usable(), Err(Undefined::UndefinedResamples { undefined: 2, of: 22 }));
        assert_eq!(sample(&[0.5, 0.5 + 1e-16, 0.5], 0).usable(), Err(Undefined::Constant));
        assert_eq!(sample(&[], 0).usable(), Err(Undefined::NotResampled));
    }

    #[test]
    fn undefined_values_are_left_out_and_counted() {
        let resampling = Resampling { resamples: 50, seed: 1 };
        let units = Units::new(2, &[0, 0, 1], None);
        let samples = resampling.samples(&units, 3, |counts| {
            let first = f64::from(counts[0]);
            vec![first, if first > 0.0 { first } else { f64::NAN }]
        });
        let zeros = samples[0].values.iter().filter(|value| **value == 0.0).count();
        assert!(zeros > 0 && samples[0].undefined == 0);
        assert_eq!((samples[1].undefined, samples[1].values.len()), (zeros, 50 - zeros));
        assert!(samples[0].values.is_sorted());
    }
}
