use std::path::PathBuf;

use clap::Args;
use data::Formats;

use super::{
    ClassList, DEFAULT_DATA, GroupArgs, LabelArgs, MAX_FOLDS, MAX_IMAGES, SplitKind,
    values::{at_most, share},
};

#[derive(Args)]
pub(crate) struct SplitArgs {
    /// Folder with one folder of images per class, or a CSV or label file
    #[arg(value_name = "FOLDER|CSV", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// Manifest to write: a CSV `path,label,group,split`, or with a column a label, that `train --data` takes
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace an existing manifest
    #[arg(long)]
    pub(crate) force: bool,
    /// Number of images of each class kept for testing, before any other split
    #[arg(long, value_name = "N", value_parser = at_most::<MAX_IMAGES>, allow_negative_numbers = true, conflicts_with = "test_split")]
    pub(crate) test_per_class: Option<usize>,
    /// Share of each class's images kept for testing
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    pub(crate) test_split: Option<f64>,
    /// Share of each class's remaining images kept for validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share, allow_negative_numbers = true)]
    pub(crate) validation_split: f64,
    /// Number all but the test images by folds 1 to K, in place of a validation part. The numbers go to a column `fold`, which
    /// cross-validate takes
    #[arg(long, value_name = "K", value_parser = at_most::<MAX_FOLDS>, allow_negative_numbers = true)]
    pub(crate) folds: Option<usize>,
    /// Selection of the images
    #[arg(long, value_name = "HOW", default_value = "random")]
    pub(crate) split: SplitKind,
    #[command(flatten)]
    pub(crate) findings: LabelArgs,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    /// Seed of random choices
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all, sorted]
    #[arg(long, value_name = "CLASS,…")]
    pub(crate) classes: Option<ClassList>,
    /// Rules for finding images: all (by content) or keras (its list of extensions)
    #[arg(long, value_name = "RULES", default_value = "all")]
    pub(crate) formats: Formats,
    /// Lay the images out as FOLDER/train|validation|test/CLASS by symbolic links
    #[arg(long, value_name = "FOLDER", group = "place")]
    pub(crate) link: Option<PathBuf>,
    /// Lay the images out in the same way by copies
    #[arg(long, value_name = "FOLDER", group = "place")]
    pub(crate) copy: Option<PathBuf>,
    /// Lay the images out in the same way by moving the files. An interrupted move is completed by the same command
    #[arg(long = "move", value_name = "FOLDER", group = "place")]
    pub(crate) move_to: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
