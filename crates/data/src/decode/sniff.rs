//! Formats of files by their first bytes: enough to list files, whatever their extension.

use super::{dicom, jpeg2000};

/// Place at which a DICOM file says that it is one, behind a preamble that may hold anything (PS3.10, 7.1).
const DICOM_MARK: std::ops::Range<usize> = 128..132;

/// Names the format that a file's first bytes announce, of those that [`decode`](fn@crate::decode) reads or refuses by name
/// though they hold one picture, such as HEIF; `None` for anything else. 132 bytes are enough, and more are not looked at; with
/// fewer, formats are named as far as these show them.
///
/// Short marks ask for more than themselves, so that a text that begins with `BM` or `P5` is no image.
pub fn sniff(first_bytes: &[u8]) -> Option<&'static str> {
    let starts = |mark: &[u8]| first_bytes.starts_with(mark);
    let at = |range: std::ops::Range<usize>| first_bytes.get(range).unwrap_or_default();
    // First, since the preamble of a DICOM file may be the head of a TIFF.
    if is_dicom(first_bytes) {
        return Some("DICOM");
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Some("PNG");
    }
    if starts(b"\xff\xd8\xff") {
        return Some("JPEG");
    }
    if starts(b"II*\0") || starts(b"MM\0*") {
        return Some("TIFF");
    }
    if is_big_tiff(first_bytes) {
        return Some("BigTIFF");
    }
    if jpeg2000::MARKS.iter().any(|mark| starts(mark)) {
        return Some("JPEG 2000");
    }
    if starts(b"RIFF") && at(8..12) == b"WEBP" {
        return Some("WebP");
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Some("GIF");
    }
    // The length of the second header, in all versions of the format.
    if starts(b"BM") && matches!(at(14..18), [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]) {
        return Some("BMP");
    }
    match first_bytes {
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n' | b'#', ..] => Some("PNM"),
        _ => unread_photograph(first_bytes),
    }
}

/// Tells if a file is a BigTIFF, in either byte order.
pub(super) fn is_big_tiff(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(b"II+\0") || first_bytes.starts_with(b"MM\0+")
}

/// Names a format that holds one picture and is not read. A radiograph may have been saved as one: in a folder they count as
/// images, so that they are reported as files that cannot be read and not silently missing.
fn unread_photograph(first_bytes: &[u8]) -> Option<&'static str> {
    let starts = |mark: &[u8]| first_bytes.starts_with(mark);
    if let Some(b"ftyp") = first_bytes.get(4..8) {
        // The major brand, a version, and compatible brands (ISO/IEC 14496-12, 4.3).
        let brands = first_bytes.get(8..).unwrap_or_default();
        let has = |names: &[&[u8]]| brands.chunks_exact(4).any(|brand| names.contains(&brand));
        if has(&[b"avif", b"avis"]) {
            return Some("AVIF");
        }
        if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
            return Some("HEIF");
        }
    }
    if starts(b"\0\0\0\x0cJXL \r\n\x87\n") || starts(b"\xff\x0a") {
        return Some("JPEG XL");
    }
    if starts(b"8BPS\0\x01") || starts(b"8BPS\0\x02") {
        return Some("Photoshop (PSD)");
    }
    if starts(b"\x76\x2f\x31\x01") {
        return Some("OpenEXR");
    }
    if starts(b"II\xbc\x01") {
        return Some("JPEG XR");
    }
    None
}

