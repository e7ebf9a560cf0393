//! Command `evaluate`: predictions of any program, judged like those of a model of this one.

mod truth;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use anyhow::{Context as _, Result};
use base::csv_text::{CsvRecord, CsvText};
use experiment::{OtherPredictions, PredictionTable, TestFigures, Tested, read_text};
use metrics::Task;

use crate::{
    args::{EvaluateArgs, WordList},
    compute::use_threads,
    files,
    output::Output,
    status::{Status, hinted},
    subgroups, test,
};

pub(crate) fn run(args: &EvaluateArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    args.report.iter().try_for_each(|page| files::check_page(page, "--report"))?;
    let words = args.labels.as_ref().map_or(&[][..], |WordList(words)| words);
    // The truth may stand in a label file.
    let file = match words {
        [word] => Some(Path::new(word)).filter(|path| path.is_file()),
        _ => None,
    };
    let reader = OtherPredictions {
        labels: if file.is_some() { Vec::new() } else { words.to_vec() },
        logits: args.logits,
        group: args.group_column.clone(),
        truth_elsewhere: file.is_some(),
    };
    let mut set = reader.read(&args.predictions).map_err(|error| refused(error, &args.predictions))?;
    if let Some(file) = file {
        set = truth::add(set, file, args, output)?;
    }
    if set.images.is_empty() {
        return Err(hinted(
            format!("`{}` holds no image", args.predictions.display()),
            "a row an image is expected",
        ));
    }
    let thresholds = thresholds(args, set.labels(), set.scores.task())?;
    let tested = Tested { thresholds, ..Tested::from_file(base::stored(&args.predictions)) };
    let mut figures = TestFigures::new(&set, tested)?;
    subgroups::add(&mut figures, &set, args.by.settings()?.as_ref(), output)?;
    if args.json {
        output.data(serde_json::to_string(&figures)?);
    } else {
        test::print::models(&[(base::shown(&args.predictions), &figures)], output);
        subgroups::print(&figures, output);
    }
    if let Some(path) = &args.report {
        files::write_page(path, &page(&args.predictions, set, figures), output)?;
    }
    Ok(Status::Done)
}

/// Makes the page of evaluated predictions.
fn page(predictions: &Path, set: PredictionTable, figures: TestFigures) -> String {
    let name =
        predictions.file_name().map_or_else(|| base::shown(predictions), |name| name.display().to_string());
    let names = set.images.iter().map(|image| image.path.display().to_string()).collect();
    let test = report::Test {
        saved: figures,
        last: None,
        occluded: BTreeMap::new(),
        scores: Some(set.scores),
        names,
        pictures: None,
    };
    report::evaluation_page(&report::EvaluatedPredictions { name, test })
}

/// Adds the edit that mends a file of predictions.
fn refused(error: experiment::Error, path: &Path) -> anyhow::Error {
    match &error {
        experiment::Error::Csv { problem, .. } if problem.ends_with("are these logits?") => {
            hinted(error.to_string(), "`--logits` takes them as logits")
        }
        experiment::Error::Csv { problem, .. } if problem.starts_with("no column `path`") => {
            hinted(error.to_string(), "call the column of the images' names `path`")
        }
        experiment::Error::Csv { .. } => hinted(
            error.to_string(),
            "a file has the columns `path`, `LABEL` with 1, 0 or nothing, and `p_LABEL` with its probability",
        ),
        experiment::Error::Io { .. } if !path.exists() => {
            hinted(format!("there is no file `{}`", path.display()), "check the spelling")
        }
        _ => error.into(),
    }
}

/// Returns the threshold of each label.
fn thresholds(args: &EvaluateArgs, labels: &[String], task: Task) -> Result<Vec<f64>> {
    let named = [("--threshold", args.threshold.is_some()), ("--thresholds", args.thresholds.is_some())];
    if let (Task::MultiClass, Some((flag, _))) = (task, named.into_iter().find(|(_, is_named)| *is_named)) {
        let message = format!("`{}` is of classes, which have no thresholds", args.predictions.display());
        return Err(hinted(message, format!("leave `{flag}` out")));
    }
    let default = args.threshold.unwrap_or(metrics::DEFAULT_THRESHOLD);
    let Some(path) = &args.thresholds else { return Ok(vec![default; labels.len()]) };
    let given = read_thresholds(path)?;
    let of = |label: &String| given.get(label).copied().unwrap_or(default);
    if let Some(label) = given.keys().find(|label| !labels.contains(label)) {
        let message = format!("`{}` has a threshold of `{label}`, which is no label here", path.display());
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        return Err(hinted(message, format!("there are {}", labels.join(", "))));
    }
    Ok(labels.iter().map(of).collect())
}

/// Reads a CSV of labels and their thresholds.
fn read_thresholds(path: &Path) -> Result<HashMap<String, f64>> {
    let shown = path.display();
    let text = read_text(path).with_context(|| format!("cannot read `{shown}`"))?;
    let text = CsvText::new(&text);
    let hint = "a file has the columns `label` and `threshold`, and a row a label";
    let mut records = text.records();
    let header: Vec<String> = records.next().iter().flat_map(CsvRecord::cells).map(str::to_owned).collect();
    let column = |name: &str| header.iter().position(|column| column == name);
    let (Some(label), Some(threshold)) = (column("label"), column("threshold")) else {
        return Err(hinted(
            format!("`{shown}`, line {}: no columns `label` and `threshold`", text.first_line()),
            hint,
        ));
    };
    let mut thresholds = HashMap::new();
    for record in records {
        let refused = |problem: String| hinted(format!("`{shown}`, line {}: {problem}", record.line), hint);
        if record.len() != header.len() {
            return Err(refused(format!("{} fields, but the header has {}", record.len(), header.len())));
        }
        let (name, cell) = (record.cell(label), record.cell(threshold));
        let value: Option<f64> = cell.parse().ok().filter(|value| (0.0..=1.0).contains(value));
        let value = value.ok_or_else(|| refused(format!("`{cell}` is no threshold, which is 0 to 1")))?;
        if thresholds.insert(name.to_owned(), value).is_some() {
            return Err(refused(format!("`{name}` is there twice")));
        }
    }
    Ok(thresholds)
}
