//! Heads that are missing or wrong, data sets that are written otherwise than they say, and ends that are left out. Each file
//! is whole, and DCMTK, pydicom or both read it.

use super::*;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const BASELINE_JPEG: &str = "1.2.840.10008.1.2.4.50";

fn seen(bytes: &[u8]) -> Vec<u8> {
    decode_by(bytes, &ALL).unwrap().data
}

/// Writes a data set without the types of its values, of which none is in a sequence.
fn untyped(data_set: &[u8]) -> Vec<u8> {
    let (mut rest, mut bytes) = (data_set, Vec::new());
    while let [a, b, c, d, kind_1, kind_2, low, high, ..] = *rest {
        bytes.extend([a, b, c, d]);
        let length = match &[kind_1, kind_2] {
            b"OB" | b"OW" | b"SQ" | b"UN" => {
                let length = [rest[8], rest[9], rest[10], rest[11]];
                rest = &rest[12..];
                u32::from_le_bytes(length)
            }
            _ => {
                rest = &rest[8..];
                u16::from_le_bytes([low, high]).into()
            }
        };
        let (value, behind) = rest.split_at(length as usize);
        bytes.extend(length.to_le_bytes());
        bytes.extend(value);
        rest = behind;
    }
    bytes
}

/// An image whose data set has no sequence.
fn plain() -> (Vec<u8>, Vec<u8>) {
    let made = Made::new((3, 1), 12, &[100, 1100, 2100]);
    let data_set = made.data_set();
    let find = |tag: &[u8]| data_set.windows(4).position(|four| four == tag).unwrap();
    let (start, end) = (find(b"\x08\0\x10\x11"), find(b"\x10\0\x10\0"));
    ([&data_set[..start], &data_set[end..]].concat(), made.seen())
}

#[test]
fn a_data_set_is_read_as_it_is_written_whatever_its_head_says() {
    let (explicit, expected) = plain();
    let implicit = untyped(&explicit);
    for syntax in
        [EXPLICIT, IMPLICIT, BIG_ENDIAN, "1.2.840.10008.1.2.1.99", BASELINE_JPEG, "1.2.840.10008.1.2.5"]
    {
        assert_eq!(seen(&file(syntax, &explicit)), expected, "{syntax}");
        assert_eq!(seen(&file(syntax, &implicit)), expected, "{syntax}, without types");
    }
    // No transfer syntax, an empty one, and no mark.
    let whole = file(EXPLICIT, &explicit);
    let at = whole.windows(4).position(|four| four == b"\x02\0\x10\0").unwrap();
    let missing = [&whole[..at], &whole[at + 8 + EXPLICIT.len() + 1..]].concat();
    assert_eq!(seen(&missing), expected);
    assert_eq!(seen(&file("", &implicit)), expected);
    // Deflated, and called explicit.
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&explicit).unwrap();
    assert_eq!(seen(&file(EXPLICIT, &encoder.finish().unwrap())), expected);
}

/// Elements without types in a data set that has them: a sequence taken from another file, and the look-up table in it.
#[test]
fn elements_without_types_may_stand_among_others() {
    let mut made = Made::new((5, 1), 8, &[0, 10, 11, 12, 255]);
    made.extra = table(0x0028_3010, 10, &[0, 2048, 4095], 12);
    let expected = made.seen();
    let content = &made.extra[12 + 8..];
    let content = untyped(content);
    made.extra = element(0x0028_3010, b"SQ", &item(&content));
    assert_eq!(made.seen(), expected);
    made.extra = untyped(&made.extra);
    assert_eq!(made.seen(), expected);
    // Open, and of unknown type: then its content has none either.
    for kind in [b"SQ", b"UN"] {
        made.extra =
            [b"\x28\0\x10\x30", &kind[..], b"\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"].concat();
        made.extra.extend(&content);
        made.extra.extend(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0");
        assert_eq!(made.seen(), expected);
    }
}

#[test]
fn a_bare_data_set_may_begin_with_any_element() {
    let (explicit, expected) = plain();
    let starts: Vec<&[u8]> = vec![
        b"\x08\0\x16\0",
        b"\x08\0\x20\0",
        b"\x08\0\x60\0",
        b"\x08\0\x30\x10",
        b"\x10\0\x10\0",
        b"\x28\0\x02\0",
    ];
    for start in starts {
        let at = explicit.windows(4).position(|four| four == start).unwrap();
        for bare in [explicit[at..].to_vec(), untyped(&explicit[at..])] {
            assert_eq!(sniff(&bare[..bare.len().min(132)]), Some("DICOM"), "{start:02x?}");
            assert_eq!(seen(&bare), expected, "{start:02x?}");
        }
    }
}

#[test]
fn big_endian_is_read() {
    let swapped = |values: &[u16]| values.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
    let element = |tag: u32, kind: &[u8; 2], value: &[u8]| {
        let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_be_bytes).concat();
        bytes.extend(kind);
        if matches!(kind, b"OB" | b"OW") {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_be_bytes());
        } else {
            bytes.extend((value.len() as u16).to_be_bytes());
        }
        [bytes, value.to_vec()].concat()
    };
    let image = |bits: u16, kind: &[u8; 2], pixels: &[u8]| {
        [
            element(0x0008_0060, b"CS", b"DX"),
            element(0x0028_0010, b"US", &swapped(&[1])),
            element(0x0028_0011, b"US", &swapped(&[4])),
            element(0x0028_0100, b"US", &swapped(&[bits])),
            element(0x0028_1050, b"DS", b"128 "),
            element(0x0028_1051, b"DS", b"256 "),
            element(0x7fe0_0010, kind, pixels),
        ]
        .concat()
    };
    let wide = image(16, b"OW", &swapped(&[0, 100, 255, 256]));
    assert_eq!(seen(&file(BIG_ENDIAN, &wide)), [0, 100, 255, 255]);
    // Called little endian, and without a head.
    assert_eq!(seen(&file(EXPLICIT, &wide)), [0, 100, 255, 255]);
    assert_eq!(sniff(&wide), Some("DICOM"));
    assert_eq!(seen(&wide), [0, 100, 255, 255]);
    // Bytes are as they are; in words the first is the lower one.
    assert_eq!(seen(&file(BIG_ENDIAN, &image(8, b"OB", &[1, 2, 3, 4]))), [1, 2, 3, 4]);
    assert_eq!(seen(&file(BIG_ENDIAN, &image(8, b"OW", &[2, 1, 4, 3]))), [1, 2, 3, 4]);
    let long: Vec<u8> = [0_u32, 100, 255, 256].iter().flat_map(|v| v.to_be_bytes()).collect();
    assert_eq!(seen(&file(BIG_ENDIAN, &image(32, b"OW", &long))), [0, 100, 255, 255]);
}

