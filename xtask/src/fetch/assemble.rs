//! Assembly of libtorch from PyTorch's Python wheels: the route for machines that reach a package index, or a mirror of
//! one, but not PyTorch's own site.

use super::pins::Libtorch;
use super::wheels;
use crate::failure::{Advice, fail};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fills the folder from the wheels and checks its contents.
pub(super) fn assemble(files: &[PathBuf], pins: &Libtorch, tree: &Path) -> Result<()> {
    tools()?;
    wheels::unpack(files, &pins.wheels, tree)?;
    let lib = tree.join("lib");
    if lib.join("libtorch.so").exists() { Ok(()) } else { empty_libtorch(&lib) }
}

/// Checks for the tools of this route before half a gigabyte or more is downloaded.
pub(super) fn tools() -> Result<()> {
    if wheels::works("cc", &["--version"]) {
        return Ok(());
    }
    Err(fail("no C compiler: `cc` cannot be run", "install a C and C++ compiler (gcc or clang)"))
}

/// Makes an empty libtorch.so for the CPU. The wheel's own one needs libtorch_cuda and so is not taken. It holds no code
/// itself, so an empty library of the same name that needs only libtorch_cpu replaces it.
fn empty_libtorch(lib: &Path) -> Result<()> {
    let output = Command::new("cc")
        .current_dir(lib)
        .args(["-shared", "-o", "libtorch.so", "-Wl,-soname,libtorch.so", "-Wl,-rpath,$ORIGIN"])
        .args(["-Wl,--no-as-needed", "-L.", "-ltorch_cpu", "-Wl,--unresolved-symbols=ignore-all"])
        .args(["-x", "c", "/dev/null"])
        .output()
        .context("cannot run `cc`")?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let advice = Advice::new("cc could not link an empty libtorch.so", "check the compiler: cc --version");
    Err(anyhow::anyhow!("{words}").context(advice))
}
