use std::{collections::BTreeMap, fs};

use super::*;
use crate::{GroupRule, Layout, Listing, OpenOptions, Sample, open, split};

fn scan(root: &Path, classes: Option<&[ClassName]>) -> Result<Listing, Error> {
    let classes = classes.map_or(Classes::All, Classes::Named);
    let listing = open(root, &OpenOptions { classes, ..OpenOptions::KERAS })?;
    assert_eq!((listing.layout, listing.ungrouped), (Layout::ClassFolders, 0));
    Ok(listing)
}

fn scan_like(root: &Path, classes: &[ClassName]) -> Result<Listing, Error> {
    let group = &GroupRule::None;
    open(root, &OpenOptions { classes: Classes::Exactly(classes), group, ..OpenOptions::KERAS })
}

/// A data set with these files, each of which is empty.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn names(samples: &[Sample]) -> Vec<&str> {
    samples.iter().map(|sample| sample.name.as_str()).collect()
}

fn class(text: &str) -> ClassName {
    text.parse().unwrap()
}

/// Cases that Keras itself computed.
#[test]
fn classes_order_and_split_are_those_of_keras() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/directory_split.json");
    let reference: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let files: BTreeMap<String, Vec<String>> = serde_json::from_value(reference["files"].clone()).unwrap();
    let files: Vec<String> = files
        .iter()
        .flat_map(|(class, files)| files.iter().map(move |file| format!("{class}/{file}")))
        .collect();
    let folder = folder(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let listing = scan(folder.path(), None).unwrap();
    assert!(listing.samples.iter().all(|sample| sample.path == folder.path().join(&sample.name)));
    // The general rules, which are the default, list them in the same order, but for a name that only ends like an extension,
    // and an extension that Keras does not know.
    let general = open(folder.path(), &OpenOptions { formats: Formats::All, ..OpenOptions::KERAS }).unwrap();
    assert_eq!(general.labels(), listing.labels());
    let but = |samples: &[Sample]| -> Vec<Sample> {
        let same = |sample: &&Sample| !["a/apng", "a/c.gif"].contains(&sample.name.as_str());
        samples.iter().filter(same).cloned().collect()
    };
    assert_eq!(but(&general.samples), but(&listing.samples));
    assert_eq!(but(&general.samples).len() + 1, general.samples.len());

    let cases = reference["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let indices: BTreeMap<String, usize> = serde_json::from_value(case["class_indices"].clone()).unwrap();
        let found = listing.labels().into_iter().enumerate().map(|(index, label)| (label, index));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), indices);
        let split = split::keras(&listing, case["validation_split"].as_f64().unwrap()).unwrap();
        for (part, samples) in [("training", &split.training), ("validation", &split.validation)] {
            let expected: Vec<&str> =
                case[part].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            assert_eq!(names(samples), expected, "{part} at {}", case["validation_split"]);
            assert!(
                samples
                    .iter()
                    .all(|sample| Some(indices[sample.name.split('/').next().unwrap()]) == sample.class())
            );
        }
    }
}

#[test]
fn folders_are_ordered_as_whole_paths_and_files_by_code_point() {
    let files = ["k/b/1.png", "k/b c/1.png", "k/b-c/1.png", "k/b/d/1.png", "k/z.png", "k/Ä.png", "k/A.png"];
    let listing = scan(folder(&files).path(), None).unwrap();
    // A blank and a hyphen come before the slash.
    assert_eq!(
        names(&listing.samples),
        ["k/A.png", "k/z.png", "k/Ä.png", "k/b/1.png", "k/b c/1.png", "k/b-c/1.png", "k/b/d/1.png"]
    );
}

#[test]
fn awkward_names_are_names() {
    let files =
        [" k/ .png", " k/a'b\"c.JPG", " k/.hidden.jpeg", " k/new\nline.tif", " k/疑似.tiff", ".h/x.bmp"];
    let listing = scan(folder(&files).path(), None).unwrap();
    assert_eq!(listing.labels(), [" k", ".h"]);
    assert_eq!(listing.counts(), [5, 1]);
}

#[test]
fn other_files_are_left_out() {
    let folder =
        folder(&["k/a.png", "k/b.gif", "k/c.webp", "k/d.txt", "k/e.png.partial", "k/f.dcm", "top.png"]);
    assert_eq!(names(&scan(folder.path(), None).unwrap().samples), ["k/a.png"]);
}

#[test]
fn named_classes_give_the_order_and_labels() {
    let folder = folder(&["a/1.png", "b/1.png", "c/1.png"]);
    let listing = scan(folder.path(), Some(&[class("c"), class("healthy=a")])).unwrap();
    assert_eq!(listing.labels(), ["c", "healthy"]);
    assert_eq!(names(&listing.samples), ["c/1.png", "a/1.png"]);
    assert_eq!(listing.samples[1].class(), Some(1));
    for twice in [["a", "a"], ["x=a", "x=b"], ["x=a", "y=a"]] {
        let error = scan(folder.path(), Some(&twice.map(class))).unwrap_err();
        assert!(matches!(error, Error::ClassTwice { .. }), "{error}");
    }
}

