//! Commands `completions` and `man`: scripts and manual pages from clap's definition of the arguments, so that no flag is
//! missing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::{
    args::{Cli, CompletionsArgs, ManArgs},
    files,
    output::Output,
    status::Status,
};

pub(crate) fn completions(args: &CompletionsArgs, output: &Output) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "thorax", &mut script);
    output.data(text(script)?);
    Ok(Status::Done)
}

pub(crate) fn man(args: &ManArgs, output: &Output) -> Result<Status> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.out else {
        output.data(text(page(&command)?.1)?);
        return Ok(Status::Done);
    };
    let mut pages = Vec::new();
    collect(&command, folder, &mut pages)?;
    if !args.force {
        check(&pages)?;
    }
    files::create_folder(folder)?;
    for (path, page) in &pages {
        files::write(path, page)?;
    }
    output.result(format!("{} pages in {}", pages.len(), base::shown(folder)));
    Ok(Status::Done)
}

/// Collects the pages of a command and of all below it.
fn collect(command: &Command, folder: &Path, pages: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<()> {
    let (name, text) = page(command)?;
    pages.push((folder.join(name), text));
    command.get_subcommands().try_for_each(|command| collect(command, folder, pages))
}

/// Makes a command's page; returns its file name and text.
fn page(command: &Command) -> Result<(String, Vec<u8>)> {
    let man = Man::new(command.clone())
        .source(concat!("Thorax ", env!("CARGO_PKG_VERSION")))
        .manual("Thorax Manual");
    let mut page = Vec::new();
    man.render(&mut page).context("cannot render a page")?;
    Ok((man.get_filename(), page))
}

/// Checks before anything is written that no page exists yet; pages of other programs in the folder are fine.
fn check(pages: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    let there = |path: &&PathBuf| path.symlink_metadata().is_ok();
    let there: Vec<&PathBuf> = pages.iter().map(|(path, _)| path).filter(there).collect();
    files::taken(&there, "name another folder with `--out`, or overwrite with `--force`")
}

/// Returns the text without its line end, which is printed with it.
fn text(bytes: Vec<u8>) -> Result<String> {
    let mut text = String::from_utf8(bytes).context("this is no UTF-8")?;
    text.truncate(text.trim_end().len());
    Ok(text)
}
