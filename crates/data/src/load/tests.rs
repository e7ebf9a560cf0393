use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{Formats, MAX_PIXELS};

const KERAS: Decoding = Decoding { formats: Formats::Keras, max_pixels: MAX_PIXELS };
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

#[test]
fn images_and_bad_files_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples(folder.path());
    let done = AtomicUsize::new(0);
    let Loaded { images, bad } = load(&samples, &NEAREST, &KERAS, &|| {
        done.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(done.into_inner(), 6);
    assert_eq!((images.len(), images.is_empty(), images.image_size()), (4, false, 4));
    assert_eq!(images.labels(), [0, 1, 2, 1]);
    assert_eq!(
        images.samples().iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>(),
        ["k/0.png", "k/1.png", "k/3.png", "k/4.png"]
    );
    assert_eq!((0..4).map(|i| images.channels(i)).collect::<Vec<_>>(), [1, 3, 3, 1]);
    assert_eq!(images.pixels(0), [10; 16]);
    assert_eq!(images.pixels(2), [4, 5, 6].repeat(16));
    assert_eq!(bad.iter().map(|bad| &bad.path).collect::<Vec<_>>(), [&samples[2].path, &samples[5].path]);
    assert!(
        matches!(bad[0].error, DecodeError::NotAnImage) && matches!(bad[1].error, DecodeError::Unreadable(_))
    );
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let samples = vec![samples(folder.path()); 20].concat();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let loaded = pool.install(|| load(&samples, &NEAREST, &KERAS, &|| ()));
        (loaded.images.samples.clone(), loaded.images.pixels.clone(), loaded.bad.len())
    };
    assert_eq!(with(1), with(5));
}

#[test]
fn batches_are_in_rgb_and_padded_with_black() {
    let folder = tempfile::tempdir().unwrap();
    let images = load(&samples(folder.path()), &NEAREST, &KERAS, &|| ()).images;
    let batch = images.batch(&[2, 0, 2]);
    assert_eq!((batch.n, batch.filled, batch.image_size), (3, 3, 4));
    assert_eq!(batch.pixels, [[4, 5, 6].repeat(16), vec![10; 48], [4, 5, 6].repeat(16)].concat());
    let padded = crate::evaluation_batch(&images, 3);
    assert_eq!((padded.n, padded.filled, padded.pixels.len()), (32, 1, 32 * 48));
    assert_eq!(padded.pixels[..48], [20; 48]);
    assert!(padded.pixels[48..].iter().all(|&value| value == 0));
}

#[test]
fn no_files_give_no_images() {
    let loaded = load(&[], &NEAREST, &KERAS, &|| ());
    assert!(loaded.images.is_empty() && loaded.bad.is_empty() && !loaded.images.is_synthetic());
    assert_eq!(loaded.images.labels(), [0; 0]);
}

#[test]
fn a_fingerprint_tells_every_difference_but_the_place() {
    let labels = ["a", "b", "c"].map(str::to_owned);
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let set = |folder: &Path| load(&samples(folder), &NEAREST, &KERAS, &|| ()).images;
    let (images, same) = (set(here.path()), set(there.path()));
    let print = fingerprint(&labels, &[&images]);
    assert_eq!(print.len(), 64);
    assert_eq!(print, fingerprint(&labels, &[&same]));

    let mut others = vec![fingerprint(&["a", "b", "d"].map(str::to_owned), &[&images])];
    others.push(fingerprint(&labels, &[&images, &ImageSet::default()]));
    let changes: [fn(&mut ImageSet); 3] =
        [|set| set.pixels[5] ^= 1, |set| set.samples[0].label = 2, |set| set.samples[1].name.push('x')];
    for change in changes {
        let mut changed = images.clone();
        change(&mut changed);
        others.push(fingerprint(&labels, &[&changed]));
    }
    others.push(print);
    let all = others.len();
    others.sort();
    others.dedup();
    assert_eq!(others.len(), all);
}
