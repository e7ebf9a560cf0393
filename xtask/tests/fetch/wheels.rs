//! Tests of the second route: PyTorch's wheels, from a folder or with pip, and a libtorch assembled from them.

use crate::server::{Behaviour, Server};
use crate::world::{Member, World, archive, pins, sha256, zip};
use serde_json::{Value, json};
use std::process::Command;

/// Compiles a real, tiny shared library: the assembled files have to link.
fn shared_library(world: &World) -> Vec<u8> {
    let source = world.write("build/torch_cpu.c", "int marker(void) { return 42; }\n");
    let library = world.path("build/libtorch_cpu.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-soname,libtorch_cpu.so", "-o"])
        .args([&library, &source])
        .output()
        .expect("cc runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::read(library).expect("it was built")
}

struct Wheels {
    torch: Vec<u8>,
    runtime: Vec<u8>,
    pins: Value,
}

impl Wheels {
    /// Makes two wheels like PyTorch's, and their pins, with an archive at an address that has none.
    fn new(world: &World, url: &str) -> Self {
        let torch_cpu = shared_library(world);
        let torch = zip(&[
            Member::File("torch/include/torch/torch.h", b"#pragma once\n"),
            Member::File("torch/lib/libtorch_cpu.so", &torch_cpu),
            Member::File("torch/lib/libtorch_cuda.so", b"large, and not needed"),
            Member::File("torch/lib/libtorch.so", b"needs libtorch_cuda"),
            Member::File("torch/lib/libc10.so", b"c10"),
            Member::File("torch/nn/__init__.py", b""),
        ]);
        let runtime = zip(&[Member::File("nvidia/lib/libcudart.so.13", b"cudart")]);
        let mut pins = pins(url, &archive());
        pins["wheels"] = json!([
            {
                "package": "torch==1.2.3",
                "pip": ["--platform", "some_linux"],
                "sha256": sha256(&torch),
                "take": [
                    ["torch/include/", "include/"],
                    ["torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"],
                    ["torch/lib/libc10.so", "lib/libc10.so"],
                ],
                "members": [
                    {"path": "lib/libtorch_cpu.so", "sha256": sha256(&torch_cpu)},
                    // The digest of a folder: of sha256sum's lines.
                    {
                        "path": "include/",
                        "sha256": sha256(format!("{}  torch/torch.h\n", sha256(b"#pragma once\n")).as_bytes()),
                    },
                ],
            },
            {
                "package": "cuda-runtime==4.5.6",
                "pip": [],
                "sha256": sha256(&runtime),
                "take": [["nvidia/lib/libcudart.so.13", "lib/libcudart.so.13"]],
                "members": [{"path": "lib/libcudart.so.13", "sha256": sha256(b"cudart")}],
            },
        ]);
        Self { torch, runtime, pins }
    }

    fn write(&self, world: &World, folder: &str) {
        world.write(&format!("{folder}/torch-1.2.3-cp311-cp311-some_linux.whl"), &self.torch);
        world.write(&format!("{folder}/cuda_runtime-4.5.6-py3-none-some_linux.whl"), &self.runtime);
    }
}

#[track_caller]
fn assert_installed(world: &World) {
    let expected = [
        ".fetch.lock",
        "libtorch/build-version",
        "libtorch/include/torch/torch.h",
        "libtorch/lib/libc10.so",
        "libtorch/lib/libcudart.so.13",
        "libtorch/lib/libtorch.so",
        "libtorch/lib/libtorch_cpu.so",
        "libtorch/receipt.json",
    ];
    assert_eq!(world.names("root/data"), expected.map(String::from).into());
    let version = std::fs::read_to_string(world.data("libtorch/build-version")).expect("it is there");
    assert_eq!(version, "1.2.3+cpu\n");
}

