//! Tests of `--cuda`: libtorch for NVIDIA's GPUs, assembled from wheels, in place of the one for the CPU and back.

use crate::server::Server;
use crate::world::{Member, zip};
use crate::world::{Said, World, archive, pins, sha256, wait_until};
use serde_json::json;
use std::process::Stdio;

const COMPLETE: &str = "libtorch 1.2.3 with CUDA: `data/libtorch` is complete, nothing to fetch";
const READY: &str = "libtorch 1.2.3 with CUDA: `data/libtorch` is ready, from PyTorch's wheels, in ";
const CLEAN: [&str; 2] = ["clean --quiet --package torch-sys", "clean --quiet --package torch-sys --release"];

/// Makes a world with an archive for the CPU, and for CUDA two wheels that pip has.
fn world_and_server() -> (World, Server) {
    let world = World::new();
    let server = Server::start(archive());
    let torch = zip(&[
        Member::File("torch/include/torch/torch.h", b"#pragma once\n"),
        Member::File("torch/lib/libtorch_cuda.so", b"cuda"),
        Member::File("torch/lib/libtorch_cpu.so", b"cpu"),
        Member::File("torch/lib/libtorch.so", b"needs libtorch_cuda"),
        Member::File("torch/lib/libc10.so", b"c10"),
    ]);
    let cublas = zip(&[Member::File("nvidia/cu13/lib/libcublas.so.13", b"cublas")]);
    let mut pins = pins(&server.url, &archive());
    pins["cuda"] = json!({
        "version": "1.2.3",
        "build_version": "1.2.3+cu130",
        "archive": null,
        "wheels": [
            {
                "package": "torch==1.2.3",
                "pip": [],
                "sha256": sha256(&torch),
                "take": [["torch/include/", "include/"], ["torch/lib/", "lib/"]],
                "members": [{"path": "lib/libtorch_cuda.so", "sha256": sha256(b"cuda")}],
            },
            {
                "package": "cublas==4.5.6",
                "pip": [],
                "sha256": sha256(&cublas),
                "take": [["nvidia/cu13/lib/", "lib/"]],
                "members": [],
            },
        ],
    });
    world.pin(&pins);
    world.write("index/torch-1.2.3-cp311-some_linux.whl", torch);
    world.write("index/cublas-4.5.6-py3-some_linux.whl", cublas);
    (world, server)
}

#[track_caller]
fn assert_cuda_installed(world: &World) {
    let expected = [
        ".fetch.lock",
        "libtorch/build-version",
        "libtorch/include/torch/torch.h",
        "libtorch/lib/libc10.so",
        "libtorch/lib/libcublas.so.13",
        "libtorch/lib/libtorch.so",
        "libtorch/lib/libtorch_cpu.so",
        "libtorch/lib/libtorch_cuda.so",
        "libtorch/receipt.json",
    ];
    assert_eq!(world.names("root/data"), expected.map(String::from).into());
    let read = |name: &str| std::fs::read_to_string(world.data("libtorch").join(name)).expect("text");
    assert_eq!(read("build-version"), "1.2.3+cu130\n");
    assert_eq!(read("lib/libtorch.so"), "needs libtorch_cuda", "the wheel's own, none put in its place");
}

#[test]
fn it_is_fetched_once_and_counts_as_libtorch_from_then_on() {
    let (world, server) = world_and_server();
    let said = world.fetch(&["--cuda"]);
    assert!(said.sentence().starts_with(READY), "{}", said.stdout);
    assert_cuda_installed(&world);
    for arguments in [&["--cuda"][..], &[]] {
        assert_eq!(world.fetch(arguments).sentence(), COMPLETE);
    }
    assert_eq!((world.pip_calls().len(), server.requests()), (2, 0));

    // Damage is repaired with the same build, not with the other.
    std::fs::remove_file(world.data("libtorch/lib/libcublas.so.13")).expect("it is there");
    let said = world.fetch(&[]);
    assert!(said.stderr.contains("(`lib/libcublas.so.13` is missing): fetching it again"), "{}", said.stderr);
    assert!(said.sentence().starts_with(READY), "{}", said.stdout);
    assert_cuda_installed(&world);
    assert!(world.cargo_calls().is_empty(), "what was compiled against it stays right");
}

#[test]
fn it_replaces_the_one_for_the_cpu_and_goes_back() {
    let (world, server) = world_and_server();
    world.fetch(&[]).sentence();
    world.assert_installed();
    assert!(world.cargo_calls().is_empty());

    let said = world.fetch(&["--cuda"]);
    let line =
        "`data/libtorch` is not complete (it is version 1.2.3+cpu, not 1.2.3+cu130): fetching it again";
    assert!(said.stderr.lines().any(|said| said == line), "{}", said.stderr);
    assert!(said.sentence().starts_with(READY), "{}", said.stdout);
    assert_cuda_installed(&world);
    // Otherwise the next build would link what the old one had, or lacked.
    assert_eq!(world.cargo_calls(), CLEAN);

    let said = world.fetch(&["--force"]);
    let start = "libtorch 1.2.3: `data/libtorch` is ready, from PyTorch's archive, in ";
    assert!(said.sentence().starts_with(start), "{}", said.stdout);
    world.assert_installed();
    assert_eq!(world.cargo_calls(), [CLEAN, CLEAN].concat());
    assert_eq!(world.fetch(&[]).sentence(), "libtorch 1.2.3: `data/libtorch` is complete, nothing to fetch");
    assert_eq!((world.pip_calls().len(), server.requests()), (2, 2));
}

