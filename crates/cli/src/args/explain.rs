use std::path::PathBuf;

use clap::Args;
use model::{Method, PrecisionChoice};

use super::{ComputeArgs, ReadArgs};

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// Images, and folders of images, which are gone through with all folders in them
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// A checkpoint, or a run's folder, whose best weights are meant [default: the latest run]
    #[arg(long, value_name = "PATH")]
    pub(crate) saved: Option<PathBuf>,
    /// The class that heat maps are of, by its name [default: the predicted one of each image]
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
    /// How they are made: grad-cam, grad-cam++, hires-cam or occlusion [default: inception-v3: grad-cam, convnet: hires-cam,
    /// torchscript: occlusion]
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<Method>,
    /// Folder that the PNGs go to, NAME.overlay.png and NAME.map.png for each image; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = super::DEFAULT_EXPLAINED)]
    pub(crate) out: PathBuf,
    /// Overwrite PNGs that are there already
    #[arg(long)]
    pub(crate) force: bool,
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
