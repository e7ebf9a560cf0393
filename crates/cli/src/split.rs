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
    status::Status,
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
    let options = OpenOptions { classes: args::classes(&args.classes), formats, group: &group };
    let mut listing = dataset::list(&args.data, &options, output)?;
    let rows = parts(args, &mut listing)?;
    dataset::warn_of_groups(&listing, &sets(&listing, &rows), output);
    let labels = listing.labels();
    let rows: Vec<Row<'_>> = listing
        .samples
        .iter()
        .zip(&rows)
        .map(|(sample, &(part, fold))| Row {
            path: &sample.path,
            label: &labels[sample.label],
            group: sample.group.as_deref(),
            part,
            fold,
        })
        .collect();
    files::clear_up_beside(&args.out);
    write(args, &listing, &rows, output)?;
    if let Some(test) = dataset::test_set_beside(&args.data)
        && !rows.iter().any(|row| row.part == Part::Test)
    {
        output.note(format!("`{}` is no part of it: name it with `train --test-data`", shown(test)));
    }
    print(args, &listing, &rows, output);
    Ok(Status::Done)
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

fn print(args: &SplitArgs, listing: &Listing, rows: &[Row<'_>], output: &Output) {
    let folds = args.folds.unwrap_or(0);
    let mut columns: Vec<String> = Part::ALL.iter().map(ToString::to_string).collect();
    columns.extend((1..=folds).map(|fold| format!("fold {fold}")));
    let mut counts = vec![vec![0; columns.len()]; listing.classes.len()];
    for (row, sample) in rows.iter().zip(&listing.samples) {
        let counts = &mut counts[sample.label];
        counts[row.part as usize] += 1;
        if let Some(fold) = row.fold {
            counts[Part::ALL.len() + fold] += 1;
        }
    }
    let labels = listing.labels();
    if args.json {
        let classes = labels.iter().zip(&counts).map(|(label, counts)| {
            json!({"label": label, "training": counts[0], "validation": counts[1], "test": counts[2],
                   "folds": counts[3..]})
        });
        let classes: Vec<_> = classes.collect();
        let manifest = stored(&args.out);
        output.data(
            json!({"manifest": manifest, "synthetic": listing.is_synthetic(), "classes": classes})
                .to_string(),
        );
        return;
    }
    output.result(format!("{}{}", shown(&args.out), marked(listing.is_synthetic())));
    let mut lines = vec![["class".to_owned()].into_iter().chain(columns).collect::<Vec<_>>()];
    for (label, counts) in labels.into_iter().zip(counts) {
        lines.push([label].into_iter().chain(counts.iter().map(usize::to_string)).collect());
    }
    output.result(table(&lines));
}
