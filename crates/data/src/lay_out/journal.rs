//! What a move is about to do, written down before it does any of it.
//!
//! A CSV in the new folder: first the manifest that comes last and its header, then a record a file: where it is, where it
//! goes, and its row of the manifest.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::{failed, files, refused};
use crate::{
    Error,
    manifest::{self, Record},
};

pub(super) const NAME: &str = ".thorax-move.csv";

/// Writes the journal.
pub(super) fn begin(
    dir: &Path,
    out: &Path,
    sources: &[&Path],
    places: &[PathBuf],
    records: &[Record],
) -> Result<(), Error> {
    for source in sources {
        let found = source.symlink_metadata().map_err(failed("read", source))?;
        if !found.is_file() {
            let reason = format!("`{}` is a link, and only files are moved", source.display());
            return Err(refused(dir, reason));
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

/// Goes on with a move into `dir` that was cut off, and ends it by its manifest; gives the number of files, or nothing where
/// there was no such move.
///
/// # Errors
/// A move that was to end with another manifest; a journal that cannot be understood; files that cannot be moved.
pub fn resume_move(dir: &Path, out: &Path, force: bool, progress: &dyn Fn()) -> Result<Option<usize>, Error> {
    let path = dir.join(NAME);
    let journal = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
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
