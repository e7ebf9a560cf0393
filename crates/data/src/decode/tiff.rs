//! TIFF and BigTIFF (TIFF 6.0, its technical notes, and libtiff where these are silent).
//!
//! The crate `tiff` (0.11), which the image crate reads TIFF with, panics on planar tiles whose size is no divisor of the
//! image's, takes whole tiles of LZW for cut off, and knows neither FillOrder, nor associated alpha, nor subsampled
//! colours; so files are read here, row by row, and libraries only decompress: **flate2**, **weezl**, **jpeg-decoder** and,
//! for black and white, the codes of **fax**.

mod chunk;
mod colour;
mod directory;
mod fax;
mod page;

use std::io::Read;

use image::metadata::Orientation;

use self::{
    chunk::read_error,
    colour::Converter,
    directory::File,
    page::{Page, SamplePrediction},
};
use super::{announced::Announced, orientation};
use crate::{DecodeError, DecodeNotes, Decoding, Pixels};

/// Decodes the page that is asked for.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let file = File::of(bytes)?;
    let pages = file.pages()?;
    let at = super::choose_frame(pages.len(), decoding, notes)?;
    let tags = file.directory(pages[at]).ok_or(DecodeError::CutOff)?;
    let page = Page::of(&tags, decoding)?;
    let rows = TiffRows { page: &page, file: &file };

    let mut converter = Converter::new(&page, decoding.formats);
    if converter.needs_range() {
        rows.read(|_, _, row| converter.widen_range(row))?;
        notes.by_own_range |= converter.is_scaled_by_own_range();
    }
    let (width, height, channels) = (page.width, page.height, converter.channels());
    let mut data = vec![0; width * height * channels];
    rows.read(|x, y, row| {
        let columns = row.len() / row.stride().max(1);
        let at = (y * width + x) * channels;
        converter.convert(row, &mut data[at..at + columns * channels]);
    })?;
    notes.is_cut |= converter.is_cut();
    // Pillow turns TIFF by itself, so both rules do (`TiffImagePlugin.py`).
    let turned = Orientation::from_exif(page.orientation).unwrap_or(Orientation::NoTransforms);
    Ok(orientation::turn(Pixels { width, height, channels, data }, turned))
}

/// Reads the size of the page that is asked for. Rows are decoded one after the other, JPEG a chunk at a time, and a turned image
/// is copied.
pub(super) fn announced(bytes: &[u8], decoding: &Decoding) -> Option<Announced> {
    let file = File::of(bytes).ok()?;
    let pages = file.pages().ok()?;
    let at = super::choose_frame(pages.len(), decoding, &mut DecodeNotes::default()).ok()?;
    let tags = file.directory(pages[at])?;
    let page = Page::of(&tags, decoding).ok()?;
    let stored = (page.samples * page.bits).div_ceil(8) as u64;
    let pixels = Announced::new(page.width as u64, page.height as u64, stored, 6 + 3 * stored);
    let row = 32 * (page.chunk[0] as u64).saturating_mul(page.samples as u64);
    Some(Announced { memory: pixels.memory.saturating_add(row), ..pixels })
}

/// Part of a row, as it was stored.
#[derive(Clone, Copy)]
enum TiffRow<'a> {
    /// Bytes that are pixels.
    Plain { bytes: &'a [u8], stride: usize },
    /// Bits of samples, `stride` of them a pixel.
    Samples { values: &'a [u64], stride: usize },
}

impl TiffRow<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Plain { bytes, .. } => bytes.len(),
            Self::Samples { values, .. } => values.len(),
        }
    }

    fn stride(&self) -> usize {
        match self {
            Self::Plain { stride, .. } | Self::Samples { stride, .. } => *stride,
        }
    }
}

/// Rows of a page, chunk by chunk.
struct TiffRows<'a> {
    page: &'a Page<'a>,
    file: &'a File<'a>,
}

