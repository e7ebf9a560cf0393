//! Check of the archive before anything is unpacked: one bad member, and nothing of it is used.

use super::super::unpack::is_inside;
use anyhow::Result;
use indicatif::HumanBytes;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;
use zip::read::ZipFileEntry;

/// Largest number of members. The present release has 42,000 of at most 0.2 MB, 1.1 GB in all; that of 2020 has 2,900 of at
/// most 2 MB.
const MAX_MEMBERS: usize = 200_000;
const MAX_MEMBER: u64 = 64 << 20;
const MAX_TOTAL: u64 = 20 << 30;
/// Largest compression ratio. Images hardly shrink: a member beyond this, and beyond the size of a blank image, is there to
/// fill the disk.
const MAX_RATIO: u64 = 100;
const RATIO_FREE: u64 = 1 << 20;
/// Largest list of members in bytes, which is read into memory: real ones take 6 MB.
const MAX_LIST: u64 = 32 << 20;

/// Open archive without a bad member.
pub(super) type Archive = zip::ZipArchive<Bounded<BufReader<File>>>;

/// Reason why an archive is not used; as text, it follows the archive's name.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Makes a refusal that names a member.
pub(super) fn bad(name: &str, why: impl Display) -> Refused {
    Refused(format!("holds `{}`, {why}", printable(name)))
}

/// Escapes control characters in a name, which could affect a terminal.
fn printable(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// Returns a member's name, which must be text; a name that is no UTF-8 is read in DOS's encoding, the default of zip files.
pub(super) fn name_of<'a>(member: &'a ZipFileEntry<'_>) -> Result<Cow<'a, str>, Refused> {
    member.name().map_err(|_| bad(&String::from_utf8_lossy(member.name_raw()), "whose name cannot be read"))
}

/// Opens an archive and checks every member by its entry in the list of members.
pub(super) fn open(path: &Path) -> Result<Archive, Refused> {
    let file = File::open(path).map_err(|error| Refused(format!("cannot be opened ({error})")))?;
    let left = Rc::new(Cell::new(MAX_LIST));
    let bounded = Bounded { inner: BufReader::new(file), left: Rc::clone(&left) };
    let mut archive = zip::ZipArchive::new(bounded)
        .map_err(|error| Refused(format!("is no readable zip file ({error})")))?;
    left.set(u64::MAX);
    if archive.is_empty() || archive.len() > MAX_MEMBERS {
        return Err(Refused(format!("holds {} members, not 1 to {MAX_MEMBERS}", archive.len())));
    }
    if archive.has_duplicate_names() {
        let name = twice(path, &archive).unwrap_or_default();
        return Err(bad(&name, "which is there twice"));
    }
    check(&archive)?;
    match archive.has_overlapping_entries() {
        Ok(false) => Ok(archive),
        Ok(true) => Err(Refused("holds members that share bytes".into())),
        Err(error) => Err(Refused(format!("is no readable zip file ({error})"))),
    }
}

fn check(archive: &Archive) -> Result<(), Refused> {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut total = 0_u64;
    for index in 0..archive.len() {
        let member = archive.by_index_data(index).map_err(|error| Refused(error.to_string()))?;
        let name = name_of(&member)?;
        if let Some(why) = fault(&member, &name) {
            return Err(bad(&name, why));
        }
        let folded = name.trim_end_matches('/').to_lowercase();
        if let Some(other) = names.insert(folded, name.to_string()) {
            return Err(bad(&name, format!("whose name is also that of `{}`", printable(&other))));
        }
        total = total.saturating_add(member.size());
        if total > MAX_TOTAL {
            return Err(bad(
                &name,
                format!("with which it would unpack to more than {}", HumanBytes(MAX_TOTAL)),
            ));
        }
    }
    Ok(())
}

/// Returns the fault of a member, if it has one.
fn fault(member: &ZipFileEntry<'_>, name: &str) -> Option<String> {
    let (size, packed) = (member.size(), member.compressed_size().max(1));
    // Unix file type: none given, a file or a folder; 0o12 is a link.
    let kind = (member.external_attributes() >> 28) & 0o17;
    let why = if !is_inside(name) {
        "which would lie outside the folder it is unpacked to"
    } else if name.split('/').any(|part| part.len() > 255) {
        "whose name is too long for a file's"
    } else if name.chars().any(char::is_control) {
        "whose name has control characters in it"
    } else if kind == 0o12 {
        "which is a link"
    } else if ![0, 0o10, 0o4].contains(&kind) {
        "which is neither file nor folder"
    } else if member.encrypted() {
        "which is encrypted"
    } else if size > MAX_MEMBER {
        return Some(format!("which would unpack to {}, more than any radiograph", HumanBytes(size)));
    } else if size > RATIO_FREE && size / packed > MAX_RATIO {
        return Some(format!("which would unpack to {} times its size", size / packed));
    } else {
        return None;
    };
    Some(why.into())
}

/// Finds the first name that occurs twice. The library keeps one of the two, so the list is read again.
fn twice(path: &Path, archive: &Archive) -> std::io::Result<String> {
    let mut file = BufReader::new(File::open(path)?);
    file.seek(SeekFrom::Start(archive.central_directory_start()))?;
    let mut seen = std::collections::HashSet::new();
    loop {
        let mut header = [0; 46];
        file.read_exact(&mut header)?;
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let mut name = vec![0; length(28)];
        file.read_exact(&mut name)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if !seen.insert(name.clone()) {
            return Ok(name);
        }
        file.seek_relative(i64::try_from(length(30) + length(32)).unwrap_or_default())?;
    }
}

/// Reader that stops after so many bytes, so that a list without end does not fill the memory.
pub(super) struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(std::io::Error::other("its list of members is too long"));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..most])?;
        if left != u64::MAX {
            self.left.set(left - read as u64);
        }
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_reader_ends_where_it_must() {
        let left = Rc::new(Cell::new(3));
        let mut reader = Bounded { inner: &b"abcdef"[..], left: Rc::clone(&left) };
        let mut bytes = Vec::new();
        let error = reader.read_to_end(&mut bytes).expect_err("it is longer");
        assert_eq!(
            (bytes.as_slice(), error.to_string().as_str()),
            (&b"abc"[..], "its list of members is too long")
        );
        left.set(u64::MAX);
        assert_eq!(reader.read_to_end(&mut bytes).expect("it ends"), 3);
    }

    #[test]
    fn a_name_is_shown_without_what_a_terminal_acts_on() {
        assert_eq!(printable("a\u{1b}[31m\nb\\c/é"), "a\\u{1b}[31m\\nb\\c/é");
    }
}
