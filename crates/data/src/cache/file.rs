//! The layout of a cache file, and reading it as something that anyone may have written.
//!
//! The magic line; the images' values, one after the other; an index with an entry a file in the order of the list; a
//! footer of 80 bytes: key 32, index length 8, SHA-256 over the index 32, the end mark 8. Numbers are little-endian.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt as _,
};

use sha2::{Digest as _, Sha256};

use super::key::ListKey;
use crate::{
    DecodeNotes,
    store::{Entry, FileResult},
};

const MAGIC: &[u8; 16] = b"thorax images 2\n";
const END: &[u8; 8] = b"complete";
const FOOTER: usize = 80;
/// Bytes of an image's entry: length, checksum, digest, frame and frames, flags.
const ENTRY: usize = 4 + 4 + 32 + 4 + 4 + 1;
/// Bit of the length that marks a file without an image; the rest is then the length of the reason.
const BAD: u32 = 1 << 31;
/// Longest reason in bytes; it is one line.
const MAX_REASON: usize = 4096;

/// Writes a cache file from its first byte to its last.
pub(super) struct Writer<W> {
    out: W,
    at: u64,
    index: Vec<u8>,
    pub(super) outcomes: Vec<FileResult>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, at: MAGIC.len() as u64, index: Vec::new(), outcomes: Vec::new() })
    }

    /// Adds the next file's image, or why it has none.
    pub(super) fn push(&mut self, image: Result<(&[u8], DecodeNotes), String>) -> io::Result<()> {
        let outcome = match image {
            Ok((data, notes)) => {
                let entry = Entry::new(self.at, data, notes);
                self.out.write_all(data)?;
                self.at += data.len() as u64;
                self.index.extend((data.len() as u32).to_le_bytes());
                self.index.extend(entry.crc.to_le_bytes());
                self.index.extend(entry.digest);
                self.index.extend(packed(notes));
                Ok(entry)
            }
            Err(reason) => {
                let fits = |end: &usize| reason.is_char_boundary(*end);
                let end = (0..=reason.len().min(MAX_REASON)).rev().find(fits).unwrap_or(0);
                self.index.extend((end as u32 | BAD).to_le_bytes());
                self.index.extend(&reason.as_bytes()[..end]);
                Err(reason)
            }
        };
        self.outcomes.push(outcome);
        Ok(())
    }

    /// Writes index and footer: without them the file is none.
    pub(super) fn finish(mut self, key: &ListKey) -> io::Result<(W, Vec<FileResult>)> {
        self.out.write_all(&self.index)?;
        self.out.write_all(key)?;
        self.out.write_all(&(self.index.len() as u64).to_le_bytes())?;
        self.out.write_all(&Sha256::digest(&self.index))?;
        self.out.write_all(END)?;
        self.out.flush()?;
        Ok((self.out, self.outcomes))
    }
}

/// Reads the outcomes of `n` files, if the cache file is whole, has this key, and its images are of `image_size`.
pub(super) fn read(
    file: &File,
    key: &ListKey,
    n: usize,
    image_size: usize,
) -> io::Result<Option<Vec<FileResult>>> {
    let length = file.metadata()?.len();
    let Some(index_end) = length.checked_sub(FOOTER as u64).filter(|&end| end >= MAGIC.len() as u64) else {
        return Ok(None);
    };
    let mut footer = [0; FOOTER];
    file.read_exact_at(&mut footer, index_end)?;
    let (index_length, digest) = (u64::from_le_bytes(array(&footer[32..40])), &footer[40..72]);
    // More than the longest that so many files can have is not read into memory.
    let most = n as u64 * (4 + ENTRY.max(MAX_REASON)) as u64;
    if footer[..32] != *key || footer[72..] != *END || index_length > most {
        return Ok(None);
    }
    let Some(index_start) = index_end.checked_sub(index_length).filter(|&start| start >= MAGIC.len() as u64)
    else {
        return Ok(None);
    };
    let mut index = vec![0; index_length as usize];
    file.read_exact_at(&mut index, index_start)?;
    if Sha256::digest(&index)[..] != *digest {
        return Ok(None);
    }
    Ok(outcomes(&index, n, image_size, index_start))
}

fn outcomes(mut index: &[u8], n: usize, image_size: usize, images_end: u64) -> Option<Vec<FileResult>> {
    let mut at = MAGIC.len() as u64;
    let mut outcomes = Vec::with_capacity(n);
    for _ in 0..n {
        let word = u32::from_le_bytes(array(take(&mut index, 4)?));
        if word & BAD != 0 {
            let reason = take(&mut index, (word & !BAD) as usize)?;
            outcomes.push(Err(String::from_utf8(reason.to_vec()).ok()?));
            continue;
        }
        let length = word as usize;
        if ![1, 3].iter().any(|channels| image_size * image_size * channels == length) {
            return None;
        }
        let crc = u32::from_le_bytes(array(take(&mut index, 4)?));
        let digest = array(take(&mut index, 32)?);
        let notes = unpacked(array(take(&mut index, NOTES)?));
        outcomes.push(Ok(Entry { start: at, length, crc, digest, notes }));
        at += length as u64;
    }
    (index.is_empty() && at == images_end).then_some(outcomes)
}

/// Bytes of the notes on an image.
const NOTES: usize = 9;

fn packed(notes: DecodeNotes) -> [u8; NOTES] {
    let DecodeNotes { frame, by_general_rules, is_cut, without_window, by_own_range } = notes;
    // Frames count from 1: 0 of 0 stands for none.
    let [frame, frames] = frame.unwrap_or_default().map(u32::to_le_bytes);
    let flags = [by_general_rules, is_cut, without_window, by_own_range];
    let flags = flags.iter().enumerate().map(|(bit, &set)| u8::from(set) << bit).sum();
    let mut bytes = [0; NOTES];
    bytes[..4].copy_from_slice(&frame);
    bytes[4..8].copy_from_slice(&frames);
    bytes[8] = flags;
    bytes
}

fn unpacked(bytes: [u8; NOTES]) -> DecodeNotes {
    let number = |at: usize| u32::from_le_bytes(array(&bytes[at..at + 4]));
    let flag = |bit: u8| bytes[8] >> bit & 1 == 1;
    DecodeNotes {
        frame: Some([number(0), number(4)]).filter(|&[frame, _]| frame > 0),
        by_general_rules: flag(0),
        is_cut: flag(1),
        without_window: flag(2),
        by_own_range: flag(3),
    }
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(n)?;
    *bytes = rest;
    Some(taken)
}

/// Bytes of a length that the caller has made sure of.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
