use data::ImageSet;
use model::Guard;

use crate::Result;

/// The most images of a part that are looked at: more would not change what is learnt.
const MOST: usize = 4000;

/// What the images of a run teach of how images look, and its validation part of how far they may be from that; `None`
/// where they are too few.
///
/// # Errors
/// A cache file that cannot be read.
pub fn guard(training: &ImageSet, validation: &ImageSet, n_classes: usize) -> Result<Option<Guard>> {
    let held_out: Vec<_> = validation.appearances(MOST)?.into_iter().map(|(image, _)| image).collect();
    Ok(Guard::learn(&training.appearances(MOST)?, &held_out, n_classes))
}

/// How many of the images are unlike those that the guard knows.
///
/// # Errors
/// A cache file that cannot be read.
pub fn unlike(guard: &Guard, images: &ImageSet) -> Result<usize> {
    let appearances = images.appearances(usize::MAX)?;
    Ok(appearances.iter().filter(|(image, _)| guard.check_appearance(image).is_some()).count())
}
