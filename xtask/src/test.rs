//! `cargo xtask test`: fetch what the tests need, then run all of them.

use crate::fetch;
use crate::workspace::{Workspace, step};
use anyhow::Result;
use clap::Args;
use std::ffi::OsString;

#[derive(Args)]
pub(crate) struct Options {
    /// Handed on to `cargo test`, such as `-- -p data` or `-- -- --nocapture`
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    fetch::needed(workspace)?;
    let mut command = workspace.cargo();
    command.arg("test");
    // With `--workspace`, cargo would ignore the packages named.
    if !names_packages(&options.arguments) {
        command.arg("--workspace");
    }
    step(command.args(&options.arguments))
}

/// Tells if the arguments of cargo, before a second `--` for the tests, name packages.
fn names_packages(arguments: &[OsString]) -> bool {
    let mut to_cargo =
        arguments.iter().filter_map(|argument| argument.to_str()).take_while(|argument| *argument != "--");
    to_cargo.any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_named_replace_the_workspace() {
        let names =
            |text: &str| names_packages(&text.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        assert!(names("-p data") && names("-pdata") && names("--release --package=data"));
        assert!(!names("") && !names("resize") && !names("--release -- -p"));
    }
}
