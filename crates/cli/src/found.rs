//! Search for images in the files and folders that were named.

use std::{
    ffi::OsStr,
    io::{BufRead, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use data::{Formats, LeftOut, OutputKind, Reason};
use walkdir::{DirEntry, WalkDir};

use crate::{dataset, output::Output, status::hinted};

/// Path of a file that may be an image, or of a place that could not be searched with the reason.
pub(crate) type Found = (PathBuf, Option<String>);

/// Search for images in the named places, which counts the files that it passes over.
pub(crate) struct ImageSearch {
    pub(crate) formats: Formats,
    /// Number of files in folders that are no images.
    no_images: usize,
    /// Pipes, sockets and devices in folders.
    special: Vec<PathBuf>,
    /// Files and folders that Thorax wrote itself, or that notebooks, archives and systems leave.
    left_out: Vec<LeftOut>,
}

/// Number of pipes, sockets and devices that are named.
const NAMED: usize = 3;

/// Path that stands for a list of paths on standard input.
const LIST: &str = "-";
/// Longest line of that list, in bytes.
const MAX_LINE: u64 = 1 << 16;

impl ImageSearch {
    pub(crate) fn new(formats: Formats) -> Self {
        Self { formats, no_images: 0, special: Vec::new(), left_out: Vec::new() }
    }

    /// Finds the images of a named place: the file itself; the images of a folder and of the folders in it, by name; or for `-`
    /// the images of all places that standard input names, one a line, as they come.
    pub(crate) fn of<'a>(&'a mut self, path: &'a Path) -> Box<dyn Iterator<Item = Found> + 'a> {
        match path.as_os_str() == LIST {
            true => Box::new(listed(std::io::stdin().lock()).flat_map(|listed| match listed {
                // A line mostly names one file.
                Ok(path) => self.walk(&path).collect::<Vec<_>>().into_iter(),
                Err(error) => vec![(PathBuf::from(LIST), Some(error))].into_iter(),
            })),
            false => Box::new(self.walk(path)),
        }
    }

    /// Reports the files that were passed over.
    pub(crate) fn tell(&self, output: &Output) {
        if !self.left_out.is_empty() {
            output.note(dataset::describe_left_out(&self.left_out));
        }
        match self.no_images {
            0 => {}
            1 => output.note("passed over: 1 file that is no image"),
            n => output.note(format!("passed over: {n} files that are no images")),
        }
        for path in self.special.iter().take(NAMED) {
            output.note(format!("passed over: `{}`, a pipe, socket or device", base::shown(path)));
        }
        if self.special.len() > NAMED {
            output
                .note(format!("passed over: {} more pipes, sockets and devices", self.special.len() - NAMED));
        }
    }

    fn walk(&mut self, path: &Path) -> impl Iterator<Item = Found> {
        let mut walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        let given = path.to_owned();
        std::iter::from_fn(move || {
            loop {
                let entry = match walk.next()? {
                    Ok(entry) => entry,
                    Err(error) => return Some(unreadable(&given, &error)),
                };
                if entry.file_type().is_dir() {
                    if let Some(reason) = self.reason_to_pass_over(&entry) {
                        self.left_out.push(LeftOut { path: entry.into_path(), reason });
                        walk.skip_current_dir();
                    }
                    continue;
                }
                // A file that was named is an image or an error.
                if entry.depth() == 0 {
                    return Some((entry.into_path(), None));
                }
                let judged = match entry.file_type().is_file() {
                    true => data::judge_file(entry.path(), self.formats),
                    false => Err(Reason::Special),
                };
                match judged {
                    Ok(()) => return Some((entry.into_path(), None)),
                    Err(reason @ (Reason::Leftover | Reason::Output(_))) => {
                        self.left_out.push(LeftOut { path: entry.into_path(), reason });
                    }
                    Err(Reason::Special) => self.special.push(entry.into_path()),
                    Err(_) => self.no_images += 1,
                }
            }
        })
    }

    /// Returns the reason to skip a folder. A split and the sample hold images, and so may any folder that was named, but not the
    /// other folders that Thorax wrote.
    fn reason_to_pass_over(&self, folder: &DirEntry) -> Option<Reason> {
        let is_named = folder.depth() == 0;
        let name = folder.file_name().to_string_lossy();
        if !is_named && data::is_leftover_folder(&name) {
            return Some(Reason::Leftover);
        }
        if !is_named && self.formats == Formats::All && name.starts_with('.') {
            return Some(Reason::Hidden);
        }
        let kind = data::output_kind(folder.path()).filter(|kind| !kind.holds_images());
        kind.filter(|kind| !(is_named && *kind == OutputKind::Cache)).map(Reason::Output)
    }
}

/// Makes the error that there is no image in the named places.
pub(crate) fn none_in(paths: &[PathBuf], hint: &str) -> anyhow::Error {
    let named: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    hinted(format!("there is no image in {}", named.join(", ")), hint)
}

/// Describes why a place in a named folder cannot be read.
fn unreadable(given: &Path, error: &walkdir::Error) -> Found {
    let path = error.path().unwrap_or(given).to_owned();
    let why = match error.loop_ancestor() {
        Some(ancestor) => format!("is a link to `{}`, in which it lies", ancestor.display()),
        None => match error.io_error() {
            Some(error) => format!("cannot be read: {error}"),
            None => "cannot be read".to_owned(),
        },
    };
    (path, Some(why))
}

/// Reads paths, one a line, whatever their bytes, or the reason that a line is none. Empty lines are skipped, and reading ends at
/// a line that cannot be read.
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
            // Some systems put a byte order mark before any text.
            let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            let path = line.strip_suffix(b"\n").unwrap_or(line);
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
        let mut text = b"\xef\xbb\xbfa.png\n\nwith space.png\r\n\xff\xfe.png\n".to_vec();
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
