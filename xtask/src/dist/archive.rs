//! Archive of the folder: the same folder gives the same bytes, at any time and on any machine.

use crate::fetch::{digest, files_below};
use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use tar::{Archive, Builder, EntryType, Header};

/// Packs everything below a folder, under the folder name that the archive unpacks to.
pub(super) fn pack(folder: &Path, name: &str, to: &Path) -> Result<()> {
    let cannot = || format!("cannot write `{}`", to.display());
    let file = BufWriter::new(File::create(to).with_context(cannot)?);
    // With a time stamp, each archive would differ.
    let mut tar = Builder::new(GzBuilder::new().mtime(0).write(file, Compression::default()));
    for (inner, path) in files_below(folder)? {
        let mut file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(file.metadata()?.len());
        header.set_mode(if inner.starts_with("bin/") { 0o755 } else { 0o644 });
        tar.append_data(&mut header, format!("{name}/{inner}"), &mut file).with_context(cannot)?;
    }
    let file = tar.into_inner().and_then(flate2::write::GzEncoder::finish).with_context(cannot)?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}

/// Unpacks an archive into a folder.
pub(super) fn unpack(archive: &Path, into: &Path) -> Result<()> {
    let file = File::open(archive).with_context(|| format!("cannot read `{}`", archive.display()))?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)));
    archive.unpack(into).with_context(|| format!("cannot unpack to `{}`", into.display()))
}

/// Writes the archive's sha256 beside it, as `sha256sum -c` reads it.
pub(super) fn write_digest(archive: &Path) -> Result<String> {
    let digest = digest(archive)?;
    let mut beside = archive.as_os_str().to_owned();
    beside.push(".sha256");
    let line = format!("{digest}  {}\n", archive.file_name().unwrap_or_default().display());
    let mut file = File::create(&beside).with_context(|| format!("cannot write `{}`", beside.display()))?;
    file.write_all(line.as_bytes()).with_context(|| format!("cannot write `{}`", beside.display()))?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_the_same_bytes_at_any_time_and_comes_out_as_it_went_in() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        for part in ["tree/bin", "tree/lib"] {
            std::fs::create_dir_all(at(part)).expect("a folder");
        }
        std::fs::write(at("tree/bin/thorax"), "program").expect("a file");
        let long = format!("lib/{}", "x".repeat(180));
        std::fs::write(at("tree").join(&long), vec![7; 100_000]).expect("a file");
        pack(&at("tree"), "thorax-1", &at("one.tar.gz")).expect("it is packed");
        std::fs::rename(at("tree"), at("moved")).expect("it is ours");
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100_000);
        let file = File::options().write(true).open(at("moved/bin/thorax")).expect("it is there");
        file.set_modified(later).expect("it is ours");
        pack(&at("moved"), "thorax-1", &at("two.tar.gz")).expect("it is packed");
        let read = |name: &str| std::fs::read(at(name)).expect("it is there");
        assert!(read("one.tar.gz") == read("two.tar.gz"));

        unpack(&at("one.tar.gz"), &at("elsewhere")).expect("it is unpacked");
        assert_eq!(read("elsewhere/thorax-1/bin/thorax"), b"program");
        assert_eq!(read(&format!("elsewhere/thorax-1/{long}")), vec![7; 100_000]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |name: &str| at(name).metadata().expect("it is there").permissions().mode() & 0o777;
            assert_eq!(mode("elsewhere/thorax-1/bin/thorax"), 0o755);
        }
        let digest = write_digest(&at("one.tar.gz")).expect("it is written");
        assert_eq!(read("one.tar.gz.sha256"), format!("{digest}  one.tar.gz\n").as_bytes());
    }
}
