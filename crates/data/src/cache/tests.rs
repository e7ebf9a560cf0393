use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use super::*;
use crate::{Formats, ImageSet, Interpolation, Loaded, load};

const PREPROCESS: Preprocess = Preprocess { image_size: 5, interpolation: Interpolation::Nearest };

struct World {
    folder: tempfile::TempDir,
    samples: Vec<Sample>,
    cache: Cache,
}

impl World {
    /// Three gray images, one in colour, and a text.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut samples = Vec::new();
        for i in 0..5_u8 {
            let path = folder.path().join(format!("{i}.png"));
            match i {
                2 => fs::write(&path, "a text").unwrap(),
                4 => image::RgbImage::from_pixel(7, 6, image::Rgb([i, 2, 3])).save(&path).unwrap(),
                _ => gray(&path, 10 * i),
            }
            samples.push(Sample::new(path, format!("k/{i}.png"), 0));
        }
        let cache = Cache { folder: folder.path().join("cache"), limit: CACHE_LIMIT };
        Self { folder, samples, cache }
    }

    fn load(&self) -> Loaded {
        self.load_as(&PREPROCESS, &Decoding::new(Formats::Keras))
    }

    fn load_as(&self, preprocess: &Preprocess, decoding: &Decoding) -> Loaded {
        load(&self.samples, preprocess, decoding, Some(&self.cache), &|| ())
    }

    /// The cache's only file.
    fn file(&self) -> PathBuf {
        let mut files = self.cache.files().unwrap();
        assert_eq!(files.len(), 1);
        files.remove(0).path
    }
}

fn gray(path: &Path, value: u8) {
    image::GrayImage::from_fn(7, 6, |x, y| image::Luma([value + (x + y) as u8])).save(path).unwrap();
}

fn pixels(images: &ImageSet) -> Result<Vec<Vec<u8>>, Error> {
    let read = |index| {
        let mut image = Vec::new();
        images.read(index, &mut image).map(|()| image)
    };
    (0..images.len()).map(read).collect()
}

#[test]
fn the_second_time_nothing_is_decoded() {
    let world = World::new();
    let plain = load(&world.samples, &PREPROCESS, &Decoding::new(Formats::Keras), None, &|| ());
    let first = world.load();
    let done = AtomicUsize::new(0);
    let count = || {
        done.fetch_add(1, Ordering::Relaxed);
    };
    let decoding = Decoding::new(Formats::Keras);
    let second = load(&world.samples, &PREPROCESS, &decoding, Some(&world.cache), &count);
    assert_eq!((first.from_cache, second.from_cache, done.into_inner()), (false, true, 5));
    for loaded in [&first, &second] {
        assert!(loaded.not_cached.is_none());
        assert_eq!(pixels(&loaded.images).unwrap(), pixels(&plain.images).unwrap());
        assert_eq!((&loaded.bad, loaded.bad.len()), (&plain.bad, 1));
        assert_eq!(loaded.images.samples(), plain.images.samples());
        assert_eq!(loaded.images.channels(3), 3);
    }
    let labels = ["a".to_owned()];
    assert_eq!(crate::fingerprint(&labels, &[&second.images]), crate::fingerprint(&labels, &[&plain.images]));
}

#[test]
fn a_file_that_changed_is_decoded_again() {
    let world = World::new();
    world.load();
    let path = &world.samples[0].path;
    let times = fs::metadata(path).unwrap();
    let length = fs::read(path).unwrap().len();

    // Touched.
    File::options().append(true).open(path).unwrap().set_modified(SystemTime::now()).unwrap();
    assert!(!world.load().from_cache && world.load().from_cache);
    // Other pixels in as many bytes, and the old time of modification.
    for value in 1..60 {
        gray(path, value);
        if fs::metadata(path).unwrap().len() == length as u64 {
            break;
        }
    }
    assert_eq!(fs::read(path).unwrap().len(), length);
    File::options().append(true).open(path).unwrap().set_modified(times.modified().unwrap()).unwrap();
    let changed = world.load();
    assert!(!changed.from_cache);
    let decoding = Decoding::new(Formats::Keras);
    let plain = load(&world.samples, &PREPROCESS, &decoding, None, &|| ());
    assert_eq!(pixels(&changed.images).unwrap(), pixels(&plain.images).unwrap());
    // Gone, and back.
    let bytes = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    let gone = world.load();
    assert!(!gone.from_cache && gone.bad.len() == 2);
    // Nothing was kept of a file that could not be read: it is tried again.
    assert!(!world.load().from_cache);
    fs::write(path, bytes).unwrap();
    assert_eq!(world.load().bad.len(), 1);
}

