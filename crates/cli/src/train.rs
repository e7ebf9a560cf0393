//! Command `train`: from a folder to a tested model, in the order that a reader expects.

mod network;
mod objective;
mod plan;

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Result;
use base::{shown, stored};
use data::{BadImage, ImageSet, Occlusion};
use experiment::{BEST, FindingCounts, LAST, PREDICTIONS, Run, RunRecord, RunStatus, Seconds, TestRecord};
use model::{Checkpoint, Classifier};
use serde_json::json;
use train::Ending;

use crate::{
    args::{TrainArgs, TrainSettings},
    audit::AuditReport,
    dataset::{self, ReadSettings},
    output::Output,
    progress::{self, Display},
    report,
    resume::{self, Resumed},
    saved,
    status::Status,
    subgroups, test,
};

pub(crate) use network::is_default_weights;
pub(crate) use plan::{Opened, Plan, check_writable, default_name, introduce_data};

/// Decoded images of a run.
pub(crate) struct RunImages {
    training: ImageSet,
    validation: ImageSet,
    test: Option<ImageSet>,
    skipped: Vec<String>,
    pub(crate) decode_seconds: f64,
}

pub(crate) fn run(args: &TrainArgs, output: &Output) -> Result<Status> {
    let start = Instant::now();
    progress::catch_interrupts()?;
    let resumed = args.resume.as_deref().map(|run| Resumed::take(run, args.dry_run)).transpose()?;
    if let Some(resumed) = &resumed
        && resumed.is_over(args)?
    {
        output.note("the run is over: `--extend-epochs N` trains it further");
        return conclude(args, &resumed.run, resumed.run.tests()?.as_ref(), output);
    }
    let mut plan = Plan::new(args, output).map_err(|error| resume::moved(error, args))?;
    plan.introduce(output);
    if let Some(resumed) = &resumed {
        resumed.check_settings(&plan.stored_settings()?, args)?;
    }
    let checkpoint = resumed.as_ref().and_then(|resumed| resumed.checkpoint.clone());
    // A module in a run's folder runs no code if nothing is to be done.
    let brings_code = checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.backbone.is_some());
    if args.dry_run {
        if !brings_code || args.trust {
            plan.network.build(checkpoint.as_ref(), output)?;
        }
        output.data(serde_json::to_string_pretty(
            &json!({"out": stored(&plan.out), "settings": plan.settings}),
        )?);
        return Ok(Status::Done);
    }
    let mut classifier = plan.network.build(checkpoint.as_ref(), output)?;
    let split_first = resumed.as_ref().is_some_and(Resumed::was_split_first);
    let images = load(&mut plan, split_first, output)?;
    let mut record = record(&plan, &images)?;
    record.skipped_before_split = !split_first && !record.skipped.is_empty();
    let mut run = match resumed {
        Some(resumed) => resumed.begin(args, record, &mut plan.config, output)?,
        None if args.out.is_some() => Run::create(&plan.out, record)?,
        None => {
            saved::make_runs_folder()?;
            Run::create_numbered(&plan.out, record)?
        }
    };
    plan.out = run.folder().to_owned();
    saved::name_as_latest(&run, output);
    output.note(vec![format!("run    {}", shown(&plan.out)), String::new()]);
    let tested = carry_out(&mut classifier, &plan, &images, checkpoint.as_ref(), &mut run, start, output)?;
    let ended = conclude(args, &run, tested.as_ref(), output)?;
    if !args.no_report && run.record.epochs_run > 0 {
        page(&plan, &mut run, output);
    }
    Ok(ended)
}