/// The name of a file's format if it is known and not read. Besides those that count as images in a folder there are
/// documents, icons and volumes, which are passed over there like any other file.
pub(super) fn unsupported(bytes: &[u8]) -> Option<&'static str> {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    let at = |range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default();
    if let Some(name) = unread_photograph(bytes) {
        return Some(name);
    }
    let marks: [(&[u8], &'static str); 14] = [
        (b"%PDF-", "PDF"),
        (b"%!PS", "PostScript"),
        (b"SIMPLE  =", "FITS"),
        (b"DDS ", "DDS"),
        (b"qoif", "QOI"),
        (b"#?RADIANCE", "Radiance HDR"),
        (b"#?RGBE", "Radiance HDR"),
        (b"farbfeld", "farbfeld"),
        (b"PF\n", "PFM"),
        (b"Pf\n", "PFM"),
        (b"icns", "Apple icons"),
        (b"\x0a\x05\x01", "PCX"),
        (b"/* XPM */", "XPM"),
        (b"gimp xcf", "GIMP (XCF)"),
    ];
    if let Some((_, name)) = marks.iter().find(|(mark, _)| starts(mark)) {
        return Some(name);
    }
    // Headers of 348 and 540 bytes.
    if matches!(at(344..348), b"n+1\0" | b"ni1\0") || matches!(at(4..8), b"n+2\0" | b"ni2\0") {
        return Some("NIfTI");
    }
    // The number of icons, and of the first its colours and a byte of zero.
    if let [0, 0, 1 | 2, 0, 1..=255, 0, _, _, _, 0, ..] = bytes {
        return Some("Windows icons");
    }
    if bytes.ends_with(b"TRUEVISION-XFILE.\0") {
        return Some("TGA");
    }
    let text = bytes[..bytes.len().min(1024)].trim_ascii_start();
    let is_markup =
        text.starts_with(b"<svg") || text.starts_with(b"<?xml") || text.starts_with(b"<!DOCTYPE svg");
    (is_markup && text.windows(4).any(|tag| tag == b"<svg")).then_some("SVG")
}

/// Tells if these are the first bytes of a DICOM file: with its mark, or without preamble and mark as some exports are.
pub(super) fn is_dicom(first_bytes: &[u8]) -> bool {
    first_bytes.get(DICOM_MARK) == Some(b"DICM") || dicom::is_data_set(first_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let dicom = |preamble: &[u8]| {
            let mut bytes = preamble.to_vec();
            bytes.resize(128, 0);
            [&bytes, &b"DICM"[..]].concat()
        };
        let bmp = [&b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0"[..], &[40, 0, 0, 0]].concat();
        let cases: [(&[u8], Option<&str>); 35] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("PNG")),
            (b"\xff\xd8\xff\xe0", Some("JPEG")),
            (b"II*\0\x08\0\0\0", Some("TIFF")),
            (b"MM\0*\0\0\0\x08", Some("TIFF")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("WebP")),
            (b"GIF87a", Some("GIF")),
            (b"GIF89a\x01\0", Some("GIF")),
            (&bmp, Some("BMP")),
            (b"P5 4 1 255\n", Some("PNM")),
            (b"P2\n# made by hand\n", Some("PNM")),
            (&dicom(b""), Some("DICOM")),
            (&dicom(b"II*\0"), Some("DICOM")),
            (b"\x02\0\0\0UL\x04\0\xc0\0\0\0", Some("DICOM")),
            (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", Some("DICOM")),
            (b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100", Some("DICOM")),
            (b"\x08\0\x05\0\x0b\0\0\0ISO_IR 100", None),
            (b"\x08\0\x77\0\x0a\0\0\0", None),
            (b"II+\0\x08\0\0\0", Some("BigTIFF")),
            (b"MM\0+\0\x08\0\0", Some("BigTIFF")),
            (b"\0\0\0\x0cjP  \r\n\x87\n\0\0", Some("JPEG 2000")),
            (b"\xff\x4f\xff\x51\0\x2f", Some("JPEG 2000")),
            // Refused by name when they are read, so they must be found.
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some("HEIF")),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", Some("AVIF")),
            (b"8BPS\0\x01\0\0\0\0", Some("Photoshop (PSD)")),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
            (b"SIMPLE  =                    T", None),
            (b"", None),
            (b"\x89PN", None),
            (b"BM is what this text begins with", None),
            (b"P5 is a museum, P51 was a car"[..2].as_ref(), None),
            (b"P51 was a car", None),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"%PDF-1.4", None),
            (b"<svg/>", None),
            (b"name,label\n", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(sniff(bytes), format, "{bytes:02x?}");
        }
        for length in 0..132 {
            assert_eq!(sniff(&dicom(b"")[..length]), None, "{length}");
        }
    }
}
