//! Reliability diagram: accuracy by confidence.

use maud::{Markup, html};
use metrics::{RELIABILITY_BINS, Reliability, ReliabilityBin, Scores, wilson};

use crate::{
    number,
    svg::{Drawing, PlotFrame, Scale, TextAnchor, legend, path, px, upright},
};

const LEFT: f64 = 62.0;
const RIGHT: f64 = 464.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 346.0;
/// Position of the bars of image counts, below the diagram's own axis names.
const BARS_TOP: f64 = BOTTOM + 66.0;
const BARS_BOTTOM: f64 = BOTTOM + 146.0;
const LEGEND: f64 = BARS_BOTTOM + 62.0;

/// Draws accuracy by confidence with Wilson intervals, and the number of images below.
pub(super) fn diagram(scores: &Scores) -> Drawing {
    let reliability = Reliability::new(scores);
    let frame = PlotFrame { x: Scale::share(LEFT, RIGHT), y: Scale::share(BOTTOM, TOP) };
    let (x_ticks, y_ticks) = (frame.x.ticks(5), frame.y.ticks(5));
    let bins: Vec<&ReliabilityBin> = reliability.bins.iter().filter(|bin| bin.count > 0).collect();
    let body = html! {
        (frame.axes("confidence (highest probability)", &x_ticks, "accuracy (share right)", &y_ticks))
        (frame.guide((0.0, 0.0), (1.0, 1.0)))
        (frame.word((0.3, 0.3), (-8.0, -8.0), TextAnchor::End, "perfect"))
        @for bin in &bins { (dot(&frame, bin)) }
        (bars(&reliability))
        (legend(LEFT, LEGEND, &["a bin's mean confidence and accuracy (95 % interval)".to_owned()]).0)
    };
    let words = bins.iter().map(|bin| {
        let [confidence, accuracy] = [bin.mean_confidence, bin.accuracy].map(number::figure);
        format!(
            "{} at confidence {confidence}: accuracy {accuracy}",
            number::count(bin.count as usize, "image")
        )
    });
    Drawing {
        name: "reliability",
        title: "Reliability diagram".to_owned(),
        description: format!(
            "{} bins of confidence. {}.",
            RELIABILITY_BINS,
            words.collect::<Vec<_>>().join("; ")
        ),
        size: [480.0, LEGEND + 16.0],
        body,
    }
}

fn dot(frame: &PlotFrame, bin: &ReliabilityBin) -> Markup {
    let (Some(confidence), Some(accuracy)) = (bin.mean_confidence, bin.accuracy) else { return html! {} };
    let interval = wilson(accuracy, bin.count as f64);
    let (x, y) = (frame.x.at(confidence), frame.y.at(accuracy));
    // The more images, the larger the dot, like on a map.
    let radius = 3.0 + (bin.count as f64).sqrt().min(20.0) / 4.0;
    html! {
        path.whisker.s0 d=(path([(x, frame.y.at(interval.low)), (x, frame.y.at(interval.high))])) {}
        circle.dot.s0 cx=(px(x)) cy=(px(y)) r=(px(radius)) {}
    }
}

fn bars(reliability: &Reliability) -> Markup {
    let most = reliability.bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    let frame = PlotFrame {
        x: Scale::share(LEFT, RIGHT),
        y: Scale::linear(0.0, most as f64 * 1.25, BARS_BOTTOM, BARS_TOP),
    };
    html! {
        path.axis d=(path([(LEFT, BARS_BOTTOM), (RIGHT, BARS_BOTTOM)])) {}
        @for bin in reliability.bins.iter().filter(|bin| bin.count > 0) {
            @let (left, right) = (frame.x.at(bin.low) + 1.0, frame.x.at(bin.high) - 1.0);
            @let top = frame.y.at(bin.count as f64);
            rect.column.s0 x=(px(left)) y=(px(top)) width=(px(right - left)) height=(px(BARS_BOTTOM - top)) {}
            text.note x=(px((left + right) / 2.0)) y=(px(top - 4.0)) text-anchor="middle" { (bin.count) }
        }
        g.tick {
            @for (value, word) in frame.x.ticks(5) { text x=(px(frame.x.at(value))) y=(px(BARS_BOTTOM + 18.0)) text-anchor="middle" { (word) } }
        }
        text.name x=(px((LEFT + RIGHT) / 2.0)) y=(px(BARS_BOTTOM + 38.0)) text-anchor="middle" { "confidence, in 15 bins" }
        (upright(LEFT - 42.0, (BARS_TOP + BARS_BOTTOM) / 2.0, "images"))
    }
}
