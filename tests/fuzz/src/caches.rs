//! Cache files, in the place where the program looks for one: their index's checksum and their key are made right, so that what
//! lies behind them is reached.

use std::{path::PathBuf, sync::OnceLock};

use data::{Cache, Decoding, Formats, Interpolation, Preprocess, Sample, load};
use sha2::{Digest as _, Sha256};

use crate::scratch;

const PREPROCESS: Preprocess = Preprocess { image_size: 2, interpolation: Interpolation::Nearest };
const FOOTER: usize = 80;

struct World {
    samples: Vec<Sample>,
    cache: Cache,
    /// Where the cache's file is, and what the program wrote there.
    place: PathBuf,
    whole: Vec<u8>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let files: [(&str, &[u8]); 3] = [
            ("g.pgm", b"P5 2 2 255\n\x01\x02\x03\x04"),
            ("c.ppm", b"P6 1 1 255\n\x01\x02\x03"),
            ("b.png", b"none"),
        ];
        let sample = |(name, bytes): (&str, &[u8])| {
            let path = scratch::write(name, bytes);
            Sample::new(path, name.to_owned(), 0)
        };
        let samples = files.map(sample).to_vec();
        let cache = Cache { folder: scratch::folder().join("cache"), limit: u64::MAX };
        let loaded = load(&samples, &PREPROCESS, &Decoding::new(Formats::All), Some(&cache), &|| {});
        assert!(loaded.not_cached.is_none() && loaded.images.len() == 2);
        let mut entries = std::fs::read_dir(&cache.folder).expect("the cache was made");
        let place = entries.next().expect("it has a file").expect("which can be seen").path();
        let whole = std::fs::read(&place).expect("and read");
        World { samples, cache, place, whole }
    })
}

pub(crate) fn run(input: &[u8]) {
    let world = world();
    let mut file = input.to_vec();
    if let Some(footer) = file.len().checked_sub(FOOTER) {
        let key = &world.whole[world.whole.len() - FOOTER..][..32];
        file[footer..footer + 32].copy_from_slice(key);
        let length: [u8; 8] = file[footer + 32..footer + 40].try_into().expect("eight bytes");
        // An index of 64 KiB at most: a length beyond the file is what is to be refused.
        let start = footer.saturating_sub(u64::from_le_bytes(length).min(1 << 16) as usize);
        let digest = Sha256::digest(&file[start..footer]);
        file[footer + 40..footer + 72].copy_from_slice(&digest);
        file[footer + 72..].copy_from_slice(b"complete");
    }
    std::fs::write(&world.place, &file).expect("the cache's folder can be written");
    let loaded = load(&world.samples, &PREPROCESS, &Decoding::new(Formats::All), Some(&world.cache), &|| {});
    assert!(loaded.not_cached.is_none());
    assert_eq!(loaded.images.len() + loaded.bad.len(), world.samples.len());
    for index in 0..loaded.images.len() {
        let mut values = Vec::new();
        let read = loaded.images.read(index, &mut values);
        assert!(matches!(loaded.images.channels(index), 1 | 3));
        assert_eq!(values.len(), if read.is_ok() { 4 * loaded.images.channels(index) } else { 0 });
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let whole = world().whole.clone();
    let mut none = whole.clone();
    none.drain(16..20);
    vec![whole, none]
}
