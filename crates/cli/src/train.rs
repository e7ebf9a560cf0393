//! `train`: from a folder to a tested model, in the order that a reader expects.

mod network;
mod plan;

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Result;
use data::ImageSet;
use model::Classifier;
use plan::Plan;
use serde_json::json;
use train::{BEST, Ending, LAST, PREDICTIONS, Run, RunRecord, Seconds, Status as RunStatus, Tests};

use crate::{
    args::TrainArgs,
    audit::Report,
    dataset::{self, Reading},
    output::Output,
    progress::{self, Display},
    report, saved,
    status::Status,
    test,
};

/// The images, decoded.
struct Images {
    training: ImageSet,
    validation: ImageSet,
    test: Option<ImageSet>,
    skipped: Vec<String>,
    decode_seconds: f64,
}

pub(crate) fn run(args: &TrainArgs, output: &Output) -> Result<Status> {
    let start = Instant::now();
    progress::catch_interrupts()?;
    let plan = Plan::new(args)?;
    plan.introduce(args, output);
    let classifier = plan.network.build(args)?;
    if args.dry_run {
        output.result(serde_json::to_string_pretty(
            &json!({"out": plan.out, "settings": plan.settings(args)}),
        )?);
        return Ok(Status::Done);
    }
    let images = load(args, &plan, output)?;
    let mut run = Run::create(&plan.out, record(args, &plan, &images))?;
    run.name_as_latest(Path::new(saved::LATEST))?;
    output.note(format!("run    {}\n", plan.out.display()));
    if !args.augment.is_none() {
        let sheet = data::augmented_sheet(&images.training, args.augment, args.seed)?;
        run.write("augmented.png", &sheet)?;
    }

    let fitted = fit(&classifier, &plan, &images, &mut run, output);
    let ended = fitted.and_then(|ending| match ending {
        Ending::Interrupted => Ok((RunStatus::Interrupted, None)),
        Ending::EarlyStopped => Ok((RunStatus::EarlyStopped, test_both(&plan, &images, &mut run, output)?)),
        Ending::Completed => Ok((RunStatus::Completed, test_both(&plan, &images, &mut run, output)?)),
    });
    run.record.seconds.total = start.elapsed().as_secs_f64();
    match ended {
        Err(error) => {
            run.record.status = RunStatus::Failed;
            run.record.error = Some(format!("{error:#}"));
            // The first error is the one to tell; the disk may be what is wrong.
            let _ = run.save();
            Err(error)
        }
        Ok((status, tested)) => {
            run.record.status = status;
            run.save()?;
            let ended = conclude(args, &run, tested.as_ref(), output)?;
            if !args.no_report && run.record.epochs_run > 0 {
                page(args, &plan, &mut run, start, output);
            }
            Ok(ended)
        }
    }
}

fn load(args: &TrainArgs, plan: &Plan, output: &Output) -> Result<Images> {
    let start = Instant::now();
    let reading = Reading {
        preprocess: plan.spec().preprocess(),
        decoding: plan.decoding,
        cache: args.cache.cache(),
        policy: args.on_bad_image,
    };
    // Both parts as one list: another seed or share splits the same images of the cache.
    let mut lists = vec![&plan.listing.samples[..]];
    lists.extend(plan.test.as_ref().map(|test| &test.samples[..]));
    let (sets, bad) = dataset::load(&lists, &reading, output)?;
    let (training, validation) =
        (sets[0].select(&plan.split.training), sets[0].select(&plan.split.validation));
    let test = sets.get(1).cloned();
    for (set, part) in
        [(Some(&training), "training"), (Some(&validation), "validation"), (test.as_ref(), "testing")]
    {
        set.map_or(Ok(()), |set| dataset::check_classes_left(set, part, &plan.spec().classes))?;
    }
    let mut named = vec![("training", &training), ("validation", &validation)];
    named.extend(test.as_ref().map(|test| ("test", test)));
    dataset::warn_of_duplicates(&named, &plan.decoding, output);
    Ok(Images {
        training,
        validation,
        test,
        skipped: bad.iter().map(|bad| bad.path.display().to_string()).collect(),
        decode_seconds: start.elapsed().as_secs_f64(),
    })
}