/// Checks that a program that links only libtorch.so finds a function of libtorch_cpu.so.
#[track_caller]
fn assert_links(world: &World) {
    let lib = world.data("libtorch/lib");
    let code = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).marker())";
    let output = Command::new("python3")
        .args(["-c", code])
        .arg(lib.join("libtorch.so"))
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .expect("python3 runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "42\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes a world whose site has no archive, and whose pip has the wheels.
fn without_archive() -> (World, Server, Wheels) {
    let world = World::new();
    let server = Server::start(archive());
    server.set(Behaviour::NotFound);
    let wheels = Wheels::new(&world, &server.url);
    world.pin(&wheels.pins);
    wheels.write(&world, "index");
    (world, server, wheels)
}

#[test]
fn wheels_from_a_folder_become_a_libtorch_that_links() {
    let world = World::new();
    let server = Server::start(archive());
    let wheels = Wheels::new(&world, &server.url);
    world.pin(&wheels.pins);
    wheels.write(&world, "usb");
    let said = world.fetch(&["--from", world.path("usb").to_str().expect("text")]);
    assert!(said.sentence().contains("is ready, from PyTorch's wheels"), "{}", said.stdout);
    assert_installed(&world);
    assert_links(&world);
    assert!(world.fetch(&[]).sentence().contains("is complete, nothing to fetch"));
    assert!((server.requests(), world.pip_calls().len()) == (0, 0));
}

#[test]
fn a_wheel_or_a_member_that_is_not_what_is_pinned_is_an_error() {
    for (place, what) in
        [("/wheels/1/sha256", "cuda_runtime-4.5.6"), ("/wheels/0/members/1/sha256", "`include/`")]
    {
        let world = World::new();
        let mut wheels = Wheels::new(&world, "http://127.0.0.1:9/none.zip");
        *wheels.pins.pointer_mut(place).expect("it is there") = json!("2".repeat(64));
        world.pin(&wheels.pins);
        wheels.write(&world, "usb");
        let said = world.fetch(&["--from", world.path("usb").to_str().expect("text")]);
        said.assert_error("wrong sha256 of ", "");
        said.assert_error(what, "");
        said.assert_error(&format!("expected {}, found ", "2".repeat(64)), "");
        world.assert_no_libtorch();
    }
}

#[test]
fn pip_brings_the_wheels_where_the_site_has_no_archive() {
    let (world, _server, _wheels) = without_archive();
    let said = world.fetch(&[]);
    assert!(said.sentence().contains("is ready, from PyTorch's wheels"), "{}", said.stdout);
    assert!(said.stderr.contains("not from PyTorch's site ("), "{}", said.stderr);
    assert_installed(&world);
    assert_links(&world);
    let start = "-m pip download --no-deps --only-binary :all: --platform some_linux torch==1.2.3 -d ";
    let calls = world.pip_calls();
    assert!(calls.len() == 2 && calls[0].starts_with(start), "{calls:?}");
    assert!(calls[1].contains(" cuda-runtime==4.5.6 "), "{calls:?}");
}

#[test]
fn what_pip_brought_is_not_fetched_again_after_it_failed() {
    let (world, _server, wheels) = without_archive();
    let missing = world.path("index/cuda_runtime-4.5.6-py3-none-some_linux.whl");
    std::fs::remove_file(&missing).expect("it is there");

    let said = world.fetch(&[]);
    said.assert_error(
        "libtorch could not be fetched by either route",
        "its own words are above; mend pip's set-up, or fetch where there is network and use `--from DIR`",
    );
    let words = "pip could not download cuda-runtime==4.5.6 (exit status: 1)";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert!(said.stderr.contains("ERROR: no matching distribution"), "pip's own words: {}", said.stderr);
    world.assert_no_libtorch();

    std::fs::write(&missing, &wheels.runtime).expect("a file");
    world.fetch(&[]).sentence();
    assert_installed(&world);
    let torch = world.pip_calls().iter().filter(|call| call.contains("torch==")).count();
    assert_eq!((torch, world.pip_calls().len()), (1, 3));
}

#[test]
fn another_file_than_pinned_from_pip_is_an_error() {
    let (world, _server, wheels) = without_archive();
    world.write("index/torch-1.2.3-cp311-cp311-some_linux.whl", "another build");
    let said = world.fetch(&[]);
    said.assert_error("libtorch could not be fetched by either route", "use `--from DIR`");
    let why = format!("wrong sha256 of torch==1.2.3: expected {}, found ", sha256(&wheels.torch));
    assert!(said.stderr.contains(&why), "{}", said.stderr);
    world.assert_no_libtorch();
}

#[test]
fn tools_that_are_missing_are_named_before_anything_is_downloaded() {
    let (world, _server, _wheels) = without_archive();
    // A PATH with only those tools that the case keeps.
    let cases: [(&[&str], &str, &str); 3] = [
        (&[], "no C compiler: `cc` cannot be run", "install a C and C++ compiler"),
        (&["cc"], "no Python: `python3` cannot be run", "install Python 3 with pip, or use `--from DIR`"),
        (&["cc", "python3"], "no pip: `python3 -m pip` cannot be run", "install pip for `python3`"),
    ];
    for (tools, why, hint) in cases {
        let folder = world.path(&format!("tools-{}", tools.len()));
        std::fs::create_dir(&folder).expect("a folder");
        for tool in tools {
            let program = folder.join(tool);
            // It answers `--version` and nothing else.
            std::fs::write(&program, "#!/bin/sh\ntest \"$*\" = --version\n").expect("a file");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&program, mode).expect("it is ours");
        }
        let output = world.command(&[]).env("PATH", &folder).output().expect("it starts");
        let said = crate::world::Said::new(output);
        said.assert_error("libtorch could not be fetched by either route", hint);
        assert!(said.stderr.contains(why), "no `{why}` in:\n{}", said.stderr);
        world.assert_no_libtorch();
    }
    assert!(world.pip_calls().is_empty());
}
