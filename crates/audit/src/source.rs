//! Classification by a file's facts alone, which shows if they give its class away.
//!
//! Classes gathered from different places differ in size, format, compression and borders. A network can learn those
//! instead of the disease, and its accuracy then says nothing. So classes are guessed from the facts alone, each image
//! by a forest grown without it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use base::random::{Key, Purpose, permutation};

use super::{
    facts::FileFacts,
    forest::{Forest, Growth, NodeTable},
};

/// Strength of file facts alone in telling the classes apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Images that this rests on: of those with the same pixels, one.
    pub images: usize,
    /// Balanced accuracy of guessing: one over the number of classes.
    pub chance: f64,
    /// Mean over the classes of the share of their images that all facts together classify correctly, cross-validated.
    pub balanced_accuracy: f64,
    /// Chance variation of the balanced accuracy: three standard errors of guessing.
    pub noise: f64,
    /// Recall of each class.
    pub recalls: Vec<f64>,
    /// Each fact by itself, the strongest first.
    pub facts: Vec<FactStrength>,
    /// Verdict on the balanced accuracy.
    pub sign: Sign,
}

/// Strength of a single fact in telling the classes apart.
#[derive(Clone, Debug, PartialEq)]
pub struct FactStrength {
    /// Name of the fact, such as `width`.
    pub name: &'static str,
    /// Balanced accuracy by this fact alone, cross-validated as that of all facts.
    pub balanced_accuracy: f64,
    /// Typical value of each class: the median, or the most frequent word.
    pub typical: Vec<String>,
}

/// Verdict on how well facts classify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// No better than guessing, or by less than a tenth of the distance from guessing to 1.
    None,
    /// Better than guessing by less than two fifths of that distance.
    Weak,
    /// Better than guessing by more.
    Strong,
}

/// Says in a sentence whether files alone give classes away: by the sign's strength, the balanced accuracy of file facts and
/// that of guessing.
pub fn source_sentence(source: Option<(Sign, f64, f64)>) -> String {
    let Some((sign, accuracy, chance)) = source else {
        return "Not tried: it takes two classes of ten images each, and no findings.".to_owned();
    };
    let figures = format!(
        "file facts alone classify with a balanced accuracy of {accuracy:.2}, guessing with {chance:.2}"
    );
    match sign {
        Sign::None => format!("No sign of it: {figures}."),
        Sign::Weak => {
            format!("Some signs of it: {figures}. Part of a network's accuracy may come from there.")
        }
        Sign::Strong => format!(
            "Yes: {figures}. A network can score well without looking at the lungs; test it on images from elsewhere."
        ),
    }
}

impl Sign {
    const WEAK: f64 = 0.1;
    const STRONG: f64 = 0.4;

    fn new(balanced_accuracy: f64, chance: f64, noise: f64) -> Self {
        let above = (balanced_accuracy - chance) / (1.0 - chance);
        match balanced_accuracy - chance > noise {
            true if above >= Self::STRONG => Self::Strong,
            true if above >= Self::WEAK => Self::Weak,
            _ => Self::None,
        }
    }
}

/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// The fewest images of a class: fewer say nothing.
const FEWEST: usize = 10;
/// Growth of a forest on all facts together.
const TOGETHER: Growth = Growth { trees: 40, depth: 10, random: true };
/// Growth on one fact: a single tree of up to 16 leaves.
const ALONE: Growth = Growth { trees: 1, depth: 4, random: false };

/// A fact's value.
enum Fact {
    /// Number of an image; one that is not known is below all others.
    Number(fn(&FileFacts) -> f64),
    Word(fn(&FileFacts) -> &'static str),
}
use Fact::{Number, Word};

/// All facts under their names.
const FACTS: [(&str, Fact); 17] = [
    ("width", Number(|facts| facts.width as f64)),
    ("height", Number(|facts| facts.height as f64)),
    ("pixels", Number(|facts| facts.width as f64 * facts.height as f64)),
    ("aspect ratio", Number(FileFacts::aspect)),
    ("file size", Number(|facts| facts.bytes as f64)),
    ("bytes per pixel", Number(FileFacts::bytes_per_pixel)),
    ("format", Word(|facts| facts.format)),
    ("bit depth", Number(|facts| facts.bits.map_or(-1.0, f64::from))),
    ("colour type", Word(|facts| facts.colour)),
    ("JPEG quality", Number(|facts| facts.jpeg_quality.map_or(-1.0, f64::from))),
    ("progressive or interlaced", Number(|facts| f64::from(u8::from(facts.progressive)))),
    ("left border", Number(|facts| facts.borders[0].into())),
    ("top border", Number(|facts| facts.borders[1].into())),
    ("right border", Number(|facts| facts.borders[2].into())),
    ("bottom border", Number(|facts| facts.borders[3].into())),
    ("brightness of the edges", Number(|facts| facts.edge_mean.into())),
    ("brightness of the corners", Number(|facts| facts.corner_mean.into())),
];

impl Fact {
    /// Computes the fact of every image; words as their places in sorted order.
    fn values(&self, images: &[(&FileFacts, usize)]) -> Vec<f64> {
        match self {
            Number(of) => images.iter().map(|(facts, _)| of(facts)).collect(),
            Word(of) => {
                let words: Vec<&str> = images.iter().map(|(facts, _)| of(facts)).collect();
                let sorted: BTreeSet<&str> = words.iter().copied().collect();
                words.iter().map(|word| sorted.range::<&str, _>(..word).count() as f64).collect()
            }
        }
    }

