//! Result of a test as `--json` prints it, and the folder that it is stored in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use experiment::{Gap, ModelComparison, PREDICTIONS, PredictionTable, Run, TestFigures};
use serde::{Serialize, Serializer};

use super::sets::Named;
use crate::{files, status::hinted};

/// Result on one set.
#[derive(Serialize)]
pub(super) struct SetResult {
    #[serde(flatten)]
    pub(super) figures: TestFigures,
    /// `lungs`, `centre`, `border` → figures with that part hidden.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) occluded: BTreeMap<String, TestFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against: Option<Against>,
}

/// Second model's result on the same set, and the comparison.
#[derive(Serialize)]
pub(super) struct Against {
    pub(super) checkpoint: String,
    pub(super) figures: TestFigures,
    pub(super) comparison: ModelComparison,
}

/// Results of all sets: of one set without a name, or of named sets with the gaps between the first and each other one.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Outcomes {
    One(Box<SetResult>),
    Sets {
        #[serde(serialize_with = "in_order")]
        sets: Vec<(String, SetResult)>,
        gaps: Vec<Gap>,
    },
}

impl Outcomes {
    pub(super) fn new(tested: Vec<(Option<String>, SetResult)>) -> Option<Self> {
        let mut sets = Vec::new();
        for (name, outcome) in tested {
            match name {
                Some(name) => sets.push((name, outcome)),
                None => return Some(Self::One(Box::new(outcome))),
            }
        }
        let (first, others) = sets.split_first()?;
        let set = |(name, outcome): &(String, SetResult)| (name.clone(), outcome.figures.clone());
        let (from, figures) = set(first);
        let gaps = others.iter().map(|(to, other)| Gap::new((&from, &figures), (to, &other.figures)));
        Some(Self::Sets { gaps: gaps.collect(), sets })
    }
}

fn in_order<S: Serializer>(sets: &[(String, SetResult)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(sets.iter().map(|(name, outcome)| (name, outcome)))
}

/// New or empty folder for a test's files. It is created before testing, so that an error with it comes first, and is removed
/// again if nothing was written to it.
pub(super) struct OutFolder {
    path: PathBuf,
    /// Folders that were created: this one and those above it.
    made: Vec<PathBuf>,
    /// File name of each set's predictions, in order.
    files: Vec<String>,
}

impl OutFolder {
    pub(super) fn new(path: &Path, sets: &[Named]) -> Result<Self> {
        let files = files_of(sets)?;
        Run::check_free(path)?;
        let made = path.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot create `{shown}`"))?;
        let folder = Self { path: path.to_owned(), made, files };
        tempfile::tempfile_in(path).with_context(|| format!("cannot write in `{shown}`"))?;
        Ok(folder)
    }

    /// Writes each set's predictions and then `test.json`: all of them, or none.
    pub(super) fn write(
        &self,
        outcomes: &Outcomes,
        predictions: &[PredictionTable],
        csv_safe: bool,
    ) -> Result<()> {
        let paths: Vec<PathBuf> = self.files.iter().map(|file| self.path.join(file)).collect();
        let write = || {
            paths.iter().zip(predictions).try_for_each(|(path, set)| match csv_safe {
                true => set.write_for_spreadsheets(path),
                false => set.write(path),
            })?;
            let mut text = serde_json::to_string_pretty(outcomes)?;
            text.push('\n');
            files::write(&self.path.join("test.json"), text.as_bytes())
        };
        let written = write();
        if written.is_err() {
            // Files that were not written do not exist, so errors are ignored.
            paths.iter().for_each(|path| drop(fs::remove_file(path)));
        }
        written
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        for folder in &self.made {
            // `remove_dir` removes empty folders only.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Returns `predictions.csv`, or `predictions-NAME.csv` for each named set; a character that some system allows in no file name
/// becomes `_`.
fn files_of(sets: &[Named]) -> Result<Vec<String>> {
    let names: Vec<&str> = sets.iter().filter_map(|set| set.name.as_deref()).collect();
    if names.is_empty() {
        return Ok(vec![PREDICTIONS.to_owned()]);
    }
    let safe = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
    let files: Vec<String> = names
        .iter()
        .map(|name| format!("predictions-{}.csv", name.chars().map(safe).collect::<String>()))
        .collect();
    for (at, file) in files.iter().enumerate() {
        // Some file systems do not tell upper and lower case apart.
        if let Some(other) = files[..at].iter().position(|other| other.to_lowercase() == file.to_lowercase())
        {
            return Err(hinted(
                format!("the sets `{}` and `{}` cannot both be written to `{file}`", names[other], names[at]),
                "give them names that differ in letters or digits",
            ));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Result<Vec<String>> {
        let set = |name: &&str| Named { name: Some((*name).to_owned()), path: PathBuf::new() };
        files_of(&names.iter().map(set).collect::<Vec<_>>())
    }

    #[test]
    fn what_cannot_be_written_whole_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/out");
        let out = OutFolder::new(&path, &[]).unwrap();
        let targets = metrics::Targets::from_classes(["a", "b"], vec![0]).unwrap();
        let images = vec![experiment::PredictedImage { path: "1.png".into(), group: None, note: None }];
        let scores = metrics::Scores::new(targets, vec![0.5, 0.5]).unwrap();
        let set = PredictionTable::new(images, scores).unwrap();
        let outcomes = Outcomes::Sets { sets: Vec::new(), gaps: Vec::new() };
        // A folder takes the place of the last file.
        fs::create_dir(path.join("test.json")).unwrap();
        let error = out.write(&outcomes, std::slice::from_ref(&set), false).unwrap_err().to_string();
        assert!(error.starts_with("cannot write `"), "{error}");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_dir(path.join("test.json")).unwrap();
        drop(out);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let out = OutFolder::new(&path, &[]).unwrap();
        out.write(&outcomes, &[set], false).unwrap();
        drop(out);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
    }

    #[test]
    fn a_sets_file_is_called_after_it() {
        assert_eq!(files(&["in", "../a b"]).unwrap(), ["predictions-in.csv", "predictions-.._a b.csv"]);
        assert_eq!(files(&[]).unwrap(), ["predictions.csv"]);
        let error = files(&["a/b", "A:b"]).unwrap_err().to_string();
        assert_eq!(error, "the sets `a/b` and `A:b` cannot both be written to `predictions-A_b.csv`");
    }
}
