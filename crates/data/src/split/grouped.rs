//! Whole groups chosen so that each class comes near to a wanted number of images.

use std::collections::HashMap;

use base::random::{Key, permutation};

use crate::{ClassName, Error, Sample};

/// Images that stay together.
pub(super) struct Group {
    /// Indices of the group's images.
    pub(super) members: Vec<usize>,
    /// Classes, or positive labels, in rising order, each with its images.
    pub(super) counts: Vec<(usize, usize)>,
}

/// The groups of images, in the order of their first ones; an image without a group is one of its own.
pub(super) fn groups(samples: &[&Sample]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (i, sample) in samples.iter().enumerate() {
        let next = groups.len();
        let index = match &sample.group {
            Some(name) => *known.entry(name).or_insert(next),
            None => next,
        };
        if index == next {
            groups.push(Group { members: Vec::new(), counts: Vec::new() });
        }
        let group = &mut groups[index];
        group.members.push(i);
        for stratum in sample.strata() {
            match group.counts.binary_search_by_key(&stratum, |(class, _)| *class) {
                Ok(at) => group.counts[at].1 += 1,
                Err(at) => group.counts.insert(at, (stratum, 1)),
            }
        }
    }
    groups
}

/// The most images of each class in one group.
pub(super) fn largest(groups: &[Group], n_classes: usize) -> Vec<usize> {
    let mut largest = vec![0; n_classes];
    for &(class, count) in groups.iter().flat_map(|group| &group.counts) {
        largest[class] = count.max(largest[class]);
    }
    largest
}

/// Most kinds of groups of which pairs are tried: with more, there are ways enough to come near without.
const PAIRED: usize = 200;
/// Least change that counts as nearer, so that rounding does not go in circles.
const STEP: f64 = 1e-9;

/// Chooses images in whole groups: about `wanted[class]` of each class, at least 1 and fewer than all.
///
/// Groups are taken in random order while that brings the classes nearer to their numbers; then single groups and pairs of
/// them change sides as long as that does. Where each group is of one class, no class can end off by as much as its largest
/// group: some group's change of sides would bring it nearer.
///
/// # Errors
/// A class that is empty on one side.
pub(super) fn choose(
    samples: &[&Sample],
    classes: &[ClassName],
    wanted: &[usize],
    key: &Key,
) -> Result<Vec<bool>, Error> {
    let groups = groups(samples);
    let mut kinds: Vec<SizeClass<'_>> = Vec::new();
    let mut known: HashMap<&[(usize, usize)], usize> = HashMap::new();
    let mut order = Vec::new();
    for index in permutation(groups.len(), key, 0) {
        let counts = &groups[index].counts[..];
        let kind = *known.entry(counts).or_insert(kinds.len());
        if kind == kinds.len() {
            kinds.push(SizeClass { counts, groups: Vec::new(), chosen: 0 });
        }
        kinds[kind].groups.push(index);
        order.push(kind);
    }
    let mut search = Search::new(&groups, kinds, wanted);
    for kind in order {
        search.improve(&[(kind, true)]);
    }
    while search.step() {}
    search.check(classes)?;
    let mut chosen = vec![false; samples.len()];
    for kind in &search.kinds {
        for &group in &kind.groups[..kind.chosen] {
            groups[group].members.iter().for_each(|&sample| chosen[sample] = true);
        }
    }
    Ok(chosen)
}

/// Groups with the same number of images of each class, in random order: the first `chosen` of them are chosen.
struct SizeClass<'a> {
    counts: &'a [(usize, usize)],
    groups: Vec<usize>,
    chosen: usize,
}

/// A kind of which one group more is chosen, or one fewer.
type Move = (usize, bool);

