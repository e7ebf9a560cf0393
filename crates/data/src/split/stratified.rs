//! Iterative stratification of images with several findings (Sechidis, Tsoumakas and Vlahavas 2011, "On the Stratification of
//! Multi-Label Data", algorithm 1), over whole groups.

use base::random::{Key, permutation};

use super::grouped::Group;

/// Deals groups to subsets that hold these shares of the images, and as nearly as can be of each label's positive images.
/// Returns the subset of each image.
///
/// The label with the fewest positive images left goes first, as in the paper, and each of its images goes to the subset that
/// lacks most of that label, then most images. A group counts with its number of images of each label; groups with many images
/// of the label go before those with few, since these fill what is left. Then groups change sides, one by one and, where they are
/// few, in pairs, as long as that brings the labels nearer to their shares: with whole groups, the first labels can leave the
/// others far off. Where groups are few, this is done from several random orders, and the nearest of them is taken: from one
/// order, a group that holds the only image of one label in a subset may keep most images of another there.
pub(super) fn deal(groups: &[Group], n_labels: usize, shares: &[f64], key: &Key) -> Vec<usize> {
    let images: usize = groups.iter().map(|group| group.members.len()).sum();
    let labels: Vec<usize> = (0..n_labels).collect();
    let orders = if groups.len() <= FEW_GROUPS { ORDERS } else { 1 };
    let deals = (0..orders).map(|order| Deal::of_all(groups, n_labels, shares, key, order));
    let cost = |deal: &Deal| deal.cost(&labels);
    let nearest = deals.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    let mut subsets = vec![0; images];
    for (group, subset) in groups.iter().zip(nearest.iter().flat_map(|deal| &deal.subset)) {
        group.members.iter().for_each(|&image| subsets[image] = subset.unwrap_or(0));
    }
    subsets
}

/// Random orders of few groups.
const ORDERS: u64 = 16;
/// Most groups of which pairs and several orders are tried.
const FEW_GROUPS: usize = 500;
/// Largest number of passes over all groups.
const PASSES: usize = 20;
/// Least change that counts as nearer, so that rounding does not go in circles.
const STEP: f64 = 1e-9;
/// Cost of a label without a positive image in a subset, beside those of shares that are off.
const EMPTY: f64 = 1.0;

struct Deal<'a> {
    groups: &'a [Group],
    key: &'a Key,
    /// Number of the random order.
    order: u64,
    /// Place of each group in random order.
    rank: Vec<usize>,
    /// Subset of each group that is dealt.
    subset: Vec<Option<usize>>,
    /// Positive images of each label in groups that are left.
    left: Vec<usize>,
    /// Groups with positive images of each label.
    with_label: Vec<Vec<usize>>,
    /// Number of images that each subset lacks, and of positive images of each label.
    lacks: Vec<f64>,
    lacks_of: Vec<Vec<f64>>,
    /// Number of images, and of positive images of each label.
    images: f64,
    positive: Vec<f64>,
    shares: &'a [f64],
}

impl<'a> Deal<'a> {
    /// Deals all groups in one random order, and moves them as long as that helps.
    fn of_all(groups: &'a [Group], n_labels: usize, shares: &'a [f64], key: &'a Key, order: u64) -> Self {
        let mut deal = Self::new(groups, n_labels, shares, key, order);
        while let Some(label) = deal.rarest() {
            let mut of_label: Vec<(usize, usize)> = deal.left_with(label).collect();
            of_label.sort_by_key(|&(group, count)| (std::cmp::Reverse(count), deal.rank[group]));
            of_label.into_iter().for_each(|(group, _)| deal.place(group, Some(label)));
        }
        let mut rest: Vec<usize> = (0..groups.len()).filter(|&group| deal.subset[group].is_none()).collect();
        rest.sort_by_key(|&group| (std::cmp::Reverse(groups[group].members.len()), deal.rank[group]));
        rest.into_iter().for_each(|group| deal.place(group, None));
        deal.improve();
        deal
    }

    fn new(groups: &'a [Group], n_labels: usize, shares: &'a [f64], key: &'a Key, order: u64) -> Self {
        let (mut left, mut with_label) = (vec![0; n_labels], vec![Vec::new(); n_labels]);
        for (index, group) in groups.iter().enumerate() {
            for &(label, count) in &group.counts {
                left[label] += count;
                with_label[label].push(index);
            }
        }
        let mut rank = vec![0; groups.len()];
        permutation(groups.len(), key, order << 32)
            .into_iter()
            .enumerate()
            .for_each(|(place, group)| rank[group] = place);
        let images: usize = groups.iter().map(|group| group.members.len()).sum();
        let of = |count: usize| shares.iter().map(|share| share * count as f64).collect::<Vec<_>>();
        let (lacks, lacks_of) = (of(images), left.iter().map(|&count| of(count)).collect());
        let positive = left.iter().map(|&count| count as f64).collect();
        let (subset, images) = (vec![None; groups.len()], images as f64);
        Self { groups, key, order, rank, subset, left, with_label, lacks, lacks_of, images, positive, shares }
    }

