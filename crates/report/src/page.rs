//! Report page: its sections and their order.

mod cases;
mod checklist;
mod data;
mod figures;
mod head;
mod labels;
mod limits;
mod parts;
mod settings;
mod subgroups;

use maud::{DOCTYPE, PreEscaped, html};

use crate::{
    Report, plots,
    svg::{self, Drawing},
};

const STYLE: &str = include_str!("page/page.css");
/// Style rules that only pages of findings need.
const LABELS_STYLE: &str = include_str!("page/labels.css");
/// Plots of the run.
type Plots<'a> = &'a [Drawing];

/// Makes the page of a run: HTML that needs no other file, no script and no network.
pub fn page(report: &Report) -> String {
    let drawings = plots::drawings(report);
    let plots: Plots<'_> = &drawings;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched and no script runs, regardless of file names.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { "Report of " (report.name) }
                style {
                    (PreEscaped(STYLE)) (PreEscaped(svg::STYLE))
                    @if !report.record.task.is_multi_class() { (PreEscaped(LABELS_STYLE)) }
                }
            }
            body {
                (head::head(report))
                main {
                    (data::section(report))
                    (parts::learning(report, plots))
                    @if let Some(test) = &report.test {
                        @if let Some(labels) = test.record.saved.multi_label() {
                            (labels::over_labels(report, test, labels))
                            (labels::by_label(test, labels, plots))
                            (subgroups::section(test))
                            (labels::curves(report, test))
                            (labels::calibration(report, test, labels))
                            (parts::shortcut(test, plots))
                            (cases::of_labels(report, test, labels))
                        } @else {
                            (figures::section(report, test))
                            (figures::classes(test))
                            (parts::confusion(report, test, plots))
                            (parts::curves(test, plots))
                            (parts::calibration(report, test, plots))
                            (parts::shortcut(test, plots))
                            (cases::section(report, test))
                        }
                    }
                    (settings::speed(report))
                    (settings::section(report))
                    (settings::origin(report))
                    (checklist::section(report))
                    (limits::section(report))
                }
                footer { p { "Thorax " (env!("CARGO_PKG_VERSION")) ": for research and teaching, not for clinical use." } }
            }
        }
    };
    svg::legible(markup.into_string())
}

/// Renders a plot by its name, where the run has it.
fn plot(plots: Plots<'_>, name: &str) -> maud::Markup {
    html! {
        @if let Some(drawing) = plots.iter().find(|drawing| drawing.name == name) {
            figure.drawing {
                figcaption { strong { (drawing.title) } }
                (drawing.inline())
            }
        }
    }
}
