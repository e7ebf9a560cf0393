//! Tests of the members that are taken of each release, and of the test images.

use crate::world::{
    ALL, COMPLETE, IMAGES, STUDY, TEST, TRAIN, World, image, members, members_of_2020, release, zip,
};
use sha2::{Digest as _, Sha256};

#[test]
fn the_three_classes_of_the_study_by_its_names_are_the_default() {
    let world = World::new();
    let said = world.fetch_from(&zip(&renamed(members(IMAGES))), &[]);
    let start = "data set: `data/COVID-19 Radiography Database` (COVID-19 5, NORMAL 5, Viral Pneumonia 5) and \
                 `data/COVID-19 Radiography Database Test` (40 a class) are ready, from `archive.zip`, in ";
    assert!(said.sentence().starts_with(start), "{}", said.stdout);
    let names = world.names(TRAIN);
    assert!(names.iter().all(|name| !name.contains("masks") && !name.contains("Lung")), "{names:?}");
    world.assert_whole(&STUDY);

    let said = world.fetch_from(&release(), &[]);
    assert_eq!(said.sentence(), COMPLETE, "nothing is unpacked twice");
}

/// Removes the folder around the release, as a repacked archive may.
fn renamed(members: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let top = "COVID-19_Radiography_Dataset/";
    members.into_iter().map(|(name, bytes)| (name.trim_start_matches(top).to_owned(), bytes)).collect()
}

#[test]
fn all_classes_keep_the_archives_names() {
    let world = World::new();
    let said = world.fetch_from(&release(), &["--all-classes"]);
    assert!(
        said.sentence().contains("(COVID 5, Lung_Opacity 5, Normal 5, Viral Pneumonia 5)"),
        "{}",
        said.stdout
    );
    world.assert_whole(&ALL);
}

#[test]
fn the_release_of_2020_is_known_by_its_contents() {
    for arguments in [&[][..], &["--all-classes"]] {
        let world = World::new();
        world.fetch_from(&zip(&members_of_2020(IMAGES)), arguments).sentence();
        world.assert_whole(&STUDY);
    }
}

#[test]
fn the_test_images_are_those_of_the_lowest_digests() {
    let world = World::new();
    let mut other_order = members(IMAGES);
    other_order.reverse();
    world.fetch_from(&zip(&other_order), &[]).sentence();
    let mut names: Vec<String> = (1..=IMAGES).map(|i| format!("Normal-{i}.png")).collect();
    // `printf '28 Normal-1.png' | sha256sum`, see the guide, data.md.
    names.sort_by_key(|name| Sha256::digest(format!("28 {name}")).to_vec());
    let expected: std::collections::BTreeSet<String> =
        names[..40].iter().map(|name| format!("NORMAL/{name}")).collect();
    let found = world.names(TEST).into_iter().filter(|name| name.starts_with("NORMAL/")).collect();
    assert_eq!(expected, found);
}

#[test]
fn the_receipt_says_where_it_came_from_and_how_the_test_was_chosen() {
    let world = World::new();
    world.fetch_from(&release(), &[]).sentence();
    for (folder, files) in [(TRAIN, 3 * 5 + 2), (TEST, 3 * 40)] {
        let receipt = &world.files(folder)[".receipt.json"];
        let receipt: serde_json::Value = serde_json::from_slice(receipt).expect("JSON");
        assert_eq!(receipt["source"], "`archive.zip`");
        assert_eq!((&receipt["all_classes"], &receipt["seed"]), (&false.into(), &28.into()));
        assert_eq!(receipt["test_per_class"], 40);
        let listed = receipt["files"].as_object().expect("an object");
        assert_eq!(listed.len(), files);
        for (name, bytes) in listed.iter().filter(|(name, _)| name.contains('/')) {
            let file = name.rsplit('/').next().expect("it has one");
            assert_eq!(*bytes, image(file).len(), "{name}");
        }
    }
}

#[test]
fn what_is_no_image_of_a_class_is_left_out() {
    let world = World::new();
    let mut members = members(IMAGES);
    for name in [
        "__MACOSX/COVID-19_Radiography_Dataset/COVID/images/._COVID-1.png",
        "COVID-19_Radiography_Dataset/COVID/images/Thumbs.db",
        "COVID-19_Radiography_Dataset/Other/images/1.png",
        "COVID-19_Radiography_Dataset/script.py",
        "COVID-19_Radiography_Dataset/COVID/images/deeper/1.png",
    ] {
        members.push((name.to_owned(), b"not an image".to_vec()));
    }
    world.fetch_from(&zip(&members), &[]).sentence();
    world.assert_whole(&STUDY);
}

#[test]
fn an_archive_without_enough_of_every_class_is_refused() {
    let without = |class: &str| {
        let start = format!("COVID-19_Radiography_Dataset/{class}/images/");
        let mut members = members(IMAGES);
        members.retain(|(name, _)| !name.starts_with(&start));
        zip(&members)
    };
    let other = zip(&[("photos/holiday/1.png".to_owned(), image("1.png"))]);
    for (archive, arguments, why) in [
        (without("Normal"), &[][..], "holds no images of class NORMAL"),
        (without("COVID"), &["--all-classes"], "holds no images of class COVID-19"),
        (
            zip(&members(40)),
            &[],
            "holds 40 images of class COVID-19: 40 are kept for the test, and none would be left",
        ),
        (other, &[], "holds no class of the COVID-19 Radiography Database"),
    ] {
        let world = World::new();
        world
            .fetch_from(&archive, arguments)
            .assert_error(why, "nothing of it is used; open https://page.example");
        world.assert_nothing();
    }
}

#[test]
fn a_file_that_is_not_there_or_no_archive_is_an_error() {
    let world = World::new();
    world.pin("http://127.0.0.1:9/");
    let nowhere = world.path("nowhere.zip");
    let said = world.fetch(&["--from", nowhere.to_str().expect("text")]);
    said.assert_error(&format!("`{}` is not there", nowhere.display()), "open https://page.example");
    let home = world.path("home");
    let said = world.fetch(&["--from", home.to_str().expect("text")]);
    said.assert_error(&format!("`{}` is a folder, not an archive", home.display()), "press Download");
    assert_eq!(world.names("data"), [].into());

    let half = &release()[..50_000];
    for bytes in [half, b"<html>please log in</html>", b""] {
        let said = world.fetch_from(bytes, &[]);
        let message = format!("`{}` is no readable zip file (", world.path("archive.zip").display());
        said.assert_error(&message, "nothing of it is used; open https://page.example");
        world.assert_nothing();
    }
}
