//! Command-line program `thorax`: arguments, defaults, progress, printing and exit codes. The other crates do the work.
//!
//! Outside libraries: **clap** for arguments, **anyhow** for error chains, **indicatif** for progress bars,
//! **tracing-subscriber** for logs, **ctrlc** for Ctrl-C, **jiff** for the local time in a run's name, **csv** for predictions
//! (quoting is its job), **walkdir** for folders of images (sorted, a million files one at a time, loops reported), **toml** for
//! recipes (the format that Rust's users know; its own parser names the place of an error), **tempfile** to try if a run's folder
//! can be written, **rustix** for the limit of address space (no unsafe code; tempfile brings it anyway), **libc** to end at once
//! (rustix has no stable way), **maud** for pages (checked when compiled, escapes all text by itself), **base64** for the pictures in
//! them, **clap_complete** and **clap_mangen** for completions and manual pages (clap's own: they read the arguments that it parses
//! by).

mod args;
mod audit;
mod cache;
mod compare;
mod compute;
mod cross_validate;
mod dataset;
mod decode;
mod evaluate;
mod explain;
mod export;
mod files;
mod folder;
mod found;
mod guide;
mod memory;
mod models;
mod output;
mod predict;
mod predictor;
mod progress;
mod recipe;
mod report;
mod resume;
mod rules;
mod sample;
mod saved;
mod serve;
mod settings;
mod shell;
mod split;
mod status;
mod subgroups;
mod table;
mod test;
mod train;
mod unlike;

use args::{Cli, Command, DataCommand};
use clap::{CommandFactory as _, FromArgMatches as _};
use output::Output;
use status::Status;

fn main() {
    let code = run();
    status::flush();
    status::end(code)
}

/// Runs the command and returns its exit code.
fn run() -> u8 {
    compute::leave_nothing_to_chance();
    let parsed = Cli::command().try_get_matches();
    let (matches, mut cli) = match parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)))
    {
        Ok((cli, matches)) => (matches, cli),
        Err(error) => return status::usage(&error),
    };
    status::report_panics();
    let output = Output::new(&cli.global);
    if let Err(error) = settings::fill(&mut cli, &matches, &output) {
        return status::report(&error, &output);
    }
    let done = match cli.command {
        Command::Train(args) => train::run(&args, &output),
        Command::CrossValidate(args) => cross_validate::run(&args, &output),
        Command::Test(args) => test::run(&args, &output),
        Command::Evaluate(args) => evaluate::run(&args, &output),
        Command::Compare(args) => compare::run(&args, &output),
        Command::Predict(args) => predict::run(&args, &output),
        Command::Explain(args) => explain::run(&args, &output),
        Command::Report(args) => report::run(&args, &output),
        Command::Serve(args) => serve::run(&args, &output),
        Command::Export(args) => export::run(&args, &output),
        Command::Models(args) => models::run(&args, &output),
        Command::Data(DataCommand::Scan(args)) => folder::scan(&args, &output),
        Command::Data(DataCommand::Sample(args)) => sample::sample(&args, &output),
        Command::Data(DataCommand::Cache(args)) => cache::run(&args, &output),
        Command::Data(DataCommand::Decode(args)) => decode::run(&args, &output),
        Command::Data(DataCommand::Split(args)) => split::run(&args, &output),
        Command::Data(DataCommand::Audit(args)) => audit::run(&args, &output),
        Command::Guide(args) => guide::run(&args, &output),
        Command::Completions(args) => shell::completions(&args, &output),
        Command::Man(args) => shell::man(&args, &output),
    };
    // Results that could not be written are no success.
    match done.and_then(|status| output.finish().map(|()| status)) {
        Ok(Status::Done) => status::DONE,
        Ok(Status::Interrupted) => status::INTERRUPTED,
        Ok(Status::BadInput) => status::USER,
        Err(error) => status::report(&error, &output),
    }
}
