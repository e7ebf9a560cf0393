use metrics::{Scores, argmax};

/// Number of cases of a kind that are shown.
pub const CASES: usize = 12;

/// Images of a test that deserve a look, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// Mistakes, the most confident first: at most [`CASES`].
    pub mistakes: Vec<usize>,
    /// Number of all mistakes.
    pub all_mistakes: usize,
    /// Images whose highest probability is lowest, right or wrong, the least certain first: at most [`CASES`].
    pub uncertain: Vec<usize>,
}

impl Cases {
    /// Chooses the cases; images of equal confidence stay in their order.
    pub fn of(scores: &Scores) -> Self {
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
        Self { mistakes, all_mistakes, uncertain }
    }

    /// Returns every image among them, once each.
    pub fn all(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.mistakes.iter().chain(&self.uncertain).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
