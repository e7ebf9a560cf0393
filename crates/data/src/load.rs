//! Reading of files into images: read once, decoded on all cores, and kept in a cache where there is one.

use std::{
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use crate::{
    Cache, DecodeError, DecodeNotes, Decoded, Decoding, Error, FileObserver, ImageSet, Interpolation, Sample,
    decode::check_head,
    decode_resized,
    store::{Bytes, Entry, Store},
};

/// Size and interpolation of the images that files become before they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preprocess {
    /// Side in pixels, at least 1.
    pub image_size: usize,
    /// Interpolation that brings them to that size.
    pub interpolation: Interpolation,
}

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

/// Outcome of one file: the place of its image, or the reason why there is none.
pub(crate) type FileResult = Result<Entry, String>;

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

/// Reads one file and brings it to what `preprocess` says.
///
/// # Errors
/// A file that cannot be read, or that [`crate::decode`] refuses.
pub fn read_resized(
    path: &Path,
    preprocess: &Preprocess,
    decoding: &Decoding,
) -> Result<Decoded, DecodeError> {
    let bytes = read_file(path, decoding)?;
    decode_resized(&bytes, preprocess.image_size, preprocess.interpolation, decoding)
}

/// Number of first bytes of a file that tell that it is no image, where it has more.
const HEAD: u64 = 1 << 16;

/// Reads a file's bytes, if they are no more than an image of the size allowed can have, and begin as those of one do. From
/// any other file, no more than the head is read.
///
/// # Errors
/// A file that cannot be read, or that is larger; one whose head is no image's, as [`crate::decode`] refuses it.
pub fn read_file(path: &Path, decoding: &Decoding) -> Result<Vec<u8>, DecodeError> {
    // 16 bits of four samples for each pixel, as they are, and room for what comes with them.
    let most = decoding.max_pixels.saturating_mul(8).saturating_add(64 << 20);
    let too_large = || DecodeError::Unsupported(format!("its file has more than {} MiB", most >> 20));
    let unreadable = DecodeError::Unreadable;
    let mut file = match base::open_regular(path) {
        // A pipe that the user names is read; a folder's are left out, and a CSV's are refused.
        Err(error) if error.kind() == ErrorKind::InvalidInput && !path.is_file() => File::open(path),
        opened => opened,
    }
    .map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    base::read_up_to(&mut file, &mut bytes, length + 1, HEAD).map_err(unreadable)?;
    if bytes.len() as u64 == HEAD {
        check_head(&bytes, decoding)?;
        let (rest, most) = (length.saturating_sub(HEAD) + 1, most.saturating_sub(HEAD).saturating_add(1));
        base::read_up_to(&mut file, &mut bytes, rest, most).map_err(unreadable)?;
    }
    // A pipe does not say how long it is.
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// Number of files decoded before their pixels are put away: enough to keep many cores busy, few enough to be small in memory.
pub(crate) const CHUNK: usize = 256;

pub(crate) fn decode_chunk(
    chunk: &[Sample],
    preprocess: &Preprocess,
    decoding: &Decoding,
    observer: &dyn FileObserver,
) -> Vec<Result<Decoded, DecodeError>> {
    // Files differ much in size: one at a time, so that no thread is left with a long rest.
    let decode = |sample: &Sample| {
        observer.started(&sample.path);
        let decoded = read_resized(&sample.path, preprocess, decoding);
        observer.finished(&sample.path);
        decoded.map(|Decoded { pixels, notes }| Decoded { pixels: pixels.compact(), notes })
    };
    chunk.par_iter().with_max_len(1).map(decode).collect()
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