struct Search<'a> {
    kinds: Vec<SizeClass<'a>>,
    /// Images of each class: wanted, in all, in the largest group, and chosen.
    wanted: &'a [usize],
    all: Vec<usize>,
    largest: Vec<usize>,
    chosen: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(groups: &[Group], kinds: Vec<SizeClass<'a>>, wanted: &'a [usize]) -> Self {
        let n_classes = wanted.len();
        let mut all = vec![0; n_classes];
        groups.iter().flat_map(|group| &group.counts).for_each(|&(class, count)| all[class] += count);
        Self { kinds, wanted, all, largest: largest(groups, n_classes), chosen: vec![0; n_classes] }
    }

    /// Computes the part of the distance of a class with `chosen` images: above all it must not be empty on one side, then
    /// not be off by its largest group, then be as near as can be.
    fn distance(&self, class: usize, chosen: usize) -> f64 {
        let off = chosen.abs_diff(self.wanted[class]) as f64 / self.largest[class].max(1) as f64;
        let empty = chosen == 0 || chosen == self.all[class];
        off * off + f64::from(u8::from(off >= 1.0)) + 100.0 * f64::from(u8::from(empty))
    }

    /// Computes by how much moves would change the distance; nothing where they cannot be made.
    fn change(&self, moves: &[Move]) -> Option<f64> {
        let mut chosen: Vec<(usize, isize)> = Vec::new();
        for (i, &(kind, more)) in moves.iter().enumerate() {
            let same = moves[..i].iter().filter(|other| **other == (kind, more)).count();
            let SizeClass { counts, groups, chosen: taken } = &self.kinds[kind];
            let left = if more { groups.len() - taken } else { *taken };
            if left <= same {
                return None;
            }
            for &(class, count) in *counts {
                let count = if more { count as isize } else { -(count as isize) };
                match chosen.iter_mut().find(|(other, _)| *other == class) {
                    Some((_, sum)) => *sum += count,
                    None => chosen.push((class, count)),
                }
            }
        }
        let of_class = chosen.into_iter().map(|(class, change)| {
            let now = self.chosen[class];
            self.distance(class, now.saturating_add_signed(change)) - self.distance(class, now)
        });
        Some(of_class.sum())
    }

    /// Makes moves if they bring the classes nearer.
    fn improve(&mut self, moves: &[Move]) -> bool {
        if self.change(moves).is_none_or(|change| change > -STEP) {
            return false;
        }
        for &(kind, more) in moves {
            let kind = &mut self.kinds[kind];
            kind.chosen = if more { kind.chosen + 1 } else { kind.chosen - 1 };
            for &(class, count) in kind.counts {
                let now = &mut self.chosen[class];
                *now = if more { *now + count } else { *now - count };
            }
        }
        true
    }

    /// The best of all moves, and of pairs of them where no single one is any good.
    fn step(&mut self) -> bool {
        let moves: Vec<Move> = (0..self.kinds.len()).flat_map(|kind| [(kind, true), (kind, false)]).collect();
        let single = self.best(moves.iter().map(|&first| [first, first]), 1);
        let best = match single {
            None if self.kinds.len() <= PAIRED => {
                let pairs = moves
                    .iter()
                    .enumerate()
                    .flat_map(|(i, &first)| moves[i..].iter().map(move |&second| [first, second]));
                self.best(pairs, 2).map(|pair| pair.to_vec())
            }
            single => single.map(|pair| pair[..1].to_vec()),
        };
        best.is_some_and(|moves| self.improve(&moves))
    }

    fn best(&self, pairs: impl Iterator<Item = [Move; 2]>, length: usize) -> Option<[Move; 2]> {
        let changes = pairs.filter_map(|pair| Some((self.change(&pair[..length])?, pair)));
        let best = changes.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 <= -STEP).then_some(best.1)
    }

    fn check(&self, classes: &[ClassName]) -> Result<(), Error> {
        for (class, name) in classes.iter().enumerate() {
            if self.chosen[class] == 0 || self.chosen[class] == self.all[class] {
                let holds = |kind: &&SizeClass<'_>| kind.counts.iter().any(|(other, _)| *other == class);
                let groups = self.kinds.iter().filter(holds).map(|kind| kind.groups.len()).sum();
                return Err(Error::TooFewGroups { class: name.label.clone(), groups });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn sample(label: usize, group: Option<&str>) -> Sample {
        Sample { group: group.map(str::to_owned), ..Sample::new(PathBuf::new(), String::new(), label) }
    }

    #[test]
    fn images_of_one_group_are_together_and_others_alone() {
        let samples = [
            sample(1, Some("p")),
            sample(0, None),
            sample(0, Some("q")),
            sample(0, Some("p")),
            sample(1, Some("p")),
            sample(0, None),
        ];
        let groups = groups(&samples.iter().collect::<Vec<_>>());
        let members: Vec<_> = groups.iter().map(|group| group.members.clone()).collect();
        assert_eq!(members, [vec![0, 3, 4], vec![1], vec![2], vec![5]]);
        let counts: Vec<_> = groups.iter().map(|group| group.counts.clone()).collect();
        assert_eq!(counts, [vec![(0, 1), (1, 2)], vec![(0, 1)], vec![(0, 1)], vec![(0, 1)]]);
        assert_eq!(largest(&groups, 3), [1, 2, 0]);
    }

    /// Two classes of 10 and 20 images, of which 3 and 5 are wanted; the largest groups have 4 and 1.
    fn search<'a>(kinds: Vec<SizeClass<'a>>, chosen: [usize; 2]) -> Search<'a> {
        Search { kinds, wanted: &[3, 5], all: vec![10, 20], largest: vec![4, 1], chosen: chosen.to_vec() }
    }

    fn kind(counts: &[(usize, usize)], groups: usize, chosen: usize) -> SizeClass<'_> {
        SizeClass { counts, groups: (0..groups).collect(), chosen }
    }

    #[test]
    fn a_distance_is_squared_and_larger_by_a_whole_group_and_by_an_empty_side() {
        let search = search(Vec::new(), [0, 0]);
        for (chosen, expected) in [
            (3, 0.0),
            (5, 0.25),
            (1, 0.25),
            (6, 0.5625),
            (7, 1.0 + 1.0),
            (0, 0.5625 + 100.0),
            (10, 3.0625 + 1.0 + 100.0),
        ] {
            assert_eq!(search.distance(0, chosen), expected, "{chosen}");
        }
        assert_eq!(search.distance(1, 3), 4.0 + 1.0);
    }

    #[test]
    fn a_change_is_the_difference_of_all_classes_distances() {
        let kinds = || vec![kind(&[(0, 2), (1, 1)], 2, 1), kind(&[(0, 1)], 3, 0)];
        let search = search(kinds(), [2, 4]);
        let own = search.distance(0, 2) + search.distance(1, 4);
        for (moves, chosen) in [
            (&[(0, true)][..], Some([4, 5])),
            (&[(0, false)], Some([0, 3])),
            (&[(1, true)], Some([3, 4])),
            (&[(0, true), (1, true)], Some([5, 5])),
            (&[(0, false), (1, true)], Some([1, 3])),
            (&[(1, true), (1, true)], Some([4, 4])),
            (&[(0, true), (0, false)], Some([2, 4])),
            // One group is left on either side, and none of the second kind is chosen.
            (&[(0, true), (0, true)], None),
            (&[(0, false), (0, false)], None),
            (&[(1, false)], None),
        ] {
            let expected = chosen.map(|[a, b]| search.distance(0, a) + search.distance(1, b) - own);
            let change = search.change(moves);
            assert_eq!(change.is_some(), expected.is_some(), "{moves:?}");
            let off = change.unwrap_or_default() - expected.unwrap_or_default();
            assert!(off.abs() < 1e-12, "{moves:?}: {change:?} is not {expected:?}");
        }
    }

    #[test]
    fn moves_are_made_where_they_bring_the_classes_nearer_and_nowhere_else() {
        let mut search = search(vec![kind(&[(0, 2), (1, 1)], 2, 1), kind(&[(1, 2)], 9, 2)], [2, 4]);
        // From one image too few to one too many.
        assert!(!search.improve(&[(1, true)]));
        assert_eq!((&search.chosen[..], search.kinds[1].chosen), (&[2, 4][..], 2));
        assert!(search.improve(&[(0, true)]));
        assert_eq!((&search.chosen[..], search.kinds[0].chosen), (&[4, 5][..], 2));
        search.chosen = vec![5, 6];
        assert!(search.improve(&[(0, false)]));
        assert_eq!((&search.chosen[..], search.kinds[0].chosen), (&[3, 5][..], 1));
    }

    #[test]
    fn pairs_are_tried_where_no_single_move_is_any_good_and_kinds_are_few() {
        let filler: Vec<[(usize, usize); 1]> = vec![[(1, 1)]; PAIRED];
        for (others, is_nearer) in [(PAIRED - 2, true), (PAIRED - 1, false)] {
            let mut kinds = vec![kind(&[(0, 3)], 1, 0), kind(&[(0, 2)], 1, 1)];
            kinds.extend(filler[..others].iter().map(|counts| kind(counts, 1, 0)));
            let mut search = search(kinds, [2, 5]);
            assert_eq!(search.step(), is_nearer);
            assert_eq!(search.chosen, [if is_nearer { 3 } else { 2 }, 5]);
        }
        // A single move that is as good is preferred, and the best of them.
        let mut search = search(vec![kind(&[(0, 2)], 1, 0), kind(&[(0, 1)], 2, 0)], [1, 5]);
        assert!(search.step() && !search.step());
        assert_eq!((search.kinds[0].chosen, search.kinds[1].chosen), (1, 0));
    }
}
