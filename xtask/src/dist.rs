//! `cargo xtask dist`: the program as a folder and an archive that run on a Linux machine with neither Rust nor Python.
//!
//! The program finds libtorch beside itself ([`build`]), only the libraries that it needs are packed ([`libraries`]), with
//! the licences of everything that is in it ([`licences`]). Before the archive gets its name it is unpacked elsewhere and
//! has to train, predict and serve there, without anything of this machine ([`trial`]).

mod archive;
mod build;
mod elf;
mod folder;
mod libraries;
mod licences;
mod metadata;
mod trial;

use crate::failure::{Advice, fail};
use crate::fetch;
use crate::workspace::{Workspace, host};
use anyhow::{Context as _, Result};
use folder::Folder;
use indicatif::HumanBytes;
use metadata::Metadata;
use std::path::Path;
use std::time::Instant;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(fail("only Linux is packed for", "run `cargo xtask dist` on Linux"));
    }
    let start = Instant::now();
    fetch::needed(workspace)?;
    let libtorch = workspace.users_libtorch().unwrap_or_else(|| workspace.libtorch());
    if libtorch.join("lib/libtorch_cuda.so").exists() {
        let message = "libtorch with CUDA is not packed: it loads libraries that no file names";
        return Err(fail(message, "fetch the one without: cargo xtask fetch-weights --force"));
    }
    let host = host()?;
    let metadata = Metadata::read(workspace, &host)?;
    let name = format!("thorax-{}-{host}", metadata.version()?);
    let place = workspace.target()?.join("dist");

    let built = build::build(workspace, &libtorch)?;
    let folder = Folder::new(place.join(&name))?;
    let program = folder.path("bin/thorax");
    folder.program(&built)?;
    let before = built.metadata()?.len();
    println!("program    {}, {} with what debuggers read", HumanBytes(size(&program)?), HumanBytes(before));

    let needed = libraries::needed(&program, &libtorch.join("lib"))?;
    for library in &needed.packed {
        folder.library(library)?;
    }
    let bytes = needed.packed.iter().map(|path| size(path)).sum::<Result<u64>>()?;
    println!("libraries  {} of libtorch's, {}", needed.packed.len(), HumanBytes(bytes));
    println!("needs      {}", needed.versions());
    let licences = licences::collect(&metadata, &libtorch, &needed)?;
    licences.write(&folder)?;
    println!("licences   of {}", licences.summary());
    folder.texts(workspace, metadata.version()?, &host, &needed)?;

    let archive = place.join(format!("{name}.tar.gz"));
    let part = place.join(format!("{name}.tar.gz.part"));
    archive::pack(folder.root(), &name, &part)?;
    println!("archive    {}", HumanBytes(size(&part)?));
    let hidden = [Some(workspace.root().to_owned()), Some(libtorch), build::cargo_home()];
    let expected = trial::Expected {
        version: metadata.version()?,
        libraries: needed.names().collect(),
        hidden: hidden.into_iter().flatten().collect(),
    };
    trial::run(&part, &name, &expected).map_err(|error| {
        // An archive that does not start elsewhere is removed; an earlier one stays.
        let _ = std::fs::remove_file(&part);
        error.context(Advice::new("the archive does not work where it was unpacked", "nothing of it is kept"))
    })?;
    std::fs::rename(&part, &archive).with_context(|| format!("cannot write `{}`", archive.display()))?;
    let digest = archive::write_digest(&archive)?;
    println!("\n{}", workspace.shown(folder.root()));
    println!("{}\nsha256 {digest}", workspace.shown(&archive));
    println!("All of it took {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

fn size(path: &Path) -> Result<u64> {
    Ok(path.metadata().with_context(|| format!("cannot read `{}`", path.display()))?.len())
}
