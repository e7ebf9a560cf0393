//! Strips and tiles as rows of bytes: decompressed as they are read, so that no more than a row is in memory, JPEG excepted.

use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
};

use jpeg_decoder::ColorTransform;
use weezl::{BitOrder, LzwStatus, decode::Decoder as LzwDecoder};

use super::{
    fax::{Coding, FaxReader},
    page::{Page, damaged, unsupported},
};
use crate::{
    DecodeError::{self, CutOff},
    decode::jpeg,
};

/// The bytes of a chunk of `rows` rows.
pub(super) fn reader<'a>(
    page: &'a Page<'_>,
    bytes: &'a [u8],
    index: usize,
    rows: usize,
) -> Result<Box<dyn Read + 'a>, DecodeError> {
    let start = page.offsets.get(index).and_then(|&at| usize::try_from(at).ok()).ok_or(CutOff)?;
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty()).ok_or(CutOff)?;
    // Of what is not compressed the length is known, and Pillow takes no other; some writers leave the rest out.
    let length = match page.lengths.get(index) {
        Some(&length) if page.compression > 1 && length > 0 => usize::try_from(length).unwrap_or(usize::MAX),
        _ => rest.len(),
    };
    let bytes = &rest[..length.min(rest.len())];
    if page.compression == 7 {
        return Ok(Box::new(Cursor::new(jpeg_rows(page, bytes, rows)?)));
    }
    let bytes = if page.bits_reversed {
        Cow::Owned(bytes.iter().map(|byte| byte.reverse_bits()).collect())
    } else {
        Cow::Borrowed(bytes)
    };
    Ok(match page.compression {
        5 => Box::new(LzwReader::new(bytes)),
        8 | 32946 => Box::new(flate2::read::ZlibDecoder::new(Cursor::new(bytes))),
        32773 => Box::new(PackBitsReader { bytes: Cursor::new(bytes), left: PackBitsRun::Literal(0) }),
        2 => Box::new(fax(page, bytes, Coding::Rows { word_aligned: false })),
        32771 => Box::new(fax(page, bytes, Coding::Rows { word_aligned: true })),
        3 => Box::new(fax(page, bytes, Coding::Group3 { two_dimensional: page.two_dimensional })),
        4 => Box::new(fax(page, bytes, Coding::Group4)),
        _ => Box::new(Cursor::new(bytes)),
    })
}

fn fax<'a>(page: &Page<'_>, bytes: Cow<'a, [u8]>, coding: Coding) -> FaxReader<'a> {
    FaxReader::new(bytes, coding, page.chunk[0])
}

/// Error of a reader in words of this crate.
pub(super) fn read_error(error: &io::Error) -> DecodeError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        CutOff
    } else {
        damaged("its compressed pixels cannot be unpacked")
    }
}

struct LzwReader<'a> {
    decoder: LzwDecoder,
    bytes: Cow<'a, [u8]>,
    at: usize,
}

impl<'a> LzwReader<'a> {
    fn new(bytes: Cow<'a, [u8]>) -> Self {
        // The first code of the first versions of libtiff, which wrote bits the other way round (`LZWPreDecode`).
        let is_old = matches!(bytes[..], [0, second, ..] if second & 1 == 1);
        let decoder = if is_old {
            LzwDecoder::new(BitOrder::Lsb, 8)
        } else {
            LzwDecoder::with_tiff_size_switch(BitOrder::Msb, 8)
        };
        Self { decoder, bytes, at: 0 }
    }
}

impl Read for LzwReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let done = self.decoder.decode_bytes(&self.bytes[self.at..], out);
            self.at += done.consumed_in;
            let stuck = done.consumed_in == 0;
            match done.status {
                _ if done.consumed_out > 0 || out.is_empty() => return Ok(done.consumed_out),
                Ok(LzwStatus::Ok) if !stuck => {}
                Ok(_) => return Ok(0),
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

/// A count of bytes as they are, or of copies of one byte (TIFF 6.0, section 9).
struct PackBitsReader<'a> {
    bytes: Cursor<Cow<'a, [u8]>>,
    left: PackBitsRun,
}

enum PackBitsRun {
    Literal(usize),
    Copies(usize, u8),
}

