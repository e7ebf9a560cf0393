//! Folds for cross-validation.

use super::{check_groups, grouped, key, stratified};
use base::random::{Key, Purpose, permutation};

use crate::{Error, Listing, Sample};

/// Draws the fold of each image of `listing.samples`, `0..k`, from `seed`: each is in exactly one.
///
/// Without `whole_groups` two folds differ by at most one image of a class; with it groups stay whole, and where none spans
/// classes a fold is off a class's mean by less than the class's largest group. Images with findings are dealt by iterative
/// stratification, in whole groups wherever groups are known.
///
/// # Errors
/// Fewer than 2 folds; a class with too few images, or groups, to be in each of them; no image with a group.
pub fn folds(listing: &Listing, k: usize, whole_groups: bool, seed: u64) -> Result<Vec<usize>, Error> {
    if k < 2 {
        return Err(Error::Folds { k });
    }
    let too_few = |class: usize| {
        let class = listing.classes[class].label.clone();
        Error::TooFewForFolds { class, k, whole_groups }
    };
    if listing.is_multi_label() {
        return of_findings(listing, k, whole_groups, &Key { step: 1, ..key(seed, Purpose::Groups) });
    }
    // Before anything of the size of `k` is made.
    if let Some(class) = listing.counts().into_iter().position(|count| count < k) {
        return Err(too_few(class));
    }
    let key = Key { step: 1, ..key(seed, Purpose::Groups) };
    let folds = match whole_groups {
        true => {
            check_groups(listing)?;
            of_groups(listing, k, &key)
        }
        false => of_images(listing, k, &key),
    };
    match lacking(listing, &folds, k) {
        Some((class, _)) => Err(too_few(class)),
        None => Ok(folds),
    }
}

/// The folds that a CSV numbers itself in its column `fold`, from 1: how many, and the fold of each image, `0..k`. `None` where
/// no image has one.
///
/// # Errors
/// Images without a fold beside others that have one, something else than a number, fewer than 2 folds, a class that is not in
/// each of them.
pub fn own_folds(listing: &Listing) -> Result<Option<(usize, Vec<usize>)>, Error> {
    if listing.samples.iter().all(|sample| sample.fold.is_none()) {
        return Ok(None);
    }
    let refused = |reason| Error::FoldColumn { path: listing.root.clone(), reason };
    let most = listing.samples.len();
    let mut folds = Vec::with_capacity(most);
    for sample in &listing.samples {
        let Some(text) = &sample.fold else { return Err(refused(format!("`{}` has none", sample.name))) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        let wrong = || refused(format!("`{text}`, of `{}`, is no number from 1 to {most}", sample.name));
        folds.push(number.ok_or_else(wrong)? - 1);
    }
    let k = folds.iter().max().map_or(0, |last| last + 1);
    if k < 2 {
        return Err(refused("there is only one".to_owned()));
    }
    let lacking = if listing.is_multi_label() { None } else { lacking(listing, &folds, k) };
    if let Some((class, fold)) = lacking {
        let class = &listing.classes[class].label;
        return Err(refused(format!("fold {} has no image of class `{class}`", fold + 1)));
    }
    Ok(Some((k, folds)))
}

/// The data set without the images of a fold, and the images of that fold alone; `folds` as [`folds`] gives them.
pub fn hold_out(listing: &Listing, folds: &[usize], fold: usize) -> (Listing, Listing) {
    let part = |held_out: bool| {
        let images = listing.samples.iter().zip(folds).filter(|&(_, &of)| (of == fold) == held_out);
        let mut part = Listing {
            root: listing.root.clone(),
            layout: listing.layout,
            classes: listing.classes.clone(),
            attributes: listing.attributes.clone(),
            samples: images.map(|(sample, _)| sample.clone()).collect(),
            left_out: Vec::new(),
            ungrouped: 0,
            manifest_sha256: listing.manifest_sha256.clone(),
            remarks: Vec::new(),
        };
        if listing.ungrouped > 0 {
            part.count_ungrouped();
        }
        part
    };
    (part(false), part(true))
}

/// The first class that a fold has no image of, and that fold.
fn lacking(listing: &Listing, folds: &[usize], k: usize) -> Option<(usize, usize)> {
    let mut there = vec![vec![false; k]; listing.classes.len()];
    for (sample, &fold) in listing.samples.iter().zip(folds) {
        sample.strata().for_each(|stratum| there[stratum][fold] = true);
    }
    there.iter().enumerate().find_map(|(class, there)| Some((class, there.iter().position(|there| !there)?)))
}

/// Deals out images with findings.
fn of_findings(listing: &Listing, k: usize, whole_groups: bool, key: &Key) -> Result<Vec<usize>, Error> {
    if whole_groups {
        check_groups(listing)?;
    }
    let samples: Vec<&Sample> = listing.samples.iter().collect();
    let groups = grouped::groups(&samples);
    if groups.len() < k {
        return Err(Error::TooFewToFold { path: listing.root.clone(), groups: groups.len(), k });
    }
    let shares = vec![1.0 / k as f64; k];
    Ok(stratified::deal(&groups, listing.classes.len(), &shares, key))
}

/// Deals out images class by class; the next class continues where the last one ended, so that folds are of one size as well.
fn of_images(listing: &Listing, k: usize, key: &Key) -> Vec<usize> {
    let mut folds = vec![0; listing.samples.len()];
    let mut dealt = 0;
    for class in 0..listing.classes.len() {
        let samples = listing.samples.iter().enumerate().filter(|(_, sample)| sample.class() == Some(class));
        let of_class: Vec<usize> = samples.map(|(i, _)| i).collect();
        for i in permutation(of_class.len(), key, class as u64) {
            folds[of_class[i]] = dealt % k;
            dealt += 1;
        }
    }
    folds
}

/// Deals out the largest groups first, in random order among equals, each to the fold that has least of what the group holds.
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
