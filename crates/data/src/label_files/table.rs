//! Header and rows of a label file, and what a reader makes of them.

use std::path::Path;

use base::attributes::{AttributeColumns, plain};
use base::csv_text::{CsvRecord, CsvText};

use crate::{BlankRule, Error, LabelFormat, Mark, Part, Remark, csv_file::shown, manifest::Problems};

/// The longest field, in bytes: reports have some thousand.
const MAX_FIELD: usize = 1 << 16;

/// A CSV with its header.
pub(super) struct Table<'a> {
    pub(super) path: &'a Path,
    text: CsvText<'a>,
    /// Line of the header.
    line: u64,
    /// Columns as the header has them.
    pub(super) header: Vec<String>,
    /// Columns in lower case, with `_` for blanks.
    plain: Vec<String>,
}

/// An image of a label file.
pub(super) struct LabelRow {
    pub(super) line: u64,
    /// Path or name of the image, as in the file.
    pub(super) name: String,
    /// Mark of each label.
    pub(super) marks: Vec<Mark>,
    pub(super) group: Option<String>,
    pub(super) part: Option<Part>,
    pub(super) fold: Option<String>,
    pub(super) attributes: Vec<String>,
}

impl LabelRow {
    /// An image of which nothing but its marks and attributes is known.
    pub(super) fn new(line: u64, name: &str, marks: Vec<Mark>, attributes: Vec<String>) -> Self {
        Self { line, name: name.to_owned(), marks, group: None, part: None, fold: None, attributes }
    }
}

/// Images and labels that a reader found.
pub(super) struct LabelTable {
    pub(super) labels: Vec<String>,
    pub(super) attributes: Vec<String>,
    pub(super) rows: Vec<LabelRow>,
    /// Column that groups were taken from.
    pub(super) group_column: Option<String>,
    /// Rule for labels without a mark.
    pub(super) blank: BlankRule,
    /// True where `No Finding` is a label that excludes all others but support devices.
    pub(super) has_no_finding: bool,
    /// Smallest number of positive images of a label, where no labels are named.
    pub(super) min_images: usize,
    pub(super) remarks: Vec<Remark>,
}

impl<'a> Table<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        let text = CsvText::new(text);
        let record = text.records().next();
        let line = record.as_ref().map_or(1, |record| record.line);
        let cells = record.iter().flat_map(CsvRecord::cells);
        let header = with_brackets_joined(cells.map(str::to_owned).collect());
        let plain = header.iter().map(|name| plain(name)).collect();
        Self { path, text, line, header, plain }
    }

    /// Finds the first of these columns, in lower case with `_` for blanks, that is there.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.plain.iter().position(|plain| plain == name))
    }

    /// Tells if all of these columns are there.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.column(&[name]).is_some())
    }

    /// Finds a column that the format needs.
    pub(super) fn needed(&self, name: &str, format: LabelFormat) -> Result<usize, Error> {
        self.column(&[&plain(name)]).ok_or_else(|| Error::NoLabelFile {
            path: self.path.to_owned(),
            format,
            column: name.to_owned(),
            found: self.header.clone(),
        })
    }

    /// Takes all columns as attributes that are not in `used`.
    pub(super) fn attributes(&self, used: &[usize]) -> AttributeColumns {
        AttributeColumns::new(&self.header, used)
    }

    /// Reads the rows below the header as they stand there.
    pub(super) fn records(&self) -> impl Iterator<Item = CsvRecord> + '_ {
        self.text.records().skip(1)
    }

    /// Reads the rows below the header, one after another.
    ///
    /// # Errors
    /// Rows of another length than the header's, those that `read` refuses, or no row at all.
    pub(super) fn read(&self, mut read: impl FnMut(&CsvRecord) -> Result<(), String>) -> Result<(), Error> {
        let (mut problems, mut rows) = (Problems::default(), 0);
        for record in self.records() {
            rows += 1;
            if let Err(problem) = self.check(&record).and_then(|()| read(&record)) {
                problems.add(record.line, problem);
            }
        }
        if rows == 0 {
            problems = Problems::one(self.line, "there is no row below the header");
        }
        if problems.count == 0 { Ok(()) } else { Err(Error::Csv { path: self.path.to_owned(), problems }) }
    }

    fn check(&self, record: &CsvRecord) -> Result<(), String> {
        if let Some(long) = record.cells().find(|field| field.len() > MAX_FIELD) {
            return Err(format!("a field of {} bytes: is a quote not closed?", long.len()));
        }
        if record.len() != self.header.len() {
            return Err(format!("{} fields, but the header has {}", record.len(), self.header.len()));
        }
        Ok(())
    }

    /// Reads the marks of a row in these columns.
    pub(super) fn marks(&self, record: &CsvRecord, columns: &[usize]) -> Result<Vec<Mark>, String> {
        let read = |&column: &usize| {
            let cell = record.cell(column);
            mark(cell).ok_or_else(|| {
                format!(
                    "{} in column {} is not 1, 0, -1 or nothing",
                    shown(cell),
                    shown(&self.header[column])
                )
            })
        };
        columns.iter().map(read).collect()
    }
}

