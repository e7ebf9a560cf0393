//! Decoding by the rules of [`Formats::All`]: what a viewer shows.

use super::*;

pub(super) const ALL: Decoding = Decoding { formats: Formats::All, ..KERAS };

fn viewed(bytes: &[u8]) -> (usize, Vec<u8>) {
    let pixels = decode_by(bytes, &ALL).unwrap();
    assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
    (pixels.channels, pixels.data)
}

#[test]
fn png_is_scaled_and_put_over_black() {
    let row = |width, depth, colour, row: &[u8], transparent: &[u8]| {
        let palette: &[u8] = if colour == 3 { &[10, 20, 30, 100, 110, 120] } else { &[] };
        viewed(&png((width, 1), depth, colour, &[row], palette, transparent))
    };
    // What is 8-bit gray or RGB, or becomes that without loss, is the same by both rules.
    assert_eq!(row(4, 2, 0, &[0x1b], &[]), (1, vec![0, 85, 170, 255]));
    assert_eq!(row(2, 8, 2, &[1, 2, 3, 255, 254, 253], &[]), (3, vec![1, 2, 3, 255, 254, 253]));
    assert_eq!(row(4, 1, 3, &[0x40], &[]).1[..6], [10, 20, 30, 100, 110, 120]);
    // v · 255 / 65535, not cut at 255.
    let wide = [0, 0, 0, 200, 1, 0, 0x80, 0, 255, 255];
    assert_eq!(row(5, 16, 0, &wide, &[]), (1, vec![0, 1, 1, 128, 255]));
    assert_eq!(row(1, 16, 2, &[1, 255, 2, 128, 255, 255], &[]), (3, vec![2, 2, 255]));
    // Alpha: half, none, all.
    assert_eq!(row(3, 8, 4, &[10, 0, 200, 128, 77, 255], &[]), (1, vec![0, 100, 77]));
    assert_eq!(row(2, 16, 4, &[255, 255, 128, 0, 255, 255, 0, 0], &[]), (1, vec![128, 0]));
    assert_eq!(row(1, 8, 6, &[200, 100, 50, 51], &[]), (3, vec![40, 20, 10]));
    // Transparent colours and palette entries.
    assert_eq!(row(4, 8, 0, &[0, 0x55, 0xaa, 0xff], &[0, 0x55]), (1, vec![0, 0, 170, 255]));
    assert_eq!(row(2, 16, 0, &[0, 200, 255, 255], &[0, 200]), (1, vec![0, 255]));
    assert_eq!(row(2, 1, 3, &[0x40], &[128]).1, [5, 10, 15, 100, 110, 120]);
}

#[test]
fn other_formats_are_scaled_and_put_over_black() {
    assert_eq!(viewed(b"P5 4 1 65535\n\0\0\0\xc8\x01\0\xff\xff"), (1, vec![0, 1, 1, 255]));
    assert_eq!(viewed(b"P5 4 1 100\n\x00\x0a\x32\x64"), (1, vec![0, 26, 128, 255]));
    assert_eq!(viewed(b"P5 3 1 1000\n\0\0\x01\xf4\x03\xe8"), (1, vec![0, 128, 255]));
    let written = |image: DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        viewed(bytes.get_ref())
    };
    let gray = image::ImageBuffer::from_raw(4, 1, vec![0, 200, 256, 65535_u16]).unwrap();
    assert_eq!(written(DynamicImage::ImageLuma16(gray), ImageFormat::Tiff), (1, vec![0, 1, 1, 255]));
    let rgb = image::ImageBuffer::from_raw(1, 1, vec![0x01ff, 0x0280, 0xffff_u16]).unwrap();
    assert_eq!(written(DynamicImage::ImageRgb16(rgb), ImageFormat::Tiff), (3, vec![2, 2, 255]));
    let rgba = image::ImageBuffer::from_raw(1, 1, vec![65535, 32768, 0, 32768_u16]).unwrap();
    assert_eq!(written(DynamicImage::ImageRgba16(rgba), ImageFormat::Tiff), (3, vec![128, 64, 0]));
    for format in [ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp] {
        let rgba = image::ImageBuffer::from_raw(2, 1, vec![200, 100, 50, 51, 1, 2, 3, 255_u8]).unwrap();
        let seen = written(DynamicImage::ImageRgba8(rgba), format);
        assert_eq!(seen, (3, vec![40, 20, 10, 1, 2, 3]), "{format:?}");
    }
}

