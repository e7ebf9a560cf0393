use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::file_writer::{is_named, open_no_link};

/// Lock between processes: a locked file, which the system unlocks when the process ends in any way.
///
/// The file is removed when the lock is given back. A kill leaves an empty file that locks nothing.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock, as soon as no other process holds it.
    ///
    /// # Errors
    /// A file that cannot be made or locked; a symbolic link in its place.
    pub fn wait(path: &Path) -> io::Result<Self> {
        loop {
            let file = open(path)?;
            file.lock()?;
            // Between opening and locking, its holder may have removed it.
            if is_named(&file, path) {
                return Ok(Self { file, path: path.to_owned() });
            }
        }
    }

    /// Takes the lock; `None` where another process holds it.
    ///
    /// # Errors
    /// Same as [`Self::wait`].
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
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
    open_no_link(File::options().read(true).write(true).create(true).truncate(false), path)
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
        assert!(FileLock::take(&folder.path().join("absent/.lock")).is_err());
    }

    #[test]
    fn a_link_or_a_pipe_in_its_place_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join(".lock"), folder.path().join("elsewhere"));
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let error = FileLock::take(&path).unwrap_err();
        assert_eq!(error.to_string(), "it is a symbolic link");
        assert!(!target.exists());
        assert!(
            std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success()
        );
        let error = FileLock::wait(&folder.path().join("pipe")).unwrap_err();
        assert_eq!(error.to_string(), "it is no regular file");
    }
}
