//! Facts that a program or library file states: the libraries it needs, its search paths for them, and their versions.

use anyhow::{Context as _, Result};
use goblin::elf::{Elf, symver::VerneedSection};
use std::path::Path;

pub(super) struct Binary {
    /// Libraries that it names, in its order.
    pub(super) needed: Vec<String>,
    /// Search paths for them, of either kind (`DT_RUNPATH`, `DT_RPATH`).
    pub(super) run_paths: Vec<String>,
    /// Versions of them that it was linked against, such as `GLIBC_2.34`.
    pub(super) versions: Vec<String>,
}

impl Binary {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
        let elf =
            Elf::parse(&bytes).with_context(|| format!("`{shown}` is no program or library of Linux"))?;
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let needs = elf.verneed.iter().flat_map(VerneedSection::iter);
        let names = needs.flat_map(|file| file.iter().map(|version| version.vna_name).collect::<Vec<_>>());
        let versions = names.filter_map(|name| elf.dynstrtab.get_at(name));
        Ok(Self {
            needed: owned(&elf.libraries),
            run_paths: [owned(&elf.runpaths), owned(&elf.rpaths)].concat(),
            versions: versions.map(str::to_owned).collect(),
        })
    }
}
