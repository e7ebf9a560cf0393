//! PNG, row by row.

use std::{borrow::Cow, io::Cursor};

use image::{ImageFormat, metadata::Orientation};

use super::{animation, check_size, choose_frame, orientation, values};
use crate::{
    DecodeError, DecodeNotes, Decoding, Formats, Interpolation, Pixels,
    resize::{nearest_columns, pick, resize},
};

/// Rows as the png crate unpacks them, without conversion to RGB; with `nearest` only the rows and columns that
/// Pillow's nearest takes are kept.
pub(super) fn pixels(
    bytes: &[u8],
    nearest: Option<usize>,
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let (frames, first) = animation::frames_of_png(bytes);
    let frame = choose_frame(frames, decoding, notes)?;
    if frame > 0 {
        let pixels = animation::frame(bytes, ImageFormat::Png, frame - first, decoding)?;
        return match nearest {
            Some(size) => resize(&pixels, size, Interpolation::Nearest),
            None => Ok(pixels),
        };
    }
    let bytes = &with_transparent_gray_in_range(bytes)[..];
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(png_error)?;
    let (info_width, info_height) = (reader.info().width, reader.info().height);
    check_size(info_width, info_height, decoding)?;
    // The library refuses a palette without a colour or with too many, and takes for granted that each is whole.
    let palette = reader.info().palette.as_ref().map_or(0, |palette| palette.len());
    if reader.info().color_type == png::ColorType::Indexed && !palette.is_multiple_of(3) {
        return Err(DecodeError::Damaged("its palette is no list of colours".to_owned()));
    }
    let (width, height) = (info_width as usize, info_height as usize);
    let turned = match decoding.formats {
        Formats::Keras => Orientation::NoTransforms,
        Formats::All => orientation::of_png(bytes),
    };
    let (colour, depth) = reader.output_color_type();
    let narrow = Narrow {
        samples: colour.samples(),
        wide: depth == png::BitDepth::Sixteen,
        // Gray with alpha is opened by Pillow with the upper bytes, gray alone with all 16 bits, then cut at 255.
        cut: reader.info().color_type == png::ColorType::Grayscale,
        formats: decoding.formats,
    };
    let cuts = decoding.formats == Formats::Keras && narrow.wide && narrow.cut;
    // A value above 255 has an upper byte.
    let is_cut = |row: &[u8]| cuts && row.iter().step_by(2).any(|&upper| upper > 0);
    let channels = values::channels(narrow.samples);

    let in_rows = !reader.info().interlaced && turned == Orientation::NoTransforms;
    let Some(size) = nearest.filter(|_| in_rows) else {
        let mut frame = vec![0; reader.output_buffer_size().ok_or(DecodeError::NotAnImage)?];
        reader.next_frame(&mut frame).map_err(png_error)?;
        notes.is_cut = is_cut(&frame);
        let mut data = Vec::with_capacity(width * height * channels);
        narrow.append(&frame, &mut data);
        let pixels = orientation::turn(Pixels { width, height, channels, data }, turned);
        return match nearest {
            Some(size) => resize(&pixels, size, Interpolation::Nearest),
            None => Ok(pixels),
        };
    };
    let (columns, rows) = (nearest_columns(width, size), nearest_columns(height, size));
    let mut data = Vec::with_capacity(size * size * channels);
    let (mut wanted, mut narrowed) = (rows.iter().peekable(), Vec::new());
    // Rows below the last wanted one are unpacked as well: a file that is cut off there is cut off.
    for y in 0..height {
        let row = reader.next_row().map_err(png_error)?.ok_or(DecodeError::CutOff)?;
        if wanted.peek() == Some(&&y) {
            narrowed.clear();
            notes.is_cut |= is_cut(row.data());
            narrow.append(row.data(), &mut narrowed);
        }
        while wanted.next_if_eq(&&y).is_some() {
            pick(&narrowed, channels, &columns, &mut data);
        }
    }
    Ok(Pixels { width: size, height: size, channels, data })
}

/// Returns the same file with a transparent gray of no more bits than its pixels: of what a tRNS chunk holds only these count
/// (PNG, 11.3.2.1), and the library compares all of it.
fn with_transparent_gray_in_range(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(&[depth @ (1 | 2 | 4), 0]) = bytes.get(24..26) else { return Cow::Borrowed(bytes) };
    let mut at = 33_usize;
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..at.saturating_add(8)) {
        match (kind, bytes.get(at + 8..at + 14)) {
            (b"tRNS", Some(&[high, low, ..])) if [a, b, c, d] == [0, 0, 0, 2] => {
                let gray = low & ((1 << depth) - 1);
                if [high, low] == [0, gray] {
                    break;
                }
                let mut patched = bytes.to_vec();
                patched[at + 8..at + 10].copy_from_slice(&[0, gray]);
                let sum = crc32fast::hash(&patched[at + 4..at + 10]).to_be_bytes();
                patched[at + 10..at + 14].copy_from_slice(&sum);
                return Cow::Owned(patched);
            }
            (b"IDAT", _) => break,
            _ => at = at.saturating_add(u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(12),
        }
    }
    Cow::Borrowed(bytes)
}

/// Conversion of unpacked samples to 8-bit pixels without alpha.
struct Narrow {
    samples: usize,
    /// 16 bits a sample.
    wide: bool,
    /// By Keras' rules, 16 bits are cut at 255 and not by their upper bytes.
    cut: bool,
    formats: Formats,
}

impl Narrow {
    fn append(&self, row: &[u8], into: &mut Vec<u8>) {
        let (samples, channels) = (self.samples, values::channels(self.samples));
        match (self.formats, self.wide) {
            (Formats::All, true) => {
                let wide = row.chunks_exact(2).map(|v| u16::from_be_bytes([v[0], v[1]]));
                values::viewed16(wide, samples, into);
            }
            (Formats::All, false) => values::viewed8(row, samples, into),
            (Formats::Keras, false) if samples == channels => into.extend_from_slice(row),
            (Formats::Keras, false) => {
                into.extend(row.chunks_exact(samples).flat_map(|pixel| &pixel[..channels]));
            }
            (Formats::Keras, true) if self.cut => {
                into.extend(row.chunks_exact(2 * samples).map(|v| if v[0] > 0 { 255 } else { v[1] }));
            }
            (Formats::Keras, true) => into.extend(
                row.chunks_exact(2 * samples)
                    .flat_map(|pixel| pixel.chunks_exact(2).take(channels).map(|v| v[0])),
            ),
        }
    }
}

fn png_error(error: png::DecodingError) -> DecodeError {
    match error {
        png::DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::CutOff
        }
        png::DecodingError::LimitsExceeded => DecodeError::Unsupported("it needs too much memory".to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    }
}
