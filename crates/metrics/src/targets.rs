use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kind of question that a network answers about an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One class of several: softmax, and the most probable class is predicted.
    #[default]
    MultiClass,
    /// Any number of findings: a sigmoid and a threshold a label.
    MultiLabel,
}

impl Task {
    /// Tells if images are of one class of several, as in files that name no task.
    pub fn is_multi_class(&self) -> bool {
        *self == Self::MultiClass
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MultiClass => "multi-class",
            Self::MultiLabel => "multi-label",
        })
    }
}

/// True answers of a set of images: one class an image, or per label found, not found or unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    labels: Vec<String>,
    truth: Truth,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Truth {
    /// Index of the class, `[N]`.
    Classes(Vec<usize>),
    /// True where found, false where not and `None` where unknown, `[N, L]`, row by row.
    Findings(Vec<Option<bool>>),
}

impl Targets {
    /// Takes the names of C ≥ 2 classes in index order, and the index of each image's class, `[N]`.
    ///
    /// # Errors
    /// Fewer than two classes, or an index out of range.
    pub fn from_classes<S: Into<String>>(
        labels: impl IntoIterator<Item = S>,
        classes: Vec<usize>,
    ) -> Result<Self, ScoresError> {
        let labels: Vec<String> = labels.into_iter().map(S::into).collect();
        if labels.len() < 2 {
            return Err(ScoresError::TooFewClasses(labels.len()));
        }
        match classes.iter().find(|&&class| class >= labels.len()) {
            Some(&class) => Err(ScoresError::Class { class, n_classes: labels.len() }),
            None => Ok(Self { labels, truth: Truth::Classes(classes) }),
        }
    }

    /// Takes the names of L ≥ 1 labels, and what is known of each in every image, `[N, L]` row by row.
    ///
    /// # Errors
    /// No label, or a number of values that is not images × labels.
    pub fn from_findings<S: Into<String>>(
        labels: impl IntoIterator<Item = S>,
        findings: Vec<Option<bool>>,
    ) -> Result<Self, ScoresError> {
        let labels: Vec<String> = labels.into_iter().map(S::into).collect();
        if labels.is_empty() || !findings.len().is_multiple_of(labels.len()) {
            return Err(ScoresError::Findings { findings: findings.len(), n_labels: labels.len() });
        }
        Ok(Self { labels, truth: Truth::Findings(findings) })
    }

    /// Kind of question that these answer.
    pub fn task(&self) -> Task {
        match self.truth {
            Truth::Classes(_) => Task::MultiClass,
            Truth::Findings(_) => Task::MultiLabel,
        }
    }

    /// Names of the classes or labels, in index order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        match &self.truth {
            Truth::Classes(classes) => classes.len(),
            Truth::Findings(findings) => findings.len() / self.labels.len(),
        }
    }

    /// Tells if there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Index of each image's class, `[N]`; empty for labels that do not exclude each other.
    pub fn classes(&self) -> &[usize] {
        match &self.truth {
            Truth::Classes(classes) => classes,
            Truth::Findings(_) => &[],
        }
    }

    /// Tells if an image has a label, or is of a class; `None` where that is unknown, or where there is no such image or label.
    pub fn value(&self, image: usize, label: usize) -> Option<bool> {
        if label >= self.labels.len() {
            return None;
        }
        match &self.truth {
            Truth::Classes(classes) => classes.get(image).map(|&class| class == label),
            Truth::Findings(findings) => findings.get(image * self.labels.len() + label).copied().flatten(),
        }
    }
}

