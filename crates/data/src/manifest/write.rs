//! Writing of rows into a CSV, which is there as a whole or not at all.

use std::{
    collections::HashMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

use base::FileWriter;

use crate::{Error, Part};

/// An image of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its class.
    pub label: &'a str,
    /// Group of the image, where one is known.
    pub group: Option<&'a str>,
    /// Part that it is in.
    pub part: Part,
    /// Fold of the image, counted from 0; the file counts from 1.
    pub fold: Option<usize>,
}

/// The fields of a row.
pub(crate) type Record = Vec<String>;

/// Writes `path,label,group,split`, and `fold` where a row has one, in the order of `rows`. Paths are below the manifest's
/// folder where that and the file have a folder other than `/` in common, otherwise absolute.
///
/// The file is there as a whole or not at all. One that is there already is replaced only with `force`.
///
/// # Errors
/// A file that is there; a path that is not UTF-8; whatever keeps the file from being written.
pub fn write(out: &Path, rows: &[Row<'_>], force: bool) -> Result<(), Error> {
    check_free(out, force)?;
    write_records(out, &records(out, rows)?, force)
}

/// Returns the bytes that [`write()`] would put into the file `out`, whose folder must be there.
///
/// # Errors
/// A path that is not UTF-8; a folder that cannot be read.
pub fn text(out: &Path, rows: &[Row<'_>]) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io { action: "write", path: out.to_owned(), source };
    bytes(&records(out, rows)?).map_err(failed)
}

/// Checks that a manifest may be written there.
pub(crate) fn check_free(out: &Path, force: bool) -> Result<(), Error> {
    match fs::symlink_metadata(out) {
        Ok(there) if there.is_dir() || !force => Err(Error::Exists { path: out.to_owned() }),
        _ => Ok(()),
    }
}

/// Prepares to write paths as seen from a file's folder, which must be there.
pub(crate) fn folder_of(out: &Path) -> Result<Relative, Error> {
    Relative::to(match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    })
}

/// Makes a header and a record a row.
pub(crate) fn records(out: &Path, rows: &[Row<'_>]) -> Result<Vec<Record>, Error> {
    let folds = rows.iter().any(|row| row.fold.is_some());
    let mut header: Record = ["path", "label", "group", "split"].map(str::to_owned).to_vec();
    header.extend(folds.then(|| "fold".to_owned()));
    let mut records = vec![header];
    let mut places = folder_of(out)?;
    for row in rows {
        let path = places.path(row.path)?;
        let mut record =
            vec![path, row.label.to_owned(), row.group.unwrap_or_default().to_owned(), row.part.to_string()];
        if folds {
            record.push(row.fold.map(|fold| (fold + 1).to_string()).unwrap_or_default());
        }
        records.push(record);
    }
    Ok(records)
}

/// Writes records as a CSV.
pub(crate) fn write_records(out: &Path, records: &[Record], force: bool) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "write", path: out.to_owned(), source };
    let bytes = bytes(records).map_err(failed)?;
    let writer = if force { FileWriter::replacing() } else { FileWriter::creating() };
    writer.synced().write(out, &bytes).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists { path: out.to_owned() },
        _ => failed(error),
    })
}

/// Tells if a file holds these records and nothing else.
pub(crate) fn holds(out: &Path, records: &[Record]) -> bool {
    fs::read(out).is_ok_and(|there| bytes(records).is_ok_and(|bytes| bytes == there))
}

/// Returns records as the text of a CSV.
pub(crate) fn bytes(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Paths as seen from a folder. Links in the way to it are resolved, since `..` leads to where a folder really lies.
pub(crate) struct Relative {
    base: PathBuf,
    folders: HashMap<PathBuf, PathBuf>,
}

impl Relative {
    fn to(folder: &Path) -> Result<Self, Error> {
        Ok(Self { base: canonical(folder)?, folders: HashMap::new() })
    }

    /// Returns the path of a file as seen from the folder.
    pub(crate) fn path(&mut self, file: &Path) -> Result<String, Error> {
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !self.folders.contains_key(folder) {
            let path = relative(&canonical(folder)?, &self.base);
            self.folders.insert(folder.to_owned(), path);
        }
        let path = self.folders[folder].join(file.file_name().unwrap_or_default());
        path.to_str().map(str::to_owned).ok_or_else(|| Error::NotUtf8 { path: file.to_owned() })
    }
}

fn canonical(folder: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(folder).map_err(|source| Error::Io { action: "read", path: folder.to_owned(), source })
}

/// Returns `path` as seen from `base`; both are absolute and without links.
fn relative(path: &Path, base: &Path) -> PathBuf {
    let common = path.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    if !path.components().take(common).any(|component| matches!(component, Component::Normal(_))) {
        return path.to_owned();
    }
    let up = base.components().skip(common).map(|_| Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}
