//! TorchScript files: reading, and loading by libtorch. Loading one can run arbitrary code of its author.

use std::{
    fs::File,
    io::{self, Cursor, Read as _, Seek as _},
    path::Path,
};

use sha2::{Digest, Sha256};
use tch::{CModule, Device};

use crate::{Error, Result};

/// Reads a file's bytes; `what` names its content in the error for a missing file.
pub(crate) fn read_file(path: &Path, what: &'static str) -> Result<Vec<u8>> {
    read_archive(path).map_err(unreadable(path, what))
}

/// Reads a file of at most 16 GiB, whatever its form is; `what` names it in the error of a missing one.
pub(crate) fn read_whole(path: &Path, what: &'static str) -> Result<Vec<u8>> {
    base::read_bounded(path, MAX_BYTES).map_err(unreadable(path, what))
}

fn unreadable(path: &Path, what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::NoFile { what, path: path.to_owned() },
        _ => Error::Io { action: "read", path: path.to_owned(), source },
    }
}

/// Largest file of weights, in bytes.
const MAX_BYTES: u64 = 16 << 30;

/// First bytes of TorchScript archives, which are zip files.
const ARCHIVE: &[u8; 4] = b"PK\x03\x04";
/// Number of bytes passed to libtorch of a file that is no archive.
const HEAD: u64 = 1 << 10;

/// Opens a regular file of at most 16 GiB; pipes and devices are refused, as they may have no end.
pub(crate) fn open_bounded(path: &Path) -> io::Result<File> {
    let file = base::open_regular(path)?;
    match file.metadata()?.len() {
        length if length > MAX_BYTES => {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 GiB"))
        }
        _ => Ok(file),
    }
}

/// Reads all of a file that begins like an archive, and only the head of another one.
fn read_archive(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_bounded(path)?;
    let mut head = [0; ARCHIVE.len()];
    let is_archive = file.read_exact(&mut head).is_ok() && head == *ARCHIVE;
    file.rewind()?;
    if is_archive {
        return base::read_rest(file, MAX_BYTES);
    }
    let mut bytes = Vec::new();
    base::read_up_to(&mut file, &mut bytes, HEAD, HEAD)?;
    Ok(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Loads a TorchScript module; `path` names the file in errors.
///
/// The interpreter's own optimisations are off: they start after a few forward passes and change results in the last
/// digits, so that the same module would give two results.
pub(crate) fn load(file: &[u8], path: &Path, device: Device) -> Result<CModule> {
    tch::jit::f_set_profiling_mode(false)?;
    tch::jit::f_set_graph_executor_optimize(false)?;
    CModule::load_data_on_device(&mut Cursor::new(file), device).map_err(|source| {
        let reason = if !file.starts_with(ARCHIVE) {
            "it is no archive of the kind that `torch.jit.save` writes"
        } else if zip_end(file).is_none() {
            "it is cut off"
        } else {
            "libtorch cannot read it"
        };
        Error::NotTorchScript { path: path.to_owned(), reason, source }
    })
}

/// Finds the end record of the zip archive's directory, which stands last in a whole file.
fn zip_end(file: &[u8]) -> Option<usize> {
    file.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")
}

/// Serialises the module. libtorch writes to named files only, and their `name` becomes part of the content.
pub(crate) fn save(module: &CModule, name: &str) -> Result<Vec<u8>> {
    let failed = |source| Error::Io { action: "write", path: std::env::temp_dir(), source };
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join(format!("{name}.pt"));
    module.save(&path)?;
    std::fs::read(&path).map_err(failed)
}

/// Extracts the message from an error of TorchScript's interpreter: the line after its traceback.
pub(crate) fn reason(error: &tch::TchError) -> String {
    let text = error.to_string();
    let line = text.lines().find(|line| line.starts_with("RuntimeError: ")).or(text.lines().next());
    line.unwrap_or_default().trim_start_matches("RuntimeError: ").to_owned()
}
