use std::{fs, path::PathBuf};

use super::*;
use crate::LeftOut;
use crate::{Formats, GroupRule};

/// A folder with these files, each of which holds its own name.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

fn listed(root: &Path, formats: Formats) -> Listing {
    open(root, &OpenOptions { formats, ..OpenOptions::KERAS }).unwrap()
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.samples.iter().map(|sample| sample.name.as_str()).collect()
}

/// Files and folders left out, below the root, with the reasons.
fn left_out(listing: &Listing) -> Vec<(String, Reason)> {
    let below = |left: &LeftOut| left.path.strip_prefix(&listing.root).unwrap().display().to_string();
    let mut all: Vec<_> = listing.left_out.iter().map(|left| (below(left), left.reason)).collect();
    all.sort();
    all
}

fn same(expected: &[(&str, Reason)]) -> Vec<(String, Reason)> {
    expected.iter().map(|(path, reason)| ((*path).to_owned(), *reason)).collect()
}

#[test]
fn the_present_release_is_listed_without_its_masks() {
    let folder = folder(&[
        "COVID/images/COVID-1.png",
        "COVID/masks/COVID-1.png",
        "COVID/notes.txt",
        "Lung_Opacity/images/Lung_Opacity-1.png",
        "Lung_Opacity/masks/Lung_Opacity-1.png",
        "Normal/images/Normal-1.png",
        "Normal/images/Normal-2.png",
        "Normal/masks/Normal-1.png",
        "Viral Pneumonia/images/Viral Pneumonia-1.png",
        "Viral Pneumonia/masks/Viral Pneumonia-1.png",
        "COVID.metadata.xlsx",
        "README.md.txt",
    ]);
    let listing = listed(folder.path(), Formats::Keras);
    assert_eq!(listing.layout, Layout::ImagesAndMasks);
    assert_eq!(listing.labels(), ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]);
    assert_eq!(listing.counts(), [1, 1, 2, 1]);
    assert_eq!(listing.samples[0].name, "COVID/images/COVID-1.png");
    assert_eq!(
        left_out(&listing),
        same(&[
            ("COVID.metadata.xlsx", Reason::NoImage),
            ("COVID/masks", Reason::Masks),
            ("COVID/notes.txt", Reason::BesideImages),
            ("Lung_Opacity/masks", Reason::Masks),
            ("Normal/masks", Reason::Masks),
            ("README.md.txt", Reason::NoImage),
            ("Viral Pneumonia/masks", Reason::Masks),
        ])
    );
    // The study's names for two of its classes.
    let named = ["COVID-19=COVID", "NORMAL=Normal"].map(|name| name.parse().unwrap());
    let options = OpenOptions { classes: Classes::Named(&named), ..OpenOptions::KERAS };
    let listing = open(folder.path(), &options).unwrap();
    assert_eq!((listing.labels(), listing.counts()), (vec!["COVID-19".into(), "NORMAL".into()], vec![1, 2]));
    assert!(left_out(&listing).contains(&("Lung_Opacity".into(), Reason::NotAClass)));
}

/// Keras lists them so: only what stands beside masks is told apart.
#[test]
fn images_without_masks_are_folders_like_others() {
    let folder = folder(&["a/images/1.png", "a/2.png", "b/masks/1.png"]);
    let listing = listed(folder.path(), Formats::Keras);
    assert_eq!(listing.layout, Layout::ClassFolders);
    assert_eq!(names(&listing), ["a/2.png", "a/images/1.png", "b/masks/1.png"]);
}

