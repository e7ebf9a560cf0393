//! Reading of tables of predictions, this program's own and those of others.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use base::{
    attributes::{age, canonical},
    csv_text::{CsvRecord, CsvText, shown},
};
use metrics::{Logits, Scores, Targets, Task};

use super::{Attribute, CLASSES, GROUP, NOTE, PATH, PROBABILITY, PredictedImage, PredictionTable};
use crate::{
    Error, Result,
    files::{self, MAX_BYTES},
};

/// Largest number of classes or labels accepted, as a header may have any number of columns; no model has so many.
const MAX_LABELS: usize = 1000;
/// Columns that name an image in files of other programs, besides [`PATH`].
const PATHS: [&str; 9] =
    [PATH, "image", "image_path", "image_index", "image_id", "file", "filename", "file_name", "filepath"];
/// Columns of true classes in files of other programs.
const TRUE_CLASSES: [&str; 5] = ["label", "class", "target", "truth", "true_label"];
/// Columns of groups in files of other programs.
const GROUPS: [&str; 5] = ["group", "patient", "patient_id", "patientid", "subject_id"];

/// Attribute whose values are years.
const AGE: &str = "age";

/// Settings by which a file of another program is read.
#[derive(Clone, Debug, Default)]
pub struct OtherPredictions {
    /// Labels to take, in this order; all with a column `p_<label>` where none is named.
    pub labels: Vec<String>,
    /// True where the columns hold logits, not probabilities.
    pub logits: bool,
    /// Column of groups; where none is named, one of those that are usual.
    pub group: Option<String>,
    /// True where the truth of findings stands in another file: then nothing is known of any label, until
    /// [`PredictionTable::with_findings`] says it.
    pub truth_elsewhere: bool,
}

impl OtherPredictions {
    /// Reads predictions of any program from a CSV, also compressed (`.gz`): a column `path` (or `image`, …), a column a label
    /// with the truth (1, 0 or nothing), `p_<label>` with the probability. Where the labels have no columns, `label` names each
    /// image's class. A column `patient` (or `group`, …) groups the images; all others are attributes.
    ///
    /// # Errors
    /// A file that cannot be read; columns that do not match; a value that is no truth or no probability, by line and column.
    pub fn read(&self, path: &Path) -> Result<PredictionTable> {
        let text = text(path)?;
        let text = CsvText::new(&text);
        let refused = |line, problem| Error::Csv { path: path.to_owned(), line, problem };
        let mut records = text.records();
        let header = records.next();
        let columns = PredictionColumns::find(header.as_ref(), self)
            .map_err(|problem| refused(text.first_line(), problem))?;
        let mut rows = PredictionRows::default();
        let mut lines: HashMap<String, u64> = HashMap::new();
        for record in records {
            if record.len() != columns.names.len() {
                let problem = format!("{} fields, but the header has {}", record.len(), columns.names.len());
                return Err(refused(record.line, problem));
            }
            columns.read(&record, self.logits, &mut rows).map_err(|problem| refused(record.line, problem))?;
            let image = record.cell(columns.path);
            if let Some(line) = lines.insert(image.to_owned(), record.line) {
                return Err(refused(record.line, format!("{} is in line {line} already", shown(image))));
            }
        }
        if self.labels.is_empty() {
            columns.check_forgotten(&rows).map_err(|problem| refused(text.first_line(), problem))?;
        }
        let labels = columns.labels.iter().map(|label| label.name.clone());
        let targets = match columns.task() {
            Task::MultiClass => Targets::from_classes(labels, rows.classes),
            Task::MultiLabel => Targets::from_findings(labels, rows.findings),
        };
        let scores = targets.and_then(|targets| match self.logits {
            true => Ok(Logits::new(targets, rows.probabilities)?.at(1.0)),
            false => Scores::new(targets, rows.probabilities),
        });
        let scores = scores.map_err(|error| refused(text.first_line(), error.to_string()))?;
        let attributes = columns.attributes.iter().zip(rows.attributes);
        let attributes =
            attributes.map(|(column, values)| Attribute { name: column.name.clone(), values }).collect();
        Ok(PredictionTable::new(rows.images, scores)?.with_attributes(attributes))
    }
}

