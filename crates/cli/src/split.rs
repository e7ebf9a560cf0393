//! Command `data split`: the part of each image, as a manifest and as folders.

use std::{collections::HashSet, path::Path};

use anyhow::Result;
use base::{shown, stored};
use data::{
    Listing, OpenOptions, Part,
    lay_out::{self, How},
    manifest::{self, Row},
    split::{self, TestSize},
};
use serde_json::json;

use crate::{
    args::{self, SplitArgs, SplitKind},
    dataset::{self, marked},
    files,
    output::Output,
    progress,
    status::{Status, hinted},
    table::table,
};

pub(crate) fn run(args: &SplitArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    if let Some(dir) = &args.move_to {
        let moved = lay_out::resume_move(dir, &args.data, &args.out, args.force, &|| {})?;
        if let Some(images) = moved {
            output.note(format!("went on with the move that was cut off: {images} images in all"));
            output.result(args.out.display().to_string());
            return Ok(Status::Done);
        }
    }
    let group = args.group.rule();
    let formats = args.formats;
    let findings = args.findings.options();
    let classes = args::classes(&args.classes);
    let options = OpenOptions { classes, formats, group: &group, findings: &findings };
    let mut listing = dataset::list(&args.data, &options, output)?;
    let parts = parts(args, &mut listing)?;
    dataset::warn_of_groups(&listing, &sets(&listing, &parts), output);
    files::clear_up_beside(&args.out);
    match listing.is_multi_label() {
        true => write_findings(args, &listing, &parts)?,
        false => write(args, &listing, &rows(&listing, &parts), output)?,
    }
    if let Some(test) = dataset::test_set_beside(&args.data)
        && !parts.iter().any(|(part, _)| *part == Part::Test)
    {
        output.note(format!("`{}` is no part of it: name it with `train --test-data`", shown(test)));
    }
    print(args, &listing, &parts, output);
    Ok(Status::Done)
}

/// Returns the rows of the manifest of a data set with one class an image.
fn rows<'a>(listing: &'a Listing, parts: &[(Part, Option<usize>)]) -> Vec<Row<'a>> {
    let row = |(sample, &(part, fold)): (&'a data::Sample, &(Part, Option<usize>))| {
        let label = &listing.classes[sample.class()?].label;
        Some(Row { path: &sample.path, label, group: sample.group.as_deref(), part, fold })
    };
    listing.samples.iter().zip(parts).filter_map(row).collect()
}

/// Writes the manifest of a data set with several findings an image.
fn write_findings(args: &SplitArgs, listing: &Listing, parts: &[(Part, Option<usize>)]) -> Result<()> {
    if args.link.is_some() || args.copy.is_some() || args.move_to.is_some() {
        return Err(hinted(
            "images with several findings cannot be laid out: there are no folders of classes for them",
            "leave out `--link`, `--copy` and `--move`: the manifest alone is enough",
        ));
    }
    Ok(data::write_label_file(&args.out, listing, parts, args.force)?)
}

/// Returns the part and the fold of each image.
fn parts(args: &SplitArgs, listing: &mut Listing) -> Result<Vec<(Part, Option<usize>)>> {
    let whole_groups = args.split == SplitKind::Grouped;
    let size = args.test_per_class.map(TestSize::PerClass).or(args.test_split.map(TestSize::Share));
    if let Some(size) = size {
        split::keep_test(listing, size, whole_groups, args.seed)?;
    }
    let mut rest = listing.clone();
    rest.take_test()?;
    if let Some(k) = args.folds {
        let mut folds = split::folds(&rest, k, whole_groups, args.seed)?.into_iter();
        let part = |part| if part == Some(Part::Test) { Part::Test } else { Part::Training };
        let parts = listing.samples.iter().map(|sample| part(sample.part));
        return Ok(parts.map(|part| (part, if part == Part::Test { None } else { folds.next() })).collect());
    }
    let split = args.split.split(&rest, args.validation_split, args.seed)?;
    let validation: HashSet<&Path> = split.validation.iter().map(|sample| sample.path.as_path()).collect();
    let parts = listing.samples.iter().map(|sample| match sample.part {
        Some(Part::Test) => Part::Test,
        _ if validation.contains(sample.path.as_path()) => Part::Validation,
        _ => Part::Training,
    });
    Ok(parts.map(|part| (part, None)).collect())
}

/// Returns the images of each part.
fn sets(listing: &Listing, rows: &[(Part, Option<usize>)]) -> [Vec<data::Sample>; 3] {
    Part::ALL.map(|part| {
        let of_part = listing.samples.iter().zip(rows).filter(|(_, row)| row.0 == part);
        of_part.map(|(sample, _)| sample.clone()).collect()
    })
}

fn write(args: &SplitArgs, listing: &Listing, rows: &[Row<'_>], output: &Output) -> Result<()> {
    let place = [(&args.link, How::Link), (&args.copy, How::Copy), (&args.move_to, How::Move)]
        .into_iter()
        .find_map(|(dir, how)| Some((dir.as_deref()?, how)));
    let Some((dir, how)) = place else { return Ok(manifest::write(&args.out, rows, args.force)?) };
    let bar = progress::bar(output, rows.len(), "laying out");
    let done = lay_out::lay_out(dir, &args.out, rows, &listing.root, how, args.force, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(done?)
}

/// Prints the images of each class in each part, or the positive images of each label.
fn print(args: &SplitArgs, listing: &Listing, parts: &[(Part, Option<usize>)], output: &Output) {
    let folds = args.folds.unwrap_or(0);
    let mut columns: Vec<String> = Part::ALL.iter().map(ToString::to_string).collect();
    columns.extend((1..=folds).map(|fold| format!("fold {fold}")));
    let mut counts = vec![vec![0; columns.len()]; listing.classes.len()];
    for (&(part, fold), sample) in parts.iter().zip(&listing.samples) {
        for stratum in sample.strata() {
            counts[stratum][part as usize] += 1;
            if let Some(fold) = fold {
                counts[stratum][Part::ALL.len() + fold] += 1;
            }
        }
    }
    let kind = if listing.is_multi_label() { "label" } else { "class" };
    let labels = listing.labels();
    if args.json {
        let classes = labels.iter().zip(&counts).map(|(label, counts)| {
            json!({"label": label, "training": counts[0], "validation": counts[1], "test": counts[2],
                   "folds": counts[3..]})
        });
        let classes: Vec<_> = classes.collect();
        let manifest = stored(&args.out);
        let key = if listing.is_multi_label() { "labels" } else { "classes" };
        output.data(
            json!({"manifest": manifest, "synthetic": listing.is_synthetic(), key: classes}).to_string(),
        );
        return;
    }
    output.result(format!("{}{}", shown(&args.out), marked(listing.is_synthetic())));
    let mut lines = vec![[kind.to_owned()].into_iter().chain(columns).collect::<Vec<_>>()];
    for (label, counts) in labels.into_iter().zip(counts) {
        lines.push([label].into_iter().chain(counts.iter().map(usize::to_string)).collect());
    }
    output.result(table(&lines));
}