/// Reads a mark.
pub(super) fn mark(cell: &str) -> Option<Mark> {
    match cell {
        "" => return Some(Mark::Blank),
        "1" | "1.0" => return Some(Mark::Positive),
        "0" | "0.0" => return Some(Mark::Negative),
        "-1" | "-1.0" => return Some(Mark::Uncertain),
        _ => {}
    }
    let value: f64 = cell.parse().ok()?;
    match value {
        1.0 => Some(Mark::Positive),
        0.0 => Some(Mark::Negative),
        -1.0 => Some(Mark::Uncertain),
        _ => None,
    }
}

/// Returns a cell, or `None` where it is empty.
pub(super) fn filled(record: &CsvRecord, column: Option<usize>) -> Option<String> {
    column.map(|column| record.cell(column)).filter(|cell| !cell.is_empty()).map(str::to_owned)
}

/// Gives each column its own name where brackets of a header hold commas, as in NIH's `OriginalImage[Width,Height]`: rows have a
/// cell for each.
fn with_brackets_joined(cells: Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    // Name before a bracket that is open.
    let mut open: Option<&str> = None;
    for cell in &cells {
        let is_listed = cell.contains('[') && cell.ends_with(']');
        let parts: Vec<&str> = if is_listed { cell.split(',').collect() } else { vec![cell] };
        for part in parts {
            let is_closed = part.ends_with(']');
            let inside = part.strip_suffix(']').unwrap_or(part);
            match (open, part.split_once('[')) {
                (Some(name), _) => names.push(format!("{name}[{inside}]")),
                (None, Some((name, first))) if !is_closed => {
                    open = Some(name);
                    names.push(format!("{name}[{first}]"));
                }
                _ => names.push(part.to_owned()),
            }
            open = open.filter(|_| !is_closed);
        }
    }
    if open.is_none() { names } else { cells }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Vec<String> {
        Table::new(Path::new("a.csv"), text).header
    }

    #[test]
    fn commas_within_brackets_divide_columns() {
        let names = ["Index", "Size[Width]", "Size[Height]", "Spacing[x]", "Spacing[y]"];
        assert_eq!(header("Index,Size[Width,Height],Spacing[x,y]"), names);
        assert_eq!(header("Index,\"Size[Width,Height]\",View")[1..], ["Size[Width]", "Size[Height]", "View"]);
        assert_eq!(header("Bbox [x,y,w,h],a")[..], ["Bbox [x]", "Bbox [y]", "Bbox [w]", "Bbox [h]", "a"]);
        assert_eq!(header("a[,b,\"c, d\""), ["a[", "b", "c, d"]);
        assert_eq!(header("a [mm],\"c, d\""), ["a [mm]", "c, d"]);
    }

    #[test]
    fn marks_are_1_0_minus_1_or_nothing() {
        let read = |cell: &str| mark(cell);
        let known = [Some(Mark::Positive), Some(Mark::Negative), Some(Mark::Uncertain), Some(Mark::Blank)];
        assert_eq!(["1", "0", "-1", ""].map(read), known);
        assert_eq!(["1.0", "0.0", "-1.0", ""].map(read), known);
        assert_eq!(["2", "yes", "0.5", "nan", "--1"].map(read), [None; 5]);
    }
}
