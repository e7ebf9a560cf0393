//! Decoded images on the disk: a file a list of images and settings, used by later runs and by several at once.
//!
//! A file's name is a hash of its list: every image's path, size and times, and the settings. It is written under a name of
//! its own by whoever holds that file's lock, which the system takes from a process that ends in any way, and gets its place by
//! one rename once it is whole. Every image is checked by its sum whenever it is read. So a killed writer, a full disk, damage
//! or a changed image cost time and never give other pixels.
//!
//! # Caches that several users share
//! A key is made of facts that everyone can look up who may list the images, and the pixels' sums stand in the file itself: a key
//! cannot tell the pixels of someone else who puts another file under the right name. So a file is used only if no other user can
//! have written it: a regular file of this user or of root, that its owner alone can write, with one name; a link, a pipe, or
//! another user's file in its place leaves the images in memory, with a warning. Files are made so that others cannot write to
//! them. The folder may be anyone's: whoever can write to it can remove files, exchange them (their keys then do not fit) or
//! keep a lock, and all of that costs time only. A lock is waited for as long as its holder writes, and half a minute longer.

mod file;
mod key;
mod note;

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufWriter},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    DecodeError, Decoded, Decoding, Error, FileObserver, OutputKind, Preprocess, Sample,
    create_output_folder,
    images::hex,
    read::{CHUNK, decode_chunk},
    store::{Bytes, FileResult},
};
use key::ListKey;
pub use note::CachedNote;

/// Cache of decoded images: its folder and the bytes that it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The folder; it is made where it is wanted.
    pub folder: PathBuf,
    /// The most bytes that all files together may have; those unused for longest go first.
    pub limit: u64,
}

/// Default of the bytes that a cache may take: 20 GB.
pub const CACHE_LIMIT: u64 = 20_000_000_000;
/// Files that no run used for so long are removed.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
const WHOLE: &str = "images";
const PARTIAL: &str = "partial";
const NOTE: &str = "note";
/// Longest time without a write after which a process that holds a lock is no longer waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Interval at which a writer shows by the file's time that it is at work: one file may take seconds to decode.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// Pause before asking again if another process is done.
const WAIT: Duration = Duration::from_millis(20);

/// Images of a list, in a file.
pub(crate) struct CachedList {
    pub(crate) outcomes: Vec<FileResult>,
    pub(crate) bytes: Bytes,
    /// True where they were there before.
    pub(crate) is_old: bool,
}

/// Size of a cache, or of what was removed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSize {
    /// Number of files.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Cache {
    /// Returns the images of a list, decoded now unless they are there.
    pub(crate) fn images(
        &self,
        samples: &[Sample],
        preprocess: &Preprocess,
        decoding: &Decoding,
        observer: &dyn FileObserver,
    ) -> Result<CachedList, Error> {
        let key = key::key(samples, preprocess, decoding);
        let place = ListFile::new(&self.folder, &key);
        let open = || place.open(&key, samples.len(), preprocess.image_size);
        if let Some(kept) = open()? {
            samples.iter().for_each(|sample| observer.finished(&sample.path));
            return Ok(kept);
        }
        create_output_folder(&self.folder, OutputKind::Cache)?;
        let mut partial = place.lock()?;
        // Another process may have written it while this one waited.
        if let Some(kept) = open()? {
            fs::remove_file(&place.partial).map_err(|source| io_error("remove", &place.partial, source))?;
            samples.iter().for_each(|sample| observer.finished(&sample.path));
            return Ok(kept);
        }
        let failed = |source| io_error("write", &place.partial, source);
        let filled = fill(&mut partial, &key, samples, preprocess, decoding, observer);
        let (outcomes, readable) = match filled {
            Ok(filled) => filled,
            Err(error) => {
                // The disk may be full: what was written so far must not stay on it.
                let _ = fs::remove_file(&place.partial);
                return Err(failed(error));
            }
        };
        // A file that could not be read may be readable the next time; one that changed meanwhile has another key.
        if readable && key::key(samples, preprocess, decoding) == key {
            partial.sync_data().and_then(|()| fs::rename(&place.partial, &place.whole)).map_err(failed)?;
            self.tidy(&place.whole);
        } else {
            fs::remove_file(&place.partial).map_err(failed)?;
        }
        let bytes = Bytes::File(partial, place.whole);
        Ok(CachedList { outcomes, bytes, is_old: false })
    }

    /// Counts the files and their bytes.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn size(&self) -> Result<CacheSize, Error> {
        let mut size = CacheSize::default();
        for file in self.files()? {
            size.files += 1;
            size.bytes += file.bytes;
        }
        Ok(size)
    }

    /// Removes all files but those that a process is just writing; runs that read from a file keep it until they end.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn clear(&self) -> Result<CacheSize, Error> {
        let mut cleared = CacheSize::default();
        for file in self.files()? {
            // Held while it is removed, so that no other process takes it up meanwhile.
            let held = file.is_partial.then(|| take_left(&file.path));
            if held.as_ref().is_some_and(Option::is_none) {
                continue;
            }
            fs::remove_file(&file.path).map_err(|source| io_error("remove", &file.path, source))?;
            cleared.files += 1;
            cleared.bytes += file.bytes;
        }
        Ok(cleared)
    }

    /// Removes what is old or too much, and what killed writers left; never `but`. What cannot be removed stays.
    fn tidy(&self, but: &Path) {
        let mut files = self.files().unwrap_or_default();
        files.sort_by_key(|file| std::cmp::Reverse(file.used));
        let mut bytes = fs::metadata(but).map_or(0, |metadata| metadata.len());
        for file in files.iter().filter(|file| file.path != but) {
            if file.is_partial {
                if let Some(_held) = take_left(&file.path) {
                    let _ = fs::remove_file(&file.path);
                }
                continue;
            }
            bytes += file.bytes;
            if bytes > self.limit || file.used.elapsed().is_ok_and(|unused| unused > UNUSED) {
                let _ = fs::remove_file(&file.path);
            }
        }
    }

    /// Lists the cache's own files, told by their names.
    fn files(&self) -> Result<Vec<CacheFile>, Error> {
        let failed = |source| io_error("read", &self.folder, source);
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let named = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
            // Another process may just have removed it.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_file() && (named(WHOLE) || named(PARTIAL) || named(NOTE)) {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push(CacheFile { is_partial: named(PARTIAL), bytes: metadata.len(), used, path });
            }
        }
        Ok(files)
    }
}

