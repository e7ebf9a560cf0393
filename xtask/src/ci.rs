//! `cargo xtask ci`: everything a change must pass, in the order that fails soonest.
//!
//! The crates that must not know tch are tested first, with `LIBTORCH` pointed at nothing: they need none. The
//! forbidden edges between crates are a test of xtask's own (`tests/edges.rs`), so they are held there too.

use crate::failure::Advice;
use crate::fetch;
use crate::workspace::{Workspace, step};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Packages whose tests need no libtorch.
const WITHOUT_LIBTORCH: [&str; 9] =
    ["base", "data", "audit", "phantoms", "metrics", "state-dict", "experiment", "report", "xtask"];

/// Name of a step, and the function that runs it.
type Step<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let cargo = |arguments: &'static [&'static str]| move || step(workspace.cargo().args(arguments));
    let without_libtorch = || {
        let nothing = workspace.root().join("target/no-libtorch");
        let arguments = WITHOUT_LIBTORCH.iter().flat_map(|package| ["-p", package]);
        step(workspace.cargo().env("LIBTORCH", nothing).arg("test").args(arguments))
    };
    let with_libtorch = || {
        let others = WITHOUT_LIBTORCH.iter().flat_map(|package| ["--exclude", package]);
        step(workspace.cargo().args(["test", "--workspace"]).args(others))
    };
    let steps: [Step<'_>; 5] = [
        ("format", Box::new(cargo(&["fmt", "--all", "--", "--check"]))),
        ("tests that need no libtorch", Box::new(without_libtorch)),
        ("fetch-weights", Box::new(|| fetch::needed(workspace))),
        ("clippy", Box::new(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))),
        ("tests", Box::new(with_libtorch)),
    ];

    let mut summary: Vec<(&str, Duration, bool)> = Vec::new();
    for (name, work) in &steps {
        eprintln!("\n== {name} ==");
        let start = Instant::now();
        let result = work();
        summary.push((name, start.elapsed(), result.is_ok()));
        if let Err(error) = result {
            print(&summary, steps.len());
            return Err(error.context(Advice::new(
                format!("ci stopped at: {name}"),
                "mend it and run `cargo xtask ci` again",
            )));
        }
    }
    print(&summary, steps.len());
    Ok(())
}

fn print(summary: &[(&str, Duration, bool)], of: usize) {
    println!("\n== summary ==");
    for (name, time, passed) in summary {
        println!("{:<6} {:>7.1} s  {name}", if *passed { "ok" } else { "FAILED" }, time.as_secs_f64());
    }
    let left = of - summary.len();
    if left > 0 {
        println!("{left} not run");
    }
}
