//! Frames of animations, orientation wherever it is written, JPEG 2000, and files whose parts stand in an odd order.

use super::*;
use crate::Preprocess;

const ALL: Decoding = Decoding { formats: Formats::All, ..KERAS };

fn refusal(bytes: &[u8], decoding: &Decoding) -> String {
    super::super::decode(bytes, decoding).unwrap_err().to_string()
}

/// Frames of 2×1 pixels: opaque, and behind it one whose first pixel lets the one before show through.
fn frames() -> [image::RgbaImage; 2] {
    let of = |pixels: [u8; 8]| image::RgbaImage::from_raw(2, 1, pixels.to_vec()).unwrap();
    [of([200, 100, 50, 255, 9, 8, 7, 255]), of([0, 0, 0, 0, 30, 60, 90, 255])]
}

#[test]
fn frames_of_animations_are_drawn_over_those_before() {
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        for frame in frames() {
            encoder.encode_frame(image::Frame::new(frame)).unwrap();
        }
    }
    let mut apng = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut apng, 2, 1);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_animated(2, 0).unwrap();
        encoder.set_blend_op(png::BlendOp::Over).unwrap();
        let mut writer = encoder.write_header().unwrap();
        for frame in frames() {
            writer.write_image_data(&frame).unwrap();
        }
        writer.finish().unwrap();
    }
    // The encoder of GIF has each frame taken away before the next.
    for (bytes, below) in [(&gif, [0; 3]), (&apng, [200, 100, 50])] {
        for decoding in [ALL, KERAS] {
            let [a, b, c] = below;
            for (frame, expected) in [(1, [200, 100, 50, 9, 8, 7]), (2, [a, b, c, 30, 60, 90])] {
                let decoding = Decoding { frame, ..decoding };
                let decoded = super::super::decode(bytes, &decoding).unwrap();
                assert_eq!(decoded.pixels.data, expected, "{frame}");
                assert_eq!(decoded.notes.frame, Some([frame, 2]));
                let small =
                    super::super::decode_resized(bytes, 1, Interpolation::Nearest, &decoding).unwrap();
                assert_eq!(small.notes, decoded.notes);
                assert_eq!(small.pixels, resize(&decoded.pixels, 1, Interpolation::Nearest).unwrap());
            }
        }
        assert_eq!(refusal(bytes, &Decoding { frame: 3, ..ALL }), "has no frame 3: it has 2");
    }
    // One frame is nothing to speak of.
    let plain = png((2, 1), 8, 0, &[&[1, 2]], &[], &[]);
    assert_eq!(super::super::decode(&plain, &ALL).unwrap().notes, DecodeNotes::default());
    for bytes in [&plain[..], BASELINE, b"P5 1 1 255\n\x01"] {
        assert_eq!(refusal(bytes, &Decoding { frame: 2, ..ALL }), "has no frame 2: it has 1");
    }
}

