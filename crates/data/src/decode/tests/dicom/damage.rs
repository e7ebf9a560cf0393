//! DICOM that is cut off, broken, or announces what it does not hold; and that no error tells who the patient is.

use std::time::Instant;

use super::*;
use base::random::{Key, Purpose, unit};

/// Files of every kind, all with the patient in every text.
fn files() -> Vec<Vec<u8>> {
    let gray = Made::new((5, 4), 12, &(0..20).map(|i| i * 200).collect::<Vec<_>>())
        .with(0x0028_1050, b"DS", "2000")
        .with(0x0028_1051, b"DS", "3000");
    let mut rle = Made { syntax: "1.2.840.10008.1.2.5", encapsulated: true, ..Made::new((4, 1), 16, &[]) };
    rle.pixels = Made::rle(&[&[1, 2, 3, 4], &[5, 6, 7, 8]]);
    let mut tables = Made::new((3, 1), 8, &[1, 2, 3]);
    tables.extra =
        [table(0x0028_3000, 0, &[1, 100, 255], 8), table(0x0028_3010, 0, &[1, 100, 255], 8)].concat();
    let baseline = Made {
        syntax: "1.2.840.10008.1.2.4.50",
        encapsulated: true,
        pixels: BASELINE.to_vec(),
        ..Made::new((20, 24), 8, &[])
    };
    let colour = Made { interpretation: "YBR_FULL", pixels: PROGRESSIVE.to_vec(), ..baseline.clone() };
    let data_set = gray.data_set();
    [gray.bytes(), data_set, rle.bytes(), tables.bytes(), baseline.bytes(), colour.bytes()]
        .into_iter()
        .chain(CODESTREAMS.map(|(syntax, codestream)| twelve_bits(syntax, codestream).bytes()))
        .collect()
}

/// Decodes, and looks for the patient in the error as it is told and as it is logged.
#[track_caller]
fn told(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    let decoded = decode_by(bytes, decoding);
    if let Err(error) = &decoded {
        let told = format!("{error} {error:?}");
        // Half of it would tell as well.
        for part in [&PATIENT[..6], &PATIENT[5..], "PATIENT"] {
            assert!(!told.contains(part), "{told}");
        }
    }
    decoded
}

#[test]
fn cut_off_anywhere_it_is_an_error_that_names_no_patient() {
    for whole in files() {
        let expected = told(&whole, &ALL).unwrap();
        let mut whole_enough = 0;
        for length in 1..whole.len() {
            match told(&whole[..length], &ALL) {
                Ok(pixels) => {
                    // A delimiter behind the pixels, or a byte that fills up, may be missing.
                    assert!(length + 9 >= whole.len(), "{length} of {}", whole.len());
                    assert_eq!(pixels, expected);
                    whole_enough += 1;
                }
                Err(DecodeError::CutOff) => {}
                // Before its group 0028 it is no image, before its mark it is nothing.
                Err(DecodeError::DicomWithoutImage(_) | DecodeError::NotAnImage) => {}
                Err(error) => panic!("{length} of {}: {error}", whole.len()),
            }
        }
        assert!(whole_enough <= 9);
    }
}

/// The file is whole, and what it holds is not.
#[test]
fn a_frame_that_is_cut_off_is_an_error() {
    for (syntax, codestream) in CODESTREAMS {
        let whole = twelve_bits(syntax, codestream).seen();
        for length in 2..codestream.len() {
            let decoded = told(&twelve_bits(syntax, &codestream[..length]).bytes(), &ALL);
            assert!(decoded.is_err(), "{syntax}: {length} of {}", codestream.len());
        }
        // A byte that fills up an odd one changes nothing, nor does more of them.
        let padded = [codestream, &[0; 6]].concat();
        assert_eq!(twelve_bits(syntax, &padded).seen(), whole);
    }
}

/// Damage of every kind gives pixels or an error, never a panic, and never the patient.
#[test]
fn damage_never_panics_and_names_no_patient() {
    let mut dice = Key { seed: 2, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
    let mut below = |bound: usize| (unit(&mut dice) * bound as f32) as usize;
    let small = Decoding { max_pixels: 1 << 16, ..ALL };
    for file in files() {
        for round in 0..1500 {
            let mut bytes = file.clone();
            // Half of the rounds leave the elements before the pixels alone.
            let from = if round % 2 == 0 { 0 } else { bytes.len() / 2 };
            for _ in 0..=below(4) {
                let at = from + below(bytes.len() - from);
                match below(4) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes[at] = [0, 0xff, 0x80, 0x7f][below(4)],
                    2 => drop(bytes.drain(at..(at + 1 + below(8)).min(bytes.len()))),
                    _ => bytes.insert(at, below(256) as u8),
                }
                if bytes.len() <= from {
                    break;
                }
            }
            let _ = told(&bytes, &small);
        }
    }
}

