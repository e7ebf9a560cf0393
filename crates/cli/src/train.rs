//! `train`: from a folder to a tested model, in the order that a reader expects.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result};
use data::{ImageSet, Listing, Split};
use model::{Classifier, Spec};
use serde_json::{Value, json};
use train::{
    BEST, Ending, FitConfig, LAST, Run, RunRecord, Seconds, Status as RunStatus, TestFigures, class_weight,
};

use crate::{
    args::{ClassWeight, SplitKind, TrainArgs},
    dataset::{self, Part, marked},
    output::Output,
    progress::{self, Display},
    saved,
    status::{Status, hinted},
    table::table,
    test,
};

/// All that is known before the first image is decoded.
struct Plan {
    listing: Listing,
    split: Split,
    /// The test set, if there is one.
    test: Option<Listing>,
    spec: Spec,
    config: FitConfig,
    device: model::Device,
    threads: usize,
    out: PathBuf,
    scan_seconds: f64,
}

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
    let plan = plan(args)?;
    introduce(&plan, output);
    if args.dry_run {
        output.result(serde_json::to_string_pretty(
            &json!({"out": plan.out, "settings": settings(args, &plan)}),
        )?);
        return Ok(Status::Done);
    }
    let images = load(args, &plan, output)?;
    let classifier = Classifier::new(plan.spec.clone(), args.seed, plan.device)?;
    let mut run = Run::create(&plan.out, record(args, &plan, &images))?;
    run.name_as_latest(Path::new(saved::LATEST))?;
    output.note(format!("run    {}\n", plan.out.display()));

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
            conclude(args, &run, tested.as_ref(), output)
        }
    }
}

/// Everything that can be wrong with flags and folders comes to light here, before time is spent on images.
fn plan(args: &TrainArgs) -> Result<Plan> {
    let threads = use_threads(args.compute.threads)?;
    let device = args.compute.device.resolve()?;
    let out = args.out.clone().unwrap_or_else(|| free_name(&args.model.to_string()));
    check_writable(&out)?;
    Run::check_free(&out)?;
    let start = Instant::now();
    let listing = data::scan(&args.data, args.classes.as_deref())?;
    let test = match args.test_data.clone().or_else(|| dataset::test_set_beside(&args.data)) {
        // Classes named by the user may be a part of the folders; otherwise both sets must hold the same.
        Some(folder) if args.classes.is_some() => Some(data::scan(&folder, Some(&listing.classes))?),
        Some(folder) => Some(data::scan_like(&folder, &listing.classes)?),
        None => None,
    };
    let split = match args.split {
        SplitKind::Keras => data::split::keras(&listing, args.validation_split)?,
        SplitKind::Random => data::split::random(&listing, args.validation_split, args.seed)?,
    };
    let scan_seconds = start.elapsed().as_secs_f64();
    let spec = Spec {
        kind: args.model,
        classes: listing.labels(),
        image_size: args.image_size,
        interpolation: args.interpolation,
        input_scale: args.input_scale,
        precision: args.precision.resolve(device),
    };
    spec.check()?;
    let config = FitConfig {
        epochs: args.epochs,
        batch_size: args.batch_size,
        patience: args.patience,
        min_delta: args.min_delta,
        learning_rate: args.learning_rate,
        class_weights: class_weights(&args.class_weight, &listing)?,
        seed: args.seed,
    };
    Ok(Plan { listing, split, test, spec, config, device, threads, out, scan_seconds })
}

fn class_weights(choice: &ClassWeight, listing: &Listing) -> Result<Vec<f64>> {
    let n_classes = listing.classes.len();
    match choice {
        ClassWeight::Balanced => Ok(class_weight::balanced(&listing.counts())),
        ClassWeight::None => Ok(vec![1.0; n_classes]),
        ClassWeight::Given(weights) if weights.len() == n_classes => Ok(weights.clone()),
        ClassWeight::Given(weights) => Err(hinted(
            format!("{} class weights do not fit {n_classes} classes", weights.len()),
            format!("give one for each of {}, in this order", listing.labels().join(", ")),
        )),
    }
}

