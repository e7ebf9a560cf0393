//! `test`: a saved model on a test set; and how figures are printed, here and after training.

use std::path::{Path, PathBuf};

use anyhow::Result;
use data::{ClassName, Classes, Formats, GroupRule, Listing, OpenOptions};
use model::Bound;
use train::{Bounds, MeanRow, Run, TestFigures};

use crate::{
    args::TestArgs,
    compute::use_threads,
    dataset::{self, Reading, marked},
    output::Output,
    progress::{self, Display},
    saved,
    status::{Status, hinted},
    table::{share, table},
};

pub(crate) fn run(args: &TestArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.compute.threads)?;
    let saved = saved::find(args.saved.as_ref().and_then(Option::as_deref))?;
    let (classifier, epoch) = saved.load(&args.compute, args.precision, output)?;
    let spec = classifier.spec();

    let decoding = args.read.decoding(saved.run.as_ref().and_then(own_formats).unwrap_or(Formats::Keras));
    let open = |data: &Path, classes| {
        let options = OpenOptions { classes, formats: decoding.formats, group: &GroupRule::None };
        anyhow::Ok(data::open(data, &options)?.into_test_set()?)
    };
    let listing = match (&args.data, saved.run.as_ref().and_then(own_test_set)) {
        (Some(data), _) => open(data, Classes::Exactly(&named(&spec.classes)))?,
        (None, Some((data, classes))) => open(&data, Classes::Named(&classes))?,
        (None, None) => {
            return Err(hinted("the run has no test set of its own", "name one with `--data FOLDER`"));
        }
    };
    if saved.run.as_ref().is_some_and(|run| trained_from_another(run, &listing)) {
        output.warn(format!(
            "`{}` is not what it was when the model was trained from it",
            listing.root.display()
        ));
    }
    output.note(format!(
        "model  {} ({}, {}, epoch {})\ndata   {}{}",
        saved.checkpoint.display(),
        spec.kind,
        spec.precision,
        epoch,
        listing.root.display(),
        marked(listing.is_synthetic())
    ));
    let reading = Reading {
        preprocess: spec.preprocess(),
        decoding,
        cache: args.cache.cache(),
        policy: args.on_bad_image,
    };
    let (sets, _) = dataset::load(&[&listing.samples], &reading, output)?;
    dataset::check_classes_left(&sets[0], "testing", &spec.classes)?;
    let tested = train::figures(&classifier, &saved.checkpoint, &sets[0], &mut Display::new(output))?;
    let Some((figures, _)) = tested else { return Ok(Status::Interrupted) };
    if args.json {
        output.result(serde_json::to_string(&figures)?);
    } else {
        print(&[(format!("saved (epoch {epoch})"), &figures)], output);
    }
    Ok(Status::Done)
}

/// The test set that a run was tested on, with its classes' folders.
fn own_test_set(run: &Run) -> Option<(PathBuf, Vec<ClassName>)> {
    let settings = &run.record.settings;
    let data = PathBuf::from(settings.get("test-data")?.as_str()?);
    let names = run.record.classes.iter().zip(settings.get("classes")?.as_array()?);
    let classes = names.map(|(label, name)| {
        // `LABEL=FOLDER` where the two differ; either may hold an `=` of its own.
        let folder = name.as_str()?.strip_prefix(label.as_str())?;
        Some(ClassName { label: label.clone(), folder: folder.strip_prefix('=').unwrap_or(label).to_owned() })
    });
    Some((data, classes.collect::<Option<_>>()?))
}

/// Whether a test set is from the CSV that a run was trained from, and that has changed since.
fn trained_from_another(run: &Run, listing: &Listing) -> bool {
    let data = run.record.settings.get("data").and_then(|data| data.as_str());
    let here =
        std::path::absolute(&listing.root).is_ok_and(|root| data.is_some_and(|data| root == Path::new(data)));
    here && listing.manifest_sha256.is_some() && listing.manifest_sha256 != run.record.manifest_sha256
}

/// By whose rules a run's images were read.
fn own_formats(run: &Run) -> Option<Formats> {
    run.record.settings.get("formats")?.as_str()?.parse().ok()
}

/// Classes whose folders are called as they are.
fn named(labels: &[String]) -> Vec<ClassName> {
    labels.iter().map(|label| ClassName { label: label.clone(), folder: label.clone() }).collect()
}

