use std::path::PathBuf;

use clap::Args;
use model::PrecisionChoice;

use super::{ComputeArgs, ReadArgs, values::share};

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// Images, and folders of images, which are searched with all folders in them. `-` reads such paths from standard input, one
    /// per line
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Checkpoint, or a run's folder for its best weights [default: the latest run]
    #[arg(long, value_name = "PATH")]
    pub(crate) saved: Option<PathBuf>,
    /// Average the probabilities of these models, which must have the same classes
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "saved")]
    pub(crate) ensemble: Vec<PathBuf>,
    /// Average probabilities over the image and four copies shifted by 4 % of its side
    #[arg(long)]
    pub(crate) tta: bool,
    /// Decide for no class where the largest probability is below this value
    #[arg(long, value_name = "P", value_parser = share, allow_negative_numbers = true)]
    pub(crate) uncertain_below: Option<f64>,
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
    /// Precision of convolutions: f32, bf16 or auto [default: as the model was trained]
    #[arg(long, value_name = "KIND")]
    pub(crate) precision: Option<PrecisionChoice>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}
