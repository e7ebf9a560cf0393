//! Command `compare`: two models that were tested on the same images, by their predictions.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use experiment::{ComparedFigure, ComparedLabel, ModelComparison, PREDICTIONS, PredictionTable, RightCounts};
use serde_json::json;

use crate::{
    args::CompareArgs,
    compute::use_threads,
    output::Output,
    status::{Status, hinted},
    table::{share, table, with_interval},
};

/// Largest size of a `predictions.csv` that is read, in bytes: some millions of images.
const MAX_BYTES: u64 = 1 << 30;

pub(crate) fn run(args: &CompareArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    let (first, second) = (predictions(&args.first)?, predictions(&args.second)?);
    let names = [&args.first, &args.second].map(base::shown);
    let comparison = ModelComparison::new((&names[0], &first), (&names[1], &second))?;
    if args.json {
        let [first, second] = [&args.first, &args.second].map(base::stored);
        let result = json!({"first": first, "second": second, "comparison": comparison});
        output.data(result.to_string());
    } else {
        print(&names, &comparison, output);
    }
    Ok(Status::Done)
}

/// Reads the predictions of a run, or those in a file.
fn predictions(path: &Path) -> Result<PredictionTable> {
    let shown = path.display();
    if !path.exists() {
        return Err(hinted(format!("there is no run `{shown}`"), "check the spelling"));
    }
    let file = if path.is_dir() { path.join(PREDICTIONS) } else { path.to_owned() };
    if !file.exists() {
        return Err(without_predictions(path));
    }
    if file.extension().is_some_and(|extension| extension == "safetensors") {
        return Err(hinted(
            format!("`{shown}` is a model, which holds no predictions"),
            "name its run's folder, or compare models by `thorax test --saved PATH --against PATH`",
        ));
    }
    let found = fs::metadata(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    if !found.is_file() || found.len() > MAX_BYTES {
        let reason = if found.is_file() { "is too long" } else { "is no file" };
        return Err(hinted(format!("`{}` {reason}", file.display()), "name a run's folder"));
    }
    let mut set = PredictionTable::read(&file)?;
    // Two files of this program may have relative and absolute paths.
    for image in &mut set.images {
        image.path = std::path::absolute(&image.path).unwrap_or_else(|_| image.path.clone());
    }
    match set.images.is_empty() {
        true => Err(hinted(format!("`{}` holds no image", file.display()), "test the model again")),
        false => Ok(set),
    }
}

/// Makes the error for a folder that holds no `predictions.csv`.
fn without_predictions(folder: &Path) -> anyhow::Error {
    let shown = folder.display();
    if folder.join("run.json").exists() {
        return hinted(
            format!("the run in `{shown}` has no `{PREDICTIONS}`: it was not tested"),
            format!("`thorax test --saved \"{shown}\" --data FOLDER --out DIR` writes them to `DIR`"),
        );
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.starts_with("predictions-") && name.ends_with(".csv"));
    names.sort_unstable();
    match names.first() {
        Some(name) => hinted(
            format!("`{shown}` holds the predictions of several sets"),
            format!("name one of them, such as `{}`", folder.join(name).display()),
        ),
        None => hinted(
            format!("the folder `{shown}` holds no run"),
            format!("name a run's folder, or a `{PREDICTIONS}`"),
        ),
    }
}

/// Prints the comparison of two models under these names.
pub(crate) fn print(names: &[String; 2], comparison: &ModelComparison, output: &Output) {
    let [first, second] = names;
    output.result(vec![
        format!("Comparison on {} images", comparison.images),
        format!("first   {first}"),
        format!("second  {second}"),
    ]);
    let mut rows = vec![["", "first", "second", "first - second"].map(str::to_owned).to_vec()];
    for ComparedFigure { first, second, row } in &comparison.figures {
        let difference = with_interval(&row.difference);
        rows.push(vec![row.title.to_owned(), share(*first), share(*second), difference]);
    }
    output.result(table(&rows));
    let drawn = comparison.groups.map_or(String::new(), |groups| format!(", from {groups} groups"));
    output.result(vec![format!("[low, high]: 95 % intervals of a paired bootstrap{drawn}"), String::new()]);
    let test = match &comparison.right {
        Some(right) => {
            print_right(right, output);
            "McNemar's"
        }
        None => {
            print_labels(&comparison.labels, output);
            "DeLong's"
        }
    };
    if comparison.groups.is_some() {
        output.result(format!(
            "{test} test takes images as independent, and here they come in groups: its p and intervals are too narrow; the table \
             above draws whole groups"
        ));
    }
    print_undefined(&comparison.undefined(), output);
}

/// Prints how many images each model got right.
fn print_right(right: &RightCounts, output: &Output) {
    let counts = [
        ("both right", right.both),
        ("only the first right", right.only_first),
        ("only the second right", right.only_second),
        ("both wrong", right.neither),
    ];
    let rows = counts.map(|(name, count)| vec![name.to_owned(), count.to_string()]);
    output.result(table(&rows));
    output.result(format!("McNemar's exact test: p {}", p_value(Some(right.mcnemar_p))));
}

/// Prints the ROC AUC of each label with DeLong's test.
fn print_labels(labels: &[ComparedLabel], output: &Output) {
    let heading = ["ROC AUC", "first", "second", "first - second", "p", "p (Holm)"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(labels.iter().map(|label| {
        let values = [share(label.first), share(label.second), with_interval(&label.difference)];
        let p = [p_value(label.p), p_value(label.p_holm)];
        [label.label.clone()].into_iter().chain(values).chain(p).collect()
    }));
    output.result(table(&rows));
    output.result("p: DeLong's paired test, and corrected for the number of labels by Holm's method");
}

fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 1e-4 => "below 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
        None => share(None),
    }
}

/// Prints the reasons that figures have no value.
pub(crate) fn print_undefined(undefined: &BTreeMap<String, String>, output: &Output) {
    for (name, why) in undefined {
        let name = name.replace("macro_roc_auc", "macro ROC AUC").replace("macro_f1", "macro F1");
        output.result(format!("no value for {}: {why}", name.replace('_', " ")));
    }
}
