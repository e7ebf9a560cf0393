//! Folders read entry by entry. Nothing is opened here, and no link is followed.

use std::{ffi::OsString, fs, io, path::Path};

use crate::{Error, Formats, OutputKind, Reason, is_heat_map, left_out::PARTIAL, sniff};

/// Entry of a folder.
pub(crate) struct Entry {
    pub(crate) name: OsString,
    /// Name as text; what is not UTF-8 is replaced.
    pub(crate) text: String,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Folder,
    LinkToFolder,
    /// A file, or a link to one.
    File,
    BrokenLink,
    Special,
}

/// The entries of a folder, sorted by code point.
///
/// # Errors
/// A folder that cannot be read, or that holds a link that must not be followed: what is silently missing from a data set is
/// worse than an error.
pub(crate) fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let failed = |source| Error::Io { action: "read", path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = kind(&entry).map_err(|source| Error::Io { action: "read", path: entry.path(), source })?;
        let name = entry.file_name();
        entries.push(Entry { text: name.to_string_lossy().into_owned(), name, kind });
    }
    entries.sort_unstable_by(|a, b| a.text.cmp(&b.text).then_with(|| a.name.cmp(&b.name)));
    Ok(entries)
}

fn kind(entry: &fs::DirEntry) -> io::Result<EntryKind> {
    let of = |kind: fs::FileType, folder| match kind {
        kind if kind.is_dir() => folder,
        kind if kind.is_file() => EntryKind::File,
        _ => EntryKind::Special,
    };
    let own = entry.file_type()?;
    if !own.is_symlink() {
        return Ok(of(own, EntryKind::Folder));
    }
    match fs::metadata(entry.path()) {
        Ok(target) => Ok(of(target.file_type(), EntryKind::LinkToFolder)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        // It leads nowhere, or in a circle.
        Err(_) => Ok(EntryKind::BrokenLink),
    }
}

/// Extensions of Keras' list, which tests them with `endswith`, so that a file called `apng` is one of them
/// (`keras/src/legacy/preprocessing/image.py`, `white_list_formats`).
const KERAS: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff"];
/// Extensions of other files of images.
const OTHERS: [&str; 11] = ["dcm", "dicom", "gif", "jfif", "jpe", "pam", "pbm", "pgm", "pnm", "webp", "jif"];
/// Number of first bytes that tell every format.
const HEAD: u64 = 132;

/// Tells if a file is the one that macOS keeps of another, `._NAME`, which is no image whatever its extension.
fn is_apple_double(folder: &Path, entry: &Entry) -> bool {
    entry.text.starts_with("._")
        && entry.kind == EntryKind::File
        && head(&folder.join(&entry.name)).is_ok_and(|head| sniff(&head).is_none())
}

/// Tells if Keras takes a file by its name.
pub(crate) fn is_keras_name(name: &str) -> bool {
    let name = name.to_lowercase();
    KERAS.iter().any(|extension| name.ends_with(extension))
}

/// Tells if a file's extension is an image's, Keras' or another.
pub fn has_image_extension(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| KERAS.iter().chain(&OTHERS).any(|known| *known == extension))
}

/// Checks that an entry of `folder` that is no folder counts as an image; if not, tells why.
pub(crate) fn judge(folder: &Path, entry: &Entry, formats: Formats) -> Result<(), Reason> {
    let hidden = entry.text.starts_with('.');
    let by_name = match formats {
        Formats::Keras => is_keras_name(&entry.text),
        Formats::All => has_image_extension(&entry.text) && !hidden,
    };
    match entry.kind {
        EntryKind::Special => return Err(Reason::Special),
        _ if is_apple_double(folder, entry) => return Err(Reason::Leftover),
        _ if is_heat_map(&folder.join(&entry.name)) => return Err(Reason::Output(OutputKind::HeatMaps)),
        // What has an image's name and cannot be read is told as a bad image, not left out.
        _ if by_name => return Ok(()),
        EntryKind::BrokenLink => return Err(Reason::BrokenLink),
        _ if base::is_temporary(&entry.name) => return Err(Reason::Unfinished),
        _ if hidden => return Err(Reason::Hidden),
        _ if entry.text.ends_with(PARTIAL) => return Err(Reason::Unfinished),
        _ => {}
    }
    match (head(&folder.join(&entry.name)), formats) {
        // A link into the kernel's own file systems.
        (Err(error), _) if error.kind() == io::ErrorKind::InvalidInput => Err(Reason::Special),
        (Err(_), Formats::All) => Ok(()),
        (Err(_), Formats::Keras) => Err(Reason::Unreadable),
        (Ok(head), formats) => match (sniff(&head), formats) {
            (Some(_), Formats::All) => Ok(()),
            (Some(format), Formats::Keras) => Err(Reason::NotInKerasList(format)),
            (None, _) => Err(Reason::NoImage),
        },
    }
}

/// Checks that a file of a folder counts as an image: by its extension, or, where all formats do, by its first bytes too.
///
/// # Errors
/// The reason why it does not.
pub fn judge_file(path: &Path, formats: Formats) -> Result<(), Reason> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(Reason::NoImage) };
    let text = name.to_string_lossy().into_owned();
    judge(folder, &Entry { name: name.to_owned(), text, kind: EntryKind::File }, formats)
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    base::read_up_to(&mut base::open_regular(path)?, &mut head, HEAD, HEAD)?;
    Ok(head)
}
