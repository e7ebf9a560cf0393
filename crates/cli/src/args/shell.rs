use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to write for
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// Folder for a page of each command, such as ~/.local/share/man/man1; it is made if it is not there [default: print the
    /// main page]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite pages that are there already
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}
