//! Requests to Kaggle: the hosts that get the token, and the messages for refusals.

use crate::server::{Behaviour, File, Server};
use crate::world::{PAGE, STUDY, Said, World, release};
use std::process::Command;

/// Starts Kaggle, which redirects, and the storage host behind it.
fn world_and_hosts() -> (World, Server, Server) {
    let world = World::new();
    let storage = Server::start(File { bytes: release(), etag: Some("\"one\""), ..File::default() });
    let kaggle = Server::start(File::default());
    kaggle.set(Behaviour::Redirect(format!("{}?X-Goog-Signature=5ec2e7", storage.url)));
    world.pin(&kaggle.url);
    (world, kaggle, storage)
}

fn run(mut command: Command) -> Said {
    Said::new(command.output().expect("it starts"))
}

/// Checks that the output contains neither token nor signature.
#[track_caller]
fn assert_discreet(said: &Said) {
    for secret in ["s3cret", "dXNlcjpzM2NyZXQ=", "5ec2e7"] {
        assert!(
            !said.stderr.contains(secret) && !said.stdout.contains(secret),
            "{}{}",
            said.stdout,
            said.stderr
        );
    }
}

#[test]
fn without_a_token_none_is_sent() {
    let (world, kaggle, storage) = world_and_hosts();
    let said = world.fetch(&[]);
    assert!(said.sentence().contains("are ready, from Kaggle, in "), "{}", said.stdout);
    world.assert_whole(&STUDY);
    assert_eq!((kaggle.header("authorization"), storage.header("authorization")), (vec![None], vec![None]));
    assert_eq!(storage.header("accept-encoding"), [Some("identity".to_owned())]);
}

#[test]
fn a_token_reaches_kaggle_and_nobody_else() {
    // `printf user:s3cret | base64`
    let basic = "Basic dXNlcjpzM2NyZXQ=";
    let json = r#"{"username": "user", "key": "s3cret"}"#;
    type SetUp = fn(&World, &mut Command, &str);
    let cases: [(&str, SetUp); 5] = [
        (basic, |_, command, _| {
            command.env("KAGGLE_USERNAME", "user").env("KAGGLE_KEY", "s3cret");
        }),
        (basic, |world, _, json| {
            world.write("home/.kaggle/kaggle.json", json);
        }),
        (basic, |world, command, json| {
            world.write("elsewhere/kaggle.json", json);
            command.env("KAGGLE_CONFIG_DIR", world.path("elsewhere"));
        }),
        ("Bearer s3cret", |_, command, _| {
            command.env("KAGGLE_API_TOKEN", "s3cret");
        }),
        ("Bearer s3cret", |world, _, json| {
            world.write("home/.kaggle/access_token", "s3cret\n");
            world.write("home/.kaggle/kaggle.json", json);
        }),
    ];
    for (expected, set_up) in cases {
        let (world, kaggle, storage) = world_and_hosts();
        let mut command = world.command(&[]);
        set_up(&world, &mut command, json);
        let said = run(command);
        said.sentence();
        assert_discreet(&said);
        world.assert_whole(&STUDY);
        assert_eq!(kaggle.header("authorization"), [Some(expected.to_owned())]);
        assert_eq!(storage.header("authorization"), [None]);
        for bytes in world.files("data").into_values() {
            assert!(!bytes.windows(6).any(|window| window == b"s3cret" || window == b"5ec2e7"));
        }
    }
}

