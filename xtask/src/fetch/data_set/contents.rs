//! Assignment of the archive's members to images, in every release of the data set.
//!
//! The present release holds `COVID/images/*.png` beside `COVID/masks/*.png`, the one of 2020 `COVID-19/*.png`; the names
//! show the release. No command uses masks of the lungs, so they are not unpacked.

use super::archive::{Archive, Refused, bad, name_of};
use super::carve::TEST_PER_CLASS;
use std::collections::{BTreeMap, HashMap};

/// Classes that are unpacked, and the names of their folders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Classes {
    /// Three classes of the study, by the study's names, which `thorax train` expects of a data set by default.
    Study,
    /// All classes of the archive, by the archive's names.
    All,
}

/// File to unpack.
pub(super) struct Member {
    /// Index in the archive.
    pub(super) index: usize,
    /// Folder of the class; none for a file on the images' sources.
    pub(super) class: Option<String>,
    /// File name in that folder.
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// Classes of the study: its name for each, and the letters and digits of their names in the releases.
const STUDY: [(&str, &[&str]); 3] =
    [("COVID-19", &["covid", "covid19"]), ("NORMAL", &["normal"]), ("Viral Pneumonia", &["viralpneumonia"])];
/// Class that only later releases have.
const LUNG_OPACITY: &str = "lungopacity";

/// Lists the members to unpack, in the archive's order.
pub(super) fn wanted(archive: &Archive, classes: Classes) -> Result<Vec<Member>, Refused> {
    let mut members = Vec::new();
    let mut places = HashMap::new();
    let mut folders: HashMap<&str, String> = HashMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| Refused(error.to_string()))?;
        let name = name_of(&entry)?;
        if entry.is_dir() {
            continue;
        }
        let Some((folder, file)) = parts(&name) else { continue };
        let class = match folder {
            None => None,
            Some(folder) => {
                let Some(class) = class_of(folder) else { continue };
                if folders.entry(class).or_insert_with(|| folder.to_owned()) != folder {
                    return Err(bad(&name, "which lies in a second folder of its class"));
                }
                let study = STUDY.iter().find(|(label, _)| *label == class);
                match (classes, study) {
                    (Classes::All, _) => Some(folder.to_owned()),
                    (Classes::Study, Some((label, _))) => Some((*label).to_owned()),
                    (Classes::Study, None) => continue,
                }
            }
        };
        let place = format!("{}/{}", class.as_deref().unwrap_or_default(), file.to_lowercase());
        if let Some(other) = places.insert(place, name.to_string()) {
            return Err(bad(&name, format!("which would take the place of `{other}`")));
        }
        members.push(Member { index, class, name: file.to_owned(), bytes: entry.size() });
    }
    enough(&members, classes)?;
    Ok(members)
}

/// Counts the images of each class among these.
pub(super) fn counts(members: &[Member]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for class in members.iter().filter_map(|member| member.class.clone()) {
        *counts.entry(class).or_default() += 1;
    }
    counts
}

/// Checks that every class of the study is there, with more images than are kept for the test.
fn enough(members: &[Member], classes: Classes) -> Result<(), Refused> {
    let counts = counts(members);
    if counts.is_empty() {
        return Err(Refused("holds no class of the COVID-19 Radiography Database".into()));
    }
    for (label, names) in STUDY {
        let found = match classes {
            Classes::Study => counts.get(label),
            Classes::All => {
                counts.iter().find(|(name, _)| names.contains(&plain(name).as_str())).map(|(_, count)| count)
            }
        };
        if found.is_none() {
            return Err(Refused(format!("holds no images of class {label}")));
        }
    }
    match counts.iter().find(|(_, count)| **count <= TEST_PER_CLASS) {
        Some((class, count)) => Err(Refused(format!(
            "holds {count} images of class {class}: {TEST_PER_CLASS} are kept for the test, and none would be left"
        ))),
        None => Ok(()),
    }
}

/// Returns an image's class folder and name, or only the name of a file on the images' sources.
fn parts(name: &str) -> Option<(Option<&str>, &str)> {
    let mut parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    // All lies in one folder with a different name in each release; a repacked archive may lack it.
    if parts.len() > 1 && class_of(parts[0]).is_none() {
        parts.remove(0);
    }
    let file = *parts.last()?;
    let is = |ends: &[&str]| {
        let lower = file.to_lowercase();
        !file.starts_with('.') && ends.iter().any(|end| lower.ends_with(end))
    };
    match parts[..] {
        [_] if is(&[".xlsx", ".txt"]) => Some((None, file)),
        [folder, _] | [folder, "images", _] if is(&[".png", ".jpg", ".jpeg"]) => Some((Some(folder), file)),
        _ => None,
    }
}

/// Returns the class that a folder holds, in any release.
fn class_of(folder: &str) -> Option<&'static str> {
    let plain = plain(folder);
    let study = STUDY.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(label, _)| *label);
    study.or_else(|| (plain == LUNG_OPACITY).then_some(LUNG_OPACITY))
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_shows_its_images_by_their_names() {
        for (name, expected) in [
            ("COVID-19_Radiography_Dataset/COVID/images/COVID-1.png", Some((Some("COVID"), "COVID-1.png"))),
            ("COVID-19_Radiography_Dataset/COVID/masks/COVID-1.png", None),
            (
                "COVID-19_Radiography_Dataset/Viral Pneumonia/images/Viral Pneumonia-1.png",
                Some((Some("Viral Pneumonia"), "Viral Pneumonia-1.png")),
            ),
            ("COVID-19_Radiography_Dataset/COVID.metadata.xlsx", Some((None, "COVID.metadata.xlsx"))),
            ("COVID-19_Radiography_Dataset/README.md.txt", Some((None, "README.md.txt"))),
            (
                "COVID-19 Radiography Database/COVID-19/COVID-19 (1).png",
                Some((Some("COVID-19"), "COVID-19 (1).png")),
            ),
            (
                "COVID-19 Radiography Database/Viral Pneumonia.matadata.xlsx",
                Some((None, "Viral Pneumonia.matadata.xlsx")),
            ),
            ("NORMAL/NORMAL (1).png", Some((Some("NORMAL"), "NORMAL (1).png"))),
            ("./Normal/images/Normal-1.PNG", Some((Some("Normal"), "Normal-1.PNG"))),
            ("__MACOSX/COVID-19_Radiography_Dataset/COVID/images/._COVID-1.png", None),
            ("COVID-19_Radiography_Dataset/COVID/images/._COVID-1.png", None),
            ("COVID-19_Radiography_Dataset/COVID/Thumbs.db", None),
            ("a/b/COVID/images/COVID-1.png", None),
            (".DS_Store", None),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
        assert_eq!(class_of("Lung_Opacity"), Some(LUNG_OPACITY));
        assert_eq!(class_of("COVID-19 Radiography Database"), None);
    }
}
