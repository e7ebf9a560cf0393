//! Images of every format that is decoded.

use std::io::Cursor;

use data::{Decoding, Formats, Interpolation, Pixels, decode, decode_resized, resize};
use image::{DynamicImage, ImageFormat, codecs};

/// Pixels that a file may announce: few enough that what grows with them is soon told from what does not.
const MAX_PIXELS: u64 = 1 << 16;
/// The most that a whole image of that size takes is four floats a pixel, twice, and its result: 3 MiB. What an input holds by
/// itself (at most 64 kB) and the tables of decoders come on top.
pub(crate) const MEGABYTES: usize = 64;

/// Decodes by both rules, whole and resized. Of another format there is another target.
pub(crate) fn run(format: ImageFormat, input: &[u8]) {
    if image::guess_format(input).ok() == Some(format) {
        decoded(input);
    }
}

pub(crate) fn decoded(input: &[u8]) {
    for (_, formats) in Formats::ALL {
        let decoding = Decoding { max_pixels: MAX_PIXELS, ..Decoding::new(formats) };
        let whole = decode(input, &decoding).map(|decoded| decoded.pixels);
        let small = decode_resized(input, 7, Interpolation::Nearest, &decoding).map(|decoded| decoded.pixels);
        if let Ok(pixels) = &whole {
            check(pixels);
            assert!((pixels.width * pixels.height) as u64 <= MAX_PIXELS);
        }
        if let (Ok(pixels), Ok(small)) = (&whole, &small) {
            check(small);
            assert_eq!(resize(pixels, 7, Interpolation::Nearest).as_ref().ok(), Some(small));
        }
    }
}

fn check(pixels: &Pixels) {
    assert!(pixels.width > 0 && pixels.height > 0 && matches!(pixels.channels, 1 | 3));
    assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
}

/// One small picture in every kind of pixel.
fn pictures() -> Vec<DynamicImage> {
    let rgba = image::RgbaImage::from_fn(13, 9, |x, y| {
        image::Rgba([(x * 19) as u8, (y * 28) as u8, (x * y) as u8, 255 - (x * 7) as u8])
    });
    let picture = DynamicImage::ImageRgba8(rgba);
    vec![
        picture.to_luma8().into(),
        picture.to_luma_alpha8().into(),
        picture.to_rgb8().into(),
        picture.to_luma16().into(),
        picture.to_luma_alpha16().into(),
        picture.to_rgb16().into(),
        picture.to_rgba16().into(),
        picture.to_rgb32f().into(),
        picture,
    ]
}

/// What the library's encoder makes of them, where it takes such pixels; and what decoders have in their own tests.
fn encoded(format: ImageFormat) -> Vec<Vec<u8>> {
    let of = |picture: DynamicImage| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).ok().map(|()| bytes.into_inner())
    };
    pictures().into_iter().filter_map(of).chain(real(format)).collect()
}

/// Real files that are not large, where there are some.
fn real(format: ImageFormat) -> Vec<Vec<u8>> {
    let Some(root) = std::env::var_os("THORAX_REAL_DATA") else { return Vec::new() };
    let folders =
        std::fs::read_dir(std::path::Path::new(&root).join("awkward")).into_iter().flatten().flatten();
    let files = folders.filter_map(|folder| std::fs::read_dir(folder.path()).ok()).flatten().flatten();
    let bytes = files.filter_map(|file| std::fs::read(file.path()).ok());
    bytes.filter(|bytes| bytes.len() < 6_000 && image::guess_format(bytes).ok() == Some(format)).collect()
}

pub(crate) fn png() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Png);
    // Palettes, few bits and interlacing, by their header alone: libFuzzer finds what fits.
    let first = seeds[0].clone();
    for (depth, colour, interlace) in [(1, 0, 0), (2, 0, 1), (4, 3, 0), (8, 3, 1), (16, 6, 1)] {
        let mut other = first.clone();
        (other[24], other[25], other[28]) = (depth, colour, interlace);
        if colour == 3 {
            other
                .splice(33..33, *b"\0\0\0\x06PLTE\x01\x02\x03\xfa\xfb\xfc\0\0\0\0\0\0\0\x01tRNS\x07\0\0\0\0");
        }
        seeds.push(other);
    }
    let exif = b"\0\0\0\x1aeXIfII*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0";
    let mut turned = first;
    turned.splice(33..33, *exif);
    seeds.push(turned);
    seeds
}

pub(crate) fn jpeg() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Jpeg);
    seeds.push(include_bytes!("../../../crates/data/src/decode/fixtures/baseline.jpg").to_vec());
    seeds.push(include_bytes!("../../../crates/data/src/decode/fixtures/progressive.jpg").to_vec());
    seeds.push(include_bytes!("../../../crates/data/src/decode/fixtures/lossless12.jpg").to_vec());
    let open = seeds[0][..seeds[0].len() - 2].to_vec();
    seeds.push(open);
    let mut turned = seeds[0].clone();
    turned.splice(
        2..2,
        *b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
    );
    seeds.push(turned);
    seeds
}

