//! Cost that headers announce, held to the memory that decoding takes: allocations are counted, so that this is one test alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::io::Cursor;

use data::{
    DecodeCost, Decoding, Formats, Interpolation, Preprocess, decode, decode_resized, encode_png, resize,
};
use image::{ColorType, DynamicImage, ImageFormat};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const WIDTH: u32 = 800;
const HEIGHT: u32 = 600;

/// An image of noise, which takes the most to decode.
fn noise(colour: ColorType) -> DynamicImage {
    let mut image = DynamicImage::new(WIDTH, HEIGHT, colour);
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    match &mut image {
        DynamicImage::ImageLuma8(image) => image.iter_mut().for_each(|value| *value = next() as u8),
        DynamicImage::ImageLumaA8(image) => image.iter_mut().for_each(|value| *value = next() as u8),
        DynamicImage::ImageRgb8(image) => image.iter_mut().for_each(|value| *value = next() as u8),
        DynamicImage::ImageRgba8(image) => image.iter_mut().for_each(|value| *value = next() as u8),
        DynamicImage::ImageLuma16(image) => image.iter_mut().for_each(|value| *value = next() as u16),
        DynamicImage::ImageRgb16(image) => image.iter_mut().for_each(|value| *value = next() as u16),
        DynamicImage::ImageRgba16(image) => image.iter_mut().for_each(|value| *value = next() as u16),
        DynamicImage::ImageRgb32F(image) => {
            image.iter_mut().for_each(|value| *value = next() as f32 / 65536.0);
        }
        other => panic!("{:?}", other.color()),
    }
    image
}

fn written(format: ImageFormat, colour: ColorType) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    noise(colour).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG that says that it is turned by a quarter.
fn turned_png() -> Vec<u8> {
    let mut bytes = written(ImageFormat::Png, ColorType::Rgb8);
    let exif = b"eXIfMM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = (exif.len() as u32 - 4).to_be_bytes();
    let chunk = [&length[..], exif, &crc32fast::hash(exif).to_be_bytes()].concat();
    // Behind the header: 8 bytes of signature, 25 of it.
    bytes.splice(33..33, chunk);
    bytes
}

/// A DICOM file of so many samples of so many bytes a pixel, with its pixels as they are coded.
fn dicom(syntax: &str, samples: u16, bytes_of_sample: u16, pixels: &[u8], is_compressed: bool) -> Vec<u8> {
    let element = |group: u16, number: u16, kind: &str, value: &[u8]| {
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(0);
        }
        let head = [&group.to_le_bytes()[..], &number.to_le_bytes(), kind.as_bytes()].concat();
        [&head[..], &(value.len() as u16).to_le_bytes(), &value].concat()
    };
    let word = |number: u16, value: u16| element(0x28, number, "US", &value.to_le_bytes());
    let uid = element(2, 0x10, "UI", syntax.as_bytes());
    let mut bytes = [&[0; 128][..], b"DICM"].concat();
    bytes.extend(element(2, 0, "UL", &(uid.len() as u32).to_le_bytes()));
    bytes.extend(uid);
    let colours = if samples == 1 { "MONOCHROME2" } else { "RGB" };
    bytes.extend(word(0x02, samples));
    bytes.extend(element(0x28, 0x04, "CS", colours.as_bytes()));
    if samples > 1 {
        bytes.extend(word(0x06, 1));
    }
    bytes.extend([word(0x10, HEIGHT as u16), word(0x11, WIDTH as u16)].concat());
    let bits = 8 * bytes_of_sample;
    bytes.extend([word(0x100, bits), word(0x101, bits), word(0x102, bits - 1), word(0x103, 0)].concat());
    bytes.extend(b"\xe0\x7f\x10\0OW\0\0");
    if is_compressed {
        bytes.extend(b"\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0");
        let padded = pixels.len().next_multiple_of(2);
        bytes.extend((padded as u32).to_le_bytes());
        bytes.extend(pixels);
        bytes.resize(bytes.len() + padded - pixels.len(), 0);
        bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
    } else {
        bytes.extend((pixels.len() as u32).to_le_bytes());
        bytes.extend(pixels);
    }
    bytes
}

/// PackBits of bytes as they are, in as many planes as `planes`.
fn rle(planes: u32) -> Vec<u8> {
    let plane = [127].into_iter().chain((0..128_u8).map(|i| i.wrapping_mul(7))).collect::<Vec<u8>>();
    let plane = plane.repeat((WIDTH * HEIGHT).div_ceil(128) as usize);
    let starts = (0..15).map(|i| if i < planes { 64 + i * plane.len() as u32 } else { 0 });
    let head: Vec<u8> = [planes].into_iter().chain(starts).flat_map(u32::to_le_bytes).collect();
    [head, plane.repeat(planes as usize)].concat()
}

