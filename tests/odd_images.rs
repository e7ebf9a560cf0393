//! Tests of files whose kind once ended the program, or silently gave wrong pixels: TIFF in many layouts, formats that are
//! recognised but not read, and files with several frames.

use std::fs;

use serde_json::{Value, json};

use crate::{
    pictures::png,
    serve::Served,
    world::{CLASSES, World},
};

/// Makes an uncompressed little-endian TIFF with these tags, and this data from byte 8 on.
fn tiff(tags: &[(u16, &[u32])], data: &[u8]) -> Vec<u8> {
    let mut bytes = [b"II*\0", &(8 + data.len() as u32).to_le_bytes()[..], data].concat();
    let values_at = bytes.len() + 2 + 12 * tags.len() + 4;
    let (mut directory, mut values) = (Vec::new(), Vec::new());
    for (tag, numbers) in tags {
        directory.extend(tag.to_le_bytes());
        directory.extend(4_u16.to_le_bytes());
        directory.extend((numbers.len() as u32).to_le_bytes());
        if let [one] = numbers {
            directory.extend(one.to_le_bytes());
        } else {
            directory.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
    bytes.extend((tags.len() as u16).to_le_bytes());
    bytes.extend(directory);
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

const SIDE: usize = 24;

/// Makes a picture of 24×24, and the same as RGB in planes of 16×16 tiles, which do not divide 24.
fn planar_tiles(level: u8) -> (Vec<u8>, Vec<u8>) {
    let value =
        |x: usize, y: usize, channel: usize| level.wrapping_add((x * 3 + y * 5 + channel * 7) as u8 % 64);
    let pixels: Vec<u8> = (0..SIDE * SIDE * 3).map(|i| value(i / 3 % SIDE, i / 3 / SIDE, i % 3)).collect();
    let (mut data, mut offsets) = (Vec::new(), Vec::new());
    for channel in 0..3 {
        for tile in 0..4 {
            offsets.push(8 + data.len() as u32);
            let (left, top) = (tile % 2 * 16, tile / 2 * 16);
            data.extend((0..256).map(|i| value(left + i % 16, top + i / 16, channel)));
        }
    }
    let tags: [(u16, &[u32]); 11] = [
        (256, &[SIDE as u32]),
        (257, &[SIDE as u32]),
        (258, &[8, 8, 8]),
        (259, &[1]),
        (262, &[2]),
        (277, &[3]),
        (284, &[2]),
        (322, &[16]),
        (323, &[16]),
        (324, &offsets),
        (325, &[256; 12]),
    ];
    (png(SIDE as u32, png::ColorType::Rgb, &pixels), tiff(&tags, &data))
}

/// Checks planar tiles, which once made the TIFF library panic and ended every command.
#[test]
fn planar_tiles_are_read_by_every_command() {
    let world = World::new();
    world.study();
    for class in CLASSES {
        fs::write(world.path("xrays").join(class).join("tiles.tif"), planar_tiles(90).1).unwrap();
    }
    // A file with an error of its own, so that there is something to skip.
    fs::write(world.path("xrays/NORMAL/cut.tif"), &planar_tiles(90).1[..1000]).unwrap();
    let scan = world.thorax(&["data", "scan", "xrays"]);
    assert_eq!(scan.code, Some(1), "{}", scan.stderr);
    assert!(scan.stdout.contains("1 of 34 images cannot be read"), "{}", scan.stdout);
    let run = ["--epochs", "1", "--out", "run", "--on-bad-image", "skip"];
    let trained = world.train(&run);
    assert!(trained.ok().stderr.contains("1 of 46 images cannot be read"), "{}", trained.stderr);

    fs::create_dir(world.path("odd")).unwrap();
    let (png, tiff) = planar_tiles(120);
    fs::write(world.path("odd/a.png"), png).unwrap();
    fs::write(world.path("odd/b.tif"), &tiff).unwrap();
    let done = world.thorax(&["predict", "odd", "--saved", "run", "--json"]);
    let rows: Vec<Value> = done.ok().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["probabilities"], rows[1]["probabilities"]);
    world.thorax(&["explain", "odd/b.tif", "--saved", "run", "--out", "maps"]).ok();
    let server = Served::start(&world, &[]);
    let answer = server.predict(&tiff);
    assert_eq!(answer.status, 200, "{answer:?}");
    let cut = server.predict(&tiff[..1000]);
    assert!([400, 415, 422].contains(&cut.status), "{cut:?}");
    assert_eq!(server.predict(&tiff).status, 200);
}

#[test]
fn formats_that_are_known_and_not_read_are_named() {
    let world = World::new();
    let files: [(&str, &[u8], &str); 8] = [
        ("a.avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        ("b.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        ("c.jxl", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "JPEG XL"),
        ("d.psd", b"8BPS\0\x01\0\0\0\0\0\0\0\x03", "Photoshop (PSD)"),
        ("e.exr", b"\x76\x2f\x31\x01\x02\0\0\0", "OpenEXR"),
        ("f.fits", b"SIMPLE  =                    T", "FITS"),
        ("g.svg", b"<?xml version=\"1.0\"?>\n<svg/>", "SVG"),
        ("h.pdf", b"%PDF-1.4\n", "PDF"),
    ];
    for (name, bytes, _) in files {
        fs::write(world.path(name), bytes).unwrap();
    }
    let names: Vec<&str> = files.iter().map(|(name, ..)| *name).collect();
    for formats in ["all", "keras"] {
        let line = [&["data", "decode", "--out", "out", "--json", "--formats", formats], &names[..]].concat();
        let done = world.thorax(&line);
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        let said: Value = serde_json::from_str(&done.stdout).unwrap();
        let expected = files.map(|(name, _, format)| {
            json!({"path": name, "error": format!("is an image that is not supported: {format}")})
        });
        assert_eq!(said["unreadable"], json!(expected));
    }
}

/// Checks that TIFFs of floats, of signed numbers and of white-is-zero are read, and that the range used is reported.
#[test]
fn numbers_without_a_range_are_read_and_said() {
    let world = World::new();
    let page = |bits, format, data: &[u8]| {
        let tags: [(u16, &[u32]); 9] = [
            (256, &[3]),
            (257, &[1]),
            (258, &[bits]),
            (259, &[1]),
            (262, &[1]),
            (273, &[8]),
            (278, &[1]),
            (279, &[3 * bits / 8]),
            (339, &[format]),
        ];
        tiff(&tags, data)
    };
    let floats = |values: [f32; 3]| page(32, 3, &values.map(f32::to_le_bytes).concat());
    fs::write(world.path("share.tif"), floats([0.0, 0.5, 1.0])).unwrap();
    fs::write(world.path("density.tif"), floats([-1000.0, 0.0, 1000.0])).unwrap();
    fs::write(world.path("signed.tif"), page(16, 2, &[-1000_i16, 0, 1000].map(i16::to_le_bytes).concat()))
        .unwrap();
    let done =
        world.thorax(&["data", "decode", "share.tif", "density.tif", "signed.tif", "--out", "out", "--json"]);
    let files = done.json()["files"].clone();
    assert_eq!(files[0]["note"], Value::Null);
    for i in [1, 2] {
        assert!(
            files[i]["note"].as_str().unwrap().contains("scaled by the range of its own pixels"),
            "{files}"
        );
    }
    for name in ["share", "density", "signed"] {
        let pixels = crate::decode::pixels(&fs::read(world.path(&format!("out/{name}.png"))).unwrap());
        assert_eq!(pixels, (3, 1, vec![0, 128, 255]), "{name}");
    }
    // Pillow's conversion of mode F to RGB cuts values, which leaves nothing of floats from 0 to 1: every command reports that.
    let line = ["data", "decode", "share.tif", "--formats", "keras", "--out", "cut", "--json"];
    let note = &world.thorax(&line).json()["files"][0]["note"];
    assert_eq!(note, "values that 8 bits do not hold are cut by Keras' rules");
    world.study();
    fs::copy(world.path("share.tif"), world.path("xrays/NORMAL/share.tif")).unwrap();
    let cut = "1 of 43 images have values that 8 bits do not hold, which Keras' rules cut";
    for command in ["scan", "audit"] {
        let done = world.thorax(&["data", command, "xrays", "--formats", "keras"]);
        let cut = if command == "scan" { cut.replace("43", "31") } else { cut.to_owned() };
        assert!(done.ok().stderr.contains(&cut), "{}", done.stderr);
    }
}
