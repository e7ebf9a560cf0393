//! Folders of classes, listed in Keras' order.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    ClassName, Classes, Error, FileObserver, Formats, LeftOut, Reason, Remark,
    close::close_match,
    left_out,
    listing::{check_distinct, position},
    output_folder::{self, output_within},
    unicode::is_same_text,
    walk::{self, Entry, EntryKind},
};

/// A path below the data set's folder, and the same as text with `/` between names.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Name {
    /// The data set's folder itself.
    pub(crate) fn root() -> Self {
        Self { path: PathBuf::new(), text: String::new() }
    }

    /// The path itself; that of the data set's folder as it was named, without a slash at its end.
    pub(crate) fn below(&self, root: &Path) -> PathBuf {
        if self.text.is_empty() { root.to_owned() } else { root.join(&self.path) }
    }

    pub(crate) fn join(&self, name: &OsString, text: &str) -> Self {
        let text = if self.text.is_empty() { text.to_owned() } else { format!("{}/{text}", self.text) };
        Self { path: self.path.join(name), text }
    }
}

/// A class with its folder's own name, which need not be UTF-8.
#[derive(Clone)]
pub(crate) struct ClassFolder {
    pub(crate) class: ClassName,
    pub(crate) name: OsString,
}

/// One listing of a data set's folder, and what it has left out so far.
pub(crate) struct Scan<'a> {
    pub(crate) root: &'a Path,
    pub(crate) formats: Formats,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) observer: &'a dyn FileObserver,
    /// True where a class has its images beside masks.
    pub(crate) masks: bool,
}

impl Scan<'_> {
    pub(crate) fn leave_out(&mut self, name: &Name, reason: Reason) {
        self.left_out.push(LeftOut { path: name.below(self.root), reason });
    }

    /// Lists a folder's entries but those that are no part of a data set: what Thorax wrote, what other programs left.
    pub(crate) fn entries(&mut self, folder: &Name) -> Result<Vec<Entry>, Error> {
        let path = folder.below(self.root);
        let mut kept = Vec::new();
        for entry in walk::entries(&path)? {
            let reason = match entry.kind {
                EntryKind::File if output_folder::is_marker(&entry.text) => continue,
                EntryKind::Folder | EntryKind::LinkToFolder if left_out::is_leftover_folder(&entry.text) => {
                    Some(Reason::Leftover)
                }
                EntryKind::Folder | EntryKind::LinkToFolder => {
                    output_within(&path.join(&entry.name)).map(Reason::Output)
                }
                _ => None,
            };
            match reason {
                Some(reason) => self.leave_out(&folder.join(&entry.name, &entry.text), reason),
                None => kept.push(entry),
            }
        }
        Ok(kept)
    }

    /// The class folders among the entries of `base`, which is the data set's folder or one of its parts: links to folders
    /// are followed here, and hidden ones are classes by Keras' rules.
    ///
    /// # Errors
    /// There are none; two names that differ in what is not UTF-8 alone.
    pub(crate) fn class_folders(
        &mut self,
        base: &Name,
        entries: Vec<Entry>,
    ) -> Result<Vec<ClassFolder>, Error> {
        let path = base.below(self.root);
        let (mut folders, mut images, mut csv) = (Vec::new(), 0, Vec::new());
        for entry in entries {
            let below = base.join(&entry.name, &entry.text);
            if matches!(entry.kind, EntryKind::Folder | EntryKind::LinkToFolder) {
                if self.formats == Formats::All && entry.text.starts_with('.') {
                    self.leave_out(&below, Reason::Hidden);
                } else {
                    folders.push(ClassFolder { class: ClassName::same(&entry.text), name: entry.name });
                }
                continue;
            }
            self.observer.listed(1);
            match walk::judge(&path, &entry, self.formats) {
                Ok(()) => {
                    images += 1;
                    self.leave_out(&below, Reason::OutsideOfClasses);
                }
                Err(reason) => self.leave_out(&below, reason),
            }
            if entry.kind == EntryKind::File && entry.text.to_lowercase().ends_with(".csv") {
                csv.push(below.below(self.root));
            }
        }
        if folders.is_empty() {
            let found = match images {
                0 => "no folders".to_owned(),
                1 => "1 image and no folders".to_owned(),
                images => format!("{images} images and no folders"),
            };
            let csv = csv.pop().filter(|_| csv.is_empty());
            return Err(Error::NoClasses { path, found, csv });
        }
        let classes: Vec<ClassName> = folders.iter().map(|folder| folder.class.clone()).collect();
        check_distinct(&classes)?;
        Ok(folders)
    }

    /// The folders of the classes that are wanted, in index order; the others are left out.
    ///
    /// # Errors
    /// A class named twice or without a folder; with [`Classes::Exactly`] any difference, with [`Classes::Among`] one that is
    /// not among those.
    pub(crate) fn choose(
        &mut self,
        base: &Name,
        folders: Vec<ClassFolder>,
        wanted: Classes<'_>,
    ) -> Result<Vec<ClassFolder>, Error> {
        let Some(classes) = wanted.named() else { return Ok(folders) };
        let found: Vec<String> = folders.iter().map(|folder| folder.class.folder.clone()).collect();
        wanted.check(&base.below(self.root), &found)?;
        let own: Vec<ClassName> = folders.iter().map(|folder| folder.class.clone()).collect();
        let (mut chosen, mut taken) = (Vec::new(), Vec::new());
        for class in classes {
            let Some(at) = position(&own, &class.folder) else { continue };
            let class = ClassName { label: class.label.clone(), folder: own[at].folder.clone() };
            chosen.push(ClassFolder { class, name: folders[at].name.clone() });
            taken.push(at);
        }
        for (at, folder) in folders.iter().enumerate() {
            if !taken.contains(&at) {
                self.leave_out(&base.join(&folder.name, &folder.class.folder), Reason::NotAClass);
            }
        }
        Ok(chosen)
    }

    /// Lists the images of one class in the order of `sorted(os.walk(folder))` and `sorted(files)`: folders by their whole
    /// path as text, then files by name, all by code point. Links to folders are not followed within a class, as in
    /// `os.walk`. In a class that holds `images/` and `masks/`, only `images/` is listed.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(crate) fn images(&mut self, class: &Name) -> Result<Vec<Name>, Error> {
        let entries = self.entries(class)?;
        let holds = |entry: &&Entry, name: &str| {
            entry.kind == EntryKind::Folder && entry.text.eq_ignore_ascii_case(name)
        };
        let images = entries.iter().find(|entry| holds(entry, "images"));
        let has_masks = entries.iter().any(|entry| holds(&entry, "masks"));
        let Some(images) = images.filter(|_| has_masks) else { return self.walk(class.clone(), entries) };
        self.masks = true;
        for entry in &entries {
            let below = class.join(&entry.name, &entry.text);
            if holds(&entry, "masks") {
                self.leave_out(&below, Reason::Masks);
            } else if entry.name != images.name {
                self.leave_out(&below, Reason::BesideImages);
            }
        }
        let images = class.join(&images.name, &images.text);
        let entries = self.entries(&images)?;
        self.walk(images, entries)
    }

    fn walk(&mut self, start: Name, entries: Vec<Entry>) -> Result<Vec<Name>, Error> {
        let mut waiting = Vec::new();
        let mut walked = Vec::new();
        let (mut folder, mut entries) = (start, entries);
        loop {
            let path = folder.below(self.root);
            let mut files = Vec::new();
            for entry in entries {
                let below = folder.join(&entry.name, &entry.text);
                match entry.kind {
                    EntryKind::Folder if self.formats == Formats::All && entry.text.starts_with('.') => {
                        self.leave_out(&below, Reason::Hidden);
                    }
                    EntryKind::Folder => waiting.push(below),
                    EntryKind::LinkToFolder => self.leave_out(&below, Reason::LinkToFolder),
                    _ => {
                        self.observer.listed(1);
                        match walk::judge(&path, &entry, self.formats) {
                            Ok(()) => files.push(below),
                            Err(reason) => self.leave_out(&below, reason),
                        }
                    }
                }
            }
            walked.push((folder.text, files));
            let Some(next) = waiting.pop() else { break };
            entries = self.entries(&next)?;
            folder = next;
        }
        walked.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(walked.into_iter().flat_map(|(_, files)| files).collect())
    }
}

