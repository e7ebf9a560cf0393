//! Fresh folder with the program in it, for each test.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::TempDir;

/// Classes of the study, which the sample has too.
pub(crate) const CLASSES: [&str; 3] = ["COVID-19", "NORMAL", "Viral Pneumonia"];

/// Working folder of a test.
pub(crate) struct World {
    folder: TempDir,
}

/// Files of a working folder by their paths in it.
pub(crate) struct Snapshot {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Exit code and output of a run of the program.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `thorax` in this folder, with none of the variables that could find libtorch for it.
    pub(crate) fn thorax(&self, args: &[&str]) -> Done {
        done(self.command(args).output().unwrap())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thorax"));
        command.args(args).current_dir(self.folder.path());
        for variable in ["LD_LIBRARY_PATH", "LIBTORCH", "RUST_LOG", "NO_COLOR", "MKL_CBWR"] {
            command.env_remove(variable);
        }
        // Several tests run at once: threads that wait for work by spinning would take the cores from each other.
        command.env("OMP_WAIT_POLICY", "passive");
        // Large pages of memory save a quarter of the time that it takes to load libtorch.
        command.env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
        command
    }

    /// Makes a folder of classes of small pictures, each class brighter than the one before it and no two with the same pixels.
    pub(crate) fn data_set(&self, name: &str, counts: &[(&str, usize)]) -> PathBuf {
        let root = self.path(name);
        for (class, &(label, count)) in counts.iter().enumerate() {
            let folder = root.join(label);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..count {
                let level = (40 + 180 * class / counts.len() + i % 16) as u8;
                let picture = crate::pictures::signed_png(24, level, &format!("{name}/{label}/{i}"));
                fs::write(folder.join(format!("{i:03}.png")), picture).unwrap();
            }
        }
        root
    }

    /// Makes the classes of the study with ten pictures each to train on and four to test on.
    pub(crate) fn study(&self) -> PathBuf {
        let root = self.data_set("xrays", &CLASSES.map(|class| (class, 10)));
        self.data_set("xrays Test", &CLASSES.map(|class| (class, 4)));
        root
    }

    /// Trains on [`Self::study`]'s pictures at 16×16 pixels.
    pub(crate) fn train(&self, flags: &[&str]) -> Done {
        self.thorax(&[&["train", "--data", "xrays", "--image-size", "16"], flags].concat())
    }

    /// Trains on [`Self::study`]'s pictures for two epochs into `run`: once for all tests, which get copies.
    pub(crate) fn trained(&self) -> PathBuf {
        static TRAINED: OnceLock<Snapshot> = OnceLock::new();
        let snapshot = TRAINED.get_or_init(|| {
            let world = Self::new();
            world.study();
            world.train(&["--epochs", "2", "--batch-size", "8", "--out", "run"]).ok();
            world.snapshot()
        });
        self.restore(snapshot, "run")
    }

    /// Returns every file of the folder, for other folders.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let folder = self.folder.path();
        let inside = |path: PathBuf| path.strip_prefix(folder).unwrap().to_owned();
        let files = self.files().into_iter().map(|(path, bytes)| (inside(path), bytes)).collect();
        Snapshot { folder: folder.to_owned(), files }
    }

    /// Writes the files of another folder into this one; returns the folder of the run among them, whose record names this folder
    /// then.
    pub(crate) fn restore(&self, snapshot: &Snapshot, run: &str) -> PathBuf {
        for (name, bytes) in &snapshot.files {
            let path = self.path(name.to_str().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        // The record names the folder that it was trained in.
        let record = self.path(run).join("run.json");
        let text = fs::read_to_string(&record).unwrap();
        let here = self.folder.path().to_str().unwrap();
        fs::write(&record, text.replace(snapshot.folder.to_str().unwrap(), here)).unwrap();
        self.path(run)
    }

    /// Returns every file below the folder with its contents, except cached images.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with("data/cache") {
                    continue;
                }
                if path.is_dir() {
                    walk(&path, files);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    files.insert(path, bytes);
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(self.folder.path(), &mut files);
        files
    }

    /// Runs `thorax` on bad input: expects exit code 1, these words on stderr, nothing on stdout, and every file unchanged.
    #[track_caller]
    pub(crate) fn refuses(&self, args: &[&str], words: &[&str]) -> Done {
        let before = self.files();
        let done = self.thorax(args);
        done.refused(words);
        let after = self.files();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "files came or went");
        assert!(before == after, "a file was changed");
        assert!(!self.path("run").exists() || before.keys().any(|path| path.starts_with(self.path("run"))));
        done
    }
}

pub(crate) fn done(output: Output) -> Done {
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn ok(&self) -> &Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks for exit code 1, and these words in this order on stderr.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(1), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        let mut rest = self.stderr.as_str();
        for word in words {
            let at = rest.find(word);
            assert!(at.is_some(), "`{word}` is not in (or not where it should be):\n{}", self.stderr);
            rest = &rest[at.unwrap() + word.len()..];
        }
        assert_eq!(self.stdout, "");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.ok().stdout).unwrap()
    }
}

pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
