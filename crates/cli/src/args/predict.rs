use std::path::PathBuf;

use clap::Args;
use model::PrecisionChoice;

use super::{ComputeArgs, ReadArgs, values::share};

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// Images, and folders of images, which are gone through with all folders in them; `-` reads such places from standard
    /// input, one a line
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// A checkpoint, or a run's folder, whose best weights are meant [default: the latest run]
    #[arg(long, value_name = "PATH")]
    pub(crate) saved: Option<PathBuf>,
    /// Average the probabilities of these models, which must know the same classes
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "saved")]
    pub(crate) ensemble: Vec<PathBuf>,
    /// Average the probabilities of the image and of itself shifted four ways, by 4 % of its side
    #[arg(long)]
    pub(crate) tta: bool,
    /// Decide for no class where the largest probability is below this
    #[arg(long, value_name = "P", value_parser = share, allow_negative_numbers = true)]
    pub(crate) uncertain_below: Option<f64>,
    /// Print comma-separated values: path, predicted, p_CLASS…, error, decision, warning, note
    ///
    /// A path that is UTF-8 is written as it is, here and with --json. In one that is not, each byte that is no UTF-8 becomes
    /// \xff and the like and backslashes are doubled; so they are in one that holds \x or \\. No two paths are written alike.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Put an apostrophe before cells of `--csv` that begin with = + - @, a tab or a carriage return, so that no spreadsheet
    /// takes them for formulas
    #[arg(long, requires = "csv")]
    pub(crate) csv_safe: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// What convolutions compute in: f32, bf16 or auto [default: as the model was trained]
    #[arg(long, value_name = "KIND")]
    pub(crate) precision: Option<PrecisionChoice>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}