/// EXIF with nothing but an orientation, in either byte order.
fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
    match big_endian {
        false => [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]]
            .concat(),
        true => [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"[..], &[0, orientation, 0, 0, 0, 0, 0, 0]]
            .concat(),
    }
}

fn chunk_of(exif: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    chunk(b"eXIf", exif, &mut bytes);
    bytes
}

fn with_app1(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() + 8) as u16;
    [&jpeg[..2], &[0xff, 0xe1], &length.to_be_bytes(), b"Exif\0\0", exif, &jpeg[2..]].concat()
}

#[test]
fn images_are_turned_as_exif_says_and_by_kerass_rules_they_are_not() {
    let raw: Vec<u8> = (0..24).collect();
    let plain = png((6, 4), 8, 0, &[&raw], &[], &[]);
    let (before, after) = plain.split_at(33);
    let (pixels, end) = after.split_at(after.len() - 12);
    let stored = decode_by(&plain, &ALL).unwrap();
    let orientations = (1..=8).flat_map(|orientation| [(orientation, false), (orientation, true)]);
    for (orientation, big_endian) in orientations {
        let exif = exif(orientation, big_endian);
        let seen =
            orientation::turn(stored.clone(), image::metadata::Orientation::from_exif(orientation).unwrap());
        // Before and behind the pixels.
        let chunk = chunk_of(&exif);
        for bytes in [[before, &chunk, after].concat(), [before, pixels, &chunk, end].concat()] {
            assert_eq!(decode_by(&bytes, &ALL).unwrap(), seen, "{orientation}");
            assert_eq!(decode(&bytes).unwrap(), stored);
            for size in [2, 3, 7] {
                let resized =
                    crate::decode_resized(&bytes, size, Interpolation::Nearest, &ALL).unwrap().pixels;
                assert_eq!(resized, resize(&seen, size, Interpolation::Nearest).unwrap());
            }
        }
        let jpeg = with_app1(BASELINE, &exif);
        let whole = decode(BASELINE).unwrap();
        assert_eq!(decode(&jpeg).unwrap(), whole);
        let turn = image::metadata::Orientation::from_exif(orientation).unwrap();
        let seen = orientation::turn(whole, turn);
        assert_eq!(decode_by(&jpeg, &ALL).unwrap(), seen);
        assert_eq!(decode_by(&jpeg[..jpeg.len() - 2], &ALL).unwrap(), seen, "without its end marker");
    }
}

#[test]
fn an_orientation_that_is_none_changes_nothing() {
    let whole = decode(BASELINE).unwrap();
    for exif in [exif(0, false), exif(9, true), exif(6, false)[..9].to_vec(), b"II*".to_vec(), vec![]] {
        assert_eq!(decode_by(&with_app1(BASELINE, &exif), &ALL).unwrap(), whole);
        let plain = png((2, 1), 8, 0, &[&[1, 2]], &[], &[]);
        let bytes = [&plain[..33], &chunk_of(&exif), &plain[33..]].concat();
        assert_eq!(viewed(&bytes), (1, vec![1, 2]));
    }
    // A chunk that goes on beyond the file.
    let mut bytes = png((2, 1), 8, 0, &[&[1, 2]], &[], &[]);
    bytes.extend([0xff, 0xff, 0xff, 0xff]);
    bytes.extend(b"eXIf");
    assert_eq!(viewed(&bytes), (1, vec![1, 2]));
}

