//! Files of a run, written as a whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use base::FileWriter;

use crate::{Error, Result};

/// Writes a file as a whole and syncs it to disk, so that neither a reader nor a killed process leaves half of it.
///
/// # Errors
/// A symbolic link in its place; a file that cannot be written.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// Writes a file of a run through `content`, as a whole and synced to disk, so that neither a reader nor a killed process
/// sees half of it.
///
/// # Errors
/// A symbolic link in its place; a file that cannot be written.
pub fn write_atomically_with(path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    refuse_link(path)?;
    FileWriter::replacing().synced().write_with(path, content).map_err(|source| write_error(path, source))
}

pub(crate) fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "write", path: path.to_owned(), source }
}

/// Refuses a symbolic link in place of a file or a folder of a run.
pub(crate) fn refuse_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(Error::Link { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Largest CSV or JSON of a run, in bytes: predictions of some millions of images.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// Opens a run's file, which is not trusted: pipes and devices, which may have no end, are refused.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = base::open_regular(path)?;
    match file.metadata()?.len() {
        length if length > MAX_BYTES => {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 GiB"))
        }
        _ => Ok(file),
    }
}

/// Reads the text of a run's file, which is not trusted.
///
/// # Errors
/// A file that cannot be read, has more than 1 GiB or may have no end, or is no UTF-8.
pub fn read(path: &Path) -> io::Result<String> {
    io::read_to_string(open(path)?)
}

/// Removes temporary files of killed processes.
pub(crate) fn remove_temporary(folder: &Path) -> Result<()> {
    let failed = |source| Error::Io { action: "clear up", path: folder.to_owned(), source };
    base::remove_temporary(folder).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("run.json");
        let error = write_atomically(&path, b"").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write `{}`", path.display()));
    }

    #[test]
    fn a_link_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("target"), folder.path().join("run.json"));
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let error = write_atomically(&path, b"new").unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` is a symbolic link", path.display()));
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        assert!(path.is_symlink());
    }
}