/// The table of classes, counts and weights.
fn introduce(plan: &Plan, output: &Output) {
    let Plan { listing, split, test, spec, config, .. } = plan;
    output.note(format!(
        "Thorax {}: for research and teaching, not for clinical use\n",
        env!("CARGO_PKG_VERSION")
    ));
    output.note(format!("data   {}{}", listing.root.display(), marked(listing.is_synthetic())));
    match test {
        Some(test) => output.note(format!("test   {}{}", test.root.display(), marked(test.is_synthetic()))),
        None => output.note("test   none: name one with `--test-data FOLDER` to have the result tested"),
    }
    output.note(format!(
        "model  {}, {size}×{size} pixels, {}, {}, {} threads\n",
        spec.kind,
        spec.precision,
        device_name(plan.device),
        plan.threads,
        size = spec.image_size,
    ));
    let count = |samples: &[data::Sample], class| samples.iter().filter(|s| s.label == class).count();
    let mut rows = vec![["class", "training", "validation", "test", "weight"].map(str::to_owned).to_vec()];
    for (class, label) in listing.labels().into_iter().enumerate() {
        let test = test.as_ref().map_or("–".to_owned(), |test| count(&test.samples, class).to_string());
        let (training, validation) = (count(&split.training, class), count(&split.validation, class));
        let weight = format!("{:.4}", config.class_weights[class]);
        rows.push(vec![label, training.to_string(), validation.to_string(), test, weight]);
    }
    output.note(format!("{}\n", table(&rows)));
}

fn load(args: &TrainArgs, plan: &Plan, output: &Output) -> Result<Images> {
    let start = Instant::now();
    let mut parts = vec![
        Part { name: "training", samples: &plan.split.training },
        Part { name: "validation", samples: &plan.split.validation },
    ];
    parts.extend(plan.test.as_ref().map(|test| Part { name: "testing", samples: &test.samples }));
    let (sets, bad) = dataset::load(&parts, &plan.spec.preprocess(), args.on_bad_image, output)?;
    for (set, part) in sets.iter().zip(&parts) {
        dataset::check_classes_left(set, part.name, &plan.spec.classes)?;
    }
    let mut sets = sets.into_iter();
    let (Some(training), Some(validation)) = (sets.next(), sets.next()) else {
        unreachable!("two parts were loaded")
    };
    Ok(Images {
        training,
        validation,
        test: sets.next(),
        skipped: bad.iter().map(|bad| bad.path.display().to_string()).collect(),
        decode_seconds: start.elapsed().as_secs_f64(),
    })
}

/// Flag names → resolved values, as `run.json` stores them.
fn settings(args: &TrainArgs, plan: &Plan) -> BTreeMap<String, Value> {
    let folder = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let values = [
        ("model", json!(plan.spec.kind)),
        ("data", json!(folder(&plan.listing.root))),
        ("test-data", json!(plan.test.as_ref().map(|test| folder(&test.root)))),
        ("classes", json!(dataset::class_names(&plan.listing))),
        ("image-size", json!(args.image_size)),
        ("batch-size", json!(args.batch_size)),
        ("epochs", json!(args.epochs)),
        ("patience", json!(args.patience)),
        ("min-delta", json!(args.min_delta)),
        ("validation-split", json!(args.validation_split)),
        ("split", json!(args.split.name())),
        ("seed", json!(args.seed)),
        ("learning-rate", json!(args.learning_rate)),
        ("class-weight", json!(args.class_weight.to_string())),
        ("interpolation", json!(args.interpolation.to_string())),
        ("input-scale", json!(args.input_scale)),
        ("precision", json!(plan.spec.precision)),
        ("on-bad-image", json!(args.on_bad_image.name())),
        ("device", json!(device_name(plan.device))),
        ("threads", json!(plan.threads)),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).into()
}

