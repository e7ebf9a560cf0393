//! A split as folders: `DIR/train|validation|test/<class>/…`, which [`open`](crate::open) reads back.
//!
//! Nothing is ever overwritten. Whatever ends this early leaves every source whole, and the same call continues from there:
//! what is in its place already is left as it is. A move writes down what it is about to do before it does any of it, since a
//! data set of which half is gone cannot be split again; see [`resume_move`].

mod files;
mod journal;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error, OutputKind, Part, create_output_folder,
    manifest::{self, Row, check_free, records},
    output_folder::MARKER,
    walk::{self, EntryKind},
};

pub use journal::resume_move;

/// Way in which files come to their new places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Symbolic links to the files.
    Link,
    /// Copies of the files.
    Copy,
    /// The files themselves.
    Move,
}

/// Lays rows out below `dir` and then writes the manifest `out`, which names the files in their new places. `data` is the data
/// set's folder or CSV. `progress` is called once a file.
///
/// # Errors
/// A manifest that is there already, unless `force`d; a folder that holds anything but this split, or lies within the data
/// set, or holds images of it; a label that is no folder's name; a link, or a file behind a linked folder, that is to be moved;
/// files that cannot be written.
pub fn lay_out(
    dir: &Path,
    out: &Path,
    rows: &[Row<'_>],
    data: &Path,
    how: How,
    force: bool,
    progress: &dyn Fn(),
) -> Result<(), Error> {
    check_free(out, force)?;
    let places = places(dir, rows)?;
    check_dir(dir, out, rows, &places, (!data.is_file()).then_some(data))?;
    create_output_folder(dir, OutputKind::Split)?;
    for folder in places.iter().filter_map(|place| place.parent()).collect::<HashSet<_>>() {
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
    }
    let placed: Vec<Row<'_>> =
        rows.iter().zip(&places).map(|(row, path)| Row { path, ..row.clone() }).collect();
    let records = records(out, &placed)?;
    if how == How::Move {
        let sources: Vec<&Path> = rows.iter().map(|row| row.path).collect();
        journal::begin(dir, out, data, &sources, &places, &records)?;
        return resume_move(dir, data, out, force, progress).map(drop);
    }
    for (row, place) in rows.iter().zip(&places) {
        match how {
            How::Link => files::link(row.path, place)?,
            _ => files::copy(row.path, place)?,
        }
        progress();
    }
    manifest::write_records(out, &records, force)
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Error + use<'a> {
    move |source| Error::Io { action, path: path.to_owned(), source }
}

fn refused(dir: &Path, reason: impl Into<String>) -> Error {
    Error::LayOut { path: dir.to_owned(), reason: reason.into() }
}

/// Finds the place of each file: under its own name, or where two of a class have the same one, under their folders' as well.
fn places(dir: &Path, rows: &[Row<'_>]) -> Result<Vec<PathBuf>, Error> {
    let mut classes: BTreeMap<(Part, &str), Vec<usize>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        classes.entry((row.part, row.label)).or_default().push(i);
    }
    let mut places = vec![PathBuf::new(); rows.len()];
    for ((part, label), members) in classes {
        if label.starts_with('.') || label.contains(['/', '\\', '\0']) || label.len() > 255 {
            return Err(refused(dir, format!("the label `{label}` is no name for a folder")));
        }
        let part = match part {
            Part::Training => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        };
        let folder = dir.join(part).join(label);
        let names: HashSet<_> = members.iter().filter_map(|&i| rows[i].path.file_name()).collect();
        if names.len() == members.len() {
            for i in members {
                places[i] = folder.join(rows[i].path.file_name().unwrap_or_default());
            }
            continue;
        }
        let paths: Vec<PathBuf> =
            members.iter().map(|&i| files::real_place(rows[i].path)).collect::<Result<_, _>>()?;
        let common = common_folder(&paths);
        for (i, path) in members.into_iter().zip(&paths) {
            places[i] = folder.join(path.strip_prefix(&common).unwrap_or(path));
        }
    }
    Ok(places)
}

/// Finds the deepest folder that all of these are below.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let mut common = paths.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).to_owned();
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

/// Checks that the folder holds nothing that is not of this split; it may be there from a call that was cut off.
fn check_dir(
    dir: &Path,
    out: &Path,
    rows: &[Row<'_>],
    places: &[PathBuf],
    data: Option<&Path>,
) -> Result<(), Error> {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => return Err(Error::NotAFolder { path: dir.to_owned() }),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("read", dir)(error)),
        _ => {}
    }
    let real = files::real_place(dir)?;
    if let Some(data) = data
        && real.starts_with(fs::canonicalize(data).map_err(failed("read", data))?)
    {
        return Err(refused(dir, "it lies within the data set"));
    }
    let mut folders = HashSet::new();
    for row in rows {
        let folder = row.path.parent().unwrap_or(Path::new(""));
        if folders.insert(folder) && files::real_place(row.path)?.starts_with(&real) {
            return Err(refused(dir, format!("`{}` of the data set lies in it", row.path.display())));
        }
    }
    if !dir.is_dir() {
        return Ok(());
    }
    let mut ours: HashSet<PathBuf> = places.iter().cloned().collect();
    ours.insert(dir.join(MARKER));
    let out = files::real_place(out)?;
    let mut waiting = vec![dir.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = walk::entries(&folder)?;
        // What a call that was killed left.
        base::remove_temporary(&folder).map_err(failed("clear up", &folder))?;
        for entry in entries {
            let path = folder.join(&entry.name);
            if entry.kind == EntryKind::Folder {
                waiting.push(path);
            } else if !base::is_temporary(&entry.name)
                && !ours.contains(&path)
                && files::real_place(&path)? != out
            {
                return Err(refused(dir, format!("`{}` in it is no part of this split", path.display())));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
