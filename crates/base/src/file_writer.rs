use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

/// Ending of all temporary names, by which they are known again.
const SUFFIX: &str = ".thorax-tmp";
/// Random characters of a temporary name.
const RANDOM: usize = 12;
/// Longest part of a file's own name in its temporary name, in characters: a name may be as long as names can be.
const NAME: usize = 50;

/// Writer of files that are either there as a whole or not at all, whatever ends the process.
///
/// The bytes go to a new file with a random name in the same folder, which is created exclusively and thus never through a
/// link. A rename gives it its name. An error removes it; what a kill leaves, [`remove_temporary`] removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileWriter {
    replaces: bool,
    syncs: bool,
}

impl FileWriter {
    /// Writer that replaces a file of the same name. A symbolic link is replaced, not what it leads to.
    pub const fn replacing() -> Self {
        Self { replaces: true, syncs: false }
    }

    /// Writer that never overwrites: a name that is taken is an error of the kind `AlreadyExists`.
    pub const fn creating() -> Self {
        Self { replaces: false, syncs: false }
    }

    /// Makes the file and its name outlast a power cut as soon as it is written.
    #[must_use]
    pub const fn synced(self) -> Self {
        Self { syncs: true, ..self }
    }

    /// Writes a file of these bytes.
    ///
    /// # Errors
    /// Whatever keeps the file from being written; a name that is taken, where it is not to be replaced.
    pub fn write(self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_with(path, |file| file.write_all(bytes))
    }

    /// Writes a file whose bytes `content` writes.
    ///
    /// # Errors
    /// Same as [`Self::write`], and any error of `content`.
    pub fn write_with(
        self,
        path: &Path,
        content: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        // Dropped early, it is removed: the disk may be full, and half of a file must not stay on it.
        let mut temporary = create_temporary(path)?;
        content(temporary.as_file_mut())?;
        if self.syncs {
            temporary.as_file().sync_all()?;
        }
        let (file, name) = temporary.into_parts();
        if self.replaces {
            fs::rename(&name, path)?;
        } else {
            place_new(&name, path)?;
        }
        // It has gone from this name: there is nothing to remove under it.
        let _ = name.keep();
        // Locked until it has its name.
        drop(file);
        if self.syncs { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
    }
}

/// Creates a temporary file for `path`, locked, so that no process that clears up takes it for a leftover.
fn create_temporary(path: &Path) -> io::Result<NamedTempFile> {
    let name: String = path.file_name().unwrap_or_default().to_string_lossy().chars().take(NAME).collect();
    let prefix = format!(".{name}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    builder.make_in(folder_of(path), |path| {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        match file.try_lock() {
            // Some file systems have no locks, and there nothing is cleared up.
            Ok(()) | Err(TryLockError::Error(_)) if is_named(&file, path) => Ok(file),
            // Taken for a leftover before it was locked: the builder tries another name.
            _ => Err(io::ErrorKind::AlreadyExists.into()),
        }
    })
}

/// Folder of a file; `.` where its path names none.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Recognises the name of a temporary file, in use or left over.
pub fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let Some(stem) = name.strip_prefix(b".").and_then(|name| name.strip_suffix(SUFFIX.as_bytes())) else {
        return false;
    };
    let Some((first, random)) = stem.split_at_checked(stem.len().saturating_sub(RANDOM)) else {
        return false;
    };
    first.ends_with(b".") && random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
}