/// Trains, from a run's last checkpoint if there is one, and tests. The run's record holds how it ended, and its time counted
/// from `start`.
pub(crate) fn carry_out(
    classifier: &mut Classifier,
    plan: &Plan,
    images: &RunImages,
    resumed: Option<&Checkpoint>,
    run: &mut Run,
    start: Instant,
    output: &Output,
) -> Result<Option<TestRecord>> {
    let TrainSettings { augment, seed, .. } = plan.settings;
    if !augment.is_none() {
        let sheet = data::augmented_sheet(&images.training, augment, seed)?;
        run.write("augmented.png", &sheet)?;
    }
    let fitted = fit(classifier, plan, images, resumed, run, output);
    let ended = fitted.and_then(|ending| match ending {
        Ending::Interrupted => Ok((RunStatus::Interrupted, None)),
        Ending::EarlyStopped | Ending::Completed => {
            calibrate(plan, images, run, output)?;
            let tests = test_both(plan, images, run, output)?;
            let status = match ending {
                _ if progress::interrupted() => RunStatus::Interrupted,
                Ending::EarlyStopped => RunStatus::EarlyStopped,
                _ => RunStatus::Completed,
            };
            Ok((status, tests))
        }
    });
    run.record.seconds.total += start.elapsed().as_secs_f64();
    match ended {
        Err(error) => {
            run.record.status = RunStatus::Failed;
            run.record.error = Some(format!("{error:#}"));
            // The first error is the one to report; the disk may be at fault.
            let _ = run.save();
            Err(error)
        }
        Ok((status, tested)) => {
            run.record.status = status;
            run.save()?;
            Ok(tested)
        }
    }
}

/// Reads the images. Files that cannot be read are left out before the data set is split, unless it was `split_first`.
fn load(plan: &mut Plan, split_first: bool, output: &Output) -> Result<RunImages> {
    let start = Instant::now();
    // Training and validation images are one list: another seed or share splits the same images of the cache.
    let mut lists = vec![&plan.listing.samples[..]];
    lists.extend(plan.test.as_ref().map(|test| &test.samples[..]));
    let (sets, bad) = dataset::load(&lists, &reading(plan), output)?;
    if !split_first && plan.leave_out(&bad)? {
        output.note(["", "without them:"]);
        output.note(plan.counts());
        output.note("");
    }
    let mut images = RunImages::of(plan, &sets[0], sets.get(1).cloned(), &bad)?;
    let mut named = vec![("training", &images.training), ("validation", &images.validation)];
    named.extend(images.test.as_ref().map(|test| ("test", test)));
    dataset::warn_of_duplicates(&named, &plan.decoding, output);
    images.decode_seconds = start.elapsed().as_secs_f64();
    Ok(images)
}

/// Returns the settings for reading a run's images.
pub(crate) fn reading(plan: &Plan) -> ReadSettings {
    ReadSettings {
        preprocess: plan.spec().preprocess(),
        decoding: plan.decoding,
        cache: plan.settings.cache.cache(),
        policy: plan.settings.on_bad_image,
    }
}

impl RunImages {
    /// Splits decoded images into the parts of a run; each must have some of every class.
    pub(crate) fn of(plan: &Plan, all: &ImageSet, test: Option<ImageSet>, bad: &[BadImage]) -> Result<Self> {
        let (training, validation) = (all.select(&plan.split.training), all.select(&plan.split.validation));
        for (set, part) in
            [(Some(&training), "training"), (Some(&validation), "validation"), (test.as_ref(), "testing")]
        {
            let left =
                |set: &ImageSet| dataset::check_classes_left(set.samples(), part, &plan.spec().classes);
            set.map_or(Ok(()), left)?;
        }
        let skipped = bad.iter().map(|bad| stored(&bad.path)).collect();
        Ok(Self { training, validation, test, skipped, decode_seconds: 0.0 })
    }
}

