//! The cache as other processes meet it: killed at any moment, several at once, on a disk that is full.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base::random::{Key, Purpose, unit};
use data::{CACHE_LIMIT, Cache, Decoding, Formats, Interpolation, Loaded, Preprocess};
use phantoms::SampleOptions;

const SIZE: usize = 48;

/// The example beside this test, which cargo builds with it.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/cache_images");
    assert!(program.exists(), "build it with `cargo test -p data`: {}", program.display());
    program
}

fn command(data: &Path, cache: &Path) -> Command {
    let mut command = Command::new(program());
    command.args([data, cache]).arg(SIZE.to_string()).stdout(Stdio::piped());
    command
}

fn phantoms(folder: &Path) -> PathBuf {
    let data = folder.join("Phantoms");
    let options = SampleOptions { count: 60, test_per_class: 0, image_size: 96, seed: 28 };
    phantoms::write_sample(&data, &options, &|| ()).unwrap();
    data
}

fn load(data: &Path, cache: Option<&Path>) -> Loaded {
    let samples = data::open(data, &data::OpenOptions::KERAS).unwrap().samples;
    let preprocess = Preprocess { image_size: SIZE, interpolation: Interpolation::Bilinear };
    let cache = cache.map(|folder| Cache { folder: folder.to_owned(), limit: CACHE_LIMIT });
    data::load(&samples, &preprocess, &Decoding::new(Formats::Keras), cache.as_ref(), &|| ())
}

fn pixels(loaded: &Loaded) -> Vec<u8> {
    let indices: Vec<usize> = (0..loaded.images.len()).collect();
    loaded.images.batch(&indices).unwrap().pixels
}

/// Names in a cache's folder, but the note on what it is.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "CACHEDIR.TAG");
    names.sort();
    names
}

/// Waits until the cache's folder has a file in it, or the writer has ended.
fn wait_for_writing(child: &mut Child, cache: &Path) {
    while files(cache).is_empty() && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
}

/// Seconds that a run takes from its start, and from its first file on: the medians of five runs after a first one,
/// which reads the program and the images from a disk that may be slow.
fn typical_times(data: &Path, cache: &Path) -> (Duration, Duration) {
    let run = |_| {
        let _ = fs::remove_dir_all(cache);
        let start = Instant::now();
        let mut child = command(data, cache).spawn().unwrap();
        wait_for_writing(&mut child, cache);
        let writing = Instant::now();
        assert!(child.wait().unwrap().success());
        (start.elapsed(), writing.elapsed())
    };
    let (mut whole, mut writing): (Vec<_>, Vec<_>) = (0..6).map(run).skip(1).unzip();
    whole.sort();
    writing.sort();
    (whole[2], writing[2])
}

#[test]
#[expect(clippy::print_stderr, reason = "what the kills met is worth seeing")]
fn five_hundred_killed_writers_never_give_a_wrong_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (phantoms(folder.path()), folder.path().join("cache"));
    let expected = pixels(&load(&data, None));
    let (whole_run, writing_time) = typical_times(&data, &cache);

    let mut generator = Key { seed: 1, epoch: 0, step: 0, purpose: Purpose::Shuffle }.generator(0);
    let (mut before, mut writing, mut after) = (0, 0, 0);
    for round in 0..500 {
        // What the last kill left is there for this one; every third time, all of it is gone.
        if round % 3 == 0 {
            let _ = fs::remove_dir_all(&cache);
        } else {
            files(&cache).iter().filter(|name| name.ends_with(".images")).for_each(|name| {
                fs::remove_file(cache.join(name)).unwrap();
            });
        }
        let mut child = command(&data, &cache).spawn().unwrap();
        // Half of the moments are drawn over the whole run, half over its writing.
        if round % 2 == 0 {
            thread::sleep(whole_run.mul_f32(1.1 * unit(&mut generator)));
        } else {
            wait_for_writing(&mut child, &cache);
            thread::sleep(writing_time.mul_f32(unit(&mut generator)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let names = files(&cache);
        let whole = names.iter().any(|name| name.ends_with(".images"));
        match (whole, names.is_empty()) {
            (true, _) => after += 1,
            (false, false) => writing += 1,
            (false, true) => before += 1,
        }
        let loaded = load(&data, Some(&cache));
        assert_eq!((loaded.from_cache, loaded.not_cached.is_none()), (whole, true), "round {round}");
        assert!(pixels(&loaded) == expected, "round {round}");
        assert_eq!(files(&cache).len(), 1, "round {round}: what the killed writer left was not cleared away");
    }
    eprintln!("killed before it wrote {before} times, while it wrote {writing}, after {after}");
    assert!(writing >= 50, "only {writing} kills met the writing");
}

#[test]
fn several_processes_at_once_write_it_once_and_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (phantoms(folder.path()), folder.path().join("cache"));
    for _ in 0..5 {
        let _ = fs::remove_dir_all(&cache);
        let children: Vec<_> = (0..4).map(|_| command(&data, &cache).spawn().unwrap()).collect();
        let lines: Vec<String> = children
            .into_iter()
            .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
            .collect();
        let decoded = lines.iter().filter(|line| line.ends_with("decoded, cached\n")).count();
        let from_cache = lines.iter().filter(|line| line.ends_with("from the cache, cached\n")).count();
        assert_eq!((decoded, from_cache), (1, 3), "{lines:?}");
        let sums: Vec<_> = lines.iter().map(|line| line.split(", ").nth(1).unwrap()).collect();
        assert!(sums.iter().all(|sum| *sum == sums[0]), "{lines:?}");
        assert_eq!(files(&cache).len(), 1, "{:?}", files(&cache));
    }
}

/// A file system of 100 KB, which 60 images of 48×48 pixels do not fit on.
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn a_full_disk_costs_the_cache_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (phantoms(folder.path()), folder.path().join("small"));
    fs::create_dir(&cache).unwrap();
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        command.arg(format!("mount -t tmpfs -o size=100k none \"$2\"; {script}")).arg("sh");
        command.args([&program(), &cache, &data]).arg(SIZE.to_string()).output()
    };
    if !run("true").is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system does not let a test mount a file system of its own");
        return;
    }
    let output = run("\"$1\" \"$3\" \"$2\" \"$4\"; ls -A -I CACHEDIR.TAG \"$2\"").unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().next().unwrap();
    assert_eq!(text.lines().count(), 1, "something is left on the full disk: {text}");
    assert!(line.contains(", decoded, cannot write `") && line.ends_with("(os error 28)"), "{line}");
    let elsewhere = command(&data, &folder.path().join("cache")).output().unwrap();
    let elsewhere = String::from_utf8(elsewhere.stdout).unwrap();
    assert_eq!(line.split(", ").nth(1), elsewhere.split(", ").nth(1), "other pixels");
}

/// A lock of a killed writer would hold the next one up for longer than the time allowed here.
#[test]
fn a_killed_writer_leaves_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (phantoms(folder.path()), folder.path().join("cache"));
    let mut left = false;
    for delay in 0..200 {
        let mut child = command(&data, &cache).spawn().unwrap();
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        if files(&cache).iter().any(|name| name.ends_with(".partial")) {
            left = true;
            break;
        }
        let _ = fs::remove_dir_all(&cache);
    }
    assert!(left, "no kill met the writing");
    let start = Instant::now();
    assert!(load(&data, Some(&cache)).not_cached.is_none());
    assert!(start.elapsed() < Duration::from_secs(20));
}
