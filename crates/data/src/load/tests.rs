use std::{
    fs::{self, File},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{Formats, MAX_PIXELS, read_file};

const KERAS: Decoding =
    Decoding { formats: Formats::Keras, falls_back: false, max_pixels: MAX_PIXELS, frame: 1 };
const NEAREST: Preprocess = Preprocess { image_size: 4, interpolation: Interpolation::Nearest };

fn write(folder: &Path, name: &str, image: impl Into<image::DynamicImage>, label: usize) -> Sample {
    let path = folder.join(name);
    image.into().save_with_format(&path, image::ImageFormat::Png).unwrap();
    Sample::new(path, format!("k/{name}"), label)
}

/// Gray, colour, text, colour, gray, and one that is not there.
fn samples(folder: &Path) -> Vec<Sample> {
    let gray = |value| image::GrayImage::from_pixel(6, 5, image::Luma([value]));
    let colour = |value| image::RgbImage::from_pixel(3, 3, image::Rgb(value));
    let mut samples = vec![
        write(folder, "0.png", gray(10), 0),
        write(folder, "1.png", colour([1, 2, 3]), 1),
        write(folder, "3.png", colour([4, 5, 6]), 2),
        write(folder, "4.png", gray(20), 1),
    ];
    fs::write(folder.join("2.png"), "no image").unwrap();
    for (at, name) in [(2, "2.png"), (5, "gone.png")] {
        samples.insert(at, Sample::new(folder.join(name), format!("k/{name}"), 0));
    }
    samples
}

/// Holes make a file of any length at no cost.
#[test]
fn a_file_longer_than_any_image_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.png");
    // Its head is an image's: what is none is refused by that.
    fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let decoding = Decoding { max_pixels: 4, ..KERAS };
    let told = || read_file(&path, &decoding).map(|bytes| bytes.len()).map_err(|error| error.to_string());
    file.set_len((64 << 20) + 32).unwrap();
    assert_eq!(told(), Ok((64 << 20) + 32));
    for length in [(64 << 20) + 33, 1 << 42] {
        file.set_len(length).unwrap();
        let words = "is an image that is not supported: its file has more than 64 MiB";
        assert_eq!(told(), Err(words.to_owned()), "{length}");
    }
}

/// Values of every image.
fn pixels(images: &ImageSet) -> Vec<Vec<u8>> {
    let read = |index| {
        let mut image = Vec::new();
        images.read(index, &mut image).unwrap();
        image
    };
    (0..images.len()).map(read).collect()
}

#[test]
fn images_and_bad_files_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples(folder.path());
    let done = AtomicUsize::new(0);
    let Loaded { images, bad, notes: _, from_cache, not_cached } =
        load(&samples, &NEAREST, &KERAS, None, &|| {
            done.fetch_add(1, Ordering::Relaxed);
        });
    assert!(!from_cache && not_cached.is_none());
    assert_eq!(done.into_inner(), 6);
    assert_eq!((images.len(), images.is_empty(), images.image_size()), (4, false, 4));
    assert_eq!(images.labels(), [0, 1, 2, 1]);
    assert_eq!(
        images.samples().iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>(),
        ["k/0.png", "k/1.png", "k/3.png", "k/4.png"]
    );
    assert_eq!((0..4).map(|i| images.channels(i)).collect::<Vec<_>>(), [1, 3, 3, 1]);
    assert_eq!(pixels(&images), [vec![10; 16], [1, 2, 3].repeat(16), [4, 5, 6].repeat(16), vec![20; 16]]);
    assert_eq!(bad.iter().map(|bad| &bad.path).collect::<Vec<_>>(), [&samples[2].path, &samples[5].path]);
    assert_eq!(bad[0].reason, "is no image");
    assert!(bad[1].reason.starts_with("cannot be read: "), "{}", bad[1].reason);
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let samples = vec![samples(folder.path()); 20].concat();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let loaded = pool.install(|| load(&samples, &NEAREST, &KERAS, None, &|| ()));
        (loaded.images.samples().to_vec(), pixels(&loaded.images), loaded.bad)
    };
    assert_eq!(with(1), with(5));
}

#[test]
fn no_files_give_no_images() {
    let loaded = load(&[], &NEAREST, &KERAS, None, &|| ());
    assert!(loaded.images.is_empty() && loaded.bad.is_empty() && !loaded.images.is_synthetic());
    assert_eq!(loaded.images.labels(), [0; 0]);
}
