//! Decoding of files into 8-bit pixels, by content and never by extension.

mod animation;
mod announced;
mod cost;
mod dicom;
mod gif;
mod jpeg;
mod jpeg2000;
mod library;
mod orientation;
mod panics;
mod png;
mod sniff;
mod tiff;
mod values;
mod webp;

use crate::{DecodeError, DecodeNotes, Decoded, Decoding, Formats, Interpolation, Pixels, resize::resize};
use image::ImageFormat;

pub use cost::DecodeCost;
pub use panics::{catch_panic, is_panic_caught};
pub use sniff::sniff;

/// Decodes an image.
///
/// By [`Formats::Keras`] the values are those of Pillow's `Image.open(…).convert("RGB")`, but that gray stays one
/// channel: alpha is dropped, palettes are looked up, 1, 2 and 4 bits are spread over 0 to 255, 16-bit gray is cut at
/// 255 and 16-bit colour keeps its upper bytes (Pillow's `Convert.c`, `PngImagePlugin.py`). TIFF is turned as it says, since
/// Pillow does so, and nothing else is.
///
/// By [`Formats::All`] they are what a viewer shows. An alpha of `a` in 0 to `m` puts a value `v` over black, `v·a/m`;
/// 16 bits become `v·255/65535`; both at once are rounded once, to the nearest. Numbers that have no range that programs
/// agree on (TIFF of floats beyond 0 to 1, signed, or of more than 16 bits) are scaled by the range of the image's own, which
/// the notes say. The image is turned as its EXIF (or XMP, or TIFF) orientation says. All else is as above. DICOM is read as
/// well: through the modality LUT and its first usable VOI window or else its VOI LUT, or without both from the range of its own
/// pixels (padding left out), to 0 to 255; MONOCHROME1 is inverted.
///
/// JPEG values may differ by a few steps, as they do between any two decoders. ICC profiles are ignored. Of a file with
/// several frames (DICOM, pages of TIFF, GIF, WebP, APNG) the one that `decoding` names is read, drawn over those before it
/// where it is part of an animation. A panic of a decoder is an error of its file.
///
/// # Errors
/// A file that is no image, cut off, damaged, too large or not supported; DICOM by Keras' rules. No error repeats text
/// from a DICOM file.
pub fn decode(bytes: &[u8], decoding: &Decoding) -> Result<Decoded, DecodeError> {
    let (kind, settled) = kind(bytes, decoding)?;
    let mut notes = notes(decoding, &settled);
    let pixels = catch_panic(kind.name(), || whole(bytes, &kind, &settled, &mut notes))?;
    Ok(Decoded { pixels, notes })
}

fn whole(
    bytes: &[u8],
    kind: &Format,
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    match *kind {
        Format::Image(ImageFormat::Png) => png::pixels(bytes, None, decoding, notes),
        Format::Image(ImageFormat::Tiff) => tiff::pixels(bytes, decoding, notes),
        Format::Image(ImageFormat::WebP) => webp::pixels(bytes, decoding, notes),
        Format::Image(ImageFormat::Gif) => gif::pixels(bytes, decoding, notes),
        Format::Image(format) => {
            choose_frame(1, decoding, notes)?;
            match format {
                ImageFormat::Jpeg => jpeg::pixels(bytes, decoding, notes),
                format => library::pixels(bytes, format, decoding, notes),
            }
        }
        Format::Jpeg2000 => {
            choose_frame(1, decoding, notes)?;
            jpeg2000::pixels(bytes, decoding, notes)
        }
        Format::Dicom => dicom::pixels(bytes, decoding, notes),
    }
}

/// Number of the frame to read, from 0, of a file with so many, which the notes then say.
fn choose_frame(frames: usize, decoding: &Decoding, notes: &mut DecodeNotes) -> Result<usize, DecodeError> {
    let frames = u32::try_from(frames).unwrap_or(u32::MAX);
    let frame = decoding.frame.max(1);
    if frame > frames {
        return Err(DecodeError::NoSuchFrame { frame, frames });
    }
    notes.frame = (frames > 1).then_some([frame, frames]);
    Ok(frame as usize - 1)
}

/// Decodes an image and resizes it to `size` × `size` pixels, keeping no more of it in memory than that takes.
///
/// # Errors
/// Same as [`decode`].
pub fn decode_resized(
    bytes: &[u8],
    size: usize,
    interpolation: Interpolation,
    decoding: &Decoding,
) -> Result<Decoded, DecodeError> {
    let (kind, settled) = kind(bytes, decoding)?;
    let mut notes = notes(decoding, &settled);
    let pixels = catch_panic(kind.name(), || match (&kind, interpolation) {
        (Format::Image(ImageFormat::Png), Interpolation::Nearest) => {
            png::pixels(bytes, Some(size), &settled, &mut notes)
        }
        _ => resize(&whole(bytes, &kind, &settled, &mut notes)?, size, interpolation),
    })?;
    Ok(Decoded { pixels, notes })
}

enum Format {
    Image(ImageFormat),
    Jpeg2000,
    Dicom,
}

impl Format {
    fn name(&self) -> &'static str {
        match self {
            Self::Image(ImageFormat::Png) => "PNG",
            Self::Image(ImageFormat::Jpeg) => "JPEG",
            Self::Image(ImageFormat::Tiff) => "TIFF",
            Self::Image(ImageFormat::WebP) => "WebP",
            Self::Image(ImageFormat::Gif) => "GIF",
            Self::Image(ImageFormat::Bmp) => "BMP",
            Self::Image(_) => "PNM",
            Self::Jpeg2000 => "JPEG 2000",
            Self::Dicom => "DICOM",
        }
    }
}

/// Notes on a file that is read by `settled` where `asked` was asked for.
fn notes(asked: &Decoding, settled: &Decoding) -> DecodeNotes {
    DecodeNotes { by_general_rules: asked.formats != settled.formats, ..DecodeNotes::default() }
}

/// The format of a file, and the rules that it is read by.
fn kind(bytes: &[u8], decoding: &Decoding) -> Result<(Format, Decoding), DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let dicom = sniff::is_dicom(bytes);
    if dicom && decoding.formats == Formats::All {
        return Ok((Format::Dicom, *decoding));
    }
    // The preamble of a DICOM file may be the head of an image, which is what Pillow reads then.
    if let Some(kind) = image_kind(bytes) {
        return Ok((kind, *decoding));
    }
    if dicom && decoding.falls_back {
        return Ok((Format::Dicom, Decoding { formats: Formats::All, ..*decoding }));
    }
    if dicom {
        return Err(DecodeError::Dicom);
    }
    match sniff::unsupported(bytes) {
        Some(name) => Err(DecodeError::Unsupported(name.to_owned())),
        None => Err(DecodeError::NotAnImage),
    }
}

fn image_kind(bytes: &[u8]) -> Option<Format> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Tiff, WebP};
    if jpeg2000::MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Some(Format::Jpeg2000);
    }
    if sniff::is_big_tiff(bytes) {
        return Some(Format::Image(Tiff));
    }
    let format = image::guess_format(bytes).ok()?;
    matches!(format, Bmp | Gif | Jpeg | Png | Pnm | Tiff | WebP).then_some(Format::Image(format))
}

/// Refuses a file by its first bytes, as [`decode`] would by all of them.
pub(crate) fn check_head(bytes: &[u8], decoding: &Decoding) -> Result<(), DecodeError> {
    kind(bytes, decoding).map(|_| ())
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
