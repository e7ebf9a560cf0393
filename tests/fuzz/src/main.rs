//! Fuzzing of everything that Thorax reads from a stranger: `cargo xtask fuzz [--minutes N] [TARGET…]`.
//!
//! libFuzzer (**libfuzzer-sys**) changes inputs by what code they reach. One program holds all targets; the variable
//! `THORAX_FUZZ` names the one that is run. xtask builds it with the coverage that libFuzzer wants, which the stable compiler
//! gives, so neither cargo-fuzz nor a nightly compiler is needed; `unsafe` is denied in the program, so no address sanitizer
//! either. Overflows and debug assertions panic, in the dependencies too.
//!
//! Of every input: no panic and no abort, at most 5 s, no more memory than the target's own limit ([`memory`]), and what is
//! read must make sense (sizes that match, numbers that are finite, nothing written outside of its folder). What fails is
//! kept below `target/fuzz/findings/`, and is run again by `cargo xtask fuzz --input FILE TARGET`. Each finding that was
//! mended is a test of the crate that it was in; this crate has none.
//!
//! Checksums would keep libFuzzer out: where a target says so, the harness writes the right one after every change. PNG's
//! and zlib's are not checked under `cfg(fuzzing)`.

#![no_main]
// The allocator that counts, and libFuzzer's own entry.
#![allow(unsafe_code)]

mod caches;
mod dicom;
#[path = "../../../xtask/src/failure.rs"]
#[expect(dead_code, reason = "xtask tells errors; here they only arise")]
mod failure;
mod fetch;
mod images;
mod manifests;
mod memory;
mod recipes;
mod scratch;
mod targets;
#[cfg(feature = "torch")]
mod torch;
mod weights;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use targets::Target;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

static TARGET: OnceLock<Target> = OnceLock::new();

/// Chooses the target, and writes its first inputs where `THORAX_FUZZ_SEEDS` says.
fn choose() {
    let name = std::env::var("THORAX_FUZZ").unwrap_or_default();
    let found = targets::all().into_iter().find(|target| target.name == name);
    let Some(target) = found else {
        let names: Vec<_> = targets::all().iter().map(|target| target.name).collect();
        eprintln!("THORAX_FUZZ names no target; there are {}", names.join(", "));
        std::process::exit(1);
    };
    if let Some(folder) = std::env::var_os("THORAX_FUZZ_SEEDS") {
        for (i, seed) in (target.seeds)().into_iter().enumerate() {
            let path = std::path::Path::new(&folder).join(format!("seed-{i:03}"));
            std::fs::write(&path, seed).expect("the folder of inputs can be written");
        }
        std::process::exit(0);
    }
    let _ = TARGET.set(target);
}

fuzz_target!(init: choose(), |input: &[u8]| {
    let target = TARGET.get().expect("it is chosen before the first input");
    memory::limited(target.megabytes, || (target.run)(input));
});
