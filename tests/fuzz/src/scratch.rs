//! A folder for targets that read files by name: in memory where the system has such a place.

use std::{path::Path, path::PathBuf, sync::OnceLock};

/// The folder, emptied of what an earlier run of the same target left in it.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = place.join(format!("thorax-fuzz-{}", std::env::var("THORAX_FUZZ").unwrap_or_default()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a temporary folder");
        folder
    })
}

/// Writes a file into it.
pub(crate) fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    path
}
