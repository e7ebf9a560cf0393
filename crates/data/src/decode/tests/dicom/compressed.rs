//! Frames, and the codecs that they are compressed with.

use super::*;

#[test]
fn the_first_frame_is_shown() {
    let mut made = Made::new((2, 2), 8, &[1, 2, 3, 4]);
    made.pixels.extend([9; 8]);
    made.extra = element(0x0028_0008, b"IS", b"3");
    let seen = [0, 85, 170, 255];
    assert_eq!(made.seen(), seen);
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
        decode_by(&file(made.syntax, &bytes), &ALL)
    };
    let (first, second) = (frames[0].as_slice(), frames[1].as_slice());
    assert_eq!(with(&[], &[first, second]).unwrap().data, seen);
    let offset = (first.len().next_multiple_of(2) + 8) as u32;
    assert_eq!(with(&[0, offset], &[first, second]).unwrap().data, seen);
    let (a, b) = first.split_at(66);
    assert_eq!(with(&[0, offset + 8], &[a, b, second]).unwrap().data, seen);
    assert!(matches!(with(&[], &[]), Err(DecodeError::CutOff)));
}

#[test]
fn rle_is_unpacked() {
    let mut made = Made { syntax: "1.2.840.10008.1.2.5", encapsulated: true, ..Made::new((5, 1), 8, &[]) };
    // A literal of two, four copies, and a filling byte in between.
    made.pixels = Made::rle(&[&[0]]);
    made.pixels.truncate(64);
    made.pixels.extend([1, 7, 8, 128, 253, 9]);
    assert_eq!(made.seen(), [0, 128, 255, 255, 255]);
    (made.allocated, made.stored, made.size) = (16, 16, (2, 1));
    made.pixels = Made::rle(&[&[0, 255], &[0, 255]]);
    assert_eq!(made.seen(), [0, 255]);
    let window = made.clone().with(0x0028_1050, b"DS", "32768").with(0x0028_1051, b"DS", "65536");
    let upper_first = Made { pixels: Made::rle(&[&[128, 255], &[0, 255]]), ..window };
    assert_eq!(upper_first.seen(), [128, 255]);
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

#[test]
fn compressed_pixels_are_decoded_without_loss() {
    let value = |x: i32, y: i32| f64::from(90 * x + 30 * y + x * y % 7);
    // The least is 0, the greatest 90 · 32 + 30 · 31 + 992 mod 7.
    let expected: Vec<u8> =
        (0..32).flat_map(|y| (0..33).map(move |x| (value(x, y) * 255.0 / 3815.0).round() as u8)).collect();
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.70", LOSSLESS).seen(), expected);
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.90", JPEG2000).seen(), expected);
    assert_eq!(twelve_bits("1.2.840.10008.1.2.4.80", JPEG_LS).seen(), expected);
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

/// Coefficients are rounded to whole numbers, so that values are off by 1 of 4095 at most, as libjpeg's are.
#[test]
fn jpeg_of_12_bits_is_decoded() {
    let made = |pixels: &[u8]| {
        let made = twelve_bits("1.2.840.10008.1.2.4.51", pixels);
        // One step of this window is one value.
        made.with(0x0028_1050, b"DS", "1000").with(0x0028_1051, b"DS", "256")
    };
    let seen = made(EXTENDED).seen();
    for (i, shown) in seen.iter().enumerate() {
        let (x, y) = (i as i32 % 33, i as i32 / 33);
        let value = 90 * x + 30 * y + x * y % 7;
        let expected = (value - 872).clamp(0, 255);
        assert!((i32::from(*shown) - expected).abs() <= 1, "{x}, {y}: {shown} for {expected}");
    }
    // Of writers that say that no coefficient but the first is in the scan.
    let scan = EXTENDED.windows(2).position(|two| two == [0xff, 0xda]).unwrap();
    let mut first_only = EXTENDED.to_vec();
    assert_eq!(first_only[scan + 8], 63);
    first_only[scan + 8] = 0;
    assert_eq!(made(&first_only).seen(), seen);
    // What else has 12 bits is named.
    let frame = EXTENDED.windows(2).position(|two| two == [0xff, 0xc1]).unwrap();
    for (marker, name) in [
        (0xc2, "progressive JPEG of 12 bits"),
        (0xc9, "arithmetic coding in JPEG"),
        (0xc5, "hierarchical JPEG"),
    ] {
        let mut other = EXTENDED.to_vec();
        other[frame + 1] = marker;
        assert_eq!(made(&other).refused(), format!("is an image that is not supported: DICOM with {name}"));
    }
}

/// 24×10 pixels: `(13 x + 7 y + 50 c) mod 256` in channel c for x below 10, and `60 c + 20` behind. The sums of values, each
/// times its place from 1 on, are of what CharLS decodes.
#[test]
fn jpeg_ls_in_colour_is_decoded() {
    for (codestream, near, sum) in [
        (&include_bytes!("../../fixtures/plane0.jls")[..], 0, 27_335_677),
        (include_bytes!("../../fixtures/line2.jls"), 2, 27_337_815),
        (include_bytes!("../../fixtures/pixel2.jls"), 2, 27_262_428),
    ] {
        let made = Made {
            syntax: "1.2.840.10008.1.2.4.81",
            interpretation: "RGB",
            encapsulated: true,
            pixels: codestream.to_vec(),
            ..Made::new((24, 10), 8, &[])
        };
        let seen = made.seen();
        for (i, &value) in seen.iter().enumerate() {
            let (x, y, c) = (i / 3 % 24, i / 72, i % 3);
            let expected = if x < 10 { (13 * x + 7 * y + 50 * c) % 256 } else { 60 * c + 20 };
            assert!(expected.abs_diff(value.into()) <= near, "{x}, {y}, {c}: {value} for {expected}");
        }
        let found: usize = seen.iter().enumerate().map(|(i, &value)| (i + 1) * usize::from(value)).sum();
        assert_eq!(found, sum);
    }
}

#[test]
fn compressed_pixels_of_another_size_are_refused() {
    let words = "is damaged: its compressed pixels are of another size than it says";
    for (syntax, codestream) in CODESTREAMS {
        let made = twelve_bits(syntax, codestream);
        for size in [(32, 32), (33, 31), (32, 33), (65535, 4096)] {
            assert_eq!(Made { size, ..made.clone() }.refused(), words);
        }
        assert_eq!(Made { interpretation: "RGB", ..made }.refused(), words);
    }
}
