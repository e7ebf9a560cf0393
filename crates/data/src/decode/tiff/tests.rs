//! Files of every kind, made here; expected values by hand, or of Pillow 13.0 (libtiff) where it says so.

use super::*;
use crate::{Formats, decode::tests::KERAS};

mod made;

use made::{Made, MadePage, packed};

const ALL: Decoding = Decoding { formats: Formats::All, ..KERAS };

fn decoded(bytes: &[u8], decoding: &Decoding) -> Pixels {
    crate::decode(bytes, decoding).unwrap().pixels
}

fn both(page: &MadePage) -> [Vec<u8>; 2] {
    let bytes = page.bytes();
    [&ALL, &KERAS].map(|decoding| decoded(&bytes, decoding).data)
}

fn refused(page: &MadePage) -> String {
    let errors =
        [ALL, KERAS].map(|decoding| crate::decode(&page.bytes(), &decoding).unwrap_err().to_string());
    assert_eq!(errors[0], errors[1]);
    errors[0].clone()
}

/// A gray picture of 7×5 with values 3, 14, 25 and so on.
fn gray() -> Vec<u8> {
    (0..35_u8).map(|i| i.wrapping_mul(11).wrapping_add(3)).collect()
}

#[test]
fn all_layouts_give_the_same_pixels() {
    let rgb: Vec<u8> = (0..105_u8).map(|i| i.wrapping_mul(37)).collect();
    let planes = [0, 1, 2].map(|channel| rgb.iter().skip(channel).step_by(3).copied().collect::<Vec<u8>>());
    for compression in [1, 5, 8, 32946, 32773] {
        for predictor in [1, 2] {
            if predictor == 2 && !matches!(compression, 5 | 8 | 32946) {
                continue;
            }
            for big_endian in [false, true] {
                for big in [false, true] {
                    for fill_order in [1, 2] {
                        let base = MadePage::new([7, 5], 8)
                            .with(266, &[fill_order])
                            .with(259, &[compression])
                            .with(317, &[predictor]);
                        // Strips of two rows, the last of one; tiles that are no divisors of either side.
                        let strips = base.clone().strips(&gray(), 2);
                        let tiles = base.clone().tiles(&gray(), [16, 16]);
                        let small = base.clone().tiles(&gray(), [4, 3]);
                        for page in [strips, tiles, small] {
                            let bytes = Made { big_endian, big, pages: vec![page] }.bytes();
                            for decoding in [ALL, KERAS] {
                                let pixels = decoded(&bytes, &decoding);
                                assert_eq!((pixels.width, pixels.height, pixels.channels), (7, 5, 1));
                                assert_eq!(pixels.data, gray(), "{compression}, {predictor}");
                            }
                        }
                        let colour = base.clone().rgb();
                        let contiguous = [colour.clone().strips(&rgb, 4), colour.clone().tiles(&rgb, [4, 3])];
                        let planar = colour.with(284, &[2]);
                        let separate = [
                            planar.clone().strips_of_planes(&planes, 2),
                            planar.tiles_of_planes(&planes, [4, 3]),
                        ];
                        for page in contiguous.into_iter().chain(separate) {
                            let bytes = Made { big_endian, big, pages: vec![page] }.bytes();
                            for decoding in [ALL, KERAS] {
                                assert_eq!(
                                    decoded(&bytes, &decoding).data,
                                    rgb,
                                    "{compression}, {predictor}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_number_of_bits_is_spread_over_the_range() {
    for (bits, values, shown) in [
        (1, vec![0, 1, 1, 0], [0, 255, 255, 0]),
        (2, vec![0, 1, 2, 3], [0, 85, 170, 255]),
        (4, vec![0, 1, 8, 15], [0, 17, 136, 255]),
        (6, vec![0, 1, 32, 63], [0, 4, 130, 255]),
        (8, vec![0, 1, 128, 255], [0, 1, 128, 255]),
        (12, vec![0, 8, 2048, 4095], [0, 0, 128, 255]),
        (14, vec![0, 33, 8192, 16383], [0, 1, 128, 255]),
        (16, vec![0, 200, 32768, 65535], [0, 1, 128, 255]),
    ] {
        let cut: Vec<u8> = values.iter().map(|&value: &u64| value.min(255) as u8).collect();
        for big_endian in [false, true] {
            let of = |photometric| {
                let page = MadePage::new([4, 1], bits).with(262, &[photometric]);
                let page = page.strips(&packed(&values, bits as usize, big_endian), 1);
                let bytes = Made { big_endian, big: false, pages: vec![page] }.bytes();
                [ALL, KERAS].map(|decoding| {
                    let decoded = crate::decode(&bytes, &decoding).unwrap();
                    (decoded.pixels.data, decoded.notes.is_cut)
                })
            };
            // Pillow opens 12 and 16 bits as they are, and cuts them at 255.
            let keras = if bits > 8 { (cut.clone(), true) } else { (shown.to_vec(), false) };
            assert_eq!(of(1), [(shown.to_vec(), false), keras.clone()], "{bits}");
            let inverted = shown.map(|value| 255 - value).to_vec();
            let keras = if bits > 8 { keras } else { (inverted.clone(), false) };
            assert_eq!(of(0), [(inverted, false), keras], "{bits}");
        }
    }
}

#[test]
fn sixteen_bits_are_told_by_their_predictor_too() {
    let values: Vec<u64> = (0..12).map(|i| (i * 40503 + 7) % 65536).collect();
    for big_endian in [false, true] {
        let shown: Vec<u8> = values.iter().map(|value| ((value * 255 + 32767) / 65535) as u8).collect();
        let differences: Vec<u64> = values
            .chunks(6)
            .flat_map(|row| {
                let before = [0, 0, 0].iter().chain(row);
                row.iter()
                    .zip(before)
                    .map(|(value, before)| (value + 65536 - before) % 65536)
                    .collect::<Vec<_>>()
            })
            .collect();
        let bytes = packed(&differences, 16, big_endian);
        let page = MadePage::new([2, 2], 16).rgb().with(259, &[8]).with(317, &[2]);
        let page = MadePage { predicted: true, ..page }.strips(&bytes, 2);
        let file = Made { big_endian, big: false, pages: vec![page] }.bytes();
        assert_eq!(decoded(&file, &ALL).data, shown);
        // Pillow takes the upper byte.
        let upper: Vec<u8> = values.iter().map(|value| (value >> 8) as u8).collect();
        assert_eq!(decoded(&file, &KERAS).data, upper);
    }
}

#[test]
fn alpha_is_put_over_black_once() {
    let page = |extra: &[u64], pixels: &[u8]| {
        let samples = pixels.len() as u64 / 2;
        let page = MadePage::new([2, 1], 8).rgb().with(258, &vec![8; samples as usize]).with(277, &[samples]);
        let page = if extra.is_empty() { page } else { page.with(338, extra) };
        page.strips(pixels, 1)
    };
    let pixels = [200, 100, 50, 51, 9, 8, 7, 255];
    // Straight; not named, which Pillow takes for straight; of Corel Draw.
    for extra in [&[2][..], &[], &[999]] {
        assert_eq!(both(&page(extra, &pixels)), [vec![40, 20, 10, 9, 8, 7], vec![200, 100, 50, 9, 8, 7]]);
    }
    // No alpha at all.
    let opaque = vec![200, 100, 50, 9, 8, 7];
    assert_eq!(both(&page(&[0], &pixels)), [opaque.clone(), opaque]);
    // Multiplied already: over black the same. Pillow divides: 40·255/51, 20·255/51; 9·255/8 is cut.
    let pixels = [40, 20, 10, 51, 9, 1, 0, 8];
    assert_eq!(both(&page(&[1], &pixels)), [vec![40, 20, 10, 9, 1, 0], vec![200, 100, 50, 255, 31, 0]]);
    let pixels = [40, 20, 10, 51, 77, 9, 8, 7, 0, 77];
    assert_eq!(both(&page(&[1, 0], &pixels))[0], [40, 20, 10, 9, 8, 7]);
    assert_eq!(both(&page(&[1, 0], &pixels))[1], [200, 100, 50, 0, 0, 0]);
    // Gray with alpha, and in planes.
    let gray = MadePage::new([2, 1], 8).with(258, &[8, 8]).with(277, &[2]).with(338, &[2]);
    assert_eq!(both(&gray.clone().strips(&[100, 128, 9, 0], 1)), [vec![50, 0], vec![100, 9]]);
    let planes = [vec![100, 9], vec![128, 0]];
    assert_eq!(both(&gray.with(284, &[2]).strips_of_planes(&planes, 1)), [vec![50, 0], vec![100, 9]]);
    // 16 bits, rounded once: 643·32768/65535² of 255 is 1.25.
    let deep = MadePage::new([1, 1], 16).with(258, &[16, 16]).with(277, &[2]).with(338, &[2]);
    assert_eq!(both(&deep.strips(&packed(&[643, 32768], 16, false), 1))[0], [1]);
}

#[test]
fn numbers_without_a_range_are_scaled_by_their_own() {
    let of = |bits: u64, format: u64, values: &[u64], width: u64| {
        let page = MadePage::new([width, 1], bits).with(339, &[format]);
        let bytes = page.strips(&packed(values, bits as usize, false), 1).bytes();
        [ALL, KERAS].map(|decoding| {
            let decoded = crate::decode(&bytes, &decoding).unwrap();
            (decoded.pixels.data, decoded.notes.by_own_range, decoded.notes.is_cut)
        })
    };
    let of_floats = |values: &[f32]| {
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits().into()).collect();
        of(32, 3, &bits, values.len() as u64)
    };
    // Pillow's mode F is cut at both ends and its fractions are dropped.
    let [all, keras] = of_floats(&[-100.0, 0.0, 100.9, 300.0]);
    assert_eq!(all, (vec![0, 64, 128, 255], true, false));
    assert_eq!(keras, (vec![0, 0, 100, 255], false, true));
    // 0 to 1 is black to white, whatever of it there is.
    assert_eq!(of_floats(&[0.0, 0.25, 0.5])[0], (vec![0, 64, 128], false, false));
    assert_eq!(of_floats(&[1.0, 1.0])[0], (vec![255, 255], false, false));
    // What is no number is black, and has no part in the range.
    let odd = of_floats(&[f32::NAN, 2.0, 4.0, f32::INFINITY, f32::NEG_INFINITY]);
    assert_eq!(odd[0], (vec![0, 0, 255, 255, 0], true, false));
    // A range of nothing.
    assert_eq!(of_floats(&[5.0, 5.0])[0], (vec![0, 0], true, false));
    let wide: Vec<u64> = [-8.0_f64, 0.0, 8.0].iter().map(|value| value.to_bits()).collect();
    assert_eq!(of(64, 3, &wide, 3)[0].0, [0, 128, 255]);
    // Half floats: 0, 1, -2, 65504, the smallest.
    assert_eq!(of(16, 3, &[0, 0x3c00], 2)[0], (vec![0, 255], false, false));
    assert_eq!(of(16, 3, &[0xc000, 0, 0x4000, 1], 4)[0].0, [0, 128, 255, 128]);
    // Signed 16 bits, of which Pillow shows 0 to 255.
    let [all, keras] = of(16, 2, &[0xfc18, 0, 100, 1000], 4);
    assert_eq!(all, (vec![0, 128, 140, 255], true, false));
    assert_eq!(keras, (vec![0, 0, 100, 255], false, true));
    let [all, keras] = of(32, 1, &[1000, 1001, 1004, 1000], 4);
    assert_eq!(all, (vec![0, 64, 255, 0], true, false));
    assert_eq!(keras, (vec![255; 4], false, true));
    assert_eq!(of(24, 1, &[0, 5, 10, 0], 4)[0].0, [0, 128, 255, 0]);
    // Signed 8 bits are taken for unsigned ones, as Pillow does.
    let eight = of(8, 2, &[0, 127, 128, 255], 4);
    assert_eq!([&eight[0].0, &eight[1].0], [&[0, 127, 128, 255]; 2]);
    // Signed colours of fewer bits, which Pillow does not open: -8, 0 and 7 by their range, and as upper bits from -128.
    let page = MadePage::new([1, 1], 4).rgb().with(339, &[2, 2, 2]);
    let bytes = page.strips(&packed(&[8, 0, 7], 4, false), 1).bytes();
    let colours = [ALL, KERAS].map(|decoding| crate::decode(&bytes, &decoding).unwrap().pixels.data);
    assert_eq!(colours, [[0, 136, 255], [0, 128, 240]]);
}

#[test]
fn floats_are_told_by_their_predictor_too() {
    // 0, 0.5, 1 and 0.25: all first bytes come first, and each byte is the difference from the one before it.
    let first: Vec<u8> = [0.0_f32, 0.5, 1.0, 0.25].iter().map(|v| v.to_be_bytes()[0]).collect();
    let second: Vec<u8> = [0.0_f32, 0.5, 1.0, 0.25].iter().map(|v| v.to_be_bytes()[1]).collect();
    let whole = [first, second, vec![0; 8]].concat();
    let mut row = whole.clone();
    for i in (1..row.len()).rev() {
        row[i] = whole[i].wrapping_sub(whole[i - 1]);
    }
    for big_endian in [false, true] {
        let page = MadePage::new([4, 1], 32).with(339, &[3]).with(259, &[8]).with(317, &[3]);
        let page = MadePage { predicted: true, ..page }.strips(&row, 1);
        let file = Made { big_endian, big: false, pages: vec![page] }.bytes();
        assert_eq!(decoded(&file, &ALL).data, [0, 128, 255, 64]);
    }
}

#[test]
fn colours_of_other_spaces_become_rgb() {
    let colours = |photometric: u64, samples: u64, pixels: &[u8]| {
        let page = MadePage::new([pixels.len() as u64 / samples, 1], 8).with(262, &[photometric]);
        page.with(258, &vec![8; samples as usize]).with(277, &[samples]).with(530, &[1, 1]).strips(pixels, 1)
    };
    // By Pillow's formula: (255 - c)(255 - k)/255.
    let cmyk = [vec![255, 155, 55, 100, 61, 22], vec![255, 155, 55, 100, 61, 22]];
    assert_eq!(both(&colours(5, 4, &[0, 100, 200, 0, 0, 100, 200, 155])), cmyk);
    // Gray has no chroma; red is of Rec. 601.
    assert_eq!(both(&colours(6, 3, &[77, 128, 128, 76, 85, 255]))[0], [77, 77, 77, 254, 0, 0]);
    // L* of 0, 50 and 100 is gray of sRGB's 0, 119 and 255.
    let lab = both(&colours(8, 3, &[0, 0, 0, 128, 0, 0, 255, 0, 0]))[0].clone();
    for (value, expected) in lab.iter().zip([0, 0, 0, 119, 119, 119, 255, 255, 255]) {
        assert!(value.abs_diff(expected) <= 1, "{lab:?}");
    }
    assert_eq!(
        refused(&colours(32803, 3, &[0, 0, 0])),
        "is an image that is not supported: TIFF with the raw values of a camera (a colour filter array)"
    );
}

/// 5×3 pixels in units of 2×2; the values are Pillow's, read by libtiff.
#[test]
fn subsampled_colours_are_those_of_libtiff() {
    let units = [
        163, 193, 154, 78, 99, 171, 20, 193, 231, 27, 120, 178, 119, 129, 77, 100, 96, 76, 141, 105, 48, 235,
        196, 114, 44, 25, 58, 159, 84, 147, 16, 26, 181, 67, 185, 129,
    ];
    let expected = [
        223, 142, 112, 253, 172, 142, 90, 0, 6, 255, 160, 179, 46, 167, 62, 214, 133, 103, 138, 57, 27, 255,
        198, 217, 97, 0, 13, 4, 125, 20, 121, 128, 255, 85, 92, 225, 71, 46, 0, 52, 27, 0, 17, 0, 117,
    ];
    let page = MadePage::new([5, 3], 8).rgb().with(262, &[6]).with(530, &[2, 2]);
    // Two strips: units of one row that is there and one that is not end the last.
    let page = MadePage { predicted: true, ..page.with(278, &[2]) };
    let page = MadePage { chunks: units.chunks(18).map(<[u8]>::to_vec).collect(), ..page };
    for pixels in both(&page) {
        for (seen, expected) in pixels.iter().zip(expected) {
            assert!(seen.abs_diff(expected) <= 1, "{pixels:?}");
        }
    }
}

/// 21×6 pixels, 1 for white, and their strips as libtiff writes them (by Pillow): Huffman rows, Group 3 in one dimension, in
/// two, in two with marks at bytes, and Group 4.
#[test]
fn all_codings_of_black_and_white_are_read() {
    let inverted = "f007f876edd8000000fe00f8eddbb0eddbb0";
    let strips = [
        (2, 0, "b12635509d427509c0350d80f13084ea13a84e8084ea13a84e80"),
        (3, 0, "001b1260026aa13a84ea138009a86c001f13000613a84ea13a00184ea13a84e8"),
        (3, 1, "001d893001135529ca845d020a003350d80023e2400709d427509d000bffc0"),
        (3, 5, "0001d8930001135529ca845d020a00019a86c0011f120001c27509d42740017ff8"),
        (4, 0, "36249aa94e5422e810588888867c49848a829c23097ffc004004"),
    ];
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let expected: Vec<u8> = bytes(inverted)
        .chunks(3)
        .flat_map(|row| {
            (0..21).map(|x| if row[x / 8] >> (7 - x % 8) & 1 == 1 { 0 } else { 255 }).collect::<Vec<_>>()
        })
        .collect();
    for (compression, options, strip) in strips {
        for fill_order in [1, 2] {
            let strip = bytes(strip);
            let strip =
                if fill_order == 2 { strip.iter().map(|byte| byte.reverse_bits()).collect() } else { strip };
            let page = MadePage::new([21, 6], 1).with(259, &[compression]).with(292, &[options]);
            let page = page.with(266, &[fill_order]).with(278, &[6]);
            let page = MadePage { chunks: vec![strip], ..page };
            assert_eq!(both(&page), [expected.clone(), expected.clone()], "{compression}, {options}");
            // Whatever is missing in front of the end marks is told; the marks alone may be.
            let whole = page.chunks[0].len();
            for length in 0..whole.saturating_sub(9) {
                let cut = MadePage { chunks: vec![page.chunks[0][..length].to_vec()], ..page.clone() };
                assert!(
                    crate::decode(&cut.bytes_with_strips_at_end(), &ALL).is_err(),
                    "{compression}, {length}"
                );
            }
        }
    }
}

/// A JPEG of 20×24 pixels as a strip, with its tables in it and apart.
#[test]
fn jpeg_in_tiff_is_read_with_its_tables_anywhere() {
    const BASELINE: &[u8] = include_bytes!("../fixtures/baseline.jpg");
    let whole = decoded(BASELINE, &ALL);
    let page = |bytes: &[u8]| {
        let page = MadePage::new([20, 24], 8).with(259, &[7]).with(278, &[24]);
        MadePage { chunks: vec![bytes.to_vec()], ..page }
    };
    // Decoders round differently.
    let is_whole = |page: &MadePage| {
        both(page).iter().all(|data| data.iter().zip(&whole.data).all(|(a, b)| a.abs_diff(*b) <= 2))
    };
    assert!(is_whole(&page(BASELINE)));
    let scan = BASELINE.windows(2).position(|two| two == [0xff, 0xda]).unwrap();
    let frame = BASELINE.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    // DQT and DHT stand around the frame, all before the scan.
    let segments = |from: usize, to: usize, wanted: &[u8]| -> Vec<u8> {
        let (mut at, mut found) = (from, Vec::new());
        while at < to {
            let length = usize::from(u16::from_be_bytes([BASELINE[at + 2], BASELINE[at + 3]])) + 2;
            if wanted.contains(&BASELINE[at + 1]) {
                found.extend_from_slice(&BASELINE[at..at + length]);
            }
            at += length;
        }
        found
    };
    assert!(frame < scan);
    let tables = [&[0xff, 0xd8][..], &segments(2, scan, &[0xdb, 0xc4]), &[0xff, 0xd9]].concat();
    let rest = [&[0xff, 0xd8][..], &segments(2, scan, &[0xc0]), &BASELINE[scan..]].concat();
    let tables: Vec<u64> = tables.iter().map(|&byte| byte.into()).collect();
    let apart = page(&rest).with(347, &tables);
    assert!(is_whole(&apart));
    assert!(crate::decode(&page(&rest).bytes(), &ALL).is_err(), "without its tables it is no JPEG");
    // Cut off in the middle.
    let cut = page(&BASELINE[..BASELINE.len() / 2]).bytes();
    assert!(matches!(crate::decode(&cut, &ALL), Err(DecodeError::CutOff)));
    // A strip of another size than its JPEG.
    let page = MadePage { chunks: vec![BASELINE.to_vec()], ..MadePage::new([21, 24], 8).with(259, &[7]) };
    assert!(refused(&page).contains("a JPEG of another size"));
}

#[test]
fn palettes_of_all_depths_are_looked_up() {
    for bits in [1_u64, 2, 4, 8] {
        let colours = 1 << bits;
        let map: Vec<u64> = [1, 10, 20]
            .iter()
            .flat_map(|step| (0..colours).map(move |i| (i * step % 256) << 8 | 7))
            .collect();
        let indices: Vec<u64> = vec![1, 0, colours - 1];
        let page = MadePage::new([3, 1], bits).with(262, &[3]).with(320, &map);
        let page = page.strips(&packed(&indices, bits as usize, false), 1);
        let expected: Vec<u8> =
            indices.iter().flat_map(|i| [1, 10, 20].map(|step| (i * step % 256) as u8)).collect();
        assert_eq!(both(&page), [expected.clone(), expected], "{bits}");
    }
    let page = MadePage::new([3, 1], 8).with(262, &[3]).strips(&[0, 1, 2], 1);
    assert_eq!(refused(&page), "is damaged: it has no palette");
    let page = page.with(320, &[0; 3]);
    assert_eq!(refused(&page), "is damaged: its palette has too few colours");
}

#[test]
fn pages_are_chosen_and_counted() {
    for big in [false, true] {
        for big_endian in [false, true] {
            let pages = (0..3).map(|i| MadePage::new([2, 1], 8).strips(&[i, 9], 1)).collect();
            let made = Made { big_endian, big, pages };
            let bytes = made.bytes();
            for frame in 1..=3 {
                let decoded = crate::decode(&bytes, &Decoding { frame, ..ALL }).unwrap();
                assert_eq!(decoded.pixels.data, [frame as u8 - 1, 9]);
                assert_eq!(decoded.notes.frame, Some([frame, 3]));
            }
            let error = crate::decode(&bytes, &Decoding { frame: 4, ..ALL }).unwrap_err();
            assert!(matches!(error, DecodeError::NoSuchFrame { frame: 4, frames: 3 }), "{error}");
            // A list that leads back to a page, or out of the file, ends there.
            for to in [made.place_of_page(0), made.place_of_page(2), 1 << 30] {
                let bytes = made.with_next_of(2, to);
                let decoded = crate::decode(&bytes, &Decoding { frame: 3, ..ALL }).unwrap();
                assert_eq!(decoded.notes.frame, Some([3, 3]));
            }
        }
    }
    let one = MadePage::new([2, 1], 8).strips(&[1, 2], 1).bytes();
    assert_eq!(crate::decode(&one, &ALL).unwrap().notes.frame, None);
}

#[test]
fn what_is_not_read_is_refused_by_its_name() {
    let plain = MadePage::new([3, 1], 8);
    let with = |tag, values: &[u64]| refused(&plain.clone().strips(&[1, 2, 3], 1).with(tag, values));
    let not_supported = |what: &str| format!("is an image that is not supported: TIFF with {what}");
    for (compression, name) in [
        (6, "old-style JPEG"),
        (34661, "JBIG compression"),
        (34712, "JPEG 2000 compression"),
        (34925, "LZMA compression"),
        (50000, "Zstandard compression"),
        (50001, "WebP compression"),
        (12345, "compression 12345"),
    ] {
        assert_eq!(with(259, &[compression]), not_supported(name));
    }
    assert_eq!(with(339, &[6]), not_supported("complex numbers"));
    assert_eq!(with(258, &[40]), not_supported("40 bits a sample"));
    assert_eq!(with(277, &[17]), not_supported("17 samples a pixel"));
    assert_eq!(with(262, &[32845]), not_supported("colours of LogLuv"));
    let of_several = plain.clone().rgb().with(258, &[5, 6, 5]).strips(&[0; 9], 1);
    assert_eq!(refused(&of_several), not_supported("samples of 5, 6, 5 bits"));
    let jpeg = MadePage::new([3, 1], 12).with(259, &[7]).strips(&[0; 9], 1);
    assert_eq!(refused(&jpeg), not_supported("12-bit JPEG"));
    assert_eq!(with(277, &[0]), "is damaged: its pixels have no samples");
    assert_eq!(with(258, &[0]), "is damaged: its samples have no bits");
    assert_eq!(with(256, &[0]), "is damaged: it has no pixels");
    assert_eq!(with(278, &[0]), "is damaged: its strips or tiles have no pixels");
}

/// The first tags say how large an image is, or how many samples and tiles it has.
#[test]
fn announced_sizes_take_no_memory() {
    let decoding = Decoding { max_pixels: 1 << 16, ..ALL };
    let of = |page: MadePage| crate::decode(&page.bytes(), &decoding).unwrap_err();
    let huge = MadePage::new([100_000, 100_000], 8).strips(&[0], 1);
    assert!(matches!(of(huge), DecodeError::TooLarge { width: 100_000, height: 100_000 }));
    let page = MadePage::new([1, 1], 8).with(322, &[1 << 27]).with(323, &[1 << 27]);
    let tile = MadePage { tiled: true, chunks: vec![vec![0]], ..page };
    assert!(of(tile).to_string().contains("tiles that are much larger than the image"));
    // As many offsets as 98 bytes cannot hold.
    let mut bytes = MadePage::new([3, 1], 8).strips(&[1, 2, 3], 1).bytes();
    let entry = bytes.windows(4).position(|four| four == [17, 1, 4, 0]).unwrap();
    bytes[entry + 4..entry + 8].copy_from_slice(&8_388_608_u32.to_le_bytes());
    assert!(matches!(crate::decode(&bytes, &ALL), Err(DecodeError::CutOff)));
}

#[test]
fn cut_off_files_are_errors_at_every_length() {
    let rgb: Vec<u8> = (0..105_u8).map(|i| i.wrapping_mul(37)).collect();
    for compression in [1, 5, 8, 32773] {
        for big in [false, true] {
            let page = MadePage::new([7, 5], 8).rgb().with(259, &[compression]).tiles(&rgb, [4, 3]);
            let whole = Made { big_endian: false, big, pages: vec![page] }.bytes();
            decoded(&whole, &ALL);
            // Last of all comes the place of the next page, which there is not.
            let link = if big { 8 } else { 4 };
            for length in 1..whole.len() - link {
                assert!(crate::decode(&whole[..length], &ALL).is_err(), "{compression}, {length}");
            }
        }
    }
}

/// Damage of every kind gives pixels or an error.
#[test]
fn damage_never_panics() {
    use base::random::{Key, Purpose, unit};

    let rgb: Vec<u8> = (0..105_u8).map(|i| i.wrapping_mul(37)).collect();
    let mut dice = Key { seed: 7, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
    let mut below = |bound: usize| (unit(&mut dice) * bound as f32) as usize;
    let tiles = |compression| MadePage::new([7, 5], 8).rgb().with(259, &[compression]).tiles(&rgb, [4, 3]);
    let mut files = [1, 5, 8, 32773].map(|compression| tiles(compression).bytes()).to_vec();
    for compression in [2, 3, 4, 32771] {
        let fax = MadePage::new([56, 5], 1).with(259, &[compression]).with(278, &[5]);
        files.push(MadePage { chunks: vec![rgb.clone()], ..fax }.bytes());
    }
    let ycbcr = MadePage::new([5, 3], 8).rgb().with(262, &[6]).with(530, &[2, 2]).with(278, &[4]);
    files.push(MadePage { predicted: true, chunks: vec![rgb.clone()], ..ycbcr }.bytes());
    let floats = MadePage::new([5, 3], 32).with(339, &[3]).with(259, &[8]).with(317, &[3]);
    files.push(MadePage { predicted: true, ..floats }.strips(&[7; 60], 1).bytes());
    for file in &files {
        for _ in 0..600 {
            let mut bytes = file.clone();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                bytes[at] = [0, 0xff, 0x80, 1, 4, 12, 33, bytes[at] ^ 1][below(8)];
            }
            for formats in [Formats::All, Formats::Keras] {
                let decoding = Decoding { formats, max_pixels: 1 << 16, ..ALL };
                // Not through `decode`, which would make an error of a panic.
                let _ = pixels(&bytes, &decoding, &mut DecodeNotes::default());
            }
        }
    }
}
