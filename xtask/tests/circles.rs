//! Imports between the files of a crate: in one direction, but for the circles that the architecture page names with a reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module of a crate: its name without the crate's.
type Module = Vec<String>;

/// Imports of a crate's modules, tests excepted.
struct Imports {
    modules: BTreeSet<Module>,
    /// Paths that each module names, and whether it passes them on.
    named: BTreeMap<Module, Vec<(Module, bool)>>,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it is listed").path();
        if path.is_dir() && !path.ends_with("tests") {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Splits a tree of imports into paths: `a::{b, c::d as e}` into `a::b` and `a::c::d`.
fn paths(tree: &str, before: &[String]) -> Vec<Module> {
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for letter in tree.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(letter);
        }
    }
    parts.push(part);
    let names = |text: &str| -> Vec<String> {
        let names = text.split("::").map(|name| name.trim().to_owned());
        before.iter().cloned().chain(names.filter(|name| !name.is_empty())).collect()
    };
    let split = |part: &String| match part.split_once('{') {
        Some((outside, inside)) => {
            paths(inside.trim_end().strip_suffix('}').unwrap_or(inside), &names(outside))
        }
        None if part.trim().is_empty() => Vec::new(),
        None => vec![names(part.split(" as ").next().unwrap_or_default())],
    };
    parts.iter().flat_map(split).collect()
}

impl Imports {
    fn of(source: &Path) -> Self {
        let mut found = Vec::new();
        files(source, &mut found);
        let module = |path: &Path| -> Module {
            let stem = path.strip_prefix(source).expect("it lies below").with_extension("");
            let names = stem.iter().map(|name| name.to_string_lossy().into_owned());
            names.filter(|name| !matches!(name.as_str(), "lib" | "main")).collect()
        };
        let modules: BTreeSet<Module> = found.iter().map(|path| module(path)).collect();
        let comment = Regex::new("//.*").expect("it is sound");
        let import = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))? )?use ([^;]+);").expect("it is sound");
        let inline = Regex::new(r"crate::([a-z_]+(?:::[a-z_]+)*)").expect("it is sound");
        let mut named = BTreeMap::new();
        for path in &found {
            let (own, text) = (module(path), fs::read_to_string(path).expect("it can be read"));
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let text = comment.replace_all(text, "");
            let mut paths_of = Vec::new();
            for found in import.captures_iter(&text) {
                for path in paths(&found[2], &[]) {
                    let absolute = match path[0].as_str() {
                        "crate" => path[1..].to_vec(),
                        "self" => [&own[..], &path[1..]].concat(),
                        "super" => {
                            let up = path.iter().take_while(|name| *name == "super").count();
                            [&own[..own.len().saturating_sub(up)], &path[up..]].concat()
                        }
                        child if modules.contains(&[&own[..], &[child.to_owned()]].concat()) => {
                            [&own[..], &path[..]].concat()
                        }
                        _ => continue,
                    };
                    paths_of.push((absolute, found.get(1).is_some()));
                }
            }
            let names = |text: &str| text.split("::").map(str::to_owned).collect();
            paths_of.extend(inline.captures_iter(&text).map(|found| (names(&found[1]), false)));
            named.insert(own, paths_of);
        }
        Self { modules, named }
    }

    /// Finds the module that defines what a path names: through what modules pass on.
    fn owner(&self, path: &[String], depth: usize) -> Option<Module> {
        let length = (0..=path.len()).rev().find(|&length| self.modules.contains(&path[..length]))?;
        let (module, rest) = path.split_at(length);
        let passed = self.named.get(module).into_iter().flatten();
        let passed = passed.filter(|(_, is_passed)| *is_passed).find(|(path, _)| path.last() == rest.first());
        match passed {
            Some((further, _)) if depth < 5 && !rest.is_empty() => {
                self.owner(&[&further[..], &rest[1..]].concat(), depth + 1)
            }
            _ => Some(module.to_vec()),
        }
    }

    /// Modules that each module imports.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let of = |(own, named): (&'_ Module, &'_ Vec<(Module, bool)>)| -> BTreeSet<Module> {
            let owners = named.iter().filter_map(|(path, is_passed)| Some((self.owner(path, 0)?, is_passed)));
            let counted = owners.filter(|(owner, is_passed)| {
                owner != own && !owner.is_empty() && !(**is_passed && owner.starts_with(own))
            });
            counted.map(|(owner, _)| owner).collect()
        };
        self.named.iter().map(|(own, named)| (own, of((own, named)))).collect()
    }

    /// Groups of modules that import each other, directly or through others.
    fn circles(&self) -> Vec<BTreeSet<String>> {
        let edges = self.edges();
        let reached = |from: &Module| {
            let (mut all, mut next) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(module) = next.pop() {
                for to in edges.get(&module).into_iter().flatten() {
                    if all.insert(to.clone()) {
                        next.push(to.clone());
                    }
                }
            }
            all
        };
        let all: BTreeMap<&Module, BTreeSet<Module>> =
            self.modules.iter().map(|module| (module, reached(module))).collect();
        let mut circles = BTreeSet::new();
        for (module, there) in &all {
            let circle: BTreeSet<String> = there
                .iter()
                .filter(|other| all.get(*other).is_some_and(|back| back.contains(*module)))
                .map(|module| module.join("::"))
                .collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }
}

#[test]
fn files_import_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = fs::read_dir(root.join("crates")).expect("it is there");
    let folders = crates.map(|entry| entry.expect("it is listed").path()).chain([root.join("xtask")]);
    let mut found = BTreeSet::new();
    let mut edges = 0;
    for folder in folders {
        let imports = Imports::of(&folder.join("src"));
        edges += imports.edges().values().map(BTreeSet::len).sum::<usize>();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let circles = imports.circles();
        found.extend(circles.into_iter().map(|circle| {
            let modules: Vec<String> = circle.into_iter().map(|module| format!("{name}::{module}")).collect();
            modules.join(", ")
        }));
    }
    assert!(edges > 700, "{edges} imports are too few to be all of them");
    let page = fs::read_to_string(root.join("crates/cli/guide/architecture.md")).expect("it can be read");
    let section = page.split("## Files that import each other\n").nth(1).expect("the page has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let bullets = section.split("\n- ").skip(1);
    let named: BTreeSet<String> = bullets
        .map(|bullet| {
            let mut modules: Vec<&str> = bullet.split('`').skip(1).step_by(2).collect();
            modules.sort_unstable();
            modules.join(", ")
        })
        .collect();
    assert_eq!(found, named, "circles that are there, and those with a reason in the architecture page");
}
