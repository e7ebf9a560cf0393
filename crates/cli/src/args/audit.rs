use std::path::PathBuf;

use clap::Args;

use super::{
    ClassList, DEFAULT_DATA, GroupArgs, LabelArgs, ReadArgs, SplitKind,
    values::{share, threads},
};

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Folder with one folder of images per class, or a CSV or label file
    #[arg(value_name = "FOLDER", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// Test images in the same layout [default: the data folder's name plus ` Test`, if it exists]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) test_data: Option<PathBuf>,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…")]
    pub(crate) classes: Option<ClassList>,
    #[command(flatten)]
    pub(crate) findings: LabelArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    /// Share of each class's images that train would keep for validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share, allow_negative_numbers = true)]
    pub(crate) validation_split: f64,
    /// Selection of the validation images
    #[arg(long, value_name = "HOW", default_value = "keras")]
    pub(crate) split: SplitKind,
    /// Seed of the split and of the cross-validation of file facts
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Print all findings as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Write an HTML page with the pairs side by side
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Exit with 1 where a leak is found
    #[arg(long)]
    pub(crate) strict: bool,
    /// Number of threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}
