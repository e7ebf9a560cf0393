//! Head of the page: the most important facts.

use maud::{Markup, html};
use metrics::Figure;

use super::labels;
use crate::{Report, Test, number};

pub(super) fn head(report: &Report) -> Markup {
    html! {
        header {
            p.kicker { "Thorax · report of a run" }
            h1 { (report.name) }
            p.notice {
                strong { "Not for clinical use." }
                " This is the result of an experiment, not a medical device: nobody has validated this model on patients."
            }
            @if report.record.synthetic {
                p.notice { strong { "Synthetic phantoms, no radiographs." } " No figure here says anything of real images." }
            }
            @if report.confounded_by_age() && !report.record.synthetic {
                p.notice {
                    strong { "Children and adults." } " In the collection with these three classes, age and source go with the class: see "
                    a href="#limits" { "what that means" } "."
                }
            }
            p.verdict { (verdict(report)) }
            (navigation(&tiles(report)))
        }
    }
}

/// Summarises the result in a sentence or two.
fn verdict(report: &Report) -> String {
    let epoch = report.record.best_epoch.map_or(String::new(), |epoch| format!(" (epoch {epoch})"));
    let Some(test) = &report.test else {
        let validated = report.best().map_or(String::new(), |best| {
            let figure = match (best.val_accuracy, best.val_auc) {
                (Some(accuracy), _) => format!("an accuracy of {accuracy:.4}"),
                (None, Some(auc)) => format!("a macro ROC AUC of {auc:.4}"),
                (None, None) => format!("a loss of {:.4}", best.val_loss),
            };
            format!(
                " On the {} that its epoch was chosen by, it had {figure}, which is too good an estimate.",
                number::count(report.images("validation"), "validation image"),
            )
        });
        return format!(
            "The saved model{epoch} was not tested: nothing is known of how it does on new images.{validated}"
        );
    };
    verdict_of_test(&format!("{}{epoch}", test.model()), test)
}

/// Summarises a test in a sentence.
pub(super) fn verdict_of_test(model: &str, test: &Test) -> String {
    let saved = &test.saved;
    if let Some(labels) = saved.multi_label() {
        return labels::verdict(model, test, labels);
    }
    let matrix = saved.multi_class().map_or(&[][..], |figures| &figures.confusion_matrix);
    let right: u64 = matrix.iter().enumerate().filter_map(|(class, row)| row.get(class)).sum();
    let accuracy = saved.figure("accuracy");
    let interval = accuracy
        .interval
        .map_or(String::new(), |interval| format!(", 95 % interval {}", number::interval(interval)));
    format!(
        "The {model} gets {} of {} right: accuracy {}{interval}.",
        number::whole(right),
        number::count(saved.images, test.image_noun()),
        number::figure(accuracy.value),
    )
}

/// Link to a section, a figure of it, and the figure's name.
type Tile = (&'static str, String, String);

/// Collects the main figures of a test.
pub(super) fn tiles_of_test(test: &Test) -> Vec<Tile> {
    let saved = &test.saved;
    let tile = |link, name: &str, key: &str| {
        let Figure { value, interval, .. } = saved.figure(key);
        let value = value.map_or(number::DASH.to_owned(), |value| format!("{value:.3}"));
        let within = interval.map_or(String::new(), |interval| format!(" · {}", number::interval(interval)));
        (link, value, format!("{name}{within}"))
    };
    let Some(labels) = saved.multi_label() else {
        return vec![
            tile("#figures", "accuracy", "accuracy"),
            tile("#figures", "balanced accuracy", "balanced_accuracy"),
            tile("#curves", "macro ROC AUC", "macro_roc_auc"),
            tile("#calibration", "calibration error", "expected_calibration_error"),
        ];
    };
    let mean = format!("macro ROC AUC of {}", number::count(labels.labels_with_roc_auc, "label"));
    let patients = saved.groups.map_or(", groups unknown".to_owned(), |groups| {
        format!(" of {}, such as patients", number::count(groups, "group"))
    });
    vec![
        tile("#labels", &mean, "macro_roc_auc"),
        tile("#figures", "macro average precision", "macro_average_precision"),
        ("#figures", number::whole(saved.images as u64), format!("test images{patients}")),
    ]
}

/// Collects the main figures of a run.
fn tiles(report: &Report) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = report.test.iter().flat_map(tiles_of_test).collect();
    let images: usize = report.images("training") + report.images("validation");
    let classes = number::count(
        report.record.classes.len(),
        if report.record.task.is_multi_class() { "class" } else { "label" },
    );
    tiles.push((
        "#data",
        number::whole(images as u64),
        format!(
            "images {} {classes} to train and validate on",
            if report.record.task.is_multi_class() { "of" } else { "with" }
        ),
    ));
    let epochs = number::whole(report.history.len() as u64);
    let best = report.record.best_epoch.map_or(String::new(), |epoch| format!(", epoch {epoch} saved"));
    tiles.push(("#learning", epochs, format!("epochs, {}{best}", report.status())));
    if let Some(audit) = &report.audit {
        let leaks = audit.across_sets + audit.across_classes + audit.shared_groups;
        tiles.push(("#audit", number::whole(leaks as u64), "leaks found by the data audit".to_owned()));
    }
    if let Some((_, total)) = report.seconds().last() {
        let threads = number::count(report.record.threads, "thread");
        tiles.push(("#speed", number::seconds(*total), format!("in all, on {threads}")));
    }
    tiles
}

/// Renders the main figures, each with a link to its section.
pub(super) fn navigation(tiles: &[Tile]) -> Markup {
    html! {
        nav.tiles aria-label="Sections" {
            @for (link, value, name) in tiles { a.tile href=(link) { strong { (value) } span { (name) } } }
        }
    }
}