#[test]
fn folders_for_training_and_test_set_the_part() {
    let folder = folder(&[
        "Train/a/1.png",
        "Train/a/2.png",
        "Train/b/1.png",
        "TEST/a/3.png",
        "TEST/b/2.png",
        "valid/a/4.png",
        "valid/b/3.png",
        "docs/about.txt",
        "labels.csv",
    ]);
    let mut listing = listed(folder.path(), Formats::Keras);
    assert_eq!(listing.layout, Layout::Parts);
    assert_eq!(
        names(&listing),
        [
            "Train/a/1.png",
            "Train/a/2.png",
            "valid/a/4.png",
            "TEST/a/3.png",
            "Train/b/1.png",
            "valid/b/3.png",
            "TEST/b/2.png"
        ]
    );
    assert_eq!(Part::ALL.map(|part| listing.counts_of(part)), [vec![2, 1], vec![1, 1], vec![1, 1]]);
    let beside = [("docs", Reason::OutsideOfParts), ("labels.csv", Reason::OutsideOfParts)];
    assert_eq!(left_out(&listing), same(&beside));
    let test = listing.take_test().unwrap().unwrap();
    assert_eq!((names(&test), listing.samples.len()), (vec!["TEST/a/3.png", "TEST/b/2.png"], 5));
    assert_eq!(listing.take_test().unwrap(), None);
    // It says itself what is for validation.
    let split = crate::split::keras(&listing, 0.2).unwrap();
    assert!(split.validation.iter().all(|sample| sample.part == Some(Part::Validation)));
    assert_eq!((split.training.len(), split.validation.len()), (3, 2));
}

#[test]
fn parts_are_known_by_what_they_hold() {
    let layout = |files: &[&str]| open(folder(files).path(), &OpenOptions::KERAS).map(|found| found.layout);
    // Classes that happen to be called so.
    assert_eq!(layout(&["train/1.png", "test/1.png"]).unwrap(), Layout::ClassFolders);
    assert_eq!(layout(&["test/a/1.png", "plane/1.png"]).unwrap(), Layout::ClassFolders);
    assert_eq!(layout(&["train/a/1.png", "train/b/1.png"]).unwrap(), Layout::Parts);
    assert_eq!(
        layout(&["train/a/images/1.png", "train/a/masks/1.png", "test/a/1.png"]).unwrap(),
        Layout::Parts
    );
    // Test images without classes are no class called `test`: they are left out, and it is said.
    let unlabelled = folder(&["train/a/1.png", "train/b/1.png", "test/1.png"]);
    let listing = listed(unlabelled.path(), Formats::Keras);
    assert_eq!((listing.layout, listing.counts()), (Layout::Parts, vec![1, 1]));
    assert_eq!(left_out(&listing), same(&[("test", Reason::Unlabelled)]));
    assert_eq!(listing.remarks, [Remark::UnlabelledTest { path: unlabelled.path().join("test") }]);
    // Where nothing else has classes, there are none.
    let alone = folder(&["test/1.png", "test/maps/run.json"]);
    fs::write(alone.path().join("test/maps/run.json"), "{\"epochs_run\": 1}").unwrap();
    let error = open(alone.path(), &OpenOptions::KERAS).unwrap_err();
    assert!(matches!(error, Error::NoClasses { .. }), "{error}");
    let error = layout(&["train/a/1.png", "Training/a/1.png"]).unwrap_err();
    assert!(matches!(error, Error::PartTwice { .. }), "{error}");
    let error = layout(&["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/B/1.png"]).unwrap_err();
    let told = error.to_string();
    assert!(told.ends_with("`b` missing, `B` unknown elsewhere"), "{told}");
}

#[test]
fn a_test_set_has_the_part_that_is_for_testing() {
    let files = ["train/a/1.png", "train/b/1.png", "test/a/2.png", "test/b/2.png"];
    let test = |files: &[&str]| listed(folder(files).path(), Formats::Keras).into_test_set();
    assert_eq!(names(&test(&files).unwrap()), ["test/a/2.png", "test/b/2.png"]);
    assert_eq!(names(&test(&["a/1.png", "b/1.png"]).unwrap()), ["a/1.png", "b/1.png"]);
    let error = test(&["train/a/1.png", "val/a/1.png"]).unwrap_err();
    assert!(matches!(error, Error::NoTestPart { .. }), "{error}");
}

