//! Folder that is packed: `bin/`, `lib/`, `share/`, the licences, and the text to read first.

use super::build;
use super::libraries::Needed;
use crate::failure::{Advice, fail};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Paths of shell completions, below `share/`.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/thorax"),
    ("zsh", "zsh/site-functions/_thorax"),
    ("fish", "fish/vendor_completions.d/thorax.fish"),
];

const README: &str = "\
# Thorax VERSION

Trains, tests, explains and serves classifiers of chest radiographs. **Not for clinical use.**

`bin/thorax` runs where it lies: keep `bin/` and `lib/` beside each other, wherever you put the folder. A link to the program
does as well, such as `ln -s \"$PWD/bin/thorax\" ~/.local/bin/`. It needs a Linux machine (TARGET) with
NEEDS, and neither Rust nor Python.

```sh
bin/thorax data sample                                  # synthetic phantoms, no radiographs
bin/thorax train --data data/sample/Phantoms
bin/thorax predict IMAGE…                               # with the model that was trained last
bin/thorax serve                                        # the same as a web page
bin/thorax --help
```

`share/man` and `share/bash-completion`, `share/zsh`, `share/fish` hold manual pages and completions: `man -M share/man thorax`.
Pretrained weights of InceptionV3 are not in here: name the file with `train --weights FILE`.

Thorax is under the MIT licence, `LICENSE`. What it is made with has its own: `licenses/README.md` lists them.
";

pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes an empty folder, in place of one that an earlier call left.
    pub(super) fn new(root: PathBuf) -> Result<Self> {
        if root.symlink_metadata().is_ok() {
            std::fs::remove_dir_all(&root).with_context(|| format!("cannot remove `{}`", root.display()))?;
        }
        Ok(Self(root))
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Copies a file to this name.
    pub(super) fn copy(&self, from: &Path, name: &str) -> Result<()> {
        let to = self.parent(name)?;
        let done = std::fs::copy(from, &to);
        done.with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
        Ok(())
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let to = self.parent(name)?;
        std::fs::write(&to, bytes).with_context(|| format!("cannot write `{}`", to.display()))
    }

    fn parent(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(path)
    }

    /// Copies the program, without debug information: names of functions stay, for messages of panics.
    pub(super) fn program(&self, built: &Path) -> Result<()> {
        self.copy(built, "bin/thorax")?;
        let strip = Command::new("strip").arg("--strip-debug").arg(self.path("bin/thorax")).output();
        let output = strip.map_err(|error| {
            anyhow::Error::new(error)
                .context(Advice::new("`strip` cannot be run", "install binutils, which compilers come with"))
        })?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(fail(format!("strip failed: {words}"), "check it: strip --version"));
        }
        Ok(())
    }

    /// Copies a library of libtorch, unchanged.
    pub(super) fn library(&self, library: &Path) -> Result<()> {
        self.copy(library, &format!("lib/{}", library.file_name().unwrap_or_default().display()))
    }

    /// Writes the texts for people and shells; the program itself prints most of them.
    pub(super) fn texts(
        &self,
        workspace: &Workspace,
        version: &str,
        target: &str,
        needed: &Needed,
    ) -> Result<()> {
        for (shell, place) in COMPLETIONS {
            self.write(&format!("share/{place}"), self.says(&["completions", shell])?)?;
        }
        let man = self.path("share/man/man1");
        self.says(&["man", "--out", &man.to_string_lossy()])?;
        let readme = README.replace("VERSION", version).replace("TARGET", target);
        self.write("README.md", readme.replace("NEEDS", &needed.versions()))?;
        self.copy(&workspace.root().join("LICENSE"), "LICENSE")
    }

    /// Returns the output of the packed program.
    fn says(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let program = self.path("bin/thorax");
        let output = Command::new(&program).args(arguments).output();
        let output = output.with_context(|| format!("cannot run `{}`", program.display()))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let advice = Advice::new(
                format!("the packed program fails at `thorax {}` ({})", arguments.join(" "), output.status),
                format!("it has to run with its run path, {}, alone", build::RUN_PATH),
            );
            return Err(anyhow::anyhow!(words).context(advice));
        }
        Ok(output.stdout)
    }
}
