//! JPEG of 12 bits (ISO/IEC 10918-1, extended sequential with Huffman codes), gray: processes 2 and 4 of DICOM.
//!
//! Our own, since no crate for it is as small as the task: jpeg-decoder and zune-jpeg know 8 bits only, and
//! libjpeg-turbo-rs (0.9), which knows 12, is all of libjpeg-turbo in 72,000 lines with `unsafe` in 20 files.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use super::{CutOff, Layout, Samples, damaged};
use crate::{DecodeError, decode::jpeg};

/// Place of each coefficient of a block in the order in which they are coded (figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];
const BITS: u32 = 12;

/// Decodes an image of one component, of the size that the file says.
pub(super) fn samples<'a>(bytes: &[u8], layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let mut tables = Tables::default();
    let (mut at, mut quantization) = (2, 0);
    loop {
        let marker = jpeg::next_marker(bytes, &mut at).ok_or(CutOff)?;
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if marker == 0xd9 {
            return Err(CutOff);
        }
        let segment = jpeg::segment(bytes, &mut at).ok_or(CutOff)?;
        match marker {
            0xc0 | 0xc1 => quantization = usize::from(segment.get(8).copied().unwrap_or(0) & 3),
            0xc4 => tables.read_huffman(segment)?,
            0xdb => tables.read_quantization(segment)?,
            0xdd => {
                let interval = segment.get(..2).map(|v| u16::from_be_bytes([v[0], v[1]]));
                tables.interval = interval.unwrap_or(0).into();
            }
            // The rest of this segment says which coefficients are in the scan. All are, whatever it says: there are
            // writers that leave it at 0.
            0xda => {
                let [1, _, codes, ..] = *segment else { return Err(broken()) };
                return scan(&bytes[at..], &tables, quantization, codes, layout);
            }
            _ => {}
        }
    }
}

fn broken() -> DecodeError {
    damaged("its JPEG cannot be decoded")
}

#[derive(Default)]
struct Tables {
    /// Quantization tables, in the order of [`ZIGZAG`].
    quantization: [Option<[f32; 64]>; 4],
    first: [Option<Codes>; 4],
    others: [Option<Codes>; 4],
    /// Blocks between restarts; 0 for none.
    interval: usize,
}

impl Tables {
    fn read_quantization(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while let [kind, rest @ ..] = segment {
            let bytes = 1 + usize::from(kind >> 4 != 0);
            let (values, rest) = rest.split_at_checked(64 * bytes).ok_or_else(broken)?;
            let mut table = [0.0; 64];
            for (entry, value) in table.iter_mut().zip(values.chunks_exact(bytes)) {
                *entry = value.iter().fold(0.0, |sum, &byte| sum * 256.0 + f32::from(byte));
            }
            self.quantization[usize::from(kind & 3)] = Some(table);
            segment = rest;
        }
        Ok(())
    }

    fn read_huffman(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_at_checked(16).ok_or_else(broken)?;
            let count = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(count).ok_or_else(broken)?;
            let tables = if kind >> 4 == 0 { &mut self.first } else { &mut self.others };
            tables[usize::from(kind & 3)] = Some(Codes::new(counts, values));
            segment = rest;
        }
        Ok(())
    }
}

/// Codes of a Huffman table (annex C): those of a length follow each other, and are above all shorter ones.
struct Codes {
    /// First 16-bit pattern, for each length, that is no more of it or of a shorter one.
    ends: [u32; 16],
    /// First code of each length, and the place of that one's value.
    firsts: [(u32, usize); 16],
    values: Vec<u8>,
}

impl Codes {
    fn new(counts: &[u8], values: &[u8]) -> Self {
        let (mut codes, mut code, mut place) =
            (Self { ends: [0; 16], firsts: [(0, 0); 16], values: values.to_vec() }, 0_u32, 0);
        for (i, &count) in counts.iter().enumerate().take(16) {
            codes.firsts[i] = (code, place);
            code += u32::from(count);
            place += usize::from(count);
            codes.ends[i] = code << (15 - i);
            code <<= 1;
        }
        codes
    }

    fn next(&self, bits: &mut Bits<'_>) -> Result<u8, DecodeError> {
        let pattern = bits.peek(16);
        let length = self.ends.iter().position(|&end| pattern < end).ok_or_else(broken)?;
        bits.skip(length as u32 + 1)?;
        let (first, place) = self.firsts[length];
        let above = (pattern >> (15 - length)).checked_sub(first).ok_or_else(broken)?;
        self.values.get(place + above as usize).copied().ok_or_else(broken)
    }
}