#[test]
fn a_token_file_that_holds_none_is_an_error_that_does_not_quote_it() {
    for (file, text) in [
        ("kaggle.json", "s3cret"),
        ("kaggle.json", r#"{"username": "user", "token": "s3cret"}"#),
        ("access_token", "s3cret\nand more"),
    ] {
        let (world, kaggle, _storage) = world_and_hosts();
        let file = world.write(&format!("home/.kaggle/{file}"), text);
        let said = world.fetch(&[]);
        let message = format!("`{}` holds no Kaggle token", file.display());
        said.assert_error(&message, "the data set can be had without");
        assert_discreet(&said);
        assert_eq!(kaggle.requests(), 0);
        world.assert_nothing();
    }
}

#[test]
fn a_refusal_says_what_helps_and_how_to_go_without() {
    let by_hand = format!(
        "open {PAGE}, press Download, leave the file as `archive.zip` in `~/Downloads`, and run: \
         cargo xtask fetch-data --from ~/Downloads/archive.zip"
    );
    for (status, header, helps) in [
        (
            401,
            "",
            "give a Kaggle token (KAGGLE_USERNAME and KAGGLE_KEY, or `~/.kaggle/kaggle.json`) and run this again",
        ),
        (403, "", "give a Kaggle token"),
        (404, "", "see whether the data set has moved"),
        (429, "", "wait a while and run this again"),
        (429, "Retry-After: 120\r\n", "wait 120 s and run this again"),
        (500, "", "run this again later"),
        (503, "", "run this again later"),
        (416, "", "see whether the data set has moved"),
    ] {
        for whose in ["Kaggle's", "the storage host's"] {
            let (world, kaggle, storage) = world_and_hosts();
            let refuses = if whose == "Kaggle's" { &kaggle } else { &storage };
            refuses.set(Behaviour::Status(status, header));
            let said = world.fetch(&[]);
            said.assert_error("the data set could not be fetched from Kaggle", helps);
            said.assert_hint(&format!(", or {by_hand}"));
            said.assert_cause(&format!("cannot fetch {}", kaggle.url));
            said.assert_cause(&format!("the server answers `{status} "));
            assert_discreet(&said);
            world.assert_nothing();
        }
    }
}

#[test]
fn a_refused_token_is_named_by_its_place() {
    let (world, kaggle, _storage) = world_and_hosts();
    kaggle.set(Behaviour::Status(401, ""));
    let file = world.write("home/.kaggle/kaggle.json", r#"{"username": "user", "key": "s3cret"}"#);
    let said = world.fetch(&[]);
    let helps = format!("make a new token in place of that in `{}`", file.display());
    said.assert_error("the data set could not be fetched from Kaggle", &helps);
    assert_discreet(&said);
    world.assert_nothing();
}

#[test]
fn a_page_is_not_taken_for_the_archive() {
    let (world, _kaggle, storage) = world_and_hosts();
    storage.set(Behaviour::CutAfter(100_000));
    assert_eq!(world.fetch(&[]).code, Some(1));
    storage.set(Behaviour::Page);
    let said = world.fetch(&[]);
    said.assert_error("the data set could not be fetched from Kaggle", "open https://page.example");
    said.assert_cause("the answer is a page, not the archive");
    assert_eq!(world.part(), Some(100_000), "no page is written over it");
}

#[test]
fn redirects_that_lead_nowhere_are_an_error() {
    let (world, kaggle, _storage) = world_and_hosts();
    for (to, why) in [
        ("file:///etc/passwd", "127.0.0.1 redirects, but"),
        ("ftp://127.0.0.1/archive", "to no address of the web"),
        ("", "to no address"),
        ("/archive", "more than 10 redirects"),
    ] {
        kaggle.set(Behaviour::Redirect(to.into()));
        let said = world.fetch(&[]);
        said.assert_error("the data set could not be fetched from Kaggle", "open https://page.example");
        said.assert_cause(why);
        world.assert_nothing();
    }
}

#[test]
fn where_the_network_does_not_reach_one_is_told_what_to_do_by_hand() {
    let world = World::new();
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    world.pin(&format!("http://{address}/archive"));
    let said = world.fetch(&[]);
    said.assert_error(
        "the data set could not be fetched from Kaggle",
        &format!("open {PAGE}, press Download, leave the file as `archive.zip` in `~/Downloads`, and run: cargo xtask"),
    );
    said.assert_cause("127.0.0.1 cannot be reached");
    world.assert_nothing();
}
