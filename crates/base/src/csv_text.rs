//! CSV files as spreadsheets and people write them: their records, with the lines that an editor shows.
//!
//! A byte order mark is passed over, and so are an Excel line `sep=;`, comments (`#`) and blank lines above the header, and
//! records without any value below it. Cells are divided by what `sep=` names, or else by commas, semicolons or tabs,
//! the first of these that the header has. Blanks around a cell are no part of it, also before a quote.

use std::borrow::Cow;

/// Text of a CSV, ready to be read record by record.
pub struct CsvText<'a> {
    /// Text from the header on.
    text: Cow<'a, str>,
    delimiter: u8,
    /// Line of the header, counted from 1.
    first_line: u64,
}

/// Record of a CSV; the header is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvRecord {
    /// Line that it begins in, counted from 1 as editors do.
    pub line: u64,
    /// Cells without their quotes, blanks around them included.
    cells: csv::StringRecord,
}

const BYTE_ORDER_MARK: char = '\u{feff}';
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Removes the byte order mark that some editors put before a text.
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Removes blanks and characters without width from both ends of a cell.
pub fn trim_cell(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, BYTE_ORDER_MARK | '\u{200b}'))
}

/// Splits a list at its commas into words, quoted as in a CSV.
pub fn list(text: &str) -> Vec<String> {
    let text = CsvText { text: without_blanks_before_quotes(text, b','), delimiter: b',', first_line: 1 };
    let words = text.records().next();
    words.map_or_else(|| vec![String::new()], |words| words.cells().map(str::to_owned).collect())
}

impl<'a> CsvText<'a> {
    /// Takes the text of a whole file.
    pub fn new(text: &'a str) -> Self {
        let (mut text, mut first_line) = (without_byte_order_mark(text), 1);
        let mut named = None;
        loop {
            let (line, rest) = first(text);
            named = named.or_else(|| if first_line == 1 { separator(line) } else { None });
            let is_header =
                !(line.trim().is_empty() || line.starts_with('#') || (first_line == 1 && named.is_some()));
            if is_header || text.is_empty() {
                let delimiter = named.unwrap_or_else(|| delimiter(line));
                return Self { text: without_blanks_before_quotes(text, delimiter), delimiter, first_line };
            }
            (text, first_line) = (rest, first_line + 1);
        }
    }

    /// Line of the header, or of the end where there is none; counted from 1.
    pub fn first_line(&self) -> u64 {
        self.first_line
    }

    /// Reads the records from the header on.
    pub fn records(&self) -> impl Iterator<Item = CsvRecord> + '_ {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(self.text.as_bytes());
        let bytes = self.text.as_bytes();
        let (mut line, mut counted) = (self.first_line, 0);
        std::iter::from_fn(move || {
            loop {
                let mut cells = csv::StringRecord::new();
                // It is UTF-8 and a record may have any length: nothing else can go wrong.
                if !reader.read_record(&mut cells).unwrap_or(false) {
                    return None;
                }
                // The csv crate's own lines leave out what lies between two records: the second byte of a line break, empty
                // lines.
                let mut start =
                    cells.position().map_or(0, |position| position.byte() as usize).min(bytes.len());
                start += bytes[start..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
                line += line_breaks(&bytes[counted..start]);
                counted = start;
                if cells.iter().any(|cell| !trim_cell(cell).is_empty()) {
                    return Some(CsvRecord { line, cells });
                }
            }
        })
    }
}

impl CsvRecord {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Tells if there is no cell; never so for a record that was read, which has a value.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A cell without blanks around it; empty where the record is shorter.
    pub fn cell(&self, column: usize) -> &str {
        trim_cell(self.raw(column))
    }

    /// A cell as it stands in the file, without its quotes.
    pub fn raw(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }

    /// Cells in order, without blanks around them.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(trim_cell)
    }
}

/// Splits a text into its first line, without the line break, and the rest.
fn first(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['\n', '\r']) else { return (text, "") };
    let rest = &text[end..];
    (&text[..end], rest.strip_prefix("\r\n").unwrap_or(&rest[1..]))
}

/// Finds the delimiter that a line `sep=;` of Excel names; the line may be in quotes.
fn separator(line: &str) -> Option<u8> {
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
    let (key, value) = line.split_at_checked(4)?;
    match value.as_bytes() {
        [value] if key.eq_ignore_ascii_case("sep=") && !value.is_ascii_alphanumeric() => Some(*value),
        _ => None,
    }
}

