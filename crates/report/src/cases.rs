use metrics::{Scores, argmax};

/// Number of cases of a kind that are shown.
pub const CASES: usize = 12;
/// Largest number of labels with cases, so that a page stays small.
const LABELS: usize = 24;

/// Images of a test that deserve a look, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// Mistakes, the most confident first: at most [`CASES`].
    pub mistakes: Vec<usize>,
    /// Number of all mistakes.
    pub all_mistakes: usize,
    /// Images whose highest probability is lowest, right or wrong, the least certain first: at most [`CASES`].
    pub uncertain: Vec<usize>,
    /// Surest possible mistakes about each label, in label order; empty of classes.
    pub labels: Vec<LabelCases>,
}

/// Images of one label that the model ranks worst. They are mistakes where the label's threshold lies between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCases {
    /// Image known not to have the label whose probability of it is highest, the first of several.
    pub negative: Option<usize>,
    /// Image known to have it whose probability of it is lowest, the first of several.
    pub positive: Option<usize>,
}

impl LabelCases {
    fn of(scores: &Scores, label: usize) -> Self {
        let p = |image: usize| scores.row(image).get(label).copied().unwrap_or_default();
        let known = |value: bool| {
            (0..scores.len()).filter(move |&image| scores.targets().value(image, label) == Some(value))
        };
        Self {
            negative: known(false).min_by(|&a, &b| p(b).total_cmp(&p(a))),
            positive: known(true).min_by(|&a, &b| p(a).total_cmp(&p(b))),
        }
    }
}

impl Cases {
    /// Chooses the cases; images of equal confidence stay in their order.
    pub fn of(scores: &Scores) -> Self {
        if !scores.task().is_multi_class() {
            let labels = (0..scores.n_labels().min(LABELS)).map(|label| LabelCases::of(scores, label));
            return Self { labels: labels.collect(), ..Self::default() };
        }
        let confidence: Vec<f64> =
            scores.rows().map(|(_, row)| row.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
        let wrong = scores.rows().enumerate().filter(|(_, (label, row))| argmax(row) != *label);
        let mut mistakes: Vec<usize> = wrong.map(|(image, _)| image).collect();
        let all_mistakes = mistakes.len();
        mistakes.sort_by(|&a, &b| confidence[b].total_cmp(&confidence[a]).then(a.cmp(&b)));
        mistakes.truncate(CASES);
        let mut uncertain: Vec<usize> = (0..confidence.len()).collect();
        uncertain.sort_by(|&a, &b| confidence[a].total_cmp(&confidence[b]).then(a.cmp(&b)));
        uncertain.truncate(CASES);
        Self { mistakes, all_mistakes, uncertain, labels: Vec::new() }
    }

    /// Returns every image among them, once each.
    pub fn all(&self) -> Vec<usize> {
        let of_labels = self.labels.iter().flat_map(|label| label.negative.into_iter().chain(label.positive));
        let mut all: Vec<usize> =
            self.mistakes.iter().chain(&self.uncertain).copied().chain(of_labels).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
