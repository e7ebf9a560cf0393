//! Paths of heat maps: different names for files of the same name, and no existing file overwritten.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// Largest length of the kept part of an image's name, in bytes: the suffix must fit into the 255 bytes that a file system
/// allows.
const LONGEST: usize = 200;

/// Longest part of a label in a name, in characters.
const LONGEST_LABEL: usize = 10;

/// Paths of the pictures of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PicturePaths {
    pub(super) overlay: PathBuf,
    pub(super) map: PathBuf,
}

/// Generator of free names.
pub(super) struct OutputNames {
    out: PathBuf,
    /// Canonical path of the folder, if the folder exists.
    real: Option<PathBuf>,
    force: bool,
    taken: HashSet<String>,
    /// Number to try next for a name that is taken.
    numbers: HashMap<String, usize>,
}

impl OutputNames {
    pub(super) fn new(out: &Path, force: bool) -> Self {
        let real = fs::canonicalize(out).ok();
        Self { out: out.to_owned(), real, force, taken: HashSet::new(), numbers: HashMap::new() }
    }

    /// Tells if a file lies in the folder of pictures, so that it is one or may become one: it is never read.
    pub(super) fn is_output(&mut self, path: &Path) -> bool {
        if self.real.is_none() {
            self.real = fs::canonicalize(&self.out).ok();
        }
        let Some(out) = &self.real else { return false };
        fs::canonicalize(path).is_ok_and(|path| path.starts_with(out))
    }

    /// Returns the paths of an image's pictures: its name without the extension, with a number where an earlier image has that
    /// name.
    ///
    /// # Errors
    /// The reason that nothing may be written there.
    pub(super) fn next(&mut self, path: &Path) -> Result<PicturePaths, String> {
        let name = self.free(&stem(path));
        let target = |kind: &str| self.out.join(format!("{name}.{kind}.png"));
        let targets = PicturePaths { overlay: target("overlay"), map: target("map") };
        self.check(targets)
    }

    /// Returns the paths of the pictures of one of an image's labels, from those of the image; a character that some system
    /// allows in no file name becomes `_`.
    ///
    /// # Errors
    /// The reason that nothing may be written there.
    pub(super) fn of_label(&self, image: &PicturePaths, label: &str) -> Result<PicturePaths, String> {
        let safe = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
        let label: String = label.chars().map(safe).take(LONGEST_LABEL).collect();
        let of = |path: &Path, kind: &str| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stem = name.strip_suffix(&format!(".{kind}.png")).unwrap_or(&name).to_owned();
            self.out.join(format!("{stem}.{label}.{kind}.png"))
        };
        self.check(PicturePaths { overlay: of(&image.overlay, "overlay"), map: of(&image.map, "map") })
    }

    fn check(&self, targets: PicturePaths) -> Result<PicturePaths, String> {
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

/// Returns a file's name without its extension, as text of at most [`LONGEST`] bytes.
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
        let mut names = OutputNames::new(Path::new("out"), false);
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