/// A frame may be of a number that no animation gets to in a lifetime.
#[test]
fn a_frame_behind_too_many_is_refused() {
    let mut apng = Vec::new();
    let mut encoder = png::Encoder::new(&mut apng, 2, 1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(1_000_000, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&frames()[0]).unwrap();
    drop(writer);
    let decoding = Decoding { frame: 900_000, max_pixels: 1 << 16, ..ALL };
    assert!(refusal(&apng, &decoding).contains("a frame behind so many others"));
    assert!(super::super::decode(&apng, &Decoding { frame: 2, ..ALL }).is_err());
}

/// EXIF with and without the mark of JPEG, and XMP, in every format that can hold them.
#[test]
fn orientation_is_found_wherever_it_is_written() {
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let marked = [&b"Exif\0\0"[..], exif].concat();
    let xmp = b"<x:xmpmeta><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>";
    let element = b"<x:xmpmeta><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>";
    let turned = |bytes: &[u8], (width, height): (usize, usize)| {
        let [seen, stored] = [ALL, KERAS].map(|decoding| decode_by(bytes, &decoding).unwrap());
        assert_eq!((seen.width, seen.height), (height, width), "turned");
        assert_eq!((stored.width, stored.height), (width, height));
        assert_eq!(seen, orientation::turn(stored, image::metadata::Orientation::Rotate90));
    };
    // WebP: an extended header, the image, and the chunk behind it.
    let plain = pattern().1.pop().unwrap().1;
    let chunk_of = |kind: &[u8; 4], data: &[u8]| {
        let padding = if data.len() % 2 == 1 { &[0][..] } else { &[] };
        [kind, &(data.len() as u32).to_le_bytes()[..], data, padding].concat()
    };
    for (kind, data, flags) in
        [(b"EXIF", &exif[..], 8), (b"EXIF", &marked, 8), (b"XMP ", &xmp[..], 4), (b"XMP ", &element[..], 4)]
    {
        let header = chunk_of(b"VP8X", &[flags, 0, 0, 0, 12, 0, 0, 8, 0, 0]);
        let body = [&b"WEBP"[..], &header, &plain[12..], &chunk_of(kind, data)].concat();
        let webp = [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat();
        turned(&webp, (13, 9));
    }
    // PNG: chunks behind the header.
    let plain = png((3, 2), 8, 0, &[&[1, 2, 3, 4, 5, 6]], &[], &[]);
    let hex: String = marked.iter().map(|byte| format!("{byte:02x}")).collect();
    let raw = format!("Raw profile type exif\0\nexif\n{:8}\n{hex}\n", marked.len());
    let text = [&b"XML:com.adobe.xmp\0\0\0\0\0"[..], xmp].concat();
    for (kind, data) in
        [(b"eXIf", &exif[..]), (b"eXIf", &marked), (b"iTXt", &text), (b"tEXt", raw.as_bytes())]
    {
        let mut bytes = plain[..33].to_vec();
        chunk(kind, data, &mut bytes);
        bytes.extend_from_slice(&plain[33..]);
        turned(&bytes, (3, 2));
    }
    // JPEG: segments APP1.
    let packet = [&b"http://ns.adobe.com/xap/1.0/\0"[..], element].concat();
    for data in [&marked, &packet] {
        let length = (data.len() as u16 + 2).to_be_bytes();
        let jpeg = [&BASELINE[..2], &[0xff, 0xe1], &length, data, &BASELINE[2..]].concat();
        turned(&jpeg, (20, 24));
    }
    // EXIF that promises 32 tags and is cut off behind the first.
    let cut = [&b"Exif\0\0MM\0*\0\0\0\x08\0\x20\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x01"[..]].concat();
    let jpeg = [&BASELINE[..2], &[0xff, 0xe1], &(cut.len() as u16 + 2).to_be_bytes(), &cut, &BASELINE[2..]];
    turned(&jpeg.concat(), (20, 24));
}

/// 33×32 pixels of 12 bits, of which (x, 0) is 90·x and (x, 1) begins with 30 + 91·x (as OpenJPEG reads it).
#[test]
fn jpeg_2000_is_read() {
    const CODESTREAM: &[u8] = include_bytes!("../fixtures/lossless12.j2k");
    let stored: Vec<u64> = (0..33).map(|x| 90 * x).chain((0..7).map(|x| 30 + 91 * x)).collect();
    let boxed = |codestream: &[u8]| {
        let of =
            |kind: &[u8; 4], data: &[u8]| [&(data.len() as u32 + 8).to_be_bytes()[..], kind, data].concat();
        let header =
            [of(b"ihdr", b"\0\0\0\x20\0\0\0\x21\0\x01\x0b\x07\0\0"), of(b"colr", b"\x01\0\0\0\0\0\x11")];
        let signature = b"\0\0\0\x0cjP  \r\n\x87\n".to_vec();
        let kind = of(b"ftyp", b"jp2 \0\0\0\0jp2 ");
        [signature, kind, of(b"jp2h", &header.concat()), of(b"jp2c", codestream)].concat()
    };
    for bytes in [CODESTREAM.to_vec(), boxed(CODESTREAM)] {
        let all = super::super::decode(&bytes, &ALL).unwrap();
        assert_eq!((all.pixels.width, all.pixels.height, all.pixels.channels), (33, 32, 1));
        let shown: Vec<u8> = stored.iter().map(|value| ((value * 255 + 2047) / 4095) as u8).collect();
        assert_eq!(all.pixels.data[..40], shown);
        // Pillow brings 12 bits to 16, which are cut at 255 like all gray of 16 bits.
        let keras = super::super::decode(&bytes, &KERAS).unwrap();
        let cut: Vec<u8> = stored.iter().map(|value| (value * 16).min(255) as u8).collect();
        assert_eq!(keras.pixels.data[..40], cut);
        assert!(keras.notes.is_cut && !all.notes.is_cut);
        for length in (1..bytes.len()).step_by(7) {
            assert!(decode_by(&bytes[..length], &ALL).is_err(), "{length}");
        }
        let small = Decoding { max_pixels: 1000, ..ALL };
        assert!(matches!(decode_by(&bytes, &small), Err(DecodeError::TooLarge { width: 33, height: 32 })));
    }
    // As many components as would take 64 kB a pixel.
    let mut many = CODESTREAM.to_vec();
    many[40..42].copy_from_slice(&[0x40, 0]);
    assert!(refusal(&boxed(&many), &ALL).contains("JPEG 2000 with 16384 components"));
}

/// The library (zune-jpeg 0.5) gives other pixels for these without a word.
#[test]
fn jpegs_in_an_odd_order_are_those_of_libjpeg() {
    let marker = |kind: u8| BASELINE.windows(2).position(|two| two == [0xff, kind]).unwrap();
    let length = |at: usize| usize::from(u16::from_be_bytes([BASELINE[at + 2], BASELINE[at + 3]])) + 2;
    let (tables, frame, scan) = (marker(0xdb), marker(0xc0), marker(0xda));
    assert!(tables < frame && frame < scan);
    let end = tables + length(tables);
    // The quantization right before the scan, behind the frame.
    let late =
        [&BASELINE[..tables], &BASELINE[end..scan], &BASELINE[tables..end], &BASELINE[scan..]].concat();
    // APP14 without what Adobe has in it.
    let short = [&BASELINE[..2], b"\xff\xee\0\x05Ado", &BASELINE[2..]].concat();
    for decoding in [ALL, KERAS] {
        let whole = decode_by(BASELINE, &decoding).unwrap();
        assert_eq!(decode_by(&late, &decoding).unwrap(), whole);
        assert_eq!(decode_by(&short, &decoding).unwrap(), whole);
    }
}

/// Only as many bits of a transparent gray count as the pixels have.
#[test]
fn transparent_gray_is_compared_in_the_pixels_bits() {
    for (depth, packed, transparent, expected) in [
        (1, 0x50, [0, 0xff], [0, 0, 0, 0]),
        (2, 0x1b, [0xff, 0xfd], [0, 0, 170, 255]),
        (1, 0x50, [0, 0], [0, 255, 0, 255]),
    ] {
        let bytes = png((4, 1), depth, 0, &[&[packed]], &[], &transparent);
        assert_eq!(decode_by(&bytes, &ALL).unwrap().data, expected);
    }
}

/// Pixels that are said to begin where the palette does.
#[test]
fn a_bmp_with_its_palette_counted_as_pixels_is_put_right() {
    let mut header = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x08\0".to_vec();
    header.extend([0; 16]);
    header.extend([2, 0, 0, 0, 0, 0, 0, 0]);
    let bytes = [&header[..], &[30, 20, 10, 0, 90, 80, 70, 0], &[1, 0, 0, 0]].concat();
    for decoding in [ALL, KERAS] {
        assert_eq!(decode_by(&bytes, &decoding).unwrap().data, [70, 80, 90, 10, 20, 30]);
    }
}

/// By Keras' rules the palette's colour, by the others black: the first pixel is transparent.
#[test]
fn what_is_transparent_in_a_gif_has_pillows_colour_by_keras_rules() {
    // A screen of 2×1, colours 0 and 1, index 1 transparent, a frame of the indices 1 and 0 in codes of three bits.
    let head = b"GIF89a\x02\0\x01\0\x80\0\0\x0a\x14\x1e\xc8\xb4\xa0\x21\xf9\x04\x01\0\0\x01\0\x2c\0\0\0\0\x02\0\x01\0\0";
    // Clear (4), 1, 0, end (5), lowest bits first.
    let codes: u16 = 4 | 1 << 3 | 5 << 9;
    let bytes = [&head[..], &[2, 2], &codes.to_le_bytes(), &[0, 0x3b]].concat();
    assert_eq!(decode(&bytes).unwrap().data, [200, 180, 160, 10, 20, 30]);
    assert_eq!(decode_by(&bytes, &ALL).unwrap().data, [0, 0, 0, 10, 20, 30]);
}

/// Pillow's size and pixels of a frame at (1, 1), two pixels wide, on a screen of 2×1.
#[test]
fn a_gif_is_as_large_as_its_first_frame_needs() {
    let head = b"GIF89a\x02\0\x01\0\x80\0\0\x0a\x14\x1e\xc8\xb4\xa0\x21\xf9\x04\x01\0\0\x01\0\x2c\x01\0\x01\0\x02\0\x01\0\0";
    let codes: u16 = 4 | 1 << 3 | 5 << 9;
    let bytes = [&head[..], &[2, 2], &codes.to_le_bytes(), &[0, 0x3b]].concat();
    let keras = decode_by(&bytes, &KERAS).unwrap();
    assert_eq!((keras.width, keras.height), (3, 2));
    let free = [200, 180, 160];
    assert_eq!(keras.data, [&free.repeat(5)[..], &[10, 20, 30]].concat());
    assert_eq!(decode_by(&bytes, &ALL).unwrap().data, [&[0; 15][..], &[10, 20, 30]].concat());
    // What the file announces has room for it.
    let preprocess = Preprocess { image_size: 8, interpolation: Interpolation::Nearest };
    assert_eq!(DecodeCost::of(&bytes, &preprocess, true, &ALL).pixels, 6);
    let too_large = Decoding { max_pixels: 5, ..ALL };
    assert!(matches!(decode_by(&bytes, &too_large), Err(DecodeError::TooLarge { width: 3, height: 2 })));
}
