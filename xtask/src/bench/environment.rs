//! Python environments of the peers: each is made once, and again when its requirements change.

use crate::failure::{Advice, fail};
use crate::workspace::{Workspace, shown};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment that is set up and complete.
pub(super) struct Environment {
    folder: PathBuf,
    sources: PathBuf,
}

/// Sets up the environment of Keras, in `target/peers`.
pub(super) fn keras(workspace: &Workspace, target: &Path) -> Result<Environment> {
    Environment::set_up(workspace, target.join("peers"), "requirements.txt")
}

/// Sets up the environment of PyTorch and ONNX Runtime, in `target/peers-torch`; it is so large that it is made only if needed.
pub(super) fn torch(workspace: &Workspace, target: &Path) -> Result<Environment> {
    Environment::set_up(workspace, target.join("peers-torch"), "requirements-torch.txt")
}

impl Environment {
    /// Uses the existing environment if it is complete and of the same requirements; makes it otherwise.
    fn set_up(workspace: &Workspace, folder: PathBuf, requirements: &str) -> Result<Self> {
        let peers = Self { folder, sources: workspace.root().join("xtask/peers") };
        let requirements = peers.source(requirements);
        let wanted = std::fs::read_to_string(&requirements)
            .with_context(|| format!("cannot read `{}`", requirements.display()))?;

        // Written last: with it, the environment is complete.
        let installed = peers.file("installed-requirements.txt");
        if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted)
            && works(peers.python(), &["--version"])
        {
            return Ok(peers);
        }
        if !works("python3", &["--version"]) {
            return Err(fail(
                "no Python: `python3` cannot be run",
                "install Python 3 with venv and pip, or leave out --peers",
            ));
        }
        let folder = &peers.folder;
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove `{}`", folder.display()))?;
        }
        let venv = "install Python's venv and pip (on Debian and Ubuntu: apt install python3-venv), or leave out --peers";
        quiet(
            Command::new("python3").args(["-m", "venv"]).arg(folder),
            "Python could not make an environment",
            venv,
        )?;
        let pip = "its own words are above; mend pip's set-up or the network and run this again, or leave out --peers";
        quiet(
            Command::new(peers.python()).args(["-m", "pip", "install", "--requirement"]).arg(&requirements),
            "pip could not install the peers",
            pip,
        )?;
        std::fs::write(&installed, wanted)
            .with_context(|| format!("cannot write `{}`", installed.display()))?;
        Ok(peers)
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Path of a script of the peers.
    pub(super) fn source(&self, name: &str) -> PathBuf {
        self.sources.join(name)
    }

    /// Path of a file that is kept as long as the environment.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes the command that runs a script as its users would.
    pub(super) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.source(name));
        // The peers' users do not have NumPy's OpenBLAS tuned for another machine.
        command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
        // Compiled code of shared modules would be written into the source tree.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn works(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// Runs a command of the set-up; its output goes to stderr, since stdout is for the result.
pub(super) fn quiet(command: &mut Command, failure: &str, hint: &str) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr())).status();
    let status = status.with_context(|| format!("cannot run `{shown}`"))?;
    if status.success() {
        return Ok(());
    }
    Err(anyhow::anyhow!("`{shown}` ended with {status}").context(Advice::new(failure, hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_set_up_says_what_to_do() {
        let error = quiet(Command::new("python3").args(["-c", "raise SystemExit(4)"]), "no luck", "try `x`");
        let text = crate::failure::render(&error.expect_err("it fails"));
        assert!(text.starts_with("error: no luck\n  caused by: `python3 -c"), "{text}");
        assert!(text.ends_with("ended with exit status: 4\n\nhint: try `x`\n"), "{text}");
    }
}
