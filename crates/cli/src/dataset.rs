//! Data sets from folders to images in memory, and all messages about their faults.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ::audit::DuplicateFinder;
use anyhow::Result;
use base::shown;
use data::{
    BadImage, Cache, Classes, DecodeNotes, Decoding, GroupRule, ImageSet, LeftOut, Listing, OpenOptions,
    Preprocess, Reason, Remark, Sample,
};

use crate::{
    args::OnBadImage,
    output::{Lines, Output},
    progress,
    status::hinted,
};

/// Number of bad files that are named; the rest is counted.
const NAMED: usize = 20;

/// Settings for reading images.
pub(crate) struct ReadSettings {
    pub(crate) preprocess: Preprocess,
    pub(crate) decoding: Decoding,
    pub(crate) cache: Option<Cache>,
    pub(crate) policy: OnBadImage,
}

/// Decodes lists of samples to a set each. Bad files of all lists are named together; by the policy they end the work or are left
/// out.
pub(crate) fn load(
    lists: &[&[Sample]],
    reading: &ReadSettings,
    output: &Output,
) -> Result<(Vec<ImageSet>, Vec<BadImage>)> {
    let ReadSettings { preprocess, decoding, cache, policy } = reading;
    let total = lists.iter().map(|samples| samples.len()).sum();
    let (mut sets, mut bad, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let all: Vec<data::Loaded> = progress::reading(output, total, |observer| {
        lists
            .iter()
            .map(|samples| data::load(samples, preprocess, decoding, cache.as_ref(), observer))
            .collect()
    });
    for loaded in all {
        let place = if loaded.from_cache { "from the cache" } else { "decoded" };
        tracing::info!("{} images {place}", loaded.images.len());
        if let Some(error) = loaded.not_cached {
            let error = anyhow::Error::new(error);
            output.warn(format!("images are kept in memory only: {error:#}"));
        }
        sets.push(loaded.images);
        bad.extend(loaded.bad);
        notes.extend(loaded.notes);
    }
    describe_notes(&notes, total).into_iter().for_each(|note| output.warn(note));
    if !bad.is_empty() {
        match policy {
            OnBadImage::Error => {
                return Err(hinted(
                    describe("", &bad, total),
                    "mend or remove them, or go on without them by `--on-bad-image skip`",
                ));
            }
            OnBadImage::Skip => output.warn(describe("left out: ", &bad, total)),
        }
    }
    Ok((sets, bad))
}

/// Lists a data set, and reports its layout and the files left out that may be missed.
pub(crate) fn list(path: &Path, options: &OpenOptions<'_>, output: &Output) -> Result<Listing> {
    let listing = list_silently(path, options, output)?;
    let missed: Vec<&LeftOut> = listing.left_out.iter().filter(|left| may_be_missed(left)).collect();
    if !missed.is_empty() {
        output.note(describe_left_out(missed));
    }
    Ok(listing)
}

/// Lists a data set for a command that reports the files left out itself.
pub(crate) fn list_silently(path: &Path, options: &OpenOptions<'_>, output: &Output) -> Result<Listing> {
    let listing = progress::listing(output, |observer| data::open_observed(path, options, observer))?;
    let named = |remark: &Remark| match remark {
        Remark::UnlabelledTest { .. } => remark.to_string(),
        remark => format!("`{}`: {remark}", shown(path)),
    };
    for remark in &listing.remarks {
        match remark.is_warning() {
            true => output.warn(named(remark)),
            false => output.note(format!("note: {}", named(remark))),
        }
    }
    Ok(listing)
}

/// Tells if a user may take a file that was left out for a class or an image of it.
fn may_be_missed(left: &LeftOut) -> bool {
    match left.reason {
        Reason::Leftover | Reason::Output(_) => true,
        Reason::Hidden => left.path.is_dir() || data::has_image_extension(&left.path.to_string_lossy()),
        _ => false,
    }
}

/// Number of files left out for one reason that are named; `--json` names all.
const NAMED_LEFT_OUT: usize = 3;

/// Describes the files left out, by reasons, with the first files of each.
pub(crate) fn describe_left_out<'a>(left_out: impl IntoIterator<Item = &'a LeftOut>) -> Lines {
    let mut reasons: BTreeMap<Reason, Vec<&LeftOut>> = BTreeMap::new();
    left_out.into_iter().for_each(|left| reasons.entry(left.reason).or_default().push(left));
    let lines = reasons.iter().map(|(reason, files)| {
        let names = files.iter().take(NAMED_LEFT_OUT).map(|left| format!("`{}`", shown(&left.path)));
        let more = if files.len() > NAMED_LEFT_OUT { ", …" } else { "" };
        let takes = match reason {
            Reason::NotInKerasList(_) => " (`--formats all` takes it)",
            _ => "",
        };
        format!("left out: {} {reason}{takes}: {}{more}", files.len(), names.collect::<Vec<_>>().join(", "))
    });
    lines.collect::<Vec<_>>().into()
}

