//! Workspace of its own for each test, and archives like those of the data set.

pub(crate) use crate::said::Said;
use crate::server::{File, Server};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

pub(crate) const TRAIN: &str = "data/COVID-19 Radiography Database";
pub(crate) const TEST: &str = "data/COVID-19 Radiography Database Test";
/// Page that users are directed to.
pub(crate) const PAGE: &str = "https://page.example/datasets/covid19-radiography-database";
/// Number of images of each class in the archives here.
pub(crate) const IMAGES: usize = 45;
pub(crate) const STUDY: [&str; 3] = ["COVID-19", "NORMAL", "Viral Pneumonia"];
pub(crate) const ALL: [&str; 4] = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"];
pub(crate) const COMPLETE: &str = "data set: `data/COVID-19 Radiography Database` and \
                                   `data/COVID-19 Radiography Database Test` are complete, nothing to fetch";

/// Empty folder like the workspace's.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for name in ["root", "home"] {
            std::fs::create_dir(world.path(name)).expect("a folder");
        }
        world
    }

    /// Makes a world whose archive lies on a host, without redirects.
    pub(crate) fn with_server(bytes: Vec<u8>) -> (Self, Server) {
        let world = Self::new();
        let server = Server::start(File { bytes, etag: Some("\"one\""), ..File::default() });
        world.pin(&server.url);
        (world, server)
    }

    /// Path beside the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Path in the workspace.
    pub(crate) fn root(&self, name: &str) -> PathBuf {
        self.path("root").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    pub(crate) fn pin(&self, url: &str) {
        self.write("pins.json", json!({"data_set": {"url": url, "page": PAGE}}).to_string());
    }

    /// Makes the task's command, without any settings of this machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("--root").arg(self.path("root")).arg("fetch-data");
        command.arg("--pins").arg(self.path("pins.json")).args(arguments);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        for name in ["KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"] {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home"));
        command
    }

    pub(crate) fn fetch(&self, arguments: &[&str]) -> Said {
        Said::new(self.command(arguments).output().expect("it starts"))
    }

    /// Runs the task with an archive of the user's.
    pub(crate) fn fetch_from(&self, archive: &[u8], arguments: &[&str]) -> Said {
        let file = self.write("archive.zip", archive);
        if !self.path("pins.json").exists() {
            self.pin("http://127.0.0.1:9/nobody-listens-here");
        }
        let said = self.fetch(&[&["--from", file.to_str().expect("text")], arguments].concat());
        assert!(std::fs::read(file).expect("the user's file stays") == archive);
        said
    }

    /// Reads every file below a folder of the workspace, by its name relative to it; links are not followed.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.expect("it can be listed");
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type().expect("it has one").is_dir() {
                    walk(&entry.path(), &format!("{name}/"), files);
                } else {
                    files.insert(name, std::fs::read(entry.path()).unwrap_or_default());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.root(folder), "", &mut files);
        files
    }

    pub(crate) fn names(&self, folder: &str) -> BTreeSet<String> {
        self.files(folder).into_keys().collect()
    }

    /// Checks that both folders are complete: every image of these classes once, as it was in the archive; and nothing else
    /// in `data/`.
    #[track_caller]
    pub(crate) fn assert_whole(&self, classes: &[&str]) {
        let (train, test) = (self.files(TRAIN), self.files(TEST));
        let mut images = BTreeMap::new();
        for class in classes {
            let of = |files: &BTreeMap<String, Vec<u8>>| {
                files.keys().filter(|name| name.starts_with(&format!("{class}/"))).count()
            };
            assert_eq!((of(&train), of(&test)), (IMAGES - 40, 40), "{class}");
        }
        for (name, bytes) in train.iter().chain(&test).filter(|(name, _)| name.contains('/')) {
            let file = name.rsplit('/').next().expect("it has one");
            assert!(*bytes == image(file), "`{name}` has other bytes");
            assert!(images.insert(name.clone(), ()).is_none(), "`{name}` is in both");
        }
        assert_eq!(images.len(), classes.len() * IMAGES, "{:?}", images.keys());
        let flat = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
            files.keys().filter(|name| !name.contains('/')).cloned().collect()
        };
        assert_eq!(flat(&test), [".receipt.json"]);
        assert_eq!(flat(&train), [".receipt.json", "COVID.metadata.xlsx", "README.md.txt"]);
        let others = |name: &String| !name.starts_with("COVID-19 Radiography Database");
        let others: Vec<String> = self.names("data").into_iter().filter(others).collect();
        assert_eq!(others, [".fetch.lock"]);
    }

    /// Checks that there is neither folder, and nothing unfinished.
    #[track_caller]
    pub(crate) fn assert_nothing(&self) {
        assert_eq!(self.names("data"), [".fetch.lock".to_owned()].into());
        for folder in [TRAIN, TEST] {
            assert!(self.root(folder).symlink_metadata().is_err(), "{folder}");
        }
    }

    /// Returns the number of bytes kept of a download.
    pub(crate) fn part(&self) -> Option<usize> {
        let part = self.root("data/.fetch/data-set/archive.part").metadata().ok()?;
        usize::try_from(part.len()).ok()
    }
}

