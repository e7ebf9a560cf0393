//! Pairs of images that are worth a closer look: for each image the most alike of all others, by small descriptors.
//!
//! Chest radiographs are alike: among 2,000 of them, pairs that have nothing in common but the posture reach a
//! correlation of 0.97 at 16×16 pixels, while a copy that lost 4 % at two edges can fall to 0.85. So no threshold tells
//! them apart here. Each image is compared with parts of all others instead, and a fixed number of the best is kept.

use rayon::prelude::*;

use super::signature::{CROPS, Descriptor, Signature, UNIT};

/// Candidates kept for each image: what bounds the time of the closer look.
const KEPT: usize = 16;
/// The least correlation of a candidate.
const LEAST: f32 = 0.8;
/// Images whose descriptors stay in the fastest cache while all others pass.
const BLOCK: usize = 4;

/// Two images, one of which may be a part of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) whole: usize,
    pub(super) part: usize,
    /// Index of the one's [crop](Signature::crops) that is most like the other.
    pub(super) crop: usize,
}

/// The candidates among `signatures`, each pair once, in order of the whole and the part.
pub(super) fn candidates(signatures: &[&Signature]) -> Vec<Candidate> {
    let wholes: Vec<(usize, Descriptor)> = signatures
        .par_iter()
        .enumerate()
        .filter_map(|(i, signature)| Some((i, (*signature.descriptors(CROPS.into_iter().take(1)).first()?)?)))
        .collect();
    let mut found: Vec<(Candidate, i32)> = wholes
        .par_chunks(BLOCK)
        .flat_map_iter(|block| {
            let parts: Vec<Vec<Option<Descriptor>>> =
                block.iter().map(|&(i, _)| signatures[i].descriptors(signatures[i].crops())).collect();
            let mut best: Vec<Best> = block.iter().map(|_| Best::default()).collect();
            for &(other, ref descriptor) in &wholes {
                for ((best, parts), &(i, _)) in best.iter_mut().zip(&parts).zip(block) {
                    if i != other {
                        let scores = parts.iter().enumerate().filter_map(|(crop, part)| {
                            part.as_ref().map(|part| (product(part, descriptor), crop))
                        });
                        best.offer(other, scores.max());
                    }
                }
            }
            block
                .iter()
                .zip(best)
                .flat_map(|(&(whole, _), best)| best.into_candidates(whole))
                .collect::<Vec<_>>()
        })
        .collect();
    // Of both directions the better one.
    let pair =
        |candidate: &Candidate| (candidate.whole.min(candidate.part), candidate.whole.max(candidate.part));
    found.sort_unstable_by_key(|(candidate, score)| (pair(candidate), std::cmp::Reverse(*score), *candidate));
    found.dedup_by_key(|(candidate, _)| pair(candidate));
    let mut candidates: Vec<Candidate> = found.into_iter().map(|(candidate, _)| candidate).collect();
    candidates.sort_unstable();
    candidates
}

/// Computes the inner product in whole numbers: the same in whatever order, and twice as fast as f32 where the
/// processor is not known. No sum exceeds the square of [`UNIT`] by more than rounding, a thirtieth of what an i32 holds:
/// nothing wraps. Checked, it would take several times as long.
fn product(a: &Descriptor, b: &Descriptor) -> i32 {
    let products = a.iter().zip(b).map(|(&a, &b)| i32::from(a).wrapping_mul(i32::from(b)));
    products.fold(0, i32::wrapping_add)
}

/// Best of the candidates offered, best first.
#[derive(Default)]
struct Best(Vec<(i32, usize, usize)>);

impl Best {
    fn offer(&mut self, image: usize, score: Option<(i32, usize)>) {
        let Some((score, crop)) = score else { return };
        if score < (LEAST * UNIT * UNIT) as i32 {
            return;
        }
        if self.0.len() == KEPT {
            if self.0.last().is_some_and(|&(least, ..)| score <= least) {
                return;
            }
            self.0.pop();
        }
        let place = self.0.partition_point(|&(other, ..)| other >= score);
        self.0.insert(place, (score, image, crop));
    }

    fn into_candidates(self, whole: usize) -> impl Iterator<Item = (Candidate, i32)> {
        self.0.into_iter().map(move |(score, part, crop)| (Candidate { whole, part, crop }, score))
    }
}
