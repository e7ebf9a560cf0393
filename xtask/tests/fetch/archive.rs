//! Tests of the first route, PyTorch's archive: its members, refusals, and the change to the second route.

use crate::server::{Behaviour, Server};
use crate::world::{LIBRARY_BYTES, Member, World, archive, library, pins, sha256, zip};
use serde_json::json;

fn world_and_server() -> (World, Server) {
    let world = World::new();
    let server = Server::start(archive());
    world.pin(&pins(&server.url, &archive()));
    (world, server)
}

/// Returns the path of the one file in which a download is kept until it is complete.
fn part(world: &World) -> std::path::PathBuf {
    world.data(&format!(".fetch/libtorch/{:.16}.part", sha256(&archive())))
}

#[test]
fn an_archive_is_fetched_once() {
    let (world, server) = world_and_server();
    let said = world.fetch(&[]);
    let start = "libtorch 1.2.3: `data/libtorch` is ready, from PyTorch's archive, in ";
    assert!(said.sentence().starts_with(start), "{}", said.stdout);
    world.assert_installed();
    let receipt = std::fs::read_to_string(world.data("libtorch/receipt.json")).expect("it is there");
    let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("JSON");
    assert_eq!(receipt["build_version"], "1.2.3+cpu");
    assert_eq!(receipt["files"]["lib/libtorch_cpu.so"], LIBRARY_BYTES);
    assert_eq!(server.ranges(), [None]);

    let said = world.fetch(&[]);
    assert_eq!(said.sentence(), "libtorch 1.2.3: `data/libtorch` is complete, nothing to fetch");
    assert_eq!(server.requests(), 1, "nothing is fetched twice");
    world.assert_installed();

    assert!(world.fetch(&["--force"]).sentence().starts_with(start));
    assert_eq!(server.requests(), 2);
    world.assert_installed();
    assert!(world.pip_calls().is_empty());
}

#[test]
fn a_wrong_sha256_is_an_error_with_both() {
    let (world, server) = world_and_server();
    let mut pins = pins(&server.url, &archive());
    pins["archive"]["sha256"] = json!("0".repeat(64));
    world.pin(&pins);
    let said = world.fetch(&[]);
    let (expected, found) = ("0".repeat(64), sha256(&archive()));
    said.assert_error(
        &format!("wrong sha256 of {}: expected {expected}, found {found}", server.url),
        "the file is not used; run this again",
    );
    world.assert_no_libtorch();
    // It cannot be resumed, so it is not kept either.
    assert!(world.names("root/data").iter().all(|name| !name.ends_with(".part")));
    assert!(world.pip_calls().is_empty(), "a wrong file is nothing to work around");
}

#[test]
fn a_download_that_was_cut_off_is_gone_on_with() {
    for cut in [Behaviour::CutAfter(100_000), Behaviour::EndAfter(100_000)] {
        let (world, server) = world_and_server();
        server.set(cut);
        let said = world.fetch(&[]);
        let message =
            format!("the download of {} was cut off after 100000 of {} bytes", server.url, archive().len());
        said.assert_error(&message, "run `cargo xtask fetch-weights` again: it goes on from there");
        world.assert_no_libtorch();
        assert_eq!(part(&world).metadata().expect("it is kept").len(), 100_000);

        server.set(Behaviour::Serve);
        let said = world.fetch(&[]);
        assert!(said.stderr.contains("going on after "), "{}", said.stderr);
        said.sentence();
        world.assert_installed();
        assert_eq!(server.ranges(), [None, Some("bytes=100000-".into())]);
    }
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let (world, server) = world_and_server();
    server.set(Behaviour::CutAfter(100_000));
    assert_eq!(world.fetch(&[]).code, Some(1));
    server.set(Behaviour::ServeWhole);
    let said = world.fetch(&[]);
    said.sentence();
    assert!(!said.stderr.contains("going on after "), "{}", said.stderr);
    world.assert_installed();
    assert_eq!(server.ranges(), [None, Some("bytes=100000-".into())]);
}

#[test]
fn a_part_that_is_all_there_is_used_and_one_that_is_too_long_is_not() {
    for bytes in [json!(archive().len()), json!(null)] {
        let (world, server) = world_and_server();
        let mut pins = pins(&server.url, &archive());
        pins["archive"]["bytes"] = bytes;
        world.pin(&pins);
        std::fs::create_dir_all(world.data(".fetch/libtorch")).expect("a folder");
        std::fs::write(part(&world), archive()).expect("a file");
        world.fetch(&[]).sentence();
        world.assert_installed();
        assert_eq!(server.requests(), 0, "as left by a fetch that was killed after the download");

        std::fs::create_dir_all(world.data(".fetch/libtorch")).expect("a folder");
        std::fs::write(part(&world), vec![7; archive().len() + 1]).expect("a file");
        world.fetch(&["--force"]).sentence();
        world.assert_installed();
        assert_eq!(server.ranges(), [Some(format!("bytes={}-", archive().len() + 1)), None]);
    }
}

