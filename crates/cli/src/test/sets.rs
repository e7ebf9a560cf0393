//! Test sets that `--data` names.

use std::path::{Path, PathBuf};

use anyhow::Result;
use data::{ClassName, Classes, Error, Listing, OpenOptions};

use super::model::Model;
use crate::{
    args::{ClassList, LabelArgs},
    dataset,
    output::Output,
    status::hinted,
};

/// Longest name of a set, in bytes: a file is named after it.
const LONGEST: usize = 100;

/// Set as it was named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Name of the set; `None` for a single set without a name.
    pub(super) name: Option<String>,
    pub(super) path: PathBuf,
}

/// Parses the values of `--data`: `NAME=PATH`, or a path, which is named after its folder if there are several. A path that
/// exists is taken whole, with any `=` in it.
pub(super) fn named(given: &[PathBuf]) -> Result<Vec<Named>> {
    let mut sets: Vec<Named> = given.iter().map(|value| split(value)).collect::<Result<_>>()?;
    if sets.len() > 1 {
        for set in &mut sets {
            let name = set.name.take().unwrap_or_else(|| own_name(&set.path));
            set.name = Some(name);
        }
    }
    for (at, set) in sets.iter().enumerate() {
        if let Some(name) = &set.name
            && sets[..at].iter().any(|other| other.name == set.name)
        {
            return Err(hinted(
                format!("two sets are called `{name}`"),
                "give each a name of its own: `--data NAME=FOLDER`",
            ));
        }
    }
    Ok(sets)
}

fn split(value: &Path) -> Result<Named> {
    let whole = Named { name: None, path: value.to_owned() };
    let Some((name, path)) = value.to_str().and_then(|text| text.split_once('=')) else { return Ok(whole) };
    if value.exists() {
        return Ok(whole);
    }
    let name = name.trim();
    if name.is_empty() || path.is_empty() || name.len() > LONGEST || name.chars().any(char::is_control) {
        return Err(hinted(
            format!("`{}` names no set", value.display()),
            format!("give `--data NAME=FOLDER`, with a name of at most {LONGEST} bytes"),
        ));
    }
    Ok(Named { name: Some(name.to_owned()), path: path.into() })
}

/// Returns the name of a folder, or of a CSV without its extension.
fn own_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Listed images of a set.
pub(super) struct TestSet {
    pub(super) name: Option<String>,
    pub(super) listing: Listing,
    /// True where classes may have no images.
    pub(super) may_lack_classes: bool,
}

impl TestSet {
    /// Returns the name of the set in messages.
    pub(super) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.listing.root.display().to_string())
    }
}

/// Opens the sets that were named, or the model's own.
pub(super) fn open(
    named: Vec<Named>,
    model: &Model,
    given: &LabelArgs,
    output: &Output,
) -> Result<Vec<TestSet>> {
    let labels = &model.classifier.spec().classes;
    let findings = model.findings(given, named.is_empty());
    let options = |classes| OpenOptions {
        classes,
        formats: model.decoding.formats,
        findings: &findings,
        ..OpenOptions::KERAS
    };
    if named.is_empty() {
        let Some((path, classes)) = model.own_test_set() else {
            return Err(hinted("the model has no test set of its own", "name one with `--data FOLDER`"));
        };
        let listing = dataset::list(&path, &options(Classes::Named(&classes)), output)
            .map_err(|error| gone(error, &path))?;
        model.check_task(&listing)?;
        let listing = listing.into_test_set()?;
        return Ok(vec![TestSet { name: None, listing, may_lack_classes: false }]);
    }
    let classes = match &given.labels {
        Some(ClassList(named)) => {
            if let Some(label) = labels.iter().find(|label| named.iter().all(|name| name.label != **label)) {
                return Err(hinted(
                    format!("`--labels` does not name `{label}`, which the model tells"),
                    format!(
                        "name all of the model's: {}; `LABEL=COLUMN` names another column",
                        labels.join(", ")
                    ),
                ));
            }
            named.clone()
        }
        None => labels.iter().map(|label| ClassName::same(label)).collect(),
    };
    let open = |set: Named| {
        let listing =
            dataset::list(&set.path, &options(Classes::Among(&classes)), output).map_err(|error| {
                model.check_layout(&set.path).err().unwrap_or_else(|| with_classes(error, labels))
            })?;
        model.check_task(&listing)?;
        let listing = listing.into_partial_test_set()?;
        Ok(TestSet { name: set.name, listing, may_lack_classes: true })
    };
    named.into_iter().map(open).collect()
}

/// Says how to name the new place of a run's own test set, where it is gone.
fn gone(error: anyhow::Error, path: &Path) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Error::NoSuchFolder { .. } | Error::NoSuchFile { .. }) => hinted(
            format!("the test images of the run are not in `{}` any more", path.display()),
            "name their new place with `--data FOLDER`",
        ),
        _ => error,
    }
}

/// Names the model's classes where a set has others.
fn with_classes(error: anyhow::Error, labels: &[String]) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Error::ClassesDiffer { .. }) => {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            let hint = format!("the model knows {}: call the classes of the set so", labels.join(", "));
            hinted(error.to_string(), hint)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&Path]) -> Vec<(Option<String>, PathBuf)> {
        let given: Vec<PathBuf> = given.iter().map(|path| path.to_path_buf()).collect();
        named(&given).unwrap().into_iter().map(|set| (set.name, set.path)).collect()
    }

    #[test]
    fn a_path_that_is_there_wins_over_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("a=b");
        std::fs::create_dir(&there).unwrap();
        assert_eq!(names(&[&there]), [(None, there.clone())]);
        assert_eq!(names(&[Path::new("x=y=z")]), [(Some("x".to_owned()), "y=z".into())]);
        assert_eq!(names(&[Path::new("xyz")]), [(None, "xyz".into())]);
    }

    #[test]
    fn of_several_those_without_a_name_are_called_after_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("far away");
        std::fs::create_dir(&there).unwrap();
        let sets = names(&[Path::new("in=here"), &there.join("../far away/."), Path::new("x/list.csv")]);
        let sets: Vec<Option<String>> = sets.into_iter().map(|(name, _)| name).collect();
        assert_eq!(sets, ["in", "far away", "list"].map(|name| Some(name.to_owned())));
    }

    #[test]
    fn a_name_is_given_once_and_is_one() {
        for (given, message) in [
            (&["a=x", "a=y"][..], "two sets are called `a`"),
            (&["x/a", "y/a"], "two sets are called `a`"),
            (&["=x"], "`=x` names no set"),
            (&["a="], "`a=` names no set"),
            (&["a\nb=x"], "`a\\nb=x` names no set"),
        ] {
            let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
            assert_eq!(named(&given).unwrap_err().to_string(), message);
        }
    }
}
