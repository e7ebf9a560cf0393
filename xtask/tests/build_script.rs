//! Messages of a build with libtorch and without: the script that every crate with tensors shares, and the C++ compiler.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Compiles the script as a program in a folder of its own.
fn script() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("build-script");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/model/build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "-o"])
        .arg(&program)
        .arg(&source)
        .output()
        .expect("rustc runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    (folder, program)
}

/// Returns the script's output to cargo.
fn says(program: &Path, libtorch: Option<&Path>) -> String {
    says_for(program, libtorch, None)
}

/// Returns the script's output to cargo, with a run path of the caller's.
fn says_for(program: &Path, libtorch: Option<&Path>, run_path: Option<&str>) -> String {
    let folder = program.parent().expect("it lies in one");
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("LIBTORCH").env_remove("THORAX_RUN_PATH");
    if let Some(libtorch) = libtorch {
        command.env("LIBTORCH", libtorch);
    }
    if let Some(run_path) = run_path {
        command.env("THORAX_RUN_PATH", run_path);
    }
    let output = command.output().expect("the script runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn without_libtorch_the_build_says_what_to_run() {
    let (folder, program) = script();
    let nowhere = folder.path().join("nowhere");
    for libtorch in [None, Some(nowhere.as_path())] {
        let text = says(&program, libtorch);
        let lines: Vec<&str> = text.lines().collect();
        // Cargo prints the text of such a line and fails the build.
        assert!(lines.contains(&"cargo::error=run cargo xtask fetch-weights"), "{text}");
        let folder = libtorch.unwrap_or(Path::new("data/libtorch"));
        assert!(text.contains(&format!("cargo::error=no libtorch in `{}`", folder.display())), "{text}");
        assert!(!text.contains("rpath"), "{text}");
    }
}

#[test]
fn with_libtorch_the_run_path_is_absolute() {
    let (folder, program) = script();
    let lib = folder.path().join("libtorch/lib");
    std::fs::create_dir_all(&lib).expect("a folder");
    for libtorch in [folder.path().join("libtorch"), PathBuf::from("libtorch")] {
        let text = says(&program, Some(&libtorch));
        let prefix = "cargo::rustc-link-arg=-Wl,-rpath,";
        let paths: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        let [path] = paths[..] else { panic!("not one run path: {text}") };
        assert!(Path::new(path).is_absolute(), "{path}");
        let same =
            Path::new(path).canonicalize().expect("it is there") == lib.canonicalize().expect("it is there");
        assert!(same, "{path} is not {}", lib.display());
        assert!(!text.contains("error"), "{text}");
    }
}

#[test]
fn a_run_path_that_is_named_is_the_only_one() {
    let (folder, program) = script();
    std::fs::create_dir_all(folder.path().join("libtorch/lib")).expect("a folder");
    let text = says_for(&program, Some(Path::new("libtorch")), Some("$ORIGIN/../lib"));
    let paths: Vec<&str> = text.lines().filter(|line| line.contains("rpath")).collect();
    assert_eq!(paths, ["cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib"]);
    // Otherwise a build with the other one would keep what it has.
    assert!(text.contains("cargo::rerun-if-env-changed=THORAX_RUN_PATH\n"), "{text}");
}

#[test]
fn cuda_is_linked_where_libtorch_has_it() {
    let (folder, program) = script();
    let cuda = folder.path().join("libtorch/lib/libtorch_cuda.so");
    std::fs::create_dir_all(cuda.parent().expect("it has one")).expect("a folder");
    let arguments = |text: &str| {
        let arguments = text.lines().filter_map(|line| line.strip_prefix("cargo::rustc-link-arg="));
        arguments.filter(|argument| !argument.contains("rpath")).map(String::from).collect::<Vec<_>>()
    };
    let libtorch = folder.path().join("libtorch");
    assert_eq!(arguments(&says(&program, Some(&libtorch))), [""; 0]);

    std::fs::write(&cuda, "").expect("the folder can be written");
    let expected = ["-Wl,--no-as-needed", cuda.to_str().expect("text"), "-Wl,--as-needed"];
    assert_eq!(arguments(&says(&program, Some(&libtorch))), expected);
}

/// torch-sys compiles C++ before any build script of ours runs: the error of its compiler without libtorch must name the
/// command too.
#[test]
fn the_compiler_that_finds_no_libtorch_says_what_to_run() {
    let (folder, _) = script();
    let source = folder.path().join("torch_api.cpp");
    std::fs::write(&source, "#include <torch/torch.h>\n").expect("the folder can be written");
    let compiler = |include: &Path| {
        let mut command = Command::new("c++");
        command.arg("-fsyntax-only").arg("-I").arg(include).arg(&source);
        command.output().expect("c++ runs")
    };
    // The search path is cargo's, from `.cargo/config.toml`.
    let without = compiler(&folder.path().join("nowhere"));
    let words = String::from_utf8_lossy(&without.stderr);
    assert!(!without.status.success() && words.contains("run cargo xtask fetch-weights"), "{words}");

    let header = folder.path().join("include/torch/torch.h");
    std::fs::create_dir_all(header.parent().expect("it has one")).expect("a folder");
    std::fs::write(&header, "// libtorch's own\n").expect("the folder can be written");
    let with = compiler(&folder.path().join("include"));
    assert!(with.status.success(), "{}", String::from_utf8_lossy(&with.stderr));
}