#[test]
fn a_set_among_the_models_classes_may_lack_some_and_have_no_others() {
    let classes = ["a", "beta=b", "c"].map(|class| class.parse::<ClassName>().unwrap());
    let among = |files: &[&str]| {
        let folder = folder(files);
        fs::create_dir_all(folder.path().join("b")).unwrap();
        open(folder.path(), &OpenOptions { classes: Classes::Among(&classes), ..OpenOptions::KERAS })
    };
    // `b` is an empty folder, and `a` is not there.
    let listing = among(&["c/1.png", "c/2.png"]).unwrap();
    assert_eq!(
        (listing.labels(), listing.counts()),
        (["a", "beta", "c"].map(str::to_owned).to_vec(), vec![0, 0, 2])
    );
    let error = among(&["c/1.png", "d/1.png"]).unwrap_err().to_string();
    assert!(error.ends_with("`a` missing, `d` unknown to the model"), "{error}");
    let error = among(&["c/notes.txt"]).unwrap_err();
    let Error::EmptyClasses { classes: empty, .. } = &error else { panic!("{error}") };
    assert_eq!(*empty, ["a", "b", "c"]);

    // Of parts each may lack others, and so may the one that is for testing.
    let folder = folder(&["train/a/1.png", "train/b/1.png", "test/c/1.png"]);
    let open = |classes| open(folder.path(), &OpenOptions { classes, ..OpenOptions::KERAS });
    let listing = open(Classes::Among(&classes)).unwrap();
    assert_eq!(listing.counts(), [1, 1, 1]);
    assert!(matches!(listing.clone().into_test_set().unwrap_err(), Error::EmptyPart { .. }));
    let test = listing.into_partial_test_set().unwrap();
    assert_eq!((names(&test), test.counts()), (vec!["test/c/1.png"], vec![0, 0, 1]));
    assert!(matches!(open(Classes::All).unwrap_err(), Error::PartClasses { .. }));
}

#[test]
fn all_formats_are_known_by_content_as_well_as_by_extension() {
    let folder =
        folder(&["k/a.PNG", "k/b.dcm", "k/c.txt", "k/.d.png", "k/.e", "k/f.png.partial", ".h/x/1.png"]);
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("k/g", b"\x89PNG\r\n\x1a\nrest");
    put("k/h.bin", &[&[0; 128][..], b"DICM"].concat());
    put("k/i.webp", b"RIFF0000WEBPVP8 ");
    put("top.gif", b"GIF89a");
    let listing = listed(folder.path(), Formats::All);
    assert_eq!(names(&listing), ["k/a.PNG", "k/b.dcm", "k/g", "k/h.bin", "k/i.webp"]);
    assert_eq!(
        left_out(&listing),
        same(&[
            (".h", Reason::Hidden),
            ("k/.d.png", Reason::Hidden),
            ("k/.e", Reason::Hidden),
            ("k/c.txt", Reason::NoImage),
            ("k/f.png.partial", Reason::Unfinished),
            ("top.gif", Reason::OutsideOfClasses),
        ])
    );
    // Keras takes hidden ones and goes by the name alone; what it leaves out is told.
    let listing = listed(folder.path(), Formats::Keras);
    assert_eq!(names(&listing), [".h/x/1.png", "k/.d.png", "k/a.PNG"]);
    assert_eq!(listing.remarks, [Remark::HiddenClass { class: ".h".to_owned() }]);
    assert_eq!(
        left_out(&listing),
        same(&[
            ("k/.e", Reason::Hidden),
            ("k/b.dcm", Reason::NoImage),
            ("k/c.txt", Reason::NoImage),
            ("k/f.png.partial", Reason::Unfinished),
            ("k/g", Reason::NotInKerasList("PNG")),
            ("k/h.bin", Reason::NotInKerasList("DICOM")),
            ("k/i.webp", Reason::NotInKerasList("WebP")),
            ("top.gif", Reason::NotInKerasList("GIF")),
        ])
    );
}

#[test]
fn the_only_csv_of_a_folder_is_named() {
    let csv = |files: &[&str]| {
        let folder = folder(files);
        let error = open(folder.path(), &OpenOptions::KERAS).unwrap_err();
        let Error::NoClasses { csv, .. } = error else { panic!("{error}") };
        csv.map(|path| path.strip_prefix(folder.path()).unwrap().to_owned())
    };
    assert_eq!(csv(&["1.dcm", "Labels.CSV"]), Some(PathBuf::from("Labels.CSV")));
    assert_eq!(csv(&["1.dcm"]), None);
    assert_eq!(csv(&["1.csv", "2.csv"]), None);
}