#[test]
fn pixels_are_read_as_they_are_compressed_whatever_the_head_says() {
    for (codestream, right) in [
        (LOSSLESS, "1.2.840.10008.1.2.4.70"),
        (EXTENDED, "1.2.840.10008.1.2.4.51"),
        (JPEG2000, "1.2.840.10008.1.2.4.90"),
        (JPEG_LS, "1.2.840.10008.1.2.4.80"),
    ] {
        let expected = twelve_bits(right, codestream).seen();
        let wrong = [
            EXPLICIT,
            IMPLICIT,
            BASELINE_JPEG,
            "1.2.840.10008.1.2.4.70",
            "1.2.840.10008.1.2.4.80",
            "1.2.840.10008.1.2.4.90",
            "1.2.840.10008.1.2.5",
        ];
        for syntax in wrong {
            assert_eq!(twelve_bits(syntax, codestream).seen(), expected, "{syntax} for {right}");
        }
        // As a plain value, without fragments.
        let value = Made { encapsulated: false, ..twelve_bits(right, codestream) };
        assert_eq!(value.seen(), expected, "{right}");
        assert_eq!(Made { syntax: EXPLICIT, ..value }.seen(), expected, "{right}");
    }
    let rle = Made { encapsulated: true, pixels: Made::rle(&[&[1, 2, 3]]), ..Made::new((3, 1), 8, &[]) };
    assert_eq!(rle.seen(), [0, 128, 255]);
    // Native values that only begin like a JPEG.
    let made = Made::new((4, 1), 8, &[0xff, 0xd8, 0xff, 0]);
    assert_eq!(made.seen(), [255, 216, 255, 0]);
}

#[test]
fn ends_may_be_missing() {
    // Of the fragments: nothing, zeros, or an element that fills up.
    let rle = Made {
        syntax: "1.2.840.10008.1.2.5",
        encapsulated: true,
        pixels: Made::rle(&[&[1, 2, 3]]),
        ..Made::new((3, 1), 8, &[])
    };
    let bytes = rle.bytes();
    let open = &bytes[..bytes.len() - 8];
    for end in [&b""[..], &[0; 16], b"\xfc\xff\xfc\xffOB\0\0\x02\0\0\0\0\0"] {
        assert_eq!(seen(&[open, end].concat()), [0, 128, 255], "{end:?}");
    }
    // Of sequences and items, before an element of what is around them.
    let made = Made::new((3, 1), 8, &[0, 100, 255]);
    let data_set = made.data_set();
    let at = data_set.windows(4).position(|four| four == b"\x10\0\x10\0").unwrap();
    let header = b"\x08\0\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0";
    for sequence in [
        [&header[..], b"\xff\xff\xff\xff\x08\0\x55\x11UI\x02\x001\0\xfe\xff\x0d\xe0\0\0\0\0"].concat(),
        [&header[..], b"\xff\xff\xff\xff\x08\0\x55\x11UI\x02\x001\0\xfe\xff\xdd\xe0\0\0\0\0"].concat(),
        [&header[..], b"\x0a\0\0\0\x08\0\x55\x11UI\x02\x001\0"].concat(),
    ] {
        let bytes = [&data_set[..at], &sequence, &data_set[at..]].concat();
        assert_eq!(seen(&file(EXPLICIT, &bytes)), [0, 100, 255]);
    }
    // Of a JPEG: as a whole one, or cut off where a pixel is missing.
    let jpeg = |pixels: &[u8], size| {
        let pixels = pixels.to_vec();
        Made { syntax: BASELINE_JPEG, encapsulated: true, pixels, ..Made::new(size, 8, &[]) }
    };
    let whole = jpeg(BASELINE, (20, 24)).seen();
    let open = BASELINE.strip_suffix(b"\xff\xd9").unwrap();
    assert_eq!(jpeg(open, (20, 24)).seen(), whole);
    assert_eq!(jpeg(&open[..open.len() - 3], (20, 24)).refused(), "is cut off");
}
