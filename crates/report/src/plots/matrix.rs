//! Confusion matrix as a heat map.

use maud::{Markup, html};

use crate::{
    Test, number,
    svg::{Drawing, px, upright, wrapped},
};

/// Largest number of classes whose cells have room for numbers; beyond the next constant there are no labels either.
const NUMBERED: usize = 12;
const LABELLED: usize = 30;
const LEFT: f64 = 132.0;
const TOP: f64 = 14.0;
const SIDE: f64 = 324.0;

/// Draws counts and shares of each true class; none where there are no images.
pub(super) fn confusion(test: &Test) -> Option<Drawing> {
    let matrix = &test.saved.multi_class()?.confusion_matrix;
    let (n, total) = (matrix.len(), matrix.iter().flatten().sum::<u64>());
    if n == 0 || total == 0 {
        return None;
    }
    let right: u64 = (0..n).filter_map(|class| matrix[class].get(class)).sum();
    let cell = SIDE / n as f64;
    let body = html! {
        @for (row, counts) in matrix.iter().enumerate() {
            @let images: u64 = counts.iter().sum();
            @for (column, &count) in counts.iter().enumerate() {
                @let share = if images > 0 { count as f64 / images as f64 } else { 0.0 };
                (self::cell([LEFT + cell * column as f64, TOP + cell * row as f64], cell, count, share, n <= NUMBERED))
            }
        }
        // Labels of more classes would overlap.
        @if n <= LABELLED { (labels(&test.labels(), cell)) }
        text.name x=(px(LEFT + SIDE / 2.0)) y=(px(TOP + SIDE + 58.0)) text-anchor="middle" { "predicted class" }
        (upright(18.0, TOP + SIDE / 2.0, "true class"))
        (bar())
    };
    Some(Drawing {
        name: "confusion-matrix",
        title: "Confusion matrix".to_owned(),
        description: format!(
            "Rows are true classes, columns predicted ones; {right} of {total} images lie on the diagonal and are right. \
             Colour is the share of the true class's images."
        ),
        size: [560.0, TOP + SIDE + 70.0],
        body,
    })
}

fn cell([x, y]: [f64; 2], side: f64, count: u64, share: f64, numbered: bool) -> Markup {
    let (middle, on) = ((x + side / 2.0, y + side / 2.0), share > 0.55);
    // Small cells hold smaller numbers, and the smallest no shares.
    let (size, shares) = ((side / 4.5).clamp(9.0, 20.0), side >= 52.0);
    html! {
        rect.heat x=(px(x)) y=(px(y)) width=(px(side)) height=(px(side)) fill-opacity=(format!("{share:.3}")) {}
        rect.cell x=(px(x)) y=(px(y)) width=(px(side)) height=(px(side)) {}
        @if numbered {
            text.count.on[on] x=(px(middle.0)) y=(px(middle.1 + if shares { 1.0 } else { 5.0 })) text-anchor="middle"
                style={ "font-size:" (px(size)) "px" } { (number::whole(count)) }
            @if shares {
                text.small.on[on] x=(px(middle.0)) y=(px(middle.1 + 19.0)) text-anchor="middle" { (number::percent(share)) }
            }
        }
    }
}

fn labels(classes: &[String], cell: f64) -> Markup {
    let few = classes.len() <= 6;
    let rows = if cell >= 34.0 { 2 } else { 1 };
    // About 6.6 pixels a character of this size.
    let width = if few { (cell / 7.0) as usize } else { 12 };
    html! {
        g.tick {
            @for (class, label) in classes.iter().enumerate() {
                @let middle = cell * (class as f64 + 0.5);
                @let lines = wrapped(label, 13, rows);
                @for (line, words) in lines.iter().enumerate() {
                    @let up = (lines.len() - 1) as f64 * 7.5;
                    text x=(px(LEFT - 10.0)) y=(px(TOP + middle + 4.0 - up + 15.0 * line as f64)) text-anchor="end" { (words) }
                }
                @if few {
                    @for (line, words) in wrapped(label, width.max(6), 2).iter().enumerate() {
                        text x=(px(LEFT + middle)) y=(px(TOP + SIDE + 17.0 + 15.0 * line as f64)) text-anchor="middle" { (words) }
                    }
                } @else {
                    @let (x, y) = (px(LEFT + middle + 4.0), px(TOP + SIDE + 12.0));
                    text x=(x) y=(y) text-anchor="end" transform={ "rotate(-40 " (x) " " (y) ")" } {
                        @for words in wrapped(label, 9, 1) { (words) }
                    }
                }
            }
        }
    }
}

/// Renders the colour bar with its meaning.
fn bar() -> Markup {
    let (x, width, steps) = (LEFT + SIDE + 22.0, 14.0, 10);
    let step = SIDE / f64::from(steps);
    html! {
        @for at in 0..steps {
            @let share = (f64::from(at) + 0.5) / f64::from(steps);
            rect.heat x=(px(x)) y=(px(TOP + SIDE - step * f64::from(at + 1))) width=(px(width)) height=(px(step))
                fill-opacity=(format!("{share:.2}")) {}
        }
        rect.cell x=(px(x)) y=(px(TOP)) width=(px(width)) height=(px(SIDE)) {}
        g.tick {
            @for (share, word) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
                text x=(px(x + width + 6.0)) y=(px(TOP + SIDE * (1.0 - share) + if share == 1.0 { 10.0 } else if share == 0.0 { 0.0 } else { 4.0 })) { (word) }
            }
        }
        (upright(x + width + 58.0, TOP + SIDE / 2.0, "share of the true class"))
    }
}
