//! Tests of links in places that the program writes to: nothing is written through them.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::world::World;

/// Makes a trained run, and a file and an empty folder that links lead to.
fn world() -> World {
    let world = World::new();
    world.trained();
    fs::write(world.path("secret"), "mine").unwrap();
    fs::create_dir(world.path("elsewhere")).unwrap();
    world
}

#[track_caller]
fn untouched(world: &World, what: &str) {
    assert_eq!(fs::read_to_string(world.path("secret")).unwrap(), "mine", "{what}");
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 0, "{what}");
}

#[test]
fn no_temporary_name_can_be_foreseen() {
    let world = world();
    // Names used by earlier versions, which anyone could predict.
    for (link, command) in [
        ("run/.report.html.tmp", "report run"),
        ("run/plots/roc.svg.partial", "report run"),
        ("run/.run.json.tmp", "train --resume run --extend-epochs 1"),
        ("run/.history.csv.tmp", "train --resume run --extend-epochs 1"),
        ("run/.last.safetensors.tmp", "train --resume run --extend-epochs 1"),
        ("run/best.pt.partial", "export --saved run"),
        ("data/runs/.latest.tmp", "train --data xrays --image-size 8 --epochs 1 --no-report"),
        ("maps/000.overlay.png.partial", "explain xrays/NORMAL/000.png --saved run --out maps"),
        (".s.csv.partial", "data split xrays --out s.csv"),
        ("page.html.partial", "data audit xrays --html page.html"),
        ("png/000.png.partial", "data decode xrays/NORMAL/000.png --out png"),
        ("man1/thorax.1.partial", "man --out man1"),
        (
            "sample/NORMAL/synthetic-normal-00001.png.partial",
            "data sample --out sample --count 15 --test-per-class 1 --image-size 32",
        ),
    ] {
        let link = world.path(link);
        if link.ends_with("sample/NORMAL/synthetic-normal-00001.png.partial") {
            world.thorax(&command.split(' ').collect::<Vec<_>>()).ok();
        }
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(world.path("secret"), &link).unwrap();
        let done = world.thorax(&command.split(' ').collect::<Vec<_>>());
        untouched(&world, command);
        // A sample is written to no folder that holds anything else.
        assert!(done.code == Some(0) || command.contains("sample"), "{command}: {}", done.stderr);
        assert!(link.is_symlink(), "{command}");
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(left(&world), Vec::<String>::new());
}

/// Returns the temporary files that were left anywhere.
fn left(world: &World) -> Vec<String> {
    let names = world.files().into_keys().map(|path| path.to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".thorax-tmp")).collect()
}

#[test]
fn a_run_that_is_made_of_links_is_refused_by_name() {
    let world = world();
    let replaced = |name: &str, target: &str| {
        let path = world.path(name);
        let aside = world.path("aside");
        if path.exists() {
            fs::rename(&path, &aside).unwrap();
        }
        symlink(world.path(target), &path).unwrap();
        (path, aside)
    };
    let put_back = |(path, aside): (std::path::PathBuf, std::path::PathBuf)| {
        fs::remove_file(&path).unwrap();
        if aside.exists() {
            fs::rename(aside, path).unwrap();
        }
    };
    for (name, target, command) in [
        ("run/plots", "elsewhere", "report run"),
        ("run/report.html", "secret", "report run"),
        ("run/run.json", "aside", "report run"),
        ("run/run.json", "aside", "train --resume run --extend-epochs 1"),
        ("run/history.csv", "aside", "train --resume run --extend-epochs 1"),
        ("run/last.safetensors", "aside", "train --resume run --extend-epochs 1"),
        ("run/best.safetensors", "aside", "train --resume run --extend-epochs 1"),
        ("run/test.json", "aside", "train --resume run --extend-epochs 1"),
    ] {
        let moved = replaced(name, target);
        let error = format!("error: `{name}` is a symbolic link");
        let hint = "hint: put the file or folder that it leads to in its place";
        world.refuses(&command.split(' ').collect::<Vec<_>>(), &[&error, hint]);
        untouched(&world, name);
        put_back(moved);
    }
    world.thorax(&["train", "--resume", "run", "--extend-epochs", "1"]).ok();
}

#[test]
fn a_link_that_the_user_names_is_replaced_and_what_it_leads_to_stays() {
    let world = world();
    let refer = |name: &str| symlink(world.path("secret"), world.path(name)).unwrap();
    let is_file = |name: &str| {
        let path = world.path(name);
        !path.is_symlink() && path.is_file()
    };
    let page = "<!DOCTYPE html>somebody's";
    fs::write(world.path("other.html"), page).unwrap();
    symlink(world.path("other.html"), world.path("page.html")).unwrap();
    world.thorax(&["data", "audit", "xrays", "--html", "page.html"]).ok();
    assert_eq!(fs::read_to_string(world.path("other.html")).unwrap(), page);
    refer("x.pt");
    world.thorax(&["export", "--saved", "run", "--out", "x.pt", "--force"]).ok();
    refer("m.csv");
    world.thorax(&["data", "split", "xrays", "--out", "m.csv", "--force"]).ok();
    assert!(["page.html", "x.pt", "m.csv"].into_iter().all(is_file));
    untouched(&world, "named");
    assert!(Path::new(&world.path("secret")).is_file());
    symlink(world.path("elsewhere"), world.path("sample.partial")).unwrap();
    world.refuses(
        &["data", "sample", "--out", "sample", "--count", "15", "--image-size", "32"],
        &["error: cannot write `sample.partial`", "it is a symbolic link"],
    );
}

#[test]
fn what_a_kill_left_is_removed_and_nothing_else() {
    let world = world();
    let leftovers =
        ["run/.last.safetensors.abcdefghijkl.thorax-tmp", "run/plots/.roc.svg.abcdefghijkl.thorax-tmp"];
    let foreign = ["run/.notes.tmp", "run/.mine.thorax-tmp", "run/plots/.mine"];
    leftovers.iter().chain(&foreign).for_each(|name| fs::write(world.path(name), "half").unwrap());
    world.thorax(&["train", "--resume", "run", "--extend-epochs", "1"]).ok();
    assert!(!leftovers.iter().any(|name| world.path(name).exists()));
    for name in foreign {
        fs::remove_file(world.path(name)).unwrap();
    }
    // A run that was killed before its first record does not stand in the way of another.
    fs::create_dir(world.path("again")).unwrap();
    fs::write(world.path("again/.run.json.abcdefghijkl.thorax-tmp"), "{").unwrap();
    let flags =
        ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--no-report", "--out", "again"];
    world.thorax(&flags).ok();
    assert_eq!(left(&world), Vec::<String>::new());
}