#[test]
fn an_answer_that_cannot_be_the_file_leads_to_the_second_route() {
    for (behaviour, why) in [
        (Behaviour::Page, "the answer is a text page, not the file"),
        (Behaviour::NotFound, "the server answers `404 Not Found`"),
        (Behaviour::WrongPart, "the server sent another part of the file than asked for"),
    ] {
        let (world, server) = world_and_server();
        let mut pins = pins(&server.url, &archive());
        pins["wheels"] =
            json!([{"package": "torch==1.2.3", "pip": [], "sha256": "", "take": [], "members": []}]);
        world.pin(&pins);
        server.set(Behaviour::CutAfter(100_000));
        assert_eq!(world.fetch(&[]).code, Some(1));
        assert!(world.pip_calls().is_empty());

        server.set(behaviour);
        let said = world.fetch(&[]);
        said.assert_error("libtorch could not be fetched by either route", "use `--from DIR`");
        assert!(said.stderr.contains(why), "no `{why}` in:\n{}", said.stderr);
        assert!(said.stderr.contains("pip could not download torch==1.2.3"), "{}", said.stderr);
        assert_eq!(world.pip_calls().len(), 1);
        world.assert_no_libtorch();
        assert_eq!(part(&world).metadata().expect("it is kept").len(), 100_000, "no page is written over it");
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_where_there_is_no_second_route() {
    let world = World::new();
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    world.pin(&pins(&format!("http://{address}/libtorch.zip"), &archive()));
    let said = world.fetch(&[]);
    said.assert_error("libtorch could not be fetched", "cargo xtask fetch-weights --libtorch DIR");
    assert!(
        said.stderr.contains(&format!("caused by: cannot fetch http://{address}/libtorch.zip")),
        "{}",
        said.stderr
    );
    world.assert_no_libtorch();
}

#[test]
fn a_member_that_is_not_what_is_pinned_is_never_installed() {
    let (world, server) = world_and_server();
    let mut pins = pins(&server.url, &archive());
    pins["archive"]["members"] = json!([{"path": "lib/libc10.so", "sha256": "1".repeat(64)}]);
    world.pin(&pins);
    let said = world.fetch(&[]);
    said.assert_error("libtorch could not be fetched", "");
    let why =
        format!("wrong sha256 of `lib/libc10.so`: expected {}, found {}", "1".repeat(64), sha256(b"c10"));
    assert!(said.stderr.contains(&why), "{}", said.stderr);
    world.assert_no_libtorch();

    pins["archive"]["members"] = json!([{"path": "lib/libc10.so", "sha256": sha256(b"c10")}]);
    world.pin(&pins);
    world.fetch(&[]).sentence();
    world.assert_installed();
}

#[test]
fn an_archive_of_another_version_is_never_installed() {
    let world = World::new();
    let other = zip(&[
        Member::File("libtorch/build-version", b"1.2.2+cpu\n"),
        Member::File("libtorch/lib/libc10.so", b""),
    ]);
    let server = Server::start(other.clone());
    world.pin(&pins(&server.url, &other));
    world.fetch(&[]).assert_error("this libtorch is 1.2.2+cpu, not 1.2.3+cpu", "fetch the version named");
    world.assert_no_libtorch();
}

#[test]
fn an_archive_that_reaches_outside_is_refused_as_a_whole() {
    let outside = tempfile::tempdir().expect("a temporary folder");
    let target = outside.path().to_str().expect("text");
    let absolute = format!("{target}/evil");
    let upwards = "libtorch/lib/../../../../../evil";
    let through = format!("libtorch/lib/out -> {target}");
    let cases: [(&str, Vec<Member<'_>>); 5] = [
        (upwards, vec![Member::File(upwards, b"evil")]),
        ("../evil", vec![Member::File("../evil", b"evil")]),
        (&absolute, vec![Member::File(&absolute, b"evil")]),
        (
            &through,
            vec![Member::Link("libtorch/lib/out", target), Member::File("libtorch/lib/out/evil", b"evil")],
        ),
        ("libtorch/lib/up -> ../../evil", vec![Member::Link("libtorch/lib/up", "../../evil")]),
    ];
    for (name, evil) in cases {
        let version = Member::File("libtorch/build-version", b"1.2.3+cpu\n");
        let bytes = library();
        let members: Vec<Member<'_>> =
            [version, Member::File("libtorch/lib/libtorch_cpu.so", &bytes)].into_iter().chain(evil).collect();
        let hostile = zip(&members);
        let world = World::new();
        let server = Server::start(hostile.clone());
        world.pin(&pins(&server.url, &hostile));
        let said = world.fetch(&[]);
        said.assert_error(
            &format!("holds `{name}`, which would lie outside the folder it is unpacked to"),
            "nothing of it is used",
        );
        world.assert_no_libtorch();
        let left = [".fetch.lock".to_owned(), format!(".fetch/libtorch/{:.16}.part", sha256(&hostile))];
        assert_eq!(world.names("root/data"), left.into());
        assert!(world.names("").iter().all(|name| !name.ends_with("evil")), "{:?}", world.names(""));
        assert_eq!(
            std::fs::read_dir(outside.path()).expect("it is there").count(),
            0,
            "written outside: {name}"
        );
    }
}

#[test]
fn a_file_that_is_no_archive_is_an_error() {
    let world = World::new();
    let server = Server::start(b"no zip file".to_vec());
    world.pin(&pins(&server.url, b"no zip file"));
    let said = world.fetch(&[]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("is no readable zip file"), "{}", said.stderr);
    world.assert_no_libtorch();
}
