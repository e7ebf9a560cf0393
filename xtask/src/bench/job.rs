//! Job of the ConvNet: its images and its number of epochs.

use super::statistics::median;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Work that is the same for every side.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) data: PathBuf,
    pub(super) test_data: Option<PathBuf>,
    /// Fixed number of epochs; `None` for the study's early stopping.
    pub(super) epochs: Option<u64>,
    /// Description of the job in words.
    pub(super) meaning: String,
}

impl Job {
    /// Makes the job's entry in the result, to which the sides are added.
    pub(super) fn describe(&self) -> Result<Value> {
        let images = Files::below(&self.data)?;
        let test = self.test_data.as_deref().map(Files::below).transpose()?;
        Ok(json!({
            "job": self.name,
            "meaning": self.meaning,
            "data": self.data,
            "images": images.describe(),
            "test_images": test.map(|test| test.describe()),
            "fixed_epochs": self.epochs,
        }))
    }
}

/// Images of a data set: their paths in order, and their sizes in rising order.
pub(super) struct Files {
    pub(super) paths: Vec<PathBuf>,
    pub(super) sizes: Vec<u64>,
}

impl Files {
    /// Lists the files in a folder's subfolders, except hidden ones.
    pub(super) fn below(folder: &Path) -> Result<Self> {
        fn walk(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, u64)>) -> Result<()> {
            let cannot = || format!("cannot list `{}`", folder.display());
            for entry in std::fs::read_dir(folder).with_context(cannot)? {
                let entry = entry.with_context(cannot)?;
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                let metadata = std::fs::metadata(entry.path()).with_context(cannot)?;
                if metadata.is_dir() {
                    walk(&entry.path(), depth + 1, files)?;
                } else if depth > 0 {
                    files.push((entry.path(), metadata.len()));
                }
            }
            Ok(())
        }
        let mut files = Vec::new();
        walk(folder, 0, &mut files)?;
        files.sort_unstable();
        let (paths, mut sizes): (_, Vec<_>) = files.into_iter().unzip();
        sizes.sort_unstable();
        Ok(Self { paths, sizes })
    }

    fn describe(&self) -> Value {
        json!({
            "files": self.sizes.len(),
            "bytes_min": self.sizes.first(),
            "bytes_median": median(self.sizes.iter().map(|&bytes| bytes as f64)),
            "bytes_max": self.sizes.last(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_in_the_classes_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("Data");
        for (name, bytes) in
            [("A/1.png", 10), ("A/2.png", 30), ("B/deep/3.png", 20), ("note.txt", 99), ("A/.hidden", 1)]
        {
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            std::fs::write(path, vec![0; bytes]).expect("a file");
        }
        let files = Files::below(&data).expect("it can be listed");
        let expected = json!({"files": 3, "bytes_min": 10, "bytes_median": 20.0, "bytes_max": 30});
        assert_eq!(files.describe(), expected);
    }
}
