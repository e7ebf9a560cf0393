//! Tests of `dist` on a program of a few lines, linked against a libtorch of three: packed files, and refusals.

use crate::workspace::{QUICK, Said, World};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Source of a build script that calls the project's own one and links the stand-in's libraries.
const LINK: &str = r#"
#[path = "run_path.rs"]
mod run_path;

fn main() {
    run_path::main();
    println!("cargo::rustc-link-search={}/lib", std::env::var("LIBTORCH").unwrap());
    println!("cargo::rustc-link-lib=torch");
    println!("cargo::rustc-link-lib=c10");
}
"#;
/// Crates of others and their repositories: one with licence texts, one that is split off from it, and one without any.
const OTHERS: [(&str, &str); 3] = [("bare", "bare"), ("other", "other"), ("split", "other")];

fn world() -> World {
    let world = World::new();
    world.write("tree/LICENSE", "the licence of this");
    let mut root =
        "[workspace]\nresolver = \"3\"\nmembers = [\"cli\"]\nexclude = [\"others\"]\n\n".to_owned();
    root += &format!("[profile.dist]\ninherits = \"release\"\n{QUICK}");
    world.write("tree/Cargo.toml", &root);
    let mut cli = "[package]\nname = \"cli\"\nversion = \"0.0.1\"\nedition = \"2024\"\n\n".to_owned();
    cli += "[[bin]]\nname = \"thorax\"\npath = \"main.rs\"\n\n[dependencies]\n";
    let mut lock =
        "version = 4\n\n[[package]]\nname = \"cli\"\nversion = \"0.0.1\"\ndependencies = [\n".to_owned();
    lock += &OTHERS.map(|(name, _)| format!(" \"{name}\",\n")).concat();
    lock += "]\n";
    for (name, repository) in OTHERS {
        cli += &format!("{name} = {{ path = \"../others/{name}\" }}\n");
        lock += &format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.2.3\"\n");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\nlicense = \"MIT OR Apache-2.0\"\n\
             repository = \"https://example.org/{repository}\"\n"
        );
        world.write(&format!("tree/others/{name}/Cargo.toml"), &manifest);
        world.write(&format!("tree/others/{name}/src/lib.rs"), "");
    }
    world.write("tree/others/other/LICENSE-MIT", "the licence of other");
    world.write("tree/others/other/licenses/font.txt", "the licence of its font");
    world.write("tree/cli/Cargo.toml", &cli);
    world.write("tree/Cargo.lock", &lock);
    world.write("tree/cli/main.rs", include_str!("packed.rs"));
    world.write("tree/cli/build.rs", LINK);
    let script = include_str!("../../../crates/model/build.rs");
    world.write(
        "tree/cli/run_path.rs",
        &script.replace("\nfn main()", "\npub fn main()").replace("//! ", "// ").replace("//!", "//"),
    );
    world.write("libtorch/licenses/torch/LICENSE", "the licence of libtorch");
    library(&world, "c10", "int core_of_libtorch(void) { return 28; }", &[]);
    library(&world, "torch_cpu", "int cpu_of_libtorch(void) { return 1; }", &["-lc10"]);
    library(&world, "torch", "int libtorch(void) { return 2; }", &["-ltorch_cpu"]);
    library(&world, "unused", "int unused(void) { return 3; }", &[]);
    world
}

