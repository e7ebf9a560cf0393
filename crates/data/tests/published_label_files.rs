//! Complete label files as published, which torchxrayvision carries: `pip install --no-deps torchxrayvision==1.5.7`, or a folder
//! with its files in the variable `TORCHXRAYVISION`. Skipped where there is neither.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use data::{FindingOptions, LabelCounts, LabelFormat, Layout, Listing, OpenOptions, split};

/// Program that finds the package without importing it, which would take PyTorch.
const FIND: &str = "import importlib.util as u; s = u.find_spec('torchxrayvision'); print(s.submodule_search_locations[0] if s else '')";

/// Folder of the package's label files.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("TORCHXRAYVISION").map(PathBuf::from);
    let installed = || {
        let found = Command::new("python3").args(["-c", FIND]).output().ok()?;
        let folder = String::from_utf8(found.stdout).ok()?;
        Some(PathBuf::from(folder.trim())).filter(|folder| folder.as_os_str() != "")
    };
    let folder = named.or_else(installed)?;
    [folder.join("data"), folder].into_iter().find(|folder| folder.join(NIH).is_file())
}

const NIH: &str = "Data_Entry_2017_v2020.csv.gz";
const CHEXPERT: &str = "chexpert_train.csv.gz";
const PADCHEST: &str = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz";
const VINDR: &str = "vinbigdata-train.csv.gz";

fn read(folder: &Path, name: &str, options: FindingOptions) -> Listing {
    let findings = &FindingOptions { look_for_images: false, ..options };
    data::open(&folder.join(name), &OpenOptions { findings, ..OpenOptions::KERAS }).unwrap()
}

fn patients(listing: &Listing) -> usize {
    listing.samples.iter().map(|sample| sample.group.as_deref().unwrap()).collect::<HashSet<_>>().len()
}

fn counts(listing: &Listing, label: &str) -> LabelCounts {
    listing.label_counts()[listing.labels().iter().position(|other| other == label).unwrap()]
}

/// Runs a test with the folder, or says that it is skipped.
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn with_folder(test: impl FnOnce(&Path)) {
    match folder() {
        Some(folder) => test(&folder),
        None => eprintln!("skipped: torchxrayvision is not installed, and TORCHXRAYVISION names no folder"),
    }
}

#[test]
fn nih_has_its_112120_images() {
    with_folder(|folder| {
        let listing = read(folder, NIH, FindingOptions::DEFAULT);
        assert_eq!(listing.layout, Layout::LabelFile(LabelFormat::Nih));
        assert_eq!((listing.samples.len(), patients(&listing)), (112_120, 30_805));
        let none = listing.samples.iter().filter(|sample| sample.strata().next().is_none()).count();
        let positive = ["Infiltration", "Hernia"].map(|label| counts(&listing, label).positive);
        assert_eq!((none, positive), (60_361, [19_894, 227]));
        // Other programs on the machine slow a single try down.
        let times = (0..5).map(|_| {
            let start = Instant::now();
            read(folder, NIH, FindingOptions::DEFAULT);
            start.elapsed()
        });
        let time = times.min().unwrap();
        assert!(time < Duration::from_secs(2), "{time:?}");
        let split = split::random(&listing, 0.2, 28).unwrap();
        assert!(split::shared_groups(&[&split.training, &split.validation]).is_empty());
        let hernias = |samples: &[data::Sample]| data::label_counts(samples, 14)[7].positive;
        let of_validation = hernias(&split.validation);
        assert_eq!(of_validation + hernias(&split.training), 227);
        assert!((44..=47).contains(&of_validation), "{of_validation}");
        let share = split.validation.len() as f64 / 112_120.0;
        assert!((share - 0.2).abs() < 0.005, "{share}");
    });
}

#[test]
fn chexpert_has_its_223414_images() {
    with_folder(|folder| {
        let listing = read(folder, CHEXPERT, FindingOptions::DEFAULT);
        assert_eq!((listing.samples.len(), patients(&listing)), (223_414, 64_540));
        let LabelCounts { positive, negative, uncertain, blank, unknown } = counts(&listing, "Atelectasis");
        assert_eq!((positive, negative, uncertain, blank, unknown), (33_376, 1_328, 33_739, 154_971, 33_739));
        let views = vec!["frontal".to_owned()];
        let frontal = read(folder, CHEXPERT, FindingOptions { views, ..FindingOptions::DEFAULT });
        assert_eq!(frontal.samples.len(), 191_027);
    });
}

#[test]
fn padchest_has_its_160861_images() {
    with_folder(|folder| {
        let listing = read(folder, PADCHEST, FindingOptions::DEFAULT);
        assert_eq!(listing.samples.len(), 160_861);
        assert_eq!(listing.layout, Layout::LabelFile(LabelFormat::PadChest));
        assert!(listing.labels().iter().all(|label| label.trim() == label));
    });
}

#[test]
fn vindr_has_its_15000_images_by_three_readers_each() {
    with_folder(|folder| {
        let listing = read(folder, VINDR, FindingOptions::DEFAULT);
        assert_eq!((listing.samples.len(), listing.classes.len()), (15_000, 14));
    });
}
