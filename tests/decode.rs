//! Tests of `data decode`: pixels as PNG, files that are never overwritten, texts that are never printed, and the comparison with
//! Pillow and pydicom.

use std::{fs, process::Command};

use serde_json::json;

use crate::{
    pictures::{gray_png, rgb_png},
    world::World,
};

/// Makes a DICOM image of two MONOCHROME1 pixels behind a patient's name, without preamble.
pub(crate) fn dicom() -> Vec<u8> {
    [
        &b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x10\0\x10\0PN\x08\0Doe^Jane\x28\0\x04\0CS\x0c\0MONOCHROME1 "[..],
        b"\x28\0\x10\0US\x02\0\x01\0\x28\0\x11\0US\x02\0\x02\0\x28\0\0\x01US\x02\0\x08\0",
        b"\xe0\x7f\x10\0OB\0\0\x02\0\0\0\x0a\xff",
    ]
    .concat()
}

pub(crate) fn pixels(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    (info.width, info.height, data)
}

#[test]
fn each_file_becomes_a_png_and_bad_ones_are_named() {
    let world = World::new();
    fs::create_dir(world.path("more")).unwrap();
    fs::write(world.path("gray.jpg"), gray_png(8, 100)).unwrap();
    fs::write(world.path("more/gray.png"), rgb_png(6, [9, 99, 199])).unwrap();
    fs::write(world.path("chest.dcm"), dicom()).unwrap();
    fs::write(world.path("text.png"), "this is no image").unwrap();
    fs::write(world.path("cut.dcm"), &dicom()[..40]).unwrap();
    let files = ["gray.jpg", "text.png", "more/gray.png", "chest.dcm", "cut.dcm", "nowhere.png"];
    let done = world.thorax(&[&["data", "decode", "--out", "out"], &files[..]].concat());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert_eq!(
        done.stdout,
        "gray.jpg  PNG  8×8  gray  out/gray.png\nmore/gray.png  PNG  6×6  RGB  out/gray-2.png\n\
         chest.dcm  DICOM  2×1  gray  out/chest.png\n"
    );
    for words in ["`text.png` is no image", "`cut.dcm` is", "`nowhere.png` cannot be read"] {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("Doe"));
    let read = |name: &str| pixels(&fs::read(world.path("out").join(name)).unwrap());
    assert_eq!(read("gray.png").2[..8], [100, 100, 100, 100, 101, 101, 101, 101]);
    assert_eq!(read("gray-2.png").2[..3], [9, 99, 199]);
    assert_eq!(read("chest.png"), (2, 1, vec![255, 0]));
    // Beside the pictures there is a marker only: the files that they were made of lie in the folder above.
    let mut names: Vec<_> =
        fs::read_dir(world.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, [".thorax-output", "chest.png", "gray-2.png", "gray.png"]);

    let json =
        world.thorax(&["data", "decode", "chest.dcm", "--out", "new/folder", "--image-size", "3", "--json"]);
    let expected = json!({"out": "new/folder", "unreadable": [], "files": [{"path": "chest.dcm", "format": "DICOM",
        "width": 3, "height": 3, "channels": 1, "png": "new/folder/chest.png",
        "note": "no usable window: scaled by the range of its own pixels"}]});
    assert_eq!(json.json(), expected);
    // Keras' rules know no DICOM, and the error names those that do.
    let done = world.thorax(&["data", "decode", "chest.dcm", "--out", "new", "--formats", "keras", "--json"]);
    assert_eq!(done.code, Some(1));
    let error = "is a DICOM image, which `--formats all` reads";
    let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(json["unreadable"], json!([{"path": "chest.dcm", "error": error}]));
    let done = world.thorax(&["data", "decode", "gray.jpg", "--out", "new", "--max-pixels", "63"]);
    assert!(done.stderr.contains("`gray.jpg` is too large: 8×8 pixels"), "{}", done.stderr);
}

#[test]
fn what_is_there_is_not_overwritten_unawares() {
    let world = World::new();
    fs::write(world.path("a.png"), gray_png(4, 1)).unwrap();
    fs::write(world.path("b.jpg"), gray_png(4, 2)).unwrap();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("out/b.png"), "mine").unwrap();
    let line = ["data", "decode", "a.png", "b.jpg", "--out", "out"];
    world.refuses(&line, &["error: `out/b.png` is there already", "hint: ", "`--force`"]);
    world.thorax(&[&line[..], &["--force"]].concat()).ok();
    assert_eq!(pixels(&fs::read(world.path("out/b.png")).unwrap()).2, vec![2; 16]);
    world.refuses(&[&line[..], &["--json"]].concat(), &["`out/a.png` is there already, and 1 more"]);
    // No flag allows overwriting a file that is to be read.
    let line = ["data", "decode", "b.jpg", "a.png", "--out", ".", "--force"];
    world.refuses(&line, &["error: `./a.png` is one of the files to read", "hint: ", "`--out`"]);
    world.refuses(&["data", "decode", "a.png", "--out", "b.jpg"], &["error: cannot create `b.jpg`"]);
    world.refuses(&["data", "decode", "a.png", "--out", "new", "--image-size", "0"], &["must be at least 1"]);
    world.refuses(&["data", "decode", "--out", "new"], &["FILE"]);
}

/// Compares all formats that Pillow and pydicom can make here, and real files where `THORAX_REAL_DATA` names them.
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn pixels_are_those_of_pillow_and_pydicom() {
    let has = Command::new("python3").args(["-c", "import numpy, PIL, pydicom"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "pixels_are_those_of_pillow_and_pydicom: skipped, `python3` has no Pillow, numpy and pydicom"
        );
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/compare_pixels.py");
    let output =
        Command::new("python3").args([script, "--thorax", env!("CARGO_BIN_EXE_thorax")]).output().unwrap();
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{table}\n{errors}");
    assert!(table.lines().count() > 150, "{table}");
}
