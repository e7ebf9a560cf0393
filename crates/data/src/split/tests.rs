mod properties;

use std::{collections::HashSet, path::PathBuf};

use super::*;
use crate::{ClassName, Layout};

/// A listing of `counts` images a class, without any file.
fn listing(counts: &[usize]) -> Listing {
    let classes = ["a", "b", "c"].map(|name| ClassName { label: name.to_owned(), folder: name.to_owned() });
    let mut samples = Vec::new();
    for (label, count) in counts.iter().enumerate() {
        for i in 0..*count {
            let name = format!("{}/{i:04}.png", classes[label].folder);
            samples.push(Sample::new(PathBuf::from(&name), name, label));
        }
    }
    Listing {
        root: PathBuf::new(),
        layout: Layout::ClassFolders,
        classes: classes[..counts.len()].to_vec(),
        samples,
        left_out: Vec::new(),
        ungrouped: 0,
        manifest_sha256: None,
        remarks: Vec::new(),
    }
}

fn counts(samples: &[Sample]) -> [usize; 2] {
    [0, 1].map(|class| samples.iter().filter(|sample| sample.label == class).count())
}

fn names(samples: &[Sample]) -> Vec<&str> {
    samples.iter().map(|sample| sample.name.as_str()).collect()
}

#[test]
fn keras_keeps_the_first_files_and_cuts_off_the_product() {
    let split = keras(&listing(&[100, 10]), 0.29).unwrap();
    assert_eq!((counts(&split.validation), counts(&split.training)), ([28, 2], [72, 8]));
    assert_eq!(names(&split.validation)[..2], ["a/0000.png", "a/0001.png"]);
    assert_eq!(names(&split.validation)[28..], ["b/0000.png", "b/0001.png"]);
    assert_eq!(split.training[0].name, "a/0028.png");
}

#[test]
fn random_keeps_as_many_of_each_class_drawn_from_the_seed() {
    let listing = listing(&[100, 37]);
    let split = random(&listing, 0.29, 28).unwrap();
    let by_keras = keras(&listing, 0.29).unwrap();
    assert_eq!(counts(&split.validation), counts(&by_keras.validation));
    assert_eq!(split, random(&listing, 0.29, 28).unwrap());
    assert_ne!(split, random(&listing, 0.29, 29).unwrap());
    assert_ne!(split.validation, by_keras.validation);
    // Every image is on one side, in the listing's order.
    let (training, validation) = (names(&split.training), names(&split.validation));
    assert!(training.is_sorted() && validation.is_sorted());
    let all: HashSet<&str> = training.iter().chain(&validation).copied().collect();
    assert_eq!((all.len(), training.len() + validation.len()), (137, 137));
}

#[test]
fn classes_are_not_drawn_alike() {
    let split = random(&listing(&[50, 50]), 0.5, 28).unwrap();
    let numbers = |class: &str| -> Vec<String> {
        let of_class = names(&split.validation).into_iter().filter_map(|name| name.strip_prefix(class));
        of_class.map(str::to_owned).collect()
    };
    assert_ne!(numbers("a/"), numbers("b/"));
}

#[test]
fn fractions_outside_of_0_to_1_are_refused() {
    for fraction in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(keras(&listing(&[9]), fraction), Err(Error::Fraction { .. })), "{fraction}");
        assert!(matches!(random(&listing(&[9]), fraction, 1), Err(Error::Fraction { .. })), "{fraction}");
    }
}

#[test]
fn a_fold_is_held_out() {
    let mut listing = listing(&[5, 4]);
    listing.samples[0].group = Some("p".to_owned());
    listing.ungrouped = 8;
    let folds = folds(&listing, 3, false, 28).unwrap();
    let mut held_out = Vec::new();
    for fold in 0..3 {
        let (rest, own) = hold_out(&listing, &folds, fold);
        assert_eq!(own.samples.len() + rest.samples.len(), 9);
        assert_eq!(own.ungrouped + rest.ungrouped, 8);
        assert!(own.samples.iter().all(|sample| !rest.samples.contains(sample)));
        held_out.extend(own.samples);
    }
    held_out.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(held_out, listing.samples);
}

#[test]
fn folds_of_the_data_sets_own_are_numbers_from_1() {
    let numbered = |texts: [Option<&str>; 5]| {
        let mut listing = listing(&[3, 2]);
        for (sample, text) in listing.samples.iter_mut().zip(texts) {
            sample.fold = text.map(str::to_owned);
        }
        own_folds(&listing)
    };
    assert_eq!(numbered([None; 5]).unwrap(), None);
    let found = numbered([Some("2"), Some("1"), Some("2"), Some("1"), Some("2")]).unwrap();
    assert_eq!(found, Some((2, vec![1, 0, 1, 0, 1])));
    for (texts, reason) in [
        ([Some("1"), Some("2"), None, Some("1"), Some("2")], "`a/0002.png` has none"),
        (
            [Some("0"), Some("1"), Some("1"), Some("0"), Some("1")],
            "`0`, of `a/0000.png`, is no number from 1 to 5",
        ),
        (
            [Some("1"), Some("B"), Some("1"), Some("0"), Some("1")],
            "`B`, of `a/0001.png`, is no number from 1 to 5",
        ),
        (
            [Some("1"), Some("6"), Some("1"), Some("0"), Some("1")],
            "`6`, of `a/0001.png`, is no number from 1 to 5",
        ),
        ([Some("1"); 5], "there is only one"),
        ([Some("1"), Some("2"), Some("3"), Some("1"), Some("3")], "fold 2 has no image of class `b`"),
    ] {
        let error = numbered(texts).unwrap_err().to_string();
        assert_eq!(error, format!("the column `fold` of `` makes no folds: {reason}"));
    }
}

/// A number that no memory holds is refused like any other.
#[test]
fn more_folds_than_images_are_refused() {
    for k in [6, usize::MAX] {
        for whole_groups in [false, true] {
            let mut listing = listing(&[7, 5]);
            listing.samples[0].group = Some("p".to_owned());
            let error = folds(&listing, k, whole_groups, 28).unwrap_err();
            assert!(matches!(error, Error::TooFewForFolds { .. }), "{error}");
        }
    }
}

#[test]
fn a_class_must_have_an_image_on_each_side() {
    for (count, fraction, needed) in [(4, 0.2, 5), (1, 0.5, 2), (1, 0.9, 2), (9, 0.1, 10)] {
        let error = keras(&listing(&[20, count]), fraction).unwrap_err();
        let Error::TooFewToSplit { class, count: found, needed: told, .. } = error else { panic!("{error}") };
        assert_eq!((class.as_str(), found, told), ("b", count, needed));
        // The number it tells is right.
        assert!(keras(&listing(&[needed]), fraction).is_ok());
        assert!(needed == 2 || keras(&listing(&[needed - 1]), fraction).is_err());
    }
}
