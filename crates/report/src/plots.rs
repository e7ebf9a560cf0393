//! Plots of a run.

mod curves;
mod learning;
mod matrix;
mod reliability;
mod shortcut;

pub(crate) use shortcut::guessing;

use crate::{Report, svg::Drawing};

/// Returns every plot of a run as a file: its name without an extension, and the SVG. They are the same as in its page.
pub fn plots(report: &Report) -> Vec<(String, String)> {
    drawings(report).iter().map(|drawing| (drawing.name.to_owned(), drawing.file())).collect()
}

/// Draws every plot for which the run has the data.
pub(crate) fn drawings(report: &Report) -> Vec<Drawing> {
    let mut drawings = Vec::new();
    if !report.history.is_empty() {
        drawings.extend([learning::loss(report), learning::accuracy(report)]);
    }
    if let Some(test) = &report.test {
        drawings.extend(matrix::confusion(report, test));
        if let Some(scores) = &test.scores {
            drawings.push(curves::roc(report, test, scores));
            drawings.push(curves::precision_recall(report, test, scores));
            drawings.push(reliability::diagram(scores));
        }
        if !test.record.occluded.is_empty() {
            drawings.push(shortcut::accuracies(test));
        }
    }
    drawings
}
