//! What a file is, from its first bytes: enough to list files, whatever their extension.

use super::dicom;

/// Where a DICOM file says that it is one, behind a preamble that may hold anything (PS3.10, 7.1).
const DICOM_MARK: std::ops::Range<usize> = 128..132;

/// The name of the format that a file's first bytes announce, of those that [`decode`](fn@crate::decode) reads; `None`
/// for anything else. 132 bytes are enough, and more are not looked at; of fewer, what can be told is told.
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
        _ => None,
    }
}

/// Whether these are the first bytes of a DICOM file: with its mark, or without preamble and mark as some exports are.
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
        let cases: [(&[u8], Option<&str>); 26] = [
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
