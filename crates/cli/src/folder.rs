//! Command `data scan`.

mod findings;

use std::collections::HashSet;

use anyhow::Result;
use base::{shown, stored};
use data::{BadImage, Decoding, FindingOptions, Formats, Listing, OpenOptions, Part};
use serde_json::{Value, json};

use crate::{
    args::{self, ScanArgs},
    compute::use_threads,
    dataset::{self, marked},
    output::Output,
    progress,
    status::{Status, hinted},
    table::table,
};
use findings::FindingsSummary;

/// Lists a data set's classes and the files that are left out, and reads every image to find those that cannot be read.
pub(crate) fn scan(args: &ScanArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.threads)?;
    let decoding = args.read.decoding(Formats::All);
    let group = args.group.rule();
    let classes = args::classes(&args.classes);
    let findings = FindingOptions { look_for_images: !args.labels_only, ..args.findings.options() };
    let options = OpenOptions { classes, formats: decoding.formats, group: &group, findings: &findings };
    let listing = dataset::list_silently(&args.data, &options, output)?;
    if listing.is_multi_label() {
        return scan_findings(args, &listing, &decoding, output);
    }
    if args.labels_only {
        return Err(hinted(
            "`--labels-only` is for label files: these images have one class each",
            "leave it out",
        ));
    }
    dataset::warn_of_groups(&listing, &sets(&listing), output);
    let labels = listing.labels();
    let checked = progress::reading(output, listing.samples.len(), |observer| {
        data::check(&listing.samples, &decoding, observer)
    });

    let counts = listing.counts();
    let (mut gray, mut readable) = (vec![0; labels.len()], counts.clone());
    let (mut bad, mut notes) = (Vec::new(), Vec::new());
    for (sample, found) in listing.samples.iter().zip(checked) {
        let class = sample.class().unwrap_or(0);
        match found {
            Ok((channels, of_file)) => {
                gray[class] += usize::from(channels == 1);
                notes.push((sample.path.clone(), of_file));
            }
            Err(reason) => {
                readable[class] -= 1;
                bad.push(BadImage { path: sample.path.clone(), reason });
            }
        }
    }
    let described = dataset::describe_notes(&notes, listing.samples.len());
    described.into_iter().for_each(|note| output.warn(note));
    let all_readable = bad.is_empty();
    if args.json {
        let classes = (0..labels.len()).map(|class| {
            let mut of_class = json!({"label": labels[class], "images": counts[class], "gray": gray[class],
                                      "unreadable": counts[class] - readable[class]});
            for (part, counts) in parts(&listing) {
                of_class[part.to_string()] = json!(counts[class]);
            }
            of_class
        });
        let mut object = object(args, &listing, &bad);
        object["classes"] = classes.collect();
        output.data(object.to_string());
    } else {
        let layout = listing.layout;
        output.result(format!("{} ({layout}){}", shown(&args.data), marked(listing.is_synthetic())));
        let mut rows = vec![["class", "images", "gray", "colour", "unreadable"].map(str::to_owned).to_vec()];
        rows[0].extend(parts(&listing).iter().map(|(part, _)| part.to_string()));
        for (class, label) in labels.iter().enumerate() {
            let colour = readable[class] - gray[class];
            let numbers = [counts[class], gray[class], colour, counts[class] - readable[class]];
            let of_parts = parts(&listing).into_iter().map(|(_, counts)| counts[class]);
            let numbers = numbers.into_iter().chain(of_parts).map(|n| n.to_string());
            rows.push([label.clone()].into_iter().chain(numbers).collect());
        }
        output.result(table(&rows));
        if let Some(groups) = groups(&listing) {
            output.result(format!("{groups} groups"));
        }
        if !listing.left_out.is_empty() {
            output.result(dataset::describe_left_out(&listing.left_out));
        }
        if !bad.is_empty() {
            output.result(dataset::describe("", &bad, listing.samples.len()));
        }
    }
    Ok(if all_readable { Status::Done } else { Status::BadInput })
}

/// Returns what is said of any data set as a JSON object.
fn object(args: &ScanArgs, listing: &Listing, bad: &[BadImage]) -> Value {
    let left_out = listing.left_out.iter();
    let left_out =
        left_out.map(|left| json!({"path": stored(&left.path), "reason": left.reason.to_string()}));
    let remarks: Vec<String> = listing.remarks.iter().map(ToString::to_string).collect();
    let bad = bad.iter().map(|bad| json!({"path": stored(&bad.path), "error": bad.reason}));
    json!({"data": stored(&args.data), "synthetic": listing.is_synthetic(),
           "layout": listing.layout.to_string(), "groups": groups(listing),
           "unreadable": bad.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>(), "remarks": remarks})
}

/// Shows the labels of a label file, and reads every image unless only the labels are asked for.
fn scan_findings(args: &ScanArgs, listing: &Listing, decoding: &Decoding, output: &Output) -> Result<Status> {
    dataset::warn_of_groups(listing, &sets(listing), output);
    let bad = if args.labels_only { Vec::new() } else { unreadable(listing, decoding, output) };
    let summary = FindingsSummary::new(listing, parts(listing));
    if args.json {
        let mut object = object(args, listing, &bad);
        summary.add_to(&mut object);
        output.data(object.to_string());
    } else {
        let layout = listing.layout;
        output.result(format!("{} ({layout}){}", shown(&args.data), marked(listing.is_synthetic())));
        output.result(summary.sentence());
        output.result(table(&summary.rows()));
        if !bad.is_empty() {
            output.result(dataset::describe("", &bad, listing.samples.len()));
        }
    }
    Ok(if bad.is_empty() { Status::Done } else { Status::BadInput })
}

/// Reads every image, and returns those that cannot be read.
fn unreadable(listing: &Listing, decoding: &Decoding, output: &Output) -> Vec<BadImage> {
    let checked = progress::reading(output, listing.samples.len(), |observer| {
        data::check(&listing.samples, decoding, observer)
    });
    let (mut bad, mut notes) = (Vec::new(), Vec::new());
    for (sample, found) in listing.samples.iter().zip(checked) {
        match found {
            Ok((_, of_file)) => notes.push((sample.path.clone(), of_file)),
            Err(reason) => bad.push(BadImage { path: sample.path.clone(), reason }),
        }
    }
    let described = dataset::describe_notes(&notes, listing.samples.len());
    described.into_iter().for_each(|note| output.warn(note));
    bad
}

/// Counts the images per class of each part that the data set itself has.
fn parts(listing: &Listing) -> Vec<(Part, Vec<usize>)> {
    let parts = Part::ALL.map(|part| (part, listing.counts_of(part)));
    parts.into_iter().filter(|(_, counts)| counts.iter().any(|&count| count > 0)).collect()
}

/// Returns the images of each part.
fn sets(listing: &Listing) -> Vec<Vec<data::Sample>> {
    let of_part = |part| listing.samples.iter().filter(move |sample| sample.part == Some(part)).cloned();
    Part::ALL.map(|part| of_part(part).collect()).to_vec()
}

/// Counts the groups; `None` where no group is known.
fn groups(listing: &Listing) -> Option<usize> {
    let groups: HashSet<&str> = listing.samples.iter().filter_map(|sample| sample.group.as_deref()).collect();
    Some(groups.len() + listing.ungrouped).filter(|_| !groups.is_empty())
}
