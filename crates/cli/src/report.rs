//! Command `report`: the page of a run, from the files of the run alone; `train` ends with the same.

mod pictures;
mod read;

use std::path::{Path, PathBuf};

use anyhow::Result;
use base::{shown, stored};
use experiment::{BEST, LAST, Run};
use serde_json::json;

use crate::{
    args::ReportArgs,
    files,
    output::Output,
    saved,
    status::{Status, hinted},
};

/// File name of the page in a run's folder.
pub(crate) const PAGE: &str = "report.html";
/// File name of the data audit's findings in a run's folder.
pub(crate) const AUDIT: &str = "audit.json";
/// Folder of the plots in a run's folder.
const PLOTS: &str = "plots";

/// Paths of the written files.
pub(crate) struct Written {
    pub(crate) page: PathBuf,
    pub(crate) plots: Vec<PathBuf>,
}

pub(crate) fn run(args: &ReportArgs, output: &Output) -> Result<Status> {
    let run = open(args.run.as_deref())?;
    output.note(format!("run    {}", shown(run.folder())));
    let written = write(&run, !args.no_images)?;
    if args.json {
        let plots: Vec<String> = written.plots.iter().map(stored).collect();
        output.data(
            json!({"run": stored(run.folder()), "page": stored(&written.page), "plots": plots}).to_string(),
        );
    } else {
        output.result(format!("page   {}", shown(&written.page)));
        output.result(format!("plots  {}", shown(run.file(PLOTS))));
    }
    Ok(Status::Done)
}

/// Writes a run's page and plots into its folder.
pub(crate) fn write(run: &Run, images: bool) -> Result<Written> {
    run.refuse_links(&[PAGE, AUDIT, PLOTS])?;
    let report = read::report(run, images)?;
    let folder = run.create_folder(PLOTS)?;
    let mut plots = Vec::new();
    for (name, svg) in report::plots(&report) {
        let path = folder.join(format!("{name}.svg"));
        files::write(&path, svg.as_bytes())?;
        plots.push(path);
    }
    run.write(PAGE, report::page(&report).as_bytes())?;
    Ok(Written { page: run.file(PAGE), plots })
}

/// Opens the run at a path; without one, the latest.
fn open(path: Option<&Path>) -> Result<Run> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => saved::latest()?,
    };
    let name = path.display();
    if path.is_file() {
        let hint = match path.parent() {
            Some(folder) if [BEST, LAST].iter().any(|file| path.ends_with(file)) => {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                format!("name its run's folder, `{}`", folder.display())
            }
            _ => "name a run's folder".to_owned(),
        };
        return Err(hinted(format!("`{name}` is a file; a page is made of a run's folder"), hint));
    }
    if !path.is_dir() {
        return Err(hinted(
            format!("there is no run `{name}`"),
            "check the spelling; without a path the latest run is meant",
        ));
    }
    if !path.join("run.json").exists() {
        return Err(hinted(
            format!("the folder `{name}` holds no run"),
            "name the folder that `train` printed as `run`",
        ));
    }
    Ok(Run::open(&path)?)
}
