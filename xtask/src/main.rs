//! `cargo xtask`: tasks around the program, as one binary with a module per task.
//!
//! It sets the machine up (`fetch-weights`, `fetch-data`), demonstrates everything (`demo`), runs the tests (`test`), runs
//! the checks that a change must pass (`ci`), tortures runs (`torture`), fuzzes all readers (`fuzz`), measures speed
//! against Keras (`bench`) and packs releases (`dist`).
//!
//! It must never depend on tch or on a crate of this workspace: it fetches libtorch, so it has to build and start without
//! one. `tests/edges.rs` checks that.
//!
//! Its dependencies, and why each: clap (arguments), anyhow (errors with their causes), indicatif (the download's progress
//! bar), ureq (a blocking HTTP client with timeouts, proxies and its own TLS, so no system library is needed), zip (the
//! archives and the wheels are zip files), sha2 (everything pinned is checked), md-5 (the digest that Kaggle's storage host
//! sends for its file), base64 (the encoding of that digest, and of a Kaggle token), serde and serde_json (receipts,
//! cargo's JSON, `run.json`), goblin (the libraries that a program needs, read from the file itself), tar and flate2 (the
//! archive of `dist`, the same bytes wherever it is packed), tempfile (the folder that it is tried in), libc (one call
//! each: `syncfs`, `statvfs` and `wait4`).
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program: printing is its output"
)]

mod bench;
mod ci;
mod demo;
mod dist;
mod failure;
mod fetch;
mod fuzz;
mod serving;
mod test;
mod torture;
mod workspace;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use workspace::Workspace;

/// The tasks of this project. Results go to stdout, everything else to stderr.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    /// Work on another folder than this workspace (for tests).
    #[arg(long, hide = true, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Fetch by other pins than the built-in ones, as JSON (for tests).
    #[arg(long, hide = true, global = true, value_name = "FILE")]
    pins: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Fetch libtorch and the pretrained InceptionV3: checked by sha256, safe to interrupt and repeat, nothing fetched twice
    FetchWeights(fetch::Options),
    /// Fetch the COVID-19 Radiography Database from Kaggle, or unpack it: what `thorax train` expects, with test images apart
    FetchData(fetch::data_set::Options),
    /// Fetch libtorch, make a sample data set if there is no real one, train, test, and show what came out
    Demo,
    /// Fetch what the tests need and run all of them
    Test(test::Options),
    /// Kill runs at any moment and fail their writes, hundreds of times: each must end as if nothing had happened
    Torture,
    /// Fuzz everything that is read from strangers: images, DICOM, manifests, recipes, caches, checkpoints, archives, a run's files
    Fuzz(fuzz::Options),
    /// Everything a change must pass: format, tests with and without libtorch, clippy
    Ci,
    /// Measure speed and memory in release builds; prints one JSON object
    Bench(bench::Options),
    /// Pack the program and the libraries that it needs, for Linux machines without Rust or Python, and try the archive elsewhere
    Dist,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed terminal leaves nothing to do.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", failure::render(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let workspace = Workspace::new(arguments.root, arguments.pins)?;
    match arguments.action {
        Action::FetchWeights(options) => fetch::run(&workspace, &options),
        Action::FetchData(options) => fetch::data_set::run(&workspace, &options),
        Action::Demo => demo::run(&workspace),
        Action::Test(options) => test::run(&workspace, &options),
        Action::Torture => torture::run(&workspace),
        Action::Fuzz(options) => fuzz::run(&workspace, &options),
        Action::Ci => ci::run(&workspace),
        Action::Bench(options) => bench::run(&workspace, &options),
        Action::Dist => dist::run(&workspace),
    }
}
