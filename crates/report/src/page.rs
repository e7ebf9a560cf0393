//! Report page: its sections and their order.

mod cases;
mod checklist;
mod data;
mod evaluation;
mod figures;
mod head;
mod labels;
mod limits;
mod parts;
mod settings;
mod subgroups;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use metrics::Task;

use crate::{
    Report, Test, plots,
    report::TestedModels,
    svg::{self, Drawing},
};

pub use evaluation::evaluation_page;

const STYLE: &str = include_str!("page/page.css");
/// Style rules that only pages of findings need.
const LABELS_STYLE: &str = include_str!("page/labels.css");
/// Plots of the run.
type Plots<'a> = &'a [Drawing];

/// Makes the page of a run: HTML that needs no other file, no script and no network.
pub fn page(report: &Report) -> String {
    let drawings = plots::drawings(report);
    let plots: Plots<'_> = &drawings;
    let main = html! {
        (data::section(report))
        (parts::learning(report, plots))
        @if let Some(test) = &report.test { (of_test(Some(report), &report.models(test), test, plots)) }
        (settings::speed(report))
        (settings::section(report))
        (settings::origin(report))
        (checklist::section(report))
        (limits::section(report))
    };
    document(&format!("Report of {}", report.name), report.record.task, &head::head(report), &main)
}

/// Renders the sections of a test: of a run's, or without a `report` of predictions of any program.
fn of_test(report: Option<&Report>, models: &TestedModels<'_>, test: &Test, plots: Plots<'_>) -> Markup {
    html! {
        @if let Some(labels) = test.saved.multi_label() {
            (labels::over_labels(models, test, labels))
            (labels::by_label(test, labels, plots))
            (subgroups::section(test))
            (labels::curves(test))
            (labels::calibration(report, test, labels))
            @match (report, &test.scores) {
                (Some(_), _) => (parts::shortcut(test, plots)),
                // A run has them with its data.
                (None, Some(scores)) => section #data { h2 { "Labels" } (labels::co_occurrence(scores)) },
                (None, None) => {}
            }
            (cases::of_labels(test, labels))
        } @else {
            (figures::section(models, test))
            (figures::classes(test))
            (subgroups::section(test))
            (parts::confusion(test, plots))
            (parts::curves(test, plots))
            (parts::calibration(report, test, plots))
            @if report.is_some() { (parts::shortcut(test, plots)) }
            (cases::section(test))
        }
    }
}

/// Renders a page that needs no other file, no script and no network.
fn document(title: &str, task: Task, header: &Markup, main: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched and no script runs, regardless of file names.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { (title) }
                style {
                    (PreEscaped(STYLE)) (PreEscaped(svg::STYLE))
                    @if !task.is_multi_class() { (PreEscaped(LABELS_STYLE)) }
                }
            }
            body {
                (header)
                main { (main) }
                footer { p { "Thorax " (env!("CARGO_PKG_VERSION")) ": for research and teaching, not for clinical use." } }
            }
        }
    };
    svg::legible(markup.into_string())
}

/// Renders a plot by its name, where the run has it.
fn plot(plots: Plots<'_>, name: &str) -> Markup {
    html! {
        @if let Some(drawing) = plots.iter().find(|drawing| drawing.name == name) {
            figure.drawing {
                figcaption { strong { (drawing.title) } }
                (drawing.inline())
            }
        }
    }
}
