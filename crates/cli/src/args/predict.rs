use std::path::PathBuf;

use clap::Args;

use super::{PredictorArgs, ReadArgs};

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// Images, and folders of images, which are searched with all folders in them. `-` reads such paths from standard input, one
    /// per line
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) predictor: PredictorArgs,
    /// Print comma-separated values: path, predicted, p_CLASS…, error, decision, warning, note
    ///
    /// A path that is UTF-8 is written unchanged, here and with --json. In any other path each byte that is no UTF-8 is written
    /// as an escape such as \xff, and backslashes are doubled; they are doubled also in a path that holds \x or \\. No two paths
    /// are written alike.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Keep spreadsheets from taking cells of `--csv` for formulas. An apostrophe is put before cells that begin with =, +, -, @,
    /// a tab or a carriage return
    #[arg(long, requires = "csv")]
    pub(crate) csv_safe: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}
