//! The one source of randomness: a counter-based generator, keyed by what the numbers are for.
//!
//! Numbers depend on seed, epoch, step, purpose and stream alone, never on how many were drawn before or on how many
//! threads drew them. There is no random state to save: a resumed run draws what an uninterrupted one would have.

use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::{Rng, SeedableRng};

/// ChaCha with 8 rounds: counter-based, specified to the bit, and faster than memory on current processors.
pub type Generator = ChaCha8Rng;

/// Purpose that numbers are drawn for. The values are part of what makes a run repeatable: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights; a stream a tensor.
    Initialisation = 1,
    /// The order of an epoch's training images.
    Shuffle = 2,
    /// Dropout masks; a stream a layer and row.
    Dropout = 3,
    /// Choice of the images kept for validation; a stream a class.
    Split = 4,
    /// Synthetic samples; the step is the index of the image, or of the patient.
    Phantom = 5,
    /// Seed of libtorch's generator for a TorchScript module that draws numbers of its own.
    Backbone = 6,
    /// Changes to training images; the step is the image's index.
    Augmentation = 7,
    /// Choice of the groups kept for validation (step 0), and folds (step 1; a stream a class, and one for groups).
    Groups = 8,
    /// Choice of the images kept for testing; a stream a class.
    TestSet = 9,
    /// The cross-validation of file facts: an epoch a fold, a step a tree.
    Audit = 10,
    /// Resamples of the bootstrap; a stream each.
    Bootstrap = 11,
}

/// Names a family of streams of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// Epoch, counted from 1; 0 outside of training.
    pub epoch: u64,
    /// Batch or image within it.
    pub step: u64,
    /// Purpose of the numbers.
    pub purpose: Purpose,
}

impl Key {
    /// The generator of one stream; streams of a key are independent of each other.
    pub fn generator(&self, stream: u64) -> Generator {
        let mut seed = [0; 32];
        let words = [self.seed, self.epoch, self.step, self.purpose as u64];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut generator = Generator::from_seed(seed);
        generator.set_stream(stream);
        generator
    }
}

/// A number in `[0, 1)` with 24 random bits, all that an f32 holds evenly.
pub fn unit(generator: &mut Generator) -> f32 {
    (generator.next_u32() >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A whole number in `0..bound`, each as likely: Lemire's multiplication with rejection (2019, arXiv 1805.10941).
///
/// Written out here so that no update of a library changes the order of a run's images.
fn below(generator: &mut Generator, bound: u64) -> u64 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// The numbers `0..n` in random order (Fisher and Yates), from stream `stream` of `key`.
pub fn permutation(n: usize, key: &Key, stream: u64) -> Vec<usize> {
    let mut generator = key.generator(stream);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, below(&mut generator, i as u64 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { seed: 28, epoch: 1, step: 2, purpose: Purpose::Shuffle };

    /// Pinned: another value means that no earlier run can be repeated.
    #[test]
    fn numbers_never_change() {
        let mut generator = KEY.generator(3);
        let drawn: Vec<u64> = (0..2).map(|_| generator.next_u64()).collect();
        assert_eq!(drawn, PINNED_WORDS);
        assert_eq!(permutation(10, &KEY, 0), PINNED_ORDER);
    }

    const PINNED_WORDS: [u64; 2] = [16_548_691_267_209_711_318, 10_764_445_916_967_111_540];
    const PINNED_ORDER: [usize; 10] = [8, 7, 3, 4, 5, 0, 2, 6, 1, 9];

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |key: Key, stream| key.generator(stream).next_u64();
        let base = first(KEY, 0);
        assert_eq!(base, first(KEY, 0));
        assert_ne!(base, first(KEY, 1));
        for other in [
            Key { seed: 29, ..KEY },
            Key { epoch: 2, ..KEY },
            Key { step: 3, ..KEY },
            Key { purpose: Purpose::Dropout, ..KEY },
        ] {
            assert_ne!(base, first(other, 0));
        }
    }

    #[test]
    fn permutations_hold_every_number_once_in_every_place() {
        let mut seen = [[0; 5]; 5];
        for step in 0..2000 {
            let order = permutation(5, &Key { step, ..KEY }, 0);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
            for (place, number) in order.into_iter().enumerate() {
                seen[place][number] += 1;
            }
        }
        // 400 are expected in each of 25 cells; five standard deviations are 90.
        assert!(seen.iter().flatten().all(|count| (310..490).contains(count)), "{seen:?}");
    }

    #[test]
    fn unit_stays_below_one() {
        let mut generator = KEY.generator(0);
        let values: Vec<f32> = (0..10_000).map(|_| unit(&mut generator)).collect();
        assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = values.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
