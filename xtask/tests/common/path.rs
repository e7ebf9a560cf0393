//! Search path of a program that is run.

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns a `PATH` with a folder before everything else.
pub(crate) fn path_after(folder: PathBuf) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder).chain(std::env::split_paths(&path));
    std::env::join_paths(paths).expect("no colon in it")
}
