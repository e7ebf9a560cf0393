//! Files that the user asked for and that can be made again: written whole or not at all, but not synced like a run's files.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, Result};
use base::FileWriter;

use crate::{output::Output, status::hinted};

/// Refuses to overwrite files that exist; fine where none does.
pub(crate) fn taken(there: &[impl AsRef<Path>], hint: &str) -> Result<()> {
    let [first, others @ ..] = there else { return Ok(()) };
    let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
    Err(hinted(format!("`{}` is there already{more}", first.as_ref().display()), hint))
}

/// Writes a file that is never seen half written under its own name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    FileWriter::replacing().write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// First bytes of every page, by which an earlier page is recognised.
const PAGE_HEAD: &[u8] = b"<!DOCTYPE html>";

/// Checks before the work that the page of `flag` can be written, and that it replaces nothing but an earlier page.
pub(crate) fn check_page(page: &Path, flag: &str) -> Result<()> {
    let name = page.display();
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(hinted(
            format!("no such folder: `{}`", folder.display()),
            format!("create it, or name another with `{flag}`"),
        ));
    }
    if page.is_dir() {
        return Err(hinted(format!("`{name}` is a folder"), format!("name a file with `{flag}`")));
    }
    if page.exists() {
        let mut head = vec![0; PAGE_HEAD.len()];
        let mut file = base::open_regular(page).with_context(|| format!("cannot read `{name}`"))?;
        if file.read_exact(&mut head).is_err() || head != *PAGE_HEAD {
            return Err(hinted(
                format!("`{name}` is there already and is no page"),
                format!("name another file with `{flag}`, or remove it"),
            ));
        }
    }
    tempfile::tempfile_in(folder).map(drop).with_context(|| format!("cannot write to `{}`", folder.display()))
}

/// Writes a page, and says where.
pub(crate) fn write_page(page: &Path, html: &str, output: &Output) -> Result<()> {
    clear_up_beside(page);
    write(page, html.as_bytes())?;
    output.note(format!("page   {}", base::shown(page)));
    Ok(())
}

/// Creates a folder for files if it is missing, and removes the leftovers of killed writers in it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create `{}`", path.display()))?;
    clear_up(path);
    Ok(())
}

/// Removes the leftovers of killed writers beside a file.
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
    // A name is added, so that links in the folder itself are resolved, too.
    let real = base::real_place(&path.join("x"))?;
    Ok(folders.iter().flat_map(fs::canonicalize).any(|folder| real.starts_with(folder)))
}