/// Opens a data set and its test set: the one that the user names, the images that the data set itself keeps for testing, or the
/// folder beside it. Images that the data set keeps for testing are taken out of it in any case.
pub(crate) fn open(
    data: &Path,
    test_data: Option<&Path>,
    options: &OpenOptions<'_>,
    output: &Output,
) -> Result<(Listing, Option<Listing>)> {
    let (listing, own) = open_apart(data, options, output)?;
    let beside = || if own.is_none() { test_set_beside(data) } else { None };
    let Some(named) = test_data.map(Path::to_owned).or_else(beside) else { return Ok((listing, own)) };
    let classes = match options.classes {
        // Classes named by the user may be some of those present; otherwise both sets must have the same.
        Classes::Named(_) => Classes::Named(&listing.classes),
        _ => Classes::Exactly(&listing.classes),
    };
    // Another data set may lack the column.
    let group = match options.group {
        GroupRule::Column(_) => &GroupRule::None,
        group => group,
    };
    let test = list(&named, &OpenOptions { classes, group, ..*options }, output)?.into_test_set()?;
    Ok((listing, Some(test)))
}

/// Opens a data set as two parts: its images without those that it keeps for testing, and those.
pub(crate) fn open_apart(
    data: &Path,
    options: &OpenOptions<'_>,
    output: &Output,
) -> Result<(Listing, Option<Listing>)> {
    let mut listing = list(data, options, output)?;
    let own = listing.take_test()?;
    Ok((listing, own))
}

/// Warns of images with the same pixels in two of these sets, or of two classes; they are named like in `data audit`.
pub(crate) fn warn_of_duplicates(sets: &[(&str, &ImageSet)], decoding: &Decoding, output: &Output) {
    let images: Vec<(&str, &Sample)> =
        sets.iter().flat_map(|&(name, set)| set.samples().iter().map(move |sample| (name, sample))).collect();
    let digests = sets.iter().flat_map(|(_, set)| (0..set.len()).map(|index| set.digest(index)));
    let mut finder = DuplicateFinder::new();
    digests.enumerate().for_each(|(image, digest)| finder.add(image, digest));
    let groups = finder.confirm(|image| images[image].1.path.as_path(), decoding);
    let leaks: Vec<&Vec<usize>> = groups
        .iter()
        .filter(|group| {
            let (name, first) = images[group[0]];
            group.iter().any(|&image| {
                images[image].0 != name || images[image].1.annotation.contradicts(&first.annotation)
            })
        })
        .collect();
    let Some(group) = leaks.first() else { return };
    let example = group.iter().map(|&image| {
        let (name, sample) = images[image];
        format!("`{}` ({name})", sample.name)
    });
    output.warn(format!(
        "{} with the same pixels in two sets or classes, such as {}: the figures are too good; `thorax data audit` lists them",
        if leaks.len() == 1 { "there are images".to_owned() } else { format!("there are {} groups of images", leaks.len()) },
        example.take(3).collect::<Vec<_>>().join(" and "),
    ));
}

