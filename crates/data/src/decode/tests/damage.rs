//! Files that are cut off, broken, or announce what they do not hold.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use super::*;
use base::random::{Key, Purpose, unit};

/// Pillow as well takes what has all of its pixels, whatever is missing behind them.
#[test]
fn a_cut_off_png_is_an_error_unless_all_pixels_are_there() {
    let raw: Vec<u8> = (0..40 * 40).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let whole = png((40, 40), 8, 0, &[&raw], &[], &[]);
    let expected = decode(&whole).unwrap();
    for bytes in [&whole, &interlaced()] {
        let expected = decode(bytes).unwrap();
        let mut errors = 0;
        for length in 1..bytes.len() {
            for size in [None, Some(5)] {
                let cut = &bytes[..length];
                match size
                    .map_or_else(|| decode(cut), |size| decode_resized(cut, size, Interpolation::Nearest))
                {
                    Ok(pixels) if size.is_none() => assert_eq!(pixels, expected, "{length}"),
                    Ok(pixels) => assert_eq!(pixels, resize(&expected, 5, Interpolation::Nearest).unwrap()),
                    Err(_) => errors += 1,
                }
            }
        }
        // IEND is 12 bytes; the sums at the end of IDAT are 8.
        assert!(errors >= 2 * (bytes.len() - 1 - 20), "{errors} of {}", bytes.len());
    }
    for part in [0.2, 0.5, 0.9] {
        let cut = &whole[..(whole.len() as f64 * part) as usize];
        assert!(matches!(decode(cut), Err(DecodeError::CutOff)), "{part}: {:?}", decode(cut));
    }
    assert_eq!(expected.data, raw);
}

#[test]
fn a_cut_off_jpeg_is_an_error_at_every_length() {
    let whole = decode(BASELINE).unwrap();
    let mut whole_without_end = 0;
    for length in 3..BASELINE.len() {
        match decode(&BASELINE[..length]) {
            // Without the end marker, and perhaps without bits that only fill the last byte.
            Ok(pixels) => {
                assert_eq!(pixels, whole, "{length}");
                assert!(length + 3 >= BASELINE.len(), "{length}");
                whole_without_end += 1;
            }
            Err(error) => assert!(matches!(error, DecodeError::CutOff), "{length}: {error}"),
        }
    }
    assert!(whole_without_end >= 2, "the end marker alone is missing at two lengths");
    // Further scans may be to come: without the end marker no progressive image is whole, nor is it to Pillow.
    for length in 3..PROGRESSIVE.len() {
        assert!(matches!(decode(&PROGRESSIVE[..length]), Err(DecodeError::CutOff)), "{length}");
    }
}

#[test]
fn a_preview_or_a_tail_does_not_make_a_jpeg_whole() {
    // A whole JPEG as the preview within APP1, as cameras write it.
    let with_preview = |of: &[u8]| {
        let length = (BASELINE.len() + 2) as u16;
        [&of[..2], &[0xff, 0xe1], &length.to_be_bytes(), BASELINE, &of[2..]].concat()
    };
    for of in [BASELINE, PROGRESSIVE] {
        let bytes = with_preview(of);
        assert_eq!(decode(&bytes).unwrap(), decode(of).unwrap());
        for cut in [3, 10, of.len() / 4] {
            let cut = &bytes[..bytes.len() - 2 - cut];
            assert!(matches!(decode(cut), Err(DecodeError::CutOff)));
        }
        let with_tail = [of, b"more, with \xff\xd8 in it"].concat();
        assert_eq!(decode(&with_tail).unwrap(), decode(of).unwrap());
    }
}

#[test]
fn announced_sizes_are_refused_before_memory_is_taken() {
    let begin = Instant::now();
    for (depth, colour) in [(8, 0), (16, 6), (1, 0)] {
        let mut bytes = png_header(100_000, 100_000, depth, colour, 0);
        chunk(b"IDAT", &[0x78, 0x01], &mut bytes);
        let error = decode(&bytes).unwrap_err();
        assert!(matches!(error, DecodeError::TooLarge { width: 100_000, height: 100_000 }), "{error}");
        assert!(decode_resized(&bytes, 50, Interpolation::Nearest).is_err());
    }
    let mut bmp = pattern().1[1].1.clone();
    bmp[18..26].copy_from_slice(&[0xa0, 0x86, 1, 0, 0xa0, 0x86, 1, 0]);
    assert!(decode(&bmp).is_err());
    assert!(matches!(decode(b"P5 100000 100000 255\n"), Err(DecodeError::TooLarge { .. })));
    assert!(begin.elapsed().as_secs() < 2);
}