#[test]
fn other_settings_have_a_file_of_their_own() {
    let world = World::new();
    let keras = Decoding::new(Formats::Keras);
    let all = [
        (PREPROCESS, keras),
        (Preprocess { image_size: 6, ..PREPROCESS }, keras),
        (Preprocess { interpolation: Interpolation::Area, ..PREPROCESS }, keras),
        (PREPROCESS, Decoding::new(Formats::All)),
        (PREPROCESS, Decoding { max_pixels: 30, ..keras }),
    ];
    for (preprocess, decoding) in &all {
        assert!(!world.load_as(preprocess, decoding).from_cache);
    }
    for (preprocess, decoding) in &all {
        assert!(world.load_as(preprocess, decoding).from_cache);
    }
    assert_eq!(world.cache.size().unwrap().files, all.len());
    // Fewer files are another list.
    let decoding = Decoding::new(Formats::Keras);
    assert!(!load(&world.samples[1..], &PREPROCESS, &decoding, Some(&world.cache), &|| ()).from_cache);
}

#[test]
fn no_damage_gives_other_pixels() {
    let world = World::new();
    let expected = pixels(&world.load().images).unwrap();
    let path = world.file();
    let whole = fs::read(&path).unwrap();
    let (mut again, mut refused) = (0, 0);
    let mut check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let loaded = world.load();
        match pixels(&loaded.images) {
            Ok(pixels) => assert_eq!(pixels, expected),
            Err(error) => {
                assert!(matches!(error, Error::DamagedCache { .. }), "{error}");
                refused += 1;
            }
        }
        again += usize::from(!loaded.from_cache);
    };
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        check(&changed);
        check(&whole[..at]);
    }
    check(&[&whole[..], b"more"].concat());
    // The images' own bytes are found out when they are read, all others when the file is opened; the first line is not read.
    let images = 3 * 25 + 75;
    assert_eq!(refused, images);
    assert_eq!(again, 2 * whole.len() + 1 - images - 16);
}

/// A file that says it holds more than memory does.
#[test]
fn absurd_lengths_are_not_believed() {
    let world = World::new();
    world.load();
    let path = world.file();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 48;
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert!(!world.load().from_cache);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(!world.load().from_cache);
}

#[test]
fn what_cannot_be_written_is_kept_in_memory() {
    let mut world = World::new();
    world.cache.folder = world.folder.path().join("0.png");
    let loaded = world.load();
    let error = loaded.not_cached.unwrap();
    assert!(matches!(&error, Error::Io { path, .. } if path.starts_with(&world.cache.folder)), "{error}");
    let decoding = Decoding::new(Formats::Keras);
    let plain = load(&world.samples, &PREPROCESS, &decoding, None, &|| ());
    assert_eq!(pixels(&loaded.images).unwrap(), pixels(&plain.images).unwrap());
}

#[test]
fn old_files_and_what_is_too_much_go_and_nothing_else() {
    let mut world = World::new();
    let load = |world: &World, size| {
        world.load_as(&Preprocess { image_size: size, ..PREPROCESS }, &Decoding::new(Formats::Keras))
    };
    load(&world, 4);
    let aged = |path: &Path, days: u64| {
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    };
    let old = world.file();
    aged(&old, 31);
    let foreign = world.cache.folder.join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    fs::write(world.cache.folder.join("00.partial"), "of a killed writer").unwrap();
    let writing = world.cache.folder.join("11.partial");
    let held = File::create(&writing).unwrap();
    held.lock().unwrap();
    load(&world, 5);
    assert!(!old.exists() && foreign.exists() && writing.exists());
    assert!(!world.cache.folder.join("00.partial").exists());

    // With room for two, the one that was used last stays beside the new one.
    drop(held);
    fs::remove_file(&writing).unwrap();
    let fifth = world.file();
    aged(&fifth, 2);
    load(&world, 6);
    let sixth = world.cache.files().unwrap().into_iter().find(|file| file.path != fifth).unwrap();
    aged(&sixth.path, 1);
    assert!(load(&world, 5).from_cache);
    world.cache.limit = world.cache.size().unwrap().bytes + 100;
    load(&world, 7);
    assert!(fifth.exists() && !sixth.path.exists());
    // One that is larger than the limit is kept while it is the newest.
    world.cache.limit = 1;
    load(&world, 8);
    assert_eq!(world.cache.size().unwrap().files, 1);
}

#[test]
fn clearing_leaves_readers_their_file() {
    let world = World::new();
    let expected = pixels(&world.load().images).unwrap();
    let reader = world.load();
    let writing = world.cache.folder.join("11.partial");
    let held = File::create(&writing).unwrap();
    held.lock().unwrap();
    let size = world.cache.size().unwrap();
    let cleared = world.cache.clear().unwrap();
    assert_eq!((size.files, cleared.files, cleared.bytes), (2, 1, size.bytes));
    assert!(writing.exists());
    assert_eq!(pixels(&reader.images).unwrap(), expected);
    drop(held);
    assert_eq!(world.cache.clear().unwrap().files, 1);
    assert_eq!(world.cache.size().unwrap(), CacheSize::default());
    let none = Cache { folder: world.folder.path().join("absent"), limit: 0 };
    assert_eq!((none.size().unwrap(), none.clear().unwrap()), Default::default());
}

#[test]
fn files_that_just_changed_are_waited_for() {
    let world = World::new();
    gray(&world.samples[0].path, 77);
    let start = Instant::now();
    assert!(!world.load().from_cache);
    assert!(world.load().from_cache);
    // One tick of the clock, not more.
    assert!(start.elapsed() < Duration::from_secs(5));
}
