//! Plots of several findings an image: a forest plot of areas, and small panels of curves, one a label.

use maud::{Markup, html};
use metrics::{Figure, Reliability, Scores, Undefined, wilson};

use super::curves::steps;
use crate::{
    Test, number,
    svg::{Drawing, PlotFrame, Scale, TextAnchor, path, px, series, upright, wrapped},
};

/// Forest plot: names at the left, intervals in the middle, numbers at the right, a row each.
const LEFT: f64 = 140.0;
const RIGHT: f64 = 344.0;
const TOP: f64 = 26.0;
const ROW: f64 = 30.0;

/// Panel: its size and the ends of its axes, in pixels.
const PANEL: [f64; 2] = [170.0, 158.0];
const PANEL_X: [f64; 2] = [30.0, 160.0];
const PANEL_Y: [f64; 2] = [134.0, 10.0];
/// Number of panels in a row of a file.
const COLUMNS: usize = 4;
/// Height of a panel's two lines of text in a file.
const CAPTION: f64 = 40.0;
/// Largest number of points of a curve in a panel.
const POINTS: usize = 100;

/// Draws the ROC AUC of each label with its interval, and their mean.
pub(super) fn forest(test: &Test) -> Drawing {
    let saved = &test.saved;
    let labels = saved.by_label("roc_auc");
    let mut rows: Vec<(String, Figure)> =
        labels.into_iter().map(|(label, figure)| (label.to_owned(), figure)).collect();
    rows.push(("macro mean".to_owned(), saved.figure("macro_roc_auc")));
    let lowest = rows
        .iter()
        .flat_map(|(_, figure)| figure.value.into_iter().chain(figure.interval.map(|ends| ends[0])));
    // One half is always on the axis, with room to its left.
    let lowest = lowest.filter(|value| value.is_finite()).fold(0.5, f64::min);
    let low = ((lowest - 0.02).max(0.0) * 10.0).floor() / 10.0;
    let bottom = TOP + ROW * rows.len() as f64;
    let frame =
        PlotFrame { x: Scale::linear(low, 1.0, LEFT, RIGHT), y: Scale::linear(0.0, 1.0, bottom, TOP) };
    let ticks = frame.x.ticks(4);
    let body = html! {
        (frame.axes("ROC AUC, with 95 % interval", &ticks, "", &[]))
        (frame.guide((0.5, 0.0), (0.5, 1.0)))
        (frame.word((0.5, 1.0), (0.0, -9.0), TextAnchor::Middle, "guessing"))
        @for (at, (name, figure)) in rows.iter().enumerate() {
            (forest_row(&frame, TOP + ROW * (at as f64 + 0.5), name, figure, usize::from(at + 1 == rows.len())))
        }
    };
    let words = rows.iter().map(|(name, figure)| format!("{name}: {}", number::short(figure)));
    Drawing {
        name: "labels",
        title: "ROC AUC of each label".to_owned(),
        description: format!("{}.", words.collect::<Vec<_>>().join("; ")),
        size: [480.0, bottom + 46.0],
        body,
    }
}

fn forest_row(frame: &PlotFrame, y: f64, name: &str, figure: &Figure, index: usize) -> Markup {
    let lines = wrapped(name, 17, 2);
    let up = lines.len().saturating_sub(1) as f64 * 7.0;
    html! {
        @for (line, words) in lines.iter().enumerate() {
            text x=(px(LEFT - 10.0)) y=(px(y + 4.0 - up + 14.0 * line as f64)) text-anchor="end" { (words) }
        }
        g class=(series(index)) {
            @if let Some(value) = figure.value { circle.dot cx=(px(frame.x.at(value))) cy=(px(y)) r="4.5" {} }
            // Over the dot, whose edge would hide a short interval.
            @if let Some([low, high]) = figure.interval {
                path.whisker d=(path([(frame.x.at(low), y), (frame.x.at(high), y)])) {}
            }
        }
        text.note x=(px(RIGHT + 10.0)) y=(px(y + 4.0)) { (number::short(figure)) }
    }
}

/// Small plots of the same axes, one a label.
pub(crate) struct Panels {
    name: &'static str,
    title: &'static str,
    x_name: &'static str,
    y_name: &'static str,
    panels: Vec<Panel>,
}

