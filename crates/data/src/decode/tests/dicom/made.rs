//! DICOM files by hand, element by element.

use super::*;

pub(super) const ALL: Decoding = Decoding { formats: Formats::All, ..KERAS };
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Name of the patient, in every text that could tell who that is; short enough for all of them.
pub(super) const PATIENT: &str = "ZZPATIENTZZ";

/// An element with the type of its value.
pub(super) fn element(tag: u32, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    bytes.extend(kind);
    let length = value.len().next_multiple_of(2);
    match kind {
        b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" => {
            bytes.extend([0, 0]);
            bytes.extend((length as u32).to_le_bytes());
        }
        _ => bytes.extend((length as u16).to_le_bytes()),
    }
    bytes.extend(value);
    bytes.resize(bytes.len() + length - value.len(), if kind == b"UI" { 0 } else { b' ' });
    bytes
}

pub(super) fn word(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

/// Makes a file with preamble, mark and the file's own group.
pub(super) fn file(syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let group = [
        element(0x0002_0002, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1"),
        element(0x0002_0010, b"UI", syntax.as_bytes()),
        element(0x0002_0013, b"SH", PATIENT.as_bytes()),
    ]
    .concat();
    let length = element(0x0002_0000, b"UL", &(group.len() as u32).to_le_bytes());
    [&[0; 128][..], b"DICM", &length, &group, data_set].concat()
}

/// An image and everything that its pixels depend on.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) syntax: &'static str,
    pub(super) size: (u16, u16),
    pub(super) allocated: u16,
    pub(super) stored: u16,
    pub(super) signed: bool,
    pub(super) interpretation: &'static str,
    /// Further elements of group 0028, with tags above those of the above.
    pub(super) extra: Vec<u8>,
    pub(super) pixels: Vec<u8>,
    /// Pixels come as fragments.
    pub(super) encapsulated: bool,
}

impl Made {
    pub(super) fn new(size: (u16, u16), stored: u16, values: &[i32]) -> Self {
        let allocated = if stored > 8 { 16 } else { 8 };
        let pixels = values.iter().flat_map(|&v| v.to_le_bytes()[..usize::from(allocated / 8)].to_vec());
        Self {
            syntax: EXPLICIT,
            size,
            allocated,
            stored,
            signed: values.iter().any(|&v| v < 0),
            interpretation: "MONOCHROME2",
            extra: vec![],
            pixels: pixels.collect(),
            encapsulated: false,
        }
    }

    pub(super) fn with(mut self, tag: u32, kind: &[u8; 2], value: &str) -> Self {
        self.extra.extend(element(tag, kind, value.as_bytes()));
        self
    }

    pub(super) fn data_set(&self) -> Vec<u8> {
        let one = self.interpretation.starts_with("MONO") || self.interpretation.starts_with("PALETTE");
        let mut bytes = [
            element(0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1"),
            element(0x0008_0020, b"DA", PATIENT.as_bytes()),
            element(0x0008_0060, b"CS", b"DX"),
            element(0x0008_1030, b"LO", PATIENT.as_bytes()),
            nested(0x0008_1110, PATIENT),
            element(0x0010_0010, b"PN", PATIENT.as_bytes()),
            element(0x0010_0020, b"LO", PATIENT.as_bytes()),
            element(0x0010_4000, b"LT", PATIENT.as_bytes()),
            element(0x0011_1001, b"UN", PATIENT.as_bytes()),
            word(0x0028_0002, if one { 1 } else { 3 }),
            element(0x0028_0004, b"CS", self.interpretation.as_bytes()),
        ]
        .concat();
        bytes.extend(
            [
                word(0x0028_0010, self.size.1),
                word(0x0028_0011, self.size.0),
                word(0x0028_0100, self.allocated),
                word(0x0028_0101, self.stored),
                word(0x0028_0102, self.stored - 1),
                word(0x0028_0103, self.signed.into()),
                self.extra.clone(),
                element(0x0028_1055, b"LO", PATIENT.as_bytes()),
            ]
            .concat(),
        );
        if self.encapsulated {
            bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0");
            bytes.extend(item(&self.pixels));
            bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
        } else {
            bytes.extend(element(0x7fe0_0010, if self.allocated == 8 { b"OB" } else { b"OW" }, &self.pixels));
        }
        bytes
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        file(self.syntax, &self.data_set())
    }

    #[track_caller]
    pub(super) fn seen(&self) -> Vec<u8> {
        let pixels = decode_by(&self.bytes(), &ALL).unwrap();
        let channels = if matches!(self.interpretation, "MONOCHROME1" | "MONOCHROME2") { 1 } else { 3 };
        assert_eq!((pixels.width, pixels.height), (self.size.0.into(), self.size.1.into()));
        assert_eq!((pixels.channels, pixels.data.len()), (channels, pixels.width * pixels.height * channels));
        pixels.data
    }

    #[track_caller]
    pub(super) fn refused(&self) -> String {
        decode_by(&self.bytes(), &ALL).unwrap_err().to_string()
    }
}

pub(super) fn item(value: &[u8]) -> Vec<u8> {
    let length = value.len().next_multiple_of(2);
    let mut bytes = [&b"\xfe\xff\0\xe0"[..], &(length as u32).to_le_bytes(), value].concat();
    bytes.resize(8 + length, 0);
    bytes
}

/// Open sequences and items, three deep, with a text at the bottom and elements behind each.
pub(super) fn nested(tag: u32, text: &str) -> Vec<u8> {
    let mut inner = element(0x0008_1155, b"UI", text.as_bytes());
    for tag in [tag + 2, tag + 1, tag] {
        let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
        bytes.extend(b"SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff");
        bytes.extend(&inner);
        bytes.extend(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0");
        bytes.extend(element(0x0008_1190, b"LO", text.as_bytes()));
        inner = bytes;
    }
    inner
}

/// 33×32 pixels of `90 x + 30 y + x y mod 7` in 12 bits: lossless and extended JPEG (the latter with a restart every three
/// blocks) as `tests/pixel_cases.py` writes them, JPEG 2000 by OpenJPEG, JPEG-LS by CharLS.
pub(super) const LOSSLESS: &[u8] = include_bytes!("../../fixtures/lossless12.jpg");
pub(super) const EXTENDED: &[u8] = include_bytes!("../../fixtures/extended12.jpg");
pub(super) const JPEG2000: &[u8] = include_bytes!("../../fixtures/lossless12.j2k");
pub(super) const JPEG_LS: &[u8] = include_bytes!("../../fixtures/lossless12.jls");

pub(super) const CODESTREAMS: [(&str, &[u8]); 4] = [
    ("1.2.840.10008.1.2.4.70", LOSSLESS),
    ("1.2.840.10008.1.2.4.51", EXTENDED),
    ("1.2.840.10008.1.2.4.90", JPEG2000),
    ("1.2.840.10008.1.2.4.80", JPEG_LS),
];

pub(super) fn twelve_bits(syntax: &'static str, codestream: &[u8]) -> Made {
    let made = Made { syntax, encapsulated: true, ..Made::new((33, 32), 12, &[]) };
    Made { pixels: codestream.to_vec(), ..made }
}

impl Made {
    /// A frame in RLE, a segment for each plane of bytes, as literal bytes.
    pub(super) fn rle(planes: &[&[u8]]) -> Vec<u8> {
        let mut header = vec![0; 64];
        header[0] = planes.len() as u8;
        let mut bytes = Vec::new();
        for (i, plane) in planes.iter().enumerate() {
            header[4 + 4 * i..8 + 4 * i].copy_from_slice(&((64 + bytes.len()) as u32).to_le_bytes());
            bytes.push(plane.len() as u8 - 1);
            bytes.extend_from_slice(plane);
        }
        [header, bytes].concat()
    }
}

/// A sequence of one item with a table of 8-bit values.
pub(super) fn table(tag: u32, first: i16, entries: &[u16], bits: u16) -> Vec<u8> {
    let words = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let descriptor = element(0x0028_3002, b"US", &words(&[entries.len() as u16, first as u16, bits]));
    element(tag, b"SQ", &item(&[descriptor, element(0x0028_3006, b"US", &words(entries))].concat()))
}