struct CacheFile {
    path: PathBuf,
    is_partial: bool,
    bytes: u64,
    used: SystemTime,
}

/// Locks a partial file that no process is writing.
fn take_left(path: &Path) -> Option<File> {
    let file = base::open_no_link(File::options().read(true), path).ok()?;
    file.try_lock().ok()?;
    is_named(&file, path).then_some(file)
}

/// Tells if the name still means this open file: it may have been renamed, or removed and made again.
fn is_named(file: &File, path: &Path) -> bool {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((fs::metadata(path).map(of), file.metadata().map(of)), (Ok(named), Ok(held)) if named == held)
}

/// A list's file, and its name while it is written.
struct ListFile {
    whole: PathBuf,
    partial: PathBuf,
}

impl ListFile {
    fn new(folder: &Path, key: &ListKey) -> Self {
        let name = hex(&key[..16]);
        Self {
            whole: folder.join(format!("{name}.{WHOLE}")),
            partial: folder.join(format!("{name}.{PARTIAL}")),
        }
    }

    /// Opens the whole file, if there is one and it is right. One that is not is taken for none, and written again.
    fn open(&self, key: &ListKey, n: usize, image_size: usize) -> Result<Option<CachedList>, Error> {
        let failed = |source| io_error("read", &self.whole, source);
        let file = match base::open_no_link(File::options().read(true), &self.whole) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        match base::check_own(&file) {
            // Of an earlier version, or a careless mask: it is written again.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
            checked => checked.map_err(failed)?,
        }
        let read = file::read(&file, key, n, image_size);
        let Some(outcomes) = read.map_err(|source| io_error("read", &self.whole, source))? else {
            return Ok(None);
        };
        // The time of last use, which decides what goes first. A cache that only others may write is used all the same.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(CachedList { outcomes, bytes: Bytes::File(file, self.whole.clone()), is_old: true }))
    }

    /// Opens the partial file, empty and locked by this process alone; waits for another as long as it is writing it.
    fn lock(&self) -> Result<File, Error> {
        let failed = |source| io_error("write", &self.partial, source);
        let (mut seen, mut removed) = ((Instant::now(), None), false);
        loop {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).mode(0o644);
            let file = base::open_no_link(&options, &self.partial).map_err(failed)?;
            match base::check_own(&file) {
                // Some file systems let everyone write to every file: it is no use to try again there.
                Err(error) if error.kind() == io::ErrorKind::InvalidData && !removed => {
                    fs::remove_file(&self.partial).map_err(failed)?;
                    removed = true;
                    continue;
                }
                checked => checked.map_err(failed)?,
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let state =
                        file.metadata().map(|found| (found.ino(), found.len(), found.modified().ok())).ok();
                    if seen.1 != state {
                        seen = (Instant::now(), state);
                    } else if seen.0.elapsed() > PATIENCE {
                        return Err(Error::CacheInUse {
                            path: self.partial.clone(),
                            seconds: PATIENCE.as_secs(),
                        });
                    }
                    thread::sleep(WAIT);
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Between opening and locking, its writer may have given it its place, or removed it.
            if is_named(&file, &self.partial) {
                file.set_len(0).map_err(failed)?;
                return Ok(file);
            }
        }
    }
}

/// Observer that gives a sign of life at the file that is written: without one, those who wait for it decode the images
/// themselves.
struct Alive<'a> {
    observer: &'a dyn FileObserver,
    file: File,
    last: Mutex<Instant>,
}

impl FileObserver for Alive<'_> {
    fn listed(&self, files: usize) {
        self.observer.listed(files);
    }

    fn started(&self, path: &Path) {
        self.observer.started(path);
    }

    fn finished(&self, path: &Path) {
        self.observer.finished(path);
        if let Ok(mut last) = self.last.try_lock()
            && last.elapsed() > SIGN_OF_LIFE
        {
            let _ = self.file.set_modified(SystemTime::now());
            *last = Instant::now();
        }
    }
}

/// Decodes all files into the cache's, and tells if all of them could be read, images or not.
fn fill(
    partial: &mut File,
    key: &ListKey,
    samples: &[Sample],
    preprocess: &Preprocess,
    decoding: &Decoding,
    observer: &dyn FileObserver,
) -> io::Result<(Vec<FileResult>, bool)> {
    let observer = Alive { observer, file: partial.try_clone()?, last: Mutex::new(Instant::now()) };
    let mut writer = file::Writer::new(BufWriter::with_capacity(1 << 20, partial))?;
    let mut readable = true;
    for chunk in samples.chunks(CHUNK) {
        for decoded in decode_chunk(chunk, preprocess, decoding, &observer) {
            readable &= !matches!(decoded, Err(DecodeError::Unreadable(_)));
            match &decoded {
                Ok(Decoded { pixels, notes }) => writer.push(Ok((&pixels.data, *notes)))?,
                Err(error) => writer.push(Err(error.to_string()))?,
            }
        }
    }
    let (out, outcomes) = writer.finish(key)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok((outcomes, readable))
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
