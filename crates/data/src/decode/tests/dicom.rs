//! DICOM files: pixels that are shown, and files that are refused.

mod compressed;
mod damage;
mod frames;
mod made;
mod syntaxes;

use super::*;
use made::{
    ALL, CODESTREAMS, EXPLICIT, EXTENDED, JPEG_LS, JPEG2000, LOSSLESS, Made, PATIENT, element, file, item,
    table, twelve_bits, word,
};

#[test]
fn without_a_window_the_range_of_its_own_values_is_shown() {
    assert_eq!(Made::new((3, 1), 8, &[0, 128, 255]).seen(), [0, 128, 255]);
    assert_eq!(Made::new((4, 1), 12, &[0, 2048, 4095, 100]).seen(), [0, 128, 255, 6]);
    // 12 bits that are stored as 16, which were nearly black by the range of those: (v − 800) / 3200 · 255.
    assert_eq!(Made::new((1, 4), 16, &[800, 1600, 2400, 4000]).seen(), [0, 64, 128, 255]);
    assert_eq!(Made::new((3, 1), 12, &[-100, 0, 300]).seen(), [0, 64, 255]);
    assert_eq!(Made::new((3, 1), 8, &[-128, 0, 127]).seen(), [0, 128, 255]);
    // Values behind the modality LUT, a falling one too.
    let falling = Made::new((3, 1), 8, &[50, 100, 250]).with(0x0028_1052, b"DS", "255").with(
        0x0028_1053,
        b"DS",
        "-1.0",
    );
    assert_eq!(falling.seen(), [255, 191, 0]);
    let inverted = Made { interpretation: "MONOCHROME1", ..Made::new((3, 1), 8, &[50, 100, 250]) };
    assert_eq!(inverted.seen(), [255, 191, 0]);
    // Of a single value there is no range.
    assert_eq!(Made::new((2, 1), 16, &[9000, 9000]).seen(), [0, 0]);

    let notes = |made: &Made| super::super::decode(&made.bytes(), &ALL).unwrap().notes;
    let made = Made::new((2, 1), 12, &[0, 9]);
    assert!(notes(&made).without_window);
    let window = made.with(0x0028_1050, b"DS", "5").with(0x0028_1051, b"DS", "10");
    assert!(notes(&window).is_empty());
    let rgb = Made { interpretation: "RGB", ..Made::new((1, 1), 8, &[1, 2, 3]) };
    assert!(notes(&rgb).is_empty());
}

#[test]
fn padding_is_no_part_of_the_range() {
    let made = |values: &[i32], padding: &[i16]| {
        let mut made = Made::new((values.len() as u16, 1), 16, values);
        for (tag, value) in (0x0028_0120..).zip(padding) {
            made.extra.extend(element(tag, b"SS", &value.to_le_bytes()));
        }
        made.seen()
    };
    assert_eq!(made(&[-2000, 100, 400, 1100], &[-2000]), [0, 0, 77, 255]);
    assert_eq!(made(&[30000, 100, 400, 1100], &[30000]), [255, 0, 77, 255]);
    // From the one to the other, in either order.
    assert_eq!(made(&[-2000, -1900, -1800, 100, 400, 1100], &[-2000, -1800]), [0, 0, 0, 0, 77, 255]);
    assert_eq!(made(&[-2000, -1900, -1800, 100, 400, 1100], &[-1800, -2000]), [0, 0, 0, 0, 77, 255]);
    // Nothing but padding, and a value that 12 bits cannot hold.
    assert_eq!(made(&[-2000, -2000], &[-2000]), [0, 0]);
    let mut narrow = Made::new((3, 1), 12, &[0, 2096, 4095]);
    narrow.extra = element(0x0028_0120, b"US", &63536_u16.to_le_bytes());
    assert_eq!(narrow.seen(), [0, 131, 255]);
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
        let made = Made::new((8, 1), 12, &values).with(0x0028_1050, b"DS", "200\\7").with(
            0x0028_1051,
            b"DS",
            " 101\\9 ",
        );
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
    let threshold = Made::new((3, 1), 12, &[99, 100, 101]).with(0x0028_1050, b"DS", "100.5").with(
        0x0028_1051,
        b"DS",
        "1",
    );
    assert_eq!(threshold.seen(), [0, 0, 255]);
    // What is no window is left out.
    for width in ["0", "-5", "nan", "inf", "", "wide"] {
        let made =
            Made::new((2, 1), 8, &[0, 100]).with(0x0028_1050, b"DS", "9").with(0x0028_1051, b"DS", width);
        assert_eq!(made.seen(), [0, 255], "{width}");
    }
    // The first that is one.
    let second = Made::new((3, 1), 8, &[0, 100, 200]);
    let second = second.with(0x0028_1050, b"DS", "9\\100.5").with(0x0028_1051, b"DS", "0\\101");
    assert_eq!(second.seen(), [0, 128, 255]);
}

