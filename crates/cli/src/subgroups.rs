//! Figures by attributes of the images: computing and printing.

use anyhow::Result;
use experiment::{AttributeGap, PooledAbove, PredictionTable, SubgroupSettings, Subgroups, TestFigures};
use metrics::{FigureTable, Task};

use crate::{
    output::Output,
    status::hinted,
    table::{lower, table, with_interval},
};

/// Adds the figures by the columns that were named, if any was.
pub(crate) fn add(
    figures: &mut TestFigures,
    set: &PredictionTable,
    settings: Option<&SubgroupSettings>,
    output: &Output,
) -> Result<()> {
    let Some(settings) = settings else { return Ok(()) };
    let subgroups = Subgroups::new(set, figures, settings).map_err(|error| match &error {
        experiment::Error::NoColumn { columns, .. } if columns.is_empty() => {
            hinted(error.to_string(), "the images have no attributes")
        }
        experiment::Error::NoColumn { columns, .. } => {
            let columns: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
            hinted(error.to_string(), format!("there are {}", columns.join(", ")))
        }
        experiment::Error::Column { reason, .. } => {
            let hint = match reason.as_str() {
                "it is named twice" => "name each column once",
                reason if reason.ends_with(" is no age in years") => "mend the value, or leave it empty",
                _ => "`--bins COLUMN=N,…` sorts numbers into bins",
            };
            hinted(error.to_string(), hint)
        }
        _ => error.into(),
    })?;
    subgroups.pooled_above.iter().for_each(|above| output.warn(describe(above)));
    figures.subgroups = Some(subgroups);
    Ok(())
}

/// Columns by whose values a run's test figures are given apart, where the images have them.
const COLUMNS_OF_A_RUN: [&str; 3] = ["view", "sex", "age"];

/// Adds the figures by view, sex and age of a run's test images, where their label file has them. A column that cannot be used
/// is a warning: the run has been trained.
pub(crate) fn add_known(figures: &mut TestFigures, set: &PredictionTable, output: &Output) {
    let is_known = |column: &&str| set.attributes().iter().any(|attribute| attribute.name == *column);
    let columns: Vec<String> = COLUMNS_OF_A_RUN.into_iter().filter(is_known).map(str::to_owned).collect();
    if columns.is_empty() {
        return;
    }
    let settings = SubgroupSettings { columns, bins: Vec::new() };
    if let Err(error) = add(figures, set, Some(&settings), output) {
        output.warn(format!("no figures by view, sex and age: {error:#}"));
    }
}

/// Describes a column by whose values the model may rank.
fn describe(above: &PooledAbove) -> String {
    let PooledAbove { column, pooled, highest } = above;
    format!(
        "macro ROC AUC of all images, {pooled:.4}, lies above that of every value of `{column}` (at most {highest:.4}): part of the \
         ranking may come from `{column}`, and the figure is too good for any one value"
    )
}

/// Prints the figures of each value, the values left out and the largest gaps.
pub(crate) fn print(figures: &TestFigures, output: &Output) {
    let Some(subgroups) = &figures.subgroups else { return };
    output.result(["", "By attribute"]);
    let shown: Vec<_> = figures
        .table(FigureTable::Test)
        .map(|(row, _)| row)
        .filter(|row| match figures.task() {
            Task::MultiClass => ["accuracy", "balanced_accuracy", "macro_roc_auc"].contains(&row.key),
            Task::MultiLabel => ["macro_roc_auc", "macro_average_precision", "micro_f1"].contains(&row.key),
        })
        .collect();
    let heading = ["", "images", "patients"].map(str::to_owned).into_iter();
    let mut rows = vec![heading.chain(shown.iter().map(|row| lower(row.title))).collect::<Vec<_>>()];
    for part in &subgroups.parts {
        let name = format!("{} {}", part.column, part.value);
        let patients = part.patients.map_or_else(|| "–".to_owned(), |patients| patients.to_string());
        let first = [name, part.figures.images.to_string(), patients].into_iter();
        rows.push(
            first.chain(shown.iter().map(|row| with_interval(&part.figures.figure(row.key)))).collect(),
        );
    }
    output.result(table(&rows));
    for left in &subgroups.left_out {
        let (column, value, images, reason) = (&left.column, &left.value, left.images, &left.reason);
        output.result(format!("left out: {column} {value} ({images} images): {reason}"));
    }
    subgroups.gaps.iter().for_each(|gap| output.result(sentence(gap)));
}

fn sentence(gap: &AttributeGap) -> String {
    let figure = match &gap.label {
        Some(label) => format!("ROC AUC of {label}"),
        None => "macro ROC AUC".to_owned(),
    };
    let interval = gap.difference.interval;
    let interval = interval.map_or(String::new(), |[low, high]| format!(" [{low:.3}, {high:.3}]"));
    let difference = gap.difference.value.unwrap_or_default();
    let ((high, highest), (low, lowest)) = (&gap.highest, &gap.lowest);
    format!(
        "largest gap by {}, {figure}: {highest:.4} in {high}, {lowest:.4} in {low}, difference {difference:.4}{interval}",
        gap.column
    )
}
