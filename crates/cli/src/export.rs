//! Command `export`: a saved model as one file that Python's `torch.jit.load` runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use base::{shown, stored};
use model::{Classifier, DeviceChoice, METADATA};
use serde_json::{Value, json};

use crate::{
    args::{ComputeArgs, ExportArgs},
    compute::use_threads,
    files,
    output::Output,
    saved::{self, LoadedModel, Saved},
    status::{Status, hinted},
};

pub(crate) fn run(args: &ExportArgs, output: &Output) -> Result<Status> {
    let saved = saved::find(args.saved.as_deref())?;
    let out = args.out.clone().unwrap_or_else(|| saved.checkpoint.with_extension("pt"));
    check(&out, args.force)?;
    use_threads(args.threads)?;
    // The module is recorded on the CPU, so that every machine can read it.
    let compute = ComputeArgs { threads: args.threads, device: DeviceChoice::Cpu };
    let LoadedModel { classifier, epoch, .. } = saved.load(&compute, Some(args.precision), None, output)?;
    let spec = classifier.spec().clone();
    output.note(format!("model  {} ({}, {})", shown(&saved.checkpoint), spec.architecture, spec.precision));

    let metadata = metadata(&classifier, epoch, &saved);
    let exported = classifier.export(metadata.to_string().as_bytes())?;
    files::clear_up_beside(&out);
    files::write(&out, &exported.file)?;
    if args.json {
        let object = json!({"file": stored(&out), "format": args.format.to_string(), "bytes": exported.file.len(),
                            "largest_difference": exported.difference, "metadata": metadata});
        output.data(object.to_string());
    } else {
        let (side, classes) = (spec.image_size, spec.classes.len());
        output.result(format!("file   {} ({:.1} MB)", shown(&out), exported.file.len() as f64 / 1e6));
        output.result(format!("input  u8 [N, 3, {side}, {side}], RGB, {} to that size", spec.interpolation));
        output.result(format!("output f32 [N, {classes}], probabilities of {}", spec.classes.join(", ")));
        output.result(format!("check  probabilities differ by at most {:.1e}", exported.difference));
        output.note(format!(
            "note   classes and preprocessing are in its `{METADATA}`; the input guard is not in it"
        ));
    }
    Ok(Status::Done)
}

/// Checks before anything is computed that no file is overwritten without `--force`.
fn check(out: &Path, force: bool) -> Result<()> {
    let shown = out.display();
    if out.is_dir() {
        return Err(hinted(format!("`{shown}` is a folder"), "name a file with `--out FILE`"));
    }
    if out.exists() && !force {
        return files::taken(&[out], "name another file with `--out FILE`, or overwrite it with `--force`");
    }
    Ok(())
}

/// Makes the metadata that a user of the file needs.
fn metadata(classifier: &Classifier, epoch: u64, saved: &Saved) -> Value {
    let (spec, calibration) = (classifier.spec(), classifier.calibration());
    let folder: Option<PathBuf> = saved.run.as_ref().map(|run| run.folder().to_owned());
    let run = folder.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let side = spec.image_size;
    json!({
        "format_version": 1,
        "model": spec.architecture.to_string(),
        "task": spec.task,
        "classes": spec.classes,
        "input": {"type": "uint8", "shape": ["N", 3, side, side], "channels": "RGB", "image_size": side,
                  "formats": spec.formats.map(|rules| rules.to_string()),
                  "interpolation": spec.interpolation.to_string()},
        "output": {"type": "float32", "shape": ["N", spec.classes.len()], "values": "probabilities"},
        "inside": {"input_scale": spec.input_scale.to_string(), "normalisation": spec.normalisation,
                   "temperature": calibration.temperature.map(|temperature| temperature.value)},
        "operating_points": calibration.operating_points,
        "labels": calibration.labels,
        "precision": spec.precision.to_string(),
        "epoch": epoch,
        "run": run,
        "synthetic": saved.run.as_ref().is_some_and(|run| run.record.synthetic),
        "versions": {"thorax": env!("CARGO_PKG_VERSION"), "libtorch": model::LIBTORCH},
        "notice": "Not for clinical use.",
    })
}