#[test]
fn a_build_folder_that_cannot_be_cleaned_is_said_and_no_error() {
    let (world, _server) = world_and_server();
    world.fetch(&[]).sentence();
    world.write("bin/cargo", "#!/bin/sh\nexit 101\n");
    let said = world.fetch(&["--cuda"]);
    said.sentence();
    let line = "should the next build not link, run this first: cargo clean --quiet --package torch-sys";
    assert!(said.stderr.lines().any(|said| said == line), "{}", said.stderr);
    assert_cuda_installed(&world);
}

#[test]
fn a_killed_fetch_leaves_the_one_that_is_there_and_keeps_whole_wheels() {
    let (world, _server) = world_and_server();
    world.fetch(&[]).sentence();
    let stall = world.write("stall-cublas", "");
    let mut child =
        world.command(&["--cuda"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until("half of the second wheel is on the disk", || world.path("stalled").exists());
    child.kill().expect("it runs");
    child.wait().expect("it was started");
    std::fs::remove_file(stall).expect("it is there");
    assert!(world.fetch(&[]).sentence().contains("is complete, nothing to fetch"));

    assert!(world.fetch(&["--cuda"]).sentence().starts_with(READY));
    assert_cuda_installed(&world);
    let torch = world.pip_calls().iter().filter(|call| call.contains("torch==")).count();
    assert_eq!((torch, world.pip_calls().len()), (1, 3));
}

#[test]
fn a_folder_without_all_wheels_says_which_are_missing() {
    let (world, _server) = world_and_server();
    let usb = world.path("usb");
    let fetch = || world.fetch(&["--cuda", "--from", usb.to_str().expect("text")]);
    world.write("usb/torch-1.2.3-cp311-some_linux.whl", "one of the two");
    let message = format!("`{}` does not hold all of libtorch's wheels", usb.display());
    fetch().assert_error(&message, "put there `cublas-4.5.6-*.whl`");
    world.assert_no_libtorch();

    for name in ["torch-1.2.3-cp311-some_linux.whl", "cublas-4.5.6-py3-some_linux.whl"] {
        std::fs::copy(world.path("index").join(name), usb.join(name)).expect("it is there");
    }
    assert!(fetch().sentence().starts_with(READY));
    assert_cuda_installed(&world);
    assert!(world.pip_calls().is_empty());
}

#[test]
fn ones_own_libtorch_has_to_have_it() {
    let (world, server) = world_and_server();
    for name in ["include/torch/torch.h", "lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so"] {
        world.write(&format!("own/{name}"), "x");
    }
    world.write("own/build-version", "1.2.3");
    let own = world.path("own");
    let by_variable =
        || Said::new(world.command(&["--cuda"]).env("LIBTORCH", &own).output().expect("it starts"));
    let why = "it has no `lib/libtorch_cuda.so`";

    let said = by_variable();
    said.assert_error("LIBTORCH is set, but cannot be used", "unset LIBTORCH");
    assert!(said.stderr.contains(why), "{}", said.stderr);
    world.fetch(&["--libtorch", own.to_str().expect("text")]).sentence();
    let said = world.fetch(&["--cuda"]);
    said.assert_error(
        "`data/libtorch` is a link that leads to no usable libtorch",
        "fetch one with `--force`",
    );
    assert!(said.stderr.contains(why), "{}", said.stderr);

    world.write("own/lib/libtorch_cuda.so", "x");
    assert!(by_variable().sentence().contains("nothing to fetch"));
    assert!(world.fetch(&["--cuda"]).sentence().contains("is a link to your own, nothing to fetch"));

    // Unpacked in place.
    std::fs::remove_file(world.data("libtorch")).expect("a link");
    std::fs::rename(&own, world.data("libtorch")).expect("it is ours");
    assert!(world.fetch(&["--cuda"]).sentence().contains("is your own, nothing to fetch"));
    std::fs::remove_file(world.data("libtorch/lib/libtorch_cuda.so")).expect("it is there");
    let said = world.fetch(&["--cuda"]);
    said.assert_error(
        "`data/libtorch` is your own and cannot be used",
        "fetch one in its place with `--force`",
    );
    assert_eq!((world.pip_calls().len(), server.requests()), (0, 0));
    assert!(world.fetch(&["--cuda", "--force"]).sentence().starts_with(READY));
    assert_cuda_installed(&world);
}

#[test]
fn where_none_is_pinned_that_is_said() {
    let world = World::new();
    world.pin(&pins("http://127.0.0.1:9/none.zip", &archive()));
    let said = world.fetch(&["--cuda"]);
    said.assert_error("no libtorch with CUDA is pinned for ", "cargo xtask fetch-weights --libtorch DIR");
    let both = world.fetch(&["--cuda", "--libtorch", "/nowhere"]);
    assert!(both.code == Some(1) && both.stderr.contains("cannot be used with"), "{}", both.stderr);
}
