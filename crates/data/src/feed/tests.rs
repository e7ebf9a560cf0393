use super::*;
use crate::{AugmentContext, Augmentation};
use crate::{Decoding, Formats, Interpolation, Preprocess, training_batches};
use base::random::{Key, Purpose};
use phantoms::SampleOptions;

fn images() -> ImageSet {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("Phantoms");
    let options = SampleOptions { count: 20, test_per_class: 0, image_size: 40, seed: 28 };
    phantoms::write_sample(&out, &options, &|| ()).unwrap();
    let samples = crate::open(&out, &crate::OpenOptions::KERAS).unwrap().samples;
    let preprocess = Preprocess { image_size: 24, interpolation: Interpolation::Area };
    crate::load(&samples, &preprocess, &Decoding::new(Formats::Keras), None, &|| ()).images
}

fn augmenting(augmentation: Augmentation, epoch: u64) -> AugmentContext {
    AugmentContext { augmentation, seed: 28, epoch }
}

fn fed(images: &ImageSet, batch_size: usize, augmenting: AugmentContext) -> Vec<Batch> {
    let key = Key { seed: 28, epoch: augmenting.epoch, step: 0, purpose: Purpose::Shuffle };
    let batches = training_batches(images.len(), batch_size, &key);
    let feed = Prefetcher::start(images, &batches, augmenting).unwrap();
    feed.map(Result::unwrap).collect()
}

#[test]
fn batches_come_in_order_and_all_of_them() {
    let images = images();
    let batches = [vec![3, 1], vec![0], vec![2, 4, 5]];
    let feed = Prefetcher::start(&images, &batches, augmenting(Augmentation::default(), 1)).unwrap();
    let fed: Vec<Batch> = feed.map(Result::unwrap).collect();
    let direct: Vec<Batch> = batches.iter().map(|indices| images.batch(indices).unwrap()).collect();
    assert_eq!(fed, direct);
}

#[test]
fn a_seed_gives_the_same_augmented_batches_on_any_number_of_threads() {
    let images = images();
    let with = |threads, epoch| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let indices: Vec<usize> = (0..images.len()).collect();
        pool.install(|| images.augmented_batch(&indices, &augmenting(Augmentation::LIGHT, epoch)).unwrap())
    };
    assert_eq!(with(1, 1), with(2, 1));
    assert_eq!(with(1, 1), with(5, 1));
    assert_ne!(with(1, 1), with(1, 2));
    // Whichever batch an image is in, it is changed in the same way.
    let (small, whole) = (
        fed(&images, 3, augmenting(Augmentation::LIGHT, 1)),
        fed(&images, 20, augmenting(Augmentation::LIGHT, 1)),
    );
    let pixels =
        |batches: &[Batch]| batches.iter().flat_map(|batch| batch.pixels.clone()).collect::<Vec<_>>();
    assert!(pixels(&small) == pixels(&whole));
}

#[test]
fn a_feed_that_is_dropped_ends_its_thread() {
    let images = images();
    let batches = vec![vec![0]; 1000];
    let mut feed = Prefetcher::start(&images, &batches, augmenting(Augmentation::default(), 1)).unwrap();
    assert!(feed.next().is_some_and(|batch| batch.is_ok()));
    drop(feed);
    // The thread holds the set's pixels until it ends.
    let started = Instant::now();
    while std::sync::Arc::strong_count(images.store()) > 1 {
        assert!(started.elapsed() < Duration::from_secs(20), "the thread goes on");
        thread::sleep(Duration::from_millis(1));
    }
}
