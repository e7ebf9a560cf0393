use clap::Args;

#[derive(Args)]
pub(crate) struct ModelsArgs {
    /// Print the networks as one JSON list, with their blocks
    #[arg(long)]
    pub(crate) json: bool,
}
