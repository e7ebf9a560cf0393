//! Image files that the rows of a label file name.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::walk::{self, EntryKind};

/// Folders within each other that are looked into.
const MAX_DEPTH: usize = 16;

/// Finds image files: at the path given, without its leading folders, or by name below the folder. Each folder is read once,
/// when it is first needed.
pub(super) struct Finder<'a> {
    folder: &'a Path,
    /// Number of leading folders without which the last image was found.
    dropped: usize,
    /// Number of last names of a path that tell all images apart: 3 of CheXpert's, whose files are all called alike.
    telling: usize,
    files: Option<FilesByName>,
}

/// Returns so many last names of a path.
fn last(path: &str, names: usize) -> &str {
    let before = path.rmatch_indices(['/', '\\']).nth(names - 1);
    before.map_or(path, |(at, _)| &path[at + 1..])
}

/// Finds the number of last names of a path that tell all of these paths apart.
fn telling<'n>(names: impl Iterator<Item = &'n str> + Clone) -> usize {
    let longest = names.clone().map(|name| name.split(['/', '\\']).count()).max().unwrap_or(1);
    let tells = |length: &usize| {
        let mut seen = HashSet::new();
        names.clone().all(|name| seen.insert(last(name, *length)))
    };
    (1..longest).find(tells).unwrap_or(longest)
}

/// Finds the path that shares most of its last names with `name`, `/` between them, at least `telling` of those that `name` has;
/// `None` where none does, or several do.
fn nearest<'p>(name: &str, paths: impl Iterator<Item = &'p Path> + Clone, telling: usize) -> Option<usize> {
    let wanted = Path::new(name).with_extension("");
    let common = |path: &Path| {
        let path = path.with_extension("");
        wanted.components().rev().zip(path.components().rev()).take_while(|(a, b)| a == b).count()
    };
    let most = paths.clone().map(common).max()?;
    if most < telling.min(name.split('/').count()) {
        return None;
    }
    let mut nearest = paths.enumerate().filter(|(_, path)| common(path) == most);
    let (at, _) = nearest.next()?;
    nearest.next().is_none().then_some(at)
}

/// Names of images by which those of another file are found: by the whole path, or by as many of its last names as tell the
/// images apart.
pub struct ImageNames {
    telling: usize,
    whole: HashMap<String, usize>,
    by_last: HashMap<String, Vec<(PathBuf, usize)>>,
}

impl ImageNames {
    /// Takes the names, each of which is found by its index.
    pub fn new<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let names = names.map(|name| name.replace('\\', "/")).collect::<Vec<_>>();
        let telling = telling(names.iter().map(String::as_str));
        let mut by_last: HashMap<String, Vec<(PathBuf, usize)>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            by_last.entry(last(name, 1).to_owned()).or_default().push((name.into(), index));
        }
        Self { telling, whole: names.into_iter().zip(0..).collect(), by_last }
    }

    /// Finds the index of the image that `name` means; `None` where there is none, or more than one.
    pub fn find(&self, name: &str) -> Option<usize> {
        let name = name.replace('\\', "/");
        if let Some(&index) = self.whole.get(&name) {
            return Some(index);
        }
        let paths = self.by_last.get(last(&name, 1))?;
        let at = nearest(&name, paths.iter().map(|(path, _)| path.as_path()), self.telling)?;
        paths.get(at).map(|(_, index)| *index)
    }
}

/// Files below a folder by their names.
#[derive(Default)]
struct FilesByName {
    names: HashMap<String, Vec<PathBuf>>,
    /// Images by their names without an extension.
    stems: HashMap<String, Vec<PathBuf>>,
}

impl<'a> Finder<'a> {
    /// Prepares to find the files of these names.
    pub(super) fn new<'n>(folder: &'a Path, names: impl Iterator<Item = &'n str> + Clone) -> Self {
        Self { folder, dropped: 0, telling: telling(names), files: None }
    }

    /// Finds the file of one name; `None` where there is none, or several of which none is nearer to it than the others.
    pub(super) fn find(&mut self, name: &str) -> Option<PathBuf> {
        let name = name.replace('\\', "/");
        self.without_folders(&name).or_else(|| self.by_name(&name))
    }

    /// Looks at the path without some leading folders, first as many as before.
    fn without_folders(&mut self, name: &str) -> Option<PathBuf> {
        let folders = name.matches('/').count();
        for dropped in std::iter::once(self.dropped).chain(0..=folders) {
            if dropped > folders {
                continue;
            }
            let rest = name.splitn(dropped + 1, '/').last().unwrap_or(name);
            let path = self.folder.join(rest);
            if path.is_file() {
                self.dropped = dropped;
                return Some(path);
            }
        }
        None
    }

    fn by_name(&mut self, name: &str) -> Option<PathBuf> {
        let folder = self.folder;
        let files = self.files.get_or_insert_with(|| FilesByName::below(folder));
        let last = name.rsplit('/').next().unwrap_or(name);
        let found = files.names.get(last).or_else(|| files.stems.get(last))?;
        let at = nearest(name, found.iter().map(PathBuf::as_path), self.telling)?;
        found.get(at).map(|path| folder.join(path))
    }
}

