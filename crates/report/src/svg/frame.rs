use maud::{Markup, html};

use super::{Scale, dashes, px, series};
use crate::svg::scale::Tick;

/// Pair of axes with their ticks, their grid and their names.
pub(crate) struct PlotFrame {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

/// Alignment of a text at its point.
#[derive(Clone, Copy)]
pub(crate) enum TextAnchor {
    Start,
    Middle,
    End,
}

impl TextAnchor {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl PlotFrame {
    /// Renders the axes, before their contents. Names hold the unit.
    pub(crate) fn axes(&self, x_name: &str, x_ticks: &[Tick], y_name: &str, y_ticks: &[Tick]) -> Markup {
        let ([left, right], [bottom, top]) = (self.x.ends(), self.y.ends());
        html! {
            g.grid {
                @for (value, _) in x_ticks { @let x = px(self.x.at(*value)); line x1=(x) x2=(x) y1=(px(top)) y2=(px(bottom)) {} }
                @for (value, _) in y_ticks { @let y = px(self.y.at(*value)); line y1=(y) y2=(y) x1=(px(left)) x2=(px(right)) {} }
            }
            path.axis d=(super::path([(left, top), (left, bottom), (right, bottom)])) {}
            g.tick {
                @for (value, word) in x_ticks {
                    text x=(px(self.x.at(*value))) y=(px(bottom + 18.0)) text-anchor="middle" { (word) }
                }
                @for (value, word) in y_ticks {
                    text x=(px(left - 8.0)) y=(px(self.y.at(*value) + 4.0)) text-anchor="end" { (word) }
                }
            }
            text.name x=(px((left + right) / 2.0)) y=(px(bottom + 38.0)) text-anchor="middle" { (x_name) }
            (upright(left - 42.0, (top + bottom) / 2.0, y_name))
        }
    }

    /// Renders a line through points.
    pub(crate) fn line(&self, index: usize, points: impl Iterator<Item = (f64, f64)>) -> Markup {
        let points = points.map(|(x, y)| (self.x.at(x), self.y.at(y)));
        html! { path class={ "line " (series(index)) } stroke-dasharray=(dashes(index)) d=(super::path(thinned(points))) {} }
    }

    /// Renders a line that is no series: thin, dotted, soft.
    pub(crate) fn guide(&self, from: (f64, f64), to: (f64, f64)) -> Markup {
        let ends = [from, to].map(|(x, y)| (self.x.at(x), self.y.at(y)));
        html! { path.guide d=(super::path(ends)) {} }
    }

    /// Renders a word beside a point.
    pub(crate) fn word(
        &self,
        (x, y): (f64, f64),
        (dx, dy): (f64, f64),
        place: TextAnchor,
        word: &str,
    ) -> Markup {
        let (x, y) = (self.x.at(x) + dx, self.y.at(y) + dy);
        html! { text.note x=(px(x)) y=(px(y)) text-anchor=(place.word()) { (word) } }
    }
}

/// Renders a text that is turned to be read from the left side.
pub(crate) fn upright(x: f64, y: f64, text: &str) -> Markup {
    html! {
        text.name x=(px(x)) y=(px(y)) text-anchor="middle" transform={ "rotate(-90 " (px(x)) " " (px(y)) ")" } { (text) }
    }
}

/// Height of a row of a legend.
const ROW: f64 = 21.0;

/// Renders the names of all series, a row each below `y`. Returns the height of the whole legend as well.
pub(crate) fn legend(x: f64, y: f64, names: &[String]) -> (Markup, f64) {
    let rows = html! {
        g.legend {
            @for (index, name) in names.iter().enumerate() {
                @let row = y + ROW * index as f64;
                path class={ "line " (series(index)) } stroke-dasharray=(dashes(index)) d=(super::path([(x, row), (x + 34.0, row)])) {}
                text x=(px(x + 42.0)) y=(px(row + 4.0)) { (name) }
            }
        }
    };
    (rows, ROW * names.len() as f64)
}

/// Distance in pixels below which a point is indistinguishable from the last one kept.
const NEAR: f64 = 0.15;

/// Number of points that are drawn unchanged; of more, only the lowest and highest of each part of the path are.
const POINTS: usize = 4000;

/// Drops the points of a path that would be invisible, so that 100,000 of them stay a small file.
fn thinned(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
        last = Some(point);
        if kept.last().is_none_or(|near| (near.0 - point.0).abs().max((near.1 - point.1).abs()) >= NEAR) {
            kept.push(point);
        }
    }
    if let Some(last) = last
        && kept.last() != Some(&last)
    {
        kept.push(last);
    }
    if kept.len() <= POINTS {
        return kept;
    }
    let extremes = |part: &[(f64, f64)]| {
        let lowest = part.iter().enumerate().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
        let highest = part.iter().enumerate().max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
        let mut both: Vec<(usize, (f64, f64))> =
            [lowest, highest].into_iter().flatten().map(|(at, point)| (at, *point)).collect();
        both.sort_by_key(|(at, _)| *at);
        both.into_iter().map(|(_, point)| point)
    };
    kept.chunks(kept.len().div_ceil(POINTS / 2)).flat_map(extremes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out_and_the_ends_stay() {
        let points = (0..=100_000).map(|i| (f64::from(i) / 1000.0, 5.0));
        let kept = thinned(points);
        assert!(kept.len() < 800, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), ((0.0, 5.0), (100.0, 5.0)));
        let noise = thinned(
            (0..50_000_u32).map(|i| (f64::from(i) / 500.0, f64::from(i.wrapping_mul(2_654_435_761) >> 24))),
        );
        assert!(noise.len() <= POINTS, "{}", noise.len());
        assert!(noise.iter().any(|(_, y)| *y == 255.0) && noise.iter().any(|(_, y)| *y == 0.0));
        assert_eq!(thinned([(1.0, f64::NAN), (2.0, 3.0)].into_iter()), [(2.0, 3.0)]);
    }
}
