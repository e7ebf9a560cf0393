//! General label files: a path, and a column a label with 1, 0, -1 or nothing, or a label that joins findings by vertical bars.

use base::attributes::{AttributeColumns, canonical};
use base::csv_text::CsvRecord;

use super::{
    nih::JoinedFindings,
    table::{LabelRow, LabelTable, Table, filled, mark},
};
use crate::{
    BlankRule, Classes, Error, LabelFormat, Mark, OpenOptions, Part, Remark,
    csv_file::shown,
    manifest::read::{FOLDS, GROUPS, LABELS, PATHS, SPLITS},
};

pub(super) fn is_format(file: &Table<'_>, options: &OpenOptions<'_>) -> bool {
    if file.column(&PATHS).is_none() {
        return false;
    }
    let are_named = options
        .findings
        .labels
        .as_ref()
        .is_some_and(|labels| labels.iter().any(|label| file.header.contains(&label.folder)));
    match file.column(&LABELS) {
        Some(_) if are_named => true,
        // The classes that are named are labels as they stand there, bars included.
        Some(_) if matches!(options.classes, Classes::Named(_)) && options.findings.labels.is_none() => false,
        Some(label) => first_joined(file, label).is_some(),
        None => are_named || !label_columns(file).is_empty(),
    }
}

/// Finds the first label that joins findings.
fn first_joined(file: &Table<'_>, label: usize) -> Option<CsvRecord> {
    file.records().find(|record| is_joined(record.cell(label)))
}

/// Tells if a label joins findings: with one on each side of every bar.
fn is_joined(label: &str) -> bool {
    label.contains('|') && label.split('|').all(|finding| !finding.trim().is_empty())
}

/// Columns that are no labels.
struct KnownColumns {
    path: usize,
    group: Option<usize>,
    split: Option<usize>,
    fold: Option<usize>,
}

impl KnownColumns {
    fn find(file: &Table<'_>) -> Result<Self, Error> {
        let path = file.column(&PATHS).map_or_else(|| file.needed(PATHS[0], LabelFormat::Csv), Ok)?;
        let group = file.column(&GROUPS).filter(|&group| group != path);
        Ok(Self { path, group, split: file.column(&SPLITS), fold: file.column(&FOLDS) })
    }

    fn used(&self) -> Vec<usize> {
        [Some(self.path), self.group, self.split, self.fold].into_iter().flatten().collect()
    }

    /// Reads a row's path, group, part and fold beside its marks.
    fn row(
        &self,
        record: &CsvRecord,
        marks: Vec<Mark>,
        attributes: &AttributeColumns,
    ) -> Result<LabelRow, String> {
        let path = record.cell(self.path);
        if path.is_empty() {
            return Err("an empty path".to_owned());
        }
        let part = filled(record, self.split).map(|value| {
            Part::named(&value)
                .ok_or_else(|| format!("unknown split {}: train, validation or test", shown(&value)))
        });
        let (group, fold) = (filled(record, self.group), filled(record, self.fold));
        let row = LabelRow::new(record.line, path, marks, attributes.values(record)?);
        Ok(LabelRow { group, fold, part: part.transpose()?, ..row })
    }
}

pub(super) fn read(file: &Table<'_>, options: &OpenOptions<'_>) -> Result<LabelTable, Error> {
    let columns = KnownColumns::find(file)?;
    let joined = file.column(&LABELS).filter(|&label| first_joined(file, label).is_some());
    match joined {
        Some(label) => read_joined(file, &columns, label),
        None => read_columns(file, &columns, options),
    }
}

fn table(file: &Table<'_>, columns: &KnownColumns, attributes: &AttributeColumns) -> LabelTable {
    LabelTable {
        labels: Vec::new(),
        attributes: attributes.names().to_vec(),
        rows: Vec::new(),
        group_column: columns.group.map(|column| file.header[column].clone()),
        blank: BlankRule::Ignore,
        has_no_finding: false,
        min_images: 0,
        remarks: Vec::new(),
    }
}

