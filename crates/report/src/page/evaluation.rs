//! Page of predictions of any program.

use maud::html;

use super::{Plots, cases, document, figures, head, labels, limits, parts, subgroups};
use crate::{EvaluatedPredictions, plots};

/// Makes the page of evaluated predictions: HTML that needs no other file, no script and no network.
pub fn evaluation_page(evaluation: &EvaluatedPredictions) -> String {
    let EvaluatedPredictions { name, test } = evaluation;
    let drawings = plots::drawings_of_test(test);
    let plots: Plots<'_> = &drawings;
    let models = vec![("model".to_owned(), &test.saved)];
    let header = html! {
        header {
            p.kicker { "Thorax · evaluation of predictions" }
            h1 { (name) }
            p.notice {
                strong { "Not for clinical use." }
                " These are figures of predictions that some program made. Nothing here says how its model was trained."
            }
            p.verdict { (head::verdict_of_test(test.model(), test)) }
            (head::navigation(&head::tiles_of_test(test)))
        }
    };
    let main = html! {
        @if let Some(of_labels) = test.saved.multi_label() {
            (labels::over_labels(&models, test, of_labels))
            (labels::by_label(test, of_labels, plots))
            (subgroups::section(test))
            (labels::curves(test))
            (labels::calibration(None, test, of_labels))
            @if let Some(scores) = &test.scores { section #data { h2 { "Labels" } (labels::co_occurrence(scores)) } }
            (cases::of_labels(test, of_labels))
        } @else {
            (figures::section(&models, test))
            (figures::classes(test))
            (subgroups::section(test))
            (parts::confusion(test, plots))
            (parts::curves(test, plots))
            (parts::calibration(None, test, plots))
            (cases::section(test))
        }
        (limits::of_predictions(test))
    };
    document(&format!("Evaluation of {name}"), test.saved.task(), &header, &main)
}
