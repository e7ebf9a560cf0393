//! Tests of a libtorch that is there already: named with `--libtorch` or `LIBTORCH`, linked to, never changed.

use crate::server::Server;
use crate::world::{Said, World, archive, pins};
use std::path::PathBuf;

fn world() -> (World, Server, PathBuf) {
    let world = World::new();
    let server = Server::start(archive());
    world.pin(&pins(&server.url, &archive()));
    for name in ["include/torch/torch.h", "lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so"] {
        world.write(&format!("own/{name}"), "x");
    }
    world.write("own/build-version", "1.2.3+cu130\n");
    let own = world.path("own").canonicalize().expect("it is there");
    (world, server, own)
}

fn name(own: &std::path::Path) -> &str {
    own.to_str().expect("text")
}

#[test]
fn a_usable_one_is_linked_to() {
    let (world, server, own) = world();
    let said = world.fetch(&["--libtorch", name(&own)]);
    assert_eq!(
        said.sentence(),
        format!("libtorch 1.2.3: `data/libtorch` is now a link to `{}`", own.display())
    );
    assert_eq!(std::fs::read_link(world.data("libtorch")).expect("a link"), own);
    assert_eq!(world.names("root/data"), [".fetch.lock", "libtorch"].map(String::from).into());

    let again = world.fetch(&["--libtorch", name(&own)]);
    assert_eq!(again.sentence(), format!("libtorch 1.2.3: `data/libtorch` is `{}` already", own.display()));
    let plain = world.fetch(&[]);
    assert_eq!(plain.sentence(), "libtorch 1.2.3: `data/libtorch` is a link to your own, nothing to fetch");
    assert_eq!(server.requests(), 0);

    // A fetch in its place replaces the link, not its target.
    world.fetch(&["--force"]).sentence();
    world.assert_installed();
    assert!(own.join("lib/libtorch.so").is_file());
}

#[test]
fn an_unusable_one_is_an_error_that_says_why() {
    let hint = "name a folder with `include/`, `lib/` and `build-version` of libtorch 1.2.3";
    type Change = fn(&std::path::Path) -> std::io::Result<()>;
    let cases: [(&str, Change); 5] = [
        ("it is version 1.2.2+cpu, and tch needs 1.2.3 exactly", |own| {
            std::fs::write(own.join("build-version"), "1.2.2+cpu\n")
        }),
        ("it is version 1.2.30, and tch needs 1.2.3 exactly", |own| {
            std::fs::write(own.join("build-version"), "1.2.30")
        }),
        ("it has no file `build-version`", |own| std::fs::remove_file(own.join("build-version"))),
        ("it has no `lib/libtorch_cpu.so`", |own| std::fs::remove_file(own.join("lib/libtorch_cpu.so"))),
        ("it has no folder `include/torch`", |own| std::fs::remove_dir_all(own.join("include"))),
    ];
    for (why, change) in cases {
        let (world, server, own) = world();
        change(&own).expect("it is ours");
        let said = world.fetch(&["--libtorch", name(&own)]);
        said.assert_error(&format!("`{}` is no usable libtorch: {why}", own.display()), hint);
        world.assert_no_libtorch();
        assert_eq!(server.requests(), 0);
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let (world, _server, _own) = world();
    let said = world.fetch(&["--libtorch", "/nowhere/libtorch"]);
    said.assert_error("cannot find `/nowhere/libtorch`", "name the folder of a libtorch");
    world.assert_no_libtorch();
}

#[test]
fn a_fetched_one_is_only_replaced_when_told_to() {
    let (world, _server, own) = world();
    world.fetch(&[]).sentence();
    let said = world.fetch(&["--libtorch", name(&own)]);
    said.assert_error("`data/libtorch` is a folder already", "add `--force` to replace it");
    world.assert_installed();

    world.fetch(&["--libtorch", name(&own), "--force"]).sentence();
    assert_eq!(std::fs::read_link(world.data("libtorch")).expect("a link"), own);
    assert!(own.join("lib/libtorch.so").is_file());
}

#[test]
fn a_link_that_leads_nowhere_is_an_error() {
    let (world, server, own) = world();
    world.fetch(&["--libtorch", name(&own)]).sentence();
    std::fs::remove_dir_all(&own).expect("it is ours");
    let said = world.fetch(&[]);
    let message = "`data/libtorch` is a link that leads to no usable libtorch";
    said.assert_error(message, "link to another with `--libtorch DIR`, or fetch one with `--force`");
    assert_eq!(server.requests(), 0);
    world.fetch(&["--force"]).sentence();
    world.assert_installed();
}

#[test]
fn the_users_variable_wins_and_is_checked() {
    let (world, server, own) = world();
    let fetch = || Said::new(world.command(&[]).env("LIBTORCH", &own).output().expect("it starts"));
    assert_eq!(
        fetch().sentence(),
        format!("libtorch 1.2.3: LIBTORCH names `{}`, nothing to fetch", own.display())
    );
    std::fs::remove_file(own.join("lib/libc10.so")).expect("it is ours");
    let said = fetch();
    said.assert_error("LIBTORCH is set, but cannot be used", "mend it, or run again without: unset LIBTORCH");
    assert!(said.stderr.contains("it has no `lib/libc10.so`"), "{}", said.stderr);
    world.assert_no_libtorch();
    assert_eq!(server.requests(), 0);
}

#[test]
fn the_variable_that_cargo_sets_is_not_the_users() {
    let (world, server, _own) = world();
    let said = world.command(&[]).env("LIBTORCH", world.data("libtorch")).output().expect("it starts");
    Said::new(said).sentence();
    world.assert_installed();
    assert_eq!(server.requests(), 1);
}

#[test]
fn one_that_was_unpacked_in_place_by_hand_is_left_alone() {
    let (world, server, own) = world();
    std::fs::create_dir(world.path("root/data")).expect("a folder");
    std::fs::rename(&own, world.data("libtorch")).expect("it is ours");
    let before = world.names("root/data");
    let said = world.fetch(&[]);
    assert_eq!(said.sentence(), "libtorch 1.2.3: `data/libtorch` is your own, nothing to fetch");
    assert_eq!((world.names("root/data"), server.requests()), (before, 0));

    // An incomplete one is of no use.
    std::fs::remove_file(world.data("libtorch/lib/libc10.so")).expect("it is there");
    let said = world.fetch(&[]);
    assert!(said.stderr.contains("`data/libtorch` is not complete (it has no receipt)"), "{}", said.stderr);
    said.sentence();
    world.assert_installed();
}
