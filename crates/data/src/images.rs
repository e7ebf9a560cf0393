//! Decoded images with their samples.

use std::{collections::HashMap, path::Path, sync::Arc};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use base::random::{Key, Purpose};

use crate::{
    Annotation, Appearance, AugmentContext, Batch, DecodeNotes, Error, Finding, Occlusion, Pixels, Sample,
    augment,
    batch::{evaluation_indices, push_rgb},
    store::Store,
};

/// 8-bit images of one size with their samples, in the samples' order: one channel where an image is gray, three
/// where it is in colour. Their pixels are in memory, or in a cache file; copies share them.
#[derive(Clone, Debug, Default)]
pub struct ImageSet {
    image_size: usize,
    samples: Vec<Sample>,
    /// Each image's entry in the store.
    entries: Vec<usize>,
    store: Arc<Store>,
    /// Pixels that are hidden as images are read, where any are.
    hidden: Option<Arc<Vec<bool>>>,
}

impl ImageSet {
    pub(crate) fn new(image_size: usize, images: Vec<(Sample, usize)>, store: Arc<Store>) -> Self {
        let (samples, entries) = images.into_iter().unzip();
        Self { image_size, samples, entries, store, hidden: None }
    }

    #[cfg(test)]
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Tells if there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Side in pixels, S.
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// Returns the samples that the images come from.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Class indices `[N]`; empty where images have findings.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().filter_map(Sample::class).collect()
    }

    /// Selects the images of this set that are among `samples`, told by their paths, in the order of `samples`.
    pub fn select(&self, samples: &[Sample]) -> Self {
        let paths: HashMap<&Path, usize> = self
            .samples
            .iter()
            .zip(&self.entries)
            .map(|(sample, &entry)| (sample.path.as_path(), entry))
            .collect();
        let chosen =
            samples.iter().filter_map(|sample| Some((sample.clone(), *paths.get(sample.path.as_path())?)));
        let chosen = Self::new(self.image_size, chosen.collect(), Arc::clone(&self.store));
        Self { hidden: self.hidden.clone(), ..chosen }
    }

    /// Returns the same images with one part hidden as they are read, instead of any that was hidden before. [`Self::digest`]
    /// is still that of the whole images.
    pub fn occluded(&self, occlusion: Occlusion) -> Self {
        let mask = occlusion.mask(self.image_size, self.image_size);
        Self { hidden: Some(Arc::new(mask)), ..self.clone() }
    }

    /// Appends an image's 8-bit values, `[S, S, channels]`, to `into`.
    ///
    /// # Errors
    /// A cache file that cannot be read or is damaged.
    pub fn read(&self, index: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        let start = into.len();
        self.store.read(self.entries[index], into)?;
        if let Some(mask) = &self.hidden {
            Occlusion::hide(mask, &mut into[start..]);
        }
        Ok(())
    }

    /// Channels of an image: 1 for gray, 3 for colour.
    pub fn channels(&self, index: usize) -> usize {
        self.store.entries[self.entries[index]].length / (self.image_size * self.image_size)
    }

    /// Notes on how an image's file was read.
    pub fn notes(&self, index: usize) -> DecodeNotes {
        self.store.entries[self.entries[index]].notes
    }

    /// SHA-256 of an image's 8-bit values: equal where they are.
    pub fn digest(&self, index: usize) -> &[u8; 32] {
        &self.store.entries[self.entries[index]].digest
    }

    /// Computes the appearance of up to about `most` images, evenly spread over the set, each with its class, or 0 where it
    /// has findings; on all of rayon's threads.
    ///
    /// # Errors
    /// Same as [`Self::read`].
    pub fn appearances(&self, most: usize) -> Result<Vec<(Appearance, usize)>, Error> {
        let step = self.len().div_ceil(most.max(1)).max(1);
        let look = |index: usize| {
            let mut data = Vec::new();
            self.read(index, &mut data)?;
            let (width, height, channels) = (self.image_size, self.image_size, self.channels(index));
            let appearance = Appearance::of(&Pixels { width, height, channels, data });
            Ok((appearance, self.samples[index].class().unwrap_or(0)))
        };
        (0..self.len()).into_par_iter().step_by(step).map(look).collect()
    }

    /// Tells if images of the synthetic sample are among these.
    pub fn is_synthetic(&self) -> bool {
        self.samples.iter().any(Sample::is_synthetic)
    }

    /// Reads the chosen images in RGB, in the order of `indices`; gray is repeated in all three channels.
    ///
    /// # Errors
    /// Same as [`Self::read`].
    pub fn batch(&self, indices: &[usize]) -> Result<Batch, Error> {
        let values = self.image_size * self.image_size * 3;
        let mut pixels = Vec::with_capacity(indices.len() * values);
        let mut image = Vec::with_capacity(values);
        for &index in indices {
            image.clear();
            self.read(index, &mut image)?;
            push_rgb(&image, values, &mut pixels);
        }
        Ok(Batch { pixels, n: indices.len(), filled: indices.len(), image_size: self.image_size })
    }
}

impl ImageSet {
    /// Reads images as [`Self::batch`] does, each changed by what seed, epoch and its index draw: the same in any batch and on
    /// any number of threads.
    ///
    /// # Errors
    /// Same as [`Self::read`].
    pub fn augmented_batch(&self, indices: &[usize], augmenting: &AugmentContext) -> Result<Batch, Error> {
        let &AugmentContext { augmentation, seed, epoch } = augmenting;
        let values = self.image_size * self.image_size * 3;
        let change = |&index: &usize| {
            let mut image = Vec::with_capacity(values);
            self.read(index, &mut image)?;
            let key = Key { seed, epoch, step: index as u64, purpose: Purpose::Augmentation };
            augment(&mut image, self.image_size, self.channels(index), &augmentation, key.generator(0));
            Ok(image)
        };
        let images: Vec<Vec<u8>> = indices.par_iter().map(change).collect::<Result<_, Error>>()?;
        let mut pixels = Vec::with_capacity(indices.len() * values);
        images.iter().for_each(|image| push_rgb(image, values, &mut pixels));
        Ok(Batch { pixels, n: indices.len(), filled: indices.len(), image_size: self.image_size })
    }
}

/// Reads the images from `start` on, at most 32 of them, padded to 32.
///
/// # Errors
/// Same as [`ImageSet::read`].
pub fn evaluation_batch(images: &ImageSet, start: usize) -> Result<Batch, Error> {
    Ok(images.batch(&evaluation_indices(images.len(), start))?.padded())
}

/// SHA-256 over classes and, in order, every image's name, class or findings and pixels, as lowercase hex: equal for the same
/// images wherever they lie, different when one of them changes.
pub fn fingerprint(labels: &[String], sets: &[&ImageSet]) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    labels.iter().for_each(|label| add(label.as_bytes()));
    for set in sets {
        add(&(set.len() as u64).to_le_bytes());
        for (index, sample) in set.samples.iter().enumerate() {
            add(sample.name.as_bytes());
            match &sample.annotation {
                Annotation::Class(class) => add(&(*class as u64).to_le_bytes()),
                Annotation::Findings(findings) => add(&codes(findings)),
            }
            add(set.digest(index));
        }
    }
    hex(&hasher.finalize())
}

/// A byte for the mark and the value of each finding.
fn codes(findings: &[Finding]) -> Vec<u8> {
    let value = |finding: &Finding| finding.value.map_or(2, u8::from);
    findings.iter().map(|finding| 16 * (1 + finding.mark as u8) + value(finding)).collect()
}

/// Lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
