//! TIFF with a palette, which the image crate does not read: its indices are read as gray, and looked up here.

use image::ImageFormat;

use super::library;
use crate::{DecodeError, Decoding, Pixels};

const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC_INTERPRETATION: u16 = 262;
const COLOUR_MAP: u16 = 320;
const GRAY: u16 = 1;
const PALETTE: u16 = 3;

/// Decodes a TIFF.
pub(super) fn pixels(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let Some(Indexed { as_gray, palette }) = indexed(bytes) else {
        return library::pixels(bytes, ImageFormat::Tiff, decoding);
    };
    let indices = library::pixels(&as_gray, ImageFormat::Tiff, decoding)?;
    let data = indices.data.iter().flat_map(|&index| palette[usize::from(index)]).collect();
    Ok(Pixels { channels: 3, data, ..indices })
}

struct Indexed {
    as_gray: Vec<u8>,
    palette: [[u8; 3]; 256],
}

/// What is needed of a file whose first image has a palette for 8 bits; nothing of any other.
fn indexed(bytes: &[u8]) -> Option<Indexed> {
    let big_endian = bytes.starts_with(b"MM");
    let number = |at: usize, length: usize| {
        let bytes = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, &byte: &u8| sum << 8 | usize::from(byte);
        Some(if big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    };
    let directory = number(4, 4)?;
    let entries = (0..number(directory, 2)?).map(|i| directory + 2 + 12 * i);
    // Where the value of a tag is: a short one at its entry, others where that points.
    let value = |tag: u16| entries.clone().find(|&at| number(at, 2) == Some(tag.into())).map(|at| at + 8);
    let photometric = value(PHOTOMETRIC_INTERPRETATION)?;
    if number(photometric, 2)? != usize::from(PALETTE) || number(value(BITS_PER_SAMPLE)?, 2)? != 8 {
        return None;
    }
    let map = number(value(COLOUR_MAP)?, 4)?;
    let mut palette = [[0; 3]; 256];
    for (index, colour) in palette.iter_mut().enumerate() {
        for (channel, value) in colour.iter_mut().enumerate() {
            // All reds come first. Pillow takes the upper bytes (`TiffImagePlugin.py`).
            *value = (number(map.checked_add(2 * (256 * channel + index))?, 2)? >> 8) as u8;
        }
    }
    let mut as_gray = bytes.to_vec();
    let gray = if big_endian { GRAY.to_be_bytes() } else { GRAY.to_le_bytes() };
    as_gray.get_mut(photometric..photometric + 2)?.copy_from_slice(&gray);
    Some(Indexed { as_gray, palette })
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
                let seen = crate::decode(&whole, &decoding).unwrap();
                assert_eq!((seen.width, seen.height, seen.channels), (3, 1, 3));
                assert_eq!(seen.data, [2, 20, 40, 0, 0, 0, 1, 10, 20]);
                for length in 1..whole.len() {
                    assert!(crate::decode(&whole[..length], &decoding).is_err(), "{length}");
                }
            }
        }
    }
}
