//! Fetches that were killed at any moment, and two at once.

use crate::server::Behaviour;
use crate::world::{COMPLETE, IMAGES, STUDY, Said, TEST, TRAIN, World, members, release, wait_until, zip};
use std::process::{Child, Stdio};
use std::time::Instant;

fn spawn(world: &World, arguments: &[&str]) -> Child {
    world.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Kills with SIGKILL: no code of the child runs after that.
fn kill(mut child: Child) {
    child.kill().expect("it is ours");
    child.wait().expect("it was started");
}

#[test]
fn a_killed_download_is_gone_on_with() {
    let (world, server) = World::with_server(release());
    server.set(Behaviour::StallAfter(100_000));
    let child = spawn(&world, &[]);
    wait_until("the first bytes are on the disk", || world.part() == Some(100_000));
    kill(child);
    assert!(!world.root(TRAIN).exists() && !world.root(TEST).exists());

    server.set(Behaviour::Serve);
    world.fetch(&[]).sentence();
    world.assert_whole(&STUDY);
    assert_eq!(server.header("range"), [None, Some("bytes=100000-".to_owned())]);
}

#[test]
fn killed_while_unpacking_it_leaves_nothing_in_place() {
    let world = World::new();
    world.pin("http://127.0.0.1:9/");
    let archive = world.write("large.zip", zip(&members(1000)));
    let from = ["--from", archive.to_str().expect("text")];
    let tree = world.root("data/.fetch/data-set/tree");
    // On a busy machine it may end before it is killed.
    let half = (0..10).any(|_| {
        let child = spawn(&world, &from);
        wait_until("the first images are on the disk", || tree.join("train/COVID-19").is_dir());
        kill(child);
        let half = tree.is_dir();
        for folder in [TRAIN, TEST] {
            assert!(!(half && world.root(folder).exists()), "{folder}");
            let _ = std::fs::remove_dir_all(world.root(folder));
        }
        half
    });
    assert!(half, "it was over ten times");

    world.fetch_from(&release(), &[]).sentence();
    world.assert_whole(&STUDY);
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_or_the_whole() {
    let (world, _server) = World::with_server(release());
    let start = Instant::now();
    world.fetch(&[]).sentence();
    let all_of_it = start.elapsed();
    for arguments in [&[][..], &["--force"]] {
        // Kills at moments over its whole duration, and after it.
        for step in 0..40 {
            let child = spawn(&world, arguments);
            std::thread::sleep(all_of_it * step / 30);
            kill(child);
            let (train, test) = (world.root(TRAIN), world.root(TEST));
            // The images to train on are put in place last and removed first.
            if train.exists() {
                let (train, test) = (world.names(TRAIN), world.names(TEST));
                assert_eq!((train.len(), test.len()), (3 + 3 * (IMAGES - 40), 1 + 3 * 40), "at step {step}");
            } else if test.exists() {
                assert_eq!(world.names(TEST).len(), 1 + 3 * 40, "at step {step}");
            }
            if arguments.is_empty() {
                let _ = std::fs::remove_dir_all(train);
                let _ = std::fs::remove_dir_all(test);
            }
        }
        world.fetch(arguments).sentence();
        world.assert_whole(&STUDY);
    }
}

#[test]
fn killed_between_the_two_renames_it_is_completed() {
    let world = World::new();
    world.fetch_from(&release(), &[]).sentence();
    // A kill between the two leaves this.
    std::fs::create_dir_all(world.root("data/.fetch/data-set/tree")).expect("a folder");
    std::fs::rename(world.root(TRAIN), world.root("data/.fetch/data-set/tree/train")).expect("it is there");
    assert!(world.fetch_from(&release(), &[]).sentence().contains("are ready"));
    world.assert_whole(&STUDY);
}

#[test]
fn of_two_at_once_the_second_waits() {
    let (world, server) = World::with_server(release());
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

    let end = |child: Child| Said::new(child.wait_with_output().expect("it ends"));
    let (first, second) = (end(first), end(second));
    assert!(first.sentence().contains("are ready, from Kaggle"), "{}", first.stdout);
    assert_eq!(second.sentence(), COMPLETE);
    assert_eq!(server.requests(), 1);
    world.assert_whole(&STUDY);
}