#[test]
fn resizing_while_decoding_changes_nothing_by_these_rules_either() {
    for (depth, colour) in
        [(1, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 4), (16, 4), (8, 6), (16, 6), (4, 3)]
    {
        let samples = png::ColorType::from_u8(colour).unwrap().samples();
        let row = (13 * samples * usize::from(depth)).div_ceil(8);
        let raw: Vec<u8> = (0..row * 9).map(|i| (i * 37 + i / 7) as u8).collect();
        let palette: Vec<u8> = if colour == 3 { (0..48).map(|i| i * 5).collect() } else { vec![] };
        let transparent: &[u8] = if colour == 3 { &[0, 50, 100] } else { &[] };
        let bytes = png((13, 9), depth, colour, &[&raw], &palette, transparent);
        let whole = decode_by(&bytes, &ALL).unwrap();
        for (_, kind) in Interpolation::ALL {
            for size in [1, 5, 13, 30] {
                let resized = crate::decode_resized(&bytes, size, kind, &ALL).unwrap().pixels;
                assert_eq!(
                    resized,
                    resize(&whole, size, kind).unwrap(),
                    "{depth}, {colour}, {kind} to {size}"
                );
            }
        }
    }
}

#[test]
fn a_jpeg_of_twelve_bits_is_refused_by_name() {
    let mut bytes = BASELINE.to_vec();
    let frame = bytes.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    bytes[frame + 1] = 0xc1;
    bytes[frame + 4] = 12;
    for decoding in [KERAS, ALL] {
        let error = decode_by(&bytes, &decoding).unwrap_err();
        assert_eq!(error.to_string(), "is an image that is not supported: JPEG with 12 bits a sample");
    }
}

/// The default rules are the general ones: where a file has 8 bits or fewer, no alpha and no orientation, they are Keras' too.
#[test]
fn plain_files_have_the_same_values_by_both_rules() {
    let ramp: Vec<u8> = (0..=255).collect();
    let colours: Vec<u8> = (0..=255).flat_map(|v: u8| [v, 255 - v, v / 2]).collect();
    let palette: Vec<u8> = (0..=255).flat_map(|v: u8| [v, v / 3, 255 - v]).collect();
    let bits: Vec<u8> = (0..32).map(|i: u8| i.wrapping_mul(37)).collect();
    let mut files = vec![
        png((16, 16), 8, 0, &ramp.chunks(16).collect::<Vec<_>>(), &[], &[]),
        png((16, 16), 8, 2, &colours.chunks(48).collect::<Vec<_>>(), &[], &[]),
        png((16, 16), 8, 3, &ramp.chunks(16).collect::<Vec<_>>(), &palette, &[]),
        interlaced(),
        BASELINE.to_vec(),
        PROGRESSIVE.to_vec(),
    ];
    files.extend([1, 2, 4].map(|depth| {
        png((8, 4), depth, 0, &bits.chunks(depth.into()).take(4).collect::<Vec<_>>(), &[], &[])
    }));
    for file in files {
        let (keras, general) =
            (super::super::decode(&file, &KERAS).unwrap(), super::super::decode(&file, &ALL).unwrap());
        assert_eq!(keras, general);
        assert!(keras.notes.is_empty());
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let resized = |decoding| super::super::decode_resized(&file, 7, interpolation, decoding).unwrap();
            assert_eq!(resized(&KERAS), resized(&ALL));
        }
    }
}

#[test]
fn sixteen_bits_cut_by_kerass_rules_are_noted_and_scaled_ones_are_not() {
    let wide = |value: u16| {
        let row: Vec<u8> = [3, value, 9].iter().flat_map(|v| v.to_be_bytes()).collect();
        png((3, 1), 16, 0, &[&row], &[], &[])
    };
    for (value, is_cut) in [(255, false), (256, true)] {
        let by = |decoding| super::super::decode(&wide(value), decoding).unwrap().notes;
        assert_eq!(by(&KERAS), DecodeNotes { is_cut, ..DecodeNotes::default() });
        assert!(by(&ALL).is_empty());
        let small = super::super::decode_resized(&wide(value), 3, Interpolation::Nearest, &KERAS).unwrap();
        assert_eq!(small.notes.is_cut, is_cut);
    }
}