/// Prints models' figures side by side in the study's words, then the first one's classes and confusion matrix.
pub(crate) fn print(models: &[(String, &TestFigures)], output: &Output) {
    let Some((_, first)) = models.first() else { return };
    output.result(format!("Test results on {} images{}", first.images, marked(first.synthetic)));
    let mut rows =
        vec![[String::new()].into_iter().chain(models.iter().map(|(name, _)| name.clone())).collect()];
    let mut row = |name: &str, value: &dyn Fn(&TestFigures) -> String| {
        let values = models.iter().map(|(_, figures)| value(figures));
        rows.push([name.to_owned()].into_iter().chain(values).collect::<Vec<_>>());
    };
    row("Categorical crossentropy loss", &|figures| format!("{:.6}", figures.loss));
    row("Accuracy", &|figures| with(Some(figures.accuracy), figures.intervals.get("accuracy")));
    row("True positives", &|figures| figures.true_positives.to_string());
    row("False positives", &|figures| figures.false_positives.to_string());
    row("True negatives", &|figures| figures.true_negatives.to_string());
    row("False negatives", &|figures| figures.false_negatives.to_string());
    row("Precision", &|figures| share(Some(figures.precision)));
    row("Recall", &|figures| share(Some(figures.recall)));
    row("Balanced accuracy", &|figures| {
        with(figures.balanced_accuracy, figures.intervals.get("balanced_accuracy"))
    });
    row("Macro F1", &|figures| with(figures.macro_mean.f1, figures.intervals.get("macro_f1")));
    row("Macro ROC AUC", &|figures| with(figures.macro_mean.roc_auc, figures.intervals.get("macro_roc_auc")));
    row("Calibration error", &|figures| {
        let interval = figures.intervals.get("expected_calibration_error");
        with(figures.calibration.sureness.expected_calibration_error, interval)
    });
    output.result(table(&rows));
    let drawn = first.groups.map_or(String::new(), |groups| format!(", from {groups} groups"));
    output.result(format!("[low, high]: 95 % intervals{drawn}"));

    let (name, figures) = &models[0];
    output.result(format!("\nBy class, {name}"));
    let heading = ["class", "images", "precision", "recall", "specificity", "F1", "ROC AUC"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for class in &figures.classes {
        let MeanRow { precision, recall, specificity, f1, roc_auc, .. } = class.figures;
        // Two of them with intervals: with all, a line would be wider than a terminal.
        let interval = |name: &str| class.intervals.get(name);
        let figures = [
            share(precision),
            with(recall, interval("recall")),
            share(specificity),
            share(f1),
            with(roc_auc, interval("roc_auc")),
        ];
        rows.push([class.label.clone(), class.support.to_string()].into_iter().chain(figures).collect());
    }
    output.result(table(&rows));
    let few: Vec<&str> =
        figures.classes.iter().filter(|class| class.few).map(|class| class.label.as_str()).collect();
    if !few.is_empty() {
        output.result(format!("few images, so that figures say little: {}", few.join(", ")));
    }

    output.result(format!("\nConfusion matrix, {name} (rows: true, columns: predicted)"));
    let labels: Vec<String> = figures.classes.iter().map(|class| class.label.clone()).collect();
    let mut rows = vec![[String::new()].into_iter().chain(labels.iter().cloned()).collect::<Vec<_>>()];
    for (label, counts) in labels.iter().zip(&figures.confusion_matrix) {
        rows.push([label.clone()].into_iter().chain(counts.iter().map(u64::to_string)).collect());
    }
    output.result(table(&rows));
    print_calibration(name, figures, output);
}

/// What the validation part taught of how sure a model may be, and what that does on these images.
fn print_calibration(name: &str, figures: &TestFigures, output: &Output) {
    let after = &figures.calibration;
    if let (Some(temperature), Some(before)) = (after.temperature, &after.uncalibrated) {
        let after = &after.sureness;
        let change =
            |before: Option<f64>, after: Option<f64>| format!("{} → {}", share(before), share(after));
        output.result(format!(
            "\nCalibration, {name}: temperature {temperature:.4}{}\nlog loss {}, Brier score {}, calibration error {}{}",
            match figures.calibration.bound {
                Some(Bound::Lower) => ", the lowest that is tried: the validation images set no limit",
                Some(Bound::Upper) => ", the highest that is tried: the validation images set no limit",
                None => "",
            },
            change(before.log_loss, after.log_loss),
            change(before.brier, after.brier),
            change(before.expected_calibration_error, after.expected_calibration_error),
            if after.log_loss > before.log_loss { "; it did not lower the log loss of these images" } else { "" },
        ));
    }
    let Some(first) = figures.operating_points.first() else { return };
    output.result(format!(
        "\nOperating points, {name}: sensitivity of at least {} on the validation images",
        first.target
    ));
    let heading =
        ["class", "threshold", "sensitivity", "specificity", "on validation"].map(str::to_owned).to_vec();
    let mut rows = vec![heading];
    for point in &figures.operating_points {
        let on_validation =
            format!("{}, {}", share(point.validation.sensitivity), share(point.validation.specificity));
        rows.push(vec![
            point.label.clone(),
            format!("{:.4}", point.threshold),
            with(point.sensitivity, point.intervals.get("sensitivity")),
            with(point.specificity, point.intervals.get("specificity")),
            on_validation,
        ]);
    }
    output.result(table(&rows));
}

/// A figure with its interval, where it has one.
fn with(value: Option<f64>, interval: Option<&Bounds>) -> String {
    match interval {
        Some([low, high]) => format!("{} [{low:.3}, {high:.3}]", share(value)),
        None => share(value),
    }
}
