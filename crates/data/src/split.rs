//! Training, validation and test parts, and folds.

mod folds;
mod grouped;
mod stratified;

use std::collections::{BTreeMap, BTreeSet};

use base::random::{Key, Purpose, permutation};

use crate::{Error, Listing, Part, Sample, listing::check_part};

pub use folds::{folds, hold_out, own_folds};

/// A data set in two parts, each in the listing's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Images that weights are trained on.
    pub training: Vec<Sample>,
    /// Images that early stopping and the choice of the best epoch look at.
    pub validation: Vec<Sample>,
}

/// Splits as Keras' `validation_split`: the first `int(fraction × n)` of each class's sorted files are kept for validation
/// (`keras/src/legacy/preprocessing/image.py`). Nothing is shuffled.
///
/// Parts that the data set itself keeps for validation or for testing go before any rule, here and in the others: then its
/// own validation part is taken whatever `fraction` is, and images for testing are in neither part.
///
/// Images with findings have no order by class: here and by the other rules they are drawn from a seed (here 0) by iterative
/// stratification, in whole groups wherever groups are known.
///
/// # Errors
/// A fraction outside of (0, 1); a class that would have no image on one side.
pub fn keras(listing: &Listing, fraction: f64) -> Result<Split, Error> {
    split(listing, fraction, &How::First)
}

/// Draws as many images of each class as [`keras`] keeps, from `seed`.
///
/// # Errors
/// Same as [`keras`].
pub fn random(listing: &Listing, fraction: f64, seed: u64) -> Result<Split, Error> {
    split(listing, fraction, &How::Drawn(key(seed, Purpose::Split)))
}

/// Draws whole groups from `seed`, as near to [`random`]'s numbers as they allow; an image without a group is one of its
/// own.
///
/// If no group spans classes, every class is off by less than its largest group. If groups do, no such split need exist, and
/// the nearest that a local search finds is taken.
///
/// # Errors
/// Same as [`keras`]; no image with a group.
pub fn grouped(listing: &Listing, fraction: f64, seed: u64) -> Result<Split, Error> {
    check_groups(listing)?;
    split(listing, fraction, &How::Groups(key(seed, Purpose::Groups)))
}

/// Size of a test part, for each class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TestSize {
    /// Number of images of each class.
    PerClass(usize),
    /// Share of each class: `int(share × n)` images.
    Share(f64),
}

/// Sets the part of images to [`Part::Test`], drawn from `seed`: exactly as many of each class as `size` says, or with
/// `whole_groups` as near to that as [`grouped`] comes.
///
/// # Errors
/// A data set that has a test part of its own; a share outside of (0, 1), or a size that is no image of a class; a class of
/// which nothing would be left; no image with a group, where they are to be kept whole.
pub fn keep_test(listing: &mut Listing, size: TestSize, whole_groups: bool, seed: u64) -> Result<(), Error> {
    if listing.samples.iter().any(|sample| sample.part == Some(Part::Test)) {
        return Err(Error::HasTestPart { path: listing.root.clone() });
    }
    let key = key(seed, Purpose::TestSet);
    if listing.is_multi_label() {
        return keep_test_of_findings(listing, size, whole_groups, &key);
    }
    let how = match whole_groups {
        true => {
            check_groups(listing)?;
            How::Groups(key)
        }
        false => How::Drawn(key),
    };
    let mut wanted = Vec::new();
    for (class, count) in listing.classes.iter().zip(listing.counts()) {
        let take = match size {
            TestSize::PerClass(take) => take,
            TestSize::Share(share) if share > 0.0 && share < 1.0 => (share * count as f64) as usize,
            TestSize::Share(fraction) => return Err(Error::Fraction { fraction }),
        };
        if take == 0 || take >= count {
            return Err(Error::TooFewToTest { class: class.label.clone(), count, wanted: take });
        }
        wanted.push(take);
    }
    let samples: Vec<&Sample> = listing.samples.iter().collect();
    let chosen = how.choose(&samples, listing, &wanted)?;
    for (sample, chosen) in listing.samples.iter_mut().zip(chosen) {
        if chosen {
            sample.part = Some(Part::Test);
        }
    }
    Ok(())
}

/// Sets the test part of images with findings.
fn keep_test_of_findings(
    listing: &mut Listing,
    size: TestSize,
    whole_groups: bool,
    key: &Key,
) -> Result<(), Error> {
    let TestSize::Share(share) = size else {
        return Err(Error::TestPerLabel { path: listing.root.clone() });
    };
    if whole_groups {
        check_groups(listing)?;
    }
    let samples: Vec<&Sample> = listing.samples.iter().collect();
    let chosen = choose_findings(&samples, listing, share, Part::Test, key)?;
    for (sample, chosen) in listing.samples.iter_mut().zip(chosen) {
        sample.part = if chosen { Some(Part::Test) } else { sample.part };
    }
    Ok(())
}

