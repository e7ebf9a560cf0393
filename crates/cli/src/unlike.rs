//! Out-of-distribution warnings: images that are unlike the training images.

use model::InputWarning;

use crate::output::Output;

/// Text of the warning in a table.
const NOTE: &str = "unlike training";

/// Width of the column of such texts.
pub(crate) const WIDTH: usize = NOTE.len();

/// Returns the text of a warning in a table, of at most [`WIDTH`] letters.
pub(crate) fn note(warning: &InputWarning) -> &'static str {
    match warning {
        InputWarning::OutOfDistribution(_) => NOTE,
        InputWarning::Coloured(_) => "in colour",
    }
}

/// Warns after the last row, if any image was flagged.
pub(crate) fn warn(unlike: usize, images: usize, output: &Output) {
    if unlike > 0 {
        output.warn(format!(
            "{unlike} of {images} images are unlike those that the model was trained on: do not rely on what it says of them"
        ));
    }
}
