use std::{fs, path::PathBuf};

use base::FileWriter;
use sha2::{Digest as _, Sha256};

use super::{Cache, NOTE, io_error, key};
use crate::{Error, OutputKind, Sample, create_output_folder, images::hex};

/// The longest note, in bytes.
const MAX_BYTES: u64 = 1 << 28;

/// Text kept about a list of files, valid for as long as they stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedNote {
    path: PathBuf,
}

impl Cache {
    /// Finds the note on these files as they are now (each one's path, size and times); `what` tells notes of one list
    /// apart.
    pub fn note(&self, samples: &[Sample], what: &str) -> CachedNote {
        let key = key::of_files(samples, &[b"note", what.as_bytes()]);
        CachedNote { path: self.folder.join(format!("{}.{NOTE}", hex(&key[..16]))) }
    }
}

impl CachedNote {
    /// Reads the noted text; none where there is none, or where the file is damaged.
    pub fn read(&self) -> Option<String> {
        let file = base::open_own(&self.path).ok()?;
        let noted = String::from_utf8(base::read_rest(file, MAX_BYTES).ok()?).ok()?;
        let (sum, text) = noted.split_once('\n')?;
        if sum != hex(&Sha256::digest(text)) {
            return None;
        }
        // The time of last use, which decides what goes first.
        let file = base::open_no_link(fs::File::options().write(true), &self.path);
        let _ = file.and_then(|file| file.set_modified(std::time::SystemTime::now()));
        Some(text.to_owned())
    }

    /// Notes a text: whole, or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        let noted = format!("{}\n{text}", hex(&Sha256::digest(text)));
        if let Some(folder) = self.path.parent() {
            create_output_folder(folder, OutputKind::Cache)?;
        }
        let write = || {
            self.path.parent().map_or(Ok(()), base::remove_temporary)?;
            FileWriter::replacing().write(&self.path, noted.as_bytes())
        };
        write().map_err(|source| io_error("write", &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_holds_until_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("a.png");
        fs::write(&image, "one").unwrap();
        let samples = [Sample::new(image.clone(), "a.png".to_owned(), 0)];
        let cache = Cache { folder: folder.path().join("cache"), limit: u64::MAX };
        let note = cache.note(&samples, "audit");
        assert_eq!(note.read(), None);
        note.write("what was\nfound").unwrap();
        assert_eq!(cache.note(&samples, "audit").read().as_deref(), Some("what was\nfound"));
        assert_eq!(cache.note(&samples, "another").read(), None);
        assert_eq!(cache.size().unwrap().files, 1);

        fs::write(&image, "two").unwrap();
        assert_eq!(cache.note(&samples, "audit").read(), None);
        cache.clear().unwrap();
        assert_eq!((note.read(), cache.size().unwrap().files), (None, 0));
    }

    #[test]
    fn a_damaged_note_is_none_and_one_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: folder.path().join("cache"), limit: u64::MAX };
        let note = cache.note(&[], "audit");
        note.write("found").unwrap();
        let noted = fs::read_to_string(&note.path).unwrap();
        fs::write(&note.path, noted.replace("found", "fouled")).unwrap();
        assert_eq!(note.read(), None);
        fs::write(folder.path().join("file"), "").unwrap();
        let note = Cache { folder: folder.path().join("file"), limit: 0 }.note(&[], "audit");
        assert!(note.write("found").unwrap_err().to_string().starts_with("cannot create `"));
    }
}
