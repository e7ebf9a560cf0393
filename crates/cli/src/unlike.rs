//! Out-of-distribution warnings: images that are unlike the training images.

use model::InputWarning;

use crate::output::Output;

/// Text of the warning in a table.
const NOTE: &str = "unlike training";

/// Width of the column of warnings in a table.
pub(crate) const WIDTH: usize = NOTE.len();

/// Returns the text of a warning in a table, of at most [`WIDTH`] letters.
pub(crate) fn note(warning: &InputWarning) -> &'static str {
    match warning {
        InputWarning::OutOfDistribution(_) => NOTE,
        InputWarning::Coloured(_) => "in colour",
    }
}

/// Counts of the images with a warning, by its kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WarningCounts {
    unlike: usize,
    coloured: usize,
}

impl WarningCounts {
    pub(crate) fn add(&mut self, warning: Option<&InputWarning>) {
        match warning {
            Some(InputWarning::OutOfDistribution(_)) => self.unlike += 1,
            Some(InputWarning::Coloured(_)) => self.coloured += 1,
            None => {}
        }
    }

    /// Warns after the last row, if any image was flagged.
    pub(crate) fn tell(self, images: usize, output: &Output) {
        warn(self.unlike, images, output);
        if self.coloured > 0 {
            output.warn(format!(
                "{} of {images} images are in colour, which radiographs are not",
                self.coloured
            ));
        }
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
