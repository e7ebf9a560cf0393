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
