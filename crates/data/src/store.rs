//! Store of decoded images: in memory, or in a cache file that is read by offset.

use std::{fs::File, os::unix::fs::FileExt as _, path::PathBuf};

use sha2::{Digest as _, Sha256};

use crate::{DecodeNotes, Error};

/// SHA-256 of an image's 8-bit values.
pub(crate) type Digest = [u8; 32];

/// Outcome of one file: the place of its image, or the reason why there is none.
pub(crate) type FileResult = Result<Entry, String>;

/// Images of one size, each one channel or three.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) bytes: Bytes,
    pub(crate) entries: Vec<Entry>,
}

/// The values of all images.
#[derive(Debug)]
pub(crate) enum Bytes {
    Memory(Vec<u8>),
    /// Read where they are wanted, by any number of threads at once.
    File(File, PathBuf),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

/// One image's place among the bytes, and what they must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) start: u64,
    pub(crate) length: usize,
    pub(crate) crc: u32,
    pub(crate) digest: Digest,
    pub(crate) notes: DecodeNotes,
}

impl Entry {
    pub(crate) fn new(start: u64, data: &[u8], notes: DecodeNotes) -> Self {
        let (crc, digest) = (crc32fast::hash(data), Sha256::digest(data).into());
        Self { start, length: data.len(), crc, digest, notes }
    }
}

impl Store {
    /// Appends an image's values to `into`.
    ///
    /// # Errors
    /// A cache file that cannot be read, or whose bytes are not those that were written.
    pub(crate) fn read(&self, entry: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        let Entry { start, length, crc, .. } = self.entries[entry];
        match &self.bytes {
            Bytes::Memory(bytes) => {
                // What is in memory was put there by this process, so that it fits.
                let start = start as usize;
                into.extend_from_slice(&bytes[start..start + length]);
                Ok(())
            }
            Bytes::File(file, path) => {
                let before = into.len();
                into.resize(before + length, 0);
                file.read_exact_at(&mut into[before..], start).map_err(|source| match source.kind() {
                    std::io::ErrorKind::UnexpectedEof => Error::DamagedCache { path: path.clone() },
                    _ => Error::Io { action: "read", path: path.clone(), source },
                })?;
                if crc32fast::hash(&into[before..]) == crc {
                    return Ok(());
                }
                into.truncate(before);
                Err(Error::DamagedCache { path: path.clone() })
            }
        }
    }
}
