//! Files into memory: read once, decoded on all cores.

use std::path::PathBuf;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{Batch, DecodeError, Decoding, Interpolation, Pixels, Sample, decode_resized};

/// What a file becomes before it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preprocess {
    /// Side in pixels, at least 1.
    pub image_size: usize,
    /// How it is brought to that size.
    pub interpolation: Interpolation,
}

/// 8-bit images of one size with their samples, in the samples' order: one channel where a file is gray, three where
/// it is in colour.
#[derive(Clone, Debug, Default)]
pub struct ImageSet {
    image_size: usize,
    samples: Vec<Sample>,
    pixels: Vec<u8>,
    /// Where each image's pixels begin; one more than there are images.
    starts: Vec<usize>,
}

/// A file that no image could be had from.
#[derive(Debug)]
pub struct BadImage {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: DecodeError,
}

/// What [`load`] made of a list of files.
#[derive(Debug)]
pub struct Loaded {
    /// Those that could be read, in order.
    pub images: ImageSet,
    /// The others, in order.
    pub bad: Vec<BadImage>,
}

/// Reads, decodes and resizes every file once, on all of rayon's threads. `progress` is called once a file.
///
/// The result does not depend on the number of threads.
pub fn load(
    samples: &[Sample],
    preprocess: &Preprocess,
    decoding: &Decoding,
    progress: &(dyn Fn() + Sync),
) -> Loaded {
    let decoded: Vec<Result<Pixels, DecodeError>> = samples
        .par_iter()
        .map(|sample| {
            let pixels = std::fs::read(&sample.path).map_err(DecodeError::Unreadable).and_then(|bytes| {
                decode_resized(&bytes, preprocess.image_size, preprocess.interpolation, decoding)
            });
            progress();
            pixels
        })
        .collect();
    let mut images = ImageSet { image_size: preprocess.image_size, starts: vec![0], ..ImageSet::default() };
    let mut bad = Vec::new();
    for (sample, decoded) in samples.iter().zip(decoded) {
        match decoded {
            Ok(pixels) => images.push(sample.clone(), &pixels),
            Err(error) => bad.push(BadImage { path: sample.path.clone(), error }),
        }
    }
    Loaded { images, bad }
}

impl ImageSet {
    fn push(&mut self, sample: Sample, pixels: &Pixels) {
        self.samples.push(sample);
        self.pixels.extend_from_slice(&pixels.data);
        self.starts.push(self.pixels.len());
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Side in pixels, S.
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// Where the images come from.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Class indices `[N]`.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.label).collect()
    }

    /// 8-bit values of an image, `[S, S, channels]`.
    pub fn pixels(&self, index: usize) -> &[u8] {
        &self.pixels[self.starts[index]..self.starts[index + 1]]
    }

    /// 1 for gray, 3 for colour.
    pub fn channels(&self, index: usize) -> usize {
        self.pixels(index).len() / (self.image_size * self.image_size)
    }

    /// Whether images of the synthetic sample are among these.
    pub fn is_synthetic(&self) -> bool {
        self.samples.iter().any(Sample::is_synthetic)
    }

    /// The chosen images in RGB, in the order of `indices`; gray is repeated in all three channels.
    pub fn batch(&self, indices: &[usize]) -> Batch {
        let values = self.image_size * self.image_size * 3;
        let mut pixels = Vec::with_capacity(indices.len() * values);
        for &index in indices {
            let image = self.pixels(index);
            if image.len() == values {
                pixels.extend_from_slice(image);
            } else {
                pixels.extend(image.iter().flat_map(|&gray| [gray; 3]));
            }
        }
        Batch { pixels, n: indices.len(), filled: indices.len(), image_size: self.image_size }
    }
}

/// SHA-256 over classes and, in order, every image's name, label and pixels, as lowercase hex: equal for the same
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
            add(&(sample.label as u64).to_le_bytes());
            add(set.pixels(index));
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
