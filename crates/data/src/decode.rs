//! Files into 8-bit pixels, by content and never by extension.

mod dicom;
mod jpeg;
mod library;
mod orientation;
mod png;
mod sniff;
mod tiff;
mod values;
mod webp;

use crate::{DecodeError, DecodeNotes, Decoded, Decoding, Formats, Interpolation, Pixels, resize::resize};
use image::ImageFormat;

pub use sniff::sniff;

/// Decodes an image.
///
/// By [`Formats::Keras`] the values are those of Pillow's `Image.open(…).convert("RGB")`, but that gray stays one
/// channel: alpha is dropped, palettes are looked up, 1, 2 and 4 bits are spread over 0 to 255, 16-bit gray is cut at
/// 255 and 16-bit colour keeps its upper bytes (Pillow's `Convert.c`, `PngImagePlugin.py`). TIFF is turned as it says, since
/// Pillow does so, and nothing else is.
///
/// By [`Formats::All`] they are what a viewer shows. An alpha of `a` in 0 to `m` puts a value `v` over black, `v·a/m`;
/// 16 bits become `v·255/65535`; both at once are rounded once, to the nearest. The image is turned as its EXIF (or
/// TIFF) orientation says. All else is as above. DICOM is read as well: the frame that is asked for, through the modality LUT
/// and its first usable VOI window or else its VOI LUT, or without both from the range of its own pixels (padding left out),
/// to 0 to 255; MONOCHROME1 is inverted.
///
/// JPEG values may differ by a few steps, as they do between any two decoders. ICC profiles are ignored.
///
/// # Errors
/// A file that is no image, cut off, damaged, too large or not supported; DICOM by Keras' rules. No error repeats text
/// from a DICOM file.
pub fn decode(bytes: &[u8], decoding: &Decoding) -> Result<Decoded, DecodeError> {
    let mut notes = DecodeNotes::default();
    let (kind, decoding) = kind(bytes, decoding, &mut notes)?;
    let pixels = whole(bytes, &kind, &decoding, &mut notes)?;
    Ok(Decoded { pixels, notes })
}

fn whole(
    bytes: &[u8],
    kind: &Kind,
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    match *kind {
        Kind::Image(ImageFormat::Png) => png::pixels(bytes, None, decoding, notes),
        Kind::Image(ImageFormat::Jpeg) => jpeg::pixels(bytes, decoding, notes),
        Kind::Image(ImageFormat::Tiff) => tiff::pixels(bytes, decoding, notes),
        Kind::Image(ImageFormat::WebP) => webp::pixels(bytes, decoding, notes),
        Kind::Image(format) => library::pixels(bytes, format, decoding, notes),
        Kind::Dicom => dicom::pixels(bytes, decoding, notes),
    }
}

/// Decodes an image and resizes it to `size` × `size` pixels, keeping no more of it in memory than that takes.
///
/// # Errors
/// As [`decode`].
pub fn decode_resized(
    bytes: &[u8],
    size: usize,
    interpolation: Interpolation,
    decoding: &Decoding,
) -> Result<Decoded, DecodeError> {
    let mut notes = DecodeNotes::default();
    let (kind, decoding) = kind(bytes, decoding, &mut notes)?;
    let pixels = match (&kind, interpolation) {
        (Kind::Image(ImageFormat::Png), Interpolation::Nearest) => {
            png::pixels(bytes, Some(size), &decoding, &mut notes)?
        }
        _ => resize(&whole(bytes, &kind, &decoding, &mut notes)?, size, interpolation)?,
    };
    Ok(Decoded { pixels, notes })
}

enum Kind {
    Image(ImageFormat),
    Dicom,
}

/// The format of a file, and the rules that it is read by.
fn kind(bytes: &[u8], decoding: &Decoding, notes: &mut DecodeNotes) -> Result<(Kind, Decoding), DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let (dicom, all) = (sniff::is_dicom(bytes), decoding.formats == Formats::All);
    // The preamble of a DICOM file may be the head of an image, which is what Pillow reads then.
    match image::guess_format(bytes) {
        _ if dicom && all => Ok((Kind::Dicom, *decoding)),
        Ok(format) => Ok((Kind::Image(format), *decoding)),
        Err(_) if dicom && decoding.falls_back => {
            notes.by_general_rules = true;
            Ok((Kind::Dicom, Decoding { formats: Formats::All, ..*decoding }))
        }
        Err(_) if dicom => Err(DecodeError::Dicom),
        Err(_) => Err(DecodeError::NotAnImage),
    }
}

fn check_size(width: u32, height: u32, decoding: &Decoding) -> Result<(), DecodeError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(DecodeError::Damaged("it has no pixels".to_owned())),
        pixels if pixels <= decoding.max_pixels => Ok(()),
        _ => Err(DecodeError::TooLarge { width: u64::from(width), height: u64::from(height) }),
    }
}

#[cfg(test)]
mod tests;