fn read_joined(file: &Table<'_>, columns: &KnownColumns, label: usize) -> Result<LabelTable, Error> {
    let attributes = file.attributes(&[&columns.used()[..], &[label]].concat());
    let mut table = table(file, columns, &attributes);
    let (mut findings, mut several) = (JoinedFindings::new(labels_in(file, label)), None);
    let mut count = 0;
    file.read(|record| {
        let text = record.cell(label);
        let marks = findings.marks(text, record.cell(columns.path))?;
        if is_joined(text) {
            several.get_or_insert_with(|| text.to_owned());
            count += 1;
        }
        table.rows.push(columns.row(record, marks, &attributes)?);
        Ok(())
    })?;
    table.labels = findings.finish(table.rows.iter_mut().map(|row| &mut row.marks));
    let remark = |label| Remark::SeveralFindings { label, rows: count, findings: table.labels.len() };
    table.remarks.extend(several.map(remark));
    Ok(table)
}

/// Lists the findings of a column, sorted.
fn labels_in(file: &Table<'_>, label: usize) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for record in file.records() {
        labels.extend(record.cell(label).split('|').map(|finding| finding.trim().to_owned()));
        if labels.len() > 1 << 16 {
            labels.sort_unstable();
            labels.dedup();
        }
    }
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| !label.is_empty() && !label.eq_ignore_ascii_case(super::nih::NO_FINDING));
    labels
}

fn read_columns(
    file: &Table<'_>,
    columns: &KnownColumns,
    options: &OpenOptions<'_>,
) -> Result<LabelTable, Error> {
    let labels = match super::wanted(options) {
        Some(wanted) => {
            let is_wanted = |column: &usize| wanted.iter().any(|label| label.folder == file.header[*column]);
            let of_file = label_columns(file);
            (0..file.header.len()).filter(|column| is_wanted(column) || of_file.contains(column)).collect()
        }
        None => label_columns(file),
    };
    let attributes = file.attributes(&[&columns.used()[..], &labels].concat());
    let mut table = table(file, columns, &attributes);
    file.read(|record| {
        let marks = file.marks(record, &labels)?;
        table.rows.push(columns.row(record, marks, &attributes)?);
        Ok(())
    })?;
    table.labels = labels.into_iter().map(|column| file.header[column].clone()).collect();
    Ok(table)
}

/// Prefix of a column of probabilities.
const PROBABILITY: &str = "p_";

/// Values of a column by what they are.
#[derive(Clone, Default)]
struct ValueCounts {
    rows: usize,
    marks: usize,
    /// Numbers that are no marks.
    numbers: usize,
    /// Texts that are no numbers.
    texts: usize,
}

impl ValueCounts {
    fn add(&mut self, value: &str) {
        self.rows += 1;
        match mark(value) {
            Some(Mark::Blank) => {}
            Some(_) => self.marks += 1,
            None if value.parse::<f64>().is_ok() => self.numbers += 1,
            None => self.texts += 1,
        }
    }

    /// Tells if no row has a value.
    fn is_empty(&self) -> bool {
        self.marks + self.numbers + self.texts == 0
    }

    /// Tells if the values are marks. Texts may be among them, and one number in a hundred, or a single one: such a column is a
    /// label with mistakes, which are told. With more numbers it counts something.
    fn are_marks(&self) -> bool {
        let Self { rows, marks, numbers, texts } = *self;
        marks > 0 && numbers + texts <= marks && (numbers <= 1 || 100 * numbers <= rows)
    }
}

/// Tells if a column with these values is read as a label.
pub(super) fn are_marks<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let mut counts = ValueCounts::default();
    values.for_each(|value| counts.add(value));
    counts.are_marks()
}

/// Finds the columns whose values are marks.
fn label_columns(file: &Table<'_>) -> Vec<usize> {
    let mut counts = vec![ValueCounts::default(); file.header.len()];
    for record in file.records() {
        counts.iter_mut().enumerate().for_each(|(column, counts)| counts.add(record.cell(column)));
    }
    let reserved = KnownColumns::find(file).map(|columns| columns.used()).unwrap_or_default();
    let labels = file.column(&LABELS);
    let is_attribute = |column: usize| canonical(&file.header[column]).is_some();
    let is_label = |&column: &usize| {
        let name = &file.header[column];
        // Probabilities of a table of predictions are no truth.
        let is_named = !name.is_empty() && !name.starts_with(PROBABILITY) && labels != Some(column);
        let is_free = !reserved.contains(&column) && !is_attribute(column);
        is_named && is_free && (counts[column].are_marks() || counts[column].is_empty())
    };
    let labels: Vec<usize> = (0..file.header.len()).filter(is_label).collect();
    // Beside labels, an empty column is one that is known nowhere; without any, it says nothing.
    if labels.iter().all(|&column| counts[column].is_empty()) { Vec::new() } else { labels }
}
