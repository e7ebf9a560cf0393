//! Accuracy, or macro ROC AUC of findings, of a model with a part of each image hidden.

use maud::{Markup, html};

use metrics::{Figure, Task};

use crate::{
    Test, number,
    svg::{Drawing, PlotFrame, Scale, TextAnchor, path, px},
};

const LEFT: f64 = 132.0;
const RIGHT: f64 = 456.0;
const TOP: f64 = 30.0;
const ROW: f64 = 40.0;

/// Draws accuracies, or the macro ROC AUCs of findings, with their intervals, a row each.
pub(super) fn figures(test: &Test) -> Drawing {
    let (key, title, unit) = match test.saved.task() {
        Task::MultiClass => ("accuracy", "Accuracy", "accuracy (share of images right)"),
        Task::MultiLabel => ("macro_roc_auc", "Macro ROC AUC", "macro ROC AUC"),
    };
    let hidden = test.occluded().map(|(part, figures)| (format!("{part} hidden"), figures.figure(key)));
    let whole = ("nothing hidden".to_owned(), test.saved.figure(key));
    let rows: Vec<(String, Figure)> = [whole].into_iter().chain(hidden).collect();
    let bottom = TOP + ROW * rows.len() as f64;
    let frame = PlotFrame { x: Scale::share(LEFT, RIGHT), y: Scale::linear(0.0, 1.0, bottom, TOP) };
    let ticks = frame.x.ticks(5);
    let guessing = match test.saved.task() {
        Task::MultiClass => guessing(test).map(|share| (share, "always the most frequent class")),
        Task::MultiLabel => Some((0.5, "guessing")),
    };
    let body = html! {
        (frame.axes(&format!("{unit}, with 95 % interval"), &ticks, "", &[]))
        @if let Some((share, word)) = guessing {
            (frame.guide((share, 0.0), (share, 1.0)))
            (frame.word((share, 1.0), (0.0, -9.0), TextAnchor::Middle, word))
        }
        @for (at, (name, figure)) in rows.iter().enumerate() {
            (row(&frame, TOP + ROW * (at as f64 + 0.5), name, figure, usize::from(at > 0)))
        }
    };
    let words = rows.iter().map(|(name, figure)| format!("{name}: {}", number::short(figure)));
    Drawing {
        name: "shortcut",
        title: format!("{title} with part of each image hidden"),
        description: format!("{}.", words.collect::<Vec<_>>().join("; ")),
        size: [480.0, bottom + 46.0],
        body,
    }
}

fn row(frame: &PlotFrame, y: f64, name: &str, figure: &Figure, series: usize) -> Markup {
    html! {
        text x=(px(LEFT - 12.0)) y=(px(y + 4.0)) text-anchor="end" { (name) }
        g class=(crate::svg::series(series)) {
            @if let Some([low, high]) = figure.interval {
                path.whisker d=(path([(frame.x.at(low), y), (frame.x.at(high), y)])) {}
            }
            @if let Some(value) = figure.value {
                @let x = frame.x.at(value);
                circle.dot cx=(px(x)) cy=(px(y)) r="5.5" {}
                text.note x=(px(x)) y=(px(y - 10.0)) text-anchor="middle" { (format!("{value:.3}")) }
            }
        }
    }
}

/// Returns the share of the most frequent class.
pub(crate) fn guessing(test: &Test) -> Option<f64> {
    let supports: Vec<u64> = test.saved.multi_class()?.classes.iter().map(|class| class.support).collect();
    let all: u64 = supports.iter().sum();
    (all > 0).then(|| supports.iter().max().map(|&most| most as f64 / all as f64)).flatten()
}
