//! Command `cross-validate`: every image is tested once, by a model trained without it. Each fold is a run like that of `train`.

mod print;
mod same;
mod setup;

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use base::{shown, stored};
use data::{BadImage, ImageSet};
use experiment::{
    CrossValidation, CrossValidationRecord, FoldRecord, FoldState, HeldOutImage, PREDICTIONS,
    PredictionSource, Run, RunStatus, Spread, TestFigures, Tested,
};
use serde_json::json;
use setup::{Setup, state};

use crate::{
    args::{CrossValidateArgs, TrainArgs},
    dataset,
    output::Output,
    progress,
    resume::Resumed,
    status::{Status, hinted},
    train::{RunImages, carry_out, reading, record, tell_ending},
};

/// Decoded images of all folds.
struct DecodedImages {
    images: ImageSet,
    bad: Vec<BadImage>,
    seconds: f64,
    /// Fingerprint of all images.
    fingerprint: String,
}

pub(crate) fn run(args: &CrossValidateArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    let mut setup = Setup::new(args, output)?;
    setup.introduce(output);
    if args.train.dry_run {
        setup.first.network.build(None, output)?;
        output.data(serde_json::to_string_pretty(
            &json!({"out": stored(&setup.out), "folds": setup.k, "settings": setup.settings}),
        )?);
        return Ok(Status::Done);
    }
    let decoded = decode(args, &mut setup, output)?;
    setup.make_folder(&args.train)?;
    let mut folder = enter(&setup, &decoded)?;
    output.note(vec![format!("out    {}", shown(&setup.out)), String::new()]);
    for fold in setup.wanted(args) {
        if let Err(error) = train_fold(&args.train, &setup, &folder, fold, &decoded, output) {
            // The first error is the one to report.
            let _ = take_up(&mut folder);
            return Err(error);
        }
        let whole = take_up(&mut folder)?;
        // Ctrl-C may come after the last fold is over.
        if progress::interrupted() && !whole {
            tell_interrupted(&folder, output);
            return Ok(Status::Interrupted);
        }
    }
    pool(&setup, &mut folder)?;
    print::print(args, &folder, output);
    Ok(Status::Done)
}

/// Reads all images. Files that cannot be read are removed from the data set before the others are dealt to folds.
fn decode(args: &CrossValidateArgs, setup: &mut Setup, output: &Output) -> Result<DecodedImages> {
    let start = Instant::now();
    let lists = [&setup.listing().samples[..]];
    let (mut sets, bad) = dataset::load(&lists, &reading(&setup.first), output)?;
    let images = sets.remove(0);
    if setup.leave_out(args, &bad)? {
        output.note(["", "without them:"]);
        output.note(setup.counts());
        output.note("");
    }
    let listing = setup.listing();
    let of_folds: Vec<(String, ImageSet)> = (1..)
        .zip(setup.held_out())
        .map(|(fold, samples)| (format!("fold {fold}"), images.select(&samples)))
        .collect();
    let named: Vec<(&str, &ImageSet)> = of_folds.iter().map(|(name, set)| (name.as_str(), set)).collect();
    dataset::warn_of_duplicates(&named, &setup.first.decoding, output);
    let fingerprint = data::fingerprint(&listing.labels(), &[&images]);
    Ok(DecodedImages { images, bad, seconds: start.elapsed().as_secs_f64(), fingerprint })
}

/// Opens the folder, or creates it. A folder that was begun with other settings or images is refused.
fn enter(setup: &Setup, decoded: &DecodedImages) -> Result<CrossValidation> {
    let _lock = CrossValidation::lock(&setup.out)?;
    // Another process may have created it in the meantime.
    if let Some(begun) = CrossValidation::open(&setup.out)? {
        same::check(&begun, setup)?;
        same::check_images(&begun, setup, &decoded.fingerprint)?;
        return Ok(begun);
    }
    let record = CrossValidationRecord {
        status: RunStatus::Running,
        settings: setup.settings.clone(),
        seed: setup.first.settings.seed,
        drawn: setup.drawn.clone(),
        classes: setup.listing().labels(),
        synthetic: setup.listing().is_synthetic(),
        skipped: decoded.bad.iter().map(|bad| stored(&bad.path)).collect(),
        data_fingerprint: decoded.fingerprint.clone(),
        versions: BTreeMap::from([
            ("thorax".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), model::LIBTORCH.to_owned()),
        ]),
        folds: (1..=setup.k).map(FoldRecord::new).collect(),
        pooled: None,
        spread: None,
    };
    Ok(CrossValidation::create(&setup.out, record, &setup.manifest()?)?)
}