/// Reads the text of a CSV that is not trusted, compressed or not.
fn text(path: &Path) -> Result<String> {
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("gz")) {
        return files::read(path).map_err(failed);
    }
    let file: File = files::open(path).map_err(failed)?;
    let mut text = String::new();
    let mut unpacked = flate2::read::MultiGzDecoder::new(file).take(MAX_BYTES + 1);
    unpacked.read_to_string(&mut text).map_err(failed)?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 GiB unpacked"))),
        false => Ok(text),
    }
}

/// Label or class with its columns.
struct Label {
    name: String,
    /// Column of its probability or logit.
    probability: usize,
    /// Column of the truth, of findings.
    truth: Option<usize>,
}

/// Columns of a file by their meaning.
struct PredictionColumns {
    names: Vec<String>,
    path: usize,
    labels: Vec<Label>,
    /// Column of true classes, where labels have no truth of their own.
    class: Option<usize>,
    group: Option<usize>,
    note: Option<usize>,
    /// All other columns.
    attributes: Vec<AttributeColumn>,
}

/// Column of an attribute.
struct AttributeColumn {
    at: usize,
    /// Name of the attribute; age, sex and view have one name, however the column is called.
    name: String,
}

/// Content of a file's rows.
#[derive(Default)]
struct PredictionRows {
    images: Vec<PredictedImage>,
    classes: Vec<usize>,
    findings: Vec<Option<bool>>,
    probabilities: Vec<f64>,
    attributes: Vec<Vec<String>>,
}