fn record(args: &TrainArgs, plan: &Plan, images: &Images) -> RunRecord {
    let count = |set: &ImageSet| data::counts(set.samples(), plan.spec().classes.len());
    let mut counts = BTreeMap::from([
        ("training".to_owned(), count(&images.training)),
        ("validation".to_owned(), count(&images.validation)),
    ]);
    counts.extend(images.test.as_ref().map(|test| ("test".to_owned(), count(test))));
    RunRecord {
        status: RunStatus::Running,
        error: None,
        epochs_run: 0,
        best_epoch: None,
        best_val_loss: None,
        settings: plan.settings(args),
        classes: plan.spec().classes.clone(),
        counts,
        class_weights: plan.config.class_weights.clone(),
        synthetic: plan.listing.is_synthetic(),
        skipped: images.skipped.clone(),
        data_fingerprint: data::fingerprint(&plan.spec().classes, &[&images.training, &images.validation]),
        versions: BTreeMap::from([
            ("thorax".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), model::LIBTORCH.to_owned()),
        ]),
        layout: Some(plan.listing.layout.to_string()),
        manifest_sha256: plan.listing.manifest_sha256.clone(),
        threads: plan.threads,
        seconds: Seconds { scan: plan.scan_seconds, decode: images.decode_seconds, ..Seconds::default() },
    }
}

fn fit(
    classifier: &Classifier,
    plan: &Plan,
    images: &Images,
    run: &mut Run,
    output: &Output,
) -> Result<Ending> {
    let start = Instant::now();
    let mut display = Display::new(output);
    let fitted =
        train::fit(classifier, &images.training, &images.validation, &plan.config, run, &mut display);
    run.record.seconds.fit = start.elapsed().as_secs_f64();
    Ok(fitted?)
}

/// Tests both files as they lie on the disk, loaded again, and keeps the saved model's predictions.
fn test_both(plan: &Plan, images: &Images, run: &mut Run, output: &Output) -> Result<Option<Tests>> {
    let Some(set) = &images.test else { return Ok(None) };
    let start = Instant::now();
    let test = |name: &str| {
        let path = run.file(name);
        let classifier = Classifier::load(&path, plan.network.device)?;
        train::figures(&classifier, &path, set, &mut Display::new(output))
    };
    let (Some((saved, predictions)), Some((last, _))) = (test(BEST)?, test(LAST)?) else { return Ok(None) };
    let tests = Tests { saved, last };
    run.save_tests(&tests)?;
    predictions.write(&run.file(PREDICTIONS))?;
    run.record.seconds.test = start.elapsed().as_secs_f64();
    Ok(Some(tests))
}

/// Ends a run with its page. The run is whole without it: what goes wrong here is a warning.
fn page(args: &TrainArgs, plan: &Plan, run: &mut Run, start: Instant, output: &Output) {
    let began = Instant::now();
    let written = audit(args, plan, run, output).and_then(|()| report::write(run, true));
    run.record.seconds.report = began.elapsed().as_secs_f64();
    run.record.seconds.total = start.elapsed().as_secs_f64();
    let saved = run.save().map_err(anyhow::Error::from);
    match written.and_then(|written| saved.map(|()| written)) {
        Ok(written) => output.note(format!("\npage   {}", written.page.display())),
        Err(error) => output.warn(format!("the run is whole, but its page could not be made: {error:#}")),
    }
}

/// Keeps what `data audit` would say of the images. Who pressed Ctrl-C does not wait for it.
fn audit(args: &TrainArgs, plan: &Plan, run: &Run, output: &Output) -> Result<()> {
    if progress::interrupted() {
        return Ok(());
    }
    let Plan { listing, test, split, decoding, .. } = plan;
    let cache = args.cache.cache();
    let found = Report::text(listing, test.as_ref(), split, decoding, args.seed, cache.as_ref(), output);
    Ok(run.write(report::AUDIT, found.as_bytes())?)
}

/// Says how the run ended, and prints the figures.
fn conclude(args: &TrainArgs, run: &Run, tested: Option<&Tests>, output: &Output) -> Result<Status> {
    let record = &run.record;
    let best = record.best_epoch.map_or("none".to_owned(), |epoch| format!("epoch {epoch}"));
    let how = match record.status {
        RunStatus::EarlyStopped => "stopped early",
        RunStatus::Interrupted => "interrupted",
        _ => "done",
    };
    output.note(format!(
        "\n{how} after {} epochs in {:.1} s; best weights: {best}, in {}\n",
        record.epochs_run,
        record.seconds.total,
        run.folder().display()
    ));
    // Training may be over and its test not.
    if progress::interrupted() {
        return Ok(Status::Interrupted);
    }
    if args.json {
        let (saved, last) = tested.map(|tested| (&tested.saved, &tested.last)).unzip();
        let result =
            json!({"run": run.folder(), "best_epoch": record.best_epoch, "saved": saved, "final": last});
        output.result(result.to_string());
    } else if let Some(Tests { saved, last }) = tested {
        let names = [format!("saved ({best})"), format!("final (epoch {})", record.epochs_run)];
        let [of_saved, of_last] = names;
        test::print(&[(of_saved, saved), (of_last, last)], output);
    }
    Ok(Status::Done)
}
