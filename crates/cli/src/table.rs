//! Plain-text tables: a first column of words, the others numbers.

use metrics::Figure;

use crate::output::Lines;

/// Lays rows out in columns: the first to the left, the others to the right; the first row is the heading.
pub(crate) fn table(rows: &[Vec<String>]) -> Lines {
    columns(rows, |column| column > 0)
}

/// Lays rows of words out in columns, all to the left; the first row is the heading.
pub(crate) fn words(rows: &[Vec<String>]) -> Lines {
    columns(rows, |_| false)
}

fn columns(rows: &[Vec<String>], to_the_right: impl Fn(usize) -> bool) -> Lines {
    // The width of a name is that of its printed form.
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(base::shown).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let lines = rows.iter().map(|row| {
        let cells =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match to_the_right(column) {
                false => format!("{cell:<width$}"),
                true => format!("{cell:>width$}"),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().into()
}

/// Formats a figure in `[0, 1]`, or a dash where it is undefined.
pub(crate) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| rounded(value, 4))
}

/// Returns a figure's title in the form for a sentence: `Macro F1` becomes `macro F1`.
pub(crate) fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Rounds to this many decimals; a value that rounds to 0 has no sign.
fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(size) if size.bytes().all(|byte| matches!(byte, b'0' | b'.')) => size.to_owned(),
        _ => text,
    }
}

/// Formats a figure with its interval, where it has one.
pub(crate) fn with_interval(figure: &Figure) -> String {
    match figure.interval {
        Some([low, high]) => format!("{} [{}, {}]", share(figure.value), rounded(low, 3), rounded(high, 3)),
        None => share(figure.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_words_left_and_numbers_right() {
        let rows = [["class", "images"], ["a", "7"], ["é long name", "1305"]]
            .map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows).to_string(), "class        images\na                 7\né long name    1305");
        let rows = [["class"], ["a\nb"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows).to_string(), "class\na\\nb");
        assert_eq!(share(None), "–");
        assert_eq!(share(Some(0.94167)), "0.9417");
        let figure = |value, interval| Figure { value: Some(value), interval, missing: None };
        assert_eq!(with_interval(&figure(-0.0006, Some([-0.0004, -0.0]))), "-0.0006 [0.000, 0.000]");
        assert_eq!(with_interval(&figure(0.5, None)), "0.5000");
    }
}
