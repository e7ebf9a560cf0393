//! Folds for cross-validation.

use super::{check_groups, grouped, key};
use crate::{
    Error, Listing, Sample,
    random::{Key, Purpose, permutation},
};

/// The fold of each image of `listing.samples`, `0..k`, drawn from `seed`: each is in exactly one.
///
/// Without `whole_groups` two folds differ by at most one image of a class; with it groups stay whole, and where none spans
/// classes a fold is off a class's mean by less than the class's largest group.
///
/// # Errors
/// Fewer than 2 folds; a class with too few images, or groups, to be in each of them; no image with a group.
pub fn folds(listing: &Listing, k: usize, whole_groups: bool, seed: u64) -> Result<Vec<usize>, Error> {
    if k < 2 {
        return Err(Error::Folds { k });
    }
    let key = Key { step: 1, ..key(seed, Purpose::Groups) };
    let folds = match whole_groups {
        true => {
            check_groups(listing)?;
            of_groups(listing, k, &key)
        }
        false => of_images(listing, k, &key),
    };
    let mut there = vec![vec![false; k]; listing.classes.len()];
    for (sample, &fold) in listing.samples.iter().zip(&folds) {
        there[sample.label][fold] = true;
    }
    match there.iter().position(|there| there.contains(&false)) {
        Some(class) => {
            let class = listing.classes[class].label.clone();
            Err(Error::TooFewForFolds { class, k, whole_groups })
        }
        None => Ok(folds),
    }
}

/// Dealt out class by class; the next class goes on where the last one ended, so that folds are of one size as well.
fn of_images(listing: &Listing, k: usize, key: &Key) -> Vec<usize> {
    let mut folds = vec![0; listing.samples.len()];
    let mut dealt = 0;
    for class in 0..listing.classes.len() {
        let samples = listing.samples.iter().enumerate().filter(|(_, sample)| sample.label == class);
        let of_class: Vec<usize> = samples.map(|(i, _)| i).collect();
        for i in permutation(of_class.len(), key, class as u64) {
            folds[of_class[i]] = dealt % k;
            dealt += 1;
        }
    }
    folds
}

/// The largest groups first, in random order among equals, each to the fold that has least of what the group holds.
fn of_groups(listing: &Listing, k: usize, key: &Key) -> Vec<usize> {
    let samples: Vec<&Sample> = listing.samples.iter().collect();
    let n_classes = listing.classes.len();
    let groups = grouped::groups(&samples);
    let largest = grouped::largest(&groups, n_classes);
    let mut order = permutation(groups.len(), key, n_classes as u64);
    order.sort_by_key(|&group| std::cmp::Reverse(groups[group].members.len()));
    let mut counts = vec![vec![0; n_classes]; k];
    let mut sizes = vec![0; k];
    let mut folds = vec![0; samples.len()];
    for group in order.into_iter().map(|index| &groups[index]) {
        // How much the sum of squares grows by, over all of the group's classes.
        let cost = |fold: usize| -> f64 {
            let of_class = |&(class, count): &(usize, usize)| {
                let grows = count * (2 * counts[fold][class] + count);
                grows as f64 / (largest[class] * largest[class]).max(1) as f64
            };
            group.counts.iter().map(of_class).sum()
        };
        let costs: Vec<f64> = (0..k).map(cost).collect();
        let least = |a: &usize, b: &usize| costs[*a].total_cmp(&costs[*b]).then(sizes[*a].cmp(&sizes[*b]));
        let fold = (0..k).min_by(least).unwrap_or(0);
        sizes[fold] += group.members.len();
        group.counts.iter().for_each(|&(class, count)| counts[fold][class] += count);
        group.members.iter().for_each(|&sample| folds[sample] = fold);
    }
    folds
}
