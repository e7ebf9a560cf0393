//! The synthetic sample: folders of phantoms, laid out like the study's data set.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use base::FileWriter;
use rayon::prelude::*;

use base::random::{Key, Purpose};
use data::{Error, MARKER, OutputKind, PARTIAL, SYNTHETIC_PREFIX, create_output_folder};

use crate::drawing::{self, Finding};

/// Classes in index order, with the study's training images and what stands for the class in file names.
const CLASSES: [(&str, usize, &str, Finding); 3] = [
    ("COVID-19", 179, "covid-19", Finding::GroundGlass),
    ("NORMAL", 1301, "normal", Finding::None),
    ("Viral Pneumonia", 1305, "viral-pneumonia", Finding::Consolidation),
];

/// The fewest training images of a class: one of them is a fifth.
const FEWEST: usize = 5;

/// Settings of a synthetic sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// Training images in all, at least 15: shared out in the study's imbalance, 179 COVID-19 to 1,301 NORMAL to 1,305
    /// Viral Pneumonia, but at least 5 a class.
    pub count: usize,
    /// Test images of each class; with 0 there is no test set.
    pub test_per_class: usize,
    /// Side in pixels, 32 to 4096.
    pub image_size: usize,
    /// Seed that everything about the phantoms is drawn from.
    pub seed: u64,
}

/// Summary of a sample that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSummary {
    /// Class labels, which are their folders' names, in index order.
    pub classes: Vec<String>,
    /// Training images per class.
    pub training: Vec<usize>,
    /// Test images per class.
    pub test: Vec<usize>,
}

/// An image to draw.
struct SampleImage {
    path: PathBuf,
    finding: Finding,
    /// Number within the whole sample, which all of the image's randomness comes from.
    index: u64,
}

/// Draws the sample on all of rayon's threads: 8-bit gray PNGs `<out>/<class>/synthetic-….png`, and test images in
/// `<out> Test/<class>/`. `progress` is called once an image. The bytes depend on the options alone.
///
/// An earlier sample there is replaced. Whatever interrupts this leaves whole images only, which a later call replaces;
/// and where `out` was not there before, it is not there until all of its images are.
///
/// # Errors
/// Options out of range; a folder that holds anything that is no synthetic sample, before anything is written; a file
/// or folder that cannot be written.
pub fn write_sample(
    out: &Path,
    options: &SampleOptions,
    progress: &(dyn Fn() + Sync),
) -> Result<SampleSummary, Error> {
    let training = shares(options.count)?;
    if !(32..=4096).contains(&options.image_size) {
        return Err(Error::Options(format!("an image size of {} is not 32 to 4096", options.image_size)));
    }
    let (partial, test) = (beside(out, PARTIAL)?, beside(out, " Test")?);
    let mut stale = Vec::new();
    for folder in [out, &partial, &test] {
        stale.extend(images_of_a_sample(folder)?);
    }
    // What is written under a name that nobody chose must not lead elsewhere.
    base::refuse_link(&partial).map_err(failed("write", &partial))?;
    let training_folder = if out.exists() { out } else { &partial };

    let mut jobs = Vec::new();
    for (folder, counts, part) in
        [(training_folder, training, ""), (&test, [options.test_per_class; 3], "test-")]
    {
        if counts.iter().any(|&count| count > 0) {
            create_output_folder(folder, OutputKind::Sample)?;
        }
        for ((class, _, slug, finding), count) in CLASSES.into_iter().zip(counts) {
            let class_folder = folder.join(class);
            if count > 0 {
                fs::create_dir_all(&class_folder).map_err(failed("create", &class_folder))?;
            }
            for i in 1..=count {
                let path = class_folder.join(format!("{SYNTHETIC_PREFIX}{slug}-{part}{i:05}.png"));
                jobs.push(SampleImage { path, finding, index: jobs.len() as u64 });
            }
        }
    }
    jobs.par_iter().try_for_each(|job| {
        write_image(job, options)?;
        progress();
        Ok(())
    })?;

    let kept: HashSet<&PathBuf> = jobs.iter().map(|job| &job.path).collect();
    for file in stale.iter().filter(|file| !kept.contains(file)) {
        remove(file)?;
    }
    if training_folder != out {
        fs::rename(&partial, out).map_err(failed("rename", &partial))?;
    }
    Ok(SampleSummary {
        classes: CLASSES.map(|(class, ..)| class.to_owned()).to_vec(),
        training: training.to_vec(),
        test: vec![options.test_per_class; 3],
    })
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + use<'a> {
    move |source| Error::Io { action, path: path.to_owned(), source }
}

