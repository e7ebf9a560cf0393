//! Training and validation parts.

use crate::{
    Error, Listing, Sample,
    random::{Key, Purpose, permutation},
};

/// A data set in two parts, each class by class in the listing's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What weights are trained on.
    pub training: Vec<Sample>,
    /// What early stopping and the choice of the best epoch look at.
    pub validation: Vec<Sample>,
}

/// Keras' `validation_split`: the first `int(fraction × n)` of each class's sorted files are kept for validation
/// (`keras/src/legacy/preprocessing/image.py`). Nothing is shuffled.
///
/// # Errors
/// A fraction outside of (0, 1); a class that would have no image on one side.
pub fn keras(listing: &Listing, fraction: f64) -> Result<Split, Error> {
    split(listing, fraction, |_, n| (0..n).collect())
}

/// As many of each class as [`keras`], drawn from `seed`.
///
/// # Errors
/// As [`keras`].
pub fn random(listing: &Listing, fraction: f64, seed: u64) -> Result<Split, Error> {
    let key = Key { seed, epoch: 0, step: 0, purpose: Purpose::Split };
    split(listing, fraction, |class, n| permutation(n, &key, class as u64))
}

/// Splits each class by the order in which its files are drawn for validation.
fn split(
    listing: &Listing,
    fraction: f64,
    order: impl Fn(usize, usize) -> Vec<usize>,
) -> Result<Split, Error> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::Fraction { fraction });
    }
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for (class, name) in listing.classes.iter().enumerate() {
        let samples: Vec<&Sample> = listing.samples.iter().filter(|sample| sample.label == class).collect();
        let n = samples.len();
        // Python's int() cuts off: 0.29 × 100 is 28.999… and gives 28.
        let kept = (fraction * n as f64) as usize;
        if kept == 0 || kept == n {
            let needed = ((1.0 / fraction).ceil() as usize).max(2);
            return Err(Error::TooFewToSplit { class: name.label.clone(), count: n, fraction, needed });
        }
        let mut for_validation = vec![false; n];
        for &index in &order(class, n)[..kept] {
            for_validation[index] = true;
        }
        for (sample, for_validation) in samples.into_iter().zip(for_validation) {
            if for_validation { &mut validation } else { &mut training }.push(sample.clone());
        }
    }
    Ok(Split { training, validation })
}

#[cfg(test)]
mod tests;
