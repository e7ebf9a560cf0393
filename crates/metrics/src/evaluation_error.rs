use std::fmt;

/// Images that cannot be evaluated, or compared, as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationError {
    /// Groups that are not one an image.
    Groups {
        /// Number of groups given.
        groups: usize,
        /// Number of images.
        images: usize,
    },
    /// Two models that know different numbers of classes.
    Classes {
        /// Classes of the first.
        first: usize,
        /// Classes of the second.
        second: usize,
    },
    /// Two models that saw different numbers of images.
    Images {
        /// Images of the first.
        first: usize,
        /// Images of the second.
        second: usize,
    },
    /// Two models whose images differ in their true class; holds the first such image's index.
    Label(usize),
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups { groups, images } => write!(f, "{groups} groups were given for {images} images"),
            Self::Classes { first, second } => {
                write!(f, "one model knows {first} classes and the other {second}")
            }
            Self::Images { first, second } => {
                write!(f, "one model saw {first} images and the other {second}")
            }
            Self::Label(image) => {
                write!(f, "the true class of image {image} is not the same for both models")
            }
        }
    }
}

impl std::error::Error for EvaluationError {}
