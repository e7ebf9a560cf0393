//! Splits of images with several findings.

use std::collections::HashMap;

use super::*;
use crate::{Annotation, Finding, LabelFormat, label_counts};

/// Images of 100 patients, 1 to 5 each, with a rare and a frequent label.
fn listing() -> Listing {
    let mut listing = super::listing(&[0, 0]);
    listing.layout = Layout::LabelFile(LabelFormat::Csv);
    for patient in 0..100 {
        for image in 0..1 + patient % 5 {
            let name = format!("{patient}_{image}.png");
            let findings = [patient % 10 == 0, image % 2 == 0].map(Finding::known);
            listing.samples.push(Sample {
                annotation: Annotation::Findings(findings.to_vec()),
                group: Some(patient.to_string()),
                ..Sample::new(PathBuf::from(&name), name, 0)
            });
        }
    }
    listing
}

fn positive(samples: &[Sample]) -> [usize; 2] {
    let counts = label_counts(samples, 2);
    [counts[0].positive, counts[1].positive]
}

fn is_near(part: usize, all: usize, share: f64) -> bool {
    (part as f64 - share * all as f64).abs() <= 3.0
}

#[test]
fn patients_stay_whole_and_labels_in_proportion_by_every_rule() {
    let listing = listing();
    let all = positive(&listing.samples);
    for split in [keras(&listing, 0.2), random(&listing, 0.2, 1), grouped(&listing, 0.2, 1)] {
        let Split { training, validation } = split.unwrap();
        assert!(shared_groups(&[&training, &validation]).is_empty());
        assert_eq!(training.len() + validation.len(), 300);
        assert!(is_near(validation.len(), 300, 0.2), "{}", validation.len());
        let of_validation = positive(&validation);
        assert!(
            (0..2).all(|label| is_near(of_validation[label], all[label], 0.2)),
            "{of_validation:?} of {all:?}"
        );
    }
    assert_eq!(random(&listing, 0.2, 1).unwrap(), random(&listing, 0.2, 1).unwrap());
    assert_ne!(random(&listing, 0.2, 1).unwrap(), random(&listing, 0.2, 2).unwrap());
}

#[test]
fn folds_hold_whole_patients_and_each_label_in_proportion() {
    let listing = listing();
    let all = positive(&listing.samples);
    let folds = folds(&listing, 4, false, 28).unwrap();
    let mut of_patient: HashMap<&str, usize> = HashMap::new();
    for (sample, &fold) in listing.samples.iter().zip(&folds) {
        assert_eq!(*of_patient.entry(sample.group.as_deref().unwrap()).or_insert(fold), fold);
    }
    for fold in 0..4 {
        let (_, held_out) = hold_out(&listing, &folds, fold);
        let counts = positive(&held_out.samples);
        assert!((0..2).all(|label| is_near(counts[label], all[label], 0.25)), "{counts:?} of {all:?}");
    }
}

#[test]
fn a_test_part_is_a_share_of_each_label() {
    let mut listing = listing();
    let error = keep_test(&mut listing, TestSize::PerClass(5), false, 28).unwrap_err();
    assert!(matches!(error, Error::TestPerLabel { .. }), "{error}");
    keep_test(&mut listing, TestSize::Share(0.3), false, 28).unwrap();
    let all = positive(&listing.samples);
    let test = listing.take_test().unwrap().unwrap();
    assert!(shared_groups(&[&test.samples, &listing.samples]).is_empty());
    assert!((0..2).all(|label| is_near(positive(&test.samples)[label], all[label], 0.3)));
    let split = random(&listing, 0.5, 28).unwrap();
    assert_eq!(split.training.len() + split.validation.len() + test.samples.len(), 300);
}

#[test]
fn what_cannot_be_split_is_told() {
    let mut listing = listing();
    assert!(matches!(random(&listing, 1.5, 28), Err(Error::Fraction { .. })));
    listing.samples.truncate(3);
    listing.samples.iter_mut().for_each(|sample| sample.group = Some("one".to_owned()));
    assert!(matches!(random(&listing, 0.5, 28), Err(Error::NoImages { .. })));
    assert!(matches!(folds(&listing, 2, false, 28), Err(Error::TooFewToFold { groups: 1, k: 2, .. })));
    listing.samples.iter_mut().for_each(|sample| sample.group = None);
    assert!(matches!(grouped(&listing, 0.5, 28), Err(Error::NoGroups { .. })));
    assert_eq!(random(&listing, 0.4, 28).unwrap().validation.len(), 1);
}
