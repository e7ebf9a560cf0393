use std::path::PathBuf;

use clap::Args;
use model::HeatMapMethod;

use super::{PredictorArgs, ReadArgs};

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// Images, and folders of images, which are searched with all folders in them
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) predictor: PredictorArgs,
    /// Name of the class that heat maps are of [default: the predicted class of each image]
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
    #[arg(long, value_name = "METHOD", help = super::networks::with_defaults(
        "Method of the heat maps: grad-cam, grad-cam++, hires-cam or occlusion",
        |network| network.heat_map.to_string(),
    ))]
    pub(crate) method: Option<HeatMapMethod>,
    /// Folder for the PNGs; it is created if missing. Each image gets NAME.overlay.png and NAME.map.png
    #[arg(long, value_name = "DIR", default_value = super::DEFAULT_EXPLAINED)]
    pub(crate) out: PathBuf,
    /// Overwrite existing PNGs
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}
