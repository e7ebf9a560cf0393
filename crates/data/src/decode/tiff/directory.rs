//! Tags of a TIFF or BigTIFF, and the pages that they describe.

use std::collections::HashSet;

use crate::DecodeError::{self, CutOff};

/// Bytes of a value of each type, by the type's number (TIFF 6.0, section 2; 13 is Adobe's IFD; 16 to 18 are BigTIFF's).
const SIZES: [usize; 19] = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 1, 1, 8, 8, 8];
/// The most pages that are counted: libtiff's limit was the same for long.
const MOST_PAGES: usize = 65_535;

/// A file's bytes, read in its own byte order.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
    /// BigTIFF, whose offsets and counts have 8 bytes.
    big: bool,
}

/// The tags of one page.
pub(super) struct Directory<'a> {
    file: File<'a>,
    /// Places of the entries.
    first: usize,
    entries: usize,
}

impl<'a> File<'a> {
    /// Reads the header.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let file = Self { bytes, big_endian: bytes.starts_with(b"MM"), big: false };
        match file.number(2, 2) {
            Some(42) => Ok(file),
            Some(43) => match (file.number(4, 2), file.number(6, 2)) {
                (Some(8), Some(0)) => Ok(Self { big: true, ..file }),
                (_, None) => Err(CutOff),
                _ => Err(DecodeError::Unsupported("BigTIFF with offsets of another size than 8".to_owned())),
            },
            _ => Err(CutOff),
        }
    }

    pub(super) fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        Some(if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.number(at, if self.big { 8 } else { 4 })?).ok()
    }

    /// Places of all pages, in order. A list that leads out of the file or back to a page that it has been at ends there, as
    /// Pillow's does.
    pub(super) fn pages(&self) -> Result<Vec<usize>, DecodeError> {
        let (mut pages, mut seen) = (Vec::new(), HashSet::new());
        let mut next = self.offset(if self.big { 8 } else { 4 }).ok_or(CutOff)?;
        while next != 0 && seen.insert(next) {
            let Some(directory) = self.directory(next) else { break };
            if pages.len() == MOST_PAGES {
                return Err(DecodeError::Unsupported(format!("TIFF with more than {MOST_PAGES} pages")));
            }
            pages.push(next);
            let end = directory.first + directory.entries * self.entry_size();
            next = self.offset(end).unwrap_or(0);
        }
        // Its tags lie behind its end.
        if pages.is_empty() { Err(CutOff) } else { Ok(pages) }
    }

    fn entry_size(&self) -> usize {
        if self.big { 20 } else { 12 }
    }

    /// The tags at this place, if all of them lie in the file.
    pub(super) fn directory(&self, at: usize) -> Option<Directory<'a>> {
        let count = if self.big { 8 } else { 2 };
        let entries = usize::try_from(self.number(at, count)?).ok()?;
        let first = at.checked_add(count)?;
        let end = entries.checked_mul(self.entry_size())?.checked_add(first)?;
        (entries > 0 && end <= self.bytes.len()).then_some(Directory { file: *self, first, entries })
    }
}

impl Directory<'_> {
    /// Type, number and place of a tag's values. A tag that claims more values than the file has bytes has none.
    fn find(&self, tag: u16) -> Option<(usize, usize, usize)> {
        let file = &self.file;
        let size = file.entry_size();
        let at = (0..self.entries)
            .map(|i| self.first + i * size)
            .find(|&at| file.number(at, 2) == Some(tag.into()))?;
        let kind = usize::try_from(file.number(at + 2, 2)?).ok()?;
        let count = file.offset(at + 4)?;
        let value = at + if file.big { 12 } else { 8 };
        let length = count.checked_mul(*SIZES.get(kind)?)?;
        let at = if length <= at + size - value { value } else { file.offset(value)? };
        (at.checked_add(length)? <= file.bytes.len()).then_some((kind, count, at))
    }

    /// Tells if there is such a tag, of whatever value.
    pub(super) fn has(&self, tag: u16) -> bool {
        let size = self.file.entry_size();
        (0..self.entries).any(|i| self.file.number(self.first + i * size, 2) == Some(tag.into()))
    }

    /// Whole numbers of a tag.
    pub(super) fn numbers(&self, tag: u16) -> Option<Vec<u64>> {
        let (kind, count, at) = self.find(tag)?;
        let whole = matches!(kind, 1 | 3 | 4 | 6..=9 | 13 | 16..=18);
        let size = SIZES[kind];
        whole.then(|| (0..count).filter_map(|i| self.file.number(at + i * size, size)).collect())
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        let (kind, count, at) = self.find(tag)?;
        let whole = matches!(kind, 1 | 3 | 4 | 6..=9 | 13 | 16..=18) && count > 0;
        whole.then(|| self.file.number(at, SIZES[kind])).flatten()
    }

    /// Fractions of a tag.
    pub(super) fn fractions(&self, tag: u16) -> Option<Vec<f64>> {
        let (kind, count, at) = self.find(tag)?;
        let value = |i: usize| {
            let at = at + i * SIZES[kind];
            Some(match kind {
                5 => self.file.number(at, 4)? as f64 / self.file.number(at + 4, 4)? as f64,
                10 => {
                    let signed = |at| Some(f64::from(self.file.number(at, 4)? as u32 as i32));
                    signed(at)? / signed(at + 4)?
                }
                11 => f64::from(f32::from_bits(self.file.number(at, 4)? as u32)),
                12 => f64::from_bits(self.file.number(at, 8)?),
                1 | 3 | 4 => self.file.number(at, SIZES[kind])? as f64,
                _ => return None,
            })
        };
        (0..count).map(value).collect()
    }

    /// Bytes of a tag.
    pub(super) fn bytes(&self, tag: u16) -> Option<&[u8]> {
        let (kind, count, at) = self.find(tag)?;
        self.file.bytes.get(at..at + count * SIZES[kind])
    }
}
