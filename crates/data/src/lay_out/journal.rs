//! Journal of a move, written before the move does anything.
//!
//! A CSV in the new folder: first the manifest that comes last and its header, then a record a file: where it is, where it
//! goes, and its row of the manifest.
//!
//! A folder may come from anyone, and with it a journal: it counts only where it is this user's own file, for files of the data
//! set that the user names, and for places below the folder.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use super::{failed, files, refused};
use crate::{
    Error,
    manifest::{self, Record},
};

/// The longest journal, in bytes: some millions of files.
const MAX_BYTES: u64 = 1 << 30;

/// Files that a move may take away: those of the data set.
enum Movable {
    /// All below a folder.
    Below(PathBuf),
    /// Files that a CSV names: by their names with and without an extension, since a file that was moved can no longer be
    /// looked up.
    Named(HashSet<OsString>),
}

impl Movable {
    fn of(data: &Path) -> Result<Self, Error> {
        if !data.is_file() {
            return Ok(Self::Below(fs::canonicalize(data).map_err(failed("read", data))?));
        }
        let names = manifest::paths_in(data)?;
        let name = |path: &String| path.rsplit(['/', '\\']).next().map(OsString::from);
        Ok(Self::Named(names.iter().filter_map(name).collect()))
    }

    /// Returns what is wrong with a file that is to be moved, as the end of a sentence.
    fn problem(&self, file: &Path) -> Result<Option<&'static str>, Error> {
        let has_parent_parts = file.components().any(|part| part == Component::ParentDir);
        let is_in = match self {
            Self::Below(folder) => file.starts_with(folder),
            Self::Named(names) => {
                [file.file_name(), file.file_stem()].into_iter().flatten().any(|name| names.contains(name))
            }
        };
        Ok(if !file.is_absolute() || has_parent_parts || !is_in {
            Some("is no part of the data set")
        } else if files::real_place(file)? != file {
            Some("lies behind a linked folder")
        } else {
            None
        })
    }
}

pub(super) const NAME: &str = ".thorax-move.csv";

/// Writes the journal of a move out of `data`.
pub(super) fn begin(
    dir: &Path,
    out: &Path,
    data: &Path,
    sources: &[&Path],
    places: &[PathBuf],
    records: &[Record],
) -> Result<(), Error> {
    let movable = Movable::of(data)?;
    for source in sources {
        let found = source.symlink_metadata().map_err(failed("read", source))?;
        if !found.is_file() {
            let reason = format!("`{}` is a link, and only files are moved", source.display());
            return Err(refused(dir, reason));
        }
        if let Some(problem) = movable.problem(&files::real_place(source)?)? {
            return Err(refused(dir, format!("`{}` {problem}", source.display())));
        }
    }
    let text = |path: &Path| -> Result<String, Error> {
        let path = files::real_place(path)?;
        path.to_str().map(str::to_owned).ok_or_else(|| Error::NotUtf8 { path: path.clone() })
    };
    let (header, rows) = match records {
        [header, rows @ ..] => (header, rows),
        [] => return Ok(()),
    };
    let with = |first: String, second: String, record: &Record| -> Record {
        [first, second].into_iter().chain(record.iter().cloned()).collect()
    };
    let mut journal = vec![with(text(out)?, String::new(), header)];
    for ((source, place), record) in sources.iter().zip(places).zip(rows) {
        journal.push(with(text(source)?, text(place)?, record));
    }
    manifest::write_records(&dir.join(NAME), &journal, true)
}

/// Continues a move out of the data set `data` into `dir` that was cut off, and completes it with its manifest; returns the
/// number of files, or nothing where there was no such move.
///
/// # Errors
/// A move that was to end with another manifest, or that takes files from elsewhere; a journal that another user may have
/// written, or that cannot be understood; files that cannot be moved.
pub fn resume_move(
    dir: &Path,
    data: &Path,
    out: &Path,
    force: bool,
    progress: &dyn Fn(),
) -> Result<Option<usize>, Error> {
    let path = dir.join(NAME);
    let journal = match base::open_own(&path).and_then(|file| base::read_rest(file, MAX_BYTES)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if is_foreign(&error) => {
            return Err(refused(dir, format!("its journal of a move, `{NAME}`, is not followed: {error}")));
        }
        read => read.map_err(failed("read", &path))?,
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&journal[..]);
    let records: Vec<Record> = reader.deserialize().collect::<Result<_, _>>().map_err(|error| {
        let reason = format!("its journal of a move, `{NAME}`, is damaged: {error}");
        refused(dir, reason)
    })?;
    let Some(([end, _, header @ ..], moves)) = records.split_first().map(|(first, rest)| (&first[..], rest))
    else {
        return Err(refused(dir, format!("its journal of a move, `{NAME}`, is empty")));
    };
    if Path::new(end) != files::real_place(out)? {
        let reason = format!("a move into it was cut off that ends with the manifest `{end}`");
        return Err(refused(dir, reason));
    }
    let root = files::real_place(&dir.join(NAME))?;
    let outside = |record: &&Record| {
        let place = record.get(1).map_or(Path::new(""), Path::new);
        let below = root.parent().is_some_and(|root| place.starts_with(root));
        !below || place.components().any(|part| part == Component::ParentDir)
    };
    // Whoever wrote it: nothing is moved to anywhere else.
    if let Some(record) = moves.iter().find(outside) {
        let place = record.get(1).map_or("", String::as_str);
        return Err(refused(dir, format!("its journal of a move, `{NAME}`, leads out of it, to `{place}`")));
    }
    let movable = Movable::of(data)?;
    for record in moves {
        let [source, place, ..] = &record[..] else { continue };
        if let Some(problem) = movable.problem(Path::new(source))? {
            let reason = format!("its journal of a move, `{NAME}`, is not followed: `{source}` {problem}");
            return Err(refused(dir, reason));
        }
        // The folders of a place are there, since the move made them before its journal.
        if files::real_place(Path::new(place))? != Path::new(place) {
            let reason =
                format!("its journal of a move, `{NAME}`, leads through a linked folder, to `{place}`");
            return Err(refused(dir, reason));
        }
    }
    let mut rows = vec![header.to_vec()];
    for record in moves {
        let [source, place, row @ ..] = &record[..] else { continue };
        files::move_file(Path::new(source), Path::new(place))?;
        rows.push(row.to_vec());
        progress();
    }
    // It is there already where only the journal was left.
    if !manifest::holds(out, &rows) {
        manifest::write_records(out, &rows, force)?;
    }
    fs::remove_file(&path).map_err(failed("remove", &path))?;
    Ok(Some(moves.len()))
}

/// Tells errors of a file that may be someone else's from those of the disk.
fn is_foreign(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as E;
    // The system's own errors of these kinds have a number.
    matches!(error.kind(), E::InvalidInput | E::PermissionDenied | E::InvalidData)
        && error.raw_os_error().is_none()
}