#[test]
fn numbers_may_have_a_decimal_comma() {
    let values = [0, 100, 255];
    let made = |slope: &str, center: &str| {
        let made = Made::new((3, 1), 8, &values).with(0x0028_1050, b"DS", center);
        made.with(0x0028_1051, b"DS", "101,0").with(0x0028_1052, b"DS", "0").with(0x0028_1053, b"DS", slope)
    };
    assert_eq!(made("0,5", "50,5").seen(), made("0.5", "50.5").seen());
    assert_eq!(made("0,5", "50,5").seen(), [0, 128, 255]);
}

#[test]
fn tables_are_looked_up_and_a_window_goes_before_the_second() {
    let mut made = Made::new((5, 1), 8, &[0, 10, 11, 12, 255]);
    made.extra = table(0x0028_3010, 10, &[0, 2048, 4095], 12);
    assert_eq!(made.seen(), [0, 0, 128, 255, 255]);
    made.extra =
        [element(0x0028_1050, b"DS", b"128"), element(0x0028_1051, b"DS", b"256"), made.extra].concat();
    assert_eq!(made.seen(), [0, 10, 11, 12, 255]);
    made.extra = table(0x0028_3000, 10, &[0, 100, 255], 8);
    assert_eq!(made.seen(), [0, 0, 100, 255, 255]);
    // One that is cut short, and one that is empty.
    made.extra = table(0x0028_3000, 10, &[0, 100, 255], 8);
    let length = made.extra.len();
    made.extra[length - 14 - 6] = 9;
    assert_eq!(made.refused(), "is damaged: a look-up table is shorter than it says");
    made.extra = element(0x0028_3000, b"SQ", &[]);
    assert_eq!(made.seen(), [0, 10, 11, 12, 255]);
    // Items without a table, as writers leave them that fill in every element.
    let descriptor = element(0x0028_3002, b"US", &[3, 0, 10, 0, 8, 0]);
    for empty in [vec![], element(0x0028_3003, b"LO", b""), descriptor] {
        made.extra = [0x0028_3000, 0x0028_3010].map(|tag| element(tag, b"SQ", &item(&empty))).concat();
        assert_eq!(made.seen(), [0, 10, 11, 12, 255]);
    }
}

