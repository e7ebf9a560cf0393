//! Annotations of images: one class, or a finding for each of several labels.

/// Entry of a label file for one label of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The finding is there: 1.
    Positive,
    /// The finding is not there: 0.
    Negative,
    /// The file's author is not certain: -1.
    Uncertain,
    /// The file says nothing.
    Blank,
}

/// Mark of one label of one image, with the value that it counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Mark in the label file.
    pub mark: Mark,
    /// Value by the rules for uncertain and blank marks. `None` is unknown: it counts in no loss and no figure.
    pub value: Option<bool>,
}

impl Finding {
    /// Creates a finding that is known to be there or not.
    pub fn known(value: bool) -> Self {
        Self { mark: if value { Mark::Positive } else { Mark::Negative }, value: Some(value) }
    }

    /// Returns the value as general label files have it: 1, 0, -1 for uncertain, or nothing.
    pub fn text(self) -> &'static str {
        match (self.value, self.mark) {
            (Some(true), _) => "1",
            (Some(false), _) => "0",
            (None, Mark::Uncertain) => "-1",
            (None, _) => "",
        }
    }
}

/// Annotation of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotation {
    /// Index of its one class.
    Class(usize),
    /// Finding for each label of the listing, in the labels' order.
    Findings(Vec<Finding>),
}

impl Annotation {
    /// Returns the class; `None` for an image with findings.
    pub fn class(&self) -> Option<usize> {
        match self {
            Self::Class(class) => Some(*class),
            Self::Findings(_) => None,
        }
    }

    /// Returns the findings; none for an image with one class.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Class(_) => &[],
            Self::Findings(findings) => findings,
        }
    }

    /// Lists the strata that splits keep in proportion: the class, or the labels that count as positive.
    pub fn strata(&self) -> impl Iterator<Item = usize> + '_ {
        let positive = self.findings().iter().enumerate().filter(|(_, finding)| finding.value == Some(true));
        self.class().into_iter().chain(positive.map(|(label, _)| label))
    }

    /// Keeps these labels' findings alone, in this order; an image with one class stays as it is.
    pub fn keep(&mut self, labels: &[usize]) {
        if let Self::Findings(findings) = self {
            *findings = labels.iter().filter_map(|&label| findings.get(label).copied()).collect();
        }
    }

    /// Tells if both cannot be true of one image: two classes, or a label that is positive in one and negative in the other.
    pub fn contradicts(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Findings(own), Self::Findings(others)) => {
                let values = own.iter().zip(others).map(|(a, b)| (a.value, b.value));
                values.into_iter().any(|(a, b)| a.is_some() && b.is_some() && a != b)
            }
            _ => self != other,
        }
    }
}

/// Number of images by the mark of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Images with the mark 1.
    pub positive: usize,
    /// Images with the mark 0.
    pub negative: usize,
    /// Images with the mark -1.
    pub uncertain: usize,
    /// Images without a mark.
    pub blank: usize,
    /// Images whose value is unknown by the rules, whatever their mark is.
    pub unknown: usize,
}

impl LabelCounts {
    /// Counts one finding more.
    pub fn add(&mut self, finding: Finding) {
        let count = match finding.mark {
            Mark::Positive => &mut self.positive,
            Mark::Negative => &mut self.negative,
            Mark::Uncertain => &mut self.uncertain,
            Mark::Blank => &mut self.blank,
        };
        *count += 1;
        self.unknown += usize::from(finding.value.is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(values: &[Option<bool>]) -> Annotation {
        let finding = |value: &Option<bool>| value.map_or(UNKNOWN, Finding::known);
        Annotation::Findings(values.iter().map(finding).collect())
    }

    const UNKNOWN: Finding = Finding { mark: Mark::Uncertain, value: None };

    #[test]
    fn findings_contradict_each_other_where_a_label_is_known_in_both_and_differs() {
        let a = findings(&[Some(true), None, Some(false)]);
        assert!(!a.contradicts(&findings(&[Some(true), Some(true), None])));
        assert!(a.contradicts(&findings(&[Some(false), None, None])));
        assert!(a.contradicts(&findings(&[None, None, Some(true)])));
        assert!(Annotation::Class(1).contradicts(&Annotation::Class(0)));
        assert!(!Annotation::Class(1).contradicts(&Annotation::Class(1)));
    }

    #[test]
    fn labels_are_kept_in_the_order_asked_for() {
        let mut several = findings(&[Some(true), None, Some(false)]);
        several.keep(&[2, 0]);
        assert_eq!(several, findings(&[Some(false), Some(true)]));
        let mut class = Annotation::Class(3);
        class.keep(&[0]);
        assert_eq!(class, Annotation::Class(3));
    }

    #[test]
    fn strata_are_the_class_or_the_positive_labels() {
        assert_eq!(Annotation::Class(3).strata().collect::<Vec<_>>(), [3]);
        let several = findings(&[Some(true), None, Some(false), Some(true)]);
        assert_eq!(several.strata().collect::<Vec<_>>(), [0, 3]);
        assert_eq!((several.class(), several.findings().len()), (None, 4));
    }

    #[test]
    fn marks_and_unknown_values_are_counted() {
        let mut counts = LabelCounts::default();
        let zero = Finding { mark: Mark::Blank, value: Some(false) };
        [Finding::known(true), UNKNOWN, zero].into_iter().for_each(|finding| counts.add(finding));
        let expected = LabelCounts { positive: 1, negative: 0, uncertain: 1, blank: 1, unknown: 1 };
        assert_eq!(counts, expected);
        assert_eq!([Finding::known(true).text(), UNKNOWN.text(), zero.text()], ["1", "-1", "0"]);
    }
}
