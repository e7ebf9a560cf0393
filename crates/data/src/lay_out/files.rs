//! Linking, copying and moving of one file to its place.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use base::{FileWriter, place_new};

use super::failed;
use crate::Error;

/// Finds the real place of a path: [`base::real_place`], with the path in its error.
pub(super) fn real_place(path: &Path) -> Result<PathBuf, Error> {
    base::real_place(path).map_err(failed("read", path))
}

/// Makes a symbolic link at `place` that leads to a file.
pub(super) fn link(file: &Path, place: &Path) -> Result<(), Error> {
    let target = real_place(file)?;
    match symlink(&target, place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match fs::read_link(place).is_ok_and(|there| there == target) {
                true => Ok(()),
                false => Err(Error::Exists { path: place.to_owned() }),
            }
        }
        done => done.map_err(failed("create", place)),
    }
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

/// Makes a hard link instead: elsewhere a symbolic link takes rights that few have.
#[cfg(not(unix))]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    fs::hard_link(target, place)
}

/// Makes a copy at `to`.
pub(super) fn copy(file: &Path, to: &Path) -> Result<(), Error> {
    match to.symlink_metadata() {
        Ok(_) if same(file, to)? => Ok(()),
        Ok(_) => Err(Error::Exists { path: to.to_owned() }),
        Err(_) => copy_new(file, to, false),
    }
}

fn copy_new(file: &Path, to: &Path, sync: bool) -> Result<(), Error> {
    let writer = if sync { FileWriter::creating().synced() } else { FileWriter::creating() };
    let copied = writer.write_with(to, |copy| {
        let mut source = File::open(file)?;
        io::copy(&mut source, copy)?;
        copy.set_permissions(source.metadata()?.permissions())
    });
    copied.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::Exists { path: to.to_owned() },
        _ => Error::Io { action: "copy", path: file.to_owned(), source: error },
    })
}

/// Moves the file itself to its place. Whenever this is cut off, the file is whole under one of its names at least, and
/// the same call completes it.
pub(super) fn move_file(file: &Path, to: &Path) -> Result<(), Error> {
    if real_place(file)? == real_place(to)? {
        return Err(Error::Exists { path: to.to_owned() });
    }
    match (file.symlink_metadata(), to.symlink_metadata()) {
        (Ok(found), Err(_)) if found.is_file() => match place_new(file, to) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                // The copy must be on the disk before the only other one is gone.
                copy_new(file, to, true)?;
                fs::remove_file(file).map_err(failed("remove", file))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Error::Exists { path: to.to_owned() })
            }
            done => done.map_err(failed("move", file)),
        },
        // Cut off between the new name and the end of the old one.
        (Ok(_), Ok(_)) if same(file, to)? => fs::remove_file(file).map_err(failed("remove", file)),
        (Err(error), Ok(found)) if error.kind() == ErrorKind::NotFound && found.is_file() => Ok(()),
        (Err(error), _) => Err(failed("move", file)(error)),
        (Ok(_), _) => Err(Error::Exists { path: to.to_owned() }),
    }
}

/// Tells if both are files with the same bytes.
fn same(a: &Path, b: &Path) -> Result<bool, Error> {
    let open = |path: &Path| -> Result<(BufReader<File>, u64), Error> {
        let found = fs::metadata(path).map_err(failed("read", path))?;
        let file = File::open(path).map_err(failed("read", path))?;
        Ok((BufReader::new(file), found.len()))
    };
    if !fs::symlink_metadata(b).is_ok_and(|found| found.is_file()) {
        return Ok(false);
    }
    let ((mut first, length), (mut second, other)) = (open(a)?, open(b)?);
    if length != other {
        return Ok(false);
    }
    let (mut left, mut x, mut y) = (length, vec![0; 1 << 16], vec![0; 1 << 16]);
    while left > 0 {
        let n = left.min(1 << 16) as usize;
        first.read_exact(&mut x[..n]).map_err(failed("read", a))?;
        second.read_exact(&mut y[..n]).map_err(failed("read", b))?;
        if x[..n] != y[..n] {
            return Ok(false);
        }
        left -= n as u64;
    }
    Ok(true)
}
