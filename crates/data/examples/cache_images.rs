//! Reads a folder of classes through a cache and prints the outcome as one line: a test kills it at any moment.
//!
//! `cache_images FOLDER CACHE SIZE`

use std::path::{Path, PathBuf};

use data::{CACHE_LIMIT, Cache, Decoding, EVALUATION_BATCH, Formats, Interpolation, Preprocess};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, cache, size] = &words[..] else { return Err("cache_images FOLDER CACHE SIZE".into()) };
    let cache = Cache { folder: PathBuf::from(cache), limit: CACHE_LIMIT };
    let preprocess = Preprocess { image_size: size.parse()?, interpolation: Interpolation::Bilinear };
    let listing = data::open(Path::new(folder), &data::OpenOptions::KERAS)?;
    let loaded =
        data::load(&listing.samples, &preprocess, &Decoding::new(Formats::Keras), Some(&cache), &|| ());
    // The images as they are read back, not only the sums that stand beside them.
    let (n, mut sum) = (loaded.images.len(), 0_u64);
    for start in (0..n).step_by(EVALUATION_BATCH) {
        let batch = data::evaluation_batch(&loaded.images, start)?;
        sum = batch.pixels.iter().fold(sum, |sum, &value| sum.wrapping_mul(31).wrapping_add(value.into()));
    }
    #[expect(clippy::print_stdout, reason = "a program of its own: this is its result")]
    {
        println!(
            "{n} images, sum {sum}, {}, {}",
            if loaded.from_cache { "from the cache" } else { "decoded" },
            loaded.not_cached.map_or("cached".to_owned(), |error| describe(&error)),
        );
    }
    Ok(())
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