    /// The middle or the most frequent value of a class, in short.
    fn typical(&self, images: &[(&FileFacts, usize)], class: usize) -> String {
        let of_class = images.iter().filter(|(_, label)| *label == class).map(|(facts, _)| *facts);
        match self {
            Number(of) => {
                let mut values: Vec<f64> = of_class.map(of).collect();
                values.sort_unstable_by(f64::total_cmp);
                match values.get(values.len() / 2) {
                    Some(&value) if value >= 100.0 || value.fract() == 0.0 && value >= 0.0 => {
                        format!("{value:.0}")
                    }
                    Some(&value) if value >= 0.0 => format!("{value:.2}"),
                    _ => "–".to_owned(),
                }
            }
            Word(of) => {
                let mut counts = BTreeMap::new();
                of_class.for_each(|facts| *counts.entry(of(facts)).or_insert(0) += 1);
                let most = counts.into_iter().max_by_key(|&(word, count)| (count, std::cmp::Reverse(word)));
                most.map_or_else(String::new, |(word, _)| word.to_owned())
            }
        }
    }
}

/// Measures how well file facts tell classes apart. `images` are facts and class indices below `n_classes`; none with
/// fewer than two classes, or fewer than ten images of one.
pub(super) fn source(images: &[(&FileFacts, usize)], n_classes: usize, seed: u64) -> Option<Source> {
    let labels: Vec<usize> = images.iter().map(|&(_, label)| label).collect();
    let mut counts = vec![0; n_classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    if n_classes < 2 || counts.iter().any(|&count| count < FEWEST) {
        return None;
    }
    let values: Vec<Vec<f64>> = FACTS.iter().map(|(_, fact)| fact.values(images)).collect();
    let table = NodeTable::new(&values, labels, n_classes);
    let key = Key { seed, epoch: 0, step: 0, purpose: Purpose::Audit };
    let folds = folds(table.labels(), n_classes, &key);

    let recalls = recalls(&table, &counts, &folds, TOGETHER, key);
    let mut facts: Vec<FactStrength> = FACTS
        .par_iter()
        .enumerate()
        .map(|(i, (name, fact))| {
            let balanced_accuracy = mean(&self::recalls(&table.only(i), &counts, &folds, ALONE, key));
            let typical = (0..n_classes).map(|class| fact.typical(images, class)).collect();
            FactStrength { name, balanced_accuracy, typical }
        })
        .collect();
    facts.sort_by(|a, b| b.balanced_accuracy.total_cmp(&a.balanced_accuracy));
    let (chance, balanced_accuracy) = (1.0 / n_classes as f64, mean(&recalls));
    let variance: f64 = counts.iter().map(|&count| chance * (1.0 - chance) / count as f64).sum();
    let noise = 3.0 * variance.sqrt() * chance;
    let sign = Sign::new(balanced_accuracy, chance, noise);
    Some(Source { images: images.len(), chance, balanced_accuracy, noise, recalls, facts, sign })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The fold of each image: every class is spread evenly over all of them.
fn folds(labels: &[usize], n_classes: usize, key: &Key) -> Vec<usize> {
    let mut folds = vec![0; labels.len()];
    let mut next = 0;
    for class in 0..n_classes {
        let images: Vec<usize> = (0..labels.len()).filter(|&image| labels[image] == class).collect();
        for place in permutation(images.len(), key, class as u64) {
            folds[images[place]] = next % FOLDS;
            next += 1;
        }
    }
    folds
}

/// For each class the share of its images that are classified correctly by a forest that has not seen them.
fn recalls(table: &NodeTable, counts: &[usize], folds: &[usize], growth: Growth, key: Key) -> Vec<f64> {
    let correct: Vec<usize> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let part = |held_out: bool| -> Vec<usize> {
                (0..folds.len()).filter(|&image| (folds[image] == fold) == held_out).collect()
            };
            let forest = Forest::grow(table, &part(false), growth, Key { epoch: fold as u64 + 1, ..key });
            let mut correct = vec![0; counts.len()];
            for image in part(true) {
                let label = table.labels()[image];
                correct[label] += usize::from(forest.classify(table, image) == label);
            }
            correct
        })
        .reduce(|| vec![0; counts.len()], |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
    correct.iter().zip(counts).map(|(&correct, &count)| correct as f64 / count as f64).collect()
}
