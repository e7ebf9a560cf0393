//! Paths of the workspace, and calls of other programs from there.

use crate::failure::{Advice, fail};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Default path of the user's own data set, relative to the root.
pub(crate) const REAL_DATA: &str = "data/COVID-19 Radiography Database";

/// Workspace that this binary works on.
pub(crate) struct Workspace {
    root: PathBuf,
    pins: Option<PathBuf>,
}

impl Workspace {
    /// Opens the named folder, or the parent of the crate's folder that `cargo run` sets, or the one it was built in.
    pub(crate) fn new(root: Option<PathBuf>, pins: Option<PathBuf>) -> Result<Self> {
        let root = root.or_else(|| {
            let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
            let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
            manifest.parent().map(Path::to_path_buf)
        });
        let root = root
            .ok_or_else(|| fail("this is no workspace", "run `cargo xtask` inside the project's folder"))?;
        let root = std::path::absolute(&root).with_context(|| format!("cannot use `{}`", root.display()))?;
        Ok(Self { root, pins })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Path of a file with other pins than the built-in ones.
    pub(crate) fn pins(&self) -> Option<&Path> {
        self.pins.as_deref()
    }

    /// Folder of everything that is not source: see `data/README.md`.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Folder that `.cargo/config.toml` sets `LIBTORCH` to.
    pub(crate) fn libtorch(&self) -> PathBuf {
        self.data().join("libtorch")
    }

    /// Folder that `thorax train` looks for pretrained weights in.
    pub(crate) fn weights(&self) -> PathBuf {
        self.data().join("weights")
    }

    /// Shortens a path for display: relative to the workspace if it lies inside.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// Returns the user's own `LIBTORCH`. Cargo sets the variable too, from `.cargo/config.toml`, if nobody else did.
    pub(crate) fn users_libtorch(&self) -> Option<PathBuf> {
        let value = std::env::var_os("LIBTORCH").filter(|value| !value.is_empty())?;
        let path = std::path::absolute(&value).ok()?;
        (path != self.libtorch()).then_some(path)
    }

    /// Makes a command of cargo like a call by hand at the root: variables that `cargo run` set for this process are
    /// removed, because build scripts that watch such a variable would run again (torch-sys: two minutes).
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        if self.users_libtorch().is_none() {
            command.env_remove("LIBTORCH");
        }
        for (name, _) in std::env::vars_os() {
            let own =
                ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];
            if name.to_str().is_some_and(|name| own.iter().any(|prefix| name.starts_with(prefix))) {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Returns cargo's target folder, wherever the user has it.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let output = self
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo")?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim_end())
        })?;
        let target = metadata["target_directory"].as_str().context("cargo names no target folder")?;
        Ok(target.into())
    }
}

/// Returns the target triple of the machine that this compiler builds for.
pub(crate) fn host() -> Result<String> {
    let text = rustc(&["-vV"])?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

/// Returns the output of the compiler.
pub(crate) fn rustc(arguments: &[&str]) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(arguments).output().context("cannot run rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command with its output visible to the user; anything but success is an error that names the command.
pub(crate) fn step(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    if status.success() {
        return Ok(());
    }
    Err(Advice::new(
        format!("`{shown}` failed ({status})"),
        "its own words are above; mend that and run this again",
    )
    .into())
}

/// Formats a command as a user would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args().map(|argument| argument.to_string_lossy()) {
        let plain =
            !argument.is_empty() && !argument.contains(|c: char| c.is_whitespace() || "\"'$*;&|".contains(c));
        text.push(' ');
        text.push_str(&if plain { argument } else { format!("{argument:?}").into() });
    }
    text
}
