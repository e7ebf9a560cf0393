//! Setup of a cross-validation: checks of flags and folders, for every fold, before the first image is decoded.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use data::{BadImage, Listing, OpenOptions, Part, Sample, manifest, split};
use experiment::{CrossValidation, FOLDS, FoldState};
use serde_json::{Value, json};

use super::same;
use crate::{
    args::{CrossValidateArgs, OnBadImage, TrainArgs, TrainSettings},
    dataset,
    output::{Lines, Output},
    saved,
    status::hinted,
    table::table,
    train::{Opened, Plan, check_writable, default_name, introduce_data},
};

/// Number of folds where neither the flags nor the data set give one.
const DEFAULT_FOLDS: usize = 5;

pub(super) struct Setup {
    /// Settings of the flags, which every fold's plan fills in.
    given: TrainSettings,
    /// Opened data set. Its listing holds all images but those that the data set keeps for testing, by paths that are the same in
    /// every process.
    opened: Opened,
    /// Number of images that the data set keeps for testing.
    apart: usize,
    /// Fold of each image, from 0.
    pub(super) folds: Vec<usize>,
    /// Origin of the folds, in words.
    pub(super) drawn: String,
    /// Number of folds; at least two.
    pub(super) k: usize,
    /// Plan of the first fold's run.
    pub(super) first: Plan,
    /// Flag names → resolved values, the same for all folds.
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) out: PathBuf,
    /// Labels left out, which have no positive image in the training part of some fold.
    left_out_labels: Vec<String>,
}

impl Setup {
    /// Reads flags and folders; nothing is written.
    pub(super) fn new(args: &CrossValidateArgs, output: &Output) -> Result<Self> {
        if args.train.settings.test_data.is_some() {
            return Err(hinted(
                "`--test-data` does not go with `cross-validate`: every image is tested once, by the model that was trained \
                 without it",
                "leave it out; `thorax train --test-data` tests on another data set",
            ));
        }
        if args.train.resume.is_some() {
            return Err(hinted(
                "`--resume` does not go with `cross-validate`",
                "name its folder again with `--out`, and it goes on with the folds that are not done",
            ));
        }
        let name = || default_name(&format!("{}-cv", args.train.settings.model));
        let out = args.train.out.clone().unwrap_or_else(name);
        check_writable(&out)?;
        let begun = args.train.out.as_deref().map(CrossValidation::open).transpose()?.flatten();
        let open =
            |options: &OpenOptions<'_>| dataset::open_apart(&args.train.settings.data, options, output);
        let mut opened = Opened::new(&args.train.settings, open)?;
        let apart = opened.test.take().map_or(0, |test| test.samples.len());
        let data = name_absolutely(&mut opened.listing)?;
        let setup = Self::of(args, opened, apart, json!(data), out)?;
        if let Some(begun) = begun {
            same::check_settings(&begun, &setup)?;
            // With `skip`, the files to leave out are known only once all were read.
            if args.train.settings.on_bad_image == OnBadImage::Error {
                same::check_folds(&begun, &setup)?;
            }
            setup.wanted(args).try_for_each(|fold| state(&begun, fold).map(drop))?;
        }
        Ok(setup)
    }

    /// Deals the images of a data set, called `data`, to folds.
    fn of(
        args: &CrossValidateArgs,
        mut opened: Opened,
        apart: usize,
        data: Value,
        out: PathBuf,
    ) -> Result<Self> {
        let (k, folds, drawn) = deal(args, &opened.listing)?;
        if let Some(fold) = args.fold.filter(|&fold| fold > k) {
            return Err(hinted(
                format!("there is no fold {fold} of {k}"),
                format!("name one of 1 to {k} with `--fold`"),
            ));
        }
        let settings = &args.train.settings;
        let left_out_labels = leave_out_labels(settings, &mut opened, &folds, k, &out)?;
        let first = plan(settings, &opened, &folds, 1, &out)?;
        for fold in 2..=k {
            plan(settings, &opened, &folds, fold, &out)?;
        }
        let mut settings = first.stored_settings()?;
        // A fold's images are no test set that could be opened again under this name.
        settings.insert("test-data".to_owned(), Value::Null);
        settings.insert("data".to_owned(), data);
        settings.insert("folds".to_owned(), json!(k));
        let given = args.train.settings.clone();
        Ok(Self { given, opened, apart, folds, drawn, k, first, settings, out, left_out_labels })
    }