/// Trains a fold that is not done; folds count from 1.
fn train_fold(
    args: &TrainArgs,
    setup: &Setup,
    folder: &CrossValidation,
    fold: usize,
    decoded: &DecodedImages,
    output: &Output,
) -> Result<()> {
    let start = Instant::now();
    let _lock = folder.lock_fold(fold)?;
    let (mut plan, of) = (setup.plan(fold)?, setup.k);
    if let FoldState::Finished(_) = state(folder, fold)? {
        output.note(format!("fold {fold} of {of}: done before, in {}", plan.out.display()));
        return Ok(());
    }
    let resumed = match plan.out.join("run.json").exists() {
        true => Some(Resumed::take(&plan.out, false)?),
        false => {
            folder.clear(fold)?;
            None
        }
    };
    let checkpoint = resumed.as_ref().and_then(|resumed| resumed.checkpoint.clone());
    let mut classifier = plan.network.build(checkpoint.as_ref(), output)?;
    let held_out = plan.test.as_ref().map(|test| decoded.images.select(&test.samples));
    let mut images = RunImages::of(&plan, &decoded.images, held_out, &decoded.bad)?;
    images.decode_seconds = decoded.seconds;
    let mut record = record(&plan, &images)?;
    record.settings = setup.settings_of(fold);
    let [training, validation, test] = ["training", "validation", "test"].map(|set| record.images(set));
    output.note(format!(
        "fold {fold} of {of}: {training} images to train on, {validation} to validate, {test} held out"
    ));
    let mut run = match resumed {
        Some(resumed) => resumed.begin(args, record, &mut plan.config, output)?,
        None => Run::create(&plan.out, record)?,
    };
    carry_out(&mut classifier, &plan, &images, checkpoint.as_ref(), &mut run, start, output)?;
    tell_ending(&run, output);
    Ok(())
}

/// Records the folds that this and other processes finished. Returns true if all folds are finished.
fn take_up(folder: &mut CrossValidation) -> Result<bool> {
    let _lock = CrossValidation::lock(folder.folder())?;
    let whole = folder.refresh()?;
    folder.save()?;
    Ok(whole)
}

/// Pools the predictions of all folds and computes their figures, if all folds are finished.
fn pool(setup: &Setup, folder: &mut CrossValidation) -> Result<()> {
    let _lock = CrossValidation::lock(&setup.out)?;
    if !folder.refresh()? {
        return Ok(());
    }
    let figures: Vec<&TestFigures> =
        folder.record.folds.iter().filter_map(|fold| fold.figures.as_ref()).collect();
    let seconds = figures.iter().map(|figures| figures.seconds).sum();
    let spread = Spread::of_all(&figures);
    let held_out = |(sample, &fold): (&data::Sample, &usize)| HeldOutImage {
        path: sample.path.clone(),
        class: sample.class(),
        group: sample.group.clone(),
        fold,
    };
    let images: Vec<_> = setup.listing().samples.iter().zip(&setup.folds).map(held_out).collect();
    let pooled = folder.pooled(&images).map_err(|error| {
        hinted(
            format!("the folds cannot be pooled: {error}"),
            "remove that fold's folder and run the same again: the fold is then trained anew",
        )
    })?;
    let checkpoint = setup.out.display().to_string();
    let formats = Some(setup.first.decoding.formats.to_string());
    let source = PredictionSource::Checkpoint(checkpoint);
    let synthetic = folder.record.synthetic;
    let tested = Tested { source, formats, thresholds: mean_thresholds(&figures), synthetic, seconds };
    folder.record.pooled = Some(TestFigures::new(&pooled, tested)?);
    folder.record.spread = Some(spread);
    folder.record.status = RunStatus::Completed;
    pooled.write(&folder.file(PREDICTIONS))?;
    Ok(folder.save()?)
}

/// Returns the mean over folds of each label's threshold; nothing of classes.
fn mean_thresholds(folds: &[&TestFigures]) -> Vec<f64> {
    let labels: Vec<_> = folds.iter().filter_map(|figures| Some(&figures.multi_label()?.labels)).collect();
    let n_labels = labels.first().map_or(0, |labels| labels.len());
    let mean = |label: usize| {
        let thresholds: Vec<f64> =
            labels.iter().filter_map(|labels| labels.get(label)).map(|label| label.threshold).collect();
        thresholds.iter().sum::<f64>() / thresholds.len() as f64
    };
    (0..n_labels).map(mean).collect()
}

fn tell_interrupted(folder: &CrossValidation, output: &Output) {
    let folds = &folder.record.folds;
    output.note(format!(
        "{} of {} folds are done; the same with `--out {}` goes on with the rest",
        folds.iter().filter(|fold| fold.figures.is_some()).count(),
        folds.len(),
        folder.folder().display()
    ));
}