/// Removes the temporary files that killed processes left in a folder. Those that a process is writing stay, and so does
/// anything that is no regular file. A folder that is not there holds none.
///
/// # Errors
/// A folder that cannot be read; a file that cannot be removed.
pub fn remove_temporary(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !is_temporary(&entry.file_name()) || !entry.file_type()?.is_file() {
            continue;
        }
        let path = entry.path();
        // Another process may just have given it its name, or removed it.
        let Ok(file) = open_no_link(File::options().read(true), &path) else { continue };
        // Held while it is removed, so that its writer, which is about to lock it, makes another.
        if file.try_lock().is_ok() && is_named(&file, &path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Renames a file to a name that must be free, even if another process takes that name at this moment.
///
/// # Errors
/// A name that is taken, with the kind `AlreadyExists`; a file that cannot be renamed.
pub fn place_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no hard links.
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Refuses a path whose last part is a symbolic link. A path that is not there passes.
///
/// # Errors
/// A symbolic link; a path that cannot be looked at.
pub fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(is_link()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens a regular file, which anyone may have put there: follows no link, and waits for no pipe.
///
/// # Errors
/// A file that cannot be opened; a symbolic link, or anything else that is no regular file.
pub fn open_no_link(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let mut options = options.clone();
    let file = options
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| if error.raw_os_error() == Some(libc::ELOOP) { is_link() } else { error })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

fn is_link() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link")
}

/// Tells if the name still means this open file: it may have been renamed, or removed and made again.
pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((fs::symlink_metadata(path).map(of), file.metadata().map(of)), (Ok(named), Ok(held)) if named == held)
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::{PermissionsExt as _, symlink},
        path::PathBuf,
    };

    use super::*;

    fn names(folder: &Path) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        for writer in [FileWriter::replacing(), FileWriter::replacing().synced()] {
            writer.write(&path, b"one").unwrap();
            writer.write(&path, b"two").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"two");
            assert_eq!(names(folder.path()), [Path::new("run.json")]);
        }
    }

    #[test]
    fn never_overwrites_where_it_only_creates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        let writer = FileWriter::creating().synced();
        writer.write(&path, b"one").unwrap();
        assert_eq!(writer.write(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        // A link that leads nowhere is taken too.
        symlink(folder.path().join("nowhere"), folder.path().join("link")).unwrap();
        let error = writer.write(&folder.path().join("link"), b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(folder.path()), ["link", "m.csv"].map(PathBuf::from));
    }

    #[test]
    fn an_error_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "old").unwrap();
        let fails = |file: &mut File| {
            file.write_all(b"half")?;
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        };
        let error = FileWriter::replacing().write_with(&path, fails).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        // A folder in its place, and no folder at all: the system's own words.
        fs::create_dir(folder.path().join("taken")).unwrap();
        FileWriter::replacing().write(&folder.path().join("taken"), b"").unwrap_err();
        let error = FileWriter::replacing().write(&folder.path().join("absent/x"), b"").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        assert_eq!(error.to_string(), "No such file or directory (os error 2)");
        assert_eq!(names(folder.path()), ["taken", "x"].map(PathBuf::from));
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("target"), folder.path().join("x"));
        fs::write(&target, "mine").unwrap();
        symlink(&target, &path).unwrap();
        assert_eq!(refuse_link(&path).unwrap_err().to_string(), "it is a symbolic link");
        FileWriter::replacing().write(&path, b"new").unwrap();
        assert_eq!(
            (fs::read(&target).unwrap(), fs::read(&path).unwrap()),
            (b"mine".to_vec(), b"new".to_vec())
        );
        refuse_link(&path).unwrap();
        refuse_link(&folder.path().join("absent")).unwrap();
    }

    #[test]
    fn permissions_are_those_of_any_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), "").unwrap();
        FileWriter::replacing().write(&folder.path().join("ours"), b"").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }

    #[test]
    fn temporary_names_differ_are_known_again_and_fit_the_longest_name() {
        let folder = tempfile::tempdir().unwrap();
        let long = "ü".repeat(127);
        let mut seen = Vec::new();
        for name in ["run.json", "run.json", ".hidden", &long] {
            let path = folder.path().join(name);
            let writes = |_: &mut File| {
                let all = names(folder.path());
                let temporary = all.iter().find(|name| is_temporary(name.as_os_str())).unwrap();
                seen.push(temporary.clone());
                // Its writer holds it.
                remove_temporary(folder.path())
            };
            FileWriter::replacing().write_with(&path, writes).unwrap();
            assert!(path.exists());
        }
        assert_ne!(seen[0], seen[1]);
        assert!(seen[0].to_str().unwrap().starts_with(".run.json."), "{seen:?}");
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn only_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let foreign = [
            ".run.json.tmp",
            ".x.abcdefghijkl.tmp",
            ".x.abcdefghijk.thorax-tmp",
            ".x.abcdefghijk-.thorax-tmp",
            "x.abcdefghijkl.thorax-tmp",
            ".abcdefghijkl.thorax-tmp",
            ".thorax-tmp",
            "mine",
        ];
        foreign.iter().for_each(|name| fs::write(at(name), "mine").unwrap());
        symlink(at("mine"), at(".link.abcdefghijkl.thorax-tmp")).unwrap();
        fs::create_dir(at(".folder.abcdefghijkl.thorax-tmp")).unwrap();
        let before = names(folder.path());
        fs::write(at(".x.abcdefghijkl.thorax-tmp"), "half").unwrap();
        fs::write(at("..x.ABCDEFGH1234.thorax-tmp"), "half").unwrap();
        let held = File::create(at(".y.abcdefghijkl.thorax-tmp")).unwrap();
        held.lock().unwrap();
        remove_temporary(folder.path()).unwrap();
        assert_eq!(names(folder.path()).len(), before.len() + 1);
        drop(held);
        remove_temporary(folder.path()).unwrap();
        assert_eq!(names(folder.path()), before);
        remove_temporary(&at("absent")).unwrap();
    }
}
