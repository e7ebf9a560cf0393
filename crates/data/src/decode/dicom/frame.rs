//! A frame of the pixel data, as stored values.
//!
//! A codec's own header must announce the same as the file: otherwise its pixels are not even looked at.

use std::borrow::Cow;

use jpeg_decoder::ColorTransform;

use super::{
    CutOff, Layout, Samples, Space, damaged, jpeg12, jpeg2000, jpegls,
    names::{Coding, HIGH_THROUGHPUT},
    reader::{Content, Encoding},
};
use crate::{DecodeError, decode::jpeg};

/// A frame before it is decoded.
pub(super) struct Frame<'a> {
    /// Coding of its pixels: as the pixels themselves show, and else as the file says.
    pub(super) coding: Coding,
    /// Bytes of all frames where they are native, of this one where each is a stream of its own.
    bytes: Cow<'a, [u8]>,
    /// Index of the frame within the bytes, and the number of frames in them.
    index: usize,
    frames: usize,
    of_words: bool,
}

impl<'a> Frame<'a> {
    /// Finds frame `index` of `frames`. `native` is how many bytes their pixels take uncompressed.
    pub(super) fn new(
        content: &Content<'a>,
        index: usize,
        frames: usize,
        says: Coding,
        native: u64,
    ) -> Result<Self, DecodeError> {
        Ok(match content {
            Content::Fragments(fragments) => {
                let bytes = joined(fragments, index, frames)?;
                let coding = match (says, shown_coding(&bytes)) {
                    (Coding::Other(_), Some(shown @ (Coding::Jpeg | Coding::JpegLs))) => shown,
                    (Coding::Other(_), _) | (_, None) => says,
                    // The head of RLE could be that of anything else.
                    (_, Some(Coding::Rle)) if says != Coding::Native => says,
                    (_, Some(shown)) => shown,
                };
                Frame { coding, bytes, index: 0, frames: 1, of_words: false }
            }
            Content::Value { bytes, of_words } => {
                let is_native = bytes.len() as u64 >= native;
                let coding = match (says, shown_coding(bytes)) {
                    (Coding::Other(_), _) => says,
                    (Coding::Native, _) if is_native => says,
                    (_, Some(shown)) => shown,
                    _ if is_native => Coding::Native,
                    _ => return Err(CutOff),
                };
                let (index, frames) = if coding == Coding::Native { (index, frames) } else { (0, 1) };
                Frame { coding, bytes: Cow::Borrowed(bytes), index, frames, of_words: *of_words }
            }
        })
    }

    /// Decodes the frame. The second value tells whether YBR has become RGB in it.
    pub(super) fn samples(
        self,
        layout: &Layout,
        encoding: Encoding,
    ) -> Result<(Samples<'a>, bool), DecodeError> {
        match self.coding {
            Coding::Native => Ok((self.native(layout, encoding)?, false)),
            Coding::Rle => Ok((rle(&self.bytes, layout)?, false)),
            Coding::Jpeg => jpeg(&self.bytes, layout),
            Coding::JpegLs => Ok((jpegls::samples(&self.bytes, layout)?, false)),
            Coding::Jpeg2000 => Ok((jpeg2000::samples(&self.bytes, layout)?, false)),
            Coding::Other(_) => Err(self.coding.unsupported()),
        }
    }

    fn native(self, layout: &Layout, encoding: Encoding) -> Result<Samples<'a>, DecodeError> {
        let Self { mut bytes, index, frames, of_words, .. } = self;
        // In words of big endian, the first of two bytes is the lower one, which comes second.
        if encoding.big_endian && of_words && layout.bits_allocated <= 8 {
            bytes = Cow::Owned(bytes.chunks(2).flat_map(|two| two.iter().rev().copied()).collect());
        }
        if layout.bits_allocated == 1 {
            return unpacked_bits(&bytes, index, layout.pixels()).map(Samples::eight);
        }
        // Chroma of all pixels, whatever the file says.
        let is_whole = bytes.len() / frames >= layout.samples();
        let is_half = layout.space == Space::HalfYbr && !is_whole;
        let bits = if is_half { layout.native_bits() } else { layout.sample_bits() };
        let length = bits.div_ceil(8) as usize;
        let start = index.checked_mul(length).ok_or(CutOff)?;
        let range = start..start.saturating_add(length);
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(range).ok_or(CutOff)?),
            Cow::Owned(bytes) => Cow::Owned(bytes.get(range).ok_or(CutOff)?.to_vec()),
        };
        if is_half {
            let pairs = bytes.chunks_exact(4).flat_map(|four| match *four {
                [first, second, blue, red] => [first, blue, red, second, blue, red],
                _ => [0; 6],
            });
            return Ok(Samples::eight(pairs.take(layout.samples()).collect()));
        }
        let samples = match layout.bits_allocated {
            8 => Samples::Eight(bytes),
            16 => {
                Samples::Sixteen(bytes.chunks_exact(2).map(|two| encoding.word([two[0], two[1]])).collect())
            }
            _ => {
                let long = |four: &[u8]| encoding.long([four[0], four[1], four[2], four[3]]);
                Samples::ThirtyTwo(bytes.chunks_exact(4).map(long).collect())
            }
        };
        Ok(match samples {
            samples if !layout.planar || layout.channels == 1 => samples,
            Samples::Eight(values) => Samples::eight(interleaved(&values, layout.channels)),
            Samples::Sixteen(values) => Samples::Sixteen(interleaved(&values, layout.channels)),
            Samples::ThirtyTwo(values) => Samples::ThirtyTwo(interleaved(&values, layout.channels)),
        })
    }
}