/// Bits of a scan, up to its next marker.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next bits, zeros where there are no more.
    fn peek(&mut self, count: u32) -> u32 {
        if self.count < count {
            self.fill();
        }
        (self.buffer >> 32) as u32 >> (32 - count)
    }

    fn skip(&mut self, count: u32) -> Result<(), DecodeError> {
        self.count = self.count.checked_sub(count).ok_or(CutOff)?;
        self.buffer <<= count;
        Ok(())
    }

    /// A number of so many bits, of which the lower half stands for those below 0 (F.2.2.1).
    fn signed(&mut self, count: u8) -> Result<i32, DecodeError> {
        if count == 0 {
            return Ok(0);
        }
        let count = u32::from(count);
        let value = self.peek(count) as i32;
        self.skip(count)?;
        Ok(if value < 1 << (count - 1) { value - (1 << count) + 1 } else { value })
    }

    /// Steps behind the marker of a restart.
    fn restart(&mut self) -> Result<(), DecodeError> {
        (self.buffer, self.count) = (0, 0);
        match jpeg::next_marker(self.bytes, &mut self.at) {
            Some(0xd0..=0xd7) => Ok(()),
            Some(0xd9) | None => Err(CutOff),
            _ => Err(broken()),
        }
    }
}

fn scan<'a>(
    bytes: &[u8],
    tables: &Tables,
    quantization: usize,
    codes: u8,
    layout: &Layout,
) -> Result<Samples<'a>, DecodeError> {
    let (Some(first), Some(others), Some(quantization)) = (
        &tables.first[usize::from(codes >> 4 & 3)],
        &tables.others[usize::from(codes & 3)],
        &tables.quantization[quantization],
    ) else {
        return Err(broken());
    };
    let cosines = cosines();
    // Fewer bits may be stored than the coder has.
    let most = ((1_u32 << BITS.min(layout.bits_stored.into())) - 1) as f32;
    let (width, height) = (layout.width, layout.height);
    let mut bits = Bits { bytes, at: 0, buffer: 0, count: 0 };
    let (mut samples, mut mean) = (vec![0; width * height], 0_i32);
    let across = width.div_ceil(8);
    for block in 0..across * height.div_ceil(8) {
        if tables.interval > 0 && block > 0 && block % tables.interval == 0 {
            bits.restart()?;
            mean = 0;
        }
        let mut coefficients = [0.0; 64];
        let size = Some(first.next(&mut bits)?).filter(|&size| size < 16).ok_or_else(broken)?;
        mean = mean.saturating_add(bits.signed(size)?);
        coefficients[0] = mean as f32 * quantization[0];
        let mut place = 1;
        while place < 64 {
            let code = others.next(&mut bits)?;
            let (zeros, size) = (usize::from(code >> 4), code & 15);
            if size == 0 && zeros < 15 {
                break;
            }
            place += zeros;
            let value = bits.signed(size)? as f32;
            let Some(&at) = ZIGZAG.get(place) else { return Err(broken()) };
            coefficients[at] = value * quantization[place];
            place += 1;
        }
        let (left, top) = (block % across * 8, block / across * 8);
        let pixels = transformed(&coefficients, &cosines);
        for (y, row) in pixels.chunks_exact(8).enumerate().take(height - top) {
            let start = (top + y) * width + left;
            for (sample, value) in samples[start..].iter_mut().zip(row).take((width - left).min(8)) {
                *sample = (value + 2048.0).round().clamp(0.0, most) as u16;
            }
        }
    }
    // Without its end, a block that is cut off may look whole: zeros that fill up are a code.
    match jpeg::next_marker(bytes, &mut bits.at) {
        Some(0xd9) => Ok(Samples::Sixteen(samples)),
        _ => Err(CutOff),
    }
}

/// Computes the cosines by place and frequency, with the factor of the frequency.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|place| {
        std::array::from_fn(|frequency| {
            let factor = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            factor * ((2 * place + 1) as f32 * frequency as f32 * PI / 16.0).cos() / 2.0
        })
    })
}

/// The inverse cosine transform of a block (A.3.3), rows first.
fn transformed(coefficients: &[f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let (mut rows, mut pixels) = ([0.0; 64], [0.0; 64]);
    for (row, new) in coefficients.chunks_exact(8).zip(rows.chunks_exact_mut(8)) {
        for (new, cosines) in new.iter_mut().zip(cosines) {
            *new = row.iter().zip(cosines).map(|(value, cosine)| value * cosine).sum();
        }
    }
    for (new, cosines) in pixels.chunks_exact_mut(8).zip(cosines) {
        for (row, cosine) in rows.chunks_exact(8).zip(cosines) {
            for (new, value) in new.iter_mut().zip(row) {
                *new += value * cosine;
            }
        }
    }
    pixels
}
