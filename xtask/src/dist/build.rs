//! Build of the program without traces of this machine and without dependence on it.

use crate::failure::{Advice, fail};
use crate::workspace::{Workspace, shown};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Run path of the program to its libraries: relative to itself, wherever that is.
pub(super) const RUN_PATH: &str = "$ORIGIN/../lib";

/// Builds the program in a profile of its own, and returns its path.
///
/// The user's own flags, such as `target-cpu=native`, are left out: it has to run on other machines. Paths of this machine,
/// which messages of panics and of libtorch would contain, are replaced.
pub(super) fn build(workspace: &Workspace, libtorch: &Path) -> Result<PathBuf> {
    let replaced = replaced(workspace, libtorch);
    let rust: Vec<String> =
        replaced.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
    let cxx: Vec<String> =
        replaced.iter().map(|(from, to)| quoted(&format!("-ffile-prefix-map={from}={to}"))).collect();
    let mut cargo = workspace.cargo();
    cargo.env("THORAX_RUN_PATH", RUN_PATH).env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
    cargo.env("CXXFLAGS", cxx.join(" ")).env("CC_SHELL_ESCAPED_FLAGS", "1");
    cargo.args(["build", "--locked", "--profile", "dist", "-p", "cli"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let shown = shown(&cargo);
    eprintln!("$ {shown}");
    let output = cargo.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        let message = format!("`{shown}` failed ({})", output.status);
        return Err(Advice::new(message, "its own words are above; mend that and run this again").into());
    }
    let program = String::from_utf8_lossy(&output.stdout).lines().rev().find_map(program);
    program.ok_or_else(|| fail("cargo built no `thorax`", "run `cargo xtask dist` in the project's folder"))
}

/// Returns the program that one of cargo's messages is about.
fn program(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    (message["target"]["name"] == "thorax").then_some(())?;
    Some(message["executable"].as_str()?.into())
}

/// Lists paths of this machine with their replacements. If several are prefixes of a path, the last one counts.
fn replaced(workspace: &Workspace, libtorch: &Path) -> Vec<(String, &'static str)> {
    let paths = [(Some(workspace.root().to_owned()), "/thorax"), (cargo_home(), "/cargo")];
    let paths = paths.into_iter().chain([(Some(libtorch.to_owned()), "/libtorch")]);
    paths.filter_map(|(path, to)| Some((path?.to_str()?.to_owned(), to))).collect()
}

/// Folder that holds the sources of other crates.
pub(super) fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_artifact_that_can_be_run() {
        let library = r#"{"target": {"name": "thorax"}, "executable": null}"#;
        let thorax = r#"{"target": {"name": "thorax"}, "executable": "/x/thorax"}"#;
        let other = r#"{"target": {"name": "xtask"}, "executable": "/x/xtask"}"#;
        assert_eq!([library, other, "words"].map(program), [None, None, None]);
        assert_eq!(program(thorax), Some("/x/thorax".into()));
        assert_eq!(quoted("a b's"), r"'a b'\''s'");
    }
}