impl Said {
    /// Checks that it succeeded, and returns its one sentence.
    #[track_caller]
    pub(crate) fn sentence(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(self.stdout.lines().count() == 1, "{}", self.stdout);
        self.stdout.trim_end()
    }

    /// Checks that it failed as the user's fault: `error: MESSAGE` in one line, and a hint that contains a text.
    #[track_caller]
    pub(crate) fn assert_error(&self, message: &str, hint: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{}", self.stderr);
        let line = self.stderr.lines().find(|line| line.starts_with("error: "));
        assert!(line.is_some_and(|line| line.contains(message)), "no `{message}` in:\n{}", self.stderr);
        self.assert_hint(hint);
    }

    /// Checks that a line of its causes contains this text.
    #[track_caller]
    pub(crate) fn assert_cause(&self, text: &str) {
        let mut causes = self.stderr.lines().filter(|line| line.starts_with("  caused by: "));
        assert!(causes.any(|line| line.contains(text)), "no cause `{text}` in:\n{}", self.stderr);
    }
}

/// Makes bytes that begin like a PNG file, with a length that depends on the name.
pub(crate) fn image(name: &str) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut state = name.bytes().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    for _ in 0..500 + state % 1000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((state >> 24) as u8);
    }
    bytes
}

/// Member of an archive: its name and bytes.
pub(crate) type Member = (String, Vec<u8>);

/// Makes the present release, with so many images per class.
pub(crate) fn members(images: usize) -> Vec<Member> {
    let mut members = vec![
        ("COVID-19_Radiography_Dataset/README.md.txt".to_owned(), b"where they come from".to_vec()),
        ("COVID-19_Radiography_Dataset/COVID.metadata.xlsx".to_owned(), b"a table".to_vec()),
    ];
    for class in ALL {
        for file in (1..=images).map(|i| format!("{class}-{i}.png")) {
            let place = |kind: &str| format!("COVID-19_Radiography_Dataset/{class}/{kind}/{file}");
            members.push((place("images"), image(&file)));
            members.push((place("masks"), b"\x89PNG\r\n\x1a\nmask".to_vec()));
        }
    }
    members
}

/// Makes the release of 2020: no masks, and other names.
pub(crate) fn members_of_2020(images: usize) -> Vec<Member> {
    let top = "COVID-19 Radiography Database";
    let mut members = vec![
        (format!("{top}/README.md.txt"), b"where they come from".to_vec()),
        (format!("{top}/COVID.metadata.xlsx"), b"a table".to_vec()),
    ];
    for class in STUDY {
        for file in (1..=images).map(|i| format!("{class} ({i}).png")) {
            members.push((format!("{top}/{class}/{file}"), image(&file)));
        }
    }
    members
}

/// Makes a zip file of these, stored, so that the bytes at each place are known.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members {
        writer.start_file(name.as_str(), options).expect("a name");
        writer.write_all(bytes).expect("into memory");
    }
    writer.finish().expect("into memory").into_inner()
}

pub(crate) fn release() -> Vec<u8> {
    zip(&members(IMAGES))
}

/// Waits until a condition holds; fails after 30 s.
#[track_caller]
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "waited 30 s in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
