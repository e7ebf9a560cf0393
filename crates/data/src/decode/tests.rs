mod damage;
mod dicom;
mod kinds;
mod viewed;

use std::io::Cursor;

use ::png;
use image::{DynamicImage, RgbImage};

use super::*;
use crate::MAX_PIXELS;

pub(in crate::decode) const KERAS: Decoding =
    Decoding { formats: Formats::Keras, falls_back: false, max_pixels: MAX_PIXELS, frame: 1 };

fn decode_by(bytes: &[u8], decoding: &Decoding) -> Result<Pixels, DecodeError> {
    Ok(super::decode(bytes, decoding)?.pixels)
}

/// Decodes by Keras' rules.
fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    decode_by(bytes, &KERAS)
}

fn decode_resized(bytes: &[u8], size: usize, kind: Interpolation) -> Result<Pixels, DecodeError> {
    Ok(super::decode_resized(bytes, size, kind, &KERAS)?.pixels)
}

/// 20×24 pixels, written by Pillow 13: gray in one scan, and colour with subsampled chroma in ten.
const BASELINE: &[u8] = include_bytes!("fixtures/baseline.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("fixtures/progressive.jpg");

/// A PNG with these packed rows, its palette and transparency put in as they are.
fn png(
    size: (u32, u32),
    depth: u8,
    colour: u8,
    rows: &[&[u8]],
    palette: &[u8],
    transparent: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_depth(png::BitDepth::from_u8(depth).unwrap());
    encoder.set_color(png::ColorType::from_u8(colour).unwrap());
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    if !transparent.is_empty() {
        encoder.set_trns(transparent);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&rows.concat()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn chunk(kind: &[u8; 4], data: &[u8], into: &mut Vec<u8>) {
    let covered = [kind, data].concat();
    let crc = covered.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    into.extend((data.len() as u32).to_be_bytes());
    into.extend(covered);
    into.extend((!crc).to_be_bytes());
}

/// A PNG's first bytes, which may announce anything.
fn png_header(width: u32, height: u32, depth: u8, colour: u8, interlaced: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, colour, 0, 0, interlaced]);
    chunk(b"IHDR", &header, &mut bytes);
    bytes
}

/// Pixels of a pattern, and the formats that hold them without loss.
fn pattern() -> (Pixels, Vec<(ImageFormat, Vec<u8>)>) {
    let image =
        RgbImage::from_fn(13, 9, |x, y| image::Rgb([(x * 19) as u8, (y * 28) as u8, (x * y * 2) as u8]));
    let pixels = Pixels { width: 13, height: 9, channels: 3, data: image.as_raw().clone() };
    let image = DynamicImage::from(image);
    let formats =
        [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::Tiff, ImageFormat::WebP];
    let files = formats.map(|format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        (format, bytes.into_inner())
    });
    (pixels, files.to_vec())
}

fn data(bytes: &[u8]) -> (usize, Vec<u8>) {
    let pixels = decode(bytes).unwrap();
    assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
    (pixels.channels, pixels.data)
}

