//! Iterative stratification of images with several findings (Sechidis, Tsoumakas and Vlahavas 2011, "On the Stratification of
//! Multi-Label Data", algorithm 1), over whole groups.

use base::random::{Key, permutation};

use super::grouped::Group;

/// Deals groups to subsets that hold these shares of the images, and as nearly as can be of each label's positive images.
/// Returns the subset of each image.
///
/// As in the paper, the label with the fewest positive images left goes first, and each of its images goes to the subset that
/// lacks most of that label, then most images. A group counts with its number of images of each label; groups with many images
/// of the label go before those with few, since these fill what is left.
pub(super) fn deal(groups: &[Group], n_labels: usize, shares: &[f64], key: &Key) -> Vec<usize> {
    let images: usize = groups.iter().map(|group| group.members.len()).sum();
    let mut deal = Deal::new(groups, n_labels, shares, key);
    while let Some(label) = deal.rarest() {
        let mut of_label: Vec<(usize, usize)> = deal.left_with(label).collect();
        of_label.sort_by_key(|&(group, count)| (std::cmp::Reverse(count), deal.rank[group]));
        of_label.into_iter().for_each(|(group, _)| deal.place(group, Some(label)));
    }
    let mut rest: Vec<usize> = (0..groups.len()).filter(|&group| deal.subset[group].is_none()).collect();
    rest.sort_by_key(|&group| (std::cmp::Reverse(groups[group].members.len()), deal.rank[group]));
    rest.into_iter().for_each(|group| deal.place(group, None));
    let mut subsets = vec![0; images];
    for (group, subset) in groups.iter().zip(&deal.subset) {
        group.members.iter().for_each(|&image| subsets[image] = subset.unwrap_or(0));
    }
    subsets
}

struct Deal<'a> {
    groups: &'a [Group],
    key: &'a Key,
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
}

impl<'a> Deal<'a> {
    fn new(groups: &'a [Group], n_labels: usize, shares: &[f64], key: &'a Key) -> Self {
        let (mut left, mut with_label) = (vec![0; n_labels], vec![Vec::new(); n_labels]);
        for (index, group) in groups.iter().enumerate() {
            for &(label, count) in &group.counts {
                left[label] += count;
                with_label[label].push(index);
            }
        }
        let mut rank = vec![0; groups.len()];
        permutation(groups.len(), key, 0)
            .into_iter()
            .enumerate()
            .for_each(|(place, group)| rank[group] = place);
        let images: usize = groups.iter().map(|group| group.members.len()).sum();
        let of = |count: usize| shares.iter().map(|share| share * count as f64).collect::<Vec<_>>();
        let (lacks, lacks_of) = (of(images), left.iter().map(|&count| of(count)).collect());
        Self { groups, key, rank, subset: vec![None; groups.len()], left, with_label, lacks, lacks_of }
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
        let chance =
            if equal.len() > 1 { permutation(equal.len(), self.key, 1 + group as u64)[0] } else { 0 };
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
