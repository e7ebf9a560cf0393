use std::path::PathBuf;

use clap::Args;
use experiment::{Bins, SubgroupSettings};

use super::{
    threads,
    values::{WordList, probability},
};
use crate::status::hinted;

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// CSV with a row an image, also compressed (.gz): a column path (or image), a column per label with the truth (1, 0 or
    /// nothing), and p_LABEL with the probability. Of classes, a column label with the true one. A column patient (or group)
    /// groups the images; all others are attributes
    #[arg(value_name = "CSV")]
    pub(crate) predictions: PathBuf,
    /// Labels to evaluate, in this order, or a label file (NIH, CheXpert, …) with the truth of the images, which are found by name
    /// [default: all with a column p_LABEL]
    #[arg(long, value_name = "LABEL,…|FILE")]
    pub(crate) labels: Option<WordList>,
    #[command(flatten)]
    pub(crate) by: ByArgs,
    /// Probability from which an image counts as having a label [default: 0.5]
    #[arg(long, value_name = "P", value_parser = probability)]
    pub(crate) threshold: Option<f64>,
    /// CSV with the columns label and threshold, for labels with thresholds of their own
    #[arg(long, value_name = "CSV")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Take the columns p_LABEL as logits
    #[arg(long)]
    pub(crate) logits: bool,
    /// Column that holds each image's group, such as its patient [default: group, patient or patient_id]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group_column: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Write an HTML page with tables, curves and the images to look at
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Threads for drawing resamples [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

/// Flags for figures by attributes of the images.
#[derive(Args, Clone)]
pub(crate) struct ByArgs {
    /// Columns by whose values the figures are given apart, such as view,sex,age
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    by: Vec<String>,
    /// Lower bounds of the bins of a column of numbers, such as age=40,60. May be repeated [default for age: 40,60]
    #[arg(long, value_name = "COLUMN=N,…", requires = "by")]
    bins: Vec<Bins>,
}

impl ByArgs {
    /// Returns the columns that were named; `None` where none was.
    ///
    /// # Errors
    /// Bins of a column that is not among them.
    pub(crate) fn settings(&self) -> anyhow::Result<Option<SubgroupSettings>> {
        let named = |bins: &&Bins| self.by.iter().any(|column| column.eq_ignore_ascii_case(&bins.column));
        if let Some(bins) = self.bins.iter().find(|bins| !named(bins)) {
            return Err(hinted(
                format!("`--bins` names the column `{}`, and `--by` does not", bins.column),
                format!(
                    "add it: `--by {}`",
                    self.by.iter().chain([&bins.column]).cloned().collect::<Vec<_>>().join(",")
                ),
            ));
        }
        let settings = SubgroupSettings { columns: self.by.clone(), bins: self.bins.clone() };
        Ok((!self.by.is_empty()).then_some(settings))
    }
}
