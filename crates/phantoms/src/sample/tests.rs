use std::collections::BTreeMap;

use super::*;
use crate::files::{entries, png};
use data::{Decoding, Formats, MARKER, OpenOptions, decode, open};

const SMALL: SampleOptions = SampleOptions { count: 15, test_per_class: 1, image_size: 32, seed: 28 };

/// All files below a folder with their bytes, but the note on what the folder holds.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder).unwrap() {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(MARKER) {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

fn write(out: &Path, options: &SampleOptions) -> SampleSummary {
    write_sample(out, options, &|| ()).unwrap()
}

#[test]
fn images_are_shared_out_as_in_the_study() {
    assert_eq!(shares(2785).unwrap(), [179, 1301, 1305]);
    assert_eq!(shares(920).unwrap(), [59, 430, 431]);
    assert_eq!(shares(40).unwrap(), [5, 17, 18]);
    assert_eq!(shares(15).unwrap(), [5, 5, 5]);
    for count in 15..600 {
        let shares = shares(count).unwrap();
        assert_eq!(shares.iter().sum::<usize>(), count);
        assert!(shares.iter().all(|&images| images >= FEWEST), "{count}: {shares:?}");
    }
    assert!(shares(usize::MAX).is_ok());
    assert!(matches!(shares(14), Err(Error::Options(_))));
}

#[test]
fn a_sample_is_a_data_set_of_gray_pngs_marked_by_name_and_text() {
    let folder = tempfile::tempdir().unwrap();
    // A trailing slash changes nothing.
    let out = folder.path().join("new/x rays/");
    let done = std::sync::atomic::AtomicUsize::new(0);
    let summary = write_sample(&out, &SMALL, &|| {
        done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(done.into_inner(), 18);
    assert_eq!(summary.classes, ["COVID-19", "NORMAL", "Viral Pneumonia"]);
    assert_eq!((&summary.training[..], &summary.test[..]), (&[5, 5, 5][..], &[1, 1, 1][..]));
    assert_eq!(entries(&folder.path().join("new")).unwrap().len(), 2);
    for (path, counts) in [(out, summary.training), (folder.path().join("new/x rays Test"), summary.test)] {
        let listing = open(&path, &OpenOptions::KERAS).unwrap();
        assert_eq!((listing.labels(), listing.counts()), (summary.classes.clone(), counts));
        for sample in &listing.samples {
            assert!(sample.is_synthetic(), "{}", sample.name);
            let bytes = fs::read(&sample.path).unwrap();
            let pixels = decode(&bytes, &Decoding::new(Formats::Keras)).unwrap().pixels;
            assert_eq!((pixels.width, pixels.height, pixels.channels), (32, 32, 1));
            assert!(bytes.windows(17).any(|text| text == b"Synthetic chest p"));
        }
    }
}

#[test]
fn bytes_depend_on_the_options_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, threads, options| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let out = folder.path().join(name);
        pool.install(|| write(&out, options));
        files(&out).into_values().collect::<Vec<_>>()
    };
    let first = made("a", 1, &SMALL);
    assert_eq!(first, made("b", 4, &SMALL));
    let other = made("c", 2, &SampleOptions { seed: 29, ..SMALL });
    assert!(first.iter().zip(&other).all(|(a, b)| a != b));
    // No image is another's twin.
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
}

#[test]
fn an_earlier_sample_and_leftovers_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x");
    write(&out, &SampleOptions { count: 30, test_per_class: 2, image_size: 40, seed: 1 });
    fs::write(out.join("NORMAL/synthetic-old.png"), "").unwrap();
    fs::write(out.join("NORMAL/.synthetic-normal-00001.png.abcdefghijkl.thorax-tmp"), "half").unwrap();
    fs::create_dir_all(folder.path().join("x.partial/NORMAL")).unwrap();
    fs::write(folder.path().join("x.partial/NORMAL/synthetic-normal-00001.png"), "").unwrap();
    write(&out, &SMALL);
    let again = tempfile::tempdir().unwrap();
    write(&again.path().join("x"), &SMALL);
    for name in ["x", "x Test"] {
        let bytes = |root: &Path| files(&root.join(name)).into_values().collect::<Vec<_>>();
        assert_eq!(bytes(folder.path()), bytes(again.path()), "{name}");
    }
    write(&out, &SampleOptions { test_per_class: 0, ..SMALL });
    assert!(files(&folder.path().join("x Test")).is_empty());
}

