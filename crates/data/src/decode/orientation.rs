//! Images turned as their orientation says: a camera stores what its sensor saw, and which side was up.

use std::io::Read as _;

use image::{ImageFormat, metadata::Orientation};

use crate::Pixels;

/// The image as it is to be seen.
pub(super) fn turn(image: Pixels, orientation: Orientation) -> Pixels {
    let (w, h) = (image.width, image.height);
    // Which pixel of the stored image (column, row) is seen at column x of row y.
    match orientation {
        Orientation::NoTransforms => image,
        Orientation::FlipHorizontal => turned(&image, w, h, |x, y| (w - 1 - x, y)),
        Orientation::Rotate180 => turned(&image, w, h, |x, y| (w - 1 - x, h - 1 - y)),
        Orientation::FlipVertical => turned(&image, w, h, |x, y| (x, h - 1 - y)),
        Orientation::Rotate90FlipH => turned(&image, h, w, |x, y| (y, x)),
        Orientation::Rotate90 => turned(&image, h, w, |x, y| (y, h - 1 - x)),
        Orientation::Rotate270FlipH => turned(&image, h, w, |x, y| (w - 1 - y, h - 1 - x)),
        Orientation::Rotate270 => turned(&image, h, w, |x, y| (w - 1 - y, x)),
    }
}

fn turned(
    image: &Pixels,
    width: usize,
    height: usize,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Pixels {
    let channels = image.channels;
    let mut data = Vec::with_capacity(image.data.len());
    for y in 0..height {
        for x in 0..width {
            let (column, row) = from(x, y);
            let at = (row * image.width + column) * channels;
            data.extend_from_slice(&image.data[at..at + channels]);
        }
    }
    Pixels { width, height, channels, data }
}

/// Orientation of an EXIF block, with or without the mark that JPEG writes before it; of a damaged one what can be read.
fn of_exif(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(EXIF_MARK).unwrap_or(exif))
}

const EXIF_MARK: &[u8] = b"Exif\0\0";
/// Head of an XMP packet in JPEG, and keyword of one in PNG.
const XMP_IN_JPEG: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_IN_PNG: &[u8] = b"XML:com.adobe.xmp\0";

/// Keyword of the text that ImageMagick kept EXIF in before PNG had a chunk for it.
const RAW_PROFILE: &[u8] = b"Raw profile type exif\0";

/// Orientation of such a text: three lines, the third a number of bytes, and then these in hexadecimal digits.
fn of_raw_profile(text: &[u8], is_compressed: bool) -> Option<Orientation> {
    const MOST: u64 = 1 << 20;
    let text = &text[RAW_PROFILE.len()..];
    let text = if is_compressed {
        let mut unpacked = Vec::new();
        // Behind a byte that names the compression.
        flate2::read::ZlibDecoder::new(text.get(1..)?).take(MOST).read_to_end(&mut unpacked).ok()?;
        unpacked
    } else {
        text.to_vec()
    };
    let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
    let digits: Vec<u8> =
        digits.iter().filter_map(|&byte| Some(char::from(byte).to_digit(16)? as u8)).collect();
    let exif: Vec<u8> = digits.chunks_exact(2).map(|two| two[0] << 4 | two[1]).collect();
    of_exif(&exif)
}

/// Orientation of an XMP packet, as an attribute or an element (Pillow's `Image.getexif`).
fn of_xmp(xmp: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    let behind = xmp.windows(NAME.len()).position(|name| name == NAME)? + NAME.len();
    match xmp.get(behind..)? {
        [b'=', b'"', digit, ..] | [b'>', digit, ..] => Orientation::from_exif(digit.wrapping_sub(b'0')),
        _ => None,
    }
}

/// The orientation of the first block that has one: EXIF before XMP.
#[derive(Default)]
struct Orientations {
    exif: Option<Orientation>,
    xmp: Option<Orientation>,
}

impl Orientations {
    fn orientation(self) -> Orientation {
        self.exif.or(self.xmp).unwrap_or(Orientation::NoTransforms)
    }
}

/// Orientation that a file of this format names, where the format has a place for it.
pub(super) fn of_image(bytes: &[u8], format: ImageFormat) -> Orientation {
    match format {
        ImageFormat::Jpeg => of_jpeg(bytes),
        ImageFormat::Png => of_png(bytes),
        ImageFormat::WebP => of_webp(bytes),
        _ => Orientation::NoTransforms,
    }
}

/// Orientation of a PNG's eXIf chunk, which may stand on either side of the pixels, or of its XMP.
pub(super) fn of_png(bytes: &[u8]) -> Orientation {
    let (mut found, mut raw, mut at) = (Orientations::default(), None, 8_usize);
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..at.saturating_add(8)) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let content = (at + 8).checked_add(length).and_then(|end| bytes.get(at + 8..end));
        match (kind, content) {
            (b"eXIf", Some(exif)) => found.exif = found.exif.or_else(|| of_exif(exif)),
            (b"iTXt", Some(text)) if text.starts_with(XMP_IN_PNG) => {
                found.xmp = found.xmp.or_else(|| of_xmp(text));
            }
            (b"tEXt" | b"zTXt", Some(text)) if text.starts_with(RAW_PROFILE) => {
                raw = raw.or_else(|| of_raw_profile(text, kind == b"zTXt"));
            }
            (b"IEND", _) | (_, None) => break,
            _ => {}
        }
        // A sum of four bytes follows.
        at += length + 12;
    }
    found.exif = found.exif.or(raw);
    found.orientation()
}

/// Orientation of a JPEG's EXIF or XMP segment.
fn of_jpeg(bytes: &[u8]) -> Orientation {
    let mut found = Orientations::default();
    for segment in super::jpeg::application_segments(bytes) {
        if segment.starts_with(EXIF_MARK) {
            found.exif = found.exif.or_else(|| of_exif(segment));
        } else if segment.starts_with(XMP_IN_JPEG) {
            found.xmp = found.xmp.or_else(|| of_xmp(segment));
        }
    }
    found.orientation()
}

/// Orientation of a WebP's EXIF or XMP chunk.
fn of_webp(bytes: &[u8]) -> Orientation {
    let mut found = Orientations::default();
    for (kind, content) in super::webp::chunks(bytes.get(12..).unwrap_or_default()) {
        match &kind {
            b"EXIF" => found.exif = found.exif.or_else(|| of_exif(content)),
            b"XMP " => found.xmp = found.xmp.or_else(|| of_xmp(content)),
            _ => {}
        }
    }
    found.orientation()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 3×2 pixels, and what `PIL.ImageOps.exif_transpose` makes of them.
    #[test]
    fn all_eight_orientations_are_pillows() {
        let image = Pixels { width: 3, height: 2, channels: 1, data: vec![1, 2, 3, 4, 5, 6] };
        let seen = |exif| {
            let seen = turn(image.clone(), Orientation::from_exif(exif).unwrap());
            (seen.width, seen.data)
        };
        assert_eq!(seen(1), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(seen(2), (3, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(seen(3), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(seen(4), (3, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(seen(5), (2, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(seen(6), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(seen(7), (2, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(seen(8), (2, vec![3, 6, 2, 5, 1, 4]));
        let colour = Pixels { width: 1, height: 2, channels: 3, data: vec![1, 2, 3, 4, 5, 6] };
        let seen = turn(colour, Orientation::Rotate90);
        assert_eq!((seen.width, seen.height, seen.data), (2, 1, vec![4, 5, 6, 1, 2, 3]));
    }
}
