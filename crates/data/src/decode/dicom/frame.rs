//! The first frame of the pixel data, as stored values.
//!
//! What a codec finds in its own header must be what the file announces: otherwise its pixels are not even looked at.

use std::borrow::Cow;

use jpeg_decoder::ColorTransform;

use super::{CutOff, Layout, Samples, Space, damaged, jpeg2000, names::Coding, reader::Content};
use crate::{DecodeError, decode::jpeg};

/// Decodes the first of `frames`. The second value tells whether YBR has become RGB in it.
pub(super) fn first<'a>(
    content: &Content<'a>,
    frames: usize,
    coding: Coding,
    layout: &Layout,
) -> Result<(Samples<'a>, bool), DecodeError> {
    let bytes = match content {
        Content::Value(value) => Cow::Borrowed(*value),
        Content::Fragments(fragments) => first_of(fragments, frames)?,
    };
    match coding {
        Coding::Native => Ok((native(bytes, layout)?, false)),
        Coding::Rle => Ok((rle(&bytes, layout)?, false)),
        Coding::Jpeg => jpeg(&bytes, layout),
        Coding::Jpeg2000 => Ok((jpeg2000::samples(&bytes, layout)?, false)),
        Coding::Other(_) => Err(coding.unsupported()),
    }
}

/// The fragments of the first frame, joined: those before the offset of the second frame, or one of as many as there are
/// frames, or all up to the one that ends an image (`FF D9`, as JPEG and JPEG 2000 do).
fn first_of<'a>(fragments: &[&'a [u8]], frames: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let [offsets, fragments @ ..] = fragments else { return Err(CutOff) };
    let ends = |fragment: &&[u8]| {
        let padding = fragment.iter().rev().take_while(|&&byte| byte == 0).count();
        fragment[..fragment.len() - padding].ends_with(&[0xff, 0xd9])
    };
    let second = offsets.get(4..8).map(|v| u32::from_le_bytes([v[0], v[1], v[2], v[3]]) as usize);
    let count = match second {
        _ if frames <= 1 => fragments.len(),
        _ if fragments.len() == frames => 1,
        Some(second) => {
            let starts = fragments.iter().scan(0, |start, fragment| {
                let this = *start;
                *start += fragment.len() + 8;
                Some(this)
            });
            starts.take_while(|&start| start < second).count()
        }
        None => fragments.iter().position(ends).map_or(1, |last| last + 1),
    };
    match &fragments[..count.min(fragments.len())] {
        [] => Err(CutOff),
        [one] => Ok(Cow::Borrowed(one)),
        several => Ok(Cow::Owned(several.concat())),
    }
}

fn native<'a>(bytes: Cow<'a, [u8]>, layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let needed = layout.samples() * layout.bytes;
    if bytes.len() < needed {
        return Err(CutOff);
    }
    let samples = match bytes {
        Cow::Borrowed(bytes) if layout.bytes == 1 => Samples::Eight(Cow::Borrowed(&bytes[..needed])),
        Cow::Owned(mut bytes) if layout.bytes == 1 => {
            bytes.truncate(needed);
            Samples::Eight(Cow::Owned(bytes))
        }
        bytes => Samples::Sixteen(
            bytes[..needed].chunks_exact(2).map(|v| u16::from_le_bytes([v[0], v[1]])).collect(),
        ),
    };
    Ok(match samples {
        samples if !layout.planar || layout.channels == 1 => samples,
        Samples::Eight(values) => Samples::Eight(Cow::Owned(interleaved(&values, layout.channels))),
        Samples::Sixteen(values) => Samples::Sixteen(interleaved(&values, layout.channels)),
    })
}

fn interleaved<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
    let pixels = planes.len() / channels;
    (0..pixels).flat_map(|i| (0..channels).map(move |channel| planes[channel * pixels + i])).collect()
}

/// PS3.5, annex G: a segment for each byte of a sample, upper byte first, channel by channel.
fn rle<'a>(bytes: &[u8], layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let segments = layout.channels * layout.bytes;
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
        planes.chunks_exact(layout.bytes).map(move |plane| match plane {
            [upper, lower] => u16::from_be_bytes([upper[i], lower[i]]),
            plane => plane[0][i].into(),
        })
    });
    Ok(match layout.bytes {
        1 => Samples::Eight(values.map(|value| value as u8).collect()),
        _ => Samples::Sixteen(values.collect()),
    })
}

/// PackBits: a count of bytes as they are, or of copies of one byte.
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
    if frame.precision != 8 && !frame.lossless {
        return Err(DecodeError::Unsupported(format!("DICOM with {}-bit JPEG", frame.precision)));
    }
    if jpeg::end(bytes) != jpeg::End::Marked {
        return Err(CutOff);
    }
    // As pydicom does: names of the components, then JFIF, whose colours are always YCbCr, then what the file says.
    let named = matches!(frame.components[..], [b'R', b'G', b'B'] | [b'r', b'g', b'b']);
    let ybr = layout.channels == 3 && !named && (frame.jfif || layout.space == Space::Ybr);
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(layout.samples());
    if layout.channels == 3 {
        decoder.set_color_transform(if ybr { ColorTransform::YCbCr } else { ColorTransform::RGB });
    }
    let decoded = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Unsupported(_) => {
            DecodeError::Unsupported("DICOM with a rare kind of JPEG".to_owned())
        }
        _ => damaged("its JPEG cannot be decoded"),
    })?;
    let samples = match decoded.len() {
        length if length == layout.samples() => Samples::Eight(Cow::Owned(decoded)),
        length if length == 2 * layout.samples() => {
            Samples::Sixteen(decoded.chunks_exact(2).map(|v| u16::from_ne_bytes([v[0], v[1]])).collect())
        }
        _ => return Err(damaged("its JPEG holds another number of pixels")),
    };
    // Lossless pixels come as they are stored.
    Ok((samples, !(ybr && frame.lossless)))
}
