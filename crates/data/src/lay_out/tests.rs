use std::collections::BTreeMap;

use super::*;
use crate::{Layout, OpenOptions, open};

/// A data set of two classes with images in subfolders, in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

const FILES: [&str; 5] =
    ["data/a/1.png", "data/a/x/2.png", "data/b/x/3.png", "data/b/y/3.png", "data/b/4.png"];

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = FILES.iter().map(|name| folder.path().join(name)).collect();
        for (file, name) in files.iter().zip(FILES) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, name).unwrap();
        }
        Self { folder, files }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let parts = [Part::Training, Part::Test, Part::Training, Part::Training, Part::Test];
        let labels = ["a", "a", "b", "b", "b"];
        self.files
            .iter()
            .zip(parts.into_iter().zip(labels))
            .map(|(path, (part, label))| Row { path, label, group: None, part, fold: None })
            .collect()
    }

    fn lay_out(&self, how: How) -> Result<(), Error> {
        let (dir, out, data) = (self.at("new"), self.at("m.csv"), self.at("data"));
        lay_out(&dir, &out, &self.rows(), &data, how, false, &|| {})
    }

    /// Every file with what is in it.
    fn all(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut waiting = vec![self.folder.path().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
                    all.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        all
    }
}

const PLACES: [&str; 5] = [
    "new/train/a/1.png",
    "new/test/a/2.png",
    "new/train/b/x/3.png",
    "new/train/b/y/3.png",
    "new/test/b/4.png",
];

fn check_places(world: &World) {
    let all = world.all();
    for (place, name) in PLACES.iter().zip(FILES) {
        assert_eq!(all[*place], name);
    }
    let listing = open(&world.at("new"), &OpenOptions::KERAS).unwrap();
    assert_eq!((listing.layout, listing.counts()), (Layout::Parts, vec![2, 3]));
    let manifest = open(&world.at("m.csv"), &OpenOptions::KERAS).unwrap();
    let by_name = |listing: &crate::Listing| -> Vec<_> {
        let mut all: Vec<_> =
            listing.samples.iter().map(|sample| (sample.path.clone(), sample.class(), sample.part)).collect();
        all.sort();
        all
    };
    assert_eq!(by_name(&listing), by_name(&manifest));
    // No journal and no half-written file is left.
    assert!(all.keys().all(|name| !name.contains("/.") || name.ends_with(MARKER)), "{all:?}");
}

#[test]
fn links_and_copies_leave_the_data_set_as_it_is() {
    for how in [How::Link, How::Copy] {
        let world = World::new();
        let before = world.all();
        world.lay_out(how).unwrap();
        check_places(&world);
        assert!(before.iter().all(|(name, text)| world.all()[name] == *text));
        assert_eq!(world.at(PLACES[0]).is_symlink(), how == How::Link);
    }
}

#[test]
fn a_move_leaves_nothing_behind_and_takes_nothing_else() {
    let world = World::new();
    fs::write(world.at("data/a/notes.txt"), "mine").unwrap();
    world.lay_out(How::Move).unwrap();
    check_places(&world);
    let all = world.all();
    let left: Vec<&String> = all.keys().filter(|name| name.starts_with("data/")).collect();
    assert_eq!(left, ["data/a/notes.txt"]);
}

/// Whatever was done when a copy was cut off, the same call ends it; what is not of it is never touched.
#[test]
fn a_copy_goes_on_where_it_was_cut_off() {
    let world = World::new();
    fs::create_dir_all(world.at("new/train/a")).unwrap();
    fs::copy(&world.files[0], world.at(PLACES[0])).unwrap();
    fs::create_dir_all(world.at("new/test/b")).unwrap();
    fs::write(world.at("new/test/b/.left.png.abcdefghijkl.thorax-tmp"), "half").unwrap();
    world.lay_out(How::Copy).unwrap();
    check_places(&world);

    let world = World::new();
    fs::create_dir_all(world.at("new/train/a")).unwrap();
    fs::write(world.at(PLACES[0]), "another").unwrap();
    for how in [How::Copy, How::Link, How::Move] {
        let before = world.all();
        assert!(matches!(world.lay_out(how), Err(Error::Exists { .. })), "{how:?}");
        assert_eq!(fs::read_to_string(world.at(PLACES[0])).unwrap(), "another");
        assert!(before.iter().all(|(name, text)| world.all()[name] == *text || name.contains("/.")));
        let _ = fs::remove_file(world.at("new").join(journal::NAME));
    }
}

