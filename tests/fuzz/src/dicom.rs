//! DICOM: files by hand, of every way in which pixels are written.

use data::{Decoding, Formats, decode};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG2000: &str = "1.2.840.10008.1.2.4.90";
const LOSSLESS: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.jpg");
const BASELINE: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/baseline.jpg");
const CODESTREAM: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.j2k");

fn element(tag: u32, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    bytes.extend(kind);
    let length = value.len().next_multiple_of(2);
    if matches!(kind, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT") {
        bytes.extend([0, 0]);
        bytes.extend((length as u32).to_le_bytes());
    } else {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes.resize(bytes.len() + length - value.len(), 0);
    bytes
}

fn item(value: &[u8]) -> Vec<u8> {
    let length = value.len().next_multiple_of(2);
    let mut bytes = [&b"\xfe\xff\0\xe0"[..], &(length as u32).to_le_bytes(), value].concat();
    bytes.resize(8 + length, 0);
    bytes
}

fn word(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

struct Image<'a> {
    syntax: &'static str,
    interpretation: &'static str,
    size: (u16, u16),
    bits: (u16, u16),
    extra: Vec<u8>,
    pixels: &'a [u8],
    fragments: bool,
}

impl Image<'_> {
    fn data_set(&self) -> Vec<u8> {
        let samples = if matches!(self.interpretation, "RGB" | "YBR_FULL" | "YBR_FULL_422") { 3 } else { 1 };
        let mut bytes = [
            element(0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1"),
            element(0x0008_0060, b"CS", b"DX"),
            word(0x0028_0002, samples),
            element(0x0028_0004, b"CS", self.interpretation.as_bytes()),
            word(0x0028_0010, self.size.1),
            word(0x0028_0011, self.size.0),
            word(0x0028_0100, self.bits.0),
            word(0x0028_0101, self.bits.1),
            word(0x0028_0102, self.bits.1 - 1),
            word(0x0028_0103, 0),
            self.extra.clone(),
        ]
        .concat();
        if self.fragments {
            bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0");
            bytes.extend(item(self.pixels));
            bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
        } else {
            bytes.extend(element(0x7fe0_0010, if self.bits.0 == 8 { b"OB" } else { b"OW" }, self.pixels));
        }
        bytes
    }

    fn file(&self) -> Vec<u8> {
        let group = [
            element(0x0002_0002, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1"),
            element(0x0002_0010, b"UI", self.syntax.as_bytes()),
        ]
        .concat();
        let length = element(0x0002_0000, b"UL", &(group.len() as u32).to_le_bytes());
        [&[0; 128][..], b"DICM", &length, &group, &self.data_set()].concat()
    }
}

const PLAIN: Image<'static> = Image {
    syntax: EXPLICIT,
    interpretation: "MONOCHROME2",
    size: (3, 2),
    bits: (8, 8),
    extra: Vec::new(),
    pixels: &[1, 2, 3, 4, 5, 6],
    fragments: false,
};

fn table(tag: u32, entries: &[u16]) -> Vec<u8> {
    let words = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let descriptor = element(0x0028_3002, b"US", &words(&[entries.len() as u16, 0, 8]));
    element(tag, b"SQ", &item(&[descriptor, element(0x0028_3006, b"US", &words(entries))].concat()))
}

/// As an image, unless it is one of another format.
pub(crate) fn dicom(input: &[u8]) {
    if data::sniff(input) == Some("DICOM") {
        crate::images::decoded(input);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let wide: Vec<u8> = (0..40).collect();
    let windows = [element(0x0028_1050, b"DS", b"2000"), element(0x0028_1051, b"DS", b"3000\\1")].concat();
    let rescale = [element(0x0028_1052, b"DS", b"-1024"), element(0x0028_1053, b"DS", b"1.5e0")].concat();
    let sigmoid = [&windows[..], &element(0x0028_1056, b"LO", b"SIGMOID")].concat();
    let palette: Vec<u8> = (0..3)
        .flat_map(|i| element(0x0028_1101 + i, b"US", &[2, 0, 0, 0, 8, 0]))
        .chain((0..3).flat_map(|i| element(0x0028_1201 + i, b"OW", &[1, 2, 250, 3])))
        .collect();
    let mut rle = vec![0; 64];
    rle[0] = 2;
    rle[4] = 64;
    rle[8] = 69;
    rle.extend([3, 1, 2, 3, 4, 254, 5, 0, 6]);
    let sixteen = Image { size: (5, 4), bits: (16, 12), pixels: &wide, ..PLAIN };
    let frames = element(0x0028_0008, b"IS", b"2");
    let nested = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\x08\0\x55\x11UI\x02\01\0\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0";
    let mut seeds: Vec<Vec<u8>> = [
        PLAIN,
        Image { extra: windows, ..sixteen },
        Image {
            extra: rescale,
            interpretation: "MONOCHROME1",
            bits: (16, 16),
            pixels: &wide,
            size: (5, 4),
            ..PLAIN
        },
        Image { extra: sigmoid, size: (5, 4), bits: (16, 12), pixels: &wide, ..PLAIN },
        Image {
            extra: [table(0x0028_3000, &[1, 100, 255]), table(0x0028_3010, &[1, 100, 255])].concat(),
            ..PLAIN
        },
        Image { interpretation: "PALETTE COLOR", extra: palette, ..PLAIN },
        Image { interpretation: "RGB", size: (2, 1), extra: word(0x0028_0006, 1), ..PLAIN },
        Image { interpretation: "YBR_FULL", size: (1, 2), extra: frames, ..PLAIN },
        Image {
            syntax: "1.2.840.10008.1.2.5",
            fragments: true,
            bits: (16, 16),
            size: (4, 1),
            pixels: &rle,
            ..PLAIN
        },
        Image {
            syntax: "1.2.840.10008.1.2.4.50",
            fragments: true,
            size: (20, 24),
            pixels: BASELINE,
            ..PLAIN
        },
        Image {
            syntax: "1.2.840.10008.1.2.4.70",
            fragments: true,
            size: (33, 32),
            bits: (16, 12),
            pixels: LOSSLESS,
            ..PLAIN
        },
        Image {
            syntax: JPEG2000,
            fragments: true,
            size: (33, 32),
            bits: (16, 12),
            pixels: CODESTREAM,
            ..PLAIN
        },
    ]
    .iter()
    .map(Image::file)
    .collect();
    seeds.push(PLAIN.data_set());
    seeds.push([&seeds[0][..seeds[0].len() - 18], nested].concat());
    seeds
}

/// What stands in a codestream's SIZ of size and channels is what the file around it says, so that libFuzzer need not keep
/// both the same.
pub(crate) fn jpeg2000(input: &[u8]) {
    // As a file of its own.
    if input.starts_with(b"\xff\x4f\xff\x51") || input.starts_with(b"\0\0\0\x0cjP  ") {
        crate::images::decoded(input);
    }
    let four = |at: usize| input.get(at..at + 4).map_or(0, |v| u32::from_be_bytes([v[0], v[1], v[2], v[3]]));
    let side = |end: usize, start: usize| four(end).saturating_sub(four(start)).min(65535) as u16;
    let colour = input.get(41) == Some(&3);
    let file = Image {
        syntax: JPEG2000,
        interpretation: if colour { "RGB" } else { "MONOCHROME2" },
        size: (side(8, 16), side(12, 20)),
        bits: (16, 16),
        extra: Vec::new(),
        pixels: input,
        fragments: true,
    };
    let decoding = Decoding { max_pixels: 1 << 20, ..Decoding::new(Formats::All) };
    if let Ok(pixels) = decode(&file.file(), &decoding).map(|decoded| decoded.pixels) {
        assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
    }
}

pub(crate) fn jpeg2000_seeds() -> Vec<Vec<u8>> {
    vec![CODESTREAM.to_vec()]
}