/// Expected values: `list(Image.open(…).convert("RGB").getdata())` of Pillow 13.0 for PNGs of the same content.
#[test]
fn png_values_are_pillows() {
    const PALETTE: &[u8] = &[10, 20, 30, 100, 110, 120, 200, 210, 220];
    const LOOKED_UP: &[u8] = &[10, 20, 30, 100, 110, 120, 200, 210, 220, 10, 20, 30];
    let row = |depth, colour, row: &[u8], palette: &[u8], transparent: &[u8]| {
        let width = match (depth, colour) {
            (16, 0) | (_, 3) | (1..=8, 0) => 4,
            _ => 2,
        };
        data(&png((width, 1), depth, colour, &[row], palette, transparent))
    };
    let gray = |depth, bytes: &[u8]| row(depth, 0, bytes, &[], &[]);
    assert_eq!(gray(1, &[0x50]), (1, vec![0, 255, 0, 255]));
    assert_eq!(gray(2, &[0x1b]), (1, vec![0, 85, 170, 255]));
    assert_eq!(gray(4, &[0x07, 0xaf]), (1, vec![0, 119, 170, 255]));
    assert_eq!(gray(8, &[0, 0x55, 0xaa, 0xff]), (1, vec![0, 85, 170, 255]));
    let wide = [0, 0, 0, 200, 1, 0, 255, 255];
    assert_eq!(gray(16, &wide), (1, vec![0, 200, 255, 255]));
    // Transparency changes nothing.
    assert_eq!(row(16, 0, &wide, &[], &[0, 200]), (1, vec![0, 200, 255, 255]));
    assert_eq!(row(8, 0, &[0, 0x55, 0xaa, 0xff], &[], &[0, 0x55]), (1, vec![0, 85, 170, 255]));
    assert_eq!(row(8, 4, &[10, 0, 200, 128], &[], &[]), (1, vec![10, 200]));
    assert_eq!(row(16, 4, &[10, 255, 0, 0, 200, 1, 128, 0], &[], &[]), (1, vec![10, 200]));
    let colour = (3, vec![1, 2, 3, 255, 254, 253]);
    assert_eq!(row(8, 2, &[1, 2, 3, 255, 254, 253], &[], &[]), colour);
    assert_eq!(row(8, 2, &[1, 2, 3, 255, 254, 253], &[], &[0, 1, 0, 2, 0, 3]), colour);
    assert_eq!(row(8, 6, &[1, 2, 3, 0, 255, 254, 253, 128], &[], &[]), colour);
    let wide = [1, 255, 2, 128, 3, 0, 255, 255, 254, 1, 253, 127];
    assert_eq!(row(16, 2, &wide, &[], &[]), colour);
    let wide = [1, 255, 2, 128, 3, 0, 0, 0, 255, 255, 254, 1, 253, 127, 128, 0];
    assert_eq!(row(16, 6, &wide, &[], &[]), colour);
    for (depth, packed) in [(2, &[0x18][..]), (4, &[0x01, 0x20]), (8, &[0, 1, 2, 0])] {
        assert_eq!(row(depth, 3, packed, PALETTE, &[]), (3, LOOKED_UP.to_vec()), "{depth} bits");
        assert_eq!(row(depth, 3, packed, PALETTE, &[0, 128]), (3, LOOKED_UP.to_vec()), "{depth} bits");
    }
    assert_eq!(
        row(1, 3, &[0x40], PALETTE, &[]),
        (3, [&LOOKED_UP[..6], &LOOKED_UP[..3], &LOOKED_UP[..3]].concat())
    );
}

/// Values as Pillow 13.0 gives them.
#[test]
fn values_of_other_formats_are_pillows() {
    assert_eq!(data(b"P5 4 1 65535\n\0\0\0\xc8\x01\0\xff\xff"), (1, vec![0, 200, 255, 255]));
    assert_eq!(data(b"P5 4 1 100\n\x00\x0a\x32\x64"), (1, vec![0, 26, 128, 255]));
    assert_eq!(data(b"P6 1 1 65535\n\x01\xff\x02\x80\xff\xff"), (3, vec![2, 2, 255]));
    assert_eq!(data(b"P4 8 1\n\x55"), (1, vec![255, 0, 255, 0, 255, 0, 255, 0]));
    assert_eq!(data(b"P2 4 1 255\n0 10 20 255\n"), (1, vec![0, 10, 20, 255]));
    let mut bytes = Cursor::new(Vec::new());
    let wide = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(4, 1, vec![0, 200, 256, 65535]).unwrap();
    wide.write_to(&mut bytes, ImageFormat::Tiff).unwrap();
    assert_eq!(data(bytes.get_ref()), (1, vec![0, 200, 255, 255]));
    let mut bytes = Cursor::new(Vec::new());
    let wide =
        image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(1, 1, vec![0x01ff, 0x0280, 0xffff]).unwrap();
    wide.write_to(&mut bytes, ImageFormat::Tiff).unwrap();
    assert_eq!(data(bytes.get_ref()), (3, vec![1, 2, 255]));
}

