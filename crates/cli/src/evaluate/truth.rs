//! Truth of predictions out of a label file.

use std::path::Path;

use anyhow::Result;
use data::{FindingOptions, ImageNames, Listing, OpenOptions, Sample};
use experiment::{Attribute, PredictionTable};

use crate::{args::EvaluateArgs, dataset, output::Output, status::hinted};

/// Number of images that an error names.
const NAMED: usize = 5;

/// Adds what a label file knows of the images, which are found by their path in it or by its last names: labels, patients and
/// attributes. Patients and attributes of the predictions stay. Labels of the file without probabilities are left out, and said.
///
/// # Errors
/// A file without findings; a label that it lacks; images that it lacks, or that several of its rows may mean.
pub(super) fn add(
    set: PredictionTable,
    file: &Path,
    args: &EvaluateArgs,
    output: &Output,
) -> Result<PredictionTable> {
    let predictions = args.predictions.as_path();
    let findings = FindingOptions { look_for_images: false, ..FindingOptions::DEFAULT };
    let listing = dataset::list(file, &OpenOptions { findings: &findings, ..OpenOptions::KERAS }, output)?;
    let places = labels(&set, &listing, (file, predictions), output)?;
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
fn labels(
    set: &PredictionTable,
    listing: &Listing,
    (file, predictions): (&Path, &Path),
    output: &Output,
) -> Result<Vec<usize>> {
    let (file, predictions) = (base::shown(file), base::shown(predictions));
    if !listing.is_multi_label() {
        return Err(hinted(
            format!("`{file}` has one class an image"),
            "name a file with several findings an image",
        ));
    }
    let known = listing.labels();
    let without: Vec<String> = known
        .iter()
        .filter(|label| !set.labels().contains(label))
        .map(|label| format!("`{label}`"))
        .collect();
    if !without.is_empty() && without.len() < known.len() {
        output.warn(format!(
            "labels of `{file}` without a column of probabilities in `{predictions}` are left out: {}",
            without.join(", ")
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
    let names = ImageNames::new(listing.samples.iter().map(|sample| sample.name.as_str()));
    let (mut found, mut lacking) = (Vec::with_capacity(set.images.len()), Vec::new());
    for image in &set.images {
        let path = image.path.to_string_lossy();
        match names.find(&path).and_then(|index| listing.samples.get(index)) {
            Some(sample) => found.push(sample),
            None => lacking.push(path.into_owned()),
        }
    }
    if lacking.is_empty() {
        return Ok(found);
    }
    let named: Vec<String> = lacking.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    Err(hinted(
        format!(
            "{} of {} images of `{}` are not in `{}`, or could be several of it: {}{}",
            lacking.len(),
            set.images.len(),
            base::shown(predictions),
            base::shown(file),
            named.join(", "),
            if lacking.len() > NAMED { ", …" } else { "" }
        ),
        "images are found by their path, or by as many of its last names as tell the file's images apart",
    ))
}
