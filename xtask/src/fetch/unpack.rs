//! Extraction of a zip file's wanted members into a folder; a zip file that reaches outside that folder is refused as a whole.

use crate::failure::fail;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Component, Path};
use zip::ZipArchive;

/// Largest unpacked size in bytes; everything fetched is smaller: libtorch with CUDA takes 3.4 GB.
const MAX_TOTAL: u64 = 20 << 30;
/// Longest target of a link that a system accepts.
const MAX_LINK: u64 = 4096;

/// Unpacks every member whose name begins with the first text of a rule, that text replaced by the second.
pub(super) fn unpack(zip: &Path, take: &[(&str, &str)], into: &Path) -> Result<()> {
    at_most(MAX_TOTAL, zip, take, into)
}

fn at_most(mut left: u64, zip: &Path, take: &[(&str, &str)], into: &Path) -> Result<()> {
    let unreadable = || format!("`{}` is no readable zip file", zip.display());
    let file = File::open(zip).with_context(|| format!("cannot read `{}`", zip.display()))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).with_context(unreadable)?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).with_context(unreadable)?;
        let name = member.name().with_context(unreadable)?.into_owned();
        if !is_inside(&name) {
            return Err(hostile(zip, &name));
        }
        let Some(wanted) =
            take.iter().find_map(|(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?)))
        else {
            continue;
        };
        if member.is_dir() {
            continue;
        }
        let target = into.join(&wanted);
        let folder = target.parent().unwrap_or(into);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        if member.is_symlink() {
            let mut link = String::new();
            (&mut member).take(MAX_LINK + 1).read_to_string(&mut link).with_context(unreadable)?;
            if !is_inside(&link) || link.len() as u64 > MAX_LINK {
                return Err(hostile(zip, &format!("{name} -> {link}")));
            }
            make_link(&link, &target)?;
        } else {
            // `create_new` follows no link and overwrites nothing: a name that comes twice is refused.
            let cannot = || format!("cannot write `{}`", target.display());
            let mut file = File::create_new(&target).with_context(cannot)?;
            // Limited by the unpacked bytes, not by the archive's own figures.
            let written = std::io::copy(&mut (&mut member).take(left.saturating_add(1)), &mut file)
                .with_context(|| format!("cannot unpack `{name}` to `{}`", target.display()))?;
            left = left.checked_sub(written).ok_or_else(|| {
                let message = format!("`{}` unpacks to more than anything that is fetched", zip.display());
                fail(message, "nothing of it is used; get the file from its publisher")
            })?;
        }
    }
    Ok(())
}

/// Tells if a path is relative, leads only downwards, and means the same on every system.
pub(super) fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.is_empty()
        && !name.contains(['\\', '\0', ':'])
        && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn hostile(zip: &Path, name: &str) -> anyhow::Error {
    let message =
        format!("`{}` holds `{name}`, which would lie outside the folder it is unpacked to", zip.display());
    fail(message, "nothing of it is used; get the file from its publisher")
}

#[cfg(unix)]
fn make_link(link: &str, target: &Path) -> Result<()> {
    std::os::unix::fs::symlink(link, target).with_context(|| format!("cannot write `{}`", target.display()))
}

#[cfg(not(unix))]
fn make_link(link: &str, target: &Path) -> Result<()> {
    Err(fail(format!("`{}` is a link to `{link}`, unknown here", target.display()), "use `--libtorch DIR`"))
}

#[cfg(test)]
mod tests {
    use super::{at_most, is_inside};
    use std::io::Write as _;

    #[test]
    fn what_comes_out_is_bounded() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let zip = folder.path().join("bomb.zip");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&zip).expect("a file"));
        let options = zip::write::SimpleFileOptions::default();
        for name in ["a", "b"] {
            writer.start_file(name, options).expect("a name");
            writer.write_all(&[0; 500_000]).expect("it is written");
        }
        writer.finish().expect("it is whole");
        for (most, written) in [(1_000_000, 1_000_000), (999_999, 1_000_000), (10, 11)] {
            let into = tempfile::tempdir().expect("a temporary folder");
            let result = at_most(most, &zip, &[("", "")], into.path());
            assert_eq!(result.is_ok(), most == 1_000_000, "{result:?}");
            let files = std::fs::read_dir(into.path()).expect("it is there");
            let bytes: u64 =
                files.map(|file| file.expect("it too").metadata().expect("and known").len()).sum();
            assert!(bytes <= written, "{bytes}");
        }
    }

    #[test]
    fn only_names_that_stay_inside_are_taken() {
        for name in ["a", "a/b.so", "libtorch/lib/libc10.so", "./a"] {
            assert!(is_inside(name), "{name}");
        }
        for name in ["", "../evil", "a/../../evil", "/etc/passwd", "a\\..\\b", "C:evil", "a\0b"] {
            assert!(!is_inside(name), "{name:?}");
        }
    }
}