/// Compiles a shared library beside the others, which needs these.
fn library(world: &World, name: &str, code: &str, needs: &[&str]) {
    let source = world.write(&format!("sources/{name}.c"), code);
    let mut cc = Command::new("cc");
    cc.current_dir(world.path("libtorch/lib")).args(["-shared", "-fPIC", "-o", &format!("lib{name}.so")]);
    cc.arg(format!("-Wl,-soname,lib{name}.so")).args(["-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", "-L."]);
    let output = cc.arg(source).args(needs).output().expect("cc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn dist(world: &World) -> Said {
    world.xtask(&["dist"], "")
}

/// Finds the folder that is packed.
fn packed(world: &World) -> PathBuf {
    let entries = std::fs::read_dir(world.path("target/dist")).expect("it is there");
    let mut folders = entries.map(|entry| entry.expect("it is listed").path()).filter(|path| {
        path.is_dir()
            && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("thorax-0.0.1-"))
    });
    folders.next().expect("a folder")
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).expect("it is there") {
            let path = entry.expect("it is listed").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below it").to_str().expect("text").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_packed_starts_elsewhere_with_its_libraries_licences_and_pages() {
    let world = world();
    let said = dist(&world);
    assert_eq!(said.code, Some(0), "{}\n{}", said.stdout, said.stderr);
    let folder = packed(&world);
    let found = files(&folder);
    // Rust's own licences are there if the compiler was installed with them.
    let found: Vec<&str> =
        found.iter().map(String::as_str).filter(|name| !name.starts_with("licenses/rust/")).collect();
    let expected = [
        "LICENSE",
        "README.md",
        "bin/thorax",
        "lib/libc10.so",
        "lib/libtorch.so",
        "lib/libtorch_cpu.so",
        "licenses/README.md",
        "licenses/crates/other-1.2.3/LICENSE-MIT",
        "licenses/crates/other-1.2.3/licenses/font.txt",
        "licenses/libtorch/torch/LICENSE",
        "share/bash-completion/completions/thorax",
        "share/fish/vendor_completions.d/thorax.fish",
        "share/man/man1/thorax.1",
        "share/zsh/site-functions/_thorax",
    ];
    assert_eq!(found, expected);
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it is there");
    let list = text("licenses/README.md");
    assert!(list.contains("| other | 1.2.3 | MIT OR Apache-2.0 | `crates/other-1.2.3/` |"), "{list}");
    assert!(
        list.contains("| bare | 1.2.3 | MIT OR Apache-2.0 | none in its package; https://example.org/bare |"),
        "{list}"
    );
    assert!(
        list.contains("| split | 1.2.3 | MIT OR Apache-2.0 | as of its sibling, `crates/other-1.2.3/` |"),
        "{list}"
    );
    assert_eq!(text("LICENSE"), "the licence of this");
    assert_eq!(text("share/zsh/site-functions/_thorax"), "completions for zsh\n");
    let readme = text("README.md");
    assert!(readme.starts_with("# Thorax 0.0.1\n") && readme.contains("glibc 2."), "{readme}");

    for seen in [
        "libraries  3 of libtorch's",
        "licences   of libtorch, Rust and 3 crates; without a text, and said so: bare",
        "ok  bin/thorax looks for libraries in $ORIGIN/../lib and nowhere else",
        "ok  bin/thorax names no folder of the machine",
        "ok  thorax --version: thorax 0.0.1",
        "ok  it starts by a link in another folder too",
        "ok  thorax train: a ConvNet on synthetic images, tested on 6",
        "ok  thorax predict: NORMAL, with probability 0.7500",
        "ok  thorax serve: http://127.0.0.1:",
        "ok  thorax serve: /v1/predict gives the probabilities",
        "ok  it has loaded 3 libraries of the archive, and of the system's ",
        "ok  thorax serve: ends at TERM",
    ] {
        assert!(said.stdout.contains(seen), "no `{seen}` in:\n{}", said.stdout);
    }
    // The digest is the archive's, and another call makes the same bytes.
    let before = std::fs::read(archive(&folder, "")).expect("it is there");
    let digest = std::fs::read_to_string(archive(&folder, ".sha256")).expect("it is there");
    assert!(said.stdout.contains(&format!("sha256 {}\n", &digest[..64])), "{}", said.stdout);
    let mut sum = Command::new("sha256sum");
    sum.arg("-c").arg(archive(&folder, ".sha256")).current_dir(world.path("target/dist"));
    assert!(sum.output().expect("sha256sum runs").status.success(), "{digest}");
    assert_eq!(dist(&world).code, Some(0));
    assert!(std::fs::read(archive(&folder, "")).expect("it is there") == before);
}

/// Returns the path of the archive beside its folder, or of a file beside that.
fn archive(folder: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.tar.gz{ending}", folder.display()))
}

#[test]
fn what_does_not_work_elsewhere_gets_no_name_and_an_earlier_archive_stays() {
    let world = world();
    assert_eq!(dist(&world).code, Some(0));
    let folder = packed(&world);
    let before = std::fs::read(archive(&folder, "")).expect("it is there");
    let program = include_str!("packed.rs");
    let fault = |name: &str| program.replace("FAULT: &str = \"none\"", &format!("FAULT: &str = \"{name}\""));
    let tells = program.replace(r#"panic!("unknown: {other}")"#, r#"panic!("{other} in {}", env!("WHERE"))"#);
    for (program, cause) in [
        (fault("predict"), "  caused by: `thorax predict "),
        (fault("serve"), "  caused by: `thorax serve` says ``, no address"),
        (fault("answer"), "  caused by: /v1/predict answers {"),
        (tells, "  caused by: the program holds the path `"),
    ] {
        world.write("tree/cli/main.rs", &program);
        let mut command = world.command(&["dist"]);
        let said = Said::new(command.env("WHERE", world.path("libtorch/lib")).output().expect("it starts"));
        said.assert_error("the archive does not work where it was unpacked", "nothing of it is kept");
        assert!(said.stderr.lines().any(|line| line.starts_with(cause)), "no `{cause}` in:\n{}", said.stderr);
        assert!(!archive(&folder, ".part").exists());
        assert!(std::fs::read(archive(&folder, "")).expect("it is there") == before);
    }
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let world = world();
    let licences = world.path("libtorch/licenses");
    std::fs::rename(&licences, world.path("away")).expect("it is ours");
    dist(&world).assert_error("licenses` holds no licences", "fetch-weights");
    std::fs::rename(world.path("away"), &licences).expect("it is ours");

    library(&world, "foreign", "int foreign(void) { return 4; }", &[]);
    library(&world, "torch_cpu", "int cpu_of_libtorch(void) { return 1; }", &["-lc10", "-lforeign"]);
    std::fs::remove_file(world.path("libtorch/lib/libforeign.so")).expect("it is ours");
    dist(&world).assert_error(
        "`libtorch_cpu.so` needs `libforeign.so`, which neither libtorch has nor every Linux",
        "build with the libtorch that `cargo xtask fetch-weights` gives",
    );

    world.write("libtorch/lib/libtorch_cuda.so", "");
    dist(&world).assert_error("libtorch with CUDA is not packed", "cargo xtask fetch-weights --force");
    let archives = files(&world.path("target/dist")).into_iter().filter(|name| name.contains(".tar.gz"));
    assert_eq!(archives.collect::<Vec<_>>(), [""; 0]);
}
