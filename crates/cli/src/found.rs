//! Images in the files and folders that were named.

use std::path::{Path, PathBuf};

use data::Formats;
use walkdir::WalkDir;

/// A file that may be an image, or what is wrong with a place where files were looked for.
pub(crate) type Found = (PathBuf, Option<String>);

/// What is found in the places that were named.
pub(crate) struct Files {
    pub(crate) formats: Formats,
    /// Files in folders that are no images.
    pub(crate) no_images: usize,
}

impl Files {
    /// The file itself, or the images of a folder and of the folders in it, by name.
    pub(crate) fn of(&mut self, path: &Path) -> impl Iterator<Item = Found> {
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        let given = path.to_owned();
        walk.filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            // A file that was named is an image or an error.
            Ok(entry) if entry.depth() == 0 => Some((entry.into_path(), None)),
            Ok(entry) => {
                let is_image = entry.file_type().is_file() && data::is_image(entry.path(), self.formats);
                self.no_images += usize::from(!is_image);
                is_image.then(|| (entry.into_path(), None))
            }
            Err(error) => {
                let path = error.path().unwrap_or(&given).to_owned();
                let why = match error.loop_ancestor() {
                    Some(ancestor) => format!("is a link to `{}`, in which it lies", ancestor.display()),
                    None => match error.io_error() {
                        Some(error) => format!("cannot be read: {error}"),
                        None => "cannot be read".to_owned(),
                    },
                };
                Some((path, Some(why)))
            }
        })
    }
}
