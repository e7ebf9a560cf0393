//! Page of predictions of any program.

use maud::html;

use super::{Plots, document, head, limits, of_test};
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
        (of_test(None, &models, test, plots))
        (limits::of_predictions(test))
    };
    document(&format!("Evaluation of {name}"), test.saved.task(), &header, &main)
}
