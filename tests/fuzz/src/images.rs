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
    let big_tiff = input.starts_with(b"II+\0") || input.starts_with(b"MM\0+");
    if image::guess_format(input).ok() == Some(format) || (format == ImageFormat::Tiff && big_tiff) {
        decoded(input);
    }
}

pub(crate) fn decoded(input: &[u8]) {
    let rules = Formats::ALL.into_iter().flat_map(|(_, formats)| [(formats, 1), (formats, 2)]);
    for (formats, frame) in rules {
        let decoding = Decoding { max_pixels: MAX_PIXELS, frame, ..Decoding::new(formats) };
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
    // Every compression with every kind of pixel, in strips and tiles, together and apart.
    for compression in [2, 3, 4, 5, 7, 8, 32771, 32773, 32946] {
        for [photometric, samples, bits, format, predictor] in [
            [0, 1, 1, 1, 1],
            [1, 1, 8, 1, 2],
            [1, 2, 16, 1, 2],
            [1, 1, 32, 3, 3],
            [1, 1, 12, 2, 1],
            [2, 3, 8, 1, 2],
            [2, 4, 8, 1, 1],
            [3, 1, 4, 1, 1],
            [5, 4, 8, 1, 1],
            [6, 3, 8, 1, 1],
            [8, 3, 8, 1, 1],
        ] {
            for layout in 0..4 {
                let tags = [
                    (258, bits),
                    (259, compression),
                    (262, photometric),
                    (266, 1 + layout % 2),
                    (277, samples),
                    (284, 1 + layout / 2),
                    (317, predictor),
                    (338, 1),
                    (339, format),
                    (530, 2),
                ];
                seeds.push(tiff_of(&tags, layout % 2 == 1, layout == 3));
            }
        }
    }
    seeds
}

/// Seven by five pixels of whatever the bytes give, in strips of two rows or tiles of four by three; one page or two.
fn tiff_of(tags: &[(u16, u32)], tiled: bool, big: bool) -> Vec<u8> {
    let data: Vec<u8> = (0..400_u32).map(|i| (i * 37 % 251) as u8).collect();
    let width = if big { 8 } else { 4 };
    let number = |value: u64, length: usize| value.to_le_bytes()[..length].to_vec();
    let mut bytes = if big { b"II+\0\x08\0\0\0".to_vec() } else { b"II*\0".to_vec() };
    let data_at = bytes.len() + width;
    let mut all: Vec<(u16, Vec<u64>)> = tags.iter().map(|&(tag, value)| (tag, vec![value.into()])).collect();
    all.extend([(256, vec![7]), (257, vec![5]), (320, (0..48).map(|i| i * 1300).collect())]);
    let chunks: Vec<u64> = (0..16).map(|i| (data_at + 7 * i) as u64).collect();
    if tiled {
        all.extend([(322, vec![4]), (323, vec![3]), (324, chunks), (325, vec![90; 16])]);
    } else {
        all.extend([(273, chunks), (278, vec![2]), (279, vec![90; 16])]);
    }
    all.sort();
    let values_at = data_at + data.len();
    let values: Vec<u8> = all
        .iter()
        .filter(|(_, v)| v.len() > 1)
        .flat_map(|(_, v)| v.iter().flat_map(|&v| number(v, 4)).collect::<Vec<_>>())
        .collect();
    bytes.extend(number((values_at + values.len()) as u64, width));
    bytes.extend(data);
    bytes.extend(&values);
    for page in 0..2 {
        bytes.extend(number(all.len() as u64, if big { 8 } else { 2 }));
        let mut place = values_at;
        for (tag, values) in &all {
            bytes.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
            bytes.extend(number(values.len() as u64, width));
            if let [one] = values[..] {
                bytes.extend(number(one, width));
            } else {
                bytes.extend(number(place as u64, width));
                place += 4 * values.len();
            }
        }
        let next = if page == 0 { bytes.len() + width } else { 0 };
        bytes.extend(number(next as u64, width));
    }
    bytes
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
