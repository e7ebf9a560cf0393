//! `cargo xtask fuzz`: libFuzzer on everything that is read from untrusted sources. The targets are in `tests/fuzz`, a
//! workspace of its own, which also defines the properties that they must keep.

use crate::failure::fail;
use crate::fetch;
use crate::workspace::{Workspace, host, step};
use anyhow::{Context as _, Result};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Targets, each with its share of the time: decoders have the most foreign code, and the highest risk.
const TARGETS: [(&str, u64); 21] = [
    ("png", 3),
    ("jpeg", 4),
    ("bmp", 3),
    ("tiff", 8),
    ("webp", 5),
    ("gif", 3),
    ("pnm", 2),
    ("dicom", 10),
    ("jpeg2000", 8),
    ("jpegls", 4),
    ("manifest", 2),
    ("recipe", 2),
    ("cache", 2),
    ("archive", 3),
    ("weights", 4),
    ("weights-pickle", 4),
    ("checkpoint", 2),
    ("checkpoint-header", 4),
    ("predictions", 2),
    ("history", 1),
    ("record", 2),
];
/// Targets that link libtorch.
const TORCH: [&str; 5] = ["checkpoint", "checkpoint-header", "predictions", "history", "record"];
/// Seconds that an input may take; one second more counts as a finding.
const SECONDS: u64 = 5;
/// Coverage that libFuzzer is guided by, with the flags of cargo-fuzz; the stable compiler supports it.
const COVERAGE: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    // Inputs that checksums would refuse are let through.
    "--cfg",
    "fuzzing",
];

#[derive(Args)]
pub(crate) struct Options {
    /// Minutes in all, shared out by what is at stake
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Run the target once on this file, such as a finding, instead of looking for more
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Targets to run: all where none is named
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS.map(|(name, _)| name)))]
    targets: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen: Vec<(&str, u64)> = TARGETS
        .into_iter()
        .filter(|(name, _)| options.targets.is_empty() || options.targets.iter().any(|target| target == name))
        .collect();
    if options.input.is_some() && chosen.len() != 1 {
        return Err(fail("`--input` is for one target", "name the target that the file is for"));
    }
    let torch = chosen.iter().any(|(name, _)| TORCH.contains(name));
    if torch {
        fetch::needed(workspace)?;
    }
    let program = build(workspace, torch)?;
    let folder = workspace.target()?.join("fuzz");
    let shares: u64 = chosen.iter().map(|(_, share)| share).sum();
    let mut failed = Vec::new();
    for (name, share) in chosen {
        let seconds = (options.minutes * 60 * share / shares).max(1);
        let mut fuzzer = fuzzer(&program, name);
        let result = match &options.input {
            Some(input) => step(fuzzer.arg(std::path::absolute(input)?)),
            None => fuzz(fuzzer, &program, name, seconds, &folder),
        };
        if let Err(error) = result {
            eprintln!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let findings = folder.join("findings");
    let message = format!("findings in {}: see `{}`", failed.join(", "), workspace.shown(&findings));
    Err(fail(message, "`cargo xtask fuzz --input FILE TARGET` runs one again"))
}

/// Builds the targets. Returns the path of the program.
fn build(workspace: &Workspace, torch: bool) -> Result<PathBuf> {
    let target = workspace.target()?.join("fuzz/build");
    let host = host()?;
    let mut cargo = workspace.cargo();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    cargo.args(["build", "--release", "--manifest-path", "tests/fuzz/Cargo.toml", "--target", &host]);
    // With an explicit target the flags do not apply to build scripts, which are not fuzzed.
    cargo.arg("--target-dir").arg(&target);
    if torch {
        cargo.args(["--features", "torch"]);
    }
    step(&mut cargo)?;
    Ok(target.join(host).join("release/fuzz"))
}

/// Makes the command of the program for a target. Real files, if `THORAX_REAL_DATA` names some, are among its first inputs.
fn fuzzer(program: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.env("THORAX_FUZZ", name);
    command
}

/// Fuzzes a target, starting from the corpus of earlier calls.
fn fuzz(mut fuzzer: Command, program: &Path, name: &str, seconds: u64, folder: &Path) -> Result<()> {
    let [corpus, seeds] = ["corpus", "seeds"].map(|kind| folder.join(kind).join(name));
    let findings = folder.join("findings");
    // Another version may have started with other seeds.
    let _ = std::fs::remove_dir_all(&seeds);
    for folder in [&corpus, &seeds, &findings] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let mut writer = Command::new(program);
    writer.envs(fuzzer.get_envs().filter_map(|(key, value)| Some((key, value?))));
    step(writer.env("THORAX_FUZZ_SEEDS", &seeds))?;
    fuzzer.arg(format!("-artifact_prefix={}/{name}-", findings.display()));
    fuzzer.args([format!("-max_total_time={seconds}"), format!("-timeout={SECONDS}")]);
    // The program counts memory itself; libFuzzer's own figure counts its corpus as well.
    fuzzer.args(["-rss_limit_mb=0", "-max_len=65536", "-print_final_stats=1", "-verbosity=1", "-reload=0"]);
    step(fuzzer.arg(&corpus).arg(&seeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the targets' own program, a workspace of its own, has each of these and no other.
    #[test]
    fn every_target_is_known_on_both_sides() {
        let torch = include_str!("../../tests/fuzz/src/torch.rs");
        let others = include_str!("../../tests/fuzz/src/targets.rs");
        for (name, _) in TARGETS {
            let here = if TORCH.contains(&name) { torch } else { others };
            assert!(
                here.contains(&format!("(\"{name}\",")) || here.contains(&format!("name: \"{name}\",")),
                "{name}"
            );
        }
        let known = |text: &str, mark: &str| text.matches(mark).count();
        assert_eq!(known(torch, "        of(\""), TORCH.len());
        let there = known(others, "image(\"") + known(others, "image(\n") + known(others, "name: \"");
        assert_eq!(there, TARGETS.len() - TORCH.len());
    }
}
