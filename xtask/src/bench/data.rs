//! The jobs: on which images, for how long, and what the images are.

use super::ours::Thorax;
use super::statistics::median;
use crate::failure::fail;
use crate::workspace::{REAL_DATA, Workspace};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The same work for every side.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) data: PathBuf,
    pub(super) test_data: Option<PathBuf>,
    /// This many epochs, whatever happens; nothing: the study's early stopping.
    pub(super) epochs: Option<u64>,
    /// What the job is, in words.
    meaning: String,
}

impl Job {
    /// Its entry in the result, to which the sides are added.
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

/// The study's run on the folder named, on the real data set, or else on the sample, with a line that says so.
pub(super) fn study(
    workspace: &Workspace,
    thorax: &Thorax,
    data: Option<PathBuf>,
    quick: bool,
) -> Result<(Job, Option<String>)> {
    let real = workspace.root().join(REAL_DATA);
    let named = data.or_else(|| real.is_dir().then_some(real));
    let (name, data, skipped) = match named {
        Some(data) => ("study", data, None),
        None => {
            let line = format!(
                "study skipped: no data set in `{REAL_DATA}` (or name one with --data); sample instead"
            );
            ("sample", sample(thorax, 920, 40, 256)?, Some(line))
        }
    };
    let epochs = quick.then_some(2);
    let meaning = match epochs {
        Some(epochs) => format!("the study's ConvNet, {epochs} epochs, decoding and both tests included"),
        None => "the study's ConvNet until early stopping, decoding and both tests included".into(),
    };
    Ok((Job { name, test_data: test_folder(&data)?, data, epochs, meaning }, skipped))
}

/// Large files: what decoding costs.
pub(super) fn png1024(thorax: &Thorax, quick: bool) -> Result<Job> {
    let (count, epochs) = if quick { (60, 2) } else { (600, 10) };
    let data = sample(thorax, count, 0, 1024)?;
    let meaning =
        format!("the study's ConvNet, {epochs} epochs on {count} PNG files of 1024×1024, decoding included");
    Ok(Job { name: "png1024", data, test_data: None, epochs: Some(epochs), meaning })
}

/// A synthetic data set under `target/bench`, made once. A note is written beside it when it is complete.
fn sample(thorax: &Thorax, count: usize, test_per_class: usize, image_size: usize) -> Result<PathBuf> {
    let folder = thorax.scratch().join(format!("sample-{count}-{test_per_class}-{image_size}"));
    let data = folder.join("Phantoms");
    let complete = folder.join("complete");
    if complete.is_file() && Files::below(&data)?.sizes.len() == count {
        return Ok(data);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    thorax.sample(&data, count, test_per_class, image_size)?;
    let found = Files::below(&data)?.sizes.len();
    if found != count {
        let message = format!("`thorax data sample` made {found} files in `{}`, not {count}", data.display());
        return Err(fail(message, "look into that folder"));
    }
    std::fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    Ok(data)
}

/// The folder beside the data set that both sides test on: its name plus ` Test`, where that holds anything.
fn test_folder(data: &Path) -> Result<Option<PathBuf>> {
    let Some(name) = data.file_name() else { return Ok(None) };
    let mut name = name.to_owned();
    name.push(" Test");
    let folder = data.with_file_name(name);
    if !folder.is_dir() {
        return Ok(None);
    }
    Ok((!Files::below(&folder)?.sizes.is_empty()).then_some(folder))
}

/// The sizes of the images of a data set.
struct Files {
    sizes: Vec<u64>,
}

impl Files {
    /// The files in a folder's folders, hidden ones excepted.
    fn below(folder: &Path) -> Result<Self> {
        fn walk(folder: &Path, depth: usize, sizes: &mut Vec<u64>) -> Result<()> {
            let cannot = || format!("cannot list `{}`", folder.display());
            for entry in std::fs::read_dir(folder).with_context(cannot)? {
                let entry = entry.with_context(cannot)?;
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                let metadata = std::fs::metadata(entry.path()).with_context(cannot)?;
                if metadata.is_dir() {
                    walk(&entry.path(), depth + 1, sizes)?;
                } else if depth > 0 {
                    sizes.push(metadata.len());
                }
            }
            Ok(())
        }
        let mut sizes = Vec::new();
        walk(folder, 0, &mut sizes)?;
        sizes.sort_unstable();
        Ok(Self { sizes })
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

        assert_eq!(test_folder(&data).expect("listed"), None);
        let test = folder.path().join("Data Test");
        std::fs::create_dir_all(test.join("A")).expect("a folder");
        assert_eq!(test_folder(&data).expect("listed"), None, "no images in it");
        std::fs::write(test.join("A/1.png"), "x").expect("a file");
        assert_eq!(test_folder(&data).expect("listed"), Some(test));
    }
}