impl FilesByName {
    /// Reads the names of all files below a folder. Links to folders are not followed; a folder that cannot be read has none.
    fn below(folder: &Path) -> Self {
        let mut files = Self::default();
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = folders.pop() {
            let place = folder.join(&below);
            let place = if place == Path::new("") { Path::new(".") } else { &place };
            for entry in walk::entries(place).unwrap_or_default() {
                let path = below.join(&entry.name);
                match entry.kind {
                    EntryKind::Folder if depth < MAX_DEPTH && !entry.text.starts_with('.') => {
                        folders.push((path, depth + 1));
                    }
                    EntryKind::File => files.add(&entry.text, path),
                    _ => {}
                }
            }
        }
        files
    }

    fn add(&mut self, name: &str, path: PathBuf) {
        if walk::has_image_extension(name)
            && let Some((stem, _)) = name.rsplit_once('.')
        {
            self.stems.entry(stem.to_owned()).or_default().push(path.clone());
        }
        self.names.entry(name.to_owned()).or_default().push(path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn world(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, name: &str) -> Option<PathBuf> {
        let path = Finder::new(folder.path(), [name].into_iter()).find(name)?;
        Some(path.strip_prefix(folder.path()).unwrap().to_owned())
    }

    #[test]
    fn files_are_found_by_path_then_without_leading_folders_then_by_name() {
        let folder =
            world(&["a.png", "images_001/images/b.png", "train/p1/s1/v.jpg", "train/p2/s1/v.jpg", "x/c.dcm"]);
        let path = |name: &str| Some(PathBuf::from(name));
        assert_eq!(found(&folder, "a.png"), path("a.png"));
        assert_eq!(found(&folder, "b.png"), path("images_001/images/b.png"));
        assert_eq!(found(&folder, "CheXpert/train/p2/s1/v.jpg"), path("train/p2/s1/v.jpg"));
        assert_eq!(found(&folder, r"CheXpert\train\p1\s1\v.jpg"), path("train/p1/s1/v.jpg"));
        // Some files have no extension in the list.
        assert_eq!(found(&folder, "c"), path("x/c.dcm"));
        assert_eq!(found(&folder, "d.png"), None);
    }

    #[test]
    fn images_of_another_file_are_found_by_what_tells_them_apart() {
        let names = ["train/p1/s1/v.jpg", "train/p2/s1/v.jpg", "b.png"];
        let found = |name: &str| ImageNames::new(names.into_iter()).find(name);
        assert_eq!(found("train/p2/s1/v.jpg"), Some(1));
        assert_eq!(found(r"CheXpert\train\p1\s1\v.jpg"), Some(0));
        assert_eq!(found("x/p2/s1/v.jpg"), Some(1));
        // Neither another patient's image, nor one of several.
        assert_eq!(found("x/p3/s1/v.jpg"), None);
        assert_eq!(found("v.jpg"), None);
        assert_eq!(found("b.png"), Some(2));
        assert_eq!(found("c.png"), None);
    }

    #[test]
    fn of_several_files_of_a_name_the_one_with_the_nearest_path_is_meant() {
        let folder = world(&["in/p1/s1/v.jpg", "in/p2/s1/v.jpg"]);
        assert_eq!(found(&folder, "out/p2/s1/v.jpg"), Some(PathBuf::from("in/p2/s1/v.jpg")));
        assert_eq!(found(&folder, "v.jpg"), None);
        assert_eq!(found(&folder, "s1/v.jpg"), None);
        // Where another patient's file has the same name, it is not taken.
        let names = ["out/p1/s1/v.jpg", "out/p3/s1/v.jpg"];
        let mut finder = Finder::new(folder.path(), names.into_iter());
        assert!(finder.find(names[0]).is_some());
        assert_eq!(finder.find(names[1]), None);
    }
}