#[test]
fn announced_sizes_and_lengths_take_neither_memory_nor_time() {
    let begin = Instant::now();
    let large = Made { size: (65535, 65535), ..Made::new((1, 1), 16, &[0]) };
    assert!(matches!(
        decode_by(&large.bytes(), &ALL),
        Err(DecodeError::TooLarge { width: 65535, height: 65535 })
    ));
    let tight = Decoding { max_pixels: 3, ..ALL };
    let made = Made::new((2, 2), 8, &[1, 2, 3, 4]);
    assert!(matches!(decode_by(&made.bytes(), &tight), Err(DecodeError::TooLarge { .. })));
    // Within the limit, but not in the file; and the same in RLE, which could be unpacked from little.
    let announced = Made { size: (16000, 16000), ..Made::new((1, 1), 16, &[0]) };
    assert!(matches!(decode_by(&announced.bytes(), &ALL), Err(DecodeError::CutOff)));
    let mut rle = Made { syntax: "1.2.840.10008.1.2.5", encapsulated: true, ..announced };
    rle.pixels = Made::rle(&[&[1], &[2]]);
    assert!(matches!(decode_by(&rle.bytes(), &ALL), Err(DecodeError::CutOff)));
    // Frames do not multiply memory.
    let mut frames = made.clone();
    frames.extra = element(0x0028_0008, b"IS", b"2147483647");
    assert_eq!(frames.seen(), [0, 85, 170, 255]);
    // A value of 4 GiB, and one in a sequence.
    for value in
        [&b"\x10\0\x10\0UN\0\0\xf0\xff\xff\xff"[..], b"\x08\0\x10\x11SQ\0\0\xf0\xff\xff\xff\xfe\xff\0\xe0"]
    {
        assert!(matches!(decode_by(&file(EXPLICIT, value), &ALL), Err(DecodeError::CutOff)));
    }
    // A million sequences in each other.
    let mut deep = Vec::new();
    for _ in 0..1_000_000 {
        deep.extend(b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff");
    }
    assert!(matches!(decode_by(&file(EXPLICIT, &deep), &ALL), Err(DecodeError::CutOff)));
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

/// With precincts of one pixel (exponent 0 at every resolution) 256 megapixels would take 100 GB.
#[test]
fn jpeg_2000_in_very_small_pieces_is_refused() {
    let cod = JPEG2000.windows(2).position(|two| two == [0xff, 0x52]).unwrap();
    let with = |exponents: [u8; 6]| {
        let (before, after) = JPEG2000.split_at(cod + 14);
        let mut bytes = [before, &exponents, after].concat();
        assert_eq!(bytes[cod + 9], 5, "levels");
        bytes[cod + 3] += 6;
        bytes[cod + 4] |= 1;
        twelve_bits("1.2.840.10008.1.2.4.90", &bytes)
    };
    let words = "is an image that is not supported: DICOM with JPEG 2000 in very small pieces";
    for exponents in [[0; 6], [0xff, 0xff, 0xff, 0xff, 0xff, 0xf4], [0xff, 0xff, 0xff, 0xff, 0x3f, 0xff]] {
        assert_eq!(with(exponents).refused(), words, "{exponents:?}");
    }
    // What says as much as nothing, and one of 32 pixels at each resolution.
    let whole = twelve_bits("1.2.840.10008.1.2.4.90", JPEG2000).seen();
    for exponents in [[0xff; 6], [0x00, 0x11, 0x22, 0x33, 0x44, 0x55]] {
        // These pixels are not written in such pieces, which is another fault.
        let refused = decode_by(&with(exponents).bytes(), &ALL).err().map(|error| error.to_string());
        assert_ne!(refused.as_deref(), Some(words), "{exponents:?}");
    }
    assert_eq!(with([0xff; 6]).seen(), whole);
    // Small precincts in a segment that claims to be longer than it is.
    let hidden = with([0; 6]);
    let mut bytes = with([0xff; 6]).pixels;
    bytes[cod + 3] += 14;
    bytes.splice(cod + 20..cod + 20, hidden.pixels[cod..cod + 20].iter().copied());
    let hidden = Made { pixels: bytes, ..hidden };
    assert_eq!(hidden.refused(), "is damaged: its JPEG 2000 contradicts itself");
}

/// Real chest radiographs: whole they decode, cut off they do not.
#[test]
fn real_dicom_decodes_whole_and_only_whole() {
    let Ok(root) = std::env::var("THORAX_REAL_DATA") else {
        return skipped();
    };
    let entries: Vec<_> = std::fs::read_dir(format!("{root}/dicom")).unwrap().collect();
    assert!(!entries.is_empty());
    for entry in entries {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(sniff(&bytes[..132]), Some("DICOM"));
        let pixels = decode_by(&bytes, &ALL).unwrap_or_else(|error| panic!("{} {error}", path.display()));
        assert_eq!(pixels.channels, 1);
        let mean = pixels.data.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels.data.len() as f64;
        assert!((30.0..220.0).contains(&mean), "{} has a mean of {mean}", path.display());
        assert!(matches!(decode(&bytes), Err(DecodeError::Dicom)));
        for part in [20, 50, 90, 99] {
            let cut = decode_by(&bytes[..bytes.len() * part / 100], &ALL);
            assert!(matches!(cut, Err(DecodeError::CutOff)), "{} cut to {part} %", path.display());
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn skipped() {
    eprintln!("skipped: THORAX_REAL_DATA is not set");
}