struct Panel {
    label: String,
    /// Figure of the panel, or the reason why it is empty.
    note: String,
    body: Markup,
}

impl Panels {
    /// Draws the ROC curve of each label.
    pub(crate) fn roc(test: &Test, scores: &Scores) -> Self {
        let panels = panels(test, ("AUC", "roc_auc"), |label, frame| {
            let curve = metrics::roc_curve(scores, label)?;
            let points = curve.iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
            let points = evenly(points.collect());
            Ok(html! { (frame.guide((0.0, 0.0), (1.0, 1.0))) (frame.line(0, points.into_iter())) })
        });
        let (x_name, y_name) = ("false positive rate (1 − specificity)", "true positive rate (sensitivity)");
        Self { name: "roc", title: "ROC curves", x_name, y_name, panels }
    }

    /// Draws the precision-recall curve of each label.
    pub(crate) fn precision_recall(test: &Test, scores: &Scores) -> Self {
        let panels = panels(test, ("AP", "average_precision"), |label, frame| {
            let curve = metrics::precision_recall_curve(scores, label)?;
            let points = curve.iter().map(|point| (point.recall, point.precision)).collect();
            // The last point holds every known image: its precision is that of guessing.
            let share = curve.last().map_or(0.0, |point| point.precision);
            Ok(html! {
                (frame.guide((0.0, share), (1.0, share)))
                (frame.line(0, steps(evenly(points).into_iter())))
            })
        });
        let (x_name, y_name) = ("recall (sensitivity)", "precision");
        Self { name: "precision-recall", title: "Precision-recall curves", x_name, y_name, panels }
    }

    /// Draws the share of positive images by probability, for each label.
    pub(crate) fn reliability(test: &Test, scores: &Scores) -> Self {
        let panels = panels(test, ("error", "expected_calibration_error"), |label, frame| {
            let reliability = Reliability::of_label(scores, label);
            if reliability.bins.iter().all(|bin| bin.count == 0) {
                return Err(Undefined::NeverKnown(label));
            }
            let dots = reliability
                .bins
                .iter()
                .filter_map(|bin| Some((bin.mean_confidence?, bin.accuracy?, bin.count)));
            Ok(html! {
                (frame.guide((0.0, 0.0), (1.0, 1.0)))
                @for (p, share, count) in dots {
                    @let interval = wilson(share, count as f64);
                    @let (x, y) = (frame.x.at(p), frame.y.at(share));
                    path.whisker.s0 d=(path([(x, frame.y.at(interval.low)), (x, frame.y.at(interval.high))])) {}
                    circle.dot.s0 cx=(px(x)) cy=(px(y)) r="3.5" {}
                }
            })
        });
        let (x_name, y_name) = ("probability of the label", "share of images that have it");
        Self { name: "reliability", title: "Reliability diagrams", x_name, y_name, panels }
    }

    /// Renders the panels as a part of a page, as many in a row as fit.
    pub(crate) fn inline(&self) -> Markup {
        html! {
            h3 { (self.title) }
            p.soft { "Across: " (self.x_name) ". Up: " (self.y_name) "." }
            div.panels {
                @for panel in &self.panels {
                    figure.panel {
                        figcaption { strong.name { (panel.label) } span.interval { (panel.note) } }
                        svg.plot xmlns="http://www.w3.org/2000/svg" role="img" aria-label={ (self.title) ", " (panel.label) ": " (panel.note) }
                            viewBox={ "0 0 " (px(PANEL[0])) " " (px(PANEL[1])) } { (axes()) (panel.body) }
                    }
                }
            }
        }
    }

