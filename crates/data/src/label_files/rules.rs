//! Choice of labels, and the values that their marks count as.

use std::path::Path;

use super::table::LabelTable;
use crate::{
    BlankRule, ClassName, Classes, Error, Finding, FindingOptions, LabelCounts, Mark, OpenOptions, Remark,
};

/// Label that says that there is none of the other findings.
const NO_FINDING: &str = "No Finding";
/// Label that is no finding, which an image without findings may have.
const SUPPORT_DEVICES: &str = "Support Devices";

/// Labels that are read, and the findings of each image.
pub(super) struct Picked {
    pub(super) labels: Vec<ClassName>,
    pub(super) findings: Vec<Vec<Finding>>,
    pub(super) remarks: Vec<Remark>,
}

/// Picks the labels that are asked for, or all that enough images have, and gives marks their values.
///
/// # Errors
/// Labels that the file does not have; no label that is known of an image.
pub(super) fn pick(table: &LabelTable, path: &Path, options: &OpenOptions<'_>) -> Result<Picked, Error> {
    if !options.classes.may_lack_some() {
        check_labels(table, path, options.findings)?;
    }
    let mut remarks = Vec::new();
    let columns = match super::wanted(options) {
        Some(wanted) => named(table, path, wanted, options)?,
        None => frequent(table, options.findings, &mut remarks),
    };
    if columns.is_empty() {
        let reason = match remarks.first() {
            Some(Remark::RareLabels { min_images, .. }) => {
                format!("none has {min_images} positive images; `--min-images` sets the number")
            }
            _ => "the file has none".to_owned(),
        };
        return Err(Error::NoLabels { path: path.to_owned(), reason });
    }
    let values = ValueRules::new(table, options.findings);
    let findings = table.rows.iter().map(|row| {
        let of_column = |(_, column): &(ClassName, Option<usize>)| values.finding(&row.marks, *column);
        columns.iter().map(of_column).collect()
    });
    let picked = Picked {
        findings: findings.collect(),
        labels: columns.into_iter().map(|(label, _)| label).collect(),
        remarks,
    };
    match options.classes {
        // A model's labels are all there, in its order.
        Classes::Exactly(_) | Classes::Among(_) => Ok(picked),
        Classes::All | Classes::Named(_) => picked.without_unknown(path),
    }
}

/// Checks that labels with rules of their own are in the file.
fn check_labels(table: &LabelTable, path: &Path, options: &FindingOptions) -> Result<(), Error> {
    let unknown =
        options.uncertain.labels.iter().find(|(label, _)| super::position(&table.labels, label).is_none());
    unknown.map_or(Ok(()), |(label, _)| Err(missing(table, path, label)))
}

fn missing(table: &LabelTable, path: &Path, label: &str) -> Error {
    let close = table
        .labels
        .iter()
        .map(|other| (strsim::jaro_winkler(&other.to_lowercase(), &label.to_lowercase()), other));
    let close = close.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    Error::MissingLabel {
        path: path.to_owned(),
        label: label.to_owned(),
        close: close.map(|(_, name)| name.clone()),
        found: table.labels.clone(),
    }
}

/// Finds the labels that are asked for, with their places in the file.
fn named(
    table: &LabelTable,
    path: &Path,
    wanted: &[ClassName],
    options: &OpenOptions<'_>,
) -> Result<Vec<(ClassName, Option<usize>)>, Error> {
    let find = |label: &ClassName| {
        let place = super::position(&table.labels, &label.folder);
        match place.is_none() && !options.classes.may_lack_some() {
            true => Err(missing(table, path, &label.folder)),
            false => Ok((label.clone(), place)),
        }
    };
    crate::listing::check_distinct(wanted)?;
    wanted.iter().map(find).collect()
}

