//! Libraries of libtorch that the program needs, and the ones that the system must provide.
//!
//! They are read from the files themselves. `ldd` would answer for this machine: it runs the loader, which takes libraries
//! from any place where this machine has them.

use super::elf::Binary;
use crate::failure::fail;
use anyhow::Result;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// Libraries of glibc and GCC: every Linux with glibc has them, and a copy of another version would break the system's
/// other libraries.
const SYSTEM: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libpthread.so.0",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "ld-linux-",
];
/// Prefixes of versions that are reported, with their names.
const VERSIONED: [(&str, &str); 2] = [("GLIBC_", "glibc"), ("GLIBCXX_", "libstdc++ (GLIBCXX)")];

pub(super) struct Needed {
    /// Libraries of libtorch, by name.
    pub(super) packed: Vec<PathBuf>,
    /// Newest version of each of [`VERSIONED`].
    versions: BTreeMap<&'static str, String>,
}

/// Collects everything that the program needs, directly and indirectly.
pub(super) fn needed(program: &Path, libtorch: &Path) -> Result<Needed> {
    let mut names = BTreeSet::new();
    let mut versions = BTreeMap::new();
    let mut unread = VecDeque::from([program.to_owned()]);
    while let Some(path) = unread.pop_front() {
        let binary = Binary::read(&path)?;
        newest(&binary.versions, &mut versions);
        for name in binary.needed {
            let library = libtorch.join(&name);
            if library.is_file() {
                if names.insert(name) {
                    unread.push_back(library);
                }
            } else if !SYSTEM.iter().any(|system| name.starts_with(system)) {
                let who = path.file_name().unwrap_or_default().display();
                return Err(fail(
                    format!("`{who}` needs `{name}`, which neither libtorch has nor every Linux"),
                    "build with the libtorch that `cargo xtask fetch-weights` gives, or without what links that library",
                ));
            }
        }
    }
    if names.is_empty() {
        let message = format!("`{}` needs nothing of libtorch", program.display());
        return Err(fail(message, "this is no build of Thorax; build it again: cargo xtask dist"));
    }
    Ok(Needed { packed: names.iter().map(|name| libtorch.join(name)).collect(), versions })
}

impl Needed {
    /// Iterates over the packed libraries' names.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.packed.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
    }

    /// Lists the oldest versions of glibc and libstdc++ that the system must have, by the symbols that the program asks for, in
    /// words.
    pub(super) fn versions(&self) -> String {
        let of = |(mark, name): (&str, &str)| Some(format!("{name} {}", self.versions.get(mark)?));
        VERSIONED.into_iter().filter_map(of).collect::<Vec<_>>().join(", ")
    }
}

fn newest(versions: &[String], known: &mut BTreeMap<&'static str, String>) {
    for (mark, _) in VERSIONED {
        let numbers = versions.iter().filter_map(|version| version.strip_prefix(mark));
        // `GLIBC_PRIVATE` is no number.
        for number in numbers.filter(|number| number.starts_with(|first: char| first.is_ascii_digit())) {
            let newer = known.get(mark).is_none_or(|old| compare(number, old) == Ordering::Greater);
            if newer {
                known.insert(mark, number.to_owned());
            }
        }
    }
}

/// Compares version numbers part by part: 2.9 is older than 2.34.
fn compare(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| text.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_by_numbers() {
        let mut known = BTreeMap::new();
        let versions =
            ["GLIBC_2.9", "GLIBC_2.34", "GLIBC_PRIVATE", "GLIBC_2.4", "GLIBCXX_3.4.30", "CXXABI_1.3"];
        newest(&versions.map(str::to_owned), &mut known);
        newest(&["GLIBCXX_3.4.9".to_owned()], &mut known);
        let needed = Needed { packed: Vec::new(), versions: known };
        assert_eq!(needed.versions(), "glibc 2.34, libstdc++ (GLIBCXX) 3.4.30");
    }
}
