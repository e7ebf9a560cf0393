//! Listing of a data set in any layout, recognised by what is there.

use std::{fs, io, path::Path};

use crate::{
    ClassName, Classes, Error, FileObserver, Layout, Listing, OpenOptions, Part, Reason, Remark, Sample,
    Unobserved,
    csv_file::is_csv,
    group, label_files, left_out, listing, manifest,
    scan::{ClassFolder, Name, Scan},
    unicode::is_same_text,
    walk::{self, Entry, EntryKind},
};

/// Lists a data set: a folder or a CSV in one of the layouts of [`Layout`].
///
/// Class folders are listed as Keras' `flow_from_directory` does; with [`Formats::All`](crate::Formats::All) images are known by
/// content as well as by extension, and hidden files and folders are left out. Of a class folder that holds `images/` and
/// `masks/` only the images are listed. Folders called `train` (or `training`), `val` (`valid`, `validation`) and `test`
/// (`testing`), upper or lower case, that hold class folders set each image's part; a `test` without class folders is left out.
/// For a CSV see [`manifest`](crate::manifest). Folders that Thorax wrote and those that notebooks, archives and systems leave
/// are left out; what is listed, and what was left out, is in [`Listing::remarks`] and [`Listing::left_out`].
///
/// # Errors
/// A path that is not there; a folder that cannot be read; no classes, classes without images, a named class that is
/// missing; parts with different classes; a CSV with rows that cannot be used.
pub fn open(path: &Path, options: &OpenOptions<'_>) -> Result<Listing, Error> {
    open_observed(path, options, &Unobserved)
}

/// Lists a data set as [`open`] does, with an observer who is told of every file that is listed.
///
/// # Errors
/// Same as [`open`].
pub fn open_observed(
    path: &Path,
    options: &OpenOptions<'_>,
    observer: &dyn FileObserver,
) -> Result<Listing, Error> {
    let mut listing = match fs::metadata(path) {
        Ok(found) if found.is_dir() => match label_files::table_in(path) {
            Some(table) => open_csv(&table, options, observer)?,
            None => open_folder(path, options, observer)?,
        },
        Ok(found) if found.is_file() && is_csv(path) => open_csv(path, options, observer)?,
        Ok(_) => return Err(Error::NotAFolder { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_csv(path) => {
            return Err(Error::NoSuchFile { path: path.to_owned() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::NoSuchFolder { path: path.to_owned() });
        }
        Err(source) => return Err(Error::Io { action: "read", path: path.to_owned(), source }),
    };
    group::assign(&mut listing, options.group)?;
    Ok(listing)
}

/// Lists a label file, or a CSV of classes.
fn open_csv(path: &Path, options: &OpenOptions<'_>, observer: &dyn FileObserver) -> Result<Listing, Error> {
    match label_files::open(path, options, observer)? {
        Some(listing) => Ok(listing),
        None => manifest::open(path, options, observer),
    }
}

/// A folder of class folders, and the part that its images are in.
type Base = (Option<Part>, Name);

fn open_folder(
    root: &Path,
    options: &OpenOptions<'_>,
    observer: &dyn FileObserver,
) -> Result<Listing, Error> {
    let mut scan = Scan {
        root,
        formats: options.formats,
        left_out: Vec::new(),
        remarks: Vec::new(),
        observer,
        masks: false,
    };
    let base = Name::root();
    let entries = scan.entries(&base)?;
    let (bases, folders) = match part_folders(root, &entries)? {
        Some(parts) => {
            leave_out_beside(&mut scan, &entries, &parts);
            folders_of_parts(&mut scan, parts, options.classes)?
        }
        None => {
            let found = scan.class_folders(&base, entries)?;
            let chosen = scan.choose(&base, found, options.classes)?;
            (vec![(None, base)], vec![chosen])
        }
    };
    let classes: Vec<ClassName> = match options.classes {
        Classes::Among(classes) => classes.to_vec(),
        _ => folders[0].iter().map(|folder| folder.class.clone()).collect(),
    };
    let samples = samples(&mut scan, &bases, &folders, &classes, options.classes)?;
    let layout = match (bases[0].0, scan.masks) {
        (Some(_), _) => Layout::Parts,
        (None, true) => Layout::ImagesAndMasks,
        (None, false) => Layout::ClassFolders,
    };
    let names: Vec<String> = classes.iter().map(|class| class.folder.clone()).collect();
    scan.remarks.extend(listing::alike(&names));
    if options.classes.named().is_none() {
        let hidden = names.into_iter().filter(|name| name.starts_with('.'));
        scan.remarks.extend(hidden.map(|class| Remark::HiddenClass { class }));
    }
    let (root, left_out, remarks) = (root.to_owned(), scan.left_out, scan.remarks);
    Ok(Listing {
        root,
        layout,
        classes,
        attributes: Vec::new(),
        samples,
        left_out,
        ungrouped: 0,
        manifest_sha256: None,
        remarks,
    })
}

/// The parts with class folders and those folders, in index order; all parts have the same. A folder for testing may have none.
fn folders_of_parts(
    scan: &mut Scan<'_>,
    parts: Vec<Base>,
    classes: Classes<'_>,
) -> Result<(Vec<Base>, Vec<Vec<ClassFolder>>), Error> {
    let (mut labelled, mut folders): (Vec<Base>, Vec<Vec<ClassFolder>>) = (Vec::new(), Vec::new());
    for (part, base) in parts {
        let path = base.below(scan.root);
        let entries = scan.entries(&base)?;
        // The part for testing comes last: the others' classes are known.
        if part == Some(Part::Test) && !folders.is_empty() && !entries.iter().any(is_part_or_class) {
            if entries.iter().any(|entry| walk::judge(&path, entry, scan.formats).is_ok()) {
                scan.remarks.push(Remark::UnlabelledTest { path });
            }
            scan.leave_out(&base, Reason::Unlabelled);
            continue;
        }
        let found = scan.class_folders(&base, entries)?;
        let chosen = scan.choose(&base, found, classes)?;
        if let Some(first) = folders.first().filter(|_| !classes.may_lack_some()) {
            check_same(&path, first, &chosen)?;
        }
        folders.push(chosen);
        labelled.push((part, base));
    }
    Ok((labelled, folders))
}

/// Tells if an entry is a folder that may be a part of a data set or a class.
fn is_part_or_class(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Folder | EntryKind::LinkToFolder)
        && !entry.text.starts_with('.')
        && !left_out::is_leftover_folder(&entry.text)
}

/// Lists the images class by class, each part by part.
fn samples(
    scan: &mut Scan<'_>,
    bases: &[Base],
    folders: &[Vec<ClassFolder>],
    classes: &[ClassName],
    wanted: Classes<'_>,
) -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    let mut empty: Vec<(&Name, String)> = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        for ((part, base), folders) in bases.iter().zip(folders) {
            let folder = folders.iter().filter(|folder| is_same_text(&folder.class.folder, &class.folder));
            let before = samples.len();
            for folder in folder {
                for name in scan.images(&base.join(&folder.name, &folder.class.folder))? {
                    let path = name.below(scan.root);
                    samples.push(Sample { part: *part, ..Sample::new(path, name.text, label) });
                }
            }
            if samples.len() == before {
                empty.push((base, class.folder.clone()));
            }
        }
    }
    if wanted.may_lack_some() && !samples.is_empty() {
        return Ok(samples);
    }
    let Some((base, _)) = empty.first().cloned() else { return Ok(samples) };
    let classes = empty.into_iter().filter(|(other, _)| other.text == base.text).map(|(_, class)| class);
    let classes = classes.collect();
    let others = scan.left_out.iter().filter(|left| matches!(left.reason, Reason::NotInKerasList(_))).count();
    Err(Error::EmptyClasses { path: base.below(scan.root), classes, others })
}