pub(crate) fn record(plan: &Plan, images: &RunImages) -> Result<RunRecord> {
    let count = |set: &ImageSet| data::counts(set.samples(), plan.spec().classes.len());
    let mut counts = BTreeMap::from([
        ("training".to_owned(), count(&images.training)),
        ("validation".to_owned(), count(&images.validation)),
    ]);
    counts.extend(images.test.as_ref().map(|test| ("test".to_owned(), count(test))));
    Ok(RunRecord {
        status: RunStatus::Running,
        error: None,
        epochs_run: 0,
        best_epoch: None,
        best_val_loss: None,
        best_val_auc: None,
        task: plan.spec().task,
        skipped_steps: 0,
        settings: plan.stored_settings()?,
        classes: plan.spec().classes.clone(),
        counts,
        findings: findings(plan, images),
        class_weights: plan.weights(),
        synthetic: plan.listing.is_synthetic(),
        skipped: images.skipped.clone(),
        skipped_before_split: false,
        data_fingerprint: data::fingerprint(&plan.spec().classes, &[&images.training, &images.validation]),
        test_fingerprint: images.test.as_ref().map(|test| data::fingerprint(&plan.spec().classes, &[test])),
        paths: [("data", Some(&plan.listing)), ("test-data", plan.test.as_ref())]
            .into_iter()
            .filter_map(|(name, listing)| Some((name.to_owned(), listing?.root.display().to_string())))
            .collect(),
        extended_from: None,
        versions: BTreeMap::from([
            ("thorax".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), model::LIBTORCH.to_owned()),
        ]),
        calibration: BTreeMap::new(),
        layout: Some(plan.listing.layout.to_string()),
        manifest_sha256: plan.listing.manifest_sha256.clone(),
        threads: plan.threads,
        seconds: Seconds { scan: plan.scan_seconds, decode: images.decode_seconds, ..Seconds::default() },
    })
}

/// Counts each part's images by label and by what the label file says; nothing of classes.
fn findings(plan: &Plan, images: &RunImages) -> BTreeMap<String, Vec<FindingCounts>> {
    if !plan.listing.is_multi_label() {
        return BTreeMap::new();
    }
    let of = |set: &ImageSet| objective::finding_counts(set.samples(), plan.spec().classes.len());
    let parts = [
        ("training", Some(&images.training)),
        ("validation", Some(&images.validation)),
        ("test", images.test.as_ref()),
    ];
    parts.into_iter().filter_map(|(part, set)| Some((part.to_owned(), of(set?)))).collect()
}

fn fit(
    classifier: &mut Classifier,
    plan: &Plan,
    images: &RunImages,
    resumed: Option<&Checkpoint>,
    run: &mut Run,
    output: &Output,
) -> Result<Ending> {
    let start = Instant::now();
    // Findings are no groups of images that look alike.
    let n_classes = if plan.spec().task.is_multi_class() { plan.spec().classes.len() } else { 1 };
    classifier.set_guard(train::guard(&images.training, &images.validation, n_classes)?);
    let mut display = Display::new(output);
    let fitted = train::fit(
        classifier,
        &images.training,
        &images.validation,
        &plan.config,
        resumed,
        run,
        &mut display,
    );
    run.record.seconds.fit += start.elapsed().as_secs_f64();
    Ok(fitted?)
}

/// Calibrates both models on the validation part, if that was asked for.
fn calibrate(plan: &Plan, images: &RunImages, run: &mut Run, output: &Output) -> Result<()> {
    let config = plan.calibration();
    if config.is_empty() {
        return Ok(());
    }
    for (name, file) in [("saved", BEST), ("final", LAST)] {
        let display = &mut Display::new(output);
        let learnt = train::calibrate(run, file, plan.network.device, &images.validation, &config, display)?;
        // Ctrl-C during calibration also stops the tests.
        let Some(learnt) = learnt else { break };
        run.record.calibration.insert(name.to_owned(), learnt);
    }
    Ok(run.save()?)
}

