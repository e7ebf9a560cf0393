//! Workspace with a stand-in for `thorax`, and stand-ins for libtorch and Python.

pub(crate) use crate::path::path_after;
pub(crate) use crate::said::Said;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Release builds without optimisation: the stand-ins are built anew in every world.
pub(crate) const QUICK: &str = "\n[profile.release]\nopt-level = 0\n";
const CLI: &str = "[package]\nname = \"cli\"\nversion = \"0.0.1\"\nedition = \"2024\"\n\n[[bin]]\nname = \"thorax\"\npath = \"main.rs\"\n";

/// Script in place of `python3` before the environment is made, and of the environment's own `python` afterwards.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in
  --version) exit 0 ;;
  "-m venv "*)
    echo "python -m venv" >> "$WORLD/log"
    test "$FAILS" = venv && exit 1
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip install "*)
    echo "pip install" >> "$WORLD/log"
    echo "words of pip's"
    test "$FAILS" = pip && exit 1
    exit 0 ;;
  *keras_convnet.py*)
    echo "keras ${*#*keras_convnet.py }" >> "$WORLD/log"
    echo "OPENBLAS is ${OPENBLAS_CORETYPE-unset}" >&2
    echo '{"seconds": 8.0, "epochs": 4, "seconds_import": 3.0, "accuracy": {"saved": 0.5, "final": 0.25}}' ;;
  *keras_decode.py*)
    echo "keras_decode ${*#*keras_decode.py }" >> "$WORLD/log"
    echo '{"seconds": 2.0, "epochs": 1, "images_per_second": 30.0}' ;;
  *make_jpegs.py*)
    echo "make_jpegs" >> "$WORLD/log"
    mkdir -p "$3" && cp -r "$2/." "$3" ;;
  *) exit 64 ;;
esac
"#;

pub(crate) struct World {
    folder: TempDir,
}

/// Returns the manifest of a workspace of one package.
pub(crate) fn root(member: &str) -> String {
    format!("[workspace]\nresolver = \"3\"\nmembers = [\"{member}\"]\n{QUICK}")
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        world.write("tree/Cargo.toml", &root("cli"));
        world.write("tree/cli/Cargo.toml", CLI);
        world.write("tree/cli/main.rs", include_str!("thorax.rs"));
        world.write("tree/xtask/peers/requirements.txt", "keras==1\n");
        for name in ["include/torch/torch.h", "lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so"] {
            world.write(&format!("libtorch/{name}"), "");
        }
        world.write("libtorch/build-version", "2.13.0+cpu\n");
        // Without pretrained weights: the pinned ones are 87 MB.
        let pins = r#"{"version": "2.13.0", "build_version": "2.13.0+cpu", "archive": null, "wheels": []}"#;
        world.write("pins.json", pins);
        world.script("bin/python3", PYTHON);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Makes a task's command. `LIBTORCH` names a usable folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("--root").arg(self.path("tree")).arg("--pins").arg(self.path("pins.json"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("PATH", path_after(self.path("bin")));
        command.env("LIBTORCH", self.path("libtorch")).env("WORLD", self.folder.path());
        command.env("OPENBLAS_CORETYPE", "Other").env("CARGO_TARGET_DIR", self.target());
        // Settings of the outer cargo that name its build target are removed.
        for name in ["CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a task, with the named part failing, if any.
    pub(crate) fn xtask(&self, arguments: &[&str], fails: &str) -> Said {
        Said::new(self.command(arguments).env("FAILS", fails).output().expect("it starts"))
    }

    /// Writes an executable script.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.path("target")
    }

    /// Returns the commands that were run since the last call, in order, with this world's folder written as `.`.
    pub(crate) fn log(&self) -> Vec<String> {
        let path = self.path("log");
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(&path); // none where nothing was run
        let here = |path: &Path| path.display().to_string();
        log.lines().map(|line| line.replace(&here(self.folder.path()), ".")).collect()
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn assert_error(&self, message: &str, hint: &str) {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        let line = self.stderr.lines().find(|line| line.starts_with("error: ") && line.contains(message));
        assert!(line.is_some(), "no `{message}` in:\n{}", self.stderr);
        self.assert_hint(hint);
    }
}
