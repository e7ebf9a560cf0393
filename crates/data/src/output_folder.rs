//! Folders that Thorax writes, and how they are known again: they are no data set, wherever they lie.
//!
//! A marker, `.thorax-output`, says what a folder holds; a cache has the [`CACHEDIR.TAG`](https://bford.info/cachedir/) that
//! backup programs know too, and caches of other programs are known by theirs. A run is known by its `run.json` and the like,
//! also where an earlier version wrote it. A folder that holds nothing but such folders and files is one itself.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use crate::{Error, OutputKind, left_out};

/// File that says what the folder that it lies in holds.
pub const MARKER: &str = ".thorax-output";
/// First line of [`MARKER`].
const SIGNATURE: &str = "Signature: 61c1b5b43c3f4c1fa8b2a0f0d1c7e5d9";
const CACHE_TAG: &str = "CACHEDIR.TAG";
/// First bytes of any `CACHEDIR.TAG`.
const CACHE_SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55";
/// Records by which folders are known, and a key that each holds.
const RECORDS: [(&str, &str, OutputKind); 3] = [
    ("run.json", "\"epochs_run\"", OutputKind::Run),
    ("cross-validation.json", "\"settings\"", OutputKind::CrossValidation),
    ("test.json", "\"checkpoint\"", OutputKind::Test),
];
/// First bytes of a record that are searched for its key: the message of a failed run may come before it.
const SEARCHED: u64 = 1 << 16;
/// Folders within folders that are looked into.
const DEPTH: usize = 4;

/// Tells if a file only says what the folder that it lies in holds.
pub(crate) fn is_marker(name: &str) -> bool {
    matches!(name, MARKER | CACHE_TAG)
}

/// Makes a folder, with those above it, and marks it as Thorax's. One that already holds something is the user's, and is
/// left as it is.
///
/// # Errors
/// A folder that cannot be made. One without a marker works as well, so that nothing is said where it cannot be written.
pub fn create_output_folder(folder: &Path, kind: OutputKind) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Io {
        action: "create",
        path: folder.to_owned(),
        source,
    })?;
    mark_if_empty(folder, kind);
    Ok(())
}

/// Marks a folder that is empty.
pub(crate) fn mark_if_empty(folder: &Path, kind: OutputKind) {
    let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty {
        let _ = mark(folder, kind);
    }
}

fn mark(folder: &Path, kind: OutputKind) -> std::io::Result<()> {
    let (name, text) = match kind {
        OutputKind::Cache => (
            CACHE_TAG,
            format!(
                "{CACHE_SIGNATURE}\n# This file is a cache directory tag created by Thorax.\n# For information about cache \
                 directory tags, see: https://bford.info/cachedir/\n"
            ),
        ),
        kind => (
            MARKER,
            format!(
                "{SIGNATURE}\nholds: {kind}\n# Thorax wrote this folder, and leaves it out where it lies in a data set.\n# \
                 Remove this file to have it taken for data.\n"
            ),
        ),
    };
    // Made anew, so that no link is followed.
    File::options().write(true).create_new(true).open(folder.join(name))?.write_all(text.as_bytes())
}

/// The beginning of a file, if it is one.
fn head(path: &Path, length: u64) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    base::read_up_to(&mut File::open(path).ok()?, &mut head, length, length).ok()?;
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Finds what a folder holds, by its marker or record.
pub fn output_kind(folder: &Path) -> Option<OutputKind> {
    if let Some(marker) = head(&folder.join(MARKER), 256)
        && let Some(rest) = marker.strip_prefix(SIGNATURE)
    {
        let holds = rest.lines().find_map(|line| line.strip_prefix("holds: "))?;
        return OutputKind::ALL.into_iter().find(|kind| kind.name() == holds);
    }
    if head(&folder.join(CACHE_TAG), 256).is_some_and(|tag| tag.starts_with(CACHE_SIGNATURE)) {
        return Some(OutputKind::Cache);
    }
    RECORDS.into_iter().find_map(|(name, key, kind)| {
        head(&folder.join(name), SEARCHED).filter(|record| record.contains(key)).map(|_| kind)
    })
}

/// Finds what a folder holds as [`output_kind`] does, also of one that an earlier version left without a marker: it holds such
/// folders and files, and neither an image nor any other folder.
pub(crate) fn output_within(folder: &Path) -> Option<OutputKind> {
    within(folder, DEPTH)
}

fn within(folder: &Path, depth: usize) -> Option<OutputKind> {
    if let Some(kind) = output_kind(folder) {
        return Some(kind);
    }
    let mut found = None;
    // The first image of a large class ends it: entries are not sorted, nor all read.
    for entry in fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            if left_out::is_leftover_folder(&name) {
                continue;
            }
            let depth = depth.checked_sub(1)?;
            found = Some(within(&path, depth)?);
        } else if kind.is_file() && is_heat_map(&path) {
            found = Some(OutputKind::HeatMaps);
        } else if is_of_cache(&name) {
            found = Some(OutputKind::Cache);
        } else if name == "latest" && folder.file_name().is_some_and(|name| name == "runs") {
            found = Some(OutputKind::Runs);
        } else if !is_note(&name) {
            // It may be an image, also without an image's extension.
            return None;
        }
    }
    found
}