/// Chooses a share of images with findings for a part, by iterative stratification.
fn choose_findings(
    samples: &[&Sample],
    listing: &Listing,
    share: f64,
    part: Part,
    key: &Key,
) -> Result<Vec<bool>, Error> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::Fraction { fraction: share });
    }
    let groups = grouped::groups(samples);
    let chosen = stratified::deal(&groups, listing.classes.len(), &[1.0 - share, share], key);
    let empty = |part| Error::NoImages { path: listing.root.clone(), part };
    match (chosen.contains(&0), chosen.contains(&1)) {
        (true, true) => Ok(chosen.into_iter().map(|subset| subset == 1).collect()),
        (false, _) => Err(empty(Part::Training)),
        (true, false) => Err(empty(part)),
    }
}

/// Finds the groups that stand in more than one of these sets, sorted.
pub fn shared_groups(sets: &[&[Sample]]) -> Vec<String> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for (i, set) in sets.iter().enumerate() {
        for group in set.iter().filter_map(|sample| sample.group.as_deref()) {
            if *first.entry(group).or_insert(i) != i {
                shared.insert(group.to_owned());
            }
        }
    }
    shared.into_iter().collect()
}

fn key(seed: u64, purpose: Purpose) -> Key {
    Key { seed, epoch: 0, step: 0, purpose }
}

fn check_groups(listing: &Listing) -> Result<(), Error> {
    match listing.samples.iter().any(|sample| sample.group.is_some()) {
        true => Ok(()),
        false => Err(Error::NoGroups { path: listing.root.clone() }),
    }
}

/// Rule by which images of a class are chosen.
enum How {
    First,
    Drawn(Key),
    Groups(Key),
}

impl How {
    /// Key of the random numbers; that of the seed 0 where a rule draws none.
    fn key(&self) -> Key {
        match self {
            Self::First => key(0, Purpose::Split),
            Self::Drawn(key) | Self::Groups(key) => *key,
        }
    }

    /// Chooses among `samples`: `wanted` of each class, at least one and not all.
    fn choose(&self, samples: &[&Sample], listing: &Listing, wanted: &[usize]) -> Result<Vec<bool>, Error> {
        if let Self::Groups(key) = self {
            return grouped::choose(samples, &listing.classes, wanted, key);
        }
        let mut chosen = vec![false; samples.len()];
        for (class, &wanted) in wanted.iter().enumerate() {
            let of_class: Vec<usize> =
                (0..samples.len()).filter(|&i| samples[i].class() == Some(class)).collect();
            let order = match self {
                Self::Drawn(key) => permutation(of_class.len(), key, class as u64),
                _ => (0..of_class.len()).collect(),
            };
            order.into_iter().take(wanted).for_each(|i| chosen[of_class[i]] = true);
        }
        Ok(chosen)
    }
}

fn split(listing: &Listing, fraction: f64, how: &How) -> Result<Split, Error> {
    let samples: Vec<&Sample> =
        listing.samples.iter().filter(|sample| sample.part != Some(Part::Test)).collect();
    let own = |sample: &&Sample| sample.part == Some(Part::Validation);
    let for_validation = match samples.iter().any(own) {
        true => samples.iter().map(own).collect(),
        false if listing.is_multi_label() => {
            choose_findings(&samples, listing, fraction, Part::Validation, &how.key())?
        }
        false => how.choose(&samples, listing, &wanted(&samples, listing, fraction)?)?,
    };
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for (sample, for_validation) in samples.into_iter().zip(for_validation) {
        if for_validation { &mut validation } else { &mut training }.push(sample.clone());
    }
    check_part(&training, listing, Part::Training)?;
    check_part(&validation, listing, Part::Validation)?;
    Ok(Split { training, validation })
}

/// Counts the images of each class that are kept for validation.
fn wanted(samples: &[&Sample], listing: &Listing, fraction: f64) -> Result<Vec<usize>, Error> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::Fraction { fraction });
    }
    let mut wanted = Vec::new();
    for (class, name) in listing.classes.iter().enumerate() {
        let n = samples.iter().filter(|sample| sample.class() == Some(class)).count();
        if n == 0 {
            let (path, class) = (listing.root.clone(), name.label.clone());
            return Err(Error::EmptyPart { path, class, part: Part::Training });
        }
        // Python's int() cuts off: 0.29 × 100 is 28.999… and gives 28.
        let kept = (fraction * n as f64) as usize;
        if kept == 0 || kept == n {
            let needed = ((1.0 / fraction).ceil() as usize).max(2);
            return Err(Error::TooFewToSplit { class: name.label.clone(), count: n, fraction, needed });
        }
        wanted.push(kept);
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests;
