//! Extraction of the wanted members: one folder to train on, one to test on, each with its folders of classes.

use super::super::progress::Progress;
use super::archive::{Archive, bad};
use super::carve;
use super::contents::Member;
use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;

/// Names of the two folders while they are filled.
pub(super) const TRAIN: &str = "train";
pub(super) const TEST: &str = "test";

/// Files of one folder: relative name → bytes.
pub(super) type Files = BTreeMap<String, u64>;

/// Fills `TRAIN` and `TEST` below a folder and returns the files of each. An invalid member is the cause of a refusal.
pub(super) fn fill(archive: &mut Archive, members: &[Member], tree: &Path) -> Result<[Files; 2]> {
    let kept = kept_for_test(members);
    for folder in [TRAIN, TEST] {
        make(&tree.join(folder))?;
    }
    for class in members.iter().filter_map(|member| member.class.as_deref()).collect::<HashSet<_>>() {
        for folder in [TRAIN, TEST] {
            make(&tree.join(folder).join(class))?;
        }
    }
    let [mut train, mut test] = [Files::new(), Files::new()];
    let mut progress = Progress::new("unpacking", 0, Some(members.iter().map(|member| member.bytes).sum()));
    for member in members {
        let name = match &member.class {
            Some(class) => format!("{class}/{}", member.name),
            None => member.name.clone(),
        };
        let is_test = member.class.is_some() && kept.contains(&member.index);
        let (folder, files) = if is_test { (TEST, &mut test) } else { (TRAIN, &mut train) };
        write(archive, member, &tree.join(folder).join(&name))?;
        files.insert(name, member.bytes);
        progress.add(member.bytes);
    }
    progress.finish();
    Ok([train, test])
}

/// Returns the indices in the archive of the images that are kept for the test.
fn kept_for_test(members: &[Member]) -> HashSet<usize> {
    let mut classes: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for member in members {
        if let Some(class) = &member.class {
            classes.entry(class).or_default().push(member);
        }
    }
    let mut kept = HashSet::new();
    for images in classes.values() {
        let names: Vec<&str> = images.iter().map(|image| image.name.as_str()).collect();
        let chosen = carve::test(&names);
        kept.extend(
            images.iter().filter(|image| chosen.contains(image.name.as_str())).map(|image| image.index),
        );
    }
    kept
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))
}

/// Writes one member. The zip library compares the CRC at its end.
fn write(archive: &mut Archive, member: &Member, target: &Path) -> Result<()> {
    let shown = archive.name_for_index(member.index).and_then(Result::ok).unwrap_or_default().into_owned();
    let damaged = |error: &dyn std::fmt::Display| bad(&shown, format!("which cannot be unpacked ({error})"));
    let mut from = archive.by_index(member.index).map_err(|error| damaged(&error))?;
    let cannot_write = || format!("cannot write `{}`", target.display());
    // `create_new` follows no link and overwrites nothing.
    let mut file = File::create_new(target).with_context(cannot_write)?;
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let read = fill_buffer(&mut from, &mut buffer).map_err(|error| damaged(&error))?;
        if done == 0 && member.class.is_some() && !is_image(&buffer[..read]) {
            return Err(bad(&shown, "which is neither a PNG nor a JPEG file").into());
        }
        done += read as u64;
        // More than announced would bypass the limits, which apply to the announced sizes.
        if done > member.bytes || (read == 0 && done < member.bytes) {
            return Err(bad(&shown, "which has another size than the archive says").into());
        }
        if read == 0 {
            return Ok(());
        }
        file.write_all(&buffer[..read]).with_context(cannot_write)?;
    }
}

/// Reads until the buffer is full or the input ends, so that its beginning shows the type of a file.
fn fill_buffer(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Tells if the bytes begin like a PNG or JPEG file.
fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}