/// Tells if a file's name is that of a text, a page or a model, which may lie beside what Thorax wrote.
fn is_note(name: &str) -> bool {
    const NOTES: [&str; 10] =
        ["csv", "json", "txt", "md", "toml", "html", "log", "pt", "safetensors", "onnx"];
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    name.starts_with('.') || extension.is_some_and(|extension| NOTES.contains(&extension.as_str()))
}

/// Tells if a file's name is one of a cache's: 32 hexadecimal digits, `.images` or `.note`.
fn is_of_cache(name: &str) -> bool {
    name.split_once('.').is_some_and(|(stem, extension)| {
        matches!(extension, "images" | "note")
            && stem.len() == 32
            && stem.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// Endings of the pictures of a heat map: over its image, and as numbers.
const PICTURES: [&str; 2] = [".overlay.png", ".map.png"];

/// Tells if a file is one of the two pictures that `explain` writes of an image: both are there, and the second says how it was
/// made.
pub fn is_heat_map(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some(stem) = PICTURES.iter().find_map(|ending| name.strip_suffix(ending)) else { return false };
    let [overlay, map] = PICTURES.map(|ending| path.with_file_name(format!("{stem}{ending}")));
    let says_how = |head: String| ["Class", "Method", "Maximum"].iter().all(|keyword| head.contains(keyword));
    fs::symlink_metadata(overlay).is_ok_and(|found| found.is_file()) && head(&map, 4096).is_some_and(says_how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_was_empty_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in
            [("a/b", OutputKind::HeatMaps), ("c", OutputKind::Cache), ("d", OutputKind::Split)]
        {
            let path = folder.path().join(name);
            create_output_folder(&path, kind).unwrap();
            assert_eq!((output_kind(&path), fs::read_dir(&path).unwrap().count()), (Some(kind), 1));
            create_output_folder(&path, OutputKind::Runs).unwrap();
            assert_eq!(output_kind(&path), Some(kind));
        }
        let own = folder.path().join("mine");
        fs::create_dir(&own).unwrap();
        fs::write(own.join("1.png"), "").unwrap();
        create_output_folder(&own, OutputKind::HeatMaps).unwrap();
        assert_eq!((output_kind(&own), fs::read_dir(&own).unwrap().count()), (None, 1));
        assert!(create_output_folder(&own.join("1.png"), OutputKind::Runs).is_err());
    }

    #[test]
    fn what_earlier_versions_wrote_is_known_by_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let kind = |name: &str| output_within(&folder.path().join(name));
        put("data/runs/one/run.json", "{\"status\": \"completed\", \"epochs_run\": 1}");
        put("data/runs/one/plots/augmented.png", "");
        put("data/cache/0123456789abcdef0123456789abcdef.images", "");
        assert_eq!(
            (kind("data/runs/one"), kind("data/runs")),
            (Some(OutputKind::Run), Some(OutputKind::Run))
        );
        assert_eq!(kind("data/cache"), Some(OutputKind::Cache));
        assert!(kind("data").is_some());
        put("data/notes.txt", "");
        assert!(kind("data").is_some());
        put("data/NORMAL/1.png", "");
        assert_eq!((kind("data"), kind("data/NORMAL")), (None, None));
        put("only/runs/latest", "x\n");
        assert_eq!(kind("only/runs"), Some(OutputKind::Runs));
        put("foreign/CACHEDIR.TAG", &format!("{CACHE_SIGNATURE}\n"));
        assert_eq!(kind("foreign"), Some(OutputKind::Cache));
        // A name alone is not enough.
        put("other/run.json", "{\"name\": \"a morning run\"}");
        put("other/latest", "");
        put("other/CACHEDIR.TAG", "no signature");
        put("other/.thorax-output", "holds: runs\n");
        put("other/a.overlay.png", "");
        assert_eq!((kind("other"), is_heat_map(&folder.path().join("other/a.overlay.png"))), (None, false));
        let texts = ["Class", "Method", "Maximum"].map(|keyword| (keyword, "x".to_owned()));
        fs::remove_file(folder.path().join("other/a.overlay.png")).unwrap();
        fs::create_dir(folder.path().join("maps")).unwrap();
        fs::write(folder.path().join("maps/a.map.png"), crate::encode_png_16(1, 1, &[1], &texts).unwrap())
            .unwrap();
        assert_eq!(kind("maps"), None);
        put("maps/a.overlay.png", "");
        assert_eq!(kind("maps"), Some(OutputKind::HeatMaps));
        put("maps/b.png", "");
        assert_eq!(kind("maps"), None);
    }
}
