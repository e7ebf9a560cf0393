//! Truth of predictions out of a label file.

use std::{collections::HashMap, path::Path};

use anyhow::Result;
use data::{FindingOptions, Listing, OpenOptions, Sample};
use experiment::{Attribute, PredictionTable};

use crate::{dataset, output::Output, status::hinted};

/// Number of images that an error names.
const NAMED: usize = 5;

/// Adds what a label file knows of the images, which are found by their path in it or by their file's name: labels, patients and
/// attributes. Attributes of the predictions stay.
///
/// # Errors
/// A file without findings; labels of the two that differ; images that the file lacks.
pub(super) fn add(
    set: PredictionTable,
    file: &Path,
    predictions: &Path,
    output: &Output,
) -> Result<PredictionTable> {
    let findings = FindingOptions { look_for_images: false, ..FindingOptions::DEFAULT };
    let listing = dataset::list(file, &OpenOptions { findings: &findings, ..OpenOptions::KERAS }, output)?;
    let places = labels(&set, &listing, file, predictions)?;
    let samples = samples(&set, &listing, file, predictions)?;
    let values = samples.iter().flat_map(|sample| {
        let own = sample.annotation.findings();
        places.iter().map(move |&place| own.get(place).and_then(|finding| finding.value))
    });
    let groups = samples.iter().map(|sample| sample.group.clone()).collect();
    let mut attributes = set.attributes().to_vec();
    for (at, name) in listing.attributes.iter().enumerate() {
        if attributes.iter().all(|attribute| attribute.name != *name) {
            let values = samples.iter().map(|sample| sample.attributes.get(at).cloned().unwrap_or_default());
            attributes.push(Attribute { name: name.clone(), values: values.collect() });
        }
    }
    let values = values.collect();
    Ok(set.with_findings(values, groups)?.with_attributes(attributes))
}

/// Finds the place of each predicted label in the file.
fn labels(set: &PredictionTable, listing: &Listing, file: &Path, predictions: &Path) -> Result<Vec<usize>> {
    let (file, predictions) = (base::shown(file), base::shown(predictions));
    if !listing.is_multi_label() {
        return Err(hinted(
            format!("`{file}` has one class an image"),
            "name a file with several findings an image",
        ));
    }
    let known = listing.labels();
    if let Some(label) = known.iter().find(|label| !set.labels().contains(label)) {
        return Err(hinted(
            format!("`{predictions}` has no column `p_{label}`, and `{file}` has the label `{label}`"),
            "add its probabilities, or leave the label's column out of the file",
        ));
    }
    let place = |label: &String| {
        known.iter().position(|other| other == label).ok_or_else(|| {
            hinted(
                format!("`{file}` has no label `{label}`, which `{predictions}` has probabilities of"),
                format!("its labels are {}", known.join(", ")),
            )
        })
    };
    set.labels().iter().map(place).collect()
}

/// Finds each predicted image in the file.
fn samples<'a>(
    set: &PredictionTable,
    listing: &'a Listing,
    file: &Path,
    predictions: &Path,
) -> Result<Vec<&'a Sample>> {
    fn last(name: &str) -> &str {
        name.rsplit(['/', '\\']).next().unwrap_or(name)
    }
    let by_path: HashMap<&str, &Sample> =
        listing.samples.iter().map(|sample| (sample.name.as_str(), sample)).collect();
    let by_name: HashMap<&str, &Sample> =
        listing.samples.iter().map(|sample| (last(&sample.name), sample)).collect();
    let (mut found, mut lacking) = (Vec::with_capacity(set.images.len()), Vec::new());
    for image in &set.images {
        let path = image.path.to_string_lossy();
        match by_path.get(path.as_ref()).or_else(|| by_name.get(last(&path))) {
            Some(sample) => found.push(*sample),
            None => lacking.push(path.into_owned()),
        }
    }
    if lacking.is_empty() {
        return Ok(found);
    }
    let named: Vec<String> = lacking.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    Err(hinted(
        format!(
            "{} of {} images of `{}` are not in `{}`: {}{}",
            lacking.len(),
            set.images.len(),
            base::shown(predictions),
            base::shown(file),
            named.join(", "),
            if lacking.len() > NAMED { ", …" } else { "" }
        ),
        "the images are found by the path or the file name that both give them",
    ))
}