/// Removes a file; one that is gone already is as good as removed.
fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", file)(error)),
        _ => Ok(()),
    }
}

/// Shares out `count` images in the study's imbalance, the largest remainders rounded up.
fn shares(count: usize) -> Result<[usize; 3], Error> {
    let least = FEWEST * CLASSES.len();
    if count < least {
        return Err(Error::Options(format!(
            "{count} training images are too few for a sample: it takes {least}"
        )));
    }
    let study = CLASSES.map(|(_, images, ..)| images as u128);
    let all: u128 = study.iter().sum();
    let mut shares = study.map(|images| (images * count as u128 / all) as usize);
    let mut by_remainder = [0, 1, 2];
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(study[class] * count as u128 % all));
    let missing = count - shares.iter().sum::<usize>();
    by_remainder[..missing].iter().for_each(|&class| shares[class] += 1);
    while let Some(small) = (0..3).find(|&class| shares[class] < FEWEST) {
        let large = (0..3).max_by_key(|&class| (shares[class], std::cmp::Reverse(class))).unwrap_or(small);
        shares[small] += 1;
        shares[large] -= 1;
    }
    Ok(shares)
}

/// A folder's path with something added to its name.
fn beside(out: &Path, ending: &str) -> Result<PathBuf, Error> {
    let name = out.file_name().ok_or_else(|| {
        Error::Options(format!("`{}` names no folder that a sample could be written to", out.display()))
    })?;
    let mut name = OsString::from(name);
    name.push(ending);
    Ok(out.with_file_name(name))
}

/// The files of a sample in `folder`, whole ones and leftovers of an interrupted call; none where there is no folder.
///
/// # Errors
/// Anything else in it: only this module's own files may be replaced.
fn images_of_a_sample(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let foreign = |path: &Path| {
        let found = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        Error::NotASample { path: folder.to_owned(), found }
    };
    let mut images = Vec::new();
    if !folder.is_dir() {
        // A file, or a link that leads nowhere.
        return match folder.symlink_metadata() {
            Ok(_) => Err(Error::NotAFolder { path: folder.to_owned() }),
            Err(_) => Ok(images),
        };
    }
    for class in entries(folder)?.into_iter().filter(|path| !path.ends_with(MARKER)) {
        let known = CLASSES.iter().any(|(name, ..)| class.file_name() == Some(name.as_ref()));
        if !known || class.is_symlink() || !class.is_dir() {
            return Err(foreign(&class));
        }
        for file in entries(&class)? {
            let name = file.file_name().unwrap_or_default();
            let text = name.to_string_lossy();
            let ours = text.starts_with(SYNTHETIC_PREFIX) && text.ends_with(".png");
            if !(ours || base::is_temporary(name)) || file.is_symlink() || !file.is_file() {
                return Err(foreign(&file));
            }
            images.push(file);
        }
    }
    Ok(images)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read =
        || -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(failed("read", folder))
}

/// Draws an image, which under its name is whole or not there.
fn write_image(job: &SampleImage, options: &SampleOptions) -> Result<(), Error> {
    let key = Key { seed: options.seed, epoch: 0, step: job.index, purpose: Purpose::Phantom };
    let pixels = drawing::draw(job.finding, options.image_size, key.generator(0));
    let bytes = png(&pixels, options.image_size)
        .map_err(|error| failed("write", &job.path)(io::Error::other(error)))?;
    FileWriter::replacing().write(&job.path, &bytes).map_err(failed("write", &job.path))
}

/// Encodes an 8-bit gray PNG that says in itself what it is.
fn png(pixels: &[u8], size: usize) -> Result<Vec<u8>, png::EncodingError> {
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

#[cfg(test)]
mod tests;
