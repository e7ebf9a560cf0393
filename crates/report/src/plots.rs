//! Plots of a run.

mod curves;
mod labels;
mod learning;
mod matrix;
mod reliability;
mod shortcut;

pub(crate) use labels::Panels;
pub(crate) use shortcut::guessing;

use crate::{Report, Test, svg::Drawing};

/// Returns every plot of a run as a file: its name without an extension, and the SVG. They are the same as in its page.
pub fn plots(report: &Report) -> Vec<(String, String)> {
    let mut drawings = drawings(report);
    // A page has the panels one by one, as many in a row as fit.
    drawings.extend(panels(report).iter().map(Panels::drawing));
    drawings.iter().map(|drawing| (drawing.name.to_owned(), drawing.file())).collect()
}

/// Draws the curves of findings; none for classes, and none without predictions.
fn panels(report: &Report) -> Vec<Panels> {
    let Some((test, scores)) = report.test.as_ref().and_then(|test| Some((test, test.scores.as_ref()?)))
    else {
        return Vec::new();
    };
    if scores.task().is_multi_class() {
        return Vec::new();
    }
    [Panels::roc, Panels::precision_recall, Panels::reliability].map(|draw| draw(test, scores)).into()
}

/// Draws every plot for which the run has the data.
pub(crate) fn drawings(report: &Report) -> Vec<Drawing> {
    let mut drawings = Vec::new();
    if !report.history.is_empty() {
        drawings.extend([learning::loss(report), learning::accuracy(report)]);
    }
    drawings.extend(report.test.iter().flat_map(drawings_of_test));
    drawings
}

/// Draws every plot for which a test has the data.
pub(crate) fn drawings_of_test(test: &Test) -> Vec<Drawing> {
    let mut drawings: Vec<Drawing> = matrix::confusion(test).into_iter().collect();
    if test.saved.multi_label().is_some() {
        drawings.push(labels::forest(test));
    } else if let Some(scores) = &test.scores {
        drawings.push(curves::roc(test, scores));
        drawings.push(curves::precision_recall(test, scores));
        drawings.push(reliability::diagram(scores));
    }
    if !test.occluded.is_empty() {
        drawings.push(shortcut::figures(test));
    }
    drawings
}
