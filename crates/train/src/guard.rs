use data::ImageSet;
use model::OodDetector;

use crate::Result;

/// Largest number of images of a split that are examined: more would not change the result.
const MOST: usize = 4000;

/// Fits the input guard: the appearance of the training images, and the allowed distance from it on the validation split;
/// `None` where there are too few images.
///
/// # Errors
/// A cache file that cannot be read.
pub fn guard(training: &ImageSet, validation: &ImageSet, n_classes: usize) -> Result<Option<OodDetector>> {
    let held_out: Vec<_> = validation.appearances(MOST)?.into_iter().map(|(image, _)| image).collect();
    Ok(OodDetector::learn(&training.appearances(MOST)?, &held_out, n_classes))
}

/// Counts the images that the guard flags as unlike its training images.
///
/// # Errors
/// A cache file that cannot be read.
pub fn unlike(guard: &OodDetector, images: &ImageSet) -> Result<usize> {
    let appearances = images.appearances(usize::MAX)?;
    Ok(appearances.iter().filter(|(image, _)| guard.check_appearance(image).is_some()).count())
}
