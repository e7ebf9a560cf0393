//! Files that the user asked for, which can be made again: whole or not there, but not synced as a run's are.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::status::hinted;

/// The error that files are there already, none of which is overwritten unawares; nothing where none is.
pub(crate) fn taken(there: &[impl AsRef<Path>], hint: &str) -> Result<()> {
    let [first, others @ ..] = there else { return Ok(()) };
    let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
    Err(hinted(format!("`{}` is there already{more}", first.as_ref().display()), hint))
}

/// Writes a file that under its own name is never seen half done.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("cannot write `{}`", path.display()))
}

/// Tells if a path leads to a place below one of these folders, whatever links it goes through.
pub(crate) fn lies_below(path: &Path, folders: &[&Path]) -> std::io::Result<bool> {
    // With a name behind it, so that the folder itself is looked up, too.
    let real = base::real_place(&path.join("x"))?;
    Ok(folders.iter().flat_map(fs::canonicalize).any(|folder| real.starts_with(folder)))
}
