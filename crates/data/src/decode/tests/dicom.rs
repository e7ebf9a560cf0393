//! DICOM files made by hand.

mod damage;

use super::*;

const ALL: Decoding = Decoding { formats: Formats::All, max_pixels: MAX_PIXELS };
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// In every text that could tell who the patient is; short enough for all of them.
const PATIENT: &str = "ZZPATIENTZZ";

/// An element with the type of its value.
fn element(tag: u32, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
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

fn word(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

/// With preamble, mark and the file's own group.
fn file(syntax: &str, data_set: &[u8]) -> Vec<u8> {
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
struct Made {
    syntax: &'static str,
    size: (u16, u16),
    allocated: u16,
    stored: u16,
    signed: bool,
    interpretation: &'static str,
    /// Further elements of group 0028, with tags above those of the above.
    extra: Vec<u8>,
    pixels: Vec<u8>,
    /// As fragments.
    encapsulated: bool,
}

impl Made {
    fn new(size: (u16, u16), stored: u16, values: &[i32]) -> Self {
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

    fn with(mut self, tag: u32, kind: &[u8; 2], value: &str) -> Self {
        self.extra.extend(element(tag, kind, value.as_bytes()));
        self
    }

    fn data_set(&self) -> Vec<u8> {
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
        bytes.extend([
            word(0x0028_0010, self.size.1),
            word(0x0028_0011, self.size.0),
            word(0x0028_0100, self.allocated),
            word(0x0028_0101, self.stored),
            word(0x0028_0102, self.stored - 1),
            word(0x0028_0103, self.signed.into()),
            self.extra.clone(),
            element(0x0028_1055, b"LO", PATIENT.as_bytes()),
        ]
        .concat());
        if self.encapsulated {
            bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0");
            bytes.extend(item(&self.pixels));
            bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
        } else {
            bytes.extend(element(0x7fe0_0010, if self.allocated == 8 { b"OB" } else { b"OW" }, &self.pixels));
        }
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        file(self.syntax, &self.data_set())
    }

    #[track_caller]
    fn seen(&self) -> Vec<u8> {
        let pixels = crate::decode(&self.bytes(), &ALL).unwrap();
        let channels = if matches!(self.interpretation, "MONOCHROME1" | "MONOCHROME2") { 1 } else { 3 };
        assert_eq!((pixels.width, pixels.height), (self.size.0.into(), self.size.1.into()));
        assert_eq!((pixels.channels, pixels.data.len()), (channels, pixels.width * pixels.height * channels));
        pixels.data
    }

    #[track_caller]
    fn refused(&self) -> String {
        crate::decode(&self.bytes(), &ALL).unwrap_err().to_string()
    }
}

fn item(value: &[u8]) -> Vec<u8> {
    let length = value.len().next_multiple_of(2);
    let mut bytes = [&b"\xfe\xff\0\xe0"[..], &(length as u32).to_le_bytes(), value].concat();
    bytes.resize(8 + length, 0);
    bytes
}

/// Open sequences and items, three deep, with a text at the bottom and elements behind each.
fn nested(tag: u32, text: &str) -> Vec<u8> {
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

#[test]
fn without_a_window_the_range_of_the_stored_bits_is_shown() {
    assert_eq!(Made::new((3, 1), 8, &[0, 128, 255]).seen(), [0, 128, 255]);
    assert_eq!(Made::new((4, 1), 12, &[0, 2048, 4095, 100]).seen(), [0, 128, 255, 6]);
    assert_eq!(Made::new((1, 3), 16, &[0, 32768, 65535]).seen(), [0, 128, 255]);
    assert_eq!(Made::new((3, 1), 12, &[-2048, 0, 2047]).seen(), [0, 128, 255]);
    assert_eq!(Made::new((3, 1), 8, &[-128, 0, 127]).seen(), [0, 128, 255]);
    // The range goes through the modality LUT, a falling one too.
    let falling = Made::new((3, 1), 8, &[0, 100, 255])
        .with(0x0028_1052, b"DS", "255")
        .with(0x0028_1053, b"DS", "-1.0");
    assert_eq!(falling.seen(), [255, 155, 0]);
    let inverted = Made { interpretation: "MONOCHROME1", ..Made::new((3, 1), 8, &[0, 100, 255]) };
    assert_eq!(inverted.seen(), [255, 155, 0]);
}

#[test]
fn bits_outside_of_the_stored_ones_do_not_count() {
    let mut made = Made::new((2, 1), 12, &[0xf000, 0x1fff]);
    assert_eq!(made.seen(), [0, 255]);
    made.stored = 9;
    assert_eq!(made.seen(), [0, 255]);
}

#[test]
fn the_first_window_is_shown() {
    let values = [0, 100, 149, 150, 200, 250, 251, 4095];
    let window = |function: &str| {
        let made = Made::new((8, 1), 12, &values)
            .with(0x0028_1050, b"DS", "200\\7")
            .with(0x0028_1051, b"DS", " 101\\9 ");
        if function.is_empty() { made } else { made.with(0x0028_1056, b"CS", function) }
    };
    // By PS3.3, C.11.2.1.2.1, with c − 0.5 = 199.5 and w − 1 = 100.
    assert_eq!(window("").seen(), [0, 0, 0, 1, 129, 255, 255, 255]);
    assert_eq!(window("LINEAR").seen(), window("").seen());
    // C.11.2.1.3.2, of 149.5 to 250.5.
    assert_eq!(window("LINEAR_EXACT").seen(), [0, 0, 0, 1, 128, 254, 255, 255]);
    let sigmoid = |x: f64| (255.0 / (1.0 + (-4.0 * (x - 200.0) / 101.0).exp())).round() as u8;
    assert_eq!(window("SIGMOID").seen(), values.map(|v| sigmoid(v.into())));
    let inverted = Made { interpretation: "MONOCHROME1", ..window("") };
    assert_eq!(inverted.seen(), [255, 255, 255, 254, 126, 0, 0, 0]);
    // A window is one of values behind the modality LUT.
    let rescaled = window("").with(0x0028_1052, b"DS", "100");
    assert_eq!(rescaled.seen(), [0, 129, 254, 255, 255, 255, 255, 255]);
    let threshold = Made::new((3, 1), 12, &[99, 100, 101])
        .with(0x0028_1050, b"DS", "100.5")
        .with(0x0028_1051, b"DS", "1");
    assert_eq!(threshold.seen(), [0, 0, 255]);
    // What is no window is left out.
    for width in ["0", "-5", "nan", "inf", "", "wide"] {
        let made = Made::new((2, 1), 8, &[0, 100]).with(0x0028_1050, b"DS", "9").with(0x0028_1051, b"DS", width);
        assert_eq!(made.seen(), [0, 100], "{width}");
    }
}

/// A sequence of one item with a table of 8-bit values.
fn table(tag: u32, first: i16, entries: &[u16], bits: u16) -> Vec<u8> {
    let words = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let descriptor = element(0x0028_3002, b"US", &words(&[entries.len() as u16, first as u16, bits]));
    element(tag, b"SQ", &item(&[descriptor, element(0x0028_3006, b"US", &words(entries))].concat()))
}

#[test]
fn tables_are_looked_up_and_a_window_goes_before_the_second() {
    let mut made = Made::new((5, 1), 8, &[0, 10, 11, 12, 255]);
    made.extra = table(0x0028_3010, 10, &[0, 2048, 4095], 12);
    assert_eq!(made.seen(), [0, 0, 128, 255, 255]);
    made.extra = [element(0x0028_1050, b"DS", b"128"), element(0x0028_1051, b"DS", b"256"), made.extra].concat();
    assert_eq!(made.seen(), [0, 10, 11, 12, 255]);
    made.extra = table(0x0028_3000, 10, &[0, 100, 255], 8);
    assert_eq!(made.seen(), [0, 0, 100, 255, 255]);
    // One that is cut short, and one that is empty.
    made.extra = table(0x0028_3000, 10, &[0, 100, 255], 8);
    let length = made.extra.len();
    made.extra[length - 14 - 6] = 9;
    assert_eq!(made.refused(), "is damaged: a look-up table is missing");
    made.extra = element(0x0028_3000, b"SQ", &[]);
    assert_eq!(made.seen(), [0, 10, 11, 12, 255]);
}

#[test]
fn colours_become_rgb() {
    let made = |interpretation, values: &[i32]| Made { interpretation, ..Made::new((2, 1), 8, values) };
    assert_eq!(made("RGB", &[1, 2, 3, 4, 5, 6]).seen(), [1, 2, 3, 4, 5, 6]);
    let mut planar = made("RGB", &[1, 4, 2, 5, 3, 6]);
    planar.extra = word(0x0028_0006, 1);
    assert_eq!(planar.seen(), [1, 2, 3, 4, 5, 6]);
    let mut deep = made("RGB", &[]);
    (deep.allocated, deep.stored) = (16, 12);
    deep.pixels = [0, 2048, 4095, 1, 16, 100].iter().flat_map(|v: &u16| v.to_le_bytes()).collect();
    assert_eq!(deep.seen(), [0, 128, 255, 0, 1, 6]);
    assert_eq!(made("YBR_FULL", &[255, 128, 128, 76, 85, 255]).seen(), [255, 255, 255, 254, 0, 0]);
    let mut palette = Made { interpretation: "PALETTE COLOR", ..Made::new((2, 1), 8, &[1, 0]) };
    for channel in 0..3_u32 {
        palette.extra.extend(element(0x0028_1101 + channel, b"US", &[2, 0, 0, 0, 16, 0]));
    }
    for channel in 0..3_u8 {
        let entries = [u16::from(channel) * 257, 65535 - 257 * u16::from(channel)];
        let bytes = entries.map(u16::to_le_bytes).concat();
        palette.extra.extend(element(0x0028_1201 + u32::from(channel), b"OW", &bytes));
    }
    assert_eq!(palette.seen(), [255, 254, 253, 0, 1, 2]);
    for rare in ["HSV", "YBR_FULL_422"] {
        let words = "is an image that is not supported: DICOM with a rare kind of colours";
        assert_eq!(Made { interpretation: rare, ..made("RGB", &[0; 6]) }.refused(), words, "{rare}");
    }
}

#[test]
fn the_first_frame_is_shown() {
    let mut made = Made::new((2, 2), 8, &[1, 2, 3, 4]);
    made.pixels.extend([9; 8]);
    made.extra = element(0x0028_0008, b"IS", b"3");
    assert_eq!(made.seen(), [1, 2, 3, 4]);
    // Compressed, with an offset table, with a fragment a frame, and with fragments that do not tell.
    let frames = [Made::rle(&[&[1, 2, 3, 4]]), Made::rle(&[&[9, 9, 9, 9]])];
    let with = |offsets: &[u32], fragments: &[&[u8]]| {
        let mut made = Made::new((2, 2), 8, &[]);
        made.syntax = "1.2.840.10008.1.2.5";
        made.extra = element(0x0028_0008, b"IS", b"2");
        let mut bytes = made.data_set();
        bytes.truncate(bytes.len() - 12);
        bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff");
        bytes.extend(item(&offsets.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()));
        fragments.iter().for_each(|fragment| bytes.extend(item(fragment)));
        bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
        crate::decode(&file(made.syntax, &bytes), &ALL)
    };
    let (first, second) = (frames[0].as_slice(), frames[1].as_slice());
    assert_eq!(with(&[], &[first, second]).unwrap().data, [1, 2, 3, 4]);
    let offset = (first.len().next_multiple_of(2) + 8) as u32;
    assert_eq!(with(&[0, offset], &[first, second]).unwrap().data, [1, 2, 3, 4]);
    let (a, b) = first.split_at(66);
    assert_eq!(with(&[0, offset + 8], &[a, b, second]).unwrap().data, [1, 2, 3, 4]);
    assert!(matches!(with(&[], &[]), Err(DecodeError::CutOff)));
}

impl Made {
    /// A frame in RLE, a segment for each plane of bytes, as literal bytes.
    fn rle(planes: &[&[u8]]) -> Vec<u8> {
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

#[test]
fn rle_is_unpacked() {
    let mut made = Made { syntax: "1.2.840.10008.1.2.5", encapsulated: true, ..Made::new((5, 1), 8, &[]) };
    // A literal of two, four copies, and a filling byte in between.
    made.pixels = Made::rle(&[&[0]]);
    made.pixels.truncate(64);
    made.pixels.extend([1, 7, 8, 128, 253, 9]);
    assert_eq!(made.seen(), [7, 8, 9, 9, 9]);
    (made.allocated, made.stored, made.size) = (16, 16, (2, 1));
    made.pixels = Made::rle(&[&[0, 255], &[0, 255]]);
    assert_eq!(made.seen(), [0, 255]);
    made.pixels = Made::rle(&[&[128, 255], &[0, 255]]);
    assert_eq!(made.seen(), [128, 255]);
    let mut colour = Made { interpretation: "RGB", ..made.clone() };
    (colour.allocated, colour.stored) = (8, 8);
    colour.pixels = Made::rle(&[&[1, 4], &[2, 5], &[3, 6]]);
    assert_eq!(colour.seen(), [1, 2, 3, 4, 5, 6]);
    // Too short, and of another number of segments.
    colour.size = (3, 1);
    assert_eq!(colour.refused(), "is cut off");
    made.pixels = Made::rle(&[&[1, 2]]);
    assert_eq!(made.refused(), "is damaged: its RLE segments are not as many as its samples have bytes");
}

/// 33×32 pixels of `90 x + 30 y + x y mod 7` in 12 bits: lossless JPEG as `tests/compare_pixels.py` writes it, JPEG 2000 by
/// OpenJPEG.
const LOSSLESS: &[u8] = include_bytes!("../fixtures/lossless12.jpg");
const JPEG2000: &[u8] = include_bytes!("../fixtures/lossless12.j2k");

fn twelve_bits(syntax: &'static str, codestream: &[u8]) -> Made {
    let made = Made { syntax, encapsulated: true, ..Made::new((33, 32), 12, &[]) };
    Made { pixels: codestream.to_vec(), ..made }
}

#[test]
fn compressed_pixels_are_decoded_without_loss() {
    let value = |x: i32, y: i32| f64::from(90 * x + 30 * y + x * y % 7);
    let expected: Vec<u8> = (0..32)
        .flat_map(|y| (0..33).map(move |x| (value(x, y) * 255.0 / 4095.0).round() as u8))
        .collect();
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.70", LOSSLESS).seen(), expected);
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.90", JPEG2000).seen(), expected);
    let baseline = Made {
        syntax: "1.2.840.10008.1.2.4.50",
        encapsulated: true,
        pixels: BASELINE.to_vec(),
        ..Made::new((20, 24), 8, &[])
    };
    let (seen, expected) = (baseline.seen(), decode(BASELINE).unwrap().data);
    assert!(seen.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 2));
    let colour = Made { interpretation: "YBR_FULL", pixels: PROGRESSIVE.to_vec(), ..baseline };
    // Decoders differ in how they spread subsampled chroma.
    let (seen, expected) = (colour.seen(), decode(PROGRESSIVE).unwrap().data);
    let off: usize = seen.iter().zip(&expected).map(|(a, b)| usize::from(a.abs_diff(*b))).sum();
    assert!(off <= 2 * expected.len(), "{off} of {}", expected.len());
}

#[test]
fn compressed_pixels_of_another_size_are_refused() {
    let words = "is damaged: its compressed pixels are of another size than it says";
    for (syntax, codestream) in [("1.2.840.10008.1.2.4.70", LOSSLESS), ("1.2.840.10008.1.2.4.90", JPEG2000)] {
        let made = twelve_bits(syntax, codestream);
        for size in [(32, 32), (33, 31), (32, 33), (65535, 4096)] {
            assert_eq!(Made { size, ..made.clone() }.refused(), words);
        }
        assert_eq!(Made { interpretation: "RGB", ..made }.refused(), words);
    }
}

#[test]
fn what_is_not_read_is_named() {
    let made = Made::new((1, 1), 8, &[0]);
    for (syntax, name) in [
        ("1.2.840.10008.1.2.2", "big-endian values"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS"),
        ("1.2.840.10008.1.2.4.102", "H.264 video"),
        ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"),
        ("1.2.3.4", "an unknown transfer syntax"),
    ] {
        let words = format!("is an image that is not supported: DICOM with {name}");
        assert_eq!(Made { syntax, ..made.clone() }.refused(), words);
    }
    let words = |bits| format!("is an image that is not supported: DICOM with {bits}-bit samples");
    assert_eq!(Made { allocated: 32, ..made.clone() }.refused(), words(32));
    assert_eq!(Made { allocated: 1, ..made.clone() }.refused(), words(1));
    assert_eq!(Made { stored: 9, ..made }.refused(), "is damaged: its bits are not where they can be");
}

#[test]
fn what_holds_no_image_is_named() {
    let refused = |sop_class: &str, modality: &str| {
        let data_set = [
            element(0x0008_0016, b"UI", sop_class.as_bytes()),
            element(0x0008_0060, b"CS", modality.as_bytes()),
            element(0x0010_0010, b"PN", PATIENT.as_bytes()),
        ];
        crate::decode(&file(EXPLICIT, &data_set.concat()), &ALL).unwrap_err().to_string()
    };
    let storage = |of: &str| format!("1.2.840.10008.5.1.4.1.1.{of}");
    for (sop_class, modality, name) in [
        (storage("88.11"), "SR", "Structured Report (SR)"),
        (storage("88.59"), "KO", "Key Object Selection (KO)"),
        (storage("104.1"), "DOC", "Encapsulated PDF (DOC)"),
        (storage("9.1.1"), "ECG", "Waveform"),
        (storage("11.1"), "PR", "Presentation State (PR)"),
        (storage("481.3"), "RTSTRUCT", "Radiotherapy Structure Set (RTSTRUCT)"),
        ("1.2.3".to_owned(), "SR", "Structured Report (SR)"),
        ("1.2.3".to_owned(), PATIENT, "it has no pixels"),
    ] {
        assert_eq!(refused(&sop_class, modality), format!("is a DICOM file without an image: {name}"));
    }
}

#[test]
fn by_kerass_rules_dicom_is_refused_by_name() {
    let error = decode(&Made::new((1, 1), 8, &[0]).bytes()).unwrap_err();
    assert!(matches!(error, DecodeError::Dicom));
    assert_eq!(error.to_string(), "is a DICOM image, which `--formats all` reads");
}

#[test]
fn preamble_group_and_types_of_values_may_be_missing() {
    let made = Made::new((3, 1), 12, &[0, 2048, 4095]);
    let (whole, expected) = (made.bytes(), made.seen());
    let data_set = made.data_set();
    assert_eq!(crate::decode(&whole[132..], &ALL).unwrap().data, expected);
    assert_eq!(crate::decode(&data_set, &ALL).unwrap().data, expected);
    let implicit = [
        &b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100"[..],
        b"\x08\0\x10\x11\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\x08\0\x55\x11\x02\0\0\01 ",
        b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0",
        b"\x28\0\x10\0\x02\0\0\0\x01\0\x28\0\x11\0\x02\0\0\0\x03\0\x28\0\0\x01\x02\0\0\0\x10\0",
        b"\x28\0\x01\x01\x02\0\0\0\x0c\0\xe0\x7f\x10\0\x06\0\0\0\0\0\0\x08\xff\x0f",
    ]
    .concat();
    assert_eq!(crate::decode(&implicit, &ALL).unwrap().data, expected);
    assert_eq!(crate::decode(&file("1.2.840.10008.1.2", &implicit), &ALL).unwrap().data, expected);
}

#[test]
fn a_deflated_data_set_is_inflated_within_limits() {
    use std::io::Write as _;
    let deflated = |data_set: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data_set).unwrap();
        file("1.2.840.10008.1.2.1.99", &encoder.finish().unwrap())
    };
    let made = Made::new((3, 1), 8, &[1, 2, 3]);
    let bytes = deflated(&made.data_set());
    assert_eq!(crate::decode(&bytes, &ALL).unwrap().data, [1, 2, 3]);
    assert!(matches!(crate::decode(&bytes[..bytes.len() - 30], &ALL), Err(DecodeError::CutOff)));
    let bomb = deflated(&vec![0; 1 << 20]);
    let tight = Decoding { max_pixels: 1000, ..ALL };
    let error = crate::decode(&bomb, &tight).unwrap_err();
    assert_eq!(error.to_string(), "is an image that is not supported: it needs too much memory");
}
