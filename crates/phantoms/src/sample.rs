//! The synthetic sample: folders of phantoms, laid out like the study's data set.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use base::random::{Key, Purpose};
use data::{Error, OutputKind, PARTIAL, SYNTHETIC_PREFIX, create_output_folder};

use crate::{
    drawing::{self, Finding},
    files::{
        beside, check_image_size, entries_of_a_sample, failed, foreign, images_within, remove, write_png,
    },
};

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
    check_image_size(options.image_size)?;
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

/// The files of a sample in `folder`, whole ones and leftovers of an interrupted call; none where there is no folder.
///
/// # Errors
/// Anything else in it: only this module's own files may be replaced.
fn images_of_a_sample(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut images = Vec::new();
    for class in entries_of_a_sample(folder)? {
        let known = CLASSES.iter().any(|(name, ..)| class.file_name() == Some(name.as_ref()));
        if !known || class.is_symlink() || !class.is_dir() {
            return Err(foreign(folder, &class));
        }
        images.extend(images_within(folder, &class)?);
    }
    Ok(images)
}

/// Draws an image, which under its name is whole or not there.
fn write_image(job: &SampleImage, options: &SampleOptions) -> Result<(), Error> {
    let key = Key { seed: options.seed, epoch: 0, step: job.index, purpose: Purpose::Phantom };
    let pixels = drawing::draw(job.finding, options.image_size, key.generator(0));
    write_png(&job.path, &pixels, options.image_size)
}

#[cfg(test)]
mod tests;
