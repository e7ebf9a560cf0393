use std::{collections::BTreeMap, path::Path};

use base::stored;
use model::Assessment;
use schemars::JsonSchema;
use serde::Serialize;

/// Line of `thorax predict --json`: the result for one file, or the reason why there is none.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct PredictionRow {
    /// File, as it was named or found.
    path: String,
    /// Class of the largest probability, the first of equals; null with an error.
    predicted: Option<String>,
    /// Class → probability, in `[0, 1]`; null with an error.
    probabilities: Option<BTreeMap<String, f64>>,
    /// Reason why the file has no result.
    error: Option<String>,
    /// Class to act on, or `uncertain`; null with an error.
    decision: Option<String>,
    /// Reason why the image is unlike those that the model was trained on.
    warning: Option<String>,
    /// Note on how the file was read, where that is unusual.
    note: Option<String>,
}

impl PredictionRow {
    /// Makes the line of an image.
    pub(super) fn from_assessment(
        path: &Path,
        classes: &[String],
        assessed: &Assessment,
        note: Option<&str>,
    ) -> Self {
        let by_class = classes.iter().cloned().zip(assessed.probabilities.iter().map(|&p| f64::from(p)));
        Self {
            path: stored(path),
            predicted: Some(classes[assessed.predicted].clone()),
            probabilities: Some(by_class.collect()),
            error: None,
            decision: Some(assessed.decision_label(classes).to_owned()),
            warning: assessed.warning.as_ref().map(ToString::to_string),
            note: note.map(str::to_owned),
        }
    }

    /// Makes the line of a file without a result.
    pub(super) fn failed(path: &Path, error: &str) -> Self {
        Self { path: stored(path), error: Some(error.to_owned()), ..Self::default() }
    }

    /// Converts to JSON, with keys in alphabetical order.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_value(self)?.to_string())
    }
}