impl Read for PackBitsReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut byte = [0];
        loop {
            match &mut self.left {
                PackBitsRun::Literal(0) | PackBitsRun::Copies(0, _) => {}
                PackBitsRun::Literal(left) => {
                    let count = out.len().min(*left);
                    let count = self.bytes.read(&mut out[..count])?;
                    *left -= count;
                    return Ok(count);
                }
                PackBitsRun::Copies(left, value) => {
                    let count = out.len().min(*left);
                    out[..count].fill(*value);
                    *left -= count;
                    return Ok(count);
                }
            }
            if self.bytes.read(&mut byte)? == 0 {
                return Ok(0);
            }
            self.left = match byte[0] {
                count @ 0..=127 => PackBitsRun::Literal(usize::from(count) + 1),
                128 => continue,
                count => {
                    self.bytes.read_exact(&mut byte)?;
                    PackBitsRun::Copies(257 - usize::from(count), byte[0])
                }
            };
        }
    }
}

/// Rows of a chunk that is a JPEG, whose tables may stand in a tag of their own (TIFF Technical Note 2).
fn jpeg_rows(page: &Page<'_>, bytes: &[u8], rows: usize) -> Result<Vec<u8>, DecodeError> {
    let tables = page.jpeg_tables.filter(|tables| tables.len() >= 4 && bytes.len() >= 2);
    let whole = match tables {
        // Without the end of one and the beginning of the other.
        Some(tables) => {
            let end = if tables.ends_with(&[0xff, 0xd9]) { tables.len() - 2 } else { tables.len() };
            Cow::Owned([&tables[..end], &bytes[2..]].concat())
        }
        None => Cow::Borrowed(bytes),
    };
    let frame = jpeg::frame(&whole).ok_or_else(|| damaged("a strip or tile is no JPEG"))?;
    if frame.precision != 8 || frame.lossless {
        let kind =
            if frame.lossless { "lossless JPEG".to_owned() } else { format!("{}-bit JPEG", frame.precision) };
        return Err(unsupported(kind));
    }
    let [columns, _] = page.chunk;
    let samples = if page.planar { 1 } else { page.samples };
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    if frame.components.len() != samples || width < columns || height < rows {
        return Err(damaged("a strip or tile is a JPEG of another size"));
    }
    // A JPEG may be larger than its chunk, though not by much.
    if width * height > 2 * columns * page.chunk[1].max(rows) + (1 << 16) {
        return Err(damaged("a strip or tile is a JPEG of another size"));
    }
    let decoded = match jpeg::end(&whole) {
        jpeg::End::Marked => jpeg_samples(page, &whole, width * height * samples)?,
        jpeg::End::Early => return Err(CutOff),
        jpeg::End::Open => {
            let [first, others @ ..] = jpeg::FILLINGS;
            let of = |filling| jpeg_samples(page, &jpeg::closed(&whole, filling), width * height * samples);
            let decoded = of(first)?;
            for filling in others {
                if of(filling)? != decoded {
                    return Err(CutOff);
                }
            }
            decoded
        }
    };
    if width == columns {
        return Ok(decoded);
    }
    Ok(decoded.chunks_exact(width * samples).flat_map(|row| &row[..columns * samples]).copied().collect())
}

fn jpeg_samples(page: &Page<'_>, bytes: &[u8], length: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(length);
    // Colours are named by the TIFF.
    let samples = if page.planar { 1 } else { page.samples };
    match samples {
        3 if page.is_rgb_jpeg() => decoder.set_color_transform(ColorTransform::YCbCr),
        3 => decoder.set_color_transform(ColorTransform::RGB),
        4 => decoder.set_color_transform(ColorTransform::CMYK),
        _ => {}
    }
    let mut decoded = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(_) => unsupported("a rare kind of JPEG"),
        _ => damaged("a strip or tile is a JPEG that cannot be decoded"),
    })?;
    if samples == 4 {
        // The library takes them for Adobe's, which are inverted.
        decoded.iter_mut().for_each(|value| *value = 255 - *value);
    }
    if decoded.len() == length {
        Ok(decoded)
    } else {
        Err(damaged("a strip or tile is a JPEG of another size"))
    }
}
