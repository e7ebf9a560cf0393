//! Batches: the images that go together, and their pixels side by side.

use base::random::{Key, permutation};

use crate::Pixels;

/// Images of a batch in tests and predictions. In f32 the size of a batch moves probabilities in the last digits, so
/// all of them share this one, and pad the last batch.
pub const EVALUATION_BATCH: usize = 32;

/// Pixels of some images, ready for a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Pixels in 8-bit RGB, `[n, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// Images, padding included.
    pub n: usize,
    /// Real images, which come first; the rest is black padding.
    pub filled: usize,
    /// Side S in pixels.
    pub image_size: usize,
}

/// An epoch's batches as indices of images: shuffled by `key`, the last, smaller batch kept, as Keras does
/// (`keras/src/legacy/preprocessing/image.py`, `Iterator`). `batch_size` is at least 1.
pub fn training_batches(n_images: usize, batch_size: usize, key: &Key) -> Vec<Vec<usize>> {
    permutation(n_images, key, 0).chunks(batch_size.max(1)).map(<[usize]>::to_vec).collect()
}

/// Returns the indices of such a batch among `n_images`: those from `start` on, at most 32.
pub fn evaluation_indices(n_images: usize, start: usize) -> Vec<usize> {
    (start..n_images.min(start + EVALUATION_BATCH)).collect()
}

impl Batch {
    /// Puts images of `image_size` × `image_size` pixels side by side in RGB.
    pub fn of(images: &[&Pixels], image_size: usize) -> Self {
        let values = image_size * image_size * 3;
        let mut pixels = Vec::with_capacity(images.len().max(EVALUATION_BATCH) * values);
        images.iter().for_each(|image| push_rgb(&image.data, values, &mut pixels));
        Self { pixels, n: images.len(), filled: images.len(), image_size }
    }

    /// Adds black images up to [`EVALUATION_BATCH`].
    pub fn padded(mut self) -> Self {
        self.pixels.resize(self.image_size * self.image_size * 3 * EVALUATION_BATCH.max(self.n), 0);
        self.n = self.n.max(EVALUATION_BATCH);
        self
    }
}

/// Appends an image of `values` RGB values, or a third as many gray ones.
pub(crate) fn push_rgb(image: &[u8], values: usize, pixels: &mut Vec<u8>) {
    if image.len() == values {
        pixels.extend_from_slice(image);
    } else {
        pixels.extend(image.iter().flat_map(|&gray| [gray; 3]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::Purpose;

    #[test]
    fn every_image_is_in_one_batch_and_the_last_is_kept() {
        let key = Key { seed: 28, epoch: 1, step: 0, purpose: Purpose::Shuffle };
        let batches = training_batches(10, 4, &key);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        let mut all = batches.concat();
        assert_ne!(all, (0..10).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_ne!(batches, training_batches(10, 4, &Key { epoch: 2, ..key }));
    }
}