/// Describes files that were read in another way than most: a line for each way, with the first of its files.
pub(crate) fn describe_notes(notes: &[(PathBuf, DecodeNotes)], of: usize) -> Vec<String> {
    type Way = (fn(&DecodeNotes) -> bool, &'static str);
    let ways: [Way; 5] = [
        (
            |notes| notes.is_cut,
            "have values that 8 bits do not hold, which Keras' rules cut: most of the picture is lost; `--formats all` scales them",
        ),
        (
            |notes| notes.by_general_rules,
            "are DICOM files, which Keras' rules know nothing of: read by those of `--formats all`",
        ),
        (
            |notes| notes.without_window,
            "are DICOM files without a usable window: each is scaled by the range of its own pixels",
        ),
        (
            |notes| notes.by_own_range,
            "are TIFF files that do not say which values are black and white: each is scaled by the range of its own pixels",
        ),
        (
            |notes| notes.frame.is_some(),
            "hold several frames, of which one is used; `--frame N` picks another",
        ),
    ];
    let line = |(is, what): &Way| {
        let mut found = notes.iter().filter(|(_, notes)| is(notes));
        let (first, _) = found.next()?;
        Some(format!("{} of {of} images {what}, such as `{}`", 1 + found.count(), first.display()))
    };
    ways.iter().filter_map(line).collect()
}

/// Describes bad files, and names at most 20 of them.
pub(crate) fn describe(before: &str, bad: &[BadImage], of: usize) -> Lines {
    let mut lines = vec![format!("{before}{} of {of} images cannot be read", bad.len())];
    let named = bad.iter().take(NAMED);
    lines.extend(named.map(|image| format!("  `{}`: {}", shown(&image.path), image.reason)));
    if bad.len() > NAMED {
        lines.push(format!("  … and {} more", bad.len() - NAMED));
    }
    lines.into()
}

/// Checks that every class still has images after bad files were left out; of findings, that there is an image.
pub(crate) fn check_classes_left(samples: &[Sample], part: &str, labels: &[String]) -> Result<()> {
    if samples.iter().any(|sample| sample.class().is_none()) {
        return Ok(());
    }
    let counts = data::counts(samples, labels.len());
    match counts.iter().position(|&count| count == 0) {
        Some(class) => {
            let class = &labels[class];
            Err(hinted(
                format!("no readable image of class `{class}` is left for {part}"),
                "add images of that class, or leave it out with `--classes`",
            ))
        }
        None => Ok(()),
    }
}

/// Returns the test set beside a data set: its name, without a trailing slash, plus ` Test`.
pub(crate) fn test_set_beside(data: &Path) -> Option<PathBuf> {
    // Collecting components drops trailing slashes and dots.
    let mut name = data.components().collect::<PathBuf>().into_os_string();
    name.push(" Test");
    Some(PathBuf::from(name)).filter(|path| path.is_dir())
}

/// Warns of images of unknown group, and of groups that are in several of these sets.
pub(crate) fn warn_of_groups(listing: &Listing, sets: &[impl AsRef<[Sample]>], output: &Output) {
    warn_of_ungrouped(listing, output);
    warn_of_shared_groups(sets, "training, validation and test", output);
}

/// Warns of images that have no group, where groups are asked for.
pub(crate) fn warn_of_ungrouped(listing: &Listing, output: &Output) {
    if listing.ungrouped > 0 {
        let (images, all) = (listing.ungrouped, listing.samples.len());
        output.warn(format!("no group is known of {images} of {all} images: each is one of its own"));
    }
}

/// Warns of groups that are in several of these sets, whose names are `which`.
pub(crate) fn warn_of_shared_groups(sets: &[impl AsRef<[Sample]>], which: &str, output: &Output) {
    let sets: Vec<&[Sample]> = sets.iter().map(AsRef::as_ref).collect();
    let shared = data::split::shared_groups(&sets);
    if let Some(first) = shared.first() {
        let groups = if shared.len() == 1 {
            "1 group stands".to_owned()
        } else {
            format!("{} groups stand", shared.len())
        };
        output.warn(format!(
            "{groups} in more than one of {which}, such as `{first}`: figures may be too good"
        ));
    }
}

/// Returns ` (synthetic phantoms, no radiographs)`, or an empty text.
pub(crate) fn marked(synthetic: bool) -> &'static str {
    if synthetic { " (synthetic phantoms, no radiographs)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_set_is_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("X-rays");
        assert_eq!(test_set_beside(&data), None);
        std::fs::create_dir(folder.path().join("X-rays Test")).unwrap();
        let found = Some(folder.path().join("X-rays Test"));
        assert_eq!(test_set_beside(&data), found);
        assert_eq!(test_set_beside(&folder.path().join("X-rays/")), found);
    }
}
