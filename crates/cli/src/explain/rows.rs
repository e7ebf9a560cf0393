//! Rows that `explain` prints, one per image.

use std::path::Path;

use base::{shown, stored};
use metrics::Task;
use model::{HeatMapMethod, Predictor};
use serde_json::json;

use super::heated::Heated;
use crate::{
    output::Output,
    unlike::{self, WarningCounts},
};

/// Writer of rows in the files' order.
pub(super) struct Rows<'a> {
    task: Task,
    pub(super) classes: &'a [String],
    method: HeatMapMethod,
    json: bool,
    pub(super) output: &'a Output,
    pub(super) written: usize,
    pub(super) errors: usize,
    pub(super) warnings: WarningCounts,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        predictor: &Predictor<'a>,
        method: HeatMapMethod,
        json: bool,
        output: &'a Output,
    ) -> Self {
        let (task, classes) = (predictor.task(), predictor.classes());
        Self {
            task,
            classes,
            method,
            json,
            output,
            written: 0,
            errors: 0,
            warnings: WarningCounts::default(),
        }
    }

    /// Prints the heading, before the first row.
    fn begin(&self) {
        if !self.json && self.written == self.errors {
            let first =
                if self.task.is_multi_class() { ["predicted", "class"] } else { ["positive", "label"] };
            self.line(first, ["prob.", "centre"], ["note", "file", "overlay"]);
        }
    }

    pub(super) fn add(&mut self, path: &Path, heated: &Result<Heated, String>) {
        match heated {
            Ok(heated) => {
                self.begin();
                self.warnings.add(heated.assessment.warning.as_ref());
                self.row(path, heated);
            }
            Err(error) => {
                self.error(path, error);
                self.errors += 1;
            }
        }
        self.written += 1;
    }

    fn error(&self, path: &Path, error: &str) {
        if !self.json {
            self.output.error(format!("`{}` {error}", shown(path)));
            return;
        }
        let row = json!({"path": stored(path), "predicted": null, "class": null, "probability": null,
                         "method": self.method.to_string(), "central_share": null, "empty": null,
                         "overlay": null, "map": null, "error": error, "decision": null, "warning": null, "note": null});
        self.output.data(row.to_string());
    }

    fn row(&self, path: &Path, Heated { heat_map, targets, prepared, assessment }: &Heated) {
        let (warning, note) = (assessment.warning, &prepared.note);
        // Findings do not exclude each other: there is no one answer.
        let is_class = self.task.is_multi_class();
        let decision = is_class.then(|| assessment.decision_label(self.classes));
        let [predicted, class] =
            [heat_map.predicted, heat_map.class].map(|index| self.classes[index].as_str());
        let (probability, central) = (heat_map.probability(), heat_map.central_share());
        if self.json {
            let predicted = is_class.then_some(predicted);
            let mut row = json!({"path": stored(path), "predicted": predicted, "class": class, "probability": probability,
                             "method": self.method.to_string(), "central_share": central,
                             "empty": heat_map.is_empty(), "overlay": stored(&targets.overlay),
                             "map": stored(&targets.map), "error": null, "decision": decision,
                             "warning": warning.map(|warning| warning.to_string()), "note": note});
            if !is_class {
                row["positive"] = json!(assessment.positive_labels(self.classes));
            }
            self.output.data(row.to_string());
            return;
        }
        let probability = format!("{probability:.4}");
        let central = central.map_or("empty".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        let positive = assessment.positive.contains(&heat_map.class);
        let predicted = match (is_class, positive) {
            (true, _) => predicted,
            (false, true) => "yes",
            (false, false) => "no",
        };
        let [predicted, class, name, overlay] =
            [predicted.as_ref(), class.as_ref(), path.as_os_str(), targets.overlay.as_os_str()].map(shown);
        let overlay = match note {
            Some(note) => format!("{overlay}  ({note})"),
            None => overlay.to_string(),
        };
        let decided = decision.filter(|_| assessment.decision != Some(assessment.predicted));
        let notes: Vec<&str> = decided.into_iter().chain(warning.as_ref().map(unlike::note)).collect();
        let notes = notes.join(", ");
        self.line([&predicted, &class], [&probability, &central], [&notes, &name, &overlay]);
    }

    fn line(&self, classes: [&str; 2], numbers: [&str; 2], texts: [&str; 3]) {
        let width = self.classes.iter().map(|class| shown(class).chars().count()).max().unwrap_or(0).max(9);
        let ([predicted, class], [probability, central], [note, file, overlay]) = (classes, numbers, texts);
        let notes = unlike::WIDTH;
        self.output.result(format!(
            "{predicted:width$}  {class:width$}  {probability:>6}  {central:>6}  {note:notes$}  {file}  {overlay}"
        ));
    }
}
