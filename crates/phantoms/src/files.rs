//! Files of a sample: written whole, and replaced only where they are a sample's.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use base::FileWriter;
use data::{Error, MARKER, SYNTHETIC_PREFIX};

/// Returns the error of a path on which an action failed.
pub(crate) fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + use<'a> {
    move |source| Error::Io { action, path: path.to_owned(), source }
}

/// Removes a file; one that is gone already is as good as removed.
pub(crate) fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", file)(error)),
        _ => Ok(()),
    }
}

/// Checks that images are of 32 to 4096 pixels a side.
pub(crate) fn check_image_size(size: usize) -> Result<(), Error> {
    let is_allowed = (32..=4096).contains(&size);
    is_allowed
        .then_some(())
        .ok_or_else(|| Error::Options(format!("an image size of {size} is not 32 to 4096")))
}

/// Returns a folder's path with something added to its name.
pub(crate) fn beside(out: &Path, ending: &str) -> Result<PathBuf, Error> {
    let name = out.file_name().ok_or_else(|| {
        Error::Options(format!("`{}` names no folder that a sample could be written to", out.display()))
    })?;
    let mut name = OsString::from(name);
    name.push(ending);
    Ok(out.with_file_name(name))
}

/// Returns the error of a folder for a sample in which something else was found.
pub(crate) fn foreign(folder: &Path, path: &Path) -> Error {
    let found = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    Error::NotASample { path: folder.to_owned(), found }
}

/// Lists a sample's folder, without the note on what it holds; nothing where there is no folder.
///
/// # Errors
/// A file, or a link that leads nowhere, in place of the folder; a folder that cannot be read.
pub(crate) fn entries_of_a_sample(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return match folder.symlink_metadata() {
            Ok(_) => Err(Error::NotAFolder { path: folder.to_owned() }),
            Err(_) => Ok(Vec::new()),
        };
    }
    Ok(entries(folder)?.into_iter().filter(|path| !path.ends_with(MARKER)).collect())
}

/// Lists the images in a folder within the sample `root`, whole ones and leftovers of an interrupted call.
///
/// # Errors
/// Anything else in it: only a sample's own files may be replaced.
pub(crate) fn images_within(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let images = entries(folder)?;
    let is_image = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default();
        let text = name.to_string_lossy();
        let ours = text.starts_with(SYNTHETIC_PREFIX) && text.ends_with(".png");
        (ours || base::is_temporary(name)) && !file.is_symlink() && file.is_file()
    };
    match images.iter().find(|file| !is_image(file)) {
        Some(file) => Err(foreign(root, file)),
        None => Ok(images),
    }
}

pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read =
        || -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(failed("read", folder))
}

/// Writes an image, which under its name is whole or not there.
pub(crate) fn write_png(path: &Path, pixels: &[u8], size: usize) -> Result<(), Error> {
    let bytes = png(pixels, size).map_err(|error| failed("write", path)(io::Error::other(error)))?;
    FileWriter::replacing().write(path, &bytes).map_err(failed("write", path))
}

/// Encodes an 8-bit gray PNG that says in itself what it is.
pub(crate) fn png(pixels: &[u8], size: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size as u32, size as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_text_chunk("Description".to_owned(), "Synthetic chest phantom, no radiograph".to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