    /// Draws all panels as one file.
    pub(super) fn drawing(&self) -> Drawing {
        let columns = self.panels.len().clamp(1, COLUMNS);
        let rows = self.panels.len().div_ceil(columns);
        let (width, height) = (44.0 + PANEL[0] * columns as f64, (PANEL[1] + CAPTION) * rows as f64);
        let place = |at: usize| {
            (24.0 + PANEL[0] * (at % columns) as f64, (PANEL[1] + CAPTION) * (at / columns) as f64)
        };
        let body = html! {
            @for (at, panel) in self.panels.iter().enumerate() {
                @let (x, y) = place(at);
                g transform={ "translate(" (px(x)) " " (px(y)) ")" } {
                    @for words in wrapped(&panel.label, 22, 1) { text.strong x=(px(PANEL_X[0])) y="18" { (words) } }
                    @for words in wrapped(&panel.note, 26, 1) { text.small x=(px(PANEL_X[0])) y="33" { (words) } }
                    g transform={ "translate(0 " (px(CAPTION)) ")" } { (axes()) (panel.body) }
                }
            }
            text.name x=(px(width / 2.0)) y=(px(height + 16.0)) text-anchor="middle" { (self.x_name) }
            (upright(14.0, height / 2.0, self.y_name))
        };
        let words: Vec<String> =
            self.panels.iter().map(|panel| format!("{}: {}", panel.label, panel.note)).collect();
        Drawing {
            name: self.name,
            title: format!("{} of each label", self.title),
            description: format!("{} by {}. {}.", self.y_name, self.x_name, words.join("; ")),
            size: [width.max(320.0), height + 26.0],
            body,
        }
    }
}

fn panels(
    test: &Test,
    (short, key): (&str, &str),
    draw: impl Fn(usize, &PlotFrame) -> Result<Markup, Undefined>,
) -> Vec<Panel> {
    let figures = test.saved.by_label(key);
    let panel = |(at, label): (usize, &String)| {
        let (body, note) = match draw(at, &frame()) {
            Ok(body) => (
                body,
                figures
                    .get(at)
                    .map_or(String::new(), |(_, figure)| format!("{short} {}", number::short(figure))),
            ),
            Err(why) => (html! {}, reason(why).to_owned()),
        };
        Panel { label: label.clone(), note, body }
    };
    test.labels().iter().enumerate().map(panel).collect()
}

/// Returns the reason why a panel is empty, without the label, which stands above it.
fn reason(why: Undefined) -> &'static str {
    match why {
        Undefined::NeverKnown(_) => "known in no image",
        Undefined::NoPositive(_) => "no known positive image",
        Undefined::NoNegative(_) => "no known negative image",
        _ => "no value",
    }
}

fn frame() -> PlotFrame {
    PlotFrame { x: Scale::share(PANEL_X[0], PANEL_X[1]), y: Scale::share(PANEL_Y[0], PANEL_Y[1]) }
}

/// Renders the axes of a panel, without names.
fn axes() -> Markup {
    let frame = frame();
    let ([left, right], [bottom, top]) = (PANEL_X, PANEL_Y);
    let ticks = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")];
    html! {
        g.grid {
            @for (value, _) in ticks {
                @let (x, y) = (px(frame.x.at(value)), px(frame.y.at(value)));
                line x1=(x) x2=(x) y1=(px(top)) y2=(px(bottom)) {}
                line y1=(y) y2=(y) x1=(px(left)) x2=(px(right)) {}
            }
        }
        path.axis d=(path([(left, top), (left, bottom), (right, bottom)])) {}
        g.tick {
            @for (value, word) in ticks {
                text x=(px(frame.x.at(value))) y=(px(bottom + 16.0)) text-anchor="middle" { (word) }
                text x=(px(left - 6.0)) y=(px(frame.y.at(value) + 4.0)) text-anchor="end" { (word) }
            }
        }
    }
}

/// Keeps at most [`POINTS`] points of a curve, about as far from each other along it, and both ends.
fn evenly(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points;
    }
    let far = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs();
    let whole: f64 = points.windows(2).map(|pair| far(pair[0], pair[1])).sum();
    let step = whole / (POINTS - 2) as f64;
    let (mut kept, mut gone) = (vec![points[0]], 0.0);
    for pair in points.windows(2) {
        gone += far(pair[0], pair[1]);
        if gone >= step {
            kept.push(pair[1]);
            gone = 0.0;
        }
    }
    if kept.last() != points.last() {
        kept.extend(points.last());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_ends_and_a_hundred_points() {
        let many: Vec<(f64, f64)> =
            (0..=20_000).map(|at| (f64::from(at) / 2e4, (f64::from(at) / 2e4).sqrt())).collect();
        let kept = evenly(many);
        assert!((80..=POINTS).contains(&kept.len()), "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
        assert_eq!(evenly(vec![(0.0, 1.0)]), [(0.0, 1.0)]);
    }
}
