//! Formats of a row: table, comma-separated values, JSON.

use std::path::Path;

use anyhow::Result;
use base::{shown, spreadsheet_safe, stored};
use metrics::Task;
use model::Assessment;

use super::row::PredictionRow;
use crate::{args::PredictArgs, output::Output, unlike};

/// Format of the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Csv,
    Json,
}

impl Form {
    pub(super) fn of(args: &PredictArgs) -> Self {
        match (args.csv, args.json) {
            (true, _) => Self::Csv,
            (_, true) => Self::Json,
            _ => Self::Table,
        }
    }
}

/// Writer of rows to stdout.
pub(super) struct Printer<'a> {
    pub(super) task: Task,
    pub(super) classes: &'a [String],
    pub(super) form: Form,
    /// True where spreadsheets must not take cells of a CSV for formulas.
    pub(super) csv_safe: bool,
    pub(super) output: &'a Output,
}

impl Printer<'_> {
    pub(super) fn heading(&self) -> Result<()> {
        match self.form {
            Form::Json => {}
            Form::Csv => {
                let classes = self.classes.iter().map(|class| format!("p_{class}"));
                let after: &[&str] = match self.task {
                    Task::MultiClass => &["error", "decision", "warning", "note"],
                    Task::MultiLabel => &["error", "warning", "note"],
                };
                let before = ["path", self.first()].map(str::to_owned).into_iter();
                self.csv(before.chain(classes).chain(after.iter().map(|name| (*name).to_owned())))?;
            }
            Form::Table => {
                let cells: Vec<String> =
                    self.widths().map(|(class, width)| format!("{:>width$}", shown(class))).collect();
                let (width, notes) = (self.label_width(), NOTES);
                self.output.result(format!(
                    "{:width$}  {}  {:notes$}  file",
                    self.first(),
                    cells.join("  "),
                    "note"
                ));
            }
        }
        Ok(self.output.check()?)
    }

    pub(super) fn row(&self, path: &Path, assessed: &Assessment, told: Option<&str>) -> Result<()> {
        let (predicted, decision) = match self.task {
            Task::MultiClass => {
                let decision = assessed.decision_label(self.classes);
                (self.classes[assessed.predicted].clone(), Some(decision))
            }
            Task::MultiLabel => (assessed.positive_labels(self.classes).join("|"), None),
        };
        let probabilities = &assessed.probabilities;
        match self.form {
            Form::Json => {
                let row = PredictionRow::from_assessment(path, (self.task, self.classes), assessed, told);
                self.output.data(row.to_json()?);
            }
            Form::Csv => {
                let before = [stored(path), predicted.clone()];
                let numbers = probabilities.iter().map(f32::to_string);
                let note = told.unwrap_or_default().to_owned();
                let warning = assessed.warning.map(|warning| warning.to_string()).unwrap_or_default();
                let decision = decision.map(str::to_owned);
                let after = [String::new()].into_iter().chain(decision).chain([warning, note]);
                self.csv(before.into_iter().chain(numbers).chain(after))?;
            }
            Form::Table => {
                let cells = self.widths().zip(probabilities).map(|((_, width), p)| format!("{p:>width$.4}"));
                let cells = cells.collect::<Vec<_>>().join("  ");
                let decided = decision.filter(|_| assessed.decision != Some(assessed.predicted));
                let notes = [decided, assessed.warning.as_ref().map(unlike::note)];
                let note = notes.into_iter().flatten().collect::<Vec<_>>().join(", ");
                let (width, notes) = (self.label_width(), NOTES);
                let predicted = if predicted.is_empty() { NONE.to_owned() } else { predicted };
                let (predicted, name) = (shown(&predicted), shown(path));
                let told = told.map(|note| format!("  ({note})")).unwrap_or_default();
                self.output.result(format!("{predicted:width$}  {cells}  {note:notes$}  {name}{told}"));
            }
        }
        Ok(self.output.check()?)
    }

    pub(super) fn error(&self, path: &Path, error: &str) -> Result<()> {
        match self.form {
            Form::Json => {
                self.output.data(PredictionRow::failed(path, error).to_json()?);
            }
            Form::Csv => {
                let empty = self.classes.iter().map(|_| String::new());
                let last = if self.task.is_multi_class() { 3 } else { 2 };
                let after = [error.to_owned()].into_iter().chain(vec![String::new(); last]);
                self.csv([stored(path), String::new()].into_iter().chain(empty).chain(after))?;
            }
            Form::Table => self.output.error(format!("`{}` {error}", shown(path))),
        }
        Ok(self.output.check()?)
    }

    fn csv(&self, cells: impl Iterator<Item = String>) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        match self.csv_safe {
            true => writer.write_record(cells.map(|cell| spreadsheet_safe(&cell).into_owned()))?,
            false => writer.write_record(cells)?,
        }
        let line = String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?;
        self.output.data(line.strip_suffix('\n').unwrap_or(&line));
        Ok(())
    }

    /// Name of the column of the answer.
    fn first(&self) -> &'static str {
        if self.task.is_multi_class() { "predicted" } else { "positive" }
    }

    /// Returns the classes with the widths of their columns.
    fn widths(&self) -> impl Iterator<Item = (&String, usize)> {
        self.classes.iter().map(|class| (class, shown(class).chars().count().max(6)))
    }

    fn label_width(&self) -> usize {
        let longest = self.classes.iter().map(|class| shown(class).chars().count()).max();
        longest.unwrap_or(0).max("predicted".len())
    }
}

/// Mark of an image without a positive label.
const NONE: &str = "–";
/// Width of the column of warnings and notes.
const NOTES: usize = unlike::WIDTH;
