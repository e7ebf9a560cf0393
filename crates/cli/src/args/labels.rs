use clap::Args;
use data::{BlankRule, FindingOptions, LabelFormat, Readers, UncertainRule};
use serde::Serialize;

use super::{
    ClassList, stored,
    values::{WordList, positive},
};

/// Flags for label files, which have several findings an image.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct LabelArgs {
    /// Labels of a label file in index order, as its columns or findings, or LABEL=COLUMN [default: all]
    #[arg(long, value_name = "LABEL,…")]
    pub(crate) labels: Option<ClassList>,
    /// Format of the label file: nih, chexpert, mimic, padchest, vindr, rsna or csv [default: by its header]
    #[arg(long, value_name = "FORMAT")]
    #[serde(serialize_with = "stored::optional_text")]
    pub(crate) label_format: Option<LabelFormat>,
    /// Value of uncertain marks: ignore, zeros or ones; also per label, as in ignore,Edema=ones
    #[arg(long, value_name = "RULE", default_value = "ignore")]
    #[serde(serialize_with = "stored::text")]
    pub(crate) uncertain: UncertainRule,
    /// Value of missing marks: zeros or ignore [default: zeros for chexpert, ignore for others]
    #[arg(long, value_name = "RULE")]
    #[serde(serialize_with = "stored::optional_text")]
    pub(crate) blank: Option<BlankRule>,
    /// Views to read: frontal, lateral, or as in the file, such as PA,AP [default: all]
    #[arg(long, value_name = "VIEW,…")]
    pub(crate) views: Option<WordList>,
    /// Readers of one image who must mark a finding: any, majority or all
    #[arg(long, value_name = "RULE", default_value = "majority")]
    #[serde(serialize_with = "stored::text")]
    pub(crate) readers: Readers,
    /// Smallest number of positive images of a label [default: for padchest one of 10000 images, for others 0]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) min_images: Option<usize>,
}

impl LabelArgs {
    /// Returns the rules by which label files are read.
    pub(crate) fn options(&self) -> FindingOptions {
        FindingOptions {
            format: self.label_format,
            labels: self.labels.as_ref().map(|ClassList(labels)| labels.clone()),
            uncertain: self.uncertain.clone(),
            blank: self.blank,
            views: self.views.as_ref().map_or_else(Vec::new, |WordList(views)| views.clone()),
            readers: self.readers,
            min_images: self.min_images,
            look_for_images: true,
        }
    }
}
