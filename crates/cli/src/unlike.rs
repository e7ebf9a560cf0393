//! What is said of images that are unlike those that a model was trained on.

use crate::output::Output;

/// In a table.
pub(crate) const NOTE: &str = "unlike training";

/// At the end, where there were any.
pub(crate) fn warn(unlike: usize, images: usize, output: &Output) {
    if unlike > 0 {
        output.warn(format!(
            "{unlike} of {images} images are unlike those that the model was trained on: do not rely on what it says of them"
        ));
    }
}
