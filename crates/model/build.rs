//! Puts libtorch's folder into the run path of this crate's binaries, links CUDA if libtorch has it, and names the command
//! to run if libtorch is missing. `THORAX_RUN_PATH` names another run path: `cargo xtask dist` sets it for a program that
//! lies beside its libraries, wherever that is.
//!
//! `train` and `cli` name this same file as their build script: a run path only reaches the crate that prints it.

use std::path::{Path, PathBuf};

fn main() {
    // No `rerun-if-changed=build.rs`: cargo watches the script itself, and for `train` and `cli` the name would be wrong.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rerun-if-env-changed=THORAX_RUN_PATH");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else {
        return missing(Path::new("data/libtorch"));
    };
    println!("cargo::rerun-if-changed={}", libtorch.join("build-version").display());
    if !libtorch.join("lib").is_dir() {
        return missing(&libtorch);
    }
    let lib = std::path::absolute(libtorch.join("lib")).unwrap_or_else(|_| libtorch.join("lib"));
    let run_path = std::env::var_os("THORAX_RUN_PATH").map_or_else(|| lib.clone(), PathBuf::from);
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", run_path.display());
    // No code here calls libtorch_cuda by name, so a linker would leave it out; being loaded is enough for it to work.
    let cuda = lib.join("libtorch_cuda.so");
    if cuda.is_file() {
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo::rustc-link-arg={}", cuda.display());
        println!("cargo::rustc-link-arg=-Wl,--as-needed");
    }
}

fn missing(libtorch: &Path) {
    println!("cargo::error=no libtorch in `{}`", libtorch.display());
    println!("cargo::error=run cargo xtask fetch-weights");
}
