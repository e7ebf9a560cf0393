//! Small random forest (Breiman, 2001) over facts in bins, which measures how well facts alone tell classes
//! apart.

use base::random::{Key, permutation};

/// Facts of images, each brought to at most 256 bins.
pub(super) struct NodeTable {
    /// A row of bins for each fact.
    facts: Vec<Vec<u8>>,
    /// Class index of each image.
    labels: Vec<usize>,
    n_classes: usize,
}

/// Settings by which a forest is grown.
#[derive(Clone, Copy)]
pub(super) struct Growth {
    pub(super) trees: usize,
    pub(super) depth: usize,
    /// Randomness: each tree sees a part of the images, and each of its forks a part of the facts.
    pub(super) random: bool,
}

/// Bins that a fact of more values is cut into.
const BINS: usize = 64;
/// The fewest images at a leaf.
const LEAF: usize = 3;

enum Node {
    Leaf(Vec<f64>),
    /// Fork: up to this bin to the first child, above it to the second.
    Fork {
        fact: usize,
        bin: u8,
        children: [usize; 2],
    },
}

pub(super) struct Forest(Vec<Vec<Node>>);

impl NodeTable {
    /// Sorts facts into bins: `facts[fact][image]`; every label is below `n_classes`.
    pub(super) fn new(facts: &[Vec<f64>], labels: Vec<usize>, n_classes: usize) -> Self {
        Self { facts: facts.iter().map(|values| bins(values)).collect(), labels, n_classes }
    }

    /// Returns the table of one fact alone.
    pub(super) fn only(&self, fact: usize) -> Self {
        Self { facts: vec![self.facts[fact].clone()], labels: self.labels.clone(), n_classes: self.n_classes }
    }

    pub(super) fn labels(&self) -> &[usize] {
        &self.labels
    }
}

/// Ranks of values: one bin each where they are few, otherwise as many values in each bin.
fn bins(values: &[f64]) -> Vec<u8> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let bounds: Vec<f64> = match distinct.len() <= BINS {
        true => distinct,
        false => (0..BINS).map(|bin| sorted[bin * sorted.len() / BINS]).collect(),
    };
    values.iter().map(|value| (bounds.partition_point(|bound| bound <= value) - 1) as u8).collect()
}

impl Forest {
    /// Grows on the images `among`; classes count alike, whatever their sizes. The key's step is not used.
    pub(super) fn grow(table: &NodeTable, among: &[usize], growth: Growth, key: Key) -> Self {
        let mut counts = vec![0.0_f64; table.n_classes];
        among.iter().for_each(|&image| counts[table.labels[image]] += 1.0);
        let weights: Vec<f64> = counts.iter().map(|&count| 1.0 / count.max(1.0)).collect();
        let trees = (0..growth.trees).map(|tree| {
            let key = Key { step: tree as u64, ..key };
            let mut images = among.to_vec();
            if growth.random {
                // As many as differ in a bootstrap sample.
                let order = permutation(among.len(), &key, 0);
                images = order[..(among.len() * 63).div_ceil(100)].iter().map(|&i| among[i]).collect();
            }
            let mut tree = Tree { table, weights: &weights, growth, key, nodes: Vec::new() };
            tree.grow(&mut images, 0);
            tree.nodes
        });
        Self(trees.collect())
    }

    /// The class of an image: the first with most votes.
    pub(super) fn classify(&self, table: &NodeTable, image: usize) -> usize {
        let mut votes = vec![0.0; table.n_classes];
        for tree in &self.0 {
            let mut at = 0;
            while let Some(Node::Fork { fact, bin, children }) = tree.get(at) {
                at = children[usize::from(table.facts[*fact][image] > *bin)];
            }
            if let Some(Node::Leaf(shares)) = tree.get(at) {
                votes.iter_mut().zip(shares).for_each(|(vote, share)| *vote += share);
            }
        }
        (0..votes.len()).rev().max_by(|&a, &b| votes[a].total_cmp(&votes[b])).unwrap_or(0)
    }
}

