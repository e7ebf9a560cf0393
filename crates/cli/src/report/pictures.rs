//! Small pictures of some test images, read from the paths in the run's predictions.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use data::{Decoding, Formats};
use experiment::{PredictedImage, Run};
use rayon::prelude::*;
use report::Picture;

/// Longer side of a picture in pixels.
const SIDE: usize = 320;
/// Largest file that is read, in bytes: beyond it the page has no picture, so that memory suffices.
const LARGEST: u64 = 1 << 30;

/// Location of a run's test images, and their decoding.
pub(super) struct TestImages {
    /// Path of the test set as the run was started with it, by which its predictions name images.
    given: Option<PathBuf>,
    /// Absolute path of the test set.
    root: Option<PathBuf>,
    decoding: Decoding,
}

impl TestImages {
    pub(super) fn of(run: &Run) -> Self {
        let setting = |name: &str| run.record.settings.get(name);
        let formats = setting("formats").and_then(|formats| formats.as_str()?.parse().ok());
        Self {
            given: run.record.paths.get("test-data").map(PathBuf::from),
            root: setting("test-data").and_then(|root| root.as_str()).map(PathBuf::from),
            // The limit of pixels is not taken from the run, which may come from anyone.
            decoding: Decoding::new(formats.unwrap_or(Formats::All)),
        }
    }

    /// Returns the name of an image below the test set.
    pub(super) fn name(&self, path: &Path) -> String {
        let roots = [&self.given, &self.root].into_iter().flatten();
        let below = roots.filter_map(|root| path.strip_prefix(root).ok()).next();
        below.unwrap_or(path).display().to_string()
    }

    /// Finds the file of an image. If the program runs in another folder than training did, the last parts of the path are tried
    /// below the test set.
    fn find(&self, path: &Path) -> Option<PathBuf> {
        if path.is_file() {
            return Some(path.to_owned());
        }
        let parts: Vec<_> = path.components().collect();
        let root = self.root.as_ref()?;
        (1..parts.len())
            .map(|from| root.join(parts[from..].iter().collect::<PathBuf>()))
            .find(|path| path.is_file())
    }

    fn picture(&self, path: &Path) -> Option<Vec<u8>> {
        let path = self.find(path)?;
        if fs::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        let bytes = data::read_file(&path, &self.decoding).ok()?;
        data::thumbnail(&data::decode(&bytes, &self.decoding).ok()?.pixels, SIDE).ok()
    }
}

/// Reads pictures of these images. A file that is gone, or is no image any more, gives no picture and no error.
pub(super) fn read(
    place: &TestImages,
    images: &[PredictedImage],
    wanted: &[usize],
) -> BTreeMap<usize, Picture> {
    let picture = |&image: &usize| {
        let path = &images.get(image)?.path;
        Some((image, Picture { image: place.picture(path), heat_map: None }))
    };
    wanted.par_iter().filter_map(picture).collect()
}
