use std::{collections::HashMap, ops::Range};

use base::random::{Key, Purpose, Rng as _};

use crate::Undefined;

/// Units that a bootstrap draws: images, or whole groups of them, in strata by class.
///
/// A group belongs to the class of most of its images (of several such, the first). Where groups hold one class each,
/// every resample holds every class; a class whose images all lie in groups of another class can be missing.
pub(crate) struct Units {
    /// Images, unit by unit.
    members: Vec<usize>,
    /// Place in `members` at which each unit begins, and one end.
    starts: Vec<usize>,
    /// Each class with its units.
    strata: Vec<(usize, Range<usize>)>,
    /// False where all units are one stratum, whatever they are of.
    by_class: bool,
}

impl Units {
    /// Forms the units. `labels` `[N]` are below `n_classes`; `groups`, if any, names each image's group, `[N]`.
    pub(crate) fn new(n_classes: usize, labels: &[usize], groups: Option<&[usize]>) -> Self {
        let groups = match groups {
            None => (0..labels.len()).map(|image| vec![image]).collect(),
            Some(groups) => by_group(groups),
        };
        let mut strata: Vec<Vec<Vec<usize>>> = vec![Vec::new(); n_classes];
        for group in groups {
            strata[majority(n_classes, labels, &group)].push(group);
        }
        let mut units = Self {
            members: Vec::with_capacity(labels.len()),
            starts: vec![0],
            strata: Vec::new(),
            by_class: true,
        };
        for (class, stratum) in strata.into_iter().enumerate().filter(|(_, stratum)| !stratum.is_empty()) {
            let first = units.starts.len() - 1;
            for group in stratum {
                units.members.extend(group);
                units.starts.push(units.members.len());
            }
            units.strata.push((class, first..units.starts.len() - 1));
        }
        units
    }

    /// Forms the units of `images` images as one stratum, for findings that an image has any number of; `groups` as in
    /// [`Self::new`].
    pub(crate) fn in_one_stratum(images: usize, groups: Option<&[usize]>) -> Self {
        Self { by_class: false, ..Self::new(1, &vec![0; images], groups) }
    }

    /// Returns the reason why resamples say nothing, where a stratum has fewer than two units.
    pub(crate) fn too_few(&self) -> Option<Undefined> {
        let (class, _) = self.per_class().find(|(_, units)| *units < 2)?;
        Some(if self.by_class { Undefined::TooFewToDraw(class) } else { Undefined::TooFewUnits })
    }

    /// Number of images in all units.
    pub(crate) fn images(&self) -> usize {
        self.members.len()
    }

    /// Number of units.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of units of each class that has any.
    pub(crate) fn per_class(&self) -> impl Iterator<Item = (usize, usize)> {
        self.strata.iter().map(|(class, units)| (*class, units.len()))
    }

    /// The images of each unit, stratum by stratum.
    pub(crate) fn strata(&self) -> impl Iterator<Item = impl ExactSizeIterator<Item = &[usize]>> {
        self.strata.iter().map(|(_, units)| units.clone().map(|unit| self.unit(unit)))
    }

    fn unit(&self, unit: usize) -> &[usize] {
        &self.members[self.starts[unit]..self.starts[unit + 1]]
    }

    /// Draws resample number `resample`: as many units of each stratum as it has, with replacement. `counts`, `[N]`,
    /// then says how often each image was drawn. The same for a seed and number, whoever draws it and when.
    pub(crate) fn draw(&self, seed: u64, resample: u64, counts: &mut [u32]) {
        counts.fill(0);
        let mut generator = Key { seed, epoch: 0, step: 0, purpose: Purpose::Bootstrap }.generator(resample);
        for (_, units) in &self.strata {
            let bound = units.len() as u64;
            // Lemire's multiplication with rejection (2019, arXiv 1805.10941), its division done once a stratum.
            let threshold = bound.wrapping_neg() % bound;
            for _ in units.clone() {
                let product = loop {
                    let product = u128::from(generator.next_u64()) * u128::from(bound);
                    if product as u64 >= threshold {
                        break product;
                    }
                };
                for &image in self.unit(units.start + (product >> 64) as usize) {
                    counts[image] += 1;
                }
            }
        }
    }
}

/// The images of each group, groups in order of their first image.
fn by_group(groups: &[usize]) -> Vec<Vec<usize>> {
    let mut places = HashMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (image, group) in groups.iter().enumerate() {
        let place = *places.entry(group).or_insert(members.len());
        if place == members.len() {
            members.push(Vec::new());
        }
        members[place].push(image);
    }
    members
}

/// The class of most of a group's images; of several such, the first.
fn majority(n_classes: usize, labels: &[usize], group: &[usize]) -> usize {
    let [image] = group else {
        let mut counts = vec![0usize; n_classes];
        group.iter().for_each(|&image| counts[labels[image]] += 1);
        return (0..n_classes).rev().max_by_key(|&class| counts[class]).unwrap_or(0);
    };
    labels[*image]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resample_keeps_every_classs_number_of_images() {
        let labels = [0, 1, 0, 2, 1, 0];
        let units = Units::new(3, &labels, None);
        assert_eq!(units.per_class().collect::<Vec<_>>(), [(0, 3), (1, 2), (2, 1)]);
        let mut counts = [0; 6];
        for resample in 0..100 {
            units.draw(28, resample, &mut counts);
            for (class, images) in [(0, 3), (1, 2), (2, 1)] {
                let drawn: u32 =
                    (0..6).filter(|&image| labels[image] == class).map(|image| counts[image]).sum();
                assert_eq!(drawn, images);
            }
        }
    }

    #[test]
    fn groups_are_drawn_whole() {
        // Group 7 is of class 1 by two images of three; group 3 of both, so of the first.
        let units = Units::new(2, &[1, 0, 1, 1, 0, 0], Some(&[7, 7, 7, 3, 3, 5]));
        assert_eq!(units.per_class().collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        let mut seen = [false; 3];
        for resample in 0..50 {
            let mut counts = [9; 6];
            units.draw(1, resample, &mut counts);
            assert_eq!((counts[0], counts[1], counts[2]), (1, 1, 1));
            assert_eq!((counts[3], counts[3] + counts[5]), (counts[4], 2));
            seen[counts[5] as usize] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    /// Pinned: other numbers mean that no earlier interval can be repeated.
    #[test]
    fn draws_never_change() {
        let mut counts = [0; 10];
        let units = Units::new(2, &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], None);
        units.draw(28, 3, &mut counts);
        assert_eq!(counts, PINNED);
        units.draw(28, 4, &mut counts);
        assert_ne!(counts, PINNED);
        units.draw(29, 3, &mut counts);
        assert_ne!(counts, PINNED);
    }

    const PINNED: [u32; 10] = [2, 0, 1, 1, 1, 1, 2, 2, 0, 0];

    #[test]
    fn every_image_is_drawn_as_often() {
        let units = Units::new(2, &[0; 5], None);
        let (mut totals, mut counts) = ([0; 5], [0; 5]);
        for resample in 0..2000 {
            units.draw(5, resample, &mut counts);
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        // 2,000 are expected of each; five standard deviations are 200.
        assert!(totals.iter().all(|total| (1800..2200).contains(total)), "{totals:?}");
    }
}