/// A move is cut off after every single step that it takes, and goes on to the same end.
#[test]
fn a_move_goes_on_where_it_was_cut_off() {
    for moved in 0..=FILES.len() {
        for between in [false, true] {
            let world = World::new();
            // A move into a place where the last file cannot go stops with its journal written.
            fs::create_dir_all(world.at(PLACES[0])).unwrap();
            assert!(world.lay_out(How::Move).is_err());
            fs::remove_dir(world.at(PLACES[0])).unwrap();
            assert!(world.at("new").join(journal::NAME).exists());
            let mut steps = world.files.iter().zip(PLACES);
            for (file, place) in steps.by_ref().take(moved) {
                fs::rename(file, world.at(place)).unwrap();
            }
            // Cut off between the new name and the end of the old one.
            if let Some((file, place)) = steps.next().filter(|_| between) {
                fs::copy(file, world.at(place)).unwrap();
            }
            let (dir, out) = (world.at("new"), world.at("m.csv"));
            let other =
                resume_move(&dir, &world.at("data"), &world.at("other.csv"), false, &|| {}).unwrap_err();
            assert!(other.to_string().contains("ends with the manifest"), "{other}");
            assert_eq!(resume_move(&dir, &world.at("data"), &out, false, &|| {}).unwrap(), Some(FILES.len()));
            check_places(&world);
            assert!(world.files.iter().all(|file| !file.exists()));
            assert_eq!(resume_move(&dir, &world.at("data"), &out, false, &|| {}).unwrap(), None);
        }
    }
}

#[test]
fn a_file_that_is_gone_or_another_stops_a_move() {
    let world = World::new();
    fs::create_dir_all(world.at(PLACES[0])).unwrap();
    assert!(world.lay_out(How::Move).is_err());
    fs::remove_dir(world.at(PLACES[0])).unwrap();
    let (dir, out) = (world.at("new"), world.at("m.csv"));
    fs::write(world.at(PLACES[2]), "another").unwrap();
    let error = resume_move(&dir, &world.at("data"), &out, false, &|| {}).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    fs::remove_file(world.at(PLACES[2])).unwrap();
    fs::rename(&world.files[3], world.at("elsewhere")).unwrap();
    let error = resume_move(&dir, &world.at("data"), &out, false, &|| {}).unwrap_err();
    assert!(matches!(error, Error::Io { action: "move", .. }), "{error}");
    assert!(!out.exists());
    // Everything is there still, under one name or the other.
    assert_eq!(world.all().values().filter(|text| FILES.contains(&text.as_str())).count(), FILES.len());
}