    /// Removes files that cannot be read from the data set, as if they were not there, and deals the others to folds. Returns
    /// true if there were any.
    pub(super) fn leave_out(&mut self, args: &CrossValidateArgs, bad: &[BadImage]) -> Result<bool> {
        let mut listing = self.opened.listing.clone();
        if !listing.remove(&bad.iter().map(|bad| bad.path.as_path()).collect()) {
            return Ok(false);
        }
        dataset::check_classes_left(&listing.samples, "the folds", &listing.labels())?;
        let opened = Opened { listing, test: None, ..self.opened };
        let data = self.settings.get("data").cloned().unwrap_or_default();
        *self = Self::of(args, opened, self.apart, data, self.out.clone())?;
        Ok(true)
    }

    /// Creates the folder if none was named; each of several that are begun in the same second gets its own.
    pub(super) fn make_folder(&mut self, args: &TrainArgs) -> Result<()> {
        if args.out.is_none() {
            saved::make_runs_folder()?;
            self.out = experiment::new_folder(&self.out)?;
        }
        Ok(())
    }

    /// Returns all images.
    pub(super) fn listing(&self) -> &Listing {
        &self.opened.listing
    }

    /// Makes the plan of a fold's run; folds count from 1.
    pub(super) fn plan(&self, fold: usize) -> Result<Plan> {
        plan(&self.given, &self.opened, &self.folds, fold, &self.out)
    }

    /// Returns the folds that are asked for, from 1.
    pub(super) fn wanted(&self, args: &CrossValidateArgs) -> RangeInclusive<usize> {
        args.fold.map_or(1..=self.k, |fold| fold..=fold)
    }

    /// Returns the images of each fold.
    pub(super) fn held_out(&self) -> Vec<Vec<Sample>> {
        let mut held_out = vec![Vec::new(); self.k];
        for (sample, &fold) in self.listing().samples.iter().zip(&self.folds) {
            held_out[fold].push(sample.clone());
        }
        held_out
    }

    /// Prints the data set, the folds and the network, with the table of folds.
    pub(super) fn introduce(&self, output: &Output) {
        let listing = self.listing();
        introduce_data(listing, output);
        output.note(format!("folds  {}, {}", self.k, self.drawn));
        if self.apart > 0 {
            output.note(format!(
                "apart  {} test images of the data set's own: they are in no fold",
                self.apart
            ));
        }
        self.first.introduce_network(output);
        output.note(self.counts());
        output.note("");
        if !self.left_out_labels.is_empty() {
            let names: Vec<String> = self.left_out_labels.iter().map(|label| format!("`{label}`")).collect();
            let names = names.join(", ");
            output.warn(format!(
                "left out, without a positive image in the training part of some fold: {names}"
            ));
        }
        dataset::warn_of_ungrouped(listing, output);
        dataset::warn_of_shared_groups(&self.held_out(), "the folds", output);
    }

    /// Makes the table of folds with the images of each class.
    pub(super) fn counts(&self) -> Lines {
        let listing = self.listing();
        let mut rows = vec![["fold".to_owned()].into_iter().chain(listing.labels()).collect::<Vec<_>>()];
        let held_out = self.held_out();
        for (fold, samples) in held_out.iter().enumerate() {
            let counts = data::counts(samples, listing.classes.len());
            rows.push([fold + 1].iter().chain(&counts).map(usize::to_string).collect());
        }
        table(&rows)
    }

    /// Returns the settings that the run of a fold stores; folds count from 1.
    pub(super) fn settings_of(&self, fold: usize) -> BTreeMap<String, Value> {
        let mut settings = self.settings.clone();
        settings.insert("fold".to_owned(), json!(fold));
        settings
    }