/// Picks the labels that enough images have.
fn frequent(
    table: &LabelTable,
    options: &FindingOptions,
    remarks: &mut Vec<Remark>,
) -> Vec<(ClassName, Option<usize>)> {
    let min_images = options.min_images.unwrap_or(table.min_images);
    let mut positive = vec![0; table.labels.len()];
    for row in &table.rows {
        positive.iter_mut().zip(&row.marks).for_each(|(n, mark)| *n += usize::from(*mark == Mark::Positive));
    }
    let all = table.labels.iter().enumerate().filter(|(label, _)| positive[*label] >= min_images);
    let all: Vec<_> = all.map(|(label, name)| (ClassName::same(name), Some(label))).collect();
    let labels = table.labels.len() - all.len();
    remarks.extend((labels > 0).then_some(Remark::RareLabels { labels, min_images }));
    all
}

/// Rules by which marks become values.
struct ValueRules {
    /// Value of an uncertain mark, for each label.
    uncertain: Vec<Option<bool>>,
    blank: BlankRule,
    /// Places of `No Finding` and of the label that it does not exclude, in files where it excludes all others.
    no_finding: Option<(usize, Option<usize>)>,
}

impl ValueRules {
    fn new(table: &LabelTable, options: &FindingOptions) -> Self {
        let value = |label: &String| options.uncertain.policy(label).value();
        let place = |name| super::position(&table.labels, name);
        let no_finding = place(NO_FINDING).filter(|_| table.has_no_finding);
        Self {
            uncertain: table.labels.iter().map(value).collect(),
            blank: options.blank.unwrap_or(table.blank),
            no_finding: no_finding.map(|label| (label, place(SUPPORT_DEVICES))),
        }
    }

    /// Returns the finding of one label in a row; blank and unknown where the file lacks the label.
    fn finding(&self, marks: &[Mark], label: Option<usize>) -> Finding {
        let Some(label) = label else { return Finding { mark: Mark::Blank, value: None } };
        let mark = marks[label];
        let value = match mark {
            Mark::Positive => Some(true),
            Mark::Negative => Some(false),
            Mark::Uncertain => self.uncertain[label],
            Mark::Blank if self.is_excluded(marks, label) => Some(false),
            Mark::Blank => self.blank.value(),
        };
        Finding { mark, value }
    }

    fn is_excluded(&self, marks: &[Mark], label: usize) -> bool {
        self.no_finding.is_some_and(|(no_finding, excepted)| {
            marks[no_finding] == Mark::Positive && excepted != Some(label)
        })
    }
}

impl Picked {
    /// Leaves labels out that are known of no image.
    ///
    /// # Errors
    /// No label that is left.
    fn without_unknown(mut self, path: &Path) -> Result<Self, Error> {
        let mut counts = vec![LabelCounts::default(); self.labels.len()];
        for findings in &self.findings {
            counts.iter_mut().zip(findings).for_each(|(counts, finding)| counts.add(*finding));
        }
        let images = self.findings.len();
        let is_known: Vec<bool> = counts.iter().map(|counts| counts.unknown < images).collect();
        if is_known.iter().all(|known| *known) {
            return Ok(self);
        }
        let unknown = self.labels.iter().zip(&is_known).filter(|(_, known)| !**known);
        let unknown: Vec<String> = unknown.map(|(label, _)| label.label.clone()).collect();
        if unknown.len() == self.labels.len() {
            let reason = "no image is known to have or not to have one".to_owned();
            return Err(Error::NoLabels { path: path.to_owned(), reason });
        }
        keep(&mut self.labels, &is_known);
        self.findings.iter_mut().for_each(|findings| keep(findings, &is_known));
        self.remarks.push(Remark::UnknownLabels { labels: unknown });
        Ok(self)
    }
}

/// Keeps the values at whose places `is_kept` says so.
fn keep<T>(values: &mut Vec<T>, is_kept: &[bool]) {
    let mut kept = is_kept.iter();
    values.retain(|_| kept.next().is_some_and(|kept| *kept));
}
