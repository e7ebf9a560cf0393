use std::path::PathBuf;

use super::*;
use crate::store::{Bytes, Entry};

/// Gray 10, colour 4 5 6 and gray 20, of 4×4 pixels, in memory.
fn images() -> ImageSet {
    let pixels = [vec![10; 16], [4, 5, 6].repeat(16), vec![20; 16]];
    let samples =
        ["k/0.png", "k/1.png", "l/2.png"].map(|name| Sample::new(PathBuf::from(name), name.to_owned(), 1));
    set(samples.to_vec(), &pixels)
}

fn set(samples: Vec<Sample>, pixels: &[Vec<u8>]) -> ImageSet {
    let (mut bytes, mut entries) = (Vec::new(), Vec::new());
    for image in pixels {
        entries.push(Entry::new(bytes.len() as u64, image));
        bytes.extend_from_slice(image);
    }
    let store = Arc::new(Store { bytes: Bytes::Memory(bytes), entries });
    ImageSet::new(4, samples.into_iter().zip(0..).collect(), store)
}

#[test]
fn batches_are_in_rgb_and_padded_with_black() {
    let images = images();
    let batch = images.batch(&[1, 0, 1]).unwrap();
    assert_eq!((batch.n, batch.filled, batch.image_size), (3, 3, 4));
    assert_eq!(batch.pixels, [[4, 5, 6].repeat(16), vec![10; 48], [4, 5, 6].repeat(16)].concat());
    let padded = crate::evaluation_batch(&images, 2).unwrap();
    assert_eq!((padded.n, padded.filled, padded.pixels.len()), (32, 1, 32 * 48));
    assert_eq!(padded.pixels[..48], [20; 48]);
    assert!(padded.pixels[48..].iter().all(|&value| value == 0));
}

#[test]
fn a_part_of_a_set_has_its_pixels_and_its_own_labels() {
    let images = images();
    let mut samples = images.samples().to_vec();
    samples.reverse();
    samples[0].label = 7;
    samples.insert(1, Sample::new("gone.png".into(), "gone.png".to_owned(), 0));
    let part = images.select(&samples);
    assert_eq!((part.labels(), part.len()), (vec![7, 1, 1], 3));
    assert_eq!([part.channels(0), part.channels(1)], [1, 3]);
    assert_eq!(part.batch(&[0]).unwrap().pixels, [20; 48]);
    assert_eq!(part.digest(2), images.digest(0));
}

#[test]
fn a_fingerprint_tells_every_difference_but_the_place() {
    let labels = ["a", "b", "c"].map(str::to_owned);
    let images = images();
    let print = fingerprint(&labels, &[&images]);
    assert_eq!(print.len(), 64);
    let mut moved = images.samples().to_vec();
    moved.iter_mut().for_each(|sample| sample.path = PathBuf::from("elsewhere"));
    let pixels = [vec![10; 16], [4, 5, 6].repeat(16), vec![20; 16]];
    assert_eq!(print, fingerprint(&labels, &[&set(moved, &pixels)]));

    let mut others = vec![fingerprint(&["a", "b", "d"].map(str::to_owned), &[&images])];
    others.push(fingerprint(&labels, &[&images, &ImageSet::default()]));
    type Change = fn(&mut Vec<Sample>, &mut [Vec<u8>; 3]);
    let changes: [Change; 3] = [
        |_, pixels| pixels[1][5] ^= 1,
        |samples, _| samples[0].label = 2,
        |samples, _| samples[1].name.push('x'),
    ];
    for change in changes {
        let (mut samples, mut pixels) = (images.samples().to_vec(), pixels.clone());
        change(&mut samples, &mut pixels);
        others.push(fingerprint(&labels, &[&set(samples, &pixels)]));
    }
    others.push(print);
    let all = others.len();
    others.sort();
    others.dedup();
    assert_eq!(others.len(), all);
}
