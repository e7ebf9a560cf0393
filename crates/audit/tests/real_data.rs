//! Copies planted among real radiographs, where the variable `THORAX_REAL_DATA` names them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

#[path = "../examples/audit_recall/planting.rs"]
mod planting;

use std::path::Path;

use data::{Listing, OpenOptions};
use planting::{KINDS, plant};

/// Every so many images of a listing.
fn thinned(folder: &Path, every: usize) -> Listing {
    let mut listing = data::open(folder, &OpenOptions::KERAS).unwrap();
    listing.samples = listing.samples.into_iter().step_by(every).collect();
    listing
}

#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn copies_planted_among_real_radiographs_are_found() {
    let Some(folder) = std::env::var_os("THORAX_REAL_DATA") else {
        eprintln!("copies_planted_among_real_radiographs_are_found: skipped, THORAX_REAL_DATA is not set");
        return;
    };
    let folder = Path::new(&folder);
    let listing = thinned(&folder.join("COVID-19 Radiography Database"), 4);
    let test = thinned(&folder.join("COVID-19 Radiography Database Test"), 2);
    let copies = tempfile::tempdir().unwrap();
    let planted = plant(&listing, &test, copies.path(), 1).unwrap();
    let audit = planted.audit(listing.classes.len());
    let found = planted.judge(&audit);
    let counts: Vec<usize> = found.kinds.iter().map(Vec::len).collect();
    assert_eq!(counts[0], KINDS[0].1, "exact copies");
    assert!(counts[1..4].iter().sum::<usize>() >= 28, "near copies: {counts:?}");
    assert!(counts[4..].iter().all(|&count| count >= 9), "harder ones: {counts:?}");
    // The collection has copies of its own, about one in a hundred images.
    assert!(found.others.len() < 10, "{:?}", found.others);
    assert!(audit.unreadable.is_empty());
}