/// Recognises the coding of compressed pixels by their first bytes.
fn shown_coding(bytes: &[u8]) -> Option<Coding> {
    let long = |at: usize| bytes.get(at..at + 4).map(|v| u32::from_le_bytes([v[0], v[1], v[2], v[3]]));
    match bytes {
        [0xff, 0xd8, 0xff, ..] if jpeg::is_jpeg_ls(bytes) => Some(Coding::JpegLs),
        [0xff, 0xd8, 0xff, ..] => Some(Coding::Jpeg),
        // Capabilities behind the size, which only part 15 has.
        [0xff, 0x4f, 0xff, 0x51, high, low, ..] => {
            let behind = 4 + usize::from(u16::from_be_bytes([*high, *low]));
            let is_high = bytes.get(behind..behind + 2) == Some(&[0xff, 0x50]);
            Some(if is_high { HIGH_THROUGHPUT } else { Coding::Jpeg2000 })
        }
        [0, 0, 0, 12, b'j', b'P', ..] => Some(Coding::Jpeg2000),
        _ => (matches!(long(0), Some(1..=15)) && long(4) == Some(64)).then_some(Coding::Rle),
    }
}

/// The fragments of a frame, joined: those between its offset and that of the next, or one of as many as there are
/// frames, or those up to the one that ends an image (`FF D9`, as JPEG and JPEG 2000 do).
fn joined<'a>(fragments: &[&'a [u8]], index: usize, frames: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let [offsets, fragments @ ..] = fragments else { return Err(CutOff) };
    let ends = |fragment: &&[u8]| {
        let padding = fragment.iter().rev().take_while(|&&byte| byte == 0).count();
        fragment[..fragment.len() - padding].ends_with(&[0xff, 0xd9])
    };
    let offset = |index: usize| {
        let four = offsets.get(4 * index..4 * index + 4)?;
        Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize)
    };
    let range = match offset(index) {
        _ if frames <= 1 => 0..fragments.len(),
        _ if fragments.len() == frames => index..index + 1,
        Some(start) if offset(1).is_some() => {
            let end = offset(index + 1).unwrap_or(usize::MAX);
            let starts = fragments.iter().scan(0, |start, fragment| {
                let this = *start;
                *start += fragment.len() + 8;
                Some(this)
            });
            let before = |offset: usize| starts.clone().take_while(|&start| start < offset).count();
            before(start)..before(end)
        }
        _ => {
            let mut ends =
                fragments.iter().enumerate().filter(|(_, fragment)| ends(fragment)).map(|(i, _)| i + 1);
            match (index, ends.clone().next()) {
                (index, None) => index..index.saturating_add(1),
                (0, Some(end)) => 0..end,
                (index, Some(_)) => {
                    let start = ends.nth(index - 1).ok_or(CutOff)?;
                    start..ends.next().ok_or(CutOff)?
                }
            }
        }
    };
    match fragments.get(range) {
        None | Some([]) => Err(CutOff),
        Some([one]) => Ok(Cow::Borrowed(one)),
        Some(several) => Ok(Cow::Owned(several.concat())),
    }
}

/// Unpacks samples of one bit, the first in the lowest; frames follow each other without a gap (PS3.5, 8.1.1).
fn unpacked_bits(bytes: &[u8], index: usize, pixels: usize) -> Result<Vec<u8>, DecodeError> {
    let start = index.checked_mul(pixels).ok_or(CutOff)?;
    let end = start.checked_add(pixels).ok_or(CutOff)?;
    if bytes.len() < end.div_ceil(8) {
        return Err(CutOff);
    }
    Ok((start..end).map(|bit| bytes[bit / 8] >> (bit % 8) & 1).collect())
}

fn interleaved<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
    let pixels = planes.len() / channels;
    (0..pixels).flat_map(|i| (0..channels).map(move |channel| planes[channel * pixels + i])).collect()
}

