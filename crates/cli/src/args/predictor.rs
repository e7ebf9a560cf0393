use std::path::PathBuf;

use clap::Args;
use model::{PrecisionChoice, PredictOptions};

use super::{ComputeArgs, values::share};

/// Flags of the model, or models, that predict.
#[derive(Args)]
pub(crate) struct PredictorArgs {
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
    /// Precision of convolutions: f32, bf16 or auto [default: as the model was trained]
    #[arg(long, value_name = "KIND")]
    pub(crate) precision: Option<PrecisionChoice>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

impl PredictorArgs {
    /// Returns the options that these flags name; `padded` as in [`PredictOptions`].
    pub(crate) fn options(&self, padded: bool) -> PredictOptions {
        PredictOptions { tta: self.tta, uncertain_below: self.uncertain_below, padded }
    }
}