impl PredictionColumns {
    fn find(header: Option<&CsvRecord>, settings: &OtherPredictions) -> std::result::Result<Self, String> {
        let names: Vec<String> = header.into_iter().flat_map(CsvRecord::cells).map(str::to_owned).collect();
        let mut seen = HashSet::new();
        if let Some(name) = names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            return Err(format!("column `{name}` is there twice"));
        }
        let plain: Vec<String> =
            names.iter().map(|name| name.to_lowercase().replace([' ', '-'], "_")).collect();
        let known =
            |known: &[&str]| known.iter().find_map(|known| plain.iter().position(|name| name == known));
        let there = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if names.is_empty() {
            return Err("the file is empty".to_owned());
        }
        let path = known(&PATHS).ok_or_else(|| format!("no column `{PATH}`; there are {}", there()))?;
        let mut labels = labels(&names, &settings.labels)?;
        if settings.truth_elsewhere {
            labels.iter_mut().for_each(|label| label.truth = None);
        }
        let lacking: Vec<&str> =
            labels.iter().filter(|label| label.truth.is_none()).map(|label| label.name.as_str()).collect();
        let class = match lacking.len() {
            0 => None,
            _ if settings.truth_elsewhere => None,
            // The labels have no columns of their own.
            n if n == labels.len() => Some(known(&TRUE_CLASSES).ok_or_else(|| {
                format!("no column `{}` with the truth of `{PROBABILITY}{}`", lacking[0], lacking[0])
            })?),
            _ => {
                return Err(format!(
                    "no column `{}` with the truth of `{PROBABILITY}{}`",
                    lacking[0], lacking[0]
                ));
            }
        };
        let group = match &settings.group {
            Some(group) => Some(
                names
                    .iter()
                    .position(|name| name == group)
                    .ok_or_else(|| format!("no column `{group}`; there are {}", there()))?,
            ),
            // A label may be called like a group.
            None => known(&GROUPS)
                .filter(|group| *group != path && labels.iter().all(|label| label.truth != Some(*group))),
        };
        let note = known(&[NOTE]);
        let mut used: HashSet<usize> =
            [Some(path), class, group, note, known(&CLASSES[1..])].into_iter().flatten().collect();
        used.extend(labels.iter().flat_map(|label| [Some(label.probability), label.truth]).flatten());
        let is_attribute =
            |&at: &usize| !used.contains(&at) && !names[at].is_empty() && !names[at].starts_with(PROBABILITY);
        let mut attributes: Vec<AttributeColumn> = Vec::new();
        for at in (0..names.len()).filter(is_attribute) {
            let is_new = |name: &&str| attributes.iter().all(|other| other.name != **name);
            let name = canonical(&names[at]).filter(is_new).unwrap_or(&names[at]).to_owned();
            attributes.push(AttributeColumn { at, name });
        }
        Ok(Self { path, labels, class, group, note, attributes, names })
    }

    /// Refuses a column of truth without one of probabilities: marks alone, before the first probabilities.
    fn check_forgotten(&self, rows: &PredictionRows) -> std::result::Result<(), String> {
        let first = self.labels.iter().map(|label| label.probability).min().unwrap_or_default();
        let are_marks = |values: &[String]| {
            let mut filled = values.iter().filter(|value| !value.is_empty()).peekable();
            filled.peek().is_some() && filled.all(|value| finding(value, "").is_ok())
        };
        let is_known = |column: &AttributeColumn| canonical(&self.names[column.at]).is_some();
        let mut columns = self.attributes.iter().zip(&rows.attributes);
        let is_forgotten = |(column, values): &(&AttributeColumn, &Vec<String>)| {
            column.at < first && !is_known(column) && are_marks(values)
        };
        match columns.find(is_forgotten).filter(|_| self.task() == Task::MultiLabel) {
            Some((AttributeColumn { name, .. }, _)) => {
                Err(format!("no column `{PROBABILITY}{name}` with the probabilities of `{name}`"))
            }
            None => Ok(()),
        }
    }

    fn task(&self) -> Task {
        if self.class.is_some() { Task::MultiClass } else { Task::MultiLabel }
    }

    fn read(
        &self,
        record: &CsvRecord,
        logits: bool,
        rows: &mut PredictionRows,
    ) -> std::result::Result<(), String> {
        let text = |at: Option<usize>| {
            at.map(|at| record.cell(at)).filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        let path = record.cell(self.path);
        if path.is_empty() {
            return Err("an empty path".to_owned());
        }
        rows.images.push(PredictedImage {
            path: base::from_stored(base::without_apostrophe(path)),
            group: text(self.group),
            note: text(self.note),
        });
        if let Some(class) = self.class {
            let name = record.cell(class);
            let class = self.labels.iter().position(|label| label.name == name);
            rows.classes.push(class.ok_or_else(|| format!("`{name}` has no column `{PROBABILITY}{name}`"))?);
        }
        for label in &self.labels {
            match label.truth {
                Some(truth) => rows.findings.push(finding(record.cell(truth), &label.name)?),
                None => rows.findings.extend(self.class.is_none().then_some(None)),
            }
            let cell = record.cell(label.probability);
            let value: f64 = cell.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
                format!("column `{}`: `{cell}` is no number", self.names[label.probability])
            })?;
            if !logits && !(0.0..=1.0).contains(&value) {
                return Err(format!(
                    "column `{}`: `{cell}` is no probability, which is 0 to 1; are these logits?",
                    self.names[label.probability]
                ));
            }
            rows.probabilities.push(value);
        }
        rows.attributes.resize(self.attributes.len(), Vec::new());
        for (values, column) in rows.attributes.iter_mut().zip(&self.attributes) {
            let cell = record.cell(column.at);
            values.push(attribute(cell, &column.name));
        }
        Ok(())
    }
}

/// Reads the value of an attribute; an age in years, where it is one.
fn attribute(cell: &str, name: &str) -> String {
    let years = if name == AGE { age(cell, name).ok() } else { None };
    // Pandas writes what is missing in a column of texts as `nan`.
    years.unwrap_or_else(|| if cell.eq_ignore_ascii_case("nan") { String::new() } else { cell.to_owned() })
}

