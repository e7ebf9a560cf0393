//! Tests of the download of the archive: cut off, resumed, and checked.

use crate::server::{Behaviour, File};
use crate::world::{COMPLETE, STUDY, World, release};

const HALF: usize = 100_000;

/// Makes a world in which half of the archive is downloaded.
fn half_way() -> (World, crate::server::Server) {
    let (world, server) = World::with_server(release());
    server.set(Behaviour::CutAfter(HALF));
    let said = world.fetch(&[]);
    let message =
        format!("the download of {} was cut off after {HALF} of {} bytes", server.url, release().len());
    said.assert_error(&message, "run `cargo xtask fetch-data` again: it goes on from there");
    assert_eq!(world.part(), Some(HALF));
    (world, server)
}

#[track_caller]
fn assert_asked_for(server: &crate::server::Server, ranges: &[Option<&str>]) {
    let ranges: Vec<Option<String>> = ranges.iter().map(|range| range.map(str::to_owned)).collect();
    assert_eq!(server.header("range"), ranges);
}

#[test]
fn it_is_fetched_once() {
    let (world, server) = World::with_server(release());
    assert!(world.fetch(&[]).sentence().contains("are ready, from Kaggle, in "));
    world.assert_whole(&STUDY);
    assert_eq!(world.fetch(&[]).sentence(), COMPLETE);
    assert_eq!(server.requests(), 1, "nothing is fetched twice");
    world.fetch(&["--force"]).sentence();
    assert_eq!(server.requests(), 2);
    world.assert_whole(&STUDY);
}

#[test]
fn a_download_that_was_cut_off_is_gone_on_with() {
    let (world, server) = half_way();
    server.set(Behaviour::Serve);
    let said = world.fetch(&[]);
    assert!(said.stderr.contains("going on after "), "{}", said.stderr);
    said.sentence();
    world.assert_whole(&STUDY);
    assert_asked_for(&server, &[None, Some("bytes=100000-")]);
    assert_eq!(server.header("if-range"), [None, Some("\"one\"".to_owned())]);
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let (world, server) = half_way();
    server.set(Behaviour::ServeWhole);
    let said = world.fetch(&[]);
    assert!(!said.stderr.contains("going on after "), "{}", said.stderr);
    said.sentence();
    world.assert_whole(&STUDY);
    assert_asked_for(&server, &[None, Some("bytes=100000-")]);
}

#[test]
fn another_version_is_never_added_to_the_one_that_was_begun() {
    // Correct servers send all of it; faulty ones the rest, and then all when asked again.
    for (behaviour, requests) in [(Behaviour::Serve, 2), (Behaviour::IgnoreMark, 3)] {
        let (world, server) = half_way();
        let mut other = crate::world::members(crate::world::IMAGES);
        other.reverse();
        server.change(File { bytes: crate::world::zip(&other), etag: Some("\"two\""), ..File::default() });
        server.set(behaviour);
        let said = world.fetch(&[]);
        assert!(!said.stderr.contains("going on after "), "{}", said.stderr);
        said.sentence();
        world.assert_whole(&STUDY);
        assert_eq!(server.requests(), requests);
    }
}

#[test]
fn another_length_or_part_is_never_added_either() {
    let (world, server) = half_way();
    server.set(Behaviour::WrongPart);
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
    assert_asked_for(&server, &[None, Some("bytes=100000-"), None]);

    let (world, server) = half_way();
    let longer = [release(), vec![0; 10]].concat();
    server.change(File { bytes: longer, etag: Some("\"one\""), ..File::default() });
    server.set(Behaviour::IgnoreMark);
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
    assert_eq!(server.requests(), 3);
}

#[test]
fn without_a_mark_that_promises_the_same_bytes_it_begins_anew() {
    for etag in [None, Some("W/\"one\"")] {
        let (world, server) = World::with_server(release());
        server.change(File { bytes: release(), etag, ..File::default() });
        server.set(Behaviour::CutAfter(HALF));
        assert_eq!(world.fetch(&[]).code, Some(1));
        server.set(Behaviour::Serve);
        world.fetch(&[]).sentence();
        world.assert_whole(&STUDY);
        assert_asked_for(&server, &[None, None]);
    }
}

#[test]
fn a_part_that_is_too_long_or_has_no_note_is_of_no_use() {
    for spoil in ["too long", "no note", "half a note"] {
        let (world, server) = half_way();
        match spoil {
            "too long" => world.write("root/data/.fetch/data-set/archive.part", vec![7; release().len() + 1]),
            "no note" => {
                std::fs::remove_file(world.root("data/.fetch/data-set/archive.json")).expect("it is there");
                world.path("")
            }
            _ => world.write("root/data/.fetch/data-set/archive.json", "{\"etag\":"),
        };
        server.set(Behaviour::Serve);
        world.fetch(&[]).sentence();
        world.assert_whole(&STUDY);
        assert_asked_for(&server, &[None, None]);
    }
}

#[test]
fn a_part_that_is_all_there_is_not_asked_for_again() {
    let (world, server) = half_way();
    // A call that was killed after the download leaves this.
    world.write("root/data/.fetch/data-set/archive.part", release());
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_server_that_announces_no_length_is_believed_to_its_end() {
    let (world, server) = World::with_server(release());
    server.set(Behaviour::NoLength);
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
}

#[test]
fn the_md5_that_the_storage_host_announces_is_checked() {
    // `md5sum` of the bytes in base64, beside another sum as the real one sends it.
    let md5 = |bytes: &[u8]| {
        use base64::Engine as _;
        use md5::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(bytes))
    };
    for (headers, right) in [
        (vec![format!("x-goog-hash: crc32c=AAAAAA==,md5={}", md5(&release()))], true),
        (
            vec!["x-goog-hash: crc32c=AAAAAA==".to_owned(), format!("X-Goog-Hash: md5={}", md5(b"others"))],
            false,
        ),
    ] {
        let (world, server) = World::with_server(release());
        server.change(File { bytes: release(), etag: Some("\"one\""), headers });
        let said = world.fetch(&[]);
        if right {
            said.sentence();
            world.assert_whole(&STUDY);
            continue;
        }
        let message = format!("wrong md5 of {}: expected ", server.url);
        said.assert_error(&message, "the file is not used; run this again, or open https://page.example");
        world.assert_nothing();

        // It is not resumed either, nor is a cut-off file that was completed with other bytes.
        server.set(Behaviour::CutAfter(HALF));
        assert_eq!(world.fetch(&[]).code, Some(1));
        server.set(Behaviour::Serve);
        world.fetch(&[]).assert_error(&message, "the file is not used");
        assert_asked_for(&server, &[None, None, Some("bytes=100000-")]);
        world.assert_nothing();
    }
}

#[test]
fn an_archive_of_an_absurd_size_is_not_begun() {
    let (world, server) = World::with_server(release());
    server.set(Behaviour::Announce(11 << 30));
    let message = "the server's archive has 11811160064 bytes, which is none of this data set";
    world.fetch(&[]).assert_error(message, "open https://page.example");
    assert_eq!(world.part(), None);
}

#[test]
fn a_bad_archive_from_the_network_is_not_kept() {
    let (world, server) = World::with_server(b"no zip file".to_vec());
    let said = world.fetch(&[]);
    said.assert_error(
        "Kaggle's archive is no readable zip file (",
        "nothing of it is used; open https://page.example",
    );
    world.assert_nothing();
    server.change(File { bytes: release(), etag: Some("\"two\""), ..File::default() });
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
    assert_asked_for(&server, &[None, None]);
}
