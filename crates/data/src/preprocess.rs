use crate::Interpolation;

/// Size and interpolation of the images that files become before they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preprocess {
    /// Side in pixels, at least 1.
    pub image_size: usize,
    /// Interpolation that brings them to that size.
    pub interpolation: Interpolation,
}
