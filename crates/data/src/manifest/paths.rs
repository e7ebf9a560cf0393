//! The files that rows name.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt, fs,
    path::{Component, Path, PathBuf},
};

use super::{problems::Problems, read::Row};
use crate::{FileObserver, csv_file::shown, unicode::nfc, walk};

/// Leading folders that are taken off at most.
const MOST_DROPPED: usize = 32;
/// Folders above the CSV's that are looked into.
const ABOVE: usize = 2;

/// The files of a CSV.
pub(super) struct ResolvedPaths {
    /// Row and file of each image, in the order of the rows.
    pub(super) files: Vec<(usize, PathBuf)>,
    /// Rows that say again what another says.
    pub(super) repeated: usize,
    /// Other way than as written by which the files were found.
    pub(super) way: Option<String>,
    /// Files whose names are stored in another Unicode form.
    pub(super) other_form: usize,
}

/// Finds the file of every row, below the CSV's folder or absolute.
///
/// If not one of them is there, other ways to read the paths are tried, each for all rows: nothing is guessed row by row.
///
/// # Errors
/// Rows whose file is not there, is no file, or is another row's as well and said to be something else.
pub(super) fn resolve(
    csv: &Path,
    rows: &[Row],
    observer: &dyn FileObserver,
) -> Result<ResolvedPaths, Problems> {
    let folder = csv.parent().unwrap_or(Path::new(""));
    let mut names = FolderEntries::default();
    let mut way = None;
    let mut found: Vec<Result<PathBuf, Lack>> = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(names.file_of(folder, row));
        observer.listed(1);
    }
    let lacking = found.iter().filter(|found| matches!(found, Err(Lack::NotThere))).count();
    let other = match lacking {
        0 => None,
        _ if lacking == rows.len() => another_way(folder, rows, &mut names),
        // Rows without a backslash are read as before.
        _ => with_backslashes(folder, rows, &mut names),
    };
    let mut problems = Problems::default();
    match other {
        Some((other, files)) => {
            found = files.into_iter().map(Ok).collect();
            way = Some(other.to_string());
        }
        None if lacking > 0 => problems.remedy = remedy(folder, rows, &mut names),
        None => {}
    }
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    let (mut files, mut repeated) = (Vec::new(), 0);
    for (at, (row, found)) in rows.iter().zip(found).enumerate() {
        let file = match found {
            Ok(file) => file,
            Err(lack) => {
                problems.add(row.line, format!("{} {lack}", shown(&row.path)));
                continue;
            }
        };
        match seen.entry(plain(&file)) {
            Entry::Vacant(entry) => {
                entry.insert(at);
                files.push((at, file));
            }
            Entry::Occupied(first) => match difference(&rows[*first.get()], row) {
                None => repeated += 1,
                Some(difference) => {
                    let line = rows[*first.get()].line;
                    let path = shown(&row.path);
                    problems.add(row.line, format!("{path} is in line {line} already, with {difference}"));
                }
            },
        }
    }
    let other_form = names.other_form;
    if problems.count == 0 { Ok(ResolvedPaths { files, repeated, way, other_form }) } else { Err(problems) }
}

/// Names what the second of two rows says otherwise.
fn difference(first: &Row, second: &Row) -> Option<String> {
    let part = |row: &Row| row.part.map(|part| part.to_string());
    let values = |row: &Row| {
        [
            ("label", Some(row.label.clone())),
            ("group", row.group.clone()),
            ("split", part(row)),
            ("fold", row.fold.clone()),
        ]
    };
    let told = |value: &Option<String>| value.as_ref().map_or("none".to_owned(), |value| shown(value));
    values(first).iter().zip(values(second)).find_map(|((name, there), (_, here))| {
        (*there != here).then(|| format!("the {name} {}, not {}", told(there), told(&here)))
    })
}

/// Reason why a row has no file.
enum Lack {
    NotThere,
    /// Another reason, as the end of a sentence.
    Other(String),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => f.write_str("is not there"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// A way to read all paths.
struct PathRules {
    /// `\` divides folders.
    backslashes: bool,
    /// Leading folders, all the same, that are taken off.
    dropped: Vec<String>,
    /// Folder that paths begin in.
    base: PathBuf,
    /// True where that is the CSV's own folder.
    own_base: bool,
}

impl PathRules {
    fn path(&self, row: &Row) -> PathBuf {
        let path = with_slashes(&row.path, self.backslashes);
        let kept = path.split('/').skip(self.dropped.len()).collect::<Vec<_>>().join("/");
        self.base.join(kept)
    }
}

impl fmt::Display for PathRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ways = Vec::new();
        if self.backslashes {
            ways.push("with `/` for `\\`".to_owned());
        }
        if !self.dropped.is_empty() {
            ways.push(format!("without {}", shown(&format!("{}/", self.dropped.join("/")))));
        }
        if !self.own_base {
            ways.push(format!("below `{}`", self.base.display()));
        }
        f.write_str(&ways.join(", "))
    }
}

