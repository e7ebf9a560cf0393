//! Exact copies among images that are decoded already, which training looks for by itself.

use std::{collections::HashMap, path::Path};

use rayon::prelude::*;

use data::{Decoding, decode, read_file};

use super::signature::pixel_hash;

/// Finds images with the same pixels, cheaply: those that are equal when resized are decoded once more, in full.
#[derive(Debug, Default)]
pub struct DuplicateFinder {
    /// Images by the hash of their resized pixels.
    alike: HashMap<[u8; 32], Vec<usize>>,
}

impl DuplicateFinder {
    /// Creates a finder that knows no image.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of an image under a number of the caller's, by the hash of its pixels when resized
    /// ([`ImageSet::digest`](data::ImageSet::digest)). All images were resized to the same size in the same way.
    pub fn add(&mut self, image: usize, resized: &[u8; 32]) {
        self.alike.entry(*resized).or_default().push(image);
    }

    /// Counts the images that [`confirm`](Self::confirm) would decode.
    pub fn suspects(&self) -> usize {
        self.alike.values().map(Vec::len).filter(|&images| images > 1).sum()
    }

    /// The images whose full pixels are the same, as groups of at least two, both in order of their numbers. Decodes
    /// only images that are equal when resized, on all of rayon's threads; one that cannot be read is no copy.
    pub fn confirm<'a>(
        self,
        path: impl Fn(usize) -> &'a Path + Sync,
        decoding: &Decoding,
    ) -> Vec<Vec<usize>> {
        let suspects: Vec<usize> =
            self.alike.into_values().filter(|images| images.len() > 1).flatten().collect();
        let hashes: Vec<(usize, Option<[u8; 32]>)> = suspects
            .into_par_iter()
            .map(|image| {
                let pixels = read_file(path(image), decoding)
                    .and_then(|bytes| Ok(decode(&bytes, decoding)?.pixels))
                    .ok();
                (
                    image,
                    pixels
                        .map(|pixels| pixel_hash(pixels.width, pixels.height, pixels.channels, &pixels.data)),
                )
            })
            .collect();
        let mut same: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (image, hash) in hashes {
            if let Some(hash) = hash {
                same.entry(hash).or_default().push(image);
            }
        }
        let mut groups: Vec<Vec<usize>> = same.into_values().filter(|images| images.len() > 1).collect();
        groups.iter_mut().for_each(|images| images.sort_unstable());
        groups.sort_unstable();
        groups
    }
}