/// Finds the labels with a column of probabilities, in their order or that of `wanted`.
fn labels(names: &[String], wanted: &[String]) -> std::result::Result<Vec<Label>, String> {
    let found: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(PROBABILITY)).collect();
    let chosen: Vec<&str> =
        if wanted.is_empty() { found.clone() } else { wanted.iter().map(String::as_str).collect() };
    if chosen.is_empty() {
        return Err(format!("no column `{PROBABILITY}<label>` with probabilities"));
    }
    if chosen.len() > MAX_LABELS {
        return Err(format!("it has columns of more than {MAX_LABELS} labels"));
    }
    let place = |name: &str| names.iter().position(|other| other == name);
    let label = |name: &str| {
        let column = format!("{PROBABILITY}{name}");
        let probability = place(&column)
            .ok_or_else(|| format!("no column `{column}` with the probabilities of `{name}`"))?;
        Ok(Label { name: name.to_owned(), probability, truth: place(name) })
    };
    let mut seen = HashSet::new();
    if let Some(name) = chosen.iter().find(|name| !seen.insert(**name)) {
        return Err(format!("label `{name}` is named twice"));
    }
    let labels: Vec<Label> = chosen.into_iter().map(label).collect::<std::result::Result<_, String>>()?;
    check_between(names, &labels)?;
    Ok(labels)
}

/// Refuses a column between two that hold truth, where there is no column of its probabilities: it was forgotten.
fn check_between(names: &[String], labels: &[Label]) -> std::result::Result<(), String> {
    let truths = || labels.iter().filter_map(|label| label.truth);
    let Some((first, last)) = truths().min().zip(truths().max()) else { return Ok(()) };
    let known = |at: usize| labels.iter().any(|label| label.truth == Some(at) || label.probability == at);
    match (first..last).find(|&at| !known(at) && !names.contains(&format!("{PROBABILITY}{}", names[at]))) {
        Some(at) => {
            let name = &names[at];
            Err(format!("no column `{PROBABILITY}{name}` with the probabilities of `{name}`"))
        }
        None => Ok(()),
    }
}

fn finding(cell: &str, label: &str) -> std::result::Result<Option<bool>, String> {
    match cell {
        "" => Ok(None),
        "1" | "1.0" => Ok(Some(true)),
        "0" | "0.0" => Ok(Some(false)),
        // Uncertain is unknown, as in label files.
        "-1" | "-1.0" => Ok(None),
        other => match other.parse::<f64>() {
            Ok(1.0) => Ok(Some(true)),
            Ok(0.0) => Ok(Some(false)),
            Ok(-1.0) => Ok(None),
            _ => Err(format!("column `{label}`: {} is none of 1, 0, -1 and nothing", shown(other))),
        },
    }
}

