//! Files that the user asked for, which can be made again: whole or not there, but not synced as a run's are.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use base::FileWriter;

use crate::status::hinted;

/// The error that files are there already, none of which is overwritten unawares; nothing where none is.
pub(crate) fn taken(there: &[impl AsRef<Path>], hint: &str) -> Result<()> {
    let [first, others @ ..] = there else { return Ok(()) };
    let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
    Err(hinted(format!("`{}` is there already{more}", first.as_ref().display()), hint))
}

/// Writes a file that under its own name is never seen half done.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    FileWriter::replacing().write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Makes a folder that files go to, where it is not there yet, and removes what killed writers left in it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create `{}`", path.display()))?;
    clear_up(path);
    Ok(())
}

/// Removes what killed writers left beside a file.
pub(crate) fn clear_up_beside(path: &Path) {
    clear_up(path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")));
}

fn clear_up(folder: &Path) {
    if let Err(error) = base::remove_temporary(folder) {
        tracing::info!("cannot clear up `{}`: {error}", folder.display());
    }
}

/// Tells if a path leads to a place below one of these folders, whatever links it goes through.
pub(crate) fn lies_below(path: &Path, folders: &[&Path]) -> std::io::Result<bool> {
    // With a name behind it, so that the folder itself is looked up, too.
    let real = base::real_place(&path.join("x"))?;
    Ok(folders.iter().flat_map(fs::canonicalize).any(|folder| real.starts_with(folder)))
}
