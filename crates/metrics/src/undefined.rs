use std::fmt;

/// A figure's value, or the reason why it has none.
pub type Value = Result<f64, Undefined>;

/// Reason why a figure or its interval has no value. Classes are indices; [`Undefined::named`] puts their names
/// in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// The set is empty.
    NoImages,
    /// No image of the class: no recall, ROC AUC, average precision or operating point, and no mean that needs
    /// them.
    NoImageOf(usize),
    /// Images of this class alone: specificity and ROC AUC need another class too; so do kappa and Matthews'
    /// coefficient.
    OnlyImagesOf(usize),
    /// Precision: nothing was predicted as this class.
    NotPredicted(usize),
    /// F1: no image is of this class and nothing was predicted as it.
    NeitherSeenNorPredicted(usize),
    /// Matthews' coefficient: every image was predicted as this class.
    OnlyPredicted(usize),
    /// A bootstrap interval: fewer than two images (or groups of images) to draw from in this class, so that every
    /// resample would hold the same ones.
    TooFewToDraw(usize),
    /// A bootstrap interval: the figure is undefined in more than one in twenty resamples.
    UndefinedResamples {
        /// Resamples in which the figure is undefined.
        undefined: usize,
        /// Resamples drawn.
        of: usize,
    },
    /// A bootstrap interval: every resample gives the same value, which says nothing of its uncertainty.
    Constant,
    /// No resamples were asked for.
    NotResampled,
}

impl Undefined {
    /// The reason in plain words, with the classes' names; a class without a name goes by its number.
    pub fn named<S: AsRef<str>>(self, classes: &[S]) -> impl fmt::Display {
        self.words(|class| match classes.get(class) {
            Some(name) => format!("class `{}`", name.as_ref()),
            None => format!("class {class}"),
        })
    }

    fn words(self, name: impl Fn(usize) -> String) -> String {
        match self {
            Self::NoImages => "the set holds no image".to_owned(),
            Self::NoImageOf(class) => format!("no image of {} in the set", name(class)),
            Self::OnlyImagesOf(class) => format!("every image in the set is of {}", name(class)),
            Self::NotPredicted(class) => format!("no image was predicted as {}", name(class)),
            Self::NeitherSeenNorPredicted(class) => {
                format!("no image is of {} and none was predicted as it", name(class))
            }
            Self::OnlyPredicted(class) => format!("every image was predicted as {}", name(class)),
            Self::TooFewToDraw(class) => {
                format!("fewer than two images or groups of {} to draw from", name(class))
            }
            Self::UndefinedResamples { undefined, of } => {
                format!("the figure is undefined in {undefined} of {of} resamples")
            }
            Self::Constant => "every resample gives the same value".to_owned(),
            Self::NotResampled => "no resamples were drawn".to_owned(),
        }
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(|class| format!("class {class}")))
    }
}

impl std::error::Error for Undefined {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_in_plain_words() {
        let classes = ["COVID-19", "NORMAL"];
        let words = |undefined: Undefined| undefined.named(&classes).to_string();
        assert_eq!(words(Undefined::NoImageOf(1)), "no image of class `NORMAL` in the set");
        assert_eq!(words(Undefined::NotPredicted(0)), "no image was predicted as class `COVID-19`");
        assert_eq!(words(Undefined::NoImageOf(2)), "no image of class 2 in the set");
        assert_eq!(Undefined::OnlyImagesOf(0).to_string(), "every image in the set is of class 0");
    }
}
