use rayon::prelude::*;

use crate::{EvaluationError, Undefined, units::Units};

/// How many resamples a bootstrap interval is made from, unless there is a reason for others.
pub const RESAMPLES: usize = 2000;

/// How bootstrap intervals are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// How many resamples; 0 leaves bootstrap intervals out ([`Undefined::NotResampled`]).
    pub resamples: usize,
    /// Equal seeds give equal intervals, whatever the number of threads.
    pub seed: u64,
    /// Each image's group, `[N]`, as any numbers: the images of one patient, say, which are drawn together or not at
    /// all. `None` draws images one by one.
    pub groups: Option<Vec<usize>>,
}

/// The values of one figure over all resamples.
pub(crate) struct Sample {
    /// In ascending order.
    pub(crate) values: Vec<f64>,
    /// Resamples in which the figure is undefined, such as the precision of a class never predicted. They are left
    /// out, so that the interval is of the figure given that it is defined.
    pub(crate) undefined: usize,
}

impl Resampling {
    /// What is drawn.
    pub(crate) fn units(&self, n_classes: usize, labels: &[usize]) -> Result<Units, EvaluationError> {
        match &self.groups {
            Some(groups) if groups.len() != labels.len() => {
                Err(EvaluationError::Groups { groups: groups.len(), images: labels.len() })
            }
            groups => Ok(Units::new(n_classes, labels, groups.as_deref())),
        }
    }

    /// Every figure's values over all resamples; `figures` gives a row for how often each of `images` images was
    /// drawn, NaN where a figure is undefined.
    pub(crate) fn samples(
        &self,
        units: &Units,
        images: usize,
        figures: impl Fn(&[u32]) -> Vec<f64> + Sync,
    ) -> Vec<Sample> {
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
            Sample { undefined: rows.len() - values.len(), values }
        };
        (0..rows.first().map_or(0, Vec::len)).into_par_iter().map(sample).collect()
    }
}

impl Sample {
    /// The values, if they say how uncertain the figure is: no more than one resample in twenty, the share that a
    /// 95 % interval leaves out, may be without the figure, and not all may give the same.
    pub(crate) fn usable(&self) -> Result<&[f64], Undefined> {
        let of = self.values.len() + self.undefined;
        if self.undefined * 20 > of {
            return Err(Undefined::UndefinedResamples { undefined: self.undefined, of });
        }
        match (self.values.first(), self.values.last()) {
            (Some(first), Some(last)) if first == last => Err(Undefined::Constant),
            (Some(_), Some(_)) => Ok(&self.values),
            _ => Err(Undefined::NotResampled),
        }
    }
}