#[test]
fn names_of_classes_stay_within_the_folder() {
    for bad in ["", "=", "a=", "=a", "..", "x=..", "."] {
        assert!(bad.parse::<ClassName>().is_err(), "{bad}");
    }
    // Labels of the RSNA have slashes. As a folder's name they lead nowhere: folders are looked up by their names.
    let outside = folder(&["data/a/1.png", "data/b/1.png", "y/1.png"]);
    let data = outside.path().join("data");
    for away in ["../y", "x=../y", "a/../b"] {
        let error = scan(&data, Some(&[class("a"), class(away)])).unwrap_err();
        assert!(matches!(error, Error::MissingClass { .. }), "{away}: {error}");
    }
    assert_eq!(class(" No finding = NORMAL "), class("No finding=NORMAL"));
}

#[test]
fn a_missing_class_is_told_with_the_one_that_was_meant() {
    let folder = folder(&["VIRAL PNEUMONIA/1.png", "NORMAL/1.png"]);
    let missing = |name: &str| scan(folder.path(), Some(&[class(name)])).unwrap_err().to_string();
    assert!(missing("Viral Pneumonia").contains("did you mean `VIRAL PNEUMONIA`?"));
    assert!(missing("viral_pneumonia").contains("did you mean `VIRAL PNEUMONIA`?"));
    assert!(missing("Norml").contains("did you mean `NORMAL`?"));
    let nothing_like_it = missing("COVID-19");
    assert!(!nothing_like_it.contains("did you mean"), "{nothing_like_it}");
    assert!(nothing_like_it.contains("there are `NORMAL`, `VIRAL PNEUMONIA`"), "{nothing_like_it}");
}

#[test]
fn a_test_set_has_the_models_classes_and_no_others() {
    let folder = folder(&["VIRAL PNEUMONIA/1.png", "NORMAL/1.png", "extra/1.png"]);
    let classes = ["COVID-19", "NORMAL", "Viral Pneumonia"].map(class);
    let error = scan_like(folder.path(), &classes).unwrap_err();
    let Error::ClassesDiffer { missing, unknown, close, .. } = &error else { panic!("{error}") };
    assert_eq!(*missing, ["COVID-19", "Viral Pneumonia"]);
    assert_eq!(*unknown, ["VIRAL PNEUMONIA", "extra"]);
    assert_eq!(*close, Some(("Viral Pneumonia".to_owned(), "VIRAL PNEUMONIA".to_owned())));
    // The model's order holds, not the alphabet's.
    let classes = ["x=extra", "NORMAL", "VIRAL PNEUMONIA"].map(class);
    let listing = scan_like(folder.path(), &classes).unwrap();
    assert_eq!(names(&listing.samples), ["extra/1.png", "NORMAL/1.png", "VIRAL PNEUMONIA/1.png"]);
}

#[test]
fn what_is_no_data_set_is_told_by_what_it_is() {
    let folder =
        folder(&["file.png", "flat/1.png", "flat/2.JPG", "half/a/1.png", "half/b/notes.txt", "half/c/x.txt"]);
    let error = |name: &str| scan(&folder.path().join(name), None).unwrap_err();
    assert!(matches!(error("nowhere"), Error::NoSuchFolder { .. }));
    assert!(error("flat").to_string().contains("/flat` has no classes"), "{}", error("flat"));
    assert!(matches!(error("file.png"), Error::NotAFolder { .. }));
    assert!(error("flat").to_string().contains("2 images and no folders"), "{}", error("flat"));
    assert!(error("half/a").to_string().contains("1 image and no folders"));
    let empty = error("half");
    let Error::EmptyClasses { classes, .. } = &empty else { panic!("{empty}") };
    assert_eq!(*classes, ["b", "c"]);
}

/// `os.walk` and `os.path.isdir`: links to class folders and files are followed, links to folders within are not.
#[cfg(unix)]
#[test]
fn links_are_followed_as_keras_does() {
    use std::os::unix::fs::symlink;

    let elsewhere = folder(&["k/1.png", "k/2.png"]);
    let folder = folder(&["a/1.png"]);
    symlink(elsewhere.path().join("k"), folder.path().join("b")).unwrap();
    symlink(elsewhere.path().join("k/2.png"), folder.path().join("a/linked.png")).unwrap();
    symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    symlink("nowhere", folder.path().join("a/broken.png")).unwrap();
    let listing = scan(folder.path(), None).unwrap();
    assert_eq!(names(&listing.samples), ["a/1.png", "a/broken.png", "a/linked.png", "b/1.png", "b/2.png"]);
}

#[test]
fn the_sample_is_known_by_its_files_names() {
    let folder = folder(&["a/synthetic-1.png", "synthetic-b/1.png"]);
    let listing = scan(folder.path(), None).unwrap();
    assert!(listing.is_synthetic());
    assert_eq!(listing.samples.iter().map(Sample::is_synthetic).collect::<Vec<_>>(), [true, false]);
}