/// Targets, probabilities, logits or groups that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScoresError {
    /// Fewer than two classes.
    TooFewClasses(usize),
    /// Index of a class that is out of range.
    Class {
        /// The index.
        class: usize,
        /// Number of classes, C.
        n_classes: usize,
    },
    /// A number of findings that is not images × labels, or no label at all.
    Findings {
        /// Number of findings.
        findings: usize,
        /// Number of labels, L.
        n_labels: usize,
    },
    /// A number of probabilities or logits that is not images × labels.
    Shape {
        /// Number of images, N.
        images: usize,
        /// Number of probabilities or logits.
        values: usize,
        /// Number of classes or labels, L.
        n_labels: usize,
    },
    /// A probability or logit that is no finite number; holds the image's index.
    NotFinite(usize),
    /// A number of groups that is not the number of images.
    Groups {
        /// Number of groups given.
        groups: usize,
        /// Number of images.
        images: usize,
    },
}

impl fmt::Display for ScoresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewClasses(n) => write!(f, "at least 2 classes are needed, got {n}"),
            Self::Class { class, n_classes } => {
                write!(f, "class number {class} is not one of {n_classes} classes")
            }
            Self::Findings { findings, n_labels } => {
                write!(f, "{findings} findings do not fit {n_labels} labels an image")
            }
            Self::Shape { images, values, n_labels } => {
                write!(f, "{values} probabilities or logits do not fit {images} images and {n_labels} labels")
            }
            Self::NotFinite(image) => {
                write!(f, "a probability or logit of image {image} is not a finite number")
            }
            Self::Groups { groups, images } => write!(f, "{groups} groups were given for {images} images"),
        }
    }
}

impl std::error::Error for ScoresError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_exclude_each_other_and_are_all_known() {
        let targets = Targets::from_classes(["a", "b", "c"], vec![2, 0]).unwrap();
        assert_eq!((targets.task(), targets.len(), targets.is_empty()), (Task::MultiClass, 2, false));
        assert_eq!(
            (targets.labels(), targets.classes()),
            (&["a", "b", "c"].map(str::to_owned)[..], &[2, 0][..])
        );
        assert_eq!([0, 1, 2].map(|label| targets.value(0, label)), [Some(false), Some(false), Some(true)]);
        assert_eq!([0, 1, 2].map(|label| targets.value(1, label)), [Some(true), Some(false), Some(false)]);
        assert!(Targets::from_classes(["a", "b"], vec![]).unwrap().is_empty());
    }

    #[test]
    fn findings_do_not_and_can_be_unknown() {
        let findings = vec![Some(true), None, Some(true), Some(false)];
        let targets = Targets::from_findings(["Edema", "Mass"], findings).unwrap();
        assert_eq!((targets.task(), targets.len(), targets.is_empty()), (Task::MultiLabel, 2, false));
        assert_eq!(targets.classes(), [0; 0]);
        assert_eq!([0, 1].map(|label| targets.value(0, label)), [Some(true), None]);
        assert_eq!([0, 1].map(|label| targets.value(1, label)), [Some(true), Some(false)]);
        assert!(Targets::from_findings(["Edema"], vec![]).unwrap().is_empty());
        let classes = Targets::from_classes(["a", "b"], vec![1, 0]).unwrap();
        for targets in [targets, classes] {
            assert_eq!((targets.value(0, 2), targets.value(2, 0)), (None, None));
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let one = Targets::from_classes(["a"], vec![]).unwrap_err();
        assert_eq!(one.to_string(), "at least 2 classes are needed, got 1");
        let class = Targets::from_classes(["a", "b"], vec![0, 2]).unwrap_err();
        assert_eq!(class.to_string(), "class number 2 is not one of 2 classes");
        let findings = Targets::from_findings(["a", "b"], vec![None; 3]).unwrap_err();
        assert_eq!(findings.to_string(), "3 findings do not fit 2 labels an image");
        let none = Targets::from_findings([""; 0], vec![]).unwrap_err();
        assert_eq!(none, ScoresError::Findings { findings: 0, n_labels: 0 });
    }

    #[test]
    fn tasks_go_by_the_fields_names() {
        for (task, name) in [(Task::MultiClass, "multi-class"), (Task::MultiLabel, "multi-label")] {
            assert_eq!(task.to_string(), name);
            assert_eq!(serde_json::to_value(task).unwrap(), name);
        }
        assert_eq!(Task::default(), Task::MultiClass);
    }
}