/// Damage of every kind gives pixels or an error, never a panic.
#[test]
fn damage_never_panics() {
    let mut files: Vec<Vec<u8>> = pattern().1.into_iter().map(|(_, bytes)| bytes).collect();
    files.extend([BASELINE.to_vec(), PROGRESSIVE.to_vec(), interlaced(), GIF.to_vec()]);
    files.push(png((4, 2), 4, 3, &[&[0x01, 0x20, 0x10, 0x02]], &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[9]));
    let mut dice = Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
    let mut below = |bound: usize| (unit(&mut dice) * bound as f32) as usize;
    for file in &files {
        decode(file).unwrap();
        let all = Decoding { formats: Formats::All, ..KERAS };
        for length in 0..file.len() {
            let _ = decode_by(&file[..length], &all);
        }
        for _ in 0..400 {
            let mut bytes = file.clone();
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                match below(4) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes[at] = [0, 0xff, 0x80, 0x7f][below(4)],
                    2 => drop(bytes.drain(at..(at + 1 + below(8)).min(bytes.len()))),
                    _ => bytes.insert(at, below(256) as u8),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            let decoded = catch_unwind(AssertUnwindSafe(|| {
                let _ = decode_resized(&bytes, 7, Interpolation::Nearest);
                let _ = decode(&bytes);
                let _ = decode_by(&bytes, &all);
            }));
            assert!(decoded.is_ok(), "{bytes:02x?}");
        }
    }
}

/// The png crate (0.18) panics where a palette's last entry is not whole.
#[test]
fn a_palette_that_is_no_list_of_colours_is_damage() {
    for (entries, whole) in
        [(1, false), (2, false), (3, true), (38, false), (768, true), (769, false), (771, false)]
    {
        let palette: Vec<u8> = (0..entries).map(|value| value as u8).collect();
        let bytes = png((3, 1), 8, 3, &[&[0, 0, 0]], &palette, &[]);
        for decoded in [decode(&bytes), decode_resized(&bytes, 2, Interpolation::Nearest)] {
            match decoded {
                Ok(pixels) => assert!(whole && pixels.data[..3] == [0, 1, 2], "{entries}"),
                Err(error) => {
                    assert!(!whole, "{entries}");
                    assert!(matches!(error, DecodeError::Damaged(_)), "{entries}: {error}");
                }
            }
        }
    }
}

/// 1×1 pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Real files with the odd things met in collections: each decodes, and cut off it does not.
#[test]
fn real_files_decode_whole_and_only_whole() {
    let Ok(root) = std::env::var("THORAX_REAL_DATA") else {
        return skipped();
    };
    let manifest = std::fs::read_to_string(format!("{root}/awkward/manifest.csv")).unwrap();
    assert!(manifest.lines().count() > 1);
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [file, tag, format, _, width, height, _] = fields[..] else { panic!("{line}") };
        let bytes = std::fs::read(format!("{root}/awkward/{file}")).unwrap();
        let pixels = decode(&bytes).unwrap_or_else(|error| panic!("{file} {error}"));
        assert_eq!([pixels.width, pixels.height].map(|side| side.to_string()), [width, height], "{file}");
        // One of them has as much again behind its end.
        if tag != "jpeg_no_EOI_at_end" && format != "WEBP" {
            for part in [20, 50, 90, 99] {
                let error = decode(&bytes[..bytes.len() * part / 100]).unwrap_err();
                assert!(matches!(error, DecodeError::CutOff), "{file} cut to {part} %: {error}");
            }
        }
        if format == "JPEG" && jpeg::end(&bytes[..bytes.len() - 2]) == jpeg::End::Open {
            assert_eq!(decode(&bytes[..bytes.len() - 2]).unwrap(), pixels, "{file} without its end marker");
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn skipped() {
    eprintln!("skipped: THORAX_REAL_DATA is not set");
}
