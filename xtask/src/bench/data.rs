//! Jobs of the ConvNet, and the images they need: the real data set, or samples that `thorax` makes once.

use super::job::{Files, Job};
use super::ours::Thorax;
use crate::failure::fail;
use crate::workspace::{REAL_DATA, Workspace};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Makes the job of the study's run on the named folder, on the real data set, or else on the sample, which a line reports.
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

/// Makes the job on large files, which measures decoding.
pub(super) fn png1024(thorax: &Thorax, quick: bool) -> Result<Job> {
    let (count, epochs) = if quick { (60, 2) } else { (600, 10) };
    let data = sample(thorax, count, 0, 1024)?;
    let meaning =
        format!("the study's ConvNet, {epochs} epochs on {count} PNG files of 1024×1024, decoding included");
    Ok(Job { name: "png1024", data, test_data: None, epochs: Some(epochs), meaning })
}

/// Makes a synthetic data set under `target/bench`, once.
pub(super) fn sample(
    thorax: &Thorax,
    count: usize,
    test_per_class: usize,
    image_size: usize,
) -> Result<PathBuf> {
    let folder = thorax.scratch().join(format!("sample-{count}-{test_per_class}-{image_size}"));
    once(&folder, count, |data| thorax.sample(data, count, test_per_class, image_size))
}

/// Makes a data set of `count` files in `folder`, once. A note is written beside it when it is complete.
pub(super) fn once(folder: &Path, count: usize, make: impl Fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let data = folder.join("Phantoms");
    let complete = folder.join("complete");
    if complete.is_file() && Files::below(&data)?.sizes.len() == count {
        return Ok(data);
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    make(&data)?;
    let found = Files::below(&data)?.sizes.len();
    if found != count {
        let message = format!("{found} files were made in `{}`, not {count}", data.display());
        return Err(fail(message, "look into that folder"));
    }
    std::fs::write(&complete, "").with_context(|| format!("cannot write `{}`", complete.display()))?;
    Ok(data)
}

/// Finds the folder beside the data set that both sides test on: its name plus ` Test`, if that holds anything.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_folder_is_the_one_beside_that_holds_images() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("Data");
        assert_eq!(test_folder(&data).expect("listed"), None);
        let test = folder.path().join("Data Test");
        std::fs::create_dir_all(test.join("A")).expect("a folder");
        assert_eq!(test_folder(&data).expect("listed"), None, "no images in it");
        std::fs::write(test.join("A/1.png"), "x").expect("a file");
        assert_eq!(test_folder(&data).expect("listed"), Some(test));
    }
}
