use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Folder of the run [default: the latest run]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    /// Leave radiographs out of the page
    #[arg(long)]
    pub(crate) no_images: bool,
    /// Print the paths of the written files as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