fn files() -> Vec<(String, Vec<u8>)> {
    use ColorType as C;
    let mut files = Vec::new();
    for (format, colours) in [
        (ImageFormat::Png, &[C::L8, C::La8, C::Rgb8, C::Rgba8, C::L16, C::Rgb16, C::Rgba16][..]),
        (ImageFormat::Jpeg, &[C::L8, C::Rgb8]),
        (ImageFormat::Tiff, &[C::L8, C::Rgb8, C::Rgba8, C::L16, C::Rgb16, C::Rgba16, C::Rgb32F]),
        (ImageFormat::WebP, &[C::L8, C::Rgb8, C::Rgba8]),
        (ImageFormat::Gif, &[C::Rgb8]),
        (ImageFormat::Bmp, &[C::L8, C::Rgb8, C::Rgba8]),
        (ImageFormat::Pnm, &[C::L8, C::Rgb8, C::L16]),
    ] {
        files.extend(
            colours.iter().map(|&colour| (format!("{format:?} {colour:?}"), written(format, colour))),
        );
    }
    files.push(("turned PNG".to_owned(), turned_png()));
    let raw = noise(C::Rgb16).into_bytes();
    let pixels = (WIDTH * HEIGHT) as usize;
    let jpeg = written(ImageFormat::Jpeg, C::L8);
    for (name, file) in [
        ("8 bits", dicom("1.2.840.10008.1.2.1", 1, 1, &raw[..pixels], false)),
        ("16 bits", dicom("1.2.840.10008.1.2.1", 1, 2, &raw[..2 * pixels], false)),
        ("planes of 8 bits", dicom("1.2.840.10008.1.2.1", 3, 1, &raw[..3 * pixels], false)),
        ("RLE, 16 bits", dicom("1.2.840.10008.1.2.5", 1, 2, &rle(2), true)),
        ("RLE, colours", dicom("1.2.840.10008.1.2.5", 3, 1, &rle(3), true)),
        ("JPEG", dicom("1.2.840.10008.1.2.4.50", 1, 1, &jpeg, true)),
    ] {
        files.push((format!("DICOM, {name}"), file));
    }
    files
}

#[test]
fn no_decoder_takes_more_memory_than_the_header_announced() {
    let taken = |decode: &dyn Fn()| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        decode();
        (MEMORY.peak_usage() - before) as u64
    };
    let mut lines = Vec::new();
    for (name, bytes) in files() {
        for (_, formats) in Formats::ALL {
            if formats == Formats::Keras && name.starts_with("DICOM") {
                continue;
            }
            let decoding = Decoding::new(formats);
            for (is_whole, interpolation) in [
                (false, Interpolation::Nearest),
                (false, Interpolation::Lanczos),
                (true, Interpolation::Bilinear),
            ] {
                let preprocess = Preprocess { image_size: 256, interpolation };
                let cost = DecodeCost::of(&bytes, &preprocess, is_whole, &decoding);
                let peak = taken(&|| {
                    if is_whole {
                        let whole = decode(&bytes, &decoding).unwrap().pixels;
                        let small = resize(&whole, 256, interpolation).unwrap();
                        let shown = resize(&whole, 512, Interpolation::Bilinear).unwrap();
                        assert!(small.data.len() + encode_png(&shown).unwrap().len() > 256 * 256);
                    } else {
                        decode_resized(&bytes, 256, interpolation, &decoding).unwrap();
                    }
                });
                lines.push(format!(
                    "{name}, {formats}, {interpolation}: {peak} bytes taken, {} announced",
                    cost.memory_bytes
                ));
                assert_eq!(cost.pixels, u64::from(WIDTH * HEIGHT), "{name}");
                assert!(cost.stored_bytes >= cost.pixels, "{name}: {cost:?}");
                assert!(peak <= cost.memory_bytes, "{}", lines.last().unwrap());
            }
        }
    }
    assert!(lines.len() > 150, "{lines:#?}");

    // Rows of a PNG need no memory for all of it.
    let png = written(ImageFormat::Png, ColorType::Rgb8);
    let nearest = Preprocess { image_size: 256, interpolation: Interpolation::Nearest };
    let rows = DecodeCost::of(&png, &nearest, false, &Decoding::new(Formats::Keras));
    let whole = DecodeCost::of(&png, &nearest, true, &Decoding::new(Formats::Keras));
    assert!(rows.memory_bytes + 10 * u64::from(WIDTH * HEIGHT) <= whole.memory_bytes, "{rows:?} {whole:?}");
    // What is no image takes nothing that is not refused soon.
    let none = DecodeCost::of(b"a text", &nearest, false, &Decoding::new(Formats::All));
    assert_eq!((none.pixels, none.stored_bytes), (0, 0));
    // Nor does an image with more pixels than are allowed.
    let few = Decoding { max_pixels: 1000, ..Decoding::new(Formats::All) };
    let refused = DecodeCost::of(&png, &nearest, true, &few);
    let pixels = 10 * u64::from(WIDTH * HEIGHT);
    assert!(refused.memory_bytes + pixels <= whole.memory_bytes, "{refused:?} {whole:?}");
    assert_eq!(refused.pixels, whole.pixels);
}
