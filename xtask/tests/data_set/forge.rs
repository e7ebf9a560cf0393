//! Archives that no honest program writes: made by one, then changed byte by byte.

use crate::world::{IMAGES, Member, members, zip};
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;

/// Name of a member that only these archives have: in the first class, between the others.
pub(crate) const EVIL: &str = "COVID-19_Radiography_Dataset/COVID/images/evil.png";

/// Field of a member's entry in the archive's list, by its offset there (APPNOTE 4.3.12): 2 or 4 bytes.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Flags = 8,
    Method = 10,
    Size = 24,
    Attributes = 38,
    Offset = 42,
}

/// Makes the present release with one member more.
pub(crate) fn with(name: &str, bytes: &[u8]) -> Vec<u8> {
    zip(&members_with(name, bytes))
}

fn members_with(name: &str, bytes: &[u8]) -> Vec<Member> {
    let mut members = members(IMAGES);
    members.insert(members.len() / 2, (name.to_owned(), bytes.to_vec()));
    members
}

/// Makes the present release with a link.
pub(crate) fn with_link(name: &str, target: &str) -> Vec<u8> {
    with_last(|writer, options| writer.add_symlink(name, target, options).expect("a link"))
}

/// Makes the present release with a member that is deflated.
pub(crate) fn with_deflated(name: &str, bytes: &[u8]) -> Vec<u8> {
    with_last(|writer, options| {
        writer
            .start_file(name, options.compression_method(zip::CompressionMethod::Deflated))
            .expect("a name");
        writer.write_all(bytes).expect("into memory");
    })
}

fn with_last(add: impl FnOnce(&mut zip::ZipWriter<Cursor<Vec<u8>>>, SimpleFileOptions)) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_append(Cursor::new(zip(&members(IMAGES)))).expect("it is one");
    add(&mut writer, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored));
    writer.finish().expect("into memory").into_inner()
}

/// Makes the present release with a name that no writer accepts, in place of one of the same length.
pub(crate) fn with_name(name: &str) -> Vec<u8> {
    let stand_in = "N".repeat(name.len());
    let mut archive = with(&stand_in, b"evil");
    let places: Vec<usize> = (0..archive.len() - name.len())
        .filter(|at| archive[*at..].starts_with(stand_in.as_bytes()))
        .collect();
    assert_eq!(places.len(), 2, "once before the member, once in the list");
    for at in places {
        archive[at..at + name.len()].copy_from_slice(name.as_bytes());
    }
    archive
}

/// Writes a field of a member's entry in the list.
pub(crate) fn set(archive: &mut [u8], name: &str, field: Field, bytes: &[u8]) {
    let at = entry(archive, name) + field as usize;
    archive[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Reads a field of 4 bytes of a member's entry in the list.
pub(crate) fn get(archive: &[u8], name: &str, field: Field) -> [u8; 4] {
    let at = entry(archive, name) + field as usize;
    archive[at..at + 4].try_into().expect("4 bytes")
}

/// Finds the start of a member's entry in the list.
fn entry(archive: &[u8], name: &str) -> usize {
    let at = (0..archive.len() - name.len()).rev().find(|at| archive[*at..].starts_with(name.as_bytes()));
    let start = at.expect("it is there") - 46;
    assert_eq!(archive[start..start + 4], *b"PK\x01\x02");
    start
}
