//! Learning curves.

use maud::{Markup, html};

use experiment::EpochRow;
use metrics::Task;

use crate::{
    Report,
    svg::{Drawing, PlotFrame, Scale, TextAnchor, legend, px},
};

const LEFT: f64 = 62.0;
const RIGHT: f64 = 464.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 256.0;
const LEGEND: f64 = BOTTOM + 62.0;

/// Draws training and validation loss by epoch.
pub(super) fn loss(report: &Report) -> Drawing {
    let values = report.history.iter().flat_map(|row| [row.loss, row.val_loss]);
    let y = Scale::of_losses(values.filter(|value| value.is_finite()), BOTTOM, TOP);
    let training = match (report.weighted(), report.record.task) {
        (true, Task::MultiClass) => "training (weighted by class, dropout on)",
        (true, Task::MultiLabel) => "training (positive images weighted, dropout on)",
        (false, _) => "training (dropout on)",
    };
    let names = [training.to_owned(), "validation".to_owned()];
    let unit = if y.is_logarithmic() { "crossentropy (nats, log scale)" } else { "crossentropy (nats)" };
    let body = curves(report, y, unit, &names, |row| [row.loss, row.val_loss]);
    drawing("loss", "Loss by epoch", report, body, |row| {
        format!("The validation loss was lowest in epoch {}: {:.4}.", row.epoch, row.val_loss)
    })
}

/// Draws training and validation accuracy by epoch, or the macro ROC AUC of findings.
pub(super) fn accuracy(report: &Report) -> Drawing {
    let names = ["training (dropout on)".to_owned(), "validation".to_owned()];
    let of = |row: &EpochRow| {
        let both = [row.accuracy.or(row.auc), row.val_accuracy.or(row.val_auc)];
        both.map(|value| value.unwrap_or(f64::NAN))
    };
    let lowest = report.history.iter().flat_map(of).filter(|value| value.is_finite()).fold(1.0, f64::min);
    // If all values are above one half, the lower half would be empty.
    let y = Scale::linear(if lowest >= 0.5 { 0.5 } else { 0.0 }, 1.0, BOTTOM, TOP);
    let (name, title, unit) = match report.record.task {
        Task::MultiClass => ("accuracy", "Accuracy by epoch", "share of images right"),
        Task::MultiLabel => ("auc", "Macro ROC AUC by epoch", "macro ROC AUC"),
    };
    let figure = if report.record.task.is_multi_class() { "accuracy" } else { "macro ROC AUC" };
    let body = curves(report, y, unit, &names, of);
    drawing(name, title, report, body, |row| {
        let [_, value] = of(row);
        format!("In epoch {}, whose weights were saved, the validation {figure} was {value:.4}.", row.epoch)
    })
}

fn drawing(
    name: &'static str,
    title: &str,
    report: &Report,
    body: Markup,
    says: impl Fn(&EpochRow) -> String,
) -> Drawing {
    let description = format!("Lines of training and validation over {} epochs.", report.history.len());
    let description = [description].into_iter().chain(report.best().map(says)).collect::<Vec<_>>().join(" ");
    Drawing { name, title: title.to_owned(), description, size: [480.0, LEGEND + 36.0], body }
}

fn curves(
    report: &Report,
    y: Scale,
    y_name: &str,
    names: &[String],
    of: impl Fn(&EpochRow) -> [f64; 2],
) -> Markup {
    let rows = &report.history;
    let [first, last] = [rows.first(), rows.last()].map(|row| row.map_or(1.0, |row| row.epoch as f64));
    let frame = PlotFrame { x: Scale::linear(first, last, LEFT, RIGHT), y };
    let (x_ticks, y_ticks) = (frame.x.whole_ticks(7), frame.y.ticks(5));
    let x_ticks = if rows.len() == 1 { x_ticks.into_iter().take(1).collect() } else { x_ticks };
    html! {
        (frame.axes("epoch", &x_ticks, y_name, &y_ticks))
        @if let Some(best) = report.best() { (mark(&frame, best.epoch)) }
        @for series in 0..2 {
            (frame.line(series, rows.iter().map(|row| (row.epoch as f64, of(row)[series]))))
            // A line of one point would be invisible.
            @if rows.len() == 1 { (dot(&frame, series, rows[0].epoch, of(&rows[0])[series])) }
        }
        @if let Some(best) = report.best() { (dot(&frame, 1, best.epoch, of(best)[1])) }
        (legend(LEFT, LEGEND, names).0)
    }
}

/// Marks the epoch of the saved weights.
fn mark(frame: &PlotFrame, epoch: u64) -> Markup {
    let x = frame.x.at(epoch as f64);
    let place = if x > (LEFT + RIGHT) / 2.0 { TextAnchor::End } else { TextAnchor::Start };
    html! {
        path.guide d=(crate::svg::path([(x, TOP), (x, BOTTOM)])) {}
        text.note x=(px(x)) y=(px(TOP - 9.0)) text-anchor=(place.word()) { "saved: epoch " (epoch) }
    }
}

fn dot(frame: &PlotFrame, series: usize, epoch: u64, value: f64) -> Markup {
    html! {
        @if value.is_finite() {
            circle class={ "dot " (crate::svg::series(series)) } r="4.5" cx=(px(frame.x.at(epoch as f64))) cy=(px(frame.y.at(value))) {}
        }
    }
}
