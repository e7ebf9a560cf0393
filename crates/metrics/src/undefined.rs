use std::fmt;

/// A figure's value, or the reason why it has none.
pub type Value = Result<f64, Undefined>;

/// Reason why a figure or its interval has no value. Classes and labels are indices; [`Undefined::named`] puts their names
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
    /// Every figure of a label: no image in which it is known.
    NeverKnown(usize),
    /// Sensitivity, ROC AUC and average precision of a label: no image is known to have it.
    NoPositive(usize),
    /// Specificity and ROC AUC of a label: no image is known to be without it.
    NoNegative(usize),
    /// Precision of a label: no known image reaches its threshold.
    NoneReaches(usize),
    /// Negative predictive value of a label: every known image reaches its threshold.
    AllReach(usize),
    /// F1 of a label: no image is known to have it, and none reaches its threshold.
    NeitherPositiveNorReached(usize),
    /// DeLong's standard error of a label: one image alone is known to have it.
    OnePositive(usize),
    /// DeLong's standard error of a label: one image alone is known to be without it.
    OneNegative(usize),
    /// Figures over all labels: none is known in any image.
    NothingKnown,
    /// Figures over all labels: no image is known to have any.
    NoPositiveAtAll,
    /// ROC AUC over all labels: no image is known to be without any.
    NoNegativeAtAll,
    /// F1 over all labels: no image is known to have any, and none reaches a threshold.
    NeitherPositiveNorReachedAtAll,
    /// Mean over labels: the figure has no value for any label.
    NoLabel,
    /// A bootstrap interval: fewer than two images (or groups of images) to draw from, so that every resample would hold
    /// the same ones.
    TooFewUnits,
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
    /// The reason in plain words, with the names of classes or labels; one without a name goes by its number.
    pub fn named<S: AsRef<str>>(self, labels: &[S]) -> impl fmt::Display {
        self.words(|at| labels.get(at).map(|name| format!("`{}`", name.as_ref())))
    }

    fn words(self, name: impl Fn(usize) -> Option<String>) -> String {
        let label = |at: usize| name(at).unwrap_or_else(|| format!("label {at}"));
        let name = |at: usize| name(at).map_or_else(|| format!("class {at}"), |name| format!("class {name}"));
        match self {
            Self::NoImages => "the set holds no image".to_owned(),
            Self::NoImageOf(class) => format!("no image of {} in the set", name(class)),
            Self::OnlyImagesOf(class) => format!("every image in the set is of {}", name(class)),
            Self::NotPredicted(class) => format!("no image was predicted as {}", name(class)),
            Self::NeitherSeenNorPredicted(class) => {
                format!("no image is of {} and none was predicted as it", name(class))
            }
            Self::OnlyPredicted(class) => format!("every image was predicted as {}", name(class)),
            Self::NeverKnown(at) => format!("{} is known in no image", label(at)),
            Self::NoPositive(at) => format!("no known positive image of {}", label(at)),
            Self::NoNegative(at) => format!("no known negative image of {}", label(at)),
            Self::NoneReaches(at) => format!("no known image reaches the threshold of {}", label(at)),
            Self::AllReach(at) => format!("every known image reaches the threshold of {}", label(at)),
            Self::NeitherPositiveNorReached(at) => {
                format!("no known image of {} is positive and none reaches its threshold", label(at))
            }
            Self::OnePositive(at) => format!("only one known positive image of {}", label(at)),
            Self::OneNegative(at) => format!("only one known negative image of {}", label(at)),
            Self::NothingKnown => "no label is known in any image".to_owned(),
            Self::NoPositiveAtAll => "no known positive image of any label".to_owned(),
            Self::NoNegativeAtAll => "no known negative image of any label".to_owned(),
            Self::NeitherPositiveNorReachedAtAll => {
                "no known image of any label is positive and none reaches a threshold".to_owned()
            }
            Self::NoLabel => "no label has a value".to_owned(),
            Self::TooFewUnits => "fewer than two images or groups to draw from".to_owned(),
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
        f.write_str(&self.words(|_| None))
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
        assert_eq!(words(Undefined::NoPositive(1)), "no known positive image of `NORMAL`");
        assert_eq!(Undefined::AllReach(1).to_string(), "every known image reaches the threshold of label 1");
    }
}