/// Finds the first of the delimiters that a header has outside of quotes.
fn delimiter(header: &str) -> u8 {
    let mut quoted = false;
    let divides = header.bytes().filter(|byte| {
        quoted ^= *byte == b'"';
        !quoted
    });
    let divides: Vec<u8> = divides.collect();
    DELIMITERS.into_iter().find(|delimiter| divides.contains(delimiter)).unwrap_or(b',')
}

/// Number of line breaks: `\n`, `\r\n` or `\r`.
fn line_breaks(bytes: &[u8]) -> u64 {
    let is_break =
        |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    (0..bytes.len()).filter(|&at| is_break(at)).count() as u64
}

/// Returns the same text without the blanks between a delimiter and a quote, where the quote would count as a letter.
fn without_blanks_before_quotes(text: &str, delimiter: u8) -> Cow<'_, str> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != delimiter;
    let bytes = text.as_bytes();
    let (mut kept, mut from) = (String::new(), 0);
    let (mut at, mut begins, mut quoted, mut has_quotes) = (0, true, false, false);
    while at < bytes.len() {
        if begins && !quoted {
            let blanks = bytes[at..].iter().take_while(|byte| is_blank(byte)).count();
            if blanks > 0 && bytes.get(at + blanks) == Some(&b'"') {
                kept.push_str(&text[from..at]);
                (at, from) = (at + blanks, at + blanks);
            }
        }
        // A quote within a cell that has none at its begin is a letter, and two within one that has are one.
        has_quotes = if begins { bytes[at] == b'"' } else { has_quotes };
        if bytes[at] == b'"' {
            quoted = !quoted && (begins || (has_quotes && bytes[at - 1] == b'"'));
        }
        begins = !quoted && (bytes[at] == delimiter || matches!(bytes[at], b'\n' | b'\r'));
        at += 1;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

/// Longest part of a value that is shown, in characters.
const SHOWN: usize = 80;

/// A value in backticks, on one line and cut where it is long.
pub fn shown(value: &str) -> String {
    let plain: String =
        value.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("`{plain}{}`", if value.chars().nth(SHOWN).is_some() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let text = CsvText::new(text);
        text.records().map(|record| (record.line, record.cells().map(str::to_owned).collect())).collect()
    }

    fn lines(text: &str) -> Vec<u64> {
        read(text).into_iter().map(|(line, _)| line).collect()
    }

    /// Lines as `grep -n` shows them.
    #[test]
    fn lines_are_those_that_editors_show() {
        assert_eq!(lines("a,b\n1,2\n3,4\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4\r\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\r1,2\r3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n\"1\r\n1\",2\r\n3,4\r\n"), [1, 2, 4]);
        assert_eq!(lines("\r\n# note\r\na,b\r\n\r\n\r\n1,2\r\n,\r\n3,4"), [3, 6, 8]);
        assert_eq!(lines("\u{feff}sep=;\r\na;b\r\n1;2\r\n"), [2, 3]);
        assert_eq!((lines(""), CsvText::new("\n\n").first_line()), (vec![], 3));
    }

    #[test]
    fn cells_are_divided_as_the_file_says() {
        let row = |text: &str| read(text).pop().unwrap().1;
        assert_eq!(row("sep=;\na,b\n1,2;x\n"), ["1,2", "x"]);
        assert_eq!(row("\"SEP=|\"\na|b\n1|2"), ["1", "2"]);
        assert_eq!(row("a;\"b,c,d\";e\n1;2;3\n"), ["1", "2", "3"]);
        assert_eq!(row("a\tb\n1\t2"), ["1", "2"]);
        assert_eq!(row("a, b\n x , \"1, \"\"2\"\"\" \n"), ["x", "1, \"2\""]);
        assert_eq!(row("a,b\n \"x\",y \"z\" \n"), ["x", "y \"z\""]);
        assert_eq!(row("a,b\nx\"\" \"y,\u{a0}z\u{200b}\n"), ["x\"\" \"y", "z"]);
        // `sep=` is a name as any where it says nothing.
        assert_eq!(read("sep=\n1\n").len(), 2);
    }
}
