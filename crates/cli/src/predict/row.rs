use std::{collections::BTreeMap, path::Path};

use base::stored;
use metrics::Task;
use model::Assessment;
use schemars::JsonSchema;
use serde::Serialize;

/// Line of `thorax predict --json`: the result for one file, or the reason why there is none.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct PredictionRow {
    /// File, as it was named or found.
    path: String,
    /// Class of the largest probability, the first of equals; null with an error, and of findings.
    predicted: Option<String>,
    /// Labels whose probability reaches their threshold, of findings alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive: Option<Vec<String>>,
    /// Class or label → probability, in `[0, 1]`; null with an error.
    probabilities: Option<BTreeMap<String, f64>>,
    /// Reason why the file has no result.
    error: Option<String>,
    /// Class to act on, or `uncertain`; null with an error, and of findings.
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
        (task, classes): (Task, &[String]),
        assessed: &Assessment,
        note: Option<&str>,
    ) -> Self {
        let is_class = task.is_multi_class();
        let positive = || assessed.positive_labels(classes).into_iter().map(str::to_owned).collect();
        let by_class = classes.iter().cloned().zip(assessed.probabilities.iter().map(|&p| f64::from(p)));
        Self {
            path: stored(path),
            predicted: is_class.then(|| classes[assessed.predicted].clone()),
            positive: (!is_class).then(positive),
            probabilities: Some(by_class.collect()),
            error: None,
            decision: is_class.then(|| assessed.decision_label(classes).to_owned()),
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