pub(crate) fn bmp() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Bmp);
    // Run lengths of 8 and of 4 bits, with a palette of two colours.
    for (compression, bits) in [(1_u32, 8_u16), (2, 4)] {
        let palette = [1, 2, 3, 0, 250, 251, 252, 0];
        let data = [4, 1, 0, 4, 1, 0, 1, 0, 0, 0, 0, 2, 1, 1, 3, 0, 0, 1];
        let mut file = b"BM\0\0\0\0\0\0\0\0\x3e\0\0\0\x28\0\0\0\x05\0\0\0\x04\0\0\0\x01\0".to_vec();
        file.extend(bits.to_le_bytes());
        file.extend(compression.to_le_bytes());
        file.extend((data.len() as u32).to_le_bytes());
        file.extend([0; 8]);
        file.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(palette);
        file.extend(data);
        seeds.push(file);
    }
    seeds
}

pub(crate) fn tiff() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Tiff);
    // The other compressions, written into the header of one that has none.
    let plain = seeds[0].clone();
    let at = plain.windows(4).position(|bytes| bytes == [3, 1, 3, 0]);
    for compression in [2_u16, 3, 4, 5, 7, 8, 32773, 34712, 50000] {
        let mut other = plain.clone();
        if let Some(at) = at {
            other[at + 8..at + 10].copy_from_slice(&compression.to_le_bytes());
        }
        seeds.push(other);
    }
    // A palette, as `decode/tiff.rs` reads it.
    let mut bytes = b"II*\0\x0c\0\0\0\x02\0\x01\0".to_vec();
    let tags = [(256, 3), (257, 1), (258, 8), (259, 1), (262, 3), (273, 8), (277, 1), (278, 1), (279, 3)];
    bytes.extend(10_u16.to_le_bytes());
    for (tag, value) in tags {
        bytes.extend([u16::to_le_bytes(tag), 3_u16.to_le_bytes(), [1, 0], [0, 0]].concat());
        bytes.extend(u32::to_le_bytes(value));
    }
    bytes.extend(
        [&320_u16.to_le_bytes()[..], &[3, 0], &768_u32.to_le_bytes(), &138_u32.to_le_bytes()].concat(),
    );
    bytes.extend([0; 4 + 1536]);
    seeds.push(bytes);
    seeds
}

/// One pixel each, which the library does not encode: lossy, with alpha beside it, and animated.
const WEBP: [&[u8]; 3] = [
    b"RIFF$\0\0\0WEBPVP8 \x18\0\0\00\x01\0\x9d\x01*\x01\0\x01\0\x03\04%\xa4\0\x03p\0\xfe\xfb\x94\0\0",
    b"RIFFJ\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\0\0\0\0\0\0ALPH\x0c\0\0\0\x11\x07\x10\x11\xfd\x0fDD\xff\x03\0\0VP8 \x18\0\0\0\x14\x01\0\x9d\x01*\x01\0\x01\0\0\0\xfe\0\0\x0d\xc0\0\xfe\xe6\xb5\0\0\0",
    b"RIFFR\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\0\0\0\0\0\0ANIM\x06\0\0\0\xff\xff\xff\xff\0\0ANMF&\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0d\0\0\0VP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0",
];

pub(crate) fn webp() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::WebP);
    seeds.extend(WEBP.map(<[u8]>::to_vec));
    seeds
}

pub(crate) fn gif() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Gif);
    let mut two = Vec::new();
    {
        let mut encoder = codecs::gif::GifEncoder::new(&mut two);
        for picture in pictures().into_iter().take(2) {
            let frame = image::Frame::new(picture.to_rgba8());
            encoder.encode_frame(frame).expect("into memory");
        }
    }
    seeds.push(two);
    seeds
}

pub(crate) fn pnm() -> Vec<Vec<u8>> {
    let mut seeds = encoded(ImageFormat::Pnm);
    let texts: [&[u8]; 9] = [
        b"P1 3 2\n1 0 1\n010",
        b"P2\n# made by hand\n3 1 15\n1 2 15\n",
        b"P3 1 1 255 1 2 3",
        b"P4 9 2\n\xff\x80\x01\x00",
        b"P5 2 1 255\n\x01\x02",
        b"P5 2 1 65535\n\0\x01\x02\x03",
        b"P6 1 1 255\n\x01\x02\x03",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\x01\x02\x03\x04",
        b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n\x01\0",
    ];
    seeds.extend(texts.map(<[u8]>::to_vec));
    seeds
}
