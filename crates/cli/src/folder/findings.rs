//! Data sets with several findings an image, as `data scan` shows them.

use std::collections::{BTreeMap, HashSet};

use base::stored;
use data::{LabelCounts, Layout, Listing, Part, Sample};
use serde_json::{Value, json};

/// Columns of a label's counts.
const COUNTS: [&str; 5] = ["positive", "negative", "uncertain", "blank", "unknown"];

/// Images of a listing by patient, view and label.
pub(super) struct FindingsSummary<'a> {
    listing: &'a Listing,
    counts: Vec<LabelCounts>,
    /// Number of groups; `None` where no group is known.
    patients: Option<usize>,
    views: BTreeMap<&'a str, usize>,
    /// Positive images of each label, by part.
    parts: Vec<(Part, Vec<usize>)>,
}

impl<'a> FindingsSummary<'a> {
    pub(super) fn new(listing: &'a Listing, parts: Vec<(Part, Vec<usize>)>) -> Self {
        let groups: HashSet<&str> =
            listing.samples.iter().filter_map(|sample| sample.group.as_deref()).collect();
        let view = listing.attributes.iter().position(|name| name == "view");
        let mut views = BTreeMap::new();
        for value in
            view.iter().flat_map(|&view| listing.samples.iter().map(move |sample| view_of(sample, view)))
        {
            *views.entry(value).or_insert(0) += 1;
        }
        let patients = Some(groups.len() + listing.ungrouped).filter(|_| !groups.is_empty());
        Self { listing, counts: listing.label_counts(), patients, views, parts }
    }

    /// Adds the counts to the command's JSON object.
    pub(super) fn add_to(&self, object: &mut Value) {
        let labels =
            self.listing.classes.iter().zip(&self.counts).enumerate().map(|(label, (name, counts))| {
                let mut of_label = json!({"label": name.label, "column": name.folder});
                for (column, count) in COUNTS.iter().zip(numbers(counts)) {
                    of_label[*column] = json!(count);
                }
                for (part, counts) in &self.parts {
                    of_label[part.to_string()] = json!(counts[label]);
                }
                of_label
            });
        object["labels"] = labels.collect();
        object["format"] = match self.listing.layout {
            Layout::LabelFile(format) => json!(format.to_string()),
            _ => Value::Null,
        };
        object["images"] = json!(self.listing.samples.len());
        object["patients"] = json!(self.patients);
        object["views"] = json!(self.views);
        object["attributes"] = json!(self.listing.attributes);
        object["label_file"] = json!(stored(&self.listing.root));
    }

    /// Returns a row a label, below a header.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let mut header = vec!["label".to_owned()];
        header.extend(COUNTS.map(str::to_owned));
        header.extend(self.parts.iter().map(|(part, _)| format!("{part} +")));
        let mut rows = vec![header];
        for (label, (name, counts)) in self.listing.classes.iter().zip(&self.counts).enumerate() {
            let of_parts = self.parts.iter().map(|(_, counts)| counts[label]);
            let numbers = numbers(counts).into_iter().chain(of_parts).map(|count| count.to_string());
            rows.push([name.label.clone()].into_iter().chain(numbers).collect());
        }
        rows
    }

    /// Returns a line such as `1000 images of 264 patients; views: PA 600, AP 400`.
    pub(super) fn sentence(&self) -> String {
        let mut text = format!("{} images", self.listing.samples.len());
        if let Some(patients) = self.patients {
            text.push_str(&format!(" of {patients} patients"));
        }
        if !self.views.is_empty() {
            let views = self.views.iter().map(|(view, count)| format!("{view} {count}"));
            text.push_str(&format!("; views: {}", views.collect::<Vec<_>>().join(", ")));
        }
        text
    }
}

fn view_of(sample: &Sample, view: usize) -> &str {
    let value = sample.attributes[view].as_str();
    if value.is_empty() { "unknown" } else { value }
}

fn numbers(counts: &LabelCounts) -> [usize; 5] {
    [counts.positive, counts.negative, counts.uncertain, counts.blank, counts.unknown]
}
