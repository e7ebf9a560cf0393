//! TIFF with a palette, which the image crate does not read: its indices are read as gray, and looked up here.

use image::ImageFormat;

use super::library;
use crate::{DecodeError, DecodeNotes, Decoding, Pixels};

const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC_INTERPRETATION: u16 = 262;
const COLOUR_MAP: u16 = 320;
const GRAY: u16 = 1;
const PALETTE: u16 = 3;

/// Bytes of a value of each type, by the type's number (TIFF 6.0, section 2; 13 is Adobe's IFD).
const SIZES: [usize; 14] = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/// Decodes a TIFF.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let directory = Directory::of(bytes).ok_or(DecodeError::CutOff)?;
    if !directory.fits() {
        return Err(DecodeError::CutOff);
    }
    let Some(Indexed { as_gray, palette }) = directory.indexed() else {
        return library::pixels(bytes, ImageFormat::Tiff, decoding, notes);
    };
    let indices = library::pixels(&as_gray, ImageFormat::Tiff, decoding, notes)?;
    let data = indices.data.iter().flat_map(|&index| palette[usize::from(index)]).collect();
    Ok(Pixels { channels: 3, data, ..indices })
}

/// Whether no tag of the first image claims more values than the file has bytes.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    Directory::of(bytes).is_some_and(|directory| directory.fits())
}

struct Indexed {
    as_gray: Vec<u8>,
    palette: [[u8; 3]; 256],
}

/// The tags of a file's first image.
struct Directory<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    start: usize,
    entries: usize,
}

impl<'a> Directory<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut directory = Self { bytes, big_endian: bytes.starts_with(b"MM"), start: 0, entries: 0 };
        directory.start = directory.number(4, 4)?;
        directory.entries = directory.number(directory.start, 2)?;
        Some(directory)
    }

    fn number(&self, at: usize, length: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, &byte: &u8| sum << 8 | usize::from(byte);
        Some(if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.entries).map(|i| self.start + 2 + 12 * i)
    }

    /// That no tag claims more values than there are bytes: the library makes room for as many as a tag says, 32 bytes each.
    fn fits(&self) -> bool {
        self.places().all(|at| {
            let (kind, count) = (self.number(at + 2, 2), self.number(at + 4, 4));
            let size = kind.and_then(|kind| SIZES.get(kind)).unwrap_or(&1);
            count.and_then(|count| count.checked_mul(*size)).is_some_and(|length| length <= self.bytes.len())
        })
    }

    /// Where the value of a tag is: a short one at its entry, others where that points.
    fn value(&self, tag: u16) -> Option<usize> {
        self.places().find(|&at| self.number(at, 2) == Some(tag.into())).map(|at| at + 8)
    }

    /// What is needed of an image with a palette for 8 bits; nothing of any other.
    fn indexed(&self) -> Option<Indexed> {
        let photometric = self.value(PHOTOMETRIC_INTERPRETATION)?;
        let palette = self.number(photometric, 2)? == usize::from(PALETTE);
        if !palette || self.number(self.value(BITS_PER_SAMPLE)?, 2)? != 8 {
            return None;
        }
        let map = self.number(self.value(COLOUR_MAP)?, 4)?;
        let mut palette = [[0; 3]; 256];
        for (index, colour) in palette.iter_mut().enumerate() {
            for (channel, value) in colour.iter_mut().enumerate() {
                // All reds come first. Pillow takes the upper bytes (`TiffImagePlugin.py`).
                *value = (self.number(map.checked_add(2 * (256 * channel + index))?, 2)? >> 8) as u8;
            }
        }
        let mut as_gray = self.bytes.to_vec();
        let gray = if self.big_endian { GRAY.to_be_bytes() } else { GRAY.to_le_bytes() };
        as_gray.get_mut(photometric..photometric + 2)?.copy_from_slice(&gray);
        Some(Indexed { as_gray, palette })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Formats;

    /// 3×1 pixels with the indices 2, 0, 1 in either byte order; entry i is (i, 10 i, 20 i) in the upper bytes.
    fn file(big_endian: bool) -> Vec<u8> {
        let short = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let long = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut bytes =
            [if big_endian { &b"MM"[..] } else { b"II" }, &short(42), &long(12), &[2, 0, 1, 0]].concat();
        let tags = [(256, 3), (257, 1), (258, 8), (259, 1), (262, 3), (273, 8), (277, 1), (278, 1), (279, 3)];
        bytes.extend(short(10));
        for (tag, value) in tags {
            bytes.extend([&short(tag)[..], &short(3), &long(1), &short(value), &[0, 0]].concat());
        }
        let map = 12 + 2 + 10 * 12 + 4;
        bytes.extend([&short(320)[..], &short(3), &long(768), &long(map)].concat());
        bytes.extend(long(0));
        let entries = [1, 10, 20].into_iter().flat_map(|step| (0..256).map(move |i| (i * step % 256) as u8));
        bytes.extend(entries.flat_map(|v| short(u16::from(v) << 8 | 7)));
        bytes
    }

    #[test]
    fn palettes_are_looked_up_and_damaged_ones_are_errors() {
        for (_, formats) in Formats::ALL {
            for big_endian in [false, true] {
                let (whole, decoding) = (file(big_endian), Decoding::new(formats));
                let seen = crate::decode(&whole, &decoding).unwrap().pixels;
                assert_eq!((seen.width, seen.height, seen.channels), (3, 1, 3));
                assert_eq!(seen.data, [2, 20, 40, 0, 0, 0, 1, 10, 20]);
                for length in 1..whole.len() {
                    assert!(crate::decode(&whole[..length], &decoding).is_err(), "{length}");
                }
            }
        }
    }

    /// 8,388,608 offsets of strips in 98 bytes: the library would make room for all of them, 256 MiB.
    #[test]
    fn a_tag_of_more_values_than_there_are_bytes_is_cut_off() {
        for big_endian in [false, true] {
            let mut bytes = file(big_endian);
            let entry = 14 + 5 * 12;
            let count = 8_388_608_u32;
            let count = if big_endian { count.to_be_bytes() } else { count.to_le_bytes() };
            bytes[entry + 4..entry + 8].copy_from_slice(&count);
            for (_, formats) in Formats::ALL {
                let error = crate::decode(&bytes, &Decoding::new(formats)).unwrap_err();
                assert!(matches!(error, DecodeError::CutOff), "{error}");
            }
        }
    }
}