/// Reads a CSV that this program wrote.
pub(super) fn own(path: &Path) -> Result<PredictionTable> {
    let other = |line: u64, problem: String| Error::Csv { path: path.to_owned(), line, problem };
    let text =
        files::read(path).map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
    let text = CsvText::new(&text);
    let mut records = text.records();
    let header = records.next();
    let own = OwnColumns::find(header.as_ref()).map_err(|problem| other(1, problem))?;
    let (mut images, mut classes, mut findings, mut values) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut attributes = vec![Vec::new(); own.attributes.len()];
    for record in records {
        let line = record.line;
        if record.len() != own.width {
            return Err(other(line, format!("{} fields, but the header has {}", record.len(), own.width)));
        }
        // `test --csv-safe` put apostrophes before some cells.
        let path = base::without_apostrophe(record.raw(0));
        match own.task {
            Task::MultiClass => {
                let find = |label: &str| own.labels.iter().position(|class| class == label);
                let class = [record.raw(1), record.cell(1)]
                    .into_iter()
                    .find_map(|label| find(label).or_else(|| find(base::without_apostrophe(label))));
                classes
                    .push(class.ok_or_else(|| other(line, "its label is none of the classes".to_owned()))?);
            }
            Task::MultiLabel => {
                for (at, label) in own.labels.iter().enumerate() {
                    findings
                        .push(finding(record.cell(1 + at), label).map_err(|problem| other(line, problem))?);
                }
            }
        }
        let mut fields = record.cells().skip(own.first);
        for field in fields.by_ref().take(own.labels.len()) {
            let value: Option<f32> = field.parse().ok().filter(|value| (0.0..=1.0).contains(value));
            let no_probability = || other(line, format!("`{field}` is no probability, which is 0 to 1"));
            values.push(value.ok_or_else(no_probability)?);
        }
        for (values, field) in attributes.iter_mut().zip(fields.by_ref().take(own.attributes.len())) {
            values.push(base::without_apostrophe(field).to_owned());
        }
        let mut text = |is_there: bool| {
            let text = if is_there { fields.next() } else { None };
            text.filter(|text| !text.is_empty()).map(|text| base::without_apostrophe(text).to_owned())
        };
        let (group, note) = (text(own.grouped), text(own.noted));
        images.push(PredictedImage { path: base::from_stored(path), group, note });
    }
    let targets = match own.task {
        Task::MultiClass => Targets::from_classes(own.labels, classes),
        Task::MultiLabel => Targets::from_findings(own.labels, findings),
    };
    let scores = targets
        .and_then(|targets| Scores::from_f32(targets, &values))
        .map_err(|error| other(1, error.to_string()))?;
    let attributes =
        own.attributes.into_iter().zip(attributes).map(|(name, values)| Attribute { name, values });
    Ok(PredictionTable::new(images, scores)?.with_attributes(attributes.collect()))
}

/// Columns of a file that this program wrote.
struct OwnColumns {
    task: Task,
    labels: Vec<String>,
    /// First column of probabilities.
    first: usize,
    attributes: Vec<String>,
    grouped: bool,
    noted: bool,
    width: usize,
}

impl OwnColumns {
    fn find(header: Option<&CsvRecord>) -> std::result::Result<Self, String> {
        let begins = || format!("its columns do not begin with `{PATH},{}`", CLASSES.join(","));
        let header = header.ok_or_else(begins)?;
        let is = |at: usize, name: &str| at < header.len() && header.cell(at) == name;
        if !is(0, PATH) {
            return Err(begins());
        }
        let (task, first) = match is(1, CLASSES[0]) && is(2, CLASSES[1]) {
            true => (Task::MultiClass, 1 + CLASSES.len()),
            // As many labels as there are columns before the first probability.
            false => match (1..header.len()).find(|&at| header.raw(at).starts_with(PROBABILITY)) {
                Some(first) if first > 1 => (Task::MultiLabel, first),
                _ => return Err(begins()),
            },
        };
        // A class may begin or end with a blank.
        let mut rest = (first..header.len()).map(|at| header.raw(at)).peekable();
        let mut labels = Vec::new();
        while let Some(label) = rest.peek().and_then(|column| column.strip_prefix(PROBABILITY)) {
            labels.push(label.to_owned());
            rest.next();
        }
        let mut attributes: Vec<String> =
            rest.map(|name| base::without_apostrophe(name).to_owned()).collect();
        let noted = attributes.pop_if(|name| name == NOTE).is_some();
        let grouped = attributes.pop_if(|name| name == GROUP).is_some();
        if labels.len() > MAX_LABELS {
            return Err(format!("it has columns of more than {MAX_LABELS} classes"));
        }
        let mut seen = HashSet::new();
        if let Some(label) = labels.iter().find(|label| !seen.insert(*label)) {
            return Err(format!("it has two columns of class `{label}`"));
        }
        let truth = (1..first).map(|at| base::without_apostrophe(header.raw(at)));
        if task == Task::MultiLabel && !truth.eq(labels.iter().map(String::as_str)) {
            return Err("its columns of truth and of probabilities are of different labels".to_owned());
        }
        Ok(Self { task, labels, first, attributes, grouped, noted, width: header.len() })
    }
}
