//! Tests of `--from DIR`: the archive out of a folder, for machines without network.

use crate::server::Server;
use crate::world::{World, archive, pins, sha256};
use serde_json::json;

fn world_and_server() -> (World, Server) {
    let world = World::new();
    let server = Server::start(archive());
    world.pin(&pins(&server.url, &archive()));
    world.write("usb/readme.txt", "files for another machine");
    (world, server)
}

#[test]
fn the_archive_is_taken_from_the_folder() {
    // The names that browsers save it by, and the name in the address.
    for name in ["libtorch-1.2.3+cpu.zip", "libtorch-1.2.3%2Bcpu.zip"] {
        let (world, server) = world_and_server();
        let file = world.write(&format!("usb/{name}"), archive());
        let said = world.fetch(&["--from", world.path("usb").to_str().expect("text")]);
        assert!(said.sentence().contains("is ready, from PyTorch's archive"), "{}", said.stdout);
        world.assert_installed();
        assert_eq!(server.requests(), 0);
        assert_eq!(std::fs::read(file).expect("it stays"), archive());
    }
}

#[test]
fn a_wrong_archive_in_the_folder_is_an_error() {
    let (world, server) = world_and_server();
    let file = world.write("usb/libtorch-1.2.3+cpu.zip", "half of it");
    let said = world.fetch(&["--from", world.path("usb").to_str().expect("text")]);
    let (expected, found) = (sha256(&archive()), sha256(b"half of it"));
    let message = format!("wrong sha256 of `{}`: expected {expected}, found {found}", file.display());
    said.assert_error(&message, "get the file elsewhere");
    world.assert_no_libtorch();
    assert_eq!(server.requests(), 0);
    assert_eq!(std::fs::read(file).expect("the user's file stays"), b"half of it");
}

#[test]
fn a_folder_without_the_files_says_which_to_put_there() {
    let (world, server) = world_and_server();
    let mut pins = pins(&server.url, &archive());
    let wheel =
        |package: &str| json!({"package": package, "pip": [], "sha256": "", "take": [], "members": []});
    pins["wheels"] = json!([wheel("torch==1.2.3"), wheel("cuda-runtime==4.5.6")]);
    world.pin(&pins);
    let folder = world.path("usb");
    world.write("usb/torch-1.2.3-cp311-linux.whl", "one of the two");
    let said = world.fetch(&["--from", folder.to_str().expect("text")]);
    said.assert_error(
        &format!("`{}` holds neither libtorch's archive nor all its wheels", folder.display()),
        "put there either `libtorch-1.2.3+cpu.zip`, or all of `torch-1.2.3-*.whl`, `cuda_runtime-4.5.6-*.whl`",
    );
    world.assert_no_libtorch();
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let (world, _server) = world_and_server();
    let said = world.fetch(&["--from", "/nowhere/usb"]);
    said.assert_error("no folder `/nowhere/usb`", "name the folder that the files were copied to");
    world.assert_no_libtorch();
}