fn record(args: &TrainArgs, plan: &Plan, images: &Images) -> RunRecord {
    let count = |set: &ImageSet| dataset::counts(set, plan.spec.classes.len());
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
        settings: settings(args, plan),
        classes: plan.spec.classes.clone(),
        counts,
        class_weights: plan.config.class_weights.clone(),
        synthetic: plan.listing.is_synthetic(),
        skipped: images.skipped.clone(),
        data_fingerprint: data::fingerprint(&plan.spec.classes, &[&images.training, &images.validation]),
        versions: BTreeMap::from([
            ("thorax".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), model::LIBTORCH.to_owned()),
        ]),
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
    Ok(fitted?.ending)
}

/// A tested model's figures: the saved one's, and the final one's.
struct Tested {
    saved: TestFigures,
    last: TestFigures,
}

/// Tests both files as they lie on the disk, loaded again, and keeps the saved model's predictions.
fn test_both(plan: &Plan, images: &Images, run: &mut Run, output: &Output) -> Result<Option<Tested>> {
    let Some(set) = &images.test else { return Ok(None) };
    let start = Instant::now();
    let test = |name: &str| {
        let path = run.file(name);
        let classifier = Classifier::load(&path, plan.device)?;
        train::figures(&classifier, &path, set, &mut Display::new(output))
    };
    let (Some((saved, predictions)), Some((last, _))) = (test(BEST)?, test(LAST)?) else { return Ok(None) };
    run.save_test(&saved, &last)?;
    train::write_predictions(&run.file("predictions.csv"), set, &plan.spec.classes, &predictions)?;
    run.record.seconds.test = start.elapsed().as_secs_f64();
    Ok(Some(Tested { saved, last }))
}

/// Says how the run ended, and prints the figures.
fn conclude(args: &TrainArgs, run: &Run, tested: Option<&Tested>, output: &Output) -> Result<Status> {
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
    } else if let Some(Tested { saved, last }) = tested {
        let names = [format!("saved ({best})"), format!("final (epoch {})", record.epochs_run)];
        let [of_saved, of_last] = names;
        test::print(&[(of_saved, saved), (of_last, last)], output);
    }
    Ok(Status::Done)
}

/// Gives rayon and libtorch their threads: those asked for, or all cores.
pub(crate) fn use_threads(threads: Option<usize>) -> Result<usize> {
    let threads = match threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().context("cannot count this machine's cores")?.get(),
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;
    model::init(threads);
    tracing::info!("{threads} threads");
    Ok(threads)
}

/// `data/runs/TIME-MODEL`, local time, with a number where two runs start in the same second.
fn free_name(model: &str) -> PathBuf {
    let time = jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H-%M-%S");
    let base = format!("{}/{time}-{model}", saved::RUNS);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    [base.clone()]
        .into_iter()
        .chain(numbered)
        .map(PathBuf::from)
        .find(|path| !path.exists())
        .unwrap_or(base.into())
}

/// A folder that cannot be written must come to light before training, without leaving a folder behind.
fn check_writable(folder: &Path) -> Result<()> {
    let absolute = std::path::absolute(folder)?;
    let Some(there) = absolute.ancestors().find(|path| path.exists()) else { return Ok(()) };
    let probe = match there.is_dir() {
        true => tempfile::tempfile_in(there).map(drop),
        false => Err(std::io::Error::from(std::io::ErrorKind::NotADirectory)),
    };
    probe.map_err(|error| {
        let there = there.display();
        hinted(
            format!("cannot create the run's folder `{}`: `{there}`: {error}", folder.display()),
            "name a folder that can be written with `--out`",
        )
    })
}

fn device_name(device: model::Device) -> String {
    match device {
        model::Device::Cpu => "cpu".to_owned(),
        model::Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}