fn with_slashes(path: &str, backslashes: bool) -> String {
    if backslashes { path.replace('\\', "/") } else { path.to_owned() }
}

/// Finds the files of all rows with `/` for `\`, where some have backslashes.
fn with_backslashes(
    folder: &Path,
    rows: &[Row],
    names: &mut FolderEntries,
) -> Option<(PathRules, Vec<PathBuf>)> {
    let way = PathRules { backslashes: true, dropped: Vec::new(), base: folder.to_owned(), own_base: true };
    let is_other = rows.iter().any(|row| row.path.contains('\\'));
    let files = if is_other { all(&way, rows, names) } else { None };
    files.map(|files| (way, files))
}

/// Rows that are looked at for a remedy.
const LOOKED_AT: usize = 1000;

/// Says which other way would find most of the files, where one finds more than are found as they are written.
fn remedy(folder: &Path, rows: &[Row], names: &mut FolderEntries) -> Option<String> {
    let rows = &rows[..rows.len().min(LOOKED_AT)];
    let as_written = rows.iter().filter(|row| names.file_of(folder, row).is_ok()).count();
    let mut best: Option<(usize, PathRules)> = None;
    for way in ways(folder, rows)? {
        let found = rows.iter().filter(|row| names.existing(&way.path(row)).is_ok()).count();
        if found > best.as_ref().map_or(as_written, |(found, _)| *found) {
            best = Some((found, way));
        }
    }
    let (found, way) = best?;
    Some(format!("{found} of {} files are there {way}: correct the paths of the others", rows.len()))
}

/// Ways to read the paths other than as they are written: with slashes, without leading folders, below a folder above.
fn ways(folder: &Path, rows: &[Row]) -> Option<Vec<PathRules>> {
    let backslashes = rows.iter().any(|row| row.path.contains('\\'));
    let own = |dropped: &[String]| PathRules {
        backslashes,
        dropped: dropped.to_vec(),
        base: folder.to_owned(),
        own_base: true,
    };
    let common = common_folders(rows, backslashes);
    let first = if backslashes { 0 } else { 1 };
    let mut ways: Vec<PathRules> = (first..=common.len()).map(|n| own(&common[..n])).collect();
    let absolute = if folder == Path::new("") { Path::new(".") } else { folder }.canonicalize().ok()?;
    let above = absolute.ancestors().zip(1..=ABOVE).map(|(_, n)| folder.join(["..", "../.."][n - 1]));
    ways.extend(above.map(|base| PathRules { backslashes, dropped: Vec::new(), base, own_base: false }));
    Some(ways)
}

/// Finds the first way that leads to the files of all rows: one of [`ways`], or below the only folder beside the CSV that has
/// them all.
fn another_way(folder: &Path, rows: &[Row], names: &mut FolderEntries) -> Option<(PathRules, Vec<PathBuf>)> {
    for way in ways(folder, rows)? {
        if let Some(files) = all(&way, rows, names) {
            return Some((way, files));
        }
    }
    let backslashes = rows.iter().any(|row| row.path.contains('\\'));
    let beside = walk::entries(if folder == Path::new("") { Path::new(".") } else { folder }).ok()?;
    let folders =
        beside.iter().filter(|entry| entry.kind == walk::EntryKind::Folder && !entry.text.starts_with('.'));
    let mut found = folders.filter_map(|entry| {
        let base = folder.join(&entry.name);
        let way = PathRules { backslashes, dropped: Vec::new(), base, own_base: false };
        let files = all(&way, rows, names)?;
        Some((way, files))
    });
    let first = found.next()?;
    // Of two, neither is known to be meant.
    found.next().is_none().then_some(first)
}

/// Finds the files of all rows, if all are there.
fn all(way: &PathRules, rows: &[Row], names: &mut FolderEntries) -> Option<Vec<PathBuf>> {
    rows.iter().map(|row| names.existing(&way.path(row)).ok()).collect()
}

/// The folders that every path begins with; the first is empty where all are absolute.
fn common_folders(rows: &[Row], backslashes: bool) -> Vec<String> {
    let folders = |row: &Row| -> Vec<String> {
        let path = with_slashes(&row.path, backslashes);
        let (folders, _) = path.rsplit_once('/').unwrap_or_default();
        if path.contains('/') { folders.split('/').map(str::to_owned).collect() } else { Vec::new() }
    };
    let mut common = rows.first().map(folders).unwrap_or_default();
    common.truncate(MOST_DROPPED);
    for row in rows {
        let same = common.iter().zip(folders(row)).take_while(|(a, b)| *a == b).count();
        common.truncate(same);
    }
    common
}