/// Tests both files as they lie on the disk, loaded again, and stores the saved model's predictions.
fn test_both(plan: &Plan, images: &RunImages, run: &mut Run, output: &Output) -> Result<Option<TestRecord>> {
    let Some(set) = &images.test else { return Ok(None) };
    let start = Instant::now();
    let [best, last] = [BEST, LAST].map(|name| run.file(name));
    let attributes = plan.test.as_ref().map_or_else(Vec::new, |test| test.attributes.clone());
    let load = |path: &Path| Classifier::load(path, plan.network.device);
    let test = |classifier: &Classifier, path: &Path| {
        train::figures(classifier, path, set, &attributes, &mut Display::new(output))
    };
    let classifier = load(&best)?;
    let Some((mut saved, predictions)) = test(&classifier, &best)? else { return Ok(None) };
    subgroups::add_known(&mut saved, &predictions, output);
    let Some(occluded) = test::occluded(&classifier, &best, set, &Occlusion::ALL, output)? else {
        return Ok(None);
    };
    let Some((last, _)) = test(&load(&last)?, &last)? else { return Ok(None) };
    let tests = TestRecord { saved, last, occluded };
    run.save_tests(&tests)?;
    predictions.write(&run.file(PREDICTIONS))?;
    run.record.seconds.test = start.elapsed().as_secs_f64();
    Ok(Some(tests))
}

/// Writes the page of a run. The run is complete without it: an error here is a warning.
fn page(plan: &Plan, run: &mut Run, output: &Output) {
    let began = Instant::now();
    let written = audit(plan, run, output).and_then(|()| report::write(run, true));
    let seconds = began.elapsed().as_secs_f64();
    run.record.seconds.report = seconds;
    run.record.seconds.total += seconds;
    let saved = run.save().map_err(anyhow::Error::from);
    match written.and_then(|written| saved.map(|()| written)) {
        Ok(written) => output.note(["", &format!("page   {}", shown(&written.page))]),
        Err(error) => output.warn(format!("the run is whole, but its page could not be made: {error:#}")),
    }
}

/// Stores the findings of `data audit` on the images. It is skipped after Ctrl-C.
fn audit(plan: &Plan, run: &Run, output: &Output) -> Result<()> {
    if progress::interrupted() {
        return Ok(());
    }
    let Plan { settings, listing, test, split, decoding, .. } = plan;
    let cache = settings.cache.cache();
    let found =
        AuditReport::text(listing, test.as_ref(), split, decoding, settings.seed, cache.as_ref(), output);
    Ok(run.write(report::AUDIT, found.as_bytes())?)
}

/// Prints how the run ended, and its figures.
fn conclude(args: &TrainArgs, run: &Run, tested: Option<&TestRecord>, output: &Output) -> Result<Status> {
    let record = &run.record;
    let best = tell_ending(run, output);
    // Training may be over and its test interrupted.
    if progress::interrupted() {
        output.note(format!("go on with it: `thorax train --resume \"{}\"`", run.folder().display()));
        return Ok(Status::Interrupted);
    }
    if args.json {
        let (saved, last) = tested.map(|tested| (&tested.saved, &tested.last)).unzip();
        let result = json!({"run": stored(run.folder()), "best_epoch": record.best_epoch, "saved": saved, "final": last});
        output.data(result.to_string());
    } else if let Some(TestRecord { saved, last, occluded }) = tested {
        let names = [format!("saved ({best})"), format!("final (epoch {})", record.epochs_run)];
        let [of_saved, of_last] = names;
        test::print::models(&[(of_saved.clone(), saved), (of_last, last)], output);
        test::print_occluded(&of_saved, saved, occluded, output);
    }
    Ok(Status::Done)
}

/// Prints how the run ended; returns the best epoch in words.
pub(crate) fn tell_ending(run: &Run, output: &Output) -> String {
    let record = &run.record;
    let best = record.best_epoch.map_or("none".to_owned(), |epoch| format!("epoch {epoch}"));
    let how = match record.status {
        RunStatus::EarlyStopped => "stopped early",
        RunStatus::Interrupted => "interrupted",
        _ => "done",
    };
    let (epochs, seconds) = (record.epochs_run, record.seconds.total);
    let line = format!(
        "{how} after {epochs} epochs in {seconds:.1} s; best weights: {best}, in {}",
        shown(run.folder())
    );
    output.note(["", &line, ""]);
    best
}