/// Unpacks RLE (PS3.5, annex G): a segment for each byte of a sample, upper byte first, channel by channel.
fn rle<'a>(bytes: &[u8], layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let segments = layout.channels * layout.bytes();
    let word = |index: usize| {
        let four = bytes.get(4 * index..4 * index + 4).ok_or(CutOff)?;
        Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize)
    };
    if word(0)? != segments {
        return Err(damaged("its RLE segments are not as many as its samples have bytes"));
    }
    let mut planes = Vec::with_capacity(segments);
    for segment in 0..segments {
        let start = word(1 + segment)?;
        let end = if segment + 1 < segments { word(2 + segment)? } else { bytes.len() };
        let packed = bytes.get(start..end).ok_or_else(|| damaged("its RLE segments overlap"))?;
        planes.push(unpacked(packed, layout.pixels())?);
    }
    let values = (0..layout.pixels()).flat_map(|i| {
        let upper_first = move |value: u32, plane: &Vec<u8>| value << 8 | u32::from(plane[i]);
        planes.chunks_exact(layout.bytes()).map(move |planes| planes.iter().fold(0, upper_first))
    });
    Ok(match layout.bytes() {
        1 => Samples::eight(values.map(|value| value as u8).collect()),
        2 => Samples::Sixteen(values.map(|value| value as u16).collect()),
        _ => Samples::ThirtyTwo(values.collect()),
    })
}

/// Unpacks PackBits: a count of bytes as they are, or of copies of one byte.
fn unpacked(packed: &[u8], length: usize) -> Result<Vec<u8>, DecodeError> {
    // No more than 64 bytes come of one.
    let mut unpacked = Vec::with_capacity(length.min(packed.len().saturating_mul(64)));
    let mut rest = packed;
    while unpacked.len() < length {
        let (&count, behind) = rest.split_first().ok_or(CutOff)?;
        rest = match count {
            0..=127 => {
                let (literal, behind) = behind.split_at_checked(usize::from(count) + 1).ok_or(CutOff)?;
                unpacked.extend_from_slice(literal);
                behind
            }
            128 => behind,
            _ => {
                let (&value, behind) = behind.split_first().ok_or(CutOff)?;
                unpacked.resize(unpacked.len() + 257 - usize::from(count), value);
                behind
            }
        };
    }
    unpacked.truncate(length);
    Ok(unpacked)
}

fn jpeg<'a>(bytes: &[u8], layout: &Layout) -> Result<(Samples<'a>, bool), DecodeError> {
    let Some(frame) = jpeg::frame(bytes) else { return Err(damaged("its pixels are no JPEG")) };
    layout.check(frame.width.into(), frame.height.into(), frame.components.len())?;
    let unsupported = |what: String| Err(DecodeError::Unsupported(format!("DICOM with {what}")));
    match frame.marker {
        0xc5..=0xc7 | 0xcd..=0xcf => return unsupported("hierarchical JPEG".to_owned()),
        0xc9..=0xcb => return unsupported("arithmetic coding in JPEG".to_owned()),
        0xc0 | 0xc1 if frame.precision == 12 && layout.channels == 1 => {
            return Ok((jpeg12::samples(bytes, layout)?, false));
        }
        0xc3 => {}
        _ if frame.precision == 8 => {}
        0xc2 => return unsupported(format!("progressive JPEG of {} bits", frame.precision)),
        _ if layout.channels > 1 => {
            return unsupported(format!("JPEG of {} bits in colour", frame.precision));
        }
        _ => return unsupported(format!("JPEG of {} bits", frame.precision)),
    }
    // As pydicom does: names of the components, then JFIF, whose colours are always YCbCr, then what the file says.
    let named = matches!(frame.components[..], [b'R', b'G', b'B'] | [b'r', b'g', b'b']);
    let ybr = layout.channels == 3 && !named && (frame.jfif || layout.space == Space::Ybr);
    let transform =
        (layout.channels == 3).then_some(if ybr { ColorTransform::YCbCr } else { ColorTransform::RGB });
    let decoded = match jpeg::end(bytes) {
        jpeg::End::Marked => decoded(bytes, transform, layout)?,
        jpeg::End::Early => return Err(CutOff),
        // Without its end marker it is whole if what stands behind it makes no difference.
        jpeg::End::Open => {
            let [first, others @ ..] = jpeg::FILLINGS;
            let first = decoded(&jpeg::closed(bytes, first), transform, layout)?;
            for filling in others {
                if decoded(&jpeg::closed(bytes, filling), transform, layout)? != first {
                    return Err(CutOff);
                }
            }
            first
        }
    };
    let samples = match decoded.len() {
        length if length == layout.samples() => Samples::eight(decoded),
        length if length == 2 * layout.samples() => {
            Samples::Sixteen(decoded.chunks_exact(2).map(|v| u16::from_ne_bytes([v[0], v[1]])).collect())
        }
        _ => return Err(damaged("its JPEG holds another number of pixels")),
    };
    // Lossless pixels come as they are stored.
    Ok((samples, !(ybr && frame.lossless)))
}

fn decoded(bytes: &[u8], transform: Option<ColorTransform>, layout: &Layout) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(layout.samples());
    if let Some(transform) = transform {
        decoder.set_color_transform(transform);
    }
    decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(_) => {
            DecodeError::Unsupported("DICOM with a rare kind of JPEG".to_owned())
        }
        _ => damaged("its JPEG cannot be decoded"),
    })
}
