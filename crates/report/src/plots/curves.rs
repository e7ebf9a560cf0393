//! ROC and precision-recall curves, each class against all others.

use maud::{Markup, html};
use metrics::Scores;

use crate::{
    Test, number,
    svg::{Drawing, PlotFrame, Scale, TextAnchor, legend},
};

const LEFT: f64 = 62.0;
const RIGHT: f64 = 464.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 416.0;
const LEGEND: f64 = BOTTOM + 64.0;

/// Draws the ROC curves: sensitivity by false alarms, at every threshold.
pub(super) fn roc(test: &Test, scores: &Scores) -> Drawing {
    let curve = |class| metrics::roc_curve(scores, class);
    let curves: Vec<_> = (0..scores.n_labels()).map(curve).collect();
    let frame = frame();
    let lines = html! {
        (frame.guide((0.0, 0.0), (1.0, 1.0)))
        (frame.word((0.62, 0.62), (8.0, 18.0), TextAnchor::Start, "guessing"))
        @for (class, curve) in curves.iter().enumerate() {
            @if let Ok(points) = curve {
                (frame.line(class, points.iter().map(|point| (point.false_positive_rate, point.true_positive_rate))))
            }
        }
    };
    let labels = test.labels();
    let names = names(test, "AUC", "roc_auc", |class| {
        curves[class].as_ref().err().map(|why| why.named(&labels).to_string())
    });
    drawing(
        "roc",
        "ROC curves",
        "false positive rate (1 − specificity)",
        "true positive rate (sensitivity)",
        lines,
        &names,
    )
}

/// Draws the precision-recall curves: precision by sensitivity, at every threshold.
pub(super) fn precision_recall(test: &Test, scores: &Scores) -> Drawing {
    let curve = |class| metrics::precision_recall_curve(scores, class);
    let curves: Vec<_> = (0..scores.n_labels()).map(curve).collect();
    let frame = frame();
    let share = |class: usize| {
        scores.classes().iter().filter(|&&label| label == class).count() as f64 / scores.len().max(1) as f64
    };
    let mut baselines: Vec<f64> = (0..scores.n_labels()).map(share).collect();
    baselines.sort_by(f64::total_cmp);
    baselines.dedup_by(|a, b| (*a - *b).abs() < 0.005);
    let lines = html! {
        // Classes of equal size share their baseline; many of different sizes would hide the curves.
        @for &baseline in baselines.iter().take(5) {
            (frame.guide((0.0, baseline), (1.0, baseline)))
            (frame.word((0.0, baseline), (6.0, -5.0), TextAnchor::Start, &format!("guessing: {}", number::percent(baseline))))
        }
        @for (class, curve) in curves.iter().enumerate() {
            @if let Ok(points) = curve { (frame.line(class, steps(points.iter().map(|point| (point.recall, point.precision))))) }
        }
    };
    let labels = test.labels();
    let names = names(test, "AP", "average_precision", |class| {
        curves[class].as_ref().err().map(|why| why.named(&labels).to_string())
    });
    drawing("precision-recall", "Precision-recall curves", "recall (sensitivity)", "precision", lines, &names)
}

/// Converts points to steps. A step ends at its right: the area below is average precision.
pub(super) fn steps(points: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut before: Option<f64> = None;
    points.flat_map(move |(recall, precision)| {
        let corner =
            before.replace(recall).filter(|before| *before < recall).map(|before| (before, precision));
        corner.into_iter().chain([(recall, precision)])
    })
}

fn frame() -> PlotFrame {
    PlotFrame { x: Scale::share(LEFT, RIGHT), y: Scale::share(BOTTOM, TOP) }
}

/// Makes the rows of the legend: the class with the area and its interval, or the reason why it has no curve.
fn names(test: &Test, area: &str, key: &str, why: impl Fn(usize) -> Option<String>) -> Vec<String> {
    let figures = test.saved.by_label(key);
    let name = |(class, label): (usize, &String)| {
        let label: String = if label.chars().count() > 24 {
            label.chars().take(23).chain(['…']).collect()
        } else {
            label.clone()
        };
        match (why(class), figures.get(class)) {
            (Some(why), _) => format!("{label}: no curve, {why}"),
            (None, Some((_, figure))) => format!("{label}: {area} {}", number::short(figure)),
            (None, None) => label,
        }
    };
    test.labels().iter().enumerate().map(name).collect()
}

fn drawing(
    name: &'static str,
    title: &str,
    x_name: &str,
    y_name: &str,
    lines: Markup,
    names: &[String],
) -> Drawing {
    let frame = frame();
    let (x_ticks, y_ticks) = (frame.x.ticks(5), frame.y.ticks(5));
    let (rows, height) = legend(LEFT, LEGEND, names);
    let body = html! {
        (frame.axes(x_name, &x_ticks, y_name, &y_ticks))
        (lines)
        (rows)
    };
    Drawing {
        name,
        title: format!("{title}, each class against all others"),
        description: format!("{y_name} by {x_name}. {}.", names.join("; ")),
        size: [480.0, LEGEND + height],
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_to_its_precision_first() {
        let path: Vec<_> = steps([(0.0, 1.0), (0.5, 1.0), (0.5, 0.6), (1.0, 0.7)].into_iter()).collect();
        assert_eq!(path, [(0.0, 1.0), (0.0, 1.0), (0.5, 1.0), (0.5, 0.6), (0.5, 0.7), (1.0, 0.7)]);
    }
}
