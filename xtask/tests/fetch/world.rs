//! Workspace of its own for each test, with pins of its own and a `python3` that stands in for pip.

pub(crate) use crate::path::path_after;
pub(crate) use crate::said::Said;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

pub(crate) const VERSION: &str = "1.2.3";
pub(crate) const BUILD_VERSION: &str = "1.2.3+cpu";
/// Size of a library that is longer than one buffer.
pub(crate) const LIBRARY_BYTES: usize = 300_000;

/// Script in place of `python3 -m pip`: its arguments go to `pip.log`, and files in `index/` can be downloaded. If there is
/// a file `stall-PACKAGE`, it stops in the middle of that wheel.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in
  --version|"-m pip --version") exit 0 ;;
  "-m pip download "*) ;;
  *) exit 64 ;;
esac
echo "$*" >> "$WORLD/pip.log"
for last; do :; done
package=$(echo "$*" | grep -o '[a-z-]*==[0-9.]*' | sed 's/==.*//; s/-/_/g')
if test -e "$WORLD/stall-$package"; then
  head -c 1000 "$WORLD/index/$package"-*.whl > "$last/$package-half.whl"
  touch "$WORLD/stalled"
  while test -e "$WORLD/stall-$package"; do sleep 0.02; done
  exit 1
fi
cp "$WORLD/index/$package"-*.whl "$last" 2>/dev/null && exit 0
echo "ERROR: no matching distribution" >&2
exit 1
"#;

/// Script in place of cargo: its arguments go to `cargo.log`.
const CARGO: &str = r#"#!/bin/sh
echo "$*" >> "$WORLD/cargo.log"
"#;

/// Empty folder like the workspace's.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for name in ["root", "bin", "index"] {
            std::fs::create_dir(world.path(name)).expect("a folder");
        }
        for (name, script) in [("bin/python3", PYTHON), ("bin/cargo", CARGO)] {
            let program = world.write(name, script);
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        world
    }

    /// Path beside the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Path in the workspace's `data/`.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("root/data").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn pin(&self, pins: &Value) {
        self.write("pins.json", pins.to_string());
    }

    /// Makes the task's command, without any settings of this machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("--root")
            .arg(self.path("root"))
            .arg("fetch-weights")
            .arg("--pins")
            .arg(self.path("pins.json"));
        command.args(arguments);
        for name in ["LIBTORCH", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.env("PATH", path_after(self.path("bin"))).env("WORLD", self.folder.path());
        command.env("CARGO", self.path("bin/cargo"));
        command
    }

    pub(crate) fn fetch(&self, arguments: &[&str]) -> Said {
        Said::new(self.command(arguments).output().expect("it starts"))
    }

    /// Lists every name below a folder of the workspace, relative to it; links are not followed.
    pub(crate) fn names(&self, folder: &str) -> BTreeSet<String> {
        fn walk(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.expect("it can be listed");
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type().expect("it has one").is_dir() {
                    walk(&entry.path(), &format!("{name}/"), names);
                } else {
                    names.insert(name);
                }
            }
        }
        let mut names = BTreeSet::new();
        walk(&self.path(folder), "", &mut names);
        names
    }

    /// Returns the calls of pip so far.
    pub(crate) fn pip_calls(&self) -> Vec<String> {
        self.log("pip.log")
    }

    /// Returns the calls of cargo so far.
    pub(crate) fn cargo_calls(&self) -> Vec<String> {
        self.log("cargo.log")
    }

    fn log(&self, name: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Checks that there is nothing that a build could take for libtorch.
    #[track_caller]
    pub(crate) fn assert_no_libtorch(&self) {
        assert!(self.data("libtorch").symlink_metadata().is_err(), "{:?}", self.names("root/data"));
    }

    /// Checks that the archive's libtorch is there, complete, and nothing else in `data/`.
    #[track_caller]
    pub(crate) fn assert_installed(&self) {
        let expected = [
            ".fetch.lock",
            "libtorch/build-version",
            "libtorch/include/torch/torch.h",
            "libtorch/lib/libc10.so",
            "libtorch/lib/libtorch.so",
            "libtorch/lib/libtorch_cpu.so",
            "libtorch/receipt.json",
        ];
        assert_eq!(self.names("root/data"), expected.map(String::from).into());
        let read = |name: &str| std::fs::read(self.data("libtorch").join(name)).expect("it can be read");
        assert_eq!(read("build-version"), format!("{BUILD_VERSION}\n").into_bytes());
        assert!(read("lib/libtorch_cpu.so") == library(), "other bytes than were served");
    }
}

impl Said {
    /// Checks that it succeeded, and returns its one sentence.
    #[track_caller]
    pub(crate) fn sentence(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(self.stdout.lines().count() == 1, "{}", self.stdout);
        self.stdout.trim_end()
    }

    /// Checks that it failed as the user's fault: `error: MESSAGE` in one line, and a hint that contains a text.
    #[track_caller]
    pub(crate) fn assert_error(&self, message: &str, hint: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{}", self.stderr);
        let line = self.stderr.lines().find(|line| line.starts_with("error: "));
        assert!(line.is_some_and(|line| line.contains(message)), "no `{message}` in:\n{}", self.stderr);
        self.assert_hint(hint);
    }
}

/// Member of a zip file.
pub(crate) enum Member<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
}

pub(crate) fn zip(members: &[Member<'_>]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Stored, so that its length and the bytes at each place are known.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for member in members {
        match member {
            Member::File(name, bytes) => {
                writer.start_file(*name, options).expect("a name");
                writer.write_all(bytes).expect("into memory");
            }
            Member::Link(name, target) => writer.add_symlink(*name, *target, options).expect("a link"),
        }
    }
    writer.finish().expect("into memory").into_inner()
}

/// Makes bytes that do not repeat within a buffer's length.
pub(crate) fn library() -> Vec<u8> {
    (0..LIBRARY_BYTES as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Makes a tiny archive, laid out like PyTorch's.
pub(crate) fn archive() -> Vec<u8> {
    zip(&[
        Member::File("libtorch/build-version", format!("{BUILD_VERSION}\n").as_bytes()),
        Member::File("libtorch/include/torch/torch.h", b"#pragma once\n"),
        Member::File("libtorch/share/cmake/Torch/TorchConfig.cmake", b"# not needed\n"),
        Member::File("libtorch/lib/libc10.so", b"c10"),
        Member::File("libtorch/lib/libtorch_cpu.so", &library()),
        Member::File("libtorch/lib/libtorch.so", b"torch"),
    ])
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes pins of an archive at an address, and of no wheels.
pub(crate) fn pins(url: &str, archive: &[u8]) -> Value {
    json!({
        "version": VERSION,
        "build_version": BUILD_VERSION,
        "archive": {"url": url, "sha256": sha256(archive), "bytes": archive.len(), "members": []},
        "wheels": [],
    })
}

/// Waits until a condition holds; fails after 30 s.
#[track_caller]
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "waited 30 s in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
