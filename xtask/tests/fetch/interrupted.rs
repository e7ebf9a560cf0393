//! Fetches that were killed, two at once, and a `data/` that no fetch left in this state.

use crate::server::{Behaviour, Server};
use crate::world::{Said, World, archive, pins, sha256, wait_until};
use std::process::Stdio;

fn world_and_server() -> (World, Server) {
    let world = World::new();
    let server = Server::start(archive());
    world.pin(&pins(&server.url, &archive()));
    (world, server)
}

#[test]
fn a_killed_fetch_leaves_nothing_that_looks_complete() {
    let (world, server) = world_and_server();
    server.set(Behaviour::StallAfter(100_000));
    let mut child =
        world.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let part = world.data(&format!(".fetch/libtorch/{:.16}.part", sha256(&archive())));
    wait_until("the first bytes are on the disk", || part.metadata().is_ok_and(|part| part.len() == 100_000));
    child.kill().expect("it runs"); // SIGKILL: nothing of its own can run any more
    child.wait().expect("it was started");
    world.assert_no_libtorch();

    server.set(Behaviour::Serve);
    world.fetch(&[]).sentence();
    world.assert_installed();
    assert_eq!(server.ranges(), [None, Some("bytes=100000-".into())]);
}

#[test]
fn what_a_fetch_killed_while_unpacking_left_is_cleared_away() {
    let (world, server) = world_and_server();
    for name in ["tree/lib/half.so", "old/libtorch/lib/libc10.so", "link/libtorch", "pip-1/torch.whl"] {
        world.write(&format!("root/data/.fetch/libtorch/{name}"), "left");
    }
    world.fetch(&[]).sentence();
    world.assert_installed();
    assert_eq!(server.requests(), 1);
}

#[test]
fn of_two_at_once_the_second_waits() {
    let (world, server) = world_and_server();
    server.set(Behaviour::StallAfter(100_000));
    let spawn = |name: &str| {
        let stderr = std::fs::File::create(world.path(name)).expect("a file");
        world.command(&[]).stdout(Stdio::piped()).stderr(stderr).spawn().expect("it starts")
    };
    let first = spawn("first");
    wait_until("the first one fetches", || server.requests() == 1);
    let second = spawn("second");
    let read = |name: &str| std::fs::read_to_string(world.path(name)).expect("text");
    let words = "another fetch is running in this workspace: waiting for it";
    wait_until("the second one waits", || read("second").contains(words));
    server.release();

    let end = |child: std::process::Child| Said::new(child.wait_with_output().expect("it ends"));
    let (first, second) = (end(first), end(second));
    assert!(first.sentence().contains("is ready, from PyTorch's archive"), "{}", first.stdout);
    assert!(second.sentence().contains("is complete, nothing to fetch"), "{}", second.stdout);
    assert!(!read("first").contains(words));
    assert_eq!(server.requests(), 1);
    world.assert_installed();
}

#[test]
fn damage_is_noticed_and_fetched_again() {
    let (world, server) = world_and_server();
    world.fetch(&[]).sentence();
    let library = world.data("libtorch/lib/libtorch_cpu.so");
    let receipt = world.data("libtorch/receipt.json");
    let damages: [(&str, &dyn Fn()); 3] = [
        ("`lib/libtorch_cpu.so` has 5 bytes, not 300000", &|| {
            std::fs::write(&library, "short").expect("a file");
        }),
        ("`lib/libtorch_cpu.so` is missing", &|| std::fs::remove_file(&library).expect("it is there")),
        ("its receipt cannot be read", &|| std::fs::write(&receipt, "{").expect("a file")),
    ];
    for (index, (why, damage)) in damages.into_iter().enumerate() {
        damage();
        let said = world.fetch(&[]);
        let line = format!("`data/libtorch` is not complete ({why}): fetching it again");
        assert!(said.stderr.lines().any(|said| said == line), "no `{line}` in:\n{}", said.stderr);
        assert!(said.sentence().contains("is ready"), "{}", said.stdout);
        assert_eq!(server.requests(), index + 2);
        world.assert_installed();
    }
}

#[test]
fn damage_that_cannot_be_mended_leaves_the_folder_as_it_was() {
    let (world, server) = world_and_server();
    world.fetch(&[]).sentence();
    std::fs::write(world.data("libtorch/lib/libc10.so"), "other bytes").expect("a file");
    server.set(Behaviour::NotFound);
    let said = world.fetch(&[]);
    said.assert_error("libtorch could not be fetched", "try again later");
    assert!(world.data("libtorch/lib/libtorch_cpu.so").is_file(), "it may still be of use to its owner");
}

#[test]
fn another_pinned_version_replaces_the_one_that_is_there() {
    let (world, server) = world_and_server();
    world.fetch(&[]).sentence();
    let receipt = world.data("libtorch/receipt.json");
    let text = std::fs::read_to_string(&receipt).expect("it is there").replace("1.2.3+cpu", "1.2.2+cpu");
    std::fs::write(&receipt, text).expect("a file");
    let said = world.fetch(&[]);
    assert!(said.stderr.contains("it is version 1.2.2+cpu, not 1.2.3+cpu"), "{}", said.stderr);
    world.assert_installed();
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_an_error_with_its_path() {
    let (world, server) = world_and_server();
    let data = world.write("root/data", "a file in its place");
    let message = format!("cannot write `{}`", data.display());
    world.fetch(&[]).assert_error(&message, "make that place writable for you, then run this again");
    assert_eq!(std::fs::read(&data).expect("it is there"), b"a file in its place");
    assert_eq!(server.requests(), 0);
}
