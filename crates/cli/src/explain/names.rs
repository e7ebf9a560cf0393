//! Where pictures go: names of their own for files of the same name, and nothing that is there already.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// Bytes of an image's name that are kept: what is added must fit into the 255 that a file system takes.
const LONGEST: usize = 200;

/// The pictures of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) overlay: PathBuf,
    pub(super) map: PathBuf,
}

/// Names that are free.
pub(super) struct Names {
    out: PathBuf,
    /// The same as the system knows it, where the folder is there.
    real: Option<PathBuf>,
    force: bool,
    taken: HashSet<String>,
    /// The number to try next for a name that is taken.
    numbers: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(out: &Path, force: bool) -> Self {
        let real = fs::canonicalize(out).ok();
        Self { out: out.to_owned(), real, force, taken: HashSet::new(), numbers: HashMap::new() }
    }

    /// Whether a file lies where pictures go, so that it is one, or may become one: it is never read.
    pub(super) fn is_output(&mut self, path: &Path) -> bool {
        if self.real.is_none() {
            self.real = fs::canonicalize(&self.out).ok();
        }
        let Some(out) = &self.real else { return false };
        fs::canonicalize(path).is_ok_and(|path| path.starts_with(out))
    }

    /// Where the pictures of an image go: its name without the extension, with a number where an earlier image has that name;
    /// or why nothing may be written there.
    pub(super) fn next(&mut self, path: &Path) -> Result<Targets, String> {
        let name = self.free(&stem(path));
        let target = |kind: &str| self.out.join(format!("{name}.{kind}.png"));
        let targets = Targets { overlay: target("overlay"), map: target("map") };
        for target in [&targets.overlay, &targets.map] {
            if !self.force && target.symlink_metadata().is_ok() {
                return Err(format!(
                    "is not explained: `{}` is there already (overwrite it with `--force`, or name another folder with `--out`)",
                    target.display()
                ));
            }
        }
        Ok(targets)
    }

    fn free(&mut self, stem: &str) -> String {
        let number = self.numbers.entry(stem.to_owned()).or_insert(1);
        loop {
            let name = if *number > 1 { format!("{stem}-{number}") } else { stem.to_owned() };
            *number += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A file's name without its extension, as text, and not too long: no path.
fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let end =
        name.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= LONGEST);
    name[..end.last().unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_images_share_a_name_and_none_leaves_the_folder() {
        let mut names = Names::new(Path::new("out"), false);
        let long = format!("{}.png", "ä".repeat(120));
        let paths = ["a/x.png", "b/x.jpg", "x-2.dcm", "x", "c/x.tif", "..png", "../../y.tar.gz", &long];
        let overlays = paths.map(|path| names.next(Path::new(path)).unwrap().overlay);
        let short = "ä".repeat(100);
        let expected = ["x", "x-2", "x-2-2", "x-3", "x-4", ".", "y.tar", short.as_str()];
        assert_eq!(overlays, expected.map(|name| Path::new("out").join(format!("{name}.overlay.png"))));
        let two = names.next(Path::new("x.png")).unwrap();
        assert_eq!(two.map, Path::new("out").join("x-5.map.png"));
    }
}
