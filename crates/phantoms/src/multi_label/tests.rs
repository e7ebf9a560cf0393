use std::collections::BTreeMap;

use super::*;
use crate::files::entries;
use data::MARKER;

const SMALL: MultiLabelOptions = MultiLabelOptions {
    count: 12,
    test_count: 4,
    images_per_patient: [1, 3],
    prevalence: [0.5; LABELS],
    correlation: 0.0,
    unknown: 0.0,
    uncertain: 0.0,
    image_size: 32,
    seed: 28,
};

/// Many rows without images.
fn rows(options: MultiLabelOptions) -> Vec<SampleRow> {
    MultiLabelOptions { count: 8000, test_count: 1000, ..options }.rows()
}

/// All files below a folder with their bytes, but the note on what the folder holds.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in entries(folder).unwrap() {
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(name, bytes)| (path.join(name), bytes)));
        } else if !path.ends_with(MARKER) {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found.into_iter().map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
}

fn write(out: &Path, options: &MultiLabelOptions) -> MultiLabelSummary {
    write_multi_label_sample(out, options, &|| ()).unwrap()
}

fn made(options: &MultiLabelOptions) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("x"), options);
    files(&folder.path().join("x"))
}

#[test]
fn a_sample_is_a_label_file_and_the_images_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/x/");
    let done = std::sync::atomic::AtomicUsize::new(0);
    let summary = write_multi_label_sample(&out, &MultiLabelOptions { unknown: 0.3, ..SMALL }, &|| {
        assert!(!out.exists());
        done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(done.into_inner(), 16);
    assert_eq!(entries(&folder.path().join("new")).unwrap(), [folder.path().join("new/x")]);
    assert_eq!(data::output_kind(&out), Some(OutputKind::Sample));

    let text = fs::read_to_string(&summary.label_file).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(
        lines.next().unwrap().join(","),
        "path,patient,split,age,sex,view,Consolidation,Ground Glass,Effusion,Pneumothorax,Cardiomegaly,Nodule"
    );
    let mut counts = [PathologyCounts::default(); LABELS];
    let mut parts = BTreeMap::new();
    for cells in lines.by_ref() {
        assert_eq!(cells.len(), 12, "{cells:?}");
        let bytes = fs::read(out.join(cells[0])).unwrap();
        assert!(bytes.windows(17).any(|text| text == b"Synthetic chest p"));
        assert!((18..=90).contains(&cells[3].parse::<usize>().unwrap()));
        assert!(["F", "M"].contains(&cells[4]) && ["PA", "AP"].contains(&cells[5]));
        // No patient is in both parts.
        assert_eq!(*parts.entry(cells[1].to_owned()).or_insert(cells[2].to_owned()), cells[2]);
        for (counts, cell) in counts.iter_mut().zip(&cells[6..]) {
            match (cells[2], *cell) {
                ("train", "1") => counts.positive += 1,
                ("train", "0") => counts.negative += 1,
                ("train", "") => counts.unknown += 1,
                ("test", "1") => counts.test_positive += 1,
                ("test", "0") => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(counts, summary.labels);
    let patients = |part: &str| parts.values().filter(|of| *of == part).count();
    assert_eq!((summary.training_patients, summary.test_patients), (patients("train"), patients("test")));
    assert_eq!(files(&out.join(IMAGES)).len(), 16);
}

#[test]
fn findings_are_as_frequent_as_asked() {
    let prevalence = [0.05, 0.1, 0.25, 0.5, 0.8, 1.0];
    for correlation in [0.0, 0.6] {
        let rows = rows(MultiLabelOptions { prevalence, correlation, ..SMALL });
        for (label, asked) in prevalence.into_iter().enumerate() {
            let positive = rows.iter().filter(|row| row.chest.findings[label]).count();
            let share = positive as f64 / rows.len() as f64;
            let deviation = (asked * (1.0 - asked) / rows.len() as f64).sqrt();
            assert!((share - asked).abs() <= 4.0 * deviation, "{label}: {share}");
        }
    }
}

/// Pearson's correlation of two findings of the same frequency.
fn correlation(rows: &[SampleRow], a: usize, b: usize) -> f64 {
    let share = |is_in: &dyn Fn(&[bool; LABELS]) -> bool| {
        rows.iter().filter(|row| is_in(&row.chest.findings)).count() as f64 / rows.len() as f64
    };
    let (of_a, of_b) = (share(&|findings| findings[a]), share(&|findings| findings[b]));
    let covariance = share(&|findings| findings[a] && findings[b]) - of_a * of_b;
    covariance / (of_a * (1.0 - of_a) * of_b * (1.0 - of_b)).sqrt()
}

#[test]
fn findings_correlate_as_asked() {
    for asked in [0.0, 0.3, 0.7, 1.0] {
        let rows = rows(MultiLabelOptions { prevalence: [0.25; LABELS], correlation: asked, ..SMALL });
        for a in 0..LABELS {
            for b in 0..a {
                let measured = correlation(&rows, a, b);
                // Four standard deviations of 9,000 images are 0.04, and somewhat more where they are skewed.
                assert!((measured - asked).abs() < 0.06, "{a} {b}: {measured} for {asked}");
            }
        }
    }
}

#[test]
fn unknown_and_uncertain_labels_are_in_training_only_and_leave_the_rest_as_it_is() {
    let known = rows(SMALL);
    let marked = rows(MultiLabelOptions { unknown: 0.3, uncertain: 0.1, ..SMALL });
    let (mut unknown, mut uncertain, mut all) = (0.0, 0.0, 0.0);
    for (known, marked) in known.iter().zip(&marked) {
        assert_eq!((&known.file, known.chest, known.age), (&marked.file, marked.chest, marked.age));
        assert!(marked.part == Part::Training || known.values == marked.values);
        for (known, marked) in known.values.iter().zip(&marked.values) {
            assert!(known == marked || matches!(marked, LabelValue::Unknown | LabelValue::Uncertain));
        }
        if marked.part == Part::Training {
            unknown += marked.values.iter().filter(|mark| **mark == LabelValue::Unknown).count() as f64;
            uncertain += marked.values.iter().filter(|mark| **mark == LabelValue::Uncertain).count() as f64;
            all += LABELS as f64;
        }
    }
    assert!((unknown / all - 0.3).abs() < 0.01 && (uncertain / all - 0.1).abs() < 0.01);
    // Neither share changes the labels that the other one takes.
    let unknown_only = rows(MultiLabelOptions { unknown: 0.3, ..SMALL });
    for (row, other) in marked.iter().zip(&unknown_only) {
        for (mark, other) in row.values.iter().zip(&other.values) {
            assert_eq!(*mark == LabelValue::Unknown, *other == LabelValue::Unknown);
        }
    }
    let without = rows(MultiLabelOptions { unknown: 1.0, ..SMALL });
    let of_training = without.iter().filter(|row| row.part == Part::Training);
    assert!(of_training.flat_map(|row| row.values).all(|mark| mark == LabelValue::Unknown));
}

#[test]
fn patients_have_as_many_images_as_asked() {
    for asked in [[1, 3], [1, 1], [4, 4]] {
        let mut images: BTreeMap<usize, usize> = BTreeMap::new();
        let rows = rows(MultiLabelOptions { images_per_patient: asked, ..SMALL });
        for row in &rows {
            *images.entry(row.patient).or_default() += 1;
            assert_eq!(row.part == Part::Training, row.patient <= rows[7999].patient);
        }
        for count in asked[0]..=asked[1] {
            let share =
                images.values().filter(|images| **images == count).count() as f64 / images.len() as f64;
            let even = 1.0 / (asked[1] - asked[0] + 1) as f64;
            assert!((share - even).abs() < 0.03, "{asked:?}: {share} have {count}");
        }
    }
}

#[test]
fn bytes_depend_on_the_options_alone() {
    let first = made(&SMALL);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(first, one_thread.install(|| made(&SMALL)));
    let images = |sample: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<Vec<u8>> {
        sample.iter().filter(|(path, _)| path.starts_with(IMAGES)).map(|(_, bytes)| bytes.clone()).collect()
    };
    // The images are the same whatever is said of them.
    let marked = made(&MultiLabelOptions { unknown: 0.4, uncertain: 0.2, ..SMALL });
    assert_eq!(images(&marked), images(&first));
    assert_ne!(marked[Path::new(LABEL_FILE)], first[Path::new(LABEL_FILE)]);
    // Those of a smaller sample are the first of a larger one; test images are the same.
    let fewer = made(&MultiLabelOptions { count: 5, ..SMALL });
    assert!(fewer.iter().all(|(path, bytes)| !path.starts_with(IMAGES) || first[path] == *bytes));
    let other = images(&made(&MultiLabelOptions { seed: 29, ..SMALL }));
    assert!(images(&first).iter().zip(&other).all(|(a, b)| a != b));
    // No image is another's twin, not even where a patient has several.
    assert_eq!(images(&first).into_iter().collect::<HashSet<_>>().len(), 16);
}

#[test]
fn an_earlier_sample_and_leftovers_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x");
    write(&out, &MultiLabelOptions { count: 20, image_size: 40, seed: 1, ..SMALL });
    fs::write(out.join("images/synthetic-old.png"), "").unwrap();
    fs::write(out.join("images/.synthetic-00001.png.abcdefghijkl.thorax-tmp"), "half").unwrap();
    fs::write(out.join(".labels.csv.abcdefghijkl.thorax-tmp"), "half").unwrap();
    fs::create_dir_all(folder.path().join("x.partial/images")).unwrap();
    fs::write(folder.path().join("x.partial/images/synthetic-00001.png"), "").unwrap();
    // While images are replaced there are no labels, which could be another's.
    write_multi_label_sample(&out, &SMALL, &|| assert!(!out.join(LABEL_FILE).exists())).unwrap();
    assert_eq!(files(&out), made(&SMALL));
}

#[test]
fn whatever_is_no_sample_is_left_alone() {
    for (file, found) in [
        ("x/radiograph.png", "radiograph.png"),
        ("x/images/IM-0001.jpeg", "images/IM-0001.jpeg"),
        ("x/images/synthetic-1.png/scan.png", "images/synthetic-1.png"),
        ("x/labels.csv", "labels.csv"),
        ("x/NORMAL/synthetic-1.png", "NORMAL"),
        ("x.partial/notes.txt", "notes.txt"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "path,label\n").unwrap();
        let before = files(folder.path());
        let error = write_multi_label_sample(&folder.path().join("x"), &SMALL, &|| ()).unwrap_err();
        let Error::NotASample { found: told, .. } = &error else { panic!("{error}") };
        assert_eq!((told.as_str(), files(folder.path())), (found, before));
    }
}

/// A link may lead to anything.
#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    use std::os::unix::fs::symlink;

    let (folder, mine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let out = folder.path().join("x");
    let refused = || write_multi_label_sample(&out, &SMALL, &|| ()).unwrap_err();
    symlink(mine.path(), folder.path().join("x.partial")).unwrap();
    assert!(matches!(refused(), Error::Io { action: "write", .. }));
    fs::remove_file(folder.path().join("x.partial")).unwrap();
    fs::create_dir(&out).unwrap();
    for (name, target) in [(IMAGES, mine.path().to_owned()), (LABEL_FILE, mine.path().join("labels.csv"))] {
        fs::write(mine.path().join("labels.csv"), header()).unwrap();
        symlink(target, out.join(name)).unwrap();
        assert!(matches!(refused(), Error::NotASample { .. }));
        fs::remove_file(out.join(name)).unwrap();
    }
    assert_eq!(files(mine.path()).len(), 1);
}

#[test]
fn options_out_of_range_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for options in [
        MultiLabelOptions { count: 0, ..SMALL },
        MultiLabelOptions { images_per_patient: [0, 3], ..SMALL },
        MultiLabelOptions { images_per_patient: [3, 2], ..SMALL },
        MultiLabelOptions { prevalence: [0.2, 0.2, 1.1, 0.2, 0.2, 0.2], ..SMALL },
        MultiLabelOptions { correlation: -0.1, ..SMALL },
        MultiLabelOptions { unknown: f64::NAN, ..SMALL },
        MultiLabelOptions { unknown: 0.6, uncertain: 0.5, ..SMALL },
        MultiLabelOptions { image_size: 31, ..SMALL },
    ] {
        let error = write_multi_label_sample(&folder.path().join("x"), &options, &|| ()).unwrap_err();
        assert!(matches!(error, Error::Options(_)), "{error}");
    }
    assert!(entries(folder.path()).unwrap().is_empty());
}