#[test]
fn a_new_sample_is_not_there_before_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x");
    // An interrupted call, with an older image in what it left.
    fs::create_dir_all(folder.path().join("x.partial/NORMAL")).unwrap();
    fs::write(folder.path().join("x.partial/NORMAL/synthetic-normal-09999.png"), "").unwrap();
    write_sample(&out, &SMALL, &|| assert!(!out.exists())).unwrap();
    assert_eq!(files(&out).len(), 15);
    assert!(!folder.path().join("x.partial").exists());
}

#[test]
fn no_image_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("x.partial")).unwrap();
    let error = write_sample(&folder.path().join("x"), &SMALL, &|| ()).unwrap_err();
    assert!(matches!(error, Error::Io { action: "write", .. }), "{error}");
    assert!(files(&elsewhere).is_empty());
}

#[test]
fn whatever_is_no_sample_is_left_alone() {
    for (file, found) in [
        ("x/radiograph.png", "radiograph.png"),
        ("x/NORMAL/IM-0001.jpeg", "NORMAL/IM-0001.jpeg"),
        ("x/NORMAL/synthetic-1.jpeg", "NORMAL/synthetic-1.jpeg"),
        ("x/NORMAL/synthetic-1.png/scan.png", "NORMAL/synthetic-1.png"),
        ("x/synthetic-1.png", "synthetic-1.png"),
        ("x/Lung Opacity/1.png", "Lung Opacity"),
        ("x Test/NORMAL/1.png", "NORMAL/1.png"),
        ("x.partial/notes.txt", "notes.txt"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "a radiograph").unwrap();
        fs::create_dir_all(folder.path().join("x/COVID-19")).unwrap();
        fs::write(folder.path().join("x/COVID-19/synthetic-old.png"), "old").unwrap();
        let before = files(folder.path());
        let error = write_sample(&folder.path().join("x"), &SMALL, &|| ()).unwrap_err();
        let Error::NotASample { found: told, .. } = &error else { panic!("{error}") };
        assert_eq!(told, found);
        assert_eq!(files(folder.path()), before, "{file}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), "a file").unwrap();
    let error = write_sample(&folder.path().join("x"), &SMALL, &|| ()).unwrap_err();
    assert!(matches!(error, Error::NotAFolder { .. }), "{error}");
}

/// A link may lead to anything.
#[cfg(unix)]
#[test]
fn links_within_a_sample_are_not_followed() {
    use std::os::unix::fs::symlink;

    let (folder, mine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(mine.path().join("synthetic-1.png"), "mine").unwrap();
    let out = folder.path().join("x");
    fs::create_dir_all(&out).unwrap();
    symlink(mine.path(), out.join("NORMAL")).unwrap();
    assert!(matches!(write_sample(&out, &SMALL, &|| ()), Err(Error::NotASample { .. })));
    fs::remove_file(out.join("NORMAL")).unwrap();
    fs::create_dir(out.join("NORMAL")).unwrap();
    symlink(mine.path().join("synthetic-1.png"), out.join("NORMAL/synthetic-1.png")).unwrap();
    assert!(matches!(write_sample(&out, &SMALL, &|| ()), Err(Error::NotASample { .. })));
    assert_eq!(fs::read(mine.path().join("synthetic-1.png")).unwrap(), b"mine");
}

#[test]
fn options_out_of_range_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for options in [
        SampleOptions { count: 14, ..SMALL },
        SampleOptions { image_size: 31, ..SMALL },
        SampleOptions { image_size: 4097, ..SMALL },
    ] {
        let error = write_sample(&folder.path().join("x"), &options, &|| ()).unwrap_err();
        assert!(matches!(error, Error::Options(_)), "{error}");
    }
    for nameless in ["", "/", ".."] {
        assert!(matches!(write_sample(Path::new(nameless), &SMALL, &|| ()), Err(Error::Options(_))));
    }
    assert!(entries(folder.path()).unwrap().is_empty());
}

/// Real radiographs of this size take as much, so that reading the sample costs what reading a data set does.
#[test]
fn files_are_as_large_as_radiographs() {
    let key = |step| Key { seed: 3, epoch: 0, step, purpose: Purpose::Phantom };
    for (step, finding) in
        [Finding::None, Finding::Consolidation, Finding::GroundGlass].into_iter().enumerate()
    {
        let pixels = drawing::draw(finding, 1024, key(step as u64).generator(0));
        let size = png(&pixels, 1024).unwrap().len();
        assert!((300_000..500_000).contains(&size), "{size}");
    }
}
