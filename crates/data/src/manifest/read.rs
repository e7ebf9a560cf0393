//! A CSV's bytes into rows; nothing but the file itself is looked at.

use std::{collections::HashSet, fs, io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

use super::Problems;
use crate::{Error, Part};

/// More classes than any model has; a column of file names or numbers has more.
pub(super) const MAX_CLASSES: usize = 1000;
/// The longest file that is read, in bytes: some millions of rows.
const MAX_BYTES: u64 = 256 << 20;
/// The longest field, in bytes: as long as a path can be.
const MAX_FIELD: usize = 4096;
/// What a value is cut to where it is told, in characters.
const SHOWN: usize = 80;

const PATHS: [&str; 8] =
    ["path", "file", "filename", "file_name", "filepath", "image", "image_path", "patientid"];
const LABELS: [&str; 2] = ["label", "class"];
const GROUPS: [&str; 4] = ["group", "patient", "patient_id", "patientid"];
const SPLITS: [&str; 3] = ["split", "set", "part"];
const FOLDS: [&str; 1] = ["fold"];

/// A row as it stands in the file.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) path: String,
    pub(super) label: String,
    pub(super) group: Option<String>,
    pub(super) part: Option<Part>,
    pub(super) fold: Option<String>,
}

pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// Of the file's bytes, as lowercase hex.
    pub(super) sha256: String,
}

/// Reads a CSV; `group` names the column of groups.
pub(super) fn read(path: &Path, group: Option<&str>) -> Result<Table, Error> {
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let refused = |problems| Error::Csv { path: path.to_owned(), problems };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(Problems::one(1, format!("the file is longer than {} MiB", MAX_BYTES >> 20))));
    }
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let text = text(&bytes).map_err(refused)?;
    let columns = Columns::find(text, group).map_err(|problem| match problem {
        Wrong::Header(problem) => refused(Problems::one(1, problem)),
        Wrong::Group => {
            Error::NoColumns { path: path.to_owned(), column: group.unwrap_or_default().to_owned() }
        }
    })?;
    let rows = columns.rows(text).map_err(refused)?;
    Ok(Table { rows, sha256 })
}

/// Without a byte order mark.
fn text(bytes: &[u8]) -> Result<&str, Problems> {
    let line = |at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problems::one(line(at), "a NUL byte: it is no text, or not UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(Problems::one(line(error.valid_up_to()), "it is not UTF-8")),
    }
}

/// A value in backticks, on one line and cut where it is long.
pub(super) fn shown(value: &str) -> String {
    let plain: String =
        value.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("`{plain}{}`", if value.chars().nth(SHOWN).is_some() { "…" } else { "" })
}

/// Where what stands.
struct Columns {
    delimiter: u8,
    width: usize,
    path: usize,
    label: usize,
    group: Option<usize>,
    split: Option<usize>,
    fold: Option<usize>,
}

/// What can be wrong with a header.
enum Wrong {
    Header(String),
    /// It lacks the column of groups that was asked for.
    Group,
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

impl Columns {
    fn find(text: &str, group: Option<&str>) -> Result<Self, Wrong> {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let delimiter = [b',', b';', b'\t'].into_iter().find(|&delimiter| first.contains(delimiter as char));
        let delimiter = delimiter.unwrap_or(b',');
        let mut header = csv::StringRecord::new();
        // The text is UTF-8 and rows may have any length: nothing else can go wrong.
        let found = reader(text, delimiter).read_record(&mut header).unwrap_or(false);
        if !found {
            return Err(Wrong::Header(
                "it is empty, but `path,label` and a row an image are expected".to_owned(),
            ));
        }
        let names: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let mut seen = HashSet::new();
        if let Some((i, name)) = names.iter().enumerate().find(|(_, name)| !seen.insert(*name)) {
            return match name.is_empty() {
                true => Err(Wrong::Header(format!("column {} has no name", i + 1))),
                false => Err(Wrong::Header(format!("column {} is there twice", shown(name)))),
            };
        }
        let column =
            |known: &[&str]| known.iter().find_map(|known| names.iter().position(|name| name == known));
        let needed = |known: &[&str]| {
            column(known).ok_or_else(|| {
                let there = names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
                Wrong::Header(format!("no column `{}`; there are {there}", known[0]))
            })
        };
        let path = needed(&PATHS)?;
        let group = match group {
            Some(group) => {
                let group = group.trim().to_lowercase();
                Some(names.iter().position(|name| *name == group).ok_or(Wrong::Group)?)
            }
            None => column(&GROUPS).filter(|&group| group != path),
        };
        Ok(Self {
            delimiter,
            width: names.len(),
            path,
            label: needed(&LABELS)?,
            group,
            split: column(&SPLITS),
            fold: column(&FOLDS),
        })
    }

    fn rows(&self, text: &str) -> Result<Vec<Row>, Problems> {
        let mut reader = reader(text, self.delimiter);
        let mut record = csv::StringRecord::new();
        let (mut rows, mut problems) = (Vec::new(), Problems::default());
        let mut header = true;
        loop {
            match reader.read_record(&mut record) {
                Ok(true) if header => header = false,
                Ok(true) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    match self.row(&record, line) {
                        Ok(row) => rows.push(row),
                        Err(problem) => problems.add(line, problem),
                    }
                }
                Ok(false) => break,
                Err(error) => {
                    problems.add(error.position().map_or(0, csv::Position::line), error.to_string());
                    break;
                }
            }
        }
        match (problems.count, rows.is_empty()) {
            (0, false) => Ok(rows),
            (0, true) => Err(Problems::one(1, "there is no row below the header")),
            _ => Err(problems),
        }
    }

    fn row(&self, record: &csv::StringRecord, line: u64) -> Result<Row, String> {
        if let Some(long) = record.iter().find(|field| field.len() > MAX_FIELD) {
            return Err(format!("a field of {} bytes: is a quote not closed?", long.len()));
        }
        if record.len() != self.width {
            return Err(format!("{} fields, but the header has {}", record.len(), self.width));
        }
        let (path, label) = (&record[self.path], &record[self.label]);
        if path.is_empty() {
            return Err("an empty path".to_owned());
        }
        if label.trim().is_empty() {
            return Err(format!("an empty label for {}", shown(path)));
        }
        let part = match self.split.map(|column| record[column].trim()) {
            None | Some("") => None,
            Some(value) => Some(
                Part::named(value)
                    .ok_or_else(|| format!("unknown split {}: train, validation or test", shown(value)))?,
            ),
        };
        let group = self.group.map(|column| record[column].to_owned()).filter(|group| !group.is_empty());
        let fold = self.fold.map(|column| record[column].trim().to_owned()).filter(|fold| !fold.is_empty());
        Ok(Row { line, path: path.to_owned(), label: label.to_owned(), group, part, fold })
    }
}
