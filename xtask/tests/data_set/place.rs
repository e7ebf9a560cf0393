//! Tests with files that are already in the folders' places.

use crate::server::Behaviour;
use crate::world::{ALL, COMPLETE, STUDY, Said, TEST, TRAIN, World, release, wait_until};
use std::process::Stdio;

#[test]
fn a_folder_that_is_not_ours_is_never_touched() {
    for folder in [TRAIN, TEST] {
        for arguments in [&[][..], &["--force"]] {
            let (world, server) = World::with_server(release());
            world.write(&format!("root/{folder}/NORMAL/mine.png"), "the user's");
            let before = world.files("data");
            for said in [world.fetch(arguments), world.fetch_from(&release(), arguments)] {
                said.assert_error(
                    &format!("`{folder}` is there already and was not put there by this task"),
                    "it is left as it is: use it, or move it away and run this again",
                );
                let mut after = world.files("data");
                after.remove(".fetch.lock");
                assert_eq!(after, before);
            }
            assert_eq!(server.requests(), 0);
        }
    }
}

#[test]
fn nor_is_one_that_appeared_during_the_download() {
    for folder in [TRAIN, TEST] {
        let (world, server) = World::with_server(release());
        server.set(Behaviour::StallAfter(100_000));
        let mut command = world.command(&[]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        wait_until("it fetches", || server.requests() == 1);
        let mine = world.write(&format!("root/{folder}/NORMAL/mine.png"), "the user's");
        server.release();
        let said = Said::new(child.wait_with_output().expect("it ends"));
        said.assert_error(&format!("`{folder}` is there already"), "it is left as it is");
        assert_eq!(std::fs::read(mine).expect("it is there"), b"the user's");
        assert_eq!(world.names(TRAIN).len() + world.names(TEST).len(), 1);
        assert_eq!(world.part(), Some(release().len()), "what was downloaded is kept");
    }
}

#[test]
fn a_link_or_a_file_in_its_place_is_not_ours_either() {
    let world = World::new();
    world.write("elsewhere/NORMAL/mine.png", "the user's");
    std::fs::create_dir_all(world.root("data")).expect("a folder");
    std::os::unix::fs::symlink(world.path("elsewhere"), world.root(TRAIN)).expect("a link");
    world
        .fetch_from(&release(), &["--force"])
        .assert_error("was not put there by this task", "it is left as it is");
    assert!(world.root(TRAIN).is_symlink());
    assert!(world.path("elsewhere/NORMAL/mine.png").is_file());

    let world = World::new();
    world.write(&format!("root/{TEST}"), "a file");
    world
        .fetch_from(&release(), &["--force"])
        .assert_error("was not put there by this task", "it is left as it is");
    assert_eq!(std::fs::read(world.root(TEST)).expect("it is there"), b"a file");
}

#[test]
fn an_empty_folder_is_as_good_as_none() {
    let world = World::new();
    for folder in [TRAIN, TEST] {
        std::fs::create_dir_all(world.root(folder)).expect("a folder");
    }
    world.fetch_from(&release(), &[]).sentence();
    world.assert_whole(&STUDY);
}

#[test]
fn other_classes_take_force() {
    let world = World::new();
    world.fetch_from(&release(), &[]).sentence();
    let said = world.fetch_from(&release(), &["--all-classes"]);
    said.assert_error(&format!("`{TRAIN}` holds the study's classes"), "add `--force`");
    world.assert_whole(&STUDY);
    world.fetch_from(&release(), &["--all-classes", "--force"]).sentence();
    world.assert_whole(&ALL);
    let said = world.fetch_from(&release(), &[]);
    said.assert_error(&format!("`{TRAIN}` holds all classes by the archive's names"), "add `--force`");
    world.assert_whole(&ALL);
}

#[test]
fn what_was_changed_is_said_and_not_mended_unasked() {
    let hint = "to put the data set there anew, run `cargo xtask fetch-data --force`";
    let image = |world: &World| {
        let name = world.names(TRAIN).into_iter().find(|name| name.starts_with("NORMAL/")).expect("one");
        world.root(TRAIN).join(name)
    };
    type Damage = fn(&World, &std::path::Path);
    let cases: [(&str, Damage); 3] = [
        ("has gone since it was put there", |_, image| std::fs::remove_file(image).expect("it is there")),
        ("has been changed since it was put there", |_, image| {
            std::fs::write(image, "short").expect("a file");
        }),
        ("is there, but not its test images in `data/COVID-19 Radiography Database Test`", |world, _| {
            std::fs::remove_dir_all(world.root(TEST)).expect("it is there");
        }),
    ];
    for (message, damage) in cases {
        let world = World::new();
        world.fetch_from(&release(), &[]).sentence();
        damage(&world, &image(&world));
        let before = world.files("data");
        world.fetch_from(&release(), &[]).assert_error(message, hint);
        assert_eq!(world.files("data"), before);
        world.fetch_from(&release(), &["--force"]).sentence();
        world.assert_whole(&STUDY);
    }
}

#[test]
fn files_of_the_users_are_not_lost_to_force() {
    for folder in [TRAIN, TEST] {
        let world = World::new();
        world.fetch_from(&release(), &[]).sentence();
        world.write(&format!("root/{folder}/NORMAL/mine.png"), "the user's");
        assert_eq!(world.fetch_from(&release(), &[]).sentence(), COMPLETE);
        let before = world.files("data");
        world.fetch_from(&release(), &["--force"]).assert_error(
            &format!("`{folder}/NORMAL/mine.png` is not of this data set and would be lost"),
            "move it away, then run this again",
        );
        assert_eq!(world.files("data"), before);
    }
}

#[test]
fn a_data_folder_that_cannot_be_written_is_an_error_with_its_path() {
    let world = World::new();
    let data = world.write("root/data", "a file in its place");
    let message = format!("cannot write `{}`", data.display());
    world.fetch_from(&release(), &[]).assert_error(&message, "make that place writable for you");
    assert_eq!(std::fs::read(&data).expect("it is there"), b"a file in its place");
}
