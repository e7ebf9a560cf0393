//! Images in the files and folders that were named.

use std::{
    ffi::OsStr,
    io::{BufRead, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use data::Formats;
use walkdir::WalkDir;

use crate::{output::Output, status::hinted};

/// A file that may be an image, or what is wrong with a place where files were looked for.
pub(crate) type Found = (PathBuf, Option<String>);

/// What is found in the places that were named.
pub(crate) struct Files {
    pub(crate) formats: Formats,
    /// Files in folders that are no images.
    no_images: usize,
    /// Pipes, sockets and devices in folders.
    special: Vec<PathBuf>,
}

/// How many of those are named.
const NAMED: usize = 3;

/// The place that means a list of places on standard input.
const LIST: &str = "-";
/// The longest line of that list.
const MAX_LINE: u64 = 1 << 16;

impl Files {
    pub(crate) fn new(formats: Formats) -> Self {
        Self { formats, no_images: 0, special: Vec::new() }
    }

    /// The file itself; the images of a folder and of the folders in it, by name; or for `-` those of all places that standard
    /// input names, one a line, as they come.
    pub(crate) fn of<'a>(&'a mut self, path: &'a Path) -> Box<dyn Iterator<Item = Found> + 'a> {
        match path.as_os_str() == LIST {
            true => Box::new(listed(std::io::stdin().lock()).flat_map(|listed| match listed {
                Ok(path) => self.walk(&path),
                Err(error) => vec![(PathBuf::from(LIST), Some(error))].into_iter(),
            })),
            false => Box::new(walk(path, self)),
        }
    }

    /// Says how much was passed over.
    pub(crate) fn tell(&self, output: &Output) {
        match self.no_images {
            0 => {}
            1 => output.note("passed over: 1 file that is no image"),
            n => output.note(format!("passed over: {n} files that are no images")),
        }
        for path in self.special.iter().take(NAMED) {
            output.note(format!("passed over: `{}`, a pipe, socket or device", path.display()));
        }
        if self.special.len() > NAMED {
            output
                .note(format!("passed over: {} more pipes, sockets and devices", self.special.len() - NAMED));
        }
    }

    /// All that a place on a list stands for: mostly one file.
    fn walk(&mut self, path: &Path) -> std::vec::IntoIter<Found> {
        walk(path, self).collect::<Vec<_>>().into_iter()
    }
}

/// The error that there is no image in the places that were named.
pub(crate) fn none_in(paths: &[PathBuf], hint: &str) -> anyhow::Error {
    let named: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    hinted(format!("there is no image in {}", named.join(", ")), hint)
}

fn walk(path: &Path, files: &mut Files) -> impl Iterator<Item = Found> {
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    let given = path.to_owned();
    walk.filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        // A file that was named is an image or an error.
        Ok(entry) if entry.depth() == 0 => Some((entry.into_path(), None)),
        Ok(entry) => {
            if !entry.file_type().is_file() {
                files.special.push(entry.into_path());
                return None;
            }
            let is_image = data::is_image(entry.path(), files.formats);
            files.no_images += usize::from(!is_image);
            is_image.then(|| (entry.into_path(), None))
        }
        Err(error) => {
            let path = error.path().unwrap_or(&given).to_owned();
            let why = match error.loop_ancestor() {
                Some(ancestor) => format!("is a link to `{}`, in which it lies", ancestor.display()),
                None => match error.io_error() {
                    Some(error) => format!("cannot be read: {error}"),
                    None => "cannot be read".to_owned(),
                },
            };
            Some((path, Some(why)))
        }
    })
}

/// Paths, one a line, whatever their bytes; or why a line is none. Empty lines are passed over, and nothing comes after a
/// line that cannot be read.
fn listed(mut input: impl BufRead) -> impl Iterator<Item = Result<PathBuf, String>> {
    let (mut number, mut broken) = (0_u64, false);
    std::iter::from_fn(move || {
        while !broken {
            number += 1;
            let mut line = Vec::new();
            match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Err(error) => {
                    broken = true;
                    return Some(Err(format!("cannot be read: {error}")));
                }
                Ok(_) => {}
            }
            if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
                return Some(match input.skip_until(b'\n') {
                    Ok(_) => Err(format!("line {number} is longer than {MAX_LINE} bytes")),
                    Err(error) => {
                        broken = true;
                        Err(format!("cannot be read: {error}"))
                    }
                });
            }
            let path = line.strip_suffix(b"\n").unwrap_or(&line);
            let path = path.strip_suffix(b"\r").unwrap_or(path);
            if !path.is_empty() {
                return Some(Ok(PathBuf::from(OsStr::from_bytes(path))));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_line_by_line_whatever_is_in_it() {
        let mut text = b"a.png\n\nwith space.png\r\n\xff\xfe.png\n".to_vec();
        text.extend(vec![b'x'; MAX_LINE as usize + 10]);
        text.extend(b"\nlast");
        let found: Vec<_> = listed(&text[..]).collect();
        assert_eq!(found[0], Ok("a.png".into()));
        assert_eq!(found[1], Ok("with space.png".into()));
        assert_eq!(found[2].as_ref().unwrap().as_os_str().as_bytes(), b"\xff\xfe.png");
        assert_eq!(found[3], Err("line 5 is longer than 65536 bytes".to_owned()));
        assert_eq!((&found[4], found.len()), (&Ok("last".into()), 5));
    }
}