impl<'a> Classes<'a> {
    /// Returns the classes that are named; none where all are meant.
    pub(crate) fn named(self) -> Option<&'a [ClassName]> {
        match self {
            Self::All => None,
            Self::Named(classes) | Self::Exactly(classes) | Self::Among(classes) => Some(classes),
        }
    }

    /// Tells if a class may be without images.
    pub(crate) fn may_lack_some(self) -> bool {
        matches!(self, Self::Among(_))
    }

    /// Checks that a data set holds the classes that are wanted.
    pub(crate) fn check(self, path: &Path, found: &[String]) -> Result<(), Error> {
        let Some(classes) = self.named() else { return Ok(()) };
        check_distinct(classes)?;
        let is_found = |name: &String| found.iter().any(|found| is_same_text(found, name));
        let missing: Vec<String> =
            classes.iter().map(|class| class.folder.clone()).filter(|name| !is_found(name)).collect();
        if let Self::Exactly(_) | Self::Among(_) = self {
            let known = |name: &&String| classes.iter().any(|class| is_same_text(&class.folder, name));
            let unknown: Vec<String> = found.iter().filter(|name| !known(name)).cloned().collect();
            if unknown.is_empty() && (missing.is_empty() || self.may_lack_some()) {
                return Ok(());
            }
            let close = missing
                .iter()
                .find_map(|class| close_match(class, &unknown).map(|folder| (class.clone(), folder)));
            return Err(Error::ClassesDiffer { path: path.to_owned(), missing, unknown, close });
        }
        match missing.into_iter().next() {
            Some(class) => Err(Error::MissingClass {
                path: path.to_owned(),
                close: close_match(&class, found),
                class,
                found: found.to_vec(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
