//! The files that rows name.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use super::{
    Problems,
    read::{Row, shown},
};
use crate::walk;

/// The file of every row, below the CSV's folder or absolute.
///
/// # Errors
/// Rows whose file is not there, is no file, or is another row's as well.
pub(super) fn resolve(csv: &Path, rows: &[Row]) -> Result<Vec<PathBuf>, Problems> {
    let folder = csv.parent().unwrap_or(Path::new(""));
    let mut problems = Problems::default();
    let mut seen: HashMap<PathBuf, u64> = HashMap::new();
    let mut by_stem = ByStem::default();
    let mut files = Vec::new();
    for row in rows {
        let file = match existing(&folder.join(&row.path), &mut by_stem) {
            Ok(file) => file,
            Err(problem) => {
                problems.add(row.line, format!("{} {problem}", shown(&row.path)));
                continue;
            }
        };
        match seen.entry(plain(&file)) {
            std::collections::hash_map::Entry::Occupied(first) => {
                problems.add(row.line, format!("{} is in line {} already", shown(&row.path), first.get()));
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(row.line);
                files.push(file);
            }
        }
    }
    if problems.count == 0 { Ok(files) } else { Err(problems) }
}

fn existing(path: &Path, by_stem: &mut ByStem) -> Result<PathBuf, String> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(path.to_owned()),
        Ok(found) if found.is_dir() => Err("is a folder".to_owned()),
        Ok(_) => Err("is no file that can be read".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match by_stem.find(path) {
            [] => Err("is not there".to_owned()),
            [one] => Ok(path.with_file_name(one)),
            several => Err(format!("is not there, and may mean {}", several.join(" or "))),
        },
        Err(error) => Err(format!("cannot be read: {error}")),
    }
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

/// Images by their names without an extension, folder by folder: a folder is read once, when it is first asked for.
#[derive(Default)]
struct ByStem {
    folders: HashMap<PathBuf, HashMap<String, Vec<String>>>,
}

impl ByStem {
    fn find(&mut self, path: &Path) -> &[String] {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return &[];
        };
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let names = self.folders.entry(folder.to_owned()).or_insert_with(|| images_of(folder));
        names.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A folder that cannot be read has no images: its rows are told as what they are, not there.
fn images_of(folder: &Path) -> HashMap<String, Vec<String>> {
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for entry in walk::entries(folder).unwrap_or_default() {
        if entry.kind == walk::Kind::File
            && walk::has_image_extension(&entry.text)
            && entry.name.to_str().is_some()
            && let Some((stem, _)) = entry.text.rsplit_once('.')
        {
            names.entry(stem.to_owned()).or_default().push(entry.text);
        }
    }
    names
}