    /// Makes the contents of `folds.csv`; its folder must exist.
    pub(super) fn manifest(&self) -> Result<Vec<u8>> {
        if self.listing().is_multi_label() {
            let part = |sample: &Sample| sample.part.unwrap_or(Part::Training);
            let parts: Vec<_> = self
                .listing()
                .samples
                .iter()
                .map(part)
                .zip(self.folds.iter().map(|&fold| Some(fold)))
                .collect();
            return Ok(data::label_file_text(&self.out.join(FOLDS), self.listing(), &parts)?);
        }
        let labels = self.listing().labels();
        let rows: Vec<manifest::Row<'_>> = self
            .listing()
            .samples
            .iter()
            .zip(&self.folds)
            .map(|(sample, &fold)| manifest::Row {
                path: &sample.path,
                label: &labels[sample.class().unwrap_or(0)],
                group: sample.group.as_deref(),
                part: sample.part.unwrap_or(Part::Training),
                fold: Some(fold),
            })
            .collect();
        Ok(manifest::text(&self.out.join(FOLDS), &rows)?)
    }
}

/// Returns the state of a fold. Anything else in its place is refused.
pub(super) fn state(begun: &CrossValidation, fold: usize) -> Result<FoldState> {
    begun.state(fold).map_err(|error| match error {
        experiment::Error::NotEmpty { .. } | experiment::Error::HoldsRun { .. } => hinted(
            format!("{error}, where fold {fold} is to be"),
            "move that folder elsewhere, or name another with `--out`",
        ),
        error => error.into(),
    })
}

/// Leaves out labels that no model could be trained on in some fold, so that all folds have the same labels; returns their names.
fn leave_out_labels(
    settings: &TrainSettings,
    opened: &mut Opened,
    folds: &[usize],
    k: usize,
    out: &Path,
) -> Result<Vec<String>> {
    if !opened.listing.is_multi_label() {
        return Ok(Vec::new());
    }
    let mut left_out = Vec::new();
    for fold in 1..=k {
        left_out.extend(plan(settings, opened, folds, fold, out)?.left_out_labels);
    }
    let labels = opened.listing.labels();
    let kept: Vec<usize> = (0..labels.len()).filter(|&label| !left_out.contains(&labels[label])).collect();
    opened.listing.keep_labels(&kept);
    left_out.sort_unstable();
    left_out.dedup();
    Ok(left_out)
}

fn plan(settings: &TrainSettings, opened: &Opened, folds: &[usize], fold: usize, out: &Path) -> Result<Plan> {
    let (listing, held_out) = split::hold_out(&opened.listing, folds, fold - 1);
    let opened = Opened { listing, test: Some(held_out), ..*opened };
    Plan::of(settings, opened, out.join(format!("fold-{fold}")))
}

/// Gives images paths that are the same in every process of a cross-validation, whatever its working folder. Returns the path of
/// the data set in the same form.
fn name_absolutely(listing: &mut Listing) -> Result<PathBuf> {
    let base = listing.folder().to_owned();
    let folder = if base == Path::new("") { Path::new(".") } else { &base };
    let real =
        folder.canonicalize().with_context(|| format!("cannot tell where `{}` is", folder.display()))?;
    // Images that are named absolutely lie elsewhere.
    let moved =
        |path: &Path| path.strip_prefix(&base).map_or_else(|_| path.to_owned(), |rest| real.join(rest));
    for sample in &mut listing.samples {
        if sample.path.to_str().is_none() {
            return Err(data::Error::NotUtf8 { path: sample.path.clone() }.into());
        }
        sample.path = moved(&sample.path);
    }
    Ok(moved(&listing.root))
}

/// Returns the number of folds, the fold of each image, and the origin of the folds in words.
fn deal(args: &CrossValidateArgs, listing: &Listing) -> Result<(usize, Vec<usize>, String)> {
    if let Some((k, folds)) = split::own_folds(listing)? {
        if let Some(asked) = args.folds.filter(|&asked| asked != k) {
            return Err(hinted(
                format!("`{}` has {k} folds in its column `fold`, not {asked}", listing.root.display()),
                "leave `--folds` out, or that column out of the CSV",
            ));
        }
        return Ok((k, folds, "from the column `fold`".to_owned()));
    }
    let k = args.folds.unwrap_or(DEFAULT_FOLDS);
    let whole_groups = listing.samples.iter().any(|sample| sample.group.is_some());
    let folds = split::folds(listing, k, whole_groups, args.train.settings.seed)?;
    let what = if whole_groups { "groups kept whole, " } else { "" };
    Ok((k, folds, format!("{what}drawn from seed {}", args.train.settings.seed)))
}