/// A path that is written the same however it is reached: without `.`, and without `..` where a folder stands before it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// Names in folders, each of which is read once, when it is first asked for.
#[derive(Default)]
struct FolderEntries {
    folders: HashMap<PathBuf, FolderNames>,
    /// Folders that are there under a name in another Unicode form; none where there is no such.
    other_folders: HashMap<PathBuf, Option<PathBuf>>,
    /// Number of times that the other Unicode form of a name was meant.
    other_form: usize,
}

/// Names of a folder in their composed form.
#[derive(Default)]
struct FolderNames {
    /// Images by their names without an extension.
    stems: HashMap<String, Vec<String>>,
    /// Names that are not ASCII.
    composed: HashMap<String, Vec<String>>,
}

impl FolderEntries {
    /// A row's file; blanks around its path may be part of it.
    fn file_of(&mut self, folder: &Path, row: &Row) -> Result<PathBuf, Lack> {
        let found = self.existing(&folder.join(&row.path));
        match (&found, &row.untrimmed) {
            (Err(_), Some(untrimmed)) => self.existing(&folder.join(untrimmed)).or(found),
            _ => found,
        }
    }

    /// A file, also by its name in another Unicode form, or that of an image without its extension.
    fn existing(&mut self, path: &Path) -> Result<PathBuf, Lack> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(path.to_owned()),
            Ok(found) if found.is_dir() => Err(Lack::Other("is a folder".to_owned())),
            Ok(_) => Err(Lack::Other("is no file that can be read".to_owned())),
            // A file on the way, where a folder is named, is as good as nothing there.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                self.another_name(path)
            }
            Err(error) => Err(Lack::Other(format!("cannot be read: {error}"))),
        }
    }

    fn another_name(&mut self, path: &Path) -> Result<PathBuf, Lack> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(Lack::NotThere);
        };
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        let folder = match parent.is_dir() {
            true => parent.to_owned(),
            false => self.other_folder(parent).ok_or(Lack::NotThere)?,
        };
        let file = folder.join(name);
        if folder != parent && file.is_file() {
            self.other_form += 1;
            return Ok(file);
        }
        let names = self.names(&folder);
        let name = nfc(name);
        if let Some([one]) = names.composed.get(&*name).map(Vec::as_slice) {
            let file = folder.join(one);
            self.other_form += 1;
            return if file.is_file() { Ok(file) } else { Err(Lack::NotThere) };
        }
        match names.stems.get(&*name).map_or(&[][..], Vec::as_slice) {
            [] => Err(Lack::NotThere),
            [one] => Ok(folder.join(one)),
            several => Err(Lack::Other(format!("is not there, and may mean {}", several.join(" or ")))),
        }
    }

    /// A folder that is not there, by names in another Unicode form.
    fn other_folder(&mut self, path: &Path) -> Option<PathBuf> {
        if path.to_str().is_none_or(str::is_ascii) {
            return None;
        }
        if let Some(known) = self.other_folders.get(path) {
            return known.clone();
        }
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let parent = if parent.is_dir() { Some(parent.to_owned()) } else { self.other_folder(parent) };
        let found = parent.and_then(|parent| {
            let name = path.file_name()?.to_str()?;
            if parent.join(name).is_dir() {
                return Some(parent.join(name));
            }
            match self.names(&parent).composed.get(&*nfc(name)).map(Vec::as_slice) {
                Some([one]) => Some(parent.join(one)).filter(|path| path.is_dir()),
                _ => None,
            }
        });
        self.other_folders.insert(path.to_owned(), found.clone());
        found
    }

    fn names(&mut self, folder: &Path) -> &FolderNames {
        self.folders.entry(folder.to_owned()).or_insert_with(|| FolderNames::read(folder))
    }
}

impl FolderNames {
    /// Reads the names of a folder. One that cannot be read has none: its rows are reported as not there.
    fn read(folder: &Path) -> Self {
        let mut names = Self::default();
        for entry in walk::entries(folder).unwrap_or_default() {
            if entry.name.to_str().is_none() {
                continue;
            }
            if !entry.text.is_ascii() {
                names.composed.entry(nfc(&entry.text).into_owned()).or_default().push(entry.text.clone());
            }
            if entry.kind == walk::EntryKind::File
                && walk::has_image_extension(&entry.text)
                && let Some((stem, _)) = entry.text.rsplit_once('.')
            {
                names.stems.entry(nfc(stem).into_owned()).or_default().push(entry.text.clone());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests;
