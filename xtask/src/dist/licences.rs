//! Licences of all that is packed: their texts, out of the crates' own packages, and a list of them.

use super::folder::Folder;
use super::libraries::Needed;
use super::metadata::Metadata;
use crate::failure::fail;
use crate::fetch::files_below;
use crate::workspace::rustc;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Beginnings of the names of licence texts, in lower case.
const NAMES: [&str; 7] = ["licen", "copying", "copyright", "notice", "unlicense", "patents", "third-party"];
/// Names of folders that may hold such texts.
const FOLDERS: [&str; 2] = ["licenses", "license"];

/// Crate with the licence texts of its package.
struct Crate {
    name: String,
    version: String,
    licence: String,
    repository: String,
    texts: Vec<(String, PathBuf)>,
}

pub(super) struct Licences {
    crates: Vec<Crate>,
    /// Texts of parts that are not crates: their targets, and their paths.
    others: Vec<(String, PathBuf)>,
    /// Lines about these parts for the list.
    notes: Vec<String>,
}

pub(super) fn collect(metadata: &Metadata, libtorch: &Path, needed: &Needed) -> Result<Licences> {
    let crates = metadata.others().into_iter().map(of_crate).collect::<Result<Vec<_>>>()?;
    let own = libtorch.join("licenses");
    let of_libtorch = if own.is_dir() { files_below(&own)? } else { Vec::new() };
    if of_libtorch.is_empty() {
        let message = format!("`{}` holds no licences, which have to go with its libraries", own.display());
        return Err(fail(
            message,
            "put LICENSE and NOTICE of libtorch there, or fetch it: cargo xtask fetch-weights",
        ));
    }
    let mut others: Vec<(String, PathBuf)> =
        of_libtorch.into_iter().map(|(name, path)| (format!("libtorch/{name}"), path)).collect();
    let mut notes = vec![format!(
        "- `lib/` is libtorch's: {}. Texts: `libtorch/`.",
        needed.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    )];
    if needed.names().any(|name| name.starts_with("libgomp")) {
        notes.push(
            "- `libgomp` among them is GCC's: GPL-3.0 with the GCC Runtime Library Exception 3.1; its source is GCC's, \
             <https://gcc.gnu.org>."
                .to_owned(),
        );
    }
    let rust = of_rust()?;
    notes.push(match rust.is_empty() {
        false => "- Rust's standard library is in the program: MIT or Apache-2.0. Texts: `rust/`.".to_owned(),
        true => "- Rust's standard library is in the program: MIT or Apache-2.0, <https://rust-lang.org>."
            .to_owned(),
    });
    others.extend(rust);
    Ok(Licences { crates, others, notes })
}

fn of_crate(package: &Value) -> Result<Crate> {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text("manifest_path"));
    let folder = manifest.parent().unwrap_or(&manifest);
    let mut texts = Vec::new();
    for (name, path) in listed(folder)? {
        let small = name.to_lowercase();
        if path.is_dir() && FOLDERS.contains(&small.as_str()) {
            texts.extend(
                files_below(&path)?.into_iter().map(|(inner, path)| (format!("{name}/{inner}"), path)),
            );
        } else if path.is_file() && NAMES.iter().any(|begin| small.starts_with(begin)) {
            texts.push((name, path));
        }
    }
    // A text that the manifest names, under any name.
    let named = package["license_file"].as_str().map(|name| folder.join(name)).filter(|path| path.is_file());
    if let Some((name, path)) = named.and_then(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        && !texts.iter().any(|(known, _)| *known == name)
    {
        texts.push((name, path));
    }
    let licence = if package["license"].is_string() { text("license") } else { "see its text".to_owned() };
    Ok(Crate { name: text("name"), version: text("version"), licence, repository: text("repository"), texts })
}

/// Lists names and paths in a folder, by name.
fn listed(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let cannot = || format!("cannot list `{}`", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// Finds the standard library's texts, if the compiler was installed with them.
fn of_rust() -> Result<Vec<(String, PathBuf)>> {
    let root = PathBuf::from(rustc(&["--print", "sysroot"])?.trim()).join("share/doc/rust");
    let mut texts = Vec::new();
    let notice = root.join("COPYRIGHT-library.html");
    if notice.is_file() {
        texts.push(("rust/COPYRIGHT-library.html".to_owned(), notice));
    }
    let folder = root.join("licenses");
    if folder.is_dir() {
        let all = files_below(&folder)?;
        texts.extend(all.into_iter().map(|(name, path)| (format!("rust/licenses/{name}"), path)));
    }
    Ok(texts)
}

impl Licences {
    pub(super) fn write(&self, folder: &Folder) -> Result<()> {
        for (name, path) in &self.others {
            folder.copy(path, &format!("licenses/{name}"))?;
        }
        for one in &self.crates {
            for (name, path) in &one.texts {
                folder.copy(path, &format!("licenses/crates/{}-{}/{name}", one.name, one.version))?;
            }
        }
        folder.write("licenses/README.md", self.list())
    }

    /// Makes the list, as a page.
    fn list(&self) -> String {
        let mut page =
            "# Licences of what is in this archive\n\n- Thorax itself: MIT, `../LICENSE`.\n".to_owned();
        page.extend(self.notes.iter().map(|note| format!("{note}\n")));
        page.push_str("\n| crate | version | licence | texts |\n|---|---|---|---|\n");
        for Crate { name, version, licence, repository, texts } in &self.crates {
            let texts = match (texts.is_empty(), self.sibling(repository)) {
                (false, _) => format!("`crates/{name}-{version}/`"),
                (true, Some(other)) => {
                    format!("as of its sibling, `crates/{}-{}/`", other.name, other.version)
                }
                (true, None) => format!("none in its package; {repository}"),
            };
            let _ = writeln!(page, "| {name} | {version} | {licence} | {texts} |");
        }
        page
    }

    /// Finds a crate of the same repository that has texts: not every package of a repository contains them.
    fn sibling(&self, repository: &str) -> Option<&Crate> {
        let mut crates = self.crates.iter();
        crates.find(|one| !repository.is_empty() && one.repository == repository && !one.texts.is_empty())
    }

    /// Counts the texts, for the terminal.
    pub(super) fn summary(&self) -> String {
        let lacks = |one: &&Crate| one.texts.is_empty() && self.sibling(&one.repository).is_none();
        let without = self.crates.iter().filter(lacks);
        let without: Vec<&str> = without.map(|one| one.name.as_str()).collect();
        let lacking = match without.is_empty() {
            true => String::new(),
            false => format!("; without a text, and said so: {}", without.join(", ")),
        };
        format!("libtorch, Rust and {} crates{lacking}", self.crates.len())
    }
}
