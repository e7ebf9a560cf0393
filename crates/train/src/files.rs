//! Files that are either the old one or the new one, whatever happens in between.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// Writes a file by way of a temporary name beside it: synced, then renamed, so that no reader and no kill ever sees
/// half of it. The temporary name is always the same, so what a kill leaves is overwritten by the next try.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// As [`write_atomically`], with what `content` writes.
pub(crate) fn write_atomically_with(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    write(path, content).map_err(|source| Error::Io { action: "write", path: path.to_owned(), source })
}

fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary_name(path);
    let mut file = File::create(&temporary)?;
    let written = content(&mut file).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // The disk may be full: what was written so far must not stay on it.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(path.parent())
}

/// The longest CSV or JSON of a run, in bytes: predictions of some millions of images.
const MAX_BYTES: u64 = 1 << 30;

/// A run's file to be read, which may come from anyone: no pipe or device, which may have no end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = base::open_regular(path)?;
    match file.metadata()?.len() {
        length if length > MAX_BYTES => {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 GiB"))
        }
        _ => Ok(file),
    }
}

/// The text of a run's file, which may come from anyone.
///
/// # Errors
/// A file that cannot be read, has more than 1 GiB or may have no end, or is no UTF-8.
pub fn read(path: &Path) -> io::Result<String> {
    io::read_to_string(open(path)?)
}

/// A rename is only on the disk once its folder is.
fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if cfg!(unix) && folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// Removes what kills left of files that were being written; no process may be writing into the folder.
pub(crate) fn remove_temporary(folder: &Path) -> Result<()> {
    let failed = |source| Error::Io { action: "clear up", path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") && path.is_file() {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        fs::write(folder.path().join(".run.json.tmp"), "half of it").unwrap();
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_file_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("run.json");
        let error = write_atomically(&path, b"").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write `{}`", path.display()));
    }
}
