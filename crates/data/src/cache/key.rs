//! Key of a cache file: the files as they were, and the settings by which they became pixels.

use std::{
    fs::Metadata,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::absolute,
    thread,
    time::{Duration, SystemTime},
};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{Decoding, Preprocess, Sample};

/// Version of the decoder, raised whenever decoding or resizing gives other pixels than before.
const DECODER: u32 = 2;
/// A file that changes twice within one tick of the file system's clock keeps its times. Ticks are at most 10 ms.
const TICK: Duration = Duration::from_millis(20);

/// SHA-256 over every file's path, size and times, and the settings.
pub(super) type ListKey = [u8; 32];

/// Computes the key of these files as they are now. The time of change (ctime) is part of it, which no program can set: it
/// shows that a file was replaced by another of its size and time.
pub(super) fn key(samples: &[Sample], preprocess: &Preprocess, decoding: &Decoding) -> ListKey {
    let size = (preprocess.image_size as u64).to_le_bytes();
    let (interpolation, formats) = (preprocess.interpolation.to_string(), decoding.formats.to_string());
    let (max_pixels, frame) = (decoding.max_pixels.to_le_bytes(), decoding.frame.to_le_bytes());
    let settings: [&[u8]; 7] = [
        &DECODER.to_le_bytes(),
        &size,
        interpolation.as_bytes(),
        formats.as_bytes(),
        &[u8::from(decoding.falls_back)],
        &max_pixels,
        &frame,
    ];
    of_files(samples, &settings)
}

/// The key of files as they are now, and of what else matters.
pub(super) fn of_files(samples: &[Sample], what: &[&[u8]]) -> ListKey {
    let facts = loop {
        let facts: Vec<Facts> = samples.par_iter().map(Facts::of).collect();
        let newest = facts.iter().map(|facts| facts.newest).max().unwrap_or(SystemTime::UNIX_EPOCH);
        // Clocks that are set back make the age negative: such a file counts as old.
        match SystemTime::now().duration_since(newest) {
            Ok(age) if age < TICK => thread::sleep(TICK),
            _ => break facts,
        }
    };
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    what.iter().for_each(|bytes| add(bytes));
    for (sample, facts) in samples.iter().zip(&facts) {
        let path = absolute(&sample.path).unwrap_or_else(|_| sample.path.clone());
        add(path.as_os_str().as_bytes());
        add(&facts.bytes);
    }
    hasher.finalize().into()
}

/// Facts that differ where a file is another than before.
struct Facts {
    bytes: Vec<u8>,
    newest: SystemTime,
}

impl Facts {
    fn of(sample: &Sample) -> Self {
        // Of a file that cannot be looked at, decoding says why.
        let Ok(metadata) = std::fs::metadata(&sample.path) else {
            return Self { bytes: Vec::new(), newest: SystemTime::UNIX_EPOCH };
        };
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        let mut bytes = metadata.size().to_le_bytes().to_vec();
        bytes.extend(metadata.ino().to_le_bytes());
        bytes.extend(times.iter().flat_map(|time| time.to_le_bytes()));
        Self { bytes, newest: changed(&metadata) }
    }
}

fn changed(metadata: &Metadata) -> SystemTime {
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(metadata.ctime()), u64::try_from(metadata.ctime_nsec()))
    else {
        return SystemTime::UNIX_EPOCH;
    };
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}
