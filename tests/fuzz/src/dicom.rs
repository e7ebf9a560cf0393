//! DICOM: files by hand, of every way in which pixels are written.

use data::{Decoding, Formats, decode};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG2000: &str = "1.2.840.10008.1.2.4.90";
const LOSSLESS: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.jpg");
const BASELINE: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/baseline.jpg");
const CODESTREAM: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.j2k");
const EXTENDED: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/extended12.jpg");
const JPEG_LS: &[u8] = include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.jls");
const JPEG_LS_COLOURS: [&[u8]; 3] = [
    include_bytes!("../../../crates/data/src/decode/fixtures/plane0.jls"),
    include_bytes!("../../../crates/data/src/decode/fixtures/line2.jls"),
    include_bytes!("../../../crates/data/src/decode/fixtures/pixel2.jls"),
];

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

/// As an image, unless it is one of another format; and its second frame.
pub(crate) fn dicom(input: &[u8]) {
    if data::sniff(input) == Some("DICOM") {
        crate::images::decoded(input);
        let second = Decoding { frame: 2, max_pixels: 1 << 16, ..Decoding::new(Formats::All) };
        if let Ok(pixels) = decode(input, &second).map(|decoded| decoded.pixels) {
            assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
        }
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
        Image { interpretation: "YBR_FULL", size: (1, 2), extra: frames.clone(), ..PLAIN },
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
    let coded = |syntax, size, bits, pixels| Image { syntax, size, bits, pixels, fragments: true, ..PLAIN };
    let extended = coded("1.2.840.10008.1.2.4.51", (33, 32), (16, 12), EXTENDED);
    let gray = coded("1.2.840.10008.1.2.4.80", (33, 32), (16, 12), JPEG_LS);
    seeds.extend([extended.file(), gray.file()]);
    for pixels in JPEG_LS_COLOURS {
        let colour = coded("1.2.840.10008.1.2.4.81", (24, 10), (8, 8), pixels);
        seeds.push(Image { interpretation: "RGB", ..colour }.file());
    }
    let segments: Vec<u8> = (0..3)
        .flat_map(|i| element(0x0028_1101 + i, b"US", &[9, 0, 0, 0, 8, 0]))
        .chain((0..3).flat_map(|i| {
            element(0x0028_1221 + i, b"OW", &[0, 2, 7, 10, 1, 2, 110, 2, 2, 0, 0, 0, 0])
        }))
        .collect();
    seeds.push(Image { interpretation: "PALETTE COLOR", extra: segments, ..PLAIN }.file());
    seeds.push(Image { interpretation: "YBR_FULL_422", size: (4, 2), pixels: &wide, ..PLAIN }.file());
    let padding = [element(0x0028_0120, b"US", &[3, 0]), element(0x0028_0121, b"US", &[9, 0])].concat();
    seeds.push(Image { size: (5, 2), bits: (32, 32), pixels: &wide, extra: padding, ..PLAIN }.file());
    seeds.push(Image { size: (9, 4), bits: (1, 1), pixels: &wide, ..PLAIN }.file());
    // Windows in functional groups.
    let window = [element(0x0028_1050, b"DS", b"3,5"), element(0x0028_1051, b"DS", b"0\\7")].concat();
    let group = element(0x0028_9132, b"SQ", &item(&window));
    let groups = [
        element(0x5200_9229, b"SQ", &item(&element(0x0028_9145, b"SQ", &item(&element(0x0028_1053, b"DS", b"2"))))),
        element(0x5200_9230, b"SQ", &[item(&group), item(&group)].concat()),
    ];
    seeds.push(Image { extra: [&frames[..], &groups.concat()].concat(), ..PLAIN }.file());
    seeds.push(PLAIN.data_set());
    // Big endian, and without the types of values.
    seeds.push(b"\0\x28\0\x10US\0\x02\0\x01\0\x28\0\x11US\0\x02\0\x02\0\x28\x01\0US\0\x02\0\x10\x7f\xe0\0\x10OW\0\0\0\0\0\x04\0\x07\0\x09".to_vec());
    seeds.push(b"\x28\0\x10\0\x02\0\0\0\x01\0\x28\0\x11\0\x02\0\0\0\x02\0\x28\0\0\x01\x02\0\0\0\x08\0\xe0\x7f\x10\0\x02\0\0\0\x07\x09".to_vec());
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

/// JPEG-LS and JPEG of 12 bits, in a file of the size that their own frame says: so that libFuzzer need not keep both the
/// same.
pub(crate) fn jpeg(input: &[u8]) {
    let frame = |marker: u8| input.windows(10).find(|bytes| bytes[0] == 0xff && bytes[1] == marker);
    let Some(frame) = [0xf7, 0xc1].into_iter().find_map(frame) else { return };
    let file = Image {
        syntax: "1.2.840.10008.1.2.4.80",
        interpretation: if frame[9] == 3 { "RGB" } else { "MONOCHROME2" },
        size: (u16::from_be_bytes([frame[7], frame[8]]), u16::from_be_bytes([frame[5], frame[6]])),
        bits: (16, 16),
        extra: Vec::new(),
        pixels: input,
        fragments: true,
    };
    let decoding = Decoding { max_pixels: 1 << 16, ..Decoding::new(Formats::All) };
    if let Ok(pixels) = decode(&file.file(), &decoding).map(|decoded| decoded.pixels) {
        assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
    }
}

pub(crate) fn jpeg_seeds() -> Vec<Vec<u8>> {
    [EXTENDED, JPEG_LS].into_iter().chain(JPEG_LS_COLOURS).map(<[u8]>::to_vec).collect()
}