#[test]
fn groups_are_taken_from_names() {
    let folder = folder(&["k/p1_a.png", "k/p1_b.png", "k/p2_a.png", "k/other.png"]);
    let rule = GroupRule::Pattern(r"(p\d+)_".parse().unwrap());
    let listing = open(folder.path(), &OpenOptions { group: &rule, ..OpenOptions::KERAS }).unwrap();
    let groups: Vec<Option<&str>> = listing.samples.iter().map(|sample| sample.group.as_deref()).collect();
    assert_eq!(groups, [None, Some("p1"), Some("p1"), Some("p2")]);
    assert_eq!(listing.ungrouped, 1);
    let rule = GroupRule::Column("patient".into());
    let error = open(folder.path(), &OpenOptions { group: &rule, ..OpenOptions::KERAS }).unwrap_err();
    assert!(matches!(error, Error::NoColumns { .. }), "{error}");
}

/// Links in a circle, links to nowhere, names that are no text, pipes: each is told, none is followed or opened.
#[cfg(unix)]
#[test]
fn nothing_odd_stops_a_listing() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, os::unix::fs::symlink};

    let folder = folder(&["k/1.png", "l/1.png"]);
    let at = |name: &str| folder.path().join(name);
    symlink("circle", at("circle")).unwrap();
    symlink("..", at("k/up")).unwrap();
    symlink("x.png", at("k/x.png")).unwrap();
    symlink("nowhere", at("k/nowhere")).unwrap();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(at(name)).status().unwrap();
        assert!(made.success());
    };
    pipe("k/pipe.png");
    pipe("pipe");
    let odd = OsStr::from_bytes(b"odd-\xff.png");
    fs::write(folder.path().join("k").join(odd), "").unwrap();
    let odd_class = folder.path().join(OsStr::from_bytes(b"class-\xfe"));
    fs::create_dir(&odd_class).unwrap();
    fs::write(odd_class.join("1.png"), "").unwrap();
    for formats in [Formats::Keras, Formats::All] {
        let listing = listed(folder.path(), formats);
        // A link with an image's name that leads nowhere is a bad image, as any that cannot be read.
        assert_eq!(
            names(&listing),
            ["class-\u{fffd}/1.png", "k/1.png", "k/odd-\u{fffd}.png", "k/x.png", "l/1.png"]
        );
        assert!(listing.samples.iter().filter(|sample| sample.name != "k/x.png").all(|s| s.path.is_file()));
        assert_eq!(
            left_out(&listing),
            same(&[
                ("circle", Reason::BrokenLink),
                ("k/nowhere", Reason::BrokenLink),
                ("k/pipe.png", Reason::Special),
                ("k/up", Reason::LinkToFolder),
                ("pipe", Reason::Special),
            ])
        );
    }
}

/// A class that is a link to the data set itself holds all of it once.
#[cfg(unix)]
#[test]
fn a_link_to_the_data_set_in_itself_comes_to_an_end() {
    let folder = folder(&["k/1.png"]);
    std::os::unix::fs::symlink(".", folder.path().join("self")).unwrap();
    assert_eq!(names(&listed(folder.path(), Formats::Keras)), ["k/1.png", "self/k/1.png"]);
}

#[test]
fn deep_folders_are_listed_or_named() {
    let folder = folder(&["k/1.png"]);
    let mut path = folder.path().join("k");
    for _ in 0..300 {
        path.push("deeper");
    }
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("2.png"), "").unwrap();
    assert_eq!(listed(folder.path(), Formats::Keras).samples.len(), 2);
}

/// Files silently missing from a data set are worse than an error.
#[cfg(unix)]
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn a_folder_that_cannot_be_read_is_an_error_that_names_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder(&["k/1.png", "k/closed/2.png"]);
    let closed = folder.path().join("k/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        eprintln!("a_folder_that_cannot_be_read_is_an_error_that_names_it: skipped, root reads everything");
        return;
    }
    let error = open(folder.path(), &OpenOptions::KERAS).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read `{}`", closed.display()));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}
