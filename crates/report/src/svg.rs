//! Drawings: the same markup for a page, from which it takes its colours, and for a file, which brings its own.

mod frame;
mod scale;

pub(crate) use frame::{PlotFrame, TextAnchor, legend, upright};
use maud::{Markup, PreEscaped, html};
pub(crate) use scale::Scale;

/// Style rules of every plot, in the page's colours.
pub(crate) const STYLE: &str = include_str!("svg/plot.css");

/// Values of the page's colours in a file: the ones of the light page.
const COLOURS: [(&str, &str); 14] = [
    ("--text", "#1c2126"),
    ("--soft", "#5b6670"),
    ("--line", "#d9dee3"),
    ("--card", "#ffffff"),
    ("--heat", "#0072b2"),
    ("--on-heat", "#ffffff"),
    ("--s0", "#0072b2"),
    ("--s1", "#d55e00"),
    ("--s2", "#009e73"),
    ("--s3", "#cc79a7"),
    ("--s4", "#e69f00"),
    ("--s5", "#56b4e9"),
    ("--s6", "#1c2126"),
    ("--s7", "#8a7d00"),
];

/// Number of colours and dashes before they repeat; each series has both.
const SERIES: usize = 8;
const DASHES: [&str; 5] = ["none", "7 4", "2 3", "9 3 2 3", "12 5"];

/// Plot as a drawing with its texts.
pub(crate) struct Drawing {
    /// Name of its file, without an extension; also the prefix of its element ids in a page.
    pub(crate) name: &'static str,
    /// Title in a few words.
    pub(crate) title: String,
    /// Description of the content, for people who cannot see it.
    pub(crate) description: String,
    /// Width and height in pixels, if nothing else sets them.
    pub(crate) size: [f64; 2],
    pub(crate) body: Markup,
}

impl Drawing {
    /// Renders the drawing as a part of a page.
    pub(crate) fn inline(&self) -> Markup {
        self.svg(&html! {})
    }

    /// Renders the drawing as a file.
    pub(crate) fn file(&self) -> String {
        let mut style = STYLE.to_owned();
        for (name, colour) in COLOURS {
            style = style.replace(&format!("var({name})"), colour);
        }
        let [width, height] = self.size;
        let own = html! {
            style { (PreEscaped(style)) }
            rect width=(px(width)) height=(px(height)) fill="#ffffff" {}
        };
        legible(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", self.svg(&own).into_string()))
    }

    fn svg(&self, own: &Markup) -> Markup {
        let [width, height] = self.size;
        let (title, description) = (format!("{}-title", self.name), format!("{}-desc", self.name));
        html! {
            svg.plot xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby=(title) aria-describedby=(description)
                viewBox={ "0 0 " (px(width)) " " (px(height)) } width=(px(width)) height=(px(height)) {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                (own)
                (self.body)
            }
        }
    }
}

/// Returns the CSS class of a series, which sets its colour.
pub(crate) fn series(index: usize) -> String {
    format!("s{}", index % SERIES)
}

/// Returns the dashes of a series. Five of them and eight colours are 40 pairs.
pub(crate) fn dashes(index: usize) -> &'static str {
    DASHES[index % DASHES.len()]
}

/// Formats a length in pixels, to a hundredth.
pub(crate) fn px(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // Adding zero turns minus zero into zero.
    format!("{}", rounded + 0.0)
}

/// Formats points as a path of straight lines.
pub(crate) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (at, (x, y)) in points.into_iter().enumerate() {
        text.push(if at == 0 { 'M' } else { 'L' });
        text.push_str(&format!("{} {}", px(x), px(y)));
    }
    text
}

/// Replaces characters that XML and HTML cannot hold, even escaped, by the replacement character.
pub(crate) fn legible(text: String) -> String {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c as u32 & 0xffff, 0xfffe | 0xffff)
    };
    if !text.contains(bad) {
        return text;
    }
    text.chars().map(|c| if bad(c) { '\u{fffd}' } else { c }).collect()
}

/// Wraps words to lines of at most about `width` characters, at most `lines` of them; an ellipsis marks an omission.
pub(crate) fn wrapped(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match rows.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= width => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    let cut = rows.len() > lines;
    rows.truncate(lines.max(1));
    let last = rows.len().saturating_sub(1);
    for (at, row) in rows.iter_mut().enumerate() {
        if row.chars().count() > width || (cut && at == last) {
            *row = row.chars().take(width.saturating_sub(1)).chain(['…']).collect();
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        assert_eq!([px(1.0), px(1.005), px(-0.001), px(12.345)], ["1", "1", "0", "12.35"]);
        assert_eq!(path([(0.0, 1.0), (2.5, 3.0)]), "M0 1L2.5 3");
    }

    #[test]
    fn words_are_wrapped_and_cut() {
        assert_eq!(wrapped("Viral Pneumonia", 10, 2), ["Viral", "Pneumonia"]);
        assert_eq!(wrapped("COVID-19", 10, 2), ["COVID-19"]);
        assert_eq!(wrapped("a b c d e f", 3, 2), ["a b", "c …"]);
        assert_eq!(wrapped("Pneumonoultramicroscopic", 8, 1), ["Pneumon…"]);
        assert!(wrapped("", 8, 1).is_empty());
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(legible("a\u{1}b\u{7f}\n\u{ffff}é".to_owned()), "a\u{fffd}b\u{fffd}\n\u{fffd}é");
    }

    /// Each colour differs, and a file needs no colour of a page.
    #[test]
    fn a_file_brings_all_its_colours() {
        let drawing = Drawing {
            name: "x",
            title: "a < b".to_owned(),
            description: "\u{1}".to_owned(),
            size: [4.0, 3.0],
            body: html! {},
        };
        let file = drawing.file();
        assert!(!file.contains("var("), "{file}");
        let file = roxmltree::Document::parse(&file).unwrap();
        assert_eq!(file.root_element().attribute("role"), Some("img"));
        let pairs: std::collections::BTreeSet<_> =
            (0..40).map(|index| (series(index), dashes(index))).collect();
        assert_eq!(pairs.len(), 40);
    }
}
