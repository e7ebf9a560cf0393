//! Out-of-distribution warnings: images that are unlike the training images.

use crate::output::Output;

/// Text of the warning in a table.
pub(crate) const NOTE: &str = "unlike training";

/// Warns after the last row, if any image was flagged.
pub(crate) fn warn(unlike: usize, images: usize, output: &Output) {
    if unlike > 0 {
        output.warn(format!(
            "{unlike} of {images} images are unlike those that the model was trained on: do not rely on what it says of them"
        ));
    }
}