#[test]
fn places_that_are_not_free_are_refused_before_anything_is_done() {
    let world = World::new();
    fs::create_dir_all(world.at("busy/x")).unwrap();
    fs::write(world.at("busy/x/mine.txt"), "mine").unwrap();
    fs::write(world.at("file"), "").unwrap();
    let before = world.all();
    let data = world.at("data");
    for (dir, words) in [
        ("busy", "mine.txt` in it is no part of this split"),
        ("data/new", "it lies within the data set"),
        ("data", "it lies within the data set"),
        (".", "`"),
        ("file", "is not a folder"),
    ] {
        for how in [How::Link, How::Copy, How::Move] {
            let dir = world.at(dir);
            let error = lay_out(&dir, &world.at("m.csv"), &world.rows(), &data, how, false, &|| {});
            let told = error.unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
            // The rows of a CSV may lie anywhere, but not in the new folder.
            let error =
                lay_out(&data, &world.at("m.csv"), &world.rows(), &world.at("file"), how, false, &|| {});
            assert!(error.unwrap_err().to_string().ends_with("of the data set lies in it"));
        }
    }
    let mut rows = world.rows();
    rows[0].label = "../up";
    let error = lay_out(&world.at("new"), &world.at("m.csv"), &rows, &data, How::Copy, false, &|| {});
    assert!(error.unwrap_err().to_string().ends_with("the label `../up` is no name for a folder"));
    assert_eq!(world.all(), before);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_moved() {
    let world = World::new();
    fs::rename(&world.files[0], world.at("real.png")).unwrap();
    std::os::unix::fs::symlink("../../real.png", &world.files[0]).unwrap();
    let error = world.lay_out(How::Move).unwrap_err();
    assert!(error.to_string().ends_with("is a link, and only files are moved"), "{error}");
    world.lay_out(How::Copy).unwrap();
    assert_eq!(fs::read_to_string(world.at(PLACES[0])).unwrap(), FILES[0]);
}

/// A folder may come from anyone, and with it a journal.
#[test]
fn a_journal_that_leads_out_of_its_folder_moves_nothing() {
    let world = World::new();
    let (dir, out) = (world.at("new"), world.at("m.csv"));
    fs::create_dir(&dir).unwrap();
    let inside = fs::canonicalize(&dir).unwrap();
    let real = files::real_place(&out).unwrap();
    for place in [world.at("evil.png"), inside.join("../evil.png"), "evil.png".into(), PathBuf::new()] {
        let record = |first: &Path, second: &Path| -> manifest::Record {
            [first.to_str().unwrap(), second.to_str().unwrap(), "path"].map(str::to_owned).to_vec()
        };
        let records = [record(&real, Path::new("")), record(&world.files[0], &place)];
        manifest::write_records(&dir.join(journal::NAME), &records, true).unwrap();
        let error = resume_move(&dir, &world.at("data"), &out, false, &|| {}).unwrap_err().to_string();
        assert!(
            error.contains("its journal of a move, `.thorax-move.csv`, leads out of it, to `"),
            "{error}"
        );
        assert!(world.files.iter().all(|file| file.is_file()) && !world.at("evil.png").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_journal_takes_files_of_the_data_set_only() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let world = World::new();
    let (dir, out, data) = (world.at("new"), world.at("m.csv"), world.at("data"));
    fs::create_dir(&dir).unwrap();
    fs::create_dir(world.at("elsewhere")).unwrap();
    fs::write(world.at("elsewhere/secret"), "secret").unwrap();
    symlink("../elsewhere", data.join("link")).unwrap();
    symlink("../elsewhere", dir.join("link")).unwrap();
    let real = fs::canonicalize(world.folder.path()).unwrap();
    let plant = |source: &Path, place: &str| {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let records = [
            vec![text(&files::real_place(&out).unwrap()), String::new(), "path".to_owned()],
            vec![text(source), text(&real.join("new").join(place)), "row".to_owned()],
        ];
        manifest::write_records(&dir.join(journal::NAME), &records, true).unwrap();
    };
    let refused = |data: &Path, words: &str| {
        let before = world.all();
        let error = resume_move(&dir, data, &out, false, &|| {}).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(world.all(), before);
    };
    for source in ["elsewhere/secret", "data/../elsewhere/secret"] {
        plant(&real.join(source), "secret");
        refused(&data, "secret` is no part of the data set");
    }
    plant(Path::new("data/a/1.png"), "secret");
    refused(&data, "`data/a/1.png` is no part of the data set");
    plant(&real.join("data/link/secret"), "secret");
    refused(&data, "data/link/secret` lies behind a linked folder");
    plant(&real.join("data/a/1.png"), "link/1.png");
    refused(&data, "leads through a linked folder, to `");
    // Of a CSV, the files that it names.
    let csv = world.at("rows.csv");
    fs::write(&csv, "path,label\ndata/a/1.png,a\ndata/a/x/2,a\n").unwrap();
    plant(&real.join("elsewhere/secret"), "secret");
    refused(&csv, "secret` is no part of the data set");
    // Another name than its own, and a file that others may write.
    plant(&real.join("data/a/1.png"), "1.png");
    fs::rename(dir.join(journal::NAME), world.at("planted")).unwrap();
    symlink("../planted", dir.join(journal::NAME)).unwrap();
    refused(&data, "is not followed: it is a symbolic link");
    fs::rename(world.at("planted"), dir.join(journal::NAME)).unwrap();
    fs::set_permissions(dir.join(journal::NAME), fs::Permissions::from_mode(0o666)).unwrap();
    refused(&data, "is not followed: others may write to it");
    fs::set_permissions(dir.join(journal::NAME), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(resume_move(&dir, &csv, &out, false, &|| {}).unwrap(), Some(1));
    assert!(dir.join("1.png").is_file());
}
