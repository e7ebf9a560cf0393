//! Zip files, as `fetch-weights` and `fetch-data` read them. The code is xtask's own files: a program cannot be linked.

mod data_set;
#[path = "../../../xtask/src/fetch/unpack.rs"]
mod unpack;

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::scratch;

pub(crate) fn run(input: &[u8]) {
    let file = scratch::write("archive.zip", input);
    let outside = scratch::folder().join("outside");
    let inside = outside.join("inside");
    let _ = std::fs::remove_dir_all(&outside);
    std::fs::create_dir_all(&inside).expect("a folder");
    let _ = unpack::unpack(&file, &[("a/", "lib/"), ("", "")], &inside);
    let beside: Vec<_> = std::fs::read_dir(&outside).expect("it is there").flatten().collect();
    assert_eq!(beside.len(), 1, "written outside of the folder");
    stays_inside(&inside, &inside);
    data_set::read(&file, unpack::is_inside);
}

/// Every link must lead to something inside.
fn stays_inside(folder: &std::path::Path, root: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("it is there");
        if kind.is_symlink() {
            if let Ok(target) = std::fs::canonicalize(&path) {
                assert!(target.starts_with(root), "a link out of the folder: {}", target.display());
            }
        } else if kind.is_dir() {
            stays_inside(&path, root);
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = stored.compression_method(CompressionMethod::Deflated);
    let made = |add: &dyn Fn(&mut ZipWriter<Cursor<Vec<u8>>>)| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        add(&mut writer);
        writer.finish().expect("into memory").into_inner()
    };
    let file = |writer: &mut ZipWriter<_>, name: &str, options| {
        writer.start_file(name, options).expect("a name");
        writer.write_all(name.as_bytes()).expect("into memory");
    };
    vec![
        made(&|writer| {
            file(writer, "a/b", stored);
            file(writer, "c", deflated);
        }),
        made(&|writer| {
            writer.add_directory("a/", stored).expect("a folder");
            writer.add_symlink("a/link", "b", stored).expect("a link");
            file(writer, "a/b", deflated);
        }),
        made(&|writer| {
            writer.add_symlink("a/l", "d", stored).expect("a link");
            file(writer, "lib/l/x", stored);
        }),
        made(&|writer| {
            writer.start_file("z", deflated).expect("a name");
            writer.write_all(&[0; 100_000]).expect("into memory");
        }),
    ]
}