/// Expected values by C.7.9.2; those of bytes are also what pydicom's `apply_color_lut` gives.
#[test]
fn segmented_palettes_are_expanded() {
    let made = |bits: u16, segments: &[u8], count: u16, values: &[i32]| {
        let size = (values.len() as u16, 1);
        let mut palette = Made { interpretation: "PALETTE COLOR", ..Made::new(size, 8, values) };
        for channel in 0..3_u32 {
            let descriptor = [count, 0, bits].map(u16::to_le_bytes).concat();
            palette.extra.extend(element(0x0028_1101 + channel, b"US", &descriptor));
        }
        for channel in 0..3_u32 {
            palette.extra.extend(element(0x0028_1221 + channel, b"OW", segments));
        }
        palette
    };
    let red = |made: &Made| made.seen().iter().step_by(3).copied().collect::<Vec<_>>();
    // Two entries as they are, five on a line to 110, and both segments again by an indirect one.
    let bytes = [0, 2, 7, 10, 1, 5, 110, 2, 2, 0, 0, 0, 0];
    let all: Vec<i32> = (0..14).collect();
    let expected = [7, 10, 30, 50, 70, 90, 110, 7, 10, 30, 50, 70, 90, 110];
    assert_eq!(red(&made(8, &bytes, 14, &all)), expected);
    let words: Vec<u8> =
        [0_u16, 1, 0, 1, 3, 65535, 2, 1, 6, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    // The indirect one points at the line, which then goes from its end to its end.
    assert_eq!(red(&made(16, &words, 7, &[0, 1, 2, 3, 4, 5, 6])), [0, 85, 170, 255, 255, 255, 255]);
    let broken = "is damaged: a segmented look-up table contradicts itself";
    for segments in [&[1, 5, 110][..], &[0, 9, 1], &[3, 1, 1], &[0, 1, 7, 2, 1, 9, 0, 9, 0], &[0, 0, 0, 0]] {
        assert_eq!(made(8, segments, 14, &all).refused(), broken, "{segments:?}");
    }
    assert_eq!(
        made(8, &[0, 2, 7, 10], 14, &all).refused(),
        "is damaged: a look-up table is shorter than it says"
    );
    assert_eq!(made(8, &[], 14, &all).refused(), "is damaged: its palette is missing");
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
    // Chroma for two pixels, and, by a file that only says so, for each.
    assert_eq!(
        made("YBR_FULL_422", &[255, 76, 85, 255]).seen(),
        made("YBR_FULL", &[255, 85, 255, 76, 85, 255]).seen()
    );
    let whole = [255, 128, 128, 76, 85, 255];
    assert_eq!(made("YBR_FULL_422", &whole).seen(), made("YBR_FULL", &whole).seen());
    assert_eq!(made("YBR_FULL_422", &[255, 76]).refused(), "is cut off");
    for (rare, name) in [
        ("HSV", "colours of kind HSV"),
        ("YBR_PARTIAL_422", "colours of kind YBR_PARTIAL_422"),
        (PATIENT, "a kind of colours that does not fit its samples"),
        ("MONOCHROME2", "a kind of colours that does not fit its samples"),
    ] {
        let words = format!("is an image that is not supported: DICOM with {name}");
        let mut made = made("RGB", &[0; 6]).data_set();
        let at = made.windows(4).position(|four| four == b"RGB ").unwrap();
        made.splice(
            at - 2..at + 4,
            [
                &(rare.len().next_multiple_of(2) as u16).to_le_bytes()[..],
                rare.as_bytes(),
                if rare.len() % 2 == 1 { b" " } else { b"" },
            ]
            .concat(),
        );
        assert_eq!(decode_by(&file(EXPLICIT, &made), &ALL).unwrap_err().to_string(), words);
    }
}

#[test]
fn samples_of_1_and_32_bits_are_read() {
    let mut bits = Made { allocated: 1, stored: 1, ..Made::new((5, 2), 8, &[]) };
    // The first pixel is the lowest bit.
    bits.pixels = vec![0b0100_1101, 0b10];
    assert_eq!(bits.seen(), [255, 0, 255, 255, 0, 0, 255, 0, 0, 255]);
    let wide: Vec<u8> =
        [3_000_000_000_u32, 3_000_000_100, 3_000_000_200].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut wide = Made { allocated: 32, stored: 32, pixels: wide, ..Made::new((3, 1), 8, &[]) };
    assert_eq!(wide.seen(), [0, 128, 255]);
    wide.signed = true;
    wide.pixels = [-7_i32, 0, 7].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(wide.seen(), [0, 128, 255]);
    let mut rle = Made { syntax: "1.2.840.10008.1.2.5", encapsulated: true, ..wide };
    rle.pixels = Made::rle(&[&[0, 0, 1], &[0, 1, 0], &[0, 0, 0], &[0, 0, 0]]);
    // 0, 65536 and 16777216.
    assert_eq!(rle.seen(), [0, 1, 255]);
    let mut rgb = Made { interpretation: "RGB", ..Made::new((1, 1), 8, &[]) };
    (rgb.allocated, rgb.stored) = (32, 32);
    rgb.pixels = [0, u32::MAX / 2 + 1, u32::MAX].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(rgb.seen(), [0, 128, 255]);
}

#[test]
fn what_is_not_read_is_named() {
    let made = Made { encapsulated: true, ..Made::new((1, 1), 8, &[0]) };
    for (syntax, name) in [
        ("1.2.840.10008.1.2.4.102", "H.264 video"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL"),
        ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"),
        ("1.2.3.4", "an unknown transfer syntax"),
    ] {
        let words = format!("is an image that is not supported: DICOM with {name}");
        assert_eq!(Made { syntax, ..made.clone() }.refused(), words);
    }
    let words =
        |bits| format!("is an image that is not supported: DICOM with {bits}-bit samples of this kind");
    let made = Made::new((1, 1), 8, &[0]);
    assert_eq!(Made { allocated: 64, ..made.clone() }.refused(), words(64));
    assert_eq!(Made { allocated: 12, ..made.clone() }.refused(), words(12));
    let palette = Made { interpretation: "PALETTE COLOR", allocated: 32, ..made.clone() };
    assert_eq!(palette.refused(), words(32));
    assert_eq!(
        Made { stored: 9, ..made.clone() }.refused(),
        "is damaged: its bits are not where they can be"
    );
    let mut floats = made.data_set();
    let at = floats.windows(4).position(|four| four == b"\xe0\x7f\x10\0").unwrap();
    floats.splice(at + 2..at + 3, [8]);
    let words = "is an image that is not supported: DICOM with floating-point samples";
    assert_eq!(decode_by(&file(EXPLICIT, &floats), &ALL).unwrap_err().to_string(), words);
    // High-Throughput JPEG 2000 under the name of its elder: capabilities behind SIZ.
    let siz = u16::from_be_bytes([JPEG2000[4], JPEG2000[5]]);
    let mut high = JPEG2000.to_vec();
    high.splice(4 + usize::from(siz)..4 + usize::from(siz), *b"\xff\x50\0\x08\0\x02\0\0\0\0");
    let words = "is an image that is not supported: DICOM with High-Throughput JPEG 2000";
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.90", &high).refused(), words);
}

#[test]
fn what_holds_no_image_is_named() {
    let refused = |sop_class: &str, modality: &str| {
        let data_set = [
            element(0x0008_0016, b"UI", sop_class.as_bytes()),
            element(0x0008_0060, b"CS", modality.as_bytes()),
            element(0x0010_0010, b"PN", PATIENT.as_bytes()),
        ];
        decode_by(&file(EXPLICIT, &data_set.concat()), &ALL).unwrap_err().to_string()
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
    assert_eq!(decode_by(&whole[132..], &ALL).unwrap().data, expected);
    assert_eq!(decode_by(&data_set, &ALL).unwrap().data, expected);
    let implicit = [
        &b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100"[..],
        b"\x08\0\x10\x11\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\x08\0\x55\x11\x02\0\0\x001 ",
        b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0",
        b"\x28\0\x10\0\x02\0\0\0\x01\0\x28\0\x11\0\x02\0\0\0\x03\0\x28\0\0\x01\x02\0\0\0\x10\0",
        b"\x28\0\x01\x01\x02\0\0\0\x0c\0\xe0\x7f\x10\0\x06\0\0\0\0\0\0\x08\xff\x0f",
    ]
    .concat();
    assert_eq!(decode_by(&implicit, &ALL).unwrap().data, expected);
    assert_eq!(decode_by(&file("1.2.840.10008.1.2", &implicit), &ALL).unwrap().data, expected);
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
    assert_eq!(decode_by(&bytes, &ALL).unwrap().data, [0, 128, 255]);
    assert!(matches!(decode_by(&bytes[..bytes.len() - 30], &ALL), Err(DecodeError::CutOff)));
    let bomb = deflated(&vec![0; 1 << 20]);
    let tight = Decoding { max_pixels: 1000, ..ALL };
    let error = decode_by(&bomb, &tight).unwrap_err();
    assert_eq!(error.to_string(), "is an image that is not supported: it needs too much memory");
}