    /// Moves groups, and exchanges pairs of few groups, as long as that brings the subsets nearer to their shares.
    fn improve(&mut self) {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|&group| self.rank[group]);
        for _ in 0..PASSES {
            let mut moved = false;
            for &group in &order {
                moved |= (0..self.shares.len()).any(|to| self.try_moves(&[(group, to)]));
            }
            if !moved && order.len() <= FEW_GROUPS {
                for (at, &first) in order.iter().enumerate() {
                    for &second in &order[at + 1..] {
                        if let (Some(to), Some(from)) = (self.subset[second], self.subset[first])
                            && to != from
                        {
                            moved |= self.try_moves(&[(first, to), (second, from)]);
                        }
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Moves groups to other subsets if that brings the subsets nearer to their shares.
    fn try_moves(&mut self, moves: &[(usize, usize)]) -> bool {
        let before: Vec<Option<usize>> = moves.iter().map(|&(group, _)| self.subset[group]).collect();
        if moves.iter().zip(&before).any(|((_, to), from)| *from == Some(*to)) {
            return false;
        }
        let mut labels: Vec<usize> = moves
            .iter()
            .flat_map(|&(group, _)| self.groups[group].counts.iter().map(|(label, _)| *label))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        let cost = self.cost(&labels);
        moves.iter().for_each(|&(group, to)| self.move_to(group, to));
        if self.cost(&labels) < cost - STEP {
            return true;
        }
        moves
            .iter()
            .zip(before)
            .for_each(|(&(group, _), from)| from.into_iter().for_each(|from| self.move_to(group, from)));
        false
    }

    fn move_to(&mut self, group: usize, to: usize) {
        let Some(from) = self.subset[group].replace(to) else { return };
        let images = self.groups[group].members.len() as f64;
        self.lacks[from] += images;
        self.lacks[to] -= images;
        for &(label, count) in &self.groups[group].counts {
            self.lacks_of[label][from] += count as f64;
            self.lacks_of[label][to] -= count as f64;
        }
    }

    /// Squared distances of the subsets from their shares, of all images and of these labels, and a cost of subsets without a
    /// label.
    fn cost(&self, labels: &[usize]) -> f64 {
        let off = |lacks: &[f64], of: f64| lacks.iter().map(|lack| (lack / of.max(1.0)).powi(2)).sum::<f64>();
        let of_label = |&label: &usize| {
            let (lacks, of) = (&self.lacks_of[label], self.positive[label]);
            let is_empty = |(lack, share): (&f64, &f64)| share * of - lack < 0.5;
            let empty = lacks.iter().zip(self.shares).filter(|pair| is_empty(*pair)).count();
            off(lacks, of) + EMPTY * empty as f64
        };
        off(&self.lacks, self.images) + labels.iter().map(of_label).sum::<f64>()
    }

    /// The label with the fewest positive images that are left, at least one.
    fn rarest(&self) -> Option<usize> {
        let left = self.left.iter().enumerate().filter(|(_, left)| **left > 0);
        left.min_by_key(|(_, left)| **left).map(|(label, _)| label)
    }

    /// Groups that are left with positive images of a label, and their numbers.
    fn left_with(&self, label: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let left = self.with_label[label].iter().filter(|&&group| self.subset[group].is_none());
        left.map(move |&group| {
            let counts = self.groups[group].counts.iter().find(|(other, _)| *other == label);
            (group, counts.map_or(0, |(_, count)| *count))
        })
    }

    /// Places a group in the subset that lacks most of a label, then most images, then by chance.
    fn place(&mut self, group: usize, label: Option<usize>) {
        let lack =
            |subset: usize| (label.map_or(0.0, |label| self.lacks_of[label][subset]), self.lacks[subset]);
        let order = |a: (f64, f64), b: (f64, f64)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
        let most = (0..self.lacks.len()).map(lack).max_by(|a, b| order(*a, *b));
        let equal: Vec<usize> = (0..self.lacks.len()).filter(|&subset| Some(lack(subset)) == most).collect();
        let chance = if equal.len() > 1 {
            permutation(equal.len(), self.key, (self.order << 32) + 1 + group as u64)[0]
        } else {
            0
        };
        let subset = equal.get(chance).copied().unwrap_or(0);
        self.subset[group] = Some(subset);
        self.lacks[subset] -= self.groups[group].members.len() as f64;
        for &(label, count) in &self.groups[group].counts {
            self.lacks_of[label][subset] -= count as f64;
            self.left[label] -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use base::random::Purpose;

    use super::*;

    const KEY: Key = Key { seed: 28, epoch: 0, step: 0, purpose: Purpose::Split };

    /// A group an image, with these labels.
    fn images(labels: &[&[usize]]) -> Vec<Group> {
        let group = |(image, labels): (usize, &&[usize])| Group {
            members: vec![image],
            counts: labels.iter().map(|&label| (label, 1)).collect(),
        };
        labels.iter().enumerate().map(group).collect()
    }

    #[test]
    fn rare_labels_go_first_and_everything_is_in_proportion() {
        // 4 images of the rare label, 40 of the frequent one, 56 without.
        let of = |image: usize| -> &[usize] {
            match image {
                0..4 => &[0, 1],
                4..44 => &[1],
                _ => &[],
            }
        };
        let labels: Vec<&[usize]> = (0..100).map(of).collect();
        let subsets = deal(&images(&labels), 2, &[0.75, 0.25], &KEY);
        let count = |label: Option<usize>| {
            let of = |image: &usize| {
                label.map_or(labels[*image].is_empty(), |label| labels[*image].contains(&label))
            };
            (0..100).filter(of).filter(|&image| subsets[image] == 1).count()
        };
        assert_eq!([count(Some(0)), count(Some(1)), count(None)], [1, 11, 14]);
    }

    #[test]
    fn the_seed_decides_which_images_are_chosen() {
        let labels: Vec<&[usize]> = (0..40).map(|i| if i % 2 == 0 { &[0][..] } else { &[] }).collect();
        let of = |seed| deal(&images(&labels), 1, &[0.5, 0.5], &Key { seed, ..KEY });
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_rare_label_of_a_large_group_does_not_leave_the_other_labels_off() {
        // The first patient has the one image of label 0, and most images of label 1.
        let mut groups = vec![Group { members: (0..21).collect(), counts: vec![(0, 1), (1, 20)] }];
        let others = (0..30).map(|at| Group {
            members: (21 + at * 3..24 + at * 3).collect(),
            counts: if at < 10 { vec![(0, 1), (1, 1)] } else { Vec::new() },
        });
        groups.extend(others);
        for seed in 0..5 {
            let subsets = deal(&groups, 2, &[0.8, 0.2], &Key { seed, ..KEY });
            let held_out: usize = groups
                .iter()
                .filter(|group| subsets[group.members[0]] == 1)
                .flat_map(|group| &group.counts)
                .filter(|(label, _)| *label == 1)
                .map(|(_, count)| count)
                .sum();
            assert!((1..=6).contains(&held_out), "{held_out} of 30");
        }
    }

    #[test]
    fn the_only_image_of_one_label_does_not_keep_most_images_of_another_on_its_side() {
        // The first patient has 21 of 23 images of label 0 and one of 5 of label 1; where it is held out, no move of one or two
        // patients leaves both labels on that side.
        let mut groups = vec![Group { members: (0..60).collect(), counts: vec![(0, 21), (1, 1), (2, 27)] }];
        let counts = |at: usize| match at {
            0 | 1 => vec![(0, 1), (2, 12)],
            2..6 => vec![(1, 1), (2, 2)],
            _ => vec![(2, 2)],
        };
        groups.extend(
            (0..60).map(|at| Group { members: (60 + at * 10..70 + at * 10).collect(), counts: counts(at) }),
        );
        for seed in 0..10 {
            let subsets = deal(&groups, 3, &[0.8, 0.2], &Key { seed, ..KEY });
            assert_eq!(subsets[0], 0, "seed {seed}");
            for label in 0..3 {
                let held_out = groups.iter().filter(|group| subsets[group.members[0]] == 1);
                assert!(held_out.flat_map(|group| &group.counts).any(|(other, _)| *other == label));
            }
        }
    }

    #[test]
    fn a_group_counts_with_all_its_images() {
        // Three patients with 6, 3 and 3 images of the label; and images of none.
        let groups = [
            Group { members: (0..6).collect(), counts: vec![(0, 6)] },
            Group { members: (6..9).collect(), counts: vec![(0, 3)] },
            Group { members: (9..12).collect(), counts: vec![(0, 3)] },
        ];
        let subsets = deal(&groups, 1, &[0.5, 0.5], &KEY);
        assert_eq!(subsets[6..12], [1 - subsets[0]; 6]);
        assert!(subsets[..6].iter().all(|subset| *subset == subsets[0]));
    }
}