struct Tree<'a> {
    table: &'a NodeTable,
    weights: &'a [f64],
    growth: Growth,
    key: Key,
    nodes: Vec<Node>,
}

impl Tree<'_> {
    /// Adds the node that parts `images` and all below it; its index.
    fn grow(&mut self, images: &mut [usize], depth: usize) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf(self.shares(images)));
        if depth < self.growth.depth
            && images.len() >= 2 * LEAF
            && let Some((fact, bin)) = self.best_fork(images, at)
        {
            let bins = &self.table.facts[fact];
            images.sort_by_key(|&image| bins[image] > bin);
            let (low, high) = images.split_at_mut(images.partition_point(|&image| bins[image] <= bin));
            let children = [self.grow(low, depth + 1), self.grow(high, depth + 1)];
            self.nodes[at] = Node::Fork { fact, bin, children };
        }
        at
    }

    fn shares(&self, images: &[usize]) -> Vec<f64> {
        let mut shares = vec![0.0; self.table.n_classes];
        images
            .iter()
            .for_each(|&image| shares[self.table.labels[image]] += self.weights[self.table.labels[image]]);
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        shares
    }

    /// The fork that leaves the purest children by Gini's measure, where any is purer than the node.
    fn best_fork(&self, images: &[usize], node: usize) -> Option<(usize, u8)> {
        let n_facts = self.table.facts.len();
        let tried = if self.growth.random { (n_facts as f64).sqrt().ceil() as usize } else { n_facts };
        let mut best: Option<(f64, usize, u8)> = None;
        // Stream 0 drew the images. Facts that do not part these images do not count as tried.
        let mut left = tried;
        for fact in permutation(n_facts, &self.key, node as u64 + 1) {
            if left == 0 {
                break;
            }
            if let Some((purity, bin)) = self.best_bin(images, fact) {
                left -= 1;
                if best.is_none_or(|(most, ..)| purity > most) {
                    best = Some((purity, fact, bin));
                }
            }
        }
        let (purity, fact, bin) = best?;
        let whole = purity_of(&self.sums(images));
        (purity > whole + 1e-9).then_some((fact, bin))
    }

    fn sums(&self, images: &[usize]) -> Vec<f64> {
        let mut sums = vec![0.0; self.table.n_classes];
        images
            .iter()
            .for_each(|&image| sums[self.table.labels[image]] += self.weights[self.table.labels[image]]);
        sums
    }

    /// The purest two parts that a fact makes, each of enough images.
    fn best_bin(&self, images: &[usize], fact: usize) -> Option<(f64, u8)> {
        let (classes, bins) = (self.table.n_classes, &self.table.facts[fact]);
        let (mut weights, mut counts) = (vec![0.0; BINS * classes], [0; BINS]);
        for &image in images {
            let (bin, label) = (usize::from(bins[image]), self.table.labels[image]);
            weights[bin * classes + label] += self.weights[label];
            counts[bin] += 1;
        }
        let (mut low, mut high) = (vec![0.0; classes], self.sums(images));
        let (mut below, mut best): (usize, Option<(f64, u8)>) = (0, None);
        for bin in 0..BINS - 1 {
            for class in 0..classes {
                low[class] += weights[bin * classes + class];
                high[class] -= weights[bin * classes + class];
            }
            below += counts[bin];
            if counts[bin] == 0 || below < LEAF || images.len() - below < LEAF {
                continue;
            }
            let purity = purity_of(&low) + purity_of(&high);
            if best.is_none_or(|(most, _)| purity > most) {
                best = Some((purity, bin as u8));
            }
        }
        best
    }
}

/// The weight of a part times the chance that two of it are of one class.
fn purity_of(sums: &[f64]) -> f64 {
    let all: f64 = sums.iter().sum();
    if all <= 0.0 { 0.0 } else { sums.iter().map(|sum| sum * sum).sum::<f64>() / all }
}
