mod findings;
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
        attributes: Vec::new(),
        samples,
        left_out: Vec::new(),
        ungrouped: 0,
        manifest_sha256: None,
        remarks: Vec::new(),
    }
}

fn counts(samples: &[Sample]) -> [usize; 2] {
    [0, 1].map(|class| samples.iter().filter(|sample| sample.class() == Some(class)).count())
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
fn parts_that_the_data_set_keeps_go_before_any_rule() {
    let mut listing = listing(&[4, 3]);
    let parts = [(0, Part::Test), (1, Part::Validation), (3, Part::Training), (5, Part::Validation)];
    for (image, part) in parts {
        listing.samples[image].part = Some(part);
    }
    listing.samples[0].group = Some("p".to_owned());
    for split in [keras(&listing, 0.5), random(&listing, 0.5, 28), grouped(&listing, 0.5, 28)] {
        let split = split.unwrap();
        assert_eq!(names(&split.validation), ["a/0001.png", "b/0001.png"]);
        assert_eq!(names(&split.training), ["a/0002.png", "a/0003.png", "b/0000.png", "b/0002.png"]);
    }
    // Without a part for validation a rule chooses among what is not for testing.
    listing
        .samples
        .iter_mut()
        .for_each(|sample| sample.part = sample.part.filter(|&part| part == Part::Test));
    let split = keras(&listing, 0.4).unwrap();
    assert_eq!(names(&split.validation), ["a/0001.png", "b/0000.png"]);
    assert_eq!(split.training.len(), 4);
}

#[test]
fn a_class_without_an_image_is_told() {
    let error = keras(&listing(&[3, 0]), 0.5).unwrap_err();
    assert!(matches!(error, Error::EmptyPart { class, part: Part::Training, .. } if class == "b"));
}

#[test]
fn a_test_part_is_a_share_of_each_class_or_a_number_of_its_images() {
    let kept = |size, whole_groups| {
        let mut listing = listing(&[10, 5]);
        keep_test(&mut listing, size, whole_groups, 28)?;
        let test: Vec<Sample> =
            listing.samples.iter().filter(|sample| sample.part == Some(Part::Test)).cloned().collect();
        // There is one already.
        let twice = keep_test(&mut listing, size, whole_groups, 28);
        assert!(matches!(twice, Err(Error::HasTestPart { .. })));
        Ok(counts(&test))
    };
    assert_eq!(kept(TestSize::Share(0.45), false).unwrap(), [4, 2]);
    assert_eq!(kept(TestSize::PerClass(4), false).unwrap(), [4, 4]);
    for share in [0.0, 1.0, -0.5, 1.5, f64::NAN] {
        assert!(matches!(kept(TestSize::Share(share), false), Err(Error::Fraction { .. })), "{share}");
    }
    for (size, told) in [
        (TestSize::PerClass(0), ("a", 10, 0)),
        (TestSize::PerClass(5), ("b", 5, 5)),
        (TestSize::PerClass(10), ("a", 10, 10)),
        (TestSize::Share(0.1), ("b", 5, 0)),
    ] {
        let error = kept(size, false).unwrap_err();
        let Error::TooFewToTest { class, count, wanted } = error else { panic!("{error}") };
        assert_eq!((class.as_str(), count, wanted), told);
    }
    assert!(matches!(kept(TestSize::PerClass(2), true), Err(Error::NoGroups { .. })));
}

#[test]
fn groups_in_more_than_one_set_are_found() {
    let set = |groups: &[Option<&str>]| -> Vec<Sample> {
        let sample = |group: &Option<&str>| Sample {
            group: group.map(str::to_owned),
            ..Sample::new(PathBuf::new(), String::new(), 0)
        };
        groups.iter().map(sample).collect()
    };
    let sets = [
        set(&[Some("q"), Some("q"), None, Some("a")]),
        set(&[Some("r"), Some("q"), None]),
        set(&[Some("q"), Some("a"), Some("s"), Some("s")]),
    ];
    assert_eq!(shared_groups(&[&sets[0], &sets[1], &sets[2]]), ["a", "q"]);
    assert!(shared_groups(&[&sets[0], &[]]).is_empty());
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
    // Images without groups are counted only where a data set has groups.
    listing.ungrouped = 0;
    let (rest, own) = hold_out(&listing, &folds, 0);
    assert_eq!((rest.ungrouped, own.ungrouped), (0, 0));
}

#[test]
fn as_many_folds_as_images_hold_one_each() {
    let folds = folds(&listing(&[3, 3]), 3, false, 28).unwrap();
    for class in [0..3, 3..6] {
        assert_eq!(folds[class].iter().collect::<HashSet<_>>().len(), 3);
    }
}

/// Groups of different sizes are dealt out in one order only, which is gone through here by the definition.
#[test]
fn each_group_goes_to_the_fold_in_which_it_adds_least_to_the_classes_squares() {
    const GROUPS: usize = 24;
    let mut images: Vec<(usize, usize)> = Vec::new();
    for group in 1..=GROUPS {
        let class = |i: usize| if i < group / 2 { 0 } else { 1 + usize::from(i.is_multiple_of(5)) };
        images.extend((0..group).map(|i| (class(i), group)));
    }
    let mut listing = listing(&[0, 0, 0]);
    for &(label, group) in &images {
        let group = Some(group.to_string());
        listing.samples.push(Sample { group, ..Sample::new(PathBuf::new(), String::new(), label) });
    }
    for k in [2, 3, 5] {
        let found = folds(&listing, k, true, 28).unwrap();
        let fold_of = |group: usize| found[images.iter().position(|image| image.1 == group).unwrap()];
        let of_class = |group: usize| {
            [0, 1, 2].map(|class| images.iter().filter(|&&image| image == (class, group)).count())
        };
        let largest = [0, 1, 2].map(|class| (1..=GROUPS).map(|group| of_class(group)[class]).max().unwrap());
        let mut counts = vec![[0; 3]; k];
        for group in (1..=GROUPS).rev() {
            let with = |fold: usize| [0, 1, 2].map(|class| counts[fold][class] + of_class(group)[class]);
            let squares = |counts: [usize; 3]| -> f64 {
                let square = |class: usize| (counts[class] as f64 / largest[class] as f64).powi(2);
                [0, 1, 2].map(square).iter().sum()
            };
            let cost = |fold: usize| squares(with(fold)) - squares(counts[fold]);
            let size = |fold: usize| counts[fold].iter().sum::<usize>();
            let (fold, least) = (fold_of(group), (0..k).map(cost).fold(f64::INFINITY, f64::min));
            assert!(cost(fold) < least + 1e-12, "group {group} of {k} folds");
            let ties = (0..k).filter(|&other| cost(other) < least + 1e-12);
            // Of several such the smallest, and of several of those the first.
            assert_eq!(ties.min_by_key(|&other| size(other)), Some(fold), "group {group} of {k} folds");
            counts[fold] = with(fold);
        }
    }
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
