//! Memory that decoding takes, by a file's header: a program that decodes for many at once has to know before it begins.

use image::{ImageFormat, metadata::Orientation};

use super::{Format, announced::Announced, dicom, gif, jpeg, jpeg2000, kind, library, orientation, tiff};
use crate::{Decoding, Formats, Interpolation, Preprocess, resize};

/// Size of an image as its file announces it, and what decoding it takes at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeCost {
    /// Pixels; 0 where the header cannot be read, and decoding soon refuses the file.
    pub pixels: u64,
    /// Bytes of the pixels as they are stored, uncompressed: decoding takes time in proportion.
    pub stored_bytes: u64,
    /// Upper bound of the memory for decoding and resizing in bytes, besides the file itself.
    pub memory_bytes: u64,
}

/// Memory of any decoder: tables, buffers, and the resized image.
const BASE: u64 = 4 << 20;

/// Largest side that an image is resized to for people.
const SHOWN: usize = 512;

impl DecodeCost {
    /// Reads the cost off the header of a file. `is_whole` tells that the image itself is wanted and not only its resized
    /// copy ([`decode_resized`](super::decode_resized)), of which a PNG needs no more than some rows in memory.
    ///
    /// A decoder that finds more pixels than announced here has to be stopped by [`Decoding::max_pixels`].
    pub fn of(bytes: &[u8], preprocess: &Preprocess, is_whole: bool, decoding: &Decoding) -> Self {
        let announced = announced(bytes, preprocess, is_whole, decoding).unwrap_or_default();
        let size = preprocess.image_size.max(SHOWN);
        let resized = 6 * (size as u64).saturating_mul(size as u64);
        // Too many pixels are refused before there is memory for them.
        let pixels = if announced.pixels() > decoding.max_pixels { 0 } else { announced.memory };
        let temporary = match is_whole || preprocess.interpolation != Interpolation::Nearest {
            true if pixels > 0 => resize::temporary_bytes(announced.width, announced.height, size),
            _ => 0,
        };
        // Fragments are joined, and libraries copy what they read from.
        let file = 2 * bytes.len() as u64;
        Self {
            pixels: announced.pixels(),
            stored_bytes: announced.stored,
            memory_bytes: [BASE, resized, file, temporary].into_iter().fold(pixels, u64::saturating_add),
        }
    }
}

fn announced(
    bytes: &[u8],
    preprocess: &Preprocess,
    is_whole: bool,
    decoding: &Decoding,
) -> Option<Announced> {
    let (kind, decoding) = kind(bytes, decoding).ok()?;
    match kind {
        Format::Image(ImageFormat::Png) => {
            let rows = !is_whole && preprocess.interpolation == Interpolation::Nearest;
            of_png(bytes, rows, &decoding)
        }
        Format::Image(ImageFormat::Jpeg) => of_jpeg(bytes),
        Format::Image(ImageFormat::Tiff) => tiff::announced(bytes, &decoding),
        Format::Image(ImageFormat::Gif) => gif::announced(bytes, &decoding),
        Format::Jpeg2000 => jpeg2000::announced(bytes),
        Format::Image(format) => library::announced(bytes, format, &decoding),
        Format::Dicom => dicom::announced(bytes, &decoding),
    }
}

/// Reads the header of a PNG, which comes first (PNG specification, 11.2.2).
fn of_png(bytes: &[u8], rows: bool, decoding: &Decoding) -> Option<Announced> {
    let head: [u8; 13] = bytes.get(16..29)?.try_into().ok()?;
    let [a, b, c, d, e, f, g, h, depth, colour, _, _, interlace] = head;
    let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    // Samples as stored and as unpacked, with the alpha of a transparent colour, and those that are left without it.
    let (samples, unpacked, channels) = match colour {
        0 => (1, 2, 1),
        4 => (2, 2, 1),
        3 => (1, 4, 3),
        2 => (3, 4, 3),
        _ => (4, 4, 3),
    };
    let bytes_of_sample = if depth == 16 { 2 } else { 1 };
    let (stored, unpacked) = (samples * bytes_of_sample, unpacked * bytes_of_sample);
    let whole = Announced::new(width.into(), height.into(), stored, unpacked + 2 * channels);
    let turned =
        || decoding.formats == Formats::All && orientation::of_png(bytes) != Orientation::NoTransforms;
    if !rows || interlace != 0 || turned() {
        return Some(whole);
    }
    // The library keeps some rows as they are unpacked.
    let memory = 8 * u64::from(width) * (unpacked + channels);
    Some(Announced { memory, ..whole })
}

/// Reads the header of a JPEG's frame. Scans of single components or of single bits need the coefficients of all of them, of 16
/// bits, and sides are filled up to whole blocks of 16 or 32.
fn of_jpeg(bytes: &[u8]) -> Option<Announced> {
    let frame = jpeg::frame(bytes)?;
    let components = frame.components.len() as u64;
    let channels = if components == 1 { 1 } else { 3 };
    let filled = |side: u16| u64::from(side).next_multiple_of(32);
    let coefficients = 2 * components * filled(frame.width) * filled(frame.height);
    // Decoded, turned, and compared with a second try where the end is missing.
    let pixels = Announced::new(frame.width.into(), frame.height.into(), components, 3 * channels);
    Some(Announced { memory: pixels.memory + coefficients, ..pixels })
}
