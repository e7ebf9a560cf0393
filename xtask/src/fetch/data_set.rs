//! `cargo xtask fetch-data`: the COVID-19 Radiography Database, from Kaggle or out of an archive that was downloaded by hand,
//! put into `data/` as two folders of classes: one to train on, one to test on.
//!
//! [`kaggle`] asks for the archive, [`resume`] downloads it, [`archive`] checks it, [`contents`] assigns members to images,
//! [`carve`] chooses the test images, [`tree`] writes them out and [`receipt`] puts them in place.

mod archive;
mod carve;
mod contents;
mod kaggle;
mod receipt;
mod resume;
mod space;
mod token;
mod tree;

use super::{Depot, State, TREE, once};
use crate::failure::fail;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use archive::Refused;
use clap::Args;
use contents::Classes;
use kaggle::Pins;
use receipt::Receipt;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Args)]
pub(crate) struct Options {
    /// Unpack this archive, downloaded by hand, instead of asking Kaggle: the present release or that of 2020
    #[arg(long, value_name = "FILE.zip")]
    from: Option<PathBuf>,
    /// Take every class by the archive's own name (COVID, Lung_Opacity, Normal, Viral Pneumonia); without it the three
    /// of the study by the study's names (COVID-19, NORMAL, Viral Pneumonia)
    #[arg(long)]
    all_classes: bool,
    /// Put it there anew even if it is there; a folder that was not put there by this task is left alone
    #[arg(long)]
    force: bool,
}

/// File with which tests redirect the tasks to other addresses.
#[derive(Deserialize)]
struct PinsFile {
    data_set: Pins,
}

/// Runs the task.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let pins = match workspace.pins() {
        Some(file) => {
            let shown = file.display();
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
            let file: PinsFile =
                serde_json::from_str(&text).with_context(|| format!("`{shown}` holds no pins"))?;
            file.data_set
        }
        None => Pins::default(),
    };
    if let Some(file) = options.from.as_deref().filter(|file| !file.is_file()) {
        let what = if file.is_dir() { "is a folder, not an archive" } else { "is not there" };
        return Err(fail(format!("`{}` {what}", file.display()), pins.by_hand()));
    }
    let classes = if options.all_classes { Classes::All } else { Classes::Study };
    let state = || {
        let shown = receipt::places(workspace).map(|folder| workspace.shown(&folder).to_string());
        let done = format!("data set: `{}` and `{}` are complete, nothing to fetch", shown[0], shown[1]);
        Ok(if receipt::in_place(workspace, classes)? { State::Complete(done) } else { State::Absent })
    };
    let fetch = |depot: &Depot| fetch(workspace, depot, &pins, options.from.as_deref(), classes);
    println!("{}", once(workspace, "data-set", options.force, state, fetch)?);
    Ok(())
}

fn fetch(
    workspace: &Workspace,
    depot: &Depot,
    pins: &Pins,
    from: Option<&Path>,
    classes: Classes,
) -> Result<String> {
    let start = Instant::now();
    receipt::replaceable(workspace)?; // said before half an hour of downloading
    let (file, source, shown) = match from {
        Some(file) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (file.to_owned(), format!("`{name}`"), format!("`{}`", file.display()))
        }
        None => (resume::download(pins, depot)?, "Kaggle".into(), "Kaggle's archive".into()),
    };
    let counts = unpack(workspace, depot, &file, &source, classes).or_else(|error| {
        let Some(Refused(why)) = error.downcast_ref() else { return Err(error) };
        let refused = fail(format!("{shown} {why}"), format!("nothing of it is used; {}", pins.by_hand()));
        // A bad archive of this task is removed; the user's own stays.
        if from.is_none() { resume::forget(depot).and(Err(refused)) } else { Err(refused) }
    })?;
    let [train, test] = receipt::places(workspace).map(|folder| workspace.shown(&folder).to_string());
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!(
        "data set: `{train}` ({counts}) and `{test}` (40 a class) are ready, from {source}, in {seconds:.0} s"
    ))
}

/// Unpacks the archive into the two places. Returns the classes to train on with their numbers of images.
fn unpack(
    workspace: &Workspace,
    depot: &Depot,
    file: &Path,
    source: &str,
    classes: Classes,
) -> Result<String> {
    let mut archive = archive::open(file)?;
    let members = contents::wanted(&archive, classes)?;
    let tree = depot.fresh(TREE)?;
    let blocks = 4096 * members.len() as u64; // a file takes whole blocks
    space::check(&tree, members.iter().map(|member| member.bytes).sum::<u64>() + blocks)?;
    let files = tree::fill(&mut archive, &members, &tree)?;
    let receipts = files.map(|files| Receipt {
        source: source.to_owned(),
        all_classes: classes == Classes::All,
        seed: carve::SEED,
        test_per_class: carve::TEST_PER_CLASS,
        files,
    });
    receipt::put(workspace, depot, &tree, receipts)?;
    let counts = contents::counts(&members).into_iter();
    let counts: Vec<String> =
        counts.map(|(class, count)| format!("{class} {}", count - carve::TEST_PER_CLASS)).collect();
    Ok(counts.join(", "))
}