#[test]
fn formats_are_told_by_content() {
    let (pixels, files) = pattern();
    for (format, bytes) in files {
        assert_eq!(decode(&bytes).unwrap(), pixels, "{format:?}");
        assert_eq!(decode_by(&bytes, &viewed::ALL).unwrap(), pixels, "{format:?} by the general rules");
    }
    assert!(matches!(decode(b""), Err(DecodeError::Empty)));
    for text in [&b"this is no image"[..], b"<html/>", b"\0\0\0\0", b"\x89PN", b"PDF-1.4"] {
        assert!(matches!(decode(text), Err(DecodeError::NotAnImage)), "{text:?}");
    }
    let tga = [&[0; 40][..], b"TRUEVISION-XFILE.\0"].concat();
    let nifti = [&[0; 344][..], b"n+1\0"].concat();
    for (bytes, name) in [
        (&b"<svg/>"[..], "SVG"),
        (b"%PDF-1.4", "PDF"),
        (b"qoif\0\0\0\x01", "QOI"),
        (b"DDS |\0\0\0", "DDS"),
        (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0", "Windows icons"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (&tga, "TGA"),
        (&nifti, "NIfTI"),
    ] {
        let error = decode(bytes).unwrap_err().to_string();
        assert_eq!(error, format!("is an image that is not supported: {name}"));
    }
}

#[test]
fn jpeg_values_are_within_a_few_steps_of_pillows() {
    let near = |pixels: &Pixels, expected: &[u8]| {
        let (width, channels) = (pixels.width, pixels.channels);
        let places =
            (0..pixels.height).step_by(8).flat_map(|y| (0..width).step_by(8).map(move |x| y * width + x));
        let found: Vec<u8> =
            places.flat_map(|at| pixels.data[at * channels..(at + 1) * channels].to_vec()).collect();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 3), "{found:?}");
    };
    // Every eighth column of every eighth row.
    let gray = decode(BASELINE).unwrap();
    assert_eq!((gray.width, gray.height, gray.channels), (20, 24, 1));
    near(&gray, &GRAY);
    let colour = decode(PROGRESSIVE).unwrap();
    assert_eq!((colour.width, colour.height, colour.channels), (20, 24, 3));
    near(&colour, &COLOUR);
}

const GRAY: [u8; 9] = [0, 115, 186, 91, 113, 177, 79, 191, 5];
const COLOUR: [u8; 27] = [
    19, 245, 47, 128, 136, 112, 179, 71, 157, 53, 186, 103, 108, 141, 114, 177, 53, 167, 101, 165, 115, 182,
    72, 145, 95, 182, 140,
];

#[test]
fn resizing_while_decoding_changes_nothing() {
    let (_, mut files) = pattern();
    for (depth, colour) in
        [(1, 0), (2, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 4), (16, 4), (8, 6), (16, 6), (4, 3)]
    {
        let samples = png::ColorType::from_u8(colour).unwrap().samples();
        let row = (13 * samples * usize::from(depth)).div_ceil(8);
        let raw: Vec<u8> = (0..row * 9).map(|i| (i * 37 + i / 7) as u8).collect();
        let palette: Vec<u8> = if colour == 3 { (0..48).map(|i| i * 5).collect() } else { vec![] };
        files.push((ImageFormat::Png, png((13, 9), depth, colour, &[&raw], &palette, &[])));
    }
    files.push((ImageFormat::Jpeg, BASELINE.to_vec()));
    files.push((ImageFormat::Png, interlaced()));
    for (format, bytes) in files {
        let whole = decode(&bytes).unwrap();
        for (_, kind) in Interpolation::ALL {
            for size in [1, 5, 9, 13, 30] {
                let resized = decode_resized(&bytes, size, kind).unwrap();
                assert_eq!(resized, resize(&whole, size, kind).unwrap(), "{format:?}, {kind} to {size}");
            }
        }
    }
}

/// A gray PNG of 8×8 pixels in Adam7's seven passes; pixel (x, y) is 8y + x.
fn interlaced() -> Vec<u8> {
    const PASSES: [[usize; 4]; 7] =
        [[0, 8, 0, 8], [4, 8, 0, 8], [0, 4, 4, 8], [2, 4, 0, 4], [0, 2, 2, 4], [1, 2, 0, 2], [0, 1, 1, 2]];
    let mut raw = Vec::new();
    for [x, across, y, down] in PASSES {
        for y in (y..8).step_by(down) {
            raw.push(0);
            raw.extend((x..8).step_by(across).map(|x| (8 * y + x) as u8));
        }
    }
    let mut bytes = png_header(8, 8, 8, 0, 1);
    // One stored block of zlib: its length, the same inverted, the bytes, Adler's sum.
    let length = raw.len() as u16;
    let mut stream = vec![0x78, 0x01, 1];
    stream.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    stream.extend(&raw);
    let (a, b) = raw.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    chunk(b"IDAT", &stream, &mut bytes);
    chunk(b"IEND", &[], &mut bytes);
    bytes
}

#[test]
fn interlaced_rows_come_in_order() {
    assert_eq!(data(&interlaced()), (1, (0..64).collect()));
}
