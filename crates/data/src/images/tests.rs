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
        entries.push(Entry::new(bytes.len() as u64, image, DecodeNotes::default()));
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
    let padded = evaluation_batch(&images, 2).unwrap();
    assert_eq!((padded.n, padded.filled, padded.pixels.len()), (32, 1, 32 * 48));
    assert_eq!(padded.pixels[..48], [20; 48]);
    assert!(padded.pixels[48..].iter().all(|&value| value == 0));
}

#[test]
fn a_hidden_part_is_hidden_in_any_batch_and_a_digest_is_of_the_whole() {
    let (mut samples, mut pixels) = (Vec::new(), Vec::new());
    for image in 0..40u8 {
        let name = format!("{image}.png");
        samples.push(Sample::new(PathBuf::from(&name), name, 0));
        let values: u8 = if image % 3 == 0 { 48 } else { 16 };
        pixels.push((0..values).map(|at| at.wrapping_mul(image + 3)).collect());
    }
    let images = set(samples, &pixels);
    for occlusion in Occlusion::ALL {
        let hidden = images.occluded(occlusion);
        let all = hidden.batch(&(0..40).collect::<Vec<_>>()).unwrap();
        assert!(all.pixels != images.batch(&(0..40).collect::<Vec<_>>()).unwrap().pixels);
        let mask = occlusion.mask(4, 4);
        for (index, image) in all.pixels.chunks_exact(48).enumerate() {
            assert_eq!(hidden.batch(&[index]).unwrap().pixels, image);
            assert_eq!(hidden.digest(index), images.digest(index));
            let whole = images.batch(&[index]).unwrap().pixels;
            let pixels = image.chunks_exact(3).zip(whole.chunks_exact(3)).zip(&mask);
            let grays: Vec<&[u8]> =
                pixels.clone().filter(|(_, hides)| **hides).map(|((p, _), _)| p).collect();
            assert!(grays.iter().all(|gray| *gray == [grays[0][0]; 3]), "{occlusion}");
            assert!(pixels.filter(|(_, hides)| !**hides).all(|((seen, was), _)| seen == was));
        }
        let padded = evaluation_batch(&hidden, 32).unwrap();
        assert_eq!(padded.pixels[..8 * 48], all.pixels[32 * 48..]);
        assert!(padded.pixels[8 * 48..].iter().all(|&value| value == 0));
        // A part of the set is hidden as the set is, and another part can be hidden instead.
        let part = hidden.select(&images.samples()[5..6]);
        assert_eq!(part.batch(&[0]).unwrap(), hidden.batch(&[5]).unwrap());
        let again = hidden.occluded(Occlusion::Centre);
        assert_eq!(again.batch(&[1]).unwrap(), images.occluded(Occlusion::Centre).batch(&[1]).unwrap());
    }
}

#[test]
fn a_part_of_a_set_has_its_pixels_and_its_own_labels() {
    let images = images();
    let mut samples = images.samples().to_vec();
    samples.reverse();
    samples[0].annotation = Annotation::Class(7);
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
    let changes: [Change; 6] = [
        |_, pixels| pixels[1][5] ^= 1,
        |samples, _| samples[0].annotation = Annotation::Class(2),
        |samples, _| samples[1].name.push('x'),
        |samples, _| samples[0].annotation = Annotation::Findings(vec![Finding::known(true); 2]),
        |samples, _| samples[0].annotation = Annotation::Findings(vec![Finding::known(false); 2]),
        |samples, _| {
            let zero = Finding { mark: crate::Mark::Blank, value: Some(false) };
            samples[0].annotation = Annotation::Findings(vec![zero; 2]);
        },
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
