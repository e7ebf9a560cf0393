//! Locks between processes, which the system takes from one that ends in any way.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// A locked file. It is removed when the lock is given back; what a kill leaves is an empty file that locks nothing.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock, as soon as no other process holds it.
    pub(crate) fn wait(path: &Path) -> Result<Self> {
        let take = || loop {
            let file = open(path)?;
            file.lock()?;
            // Between opening and locking, its holder may have removed it.
            if is_named(&file, path) {
                return Ok(file);
            }
        };
        let file = take().map_err(|source| failed(path, source))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Takes the lock; `None` where another process holds it.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = open(path).map_err(|source| failed(path, source))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed(path, source)),
                Ok(()) if is_named(&file, path) => return Ok(Some(Self { file, path: path.to_owned() })),
                Ok(()) => {}
            }
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While it is held, so that nobody's but this file is removed. One that stays locks nothing.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "lock", path: path.to_owned(), source }
}

/// Whether the name still means this open file: it may have been removed and made again.
fn is_named(file: &File, path: &Path) -> bool {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((fs::metadata(path).map(of), file.metadata().map(of)), (Ok(named), Ok(held)) if named == held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_at_a_time_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let held = FileLock::take(&path).unwrap().unwrap();
        assert!(FileLock::take(&path).unwrap().is_none());
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || FileLock::wait(&path).map(drop)
        });
        drop(held);
        waiting.join().unwrap().unwrap();
        assert!(!path.exists());
        // What a kill leaves.
        fs::write(&path, "").unwrap();
        assert!(FileLock::take(&path).unwrap().is_some());
        let error = FileLock::take(&folder.path().join("absent/.lock")).unwrap_err().to_string();
        assert!(error.starts_with("cannot lock `"), "{error}");
    }
}
