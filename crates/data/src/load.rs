//! Reading of files into images: read once, decoded on all cores, and kept in a cache where there is one.

use std::{path::PathBuf, sync::Arc};

use rayon::prelude::*;

use crate::{
    Cache, DecodeNotes, Decoded, Decoding, Error, FileObserver, ImageSet, Interpolation, Preprocess, Sample,
    read::{CHUNK, decode_chunk},
    read_resized,
    store::{Bytes, Entry, FileResult, Store},
};

/// A file that no image could be had from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadImage {
    /// The file.
    pub path: PathBuf,
    /// Reason, as the end of a sentence that begins with its name: `is cut off`.
    pub reason: String,
}

/// Result of [`load`] for a list of files.
#[derive(Debug)]
pub struct Loaded {
    /// Images that could be read, in order.
    pub images: ImageSet,
    /// Files that could not be read, in order.
    pub bad: Vec<BadImage>,
    /// Notes on how files were read, of those that have some, in order.
    pub notes: Vec<(PathBuf, DecodeNotes)>,
    /// True where the cache had them all, so that no file was decoded.
    pub from_cache: bool,
    /// Reason why they are in memory although a cache was given.
    pub not_cached: Option<Error>,
}

/// Reads, decodes and resizes every file once, and keeps it in one channel where it is gray, on all of rayon's threads.
///
/// With a cache, pixels are read from its file and never all in memory; what earlier runs decoded is not decoded again.
/// A cache that cannot be written is no error: pixels are then kept in memory. The result does not depend on the number of
/// threads, nor on the cache.
pub fn load(
    samples: &[Sample],
    preprocess: &Preprocess,
    decoding: &Decoding,
    cache: Option<&Cache>,
    observer: &dyn FileObserver,
) -> Loaded {
    let mut not_cached = None;
    if let Some(cache) = cache {
        match cache.images(samples, preprocess, decoding, observer) {
            Ok(kept) => return assemble(samples, preprocess, kept.outcomes, kept.bytes, kept.is_old, None),
            Err(error) => not_cached = Some(error),
        }
    }
    let mut bytes = Vec::new();
    let mut outcomes = Vec::with_capacity(samples.len());
    for chunk in samples.chunks(CHUNK) {
        for decoded in decode_chunk(chunk, preprocess, decoding, observer) {
            outcomes.push(decoded.map_err(|error| error.to_string()).map(|Decoded { pixels, notes }| {
                let entry = Entry::new(bytes.len() as u64, &pixels.data, notes);
                bytes.extend_from_slice(&pixels.data);
                entry
            }));
        }
    }
    assemble(samples, preprocess, outcomes, Bytes::Memory(bytes), false, not_cached)
}

/// Checks each file; returns the number of channels in which it stores its pixels and the notes on it, or why it cannot be
/// read, as in [`BadImage`].
pub fn check(
    samples: &[Sample],
    decoding: &Decoding,
    observer: &dyn FileObserver,
) -> Vec<Result<(usize, DecodeNotes), String>> {
    // The size does not matter: every byte of a file is decoded at any size.
    let preprocess = Preprocess { image_size: 1, interpolation: Interpolation::Nearest };
    let look = |sample: &Sample| {
        observer.started(&sample.path);
        let pixels = read_resized(&sample.path, &preprocess, decoding);
        observer.finished(&sample.path);
        pixels.map(|decoded| (decoded.pixels.channels, decoded.notes)).map_err(|error| error.to_string())
    };
    samples.par_iter().with_max_len(1).map(look).collect()
}

fn assemble(
    samples: &[Sample],
    preprocess: &Preprocess,
    outcomes: Vec<FileResult>,
    bytes: Bytes,
    from_cache: bool,
    not_cached: Option<Error>,
) -> Loaded {
    let (mut images, mut entries, mut bad, mut notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (sample, outcome) in samples.iter().zip(outcomes) {
        match outcome {
            Ok(entry) => {
                if !entry.notes.is_empty() {
                    notes.push((sample.path.clone(), entry.notes));
                }
                images.push((sample.clone(), entries.len()));
                entries.push(entry);
            }
            Err(reason) => bad.push(BadImage { path: sample.path.clone(), reason }),
        }
    }
    let store = Arc::new(Store { bytes, entries });
    let images = ImageSet::new(preprocess.image_size, images, store);
    Loaded { images, bad, notes, from_cache, not_cached }
}

#[cfg(test)]
mod tests;