impl TiffRows<'_> {
    /// Calls `each` with column, row and pixels of every part of a row.
    fn read(&self, mut each: impl FnMut(usize, usize, TiffRow<'_>)) -> Result<(), DecodeError> {
        let page = self.page;
        let [across, down] = page.chunks();
        for index in 0..across * down {
            let (x, y) = (index % across * page.chunk[0], index / across * page.chunk[1]);
            let columns = page.chunk[0].min(page.width - x);
            let rows = page.chunk[1].min(page.height - y);
            if page.is_plain() {
                self.plain_chunk(index, [x, y], [columns, rows], &mut each)?;
            } else if page.subsampling() != [1, 1] {
                self.subsampled_chunk(index, [x, y], [columns, rows], &mut each)?;
            } else {
                self.chunk(index, [x, y], [columns, rows], &mut each)?;
            }
        }
        Ok(())
    }

    fn reader(&self, index: usize, rows: usize) -> Result<Box<dyn Read + '_>, DecodeError> {
        // Tiles are stored whole, the last strip is not.
        let stored = if self.page.tiled { self.page.chunk[1] } else { rows };
        chunk::reader(self.page, self.file.bytes, index, stored)
    }

    fn plain_chunk(
        &self,
        index: usize,
        [x, y]: [usize; 2],
        [columns, rows]: [usize; 2],
        each: &mut impl FnMut(usize, usize, TiffRow<'_>),
    ) -> Result<(), DecodeError> {
        let stride = self.page.samples;
        let mut reader = self.reader(index, rows)?;
        let mut row = vec![0; self.page.chunk[0] * stride];
        for y in y..y + rows {
            reader.read_exact(&mut row).map_err(|error| read_error(&error))?;
            if self.page.predictor == SamplePrediction::Horizontal {
                for i in stride..row.len() {
                    row[i] = row[i].wrapping_add(row[i - stride]);
                }
            }
            each(x, y, TiffRow::Plain { bytes: &row[..columns * stride], stride });
        }
        Ok(())
    }

    fn chunk(
        &self,
        index: usize,
        [x, y]: [usize; 2],
        [columns, rows]: [usize; 2],
        each: &mut impl FnMut(usize, usize, TiffRow<'_>),
    ) -> Result<(), DecodeError> {
        let page = self.page;
        let [across, down] = page.chunks();
        // What is no colour and no alpha has planes of its own, which are not read.
        let (planes, in_plane) = if page.planar { (page.used_samples(), 1) } else { (1, page.samples) };
        let stride = planes * in_plane;
        let readers = (0..planes).map(|plane| self.reader(plane * across * down + index, rows));
        let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
        let samples = page.chunk[0] * in_plane;
        let mut bytes = vec![0; (samples * page.bits).div_ceil(8)];
        let (mut plane_values, mut values) = (Vec::new(), vec![0; page.chunk[0] * stride]);
        for y in y..y + rows {
            for (plane, reader) in readers.iter_mut().enumerate() {
                reader.read_exact(&mut bytes).map_err(|error| read_error(&error))?;
                if planes == 1 {
                    self.unpack(&mut bytes, samples, in_plane, &mut values);
                    continue;
                }
                self.unpack(&mut bytes, samples, in_plane, &mut plane_values);
                for (pixel, &value) in values.chunks_exact_mut(stride).zip(&plane_values) {
                    pixel[plane] = value;
                }
            }
            each(x, y, TiffRow::Samples { values: &values[..columns * stride], stride });
        }
        Ok(())
    }

    /// YCbCr whose chroma is shared: units of `across` × `down` values of Y, then Cb and Cr (TIFF 6.0, section 21).
    fn subsampled_chunk(
        &self,
        index: usize,
        [x, y]: [usize; 2],
        [columns, rows]: [usize; 2],
        each: &mut impl FnMut(usize, usize, TiffRow<'_>),
    ) -> Result<(), DecodeError> {
        let [across, down] = self.page.subsampling();
        let unit = across * down + 2;
        let mut reader = self.reader(index, rows)?;
        let mut units = vec![0; self.page.chunk[0].div_ceil(across) * unit];
        let mut values = Vec::new();
        for first in (0..rows).step_by(down) {
            reader.read_exact(&mut units).map_err(|error| read_error(&error))?;
            for row in 0..down.min(rows - first) {
                values.clear();
                for column in 0..columns {
                    let unit = &units[column / across * unit..][..unit];
                    let luma = unit[row * across + column % across];
                    values.extend([luma, unit[across * down], unit[across * down + 1]].map(u64::from));
                }
                each(x, y + first + row, TiffRow::Samples { values: &values, stride: 3 });
            }
        }
        Ok(())
    }

    /// The numbers of one row of one plane, with `stride` samples a pixel, as they were before the predictor.
    fn unpack(&self, bytes: &mut [u8], count: usize, stride: usize, into: &mut Vec<u64>) {
        let bits = self.page.bits;
        into.clear();
        if self.page.predictor == SamplePrediction::Float {
            for i in stride..bytes.len() {
                bytes[i] = bytes[i].wrapping_add(bytes[i - stride]);
            }
            // All first bytes come first (Adobe's Photoshop TIFF Technical Note 3).
            let value = |i| (0..bits / 8).fold(0, |sum, byte| sum << 8 | u64::from(bytes[byte * count + i]));
            into.extend((0..count).map(value));
            return;
        }
        let add = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        match bits {
            8 => into.extend(bytes.iter().map(|&byte| u64::from(byte))),
            16 | 24 | 32 | 64 if self.file.big_endian => {
                into.extend(bytes.chunks_exact(bits / 8).map(|value| value.iter().fold(0, add)));
            }
            16 | 24 | 32 | 64 => {
                into.extend(bytes.chunks_exact(bits / 8).map(|value| value.iter().rev().fold(0, add)));
            }
            // From the highest bit on, in either byte order.
            _ => into.extend((0..count).map(|i| {
                let (from, to) = (i * bits, (i + 1) * bits);
                let whole = bytes[from / 8..to.div_ceil(8)].iter().fold(0, add);
                whole >> (to.next_multiple_of(8) - to) & ((1 << bits) - 1)
            })),
        }
        if self.page.predictor == SamplePrediction::Horizontal {
            let mask = u64::MAX >> (64 - bits);
            for i in stride..into.len() {
                into[i] = into[i].wrapping_add(into[i - stride]) & mask;
            }
        }
    }
}

#[cfg(test)]
mod tests;