/// The folders for training, validation and test, where these are what a data set is made of: one of them holds folders, and
/// there is nothing else, or one for training that does beside another.
fn part_folders(root: &Path, entries: &[Entry]) -> Result<Option<Vec<Base>>, Error> {
    let (mut parts, mut others, mut nested) = (Vec::new(), false, Vec::new());
    for entry in entries.iter().filter(|entry| is_part_or_class(entry)) {
        let Some(part) = Part::named(&entry.text) else {
            others = true;
            continue;
        };
        let name = Name::root().join(&entry.name, &entry.text);
        if walk::entries(&name.below(root))?.iter().any(is_part_or_class) {
            nested.push(part);
        }
        parts.push((Some(part), name));
    }
    if nested.is_empty() || (others && !(nested.contains(&Part::Training) && parts.len() > 1)) {
        return Ok(None);
    }
    parts.sort_by_key(|(part, _)| *part);
    for pair in parts.windows(2) {
        if let [(Some(part), a), (Some(other), b)] = pair
            && part == other
        {
            let folders = [a.text.clone(), b.text.clone()];
            return Err(Error::PartTwice { path: root.to_owned(), part: *part, folders });
        }
    }
    Ok(Some(parts))
}

fn leave_out_beside(scan: &mut Scan<'_>, entries: &[Entry], parts: &[Base]) {
    for entry in entries {
        let name = Name::root().join(&entry.name, &entry.text);
        if !parts.iter().any(|(_, part)| part.path == name.path) {
            scan.leave_out(&name, Reason::OutsideOfParts);
        }
    }
}

fn check_same(path: &Path, first: &[ClassFolder], other: &[ClassFolder]) -> Result<(), Error> {
    let lacks = |folders: &[ClassFolder], among: &[ClassFolder]| -> Vec<String> {
        let names = folders.iter().map(|folder| folder.class.folder.clone());
        names.filter(|name| !among.iter().any(|folder| folder.class.folder == *name)).collect()
    };
    let (missing, unknown) = (lacks(first, other), lacks(other, first));
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(Error::PartClasses { path: path.to_owned(), missing, unknown })
}

#[cfg(test)]
mod tests;
