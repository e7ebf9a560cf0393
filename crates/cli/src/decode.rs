//! Command `data decode`: a file's 8-bit pixels as PNG, to be looked at and compared with other programs' output.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use base::{shown, stored};
use data::{DecodeError, DecodeNotes, Decoded, Decoding, Formats, OutputKind};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::{
    args::DecodeArgs,
    compute::use_threads,
    files,
    output::Output,
    status::{Status, hinted},
};

/// Number of files that are read before their lines are printed.
const AT_ONCE: usize = 64;

/// Result of decoding a file.
struct Written {
    format: &'static str,
    /// Columns, rows and channels of the PNG.
    shape: [usize; 3],
    notes: DecodeNotes,
}

/// Writes each file's pixels to the folder. Files that cannot be read are named, and the others are still written.
pub(crate) fn run(args: &DecodeArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    let decoding = args.read.decoding(Formats::All);
    let jobs: Vec<(&PathBuf, PathBuf)> = args.files.iter().zip(targets(&args.files, &args.out)).collect();
    check(&jobs, args.force)?;
    match lies_beside(&args.out, &args.files) {
        true => data::create_output_folder(&args.out, OutputKind::Decoded)?,
        false => files::create_folder(&args.out)?,
    }

    let (mut files, mut unreadable): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for jobs in jobs.chunks(AT_ONCE) {
        let done: Vec<_> =
            jobs.par_iter().map(|(source, target)| decode(source, target, args, &decoding)).collect();
        for ((source, target), done) in jobs.iter().zip(done) {
            match done? {
                Ok(Written { format, shape: [width, height, channels], notes }) => {
                    let note = (!notes.is_empty()).then(|| notes.to_string());
                    if !args.json {
                        let colour = if channels == 1 { "gray" } else { "RGB" };
                        let (source, target) = (shown(source), shown(target));
                        output.result(format!("{source}  {format}  {width}×{height}  {colour}  {target}"));
                        if let Some(note) = &note {
                            output.warn(format!("`{source}`: {note}"));
                        }
                    }
                    files.push(
                        json!({"path": stored(source), "format": format, "width": width, "height": height,
                                      "channels": channels, "png": stored(target), "note": note}),
                    );
                }
                Err(error) => {
                    output.error(format!("`{}` {error}", shown(source)));
                    unreadable.push(json!({"path": stored(source), "error": error.to_string()}));
                }
            }
        }
        output.check()?;
    }
    let status = if unreadable.is_empty() { Status::Done } else { Status::BadInput };
    if args.json {
        output.data(json!({"out": stored(&args.out), "files": files, "unreadable": unreadable}).to_string());
    }
    Ok(status)
}

/// Tells if a folder lies where the files do, or in a folder above theirs: there it would become a class of their data set.
fn lies_beside(out: &Path, files: &[PathBuf]) -> bool {
    let Some(around) = base::real_place(out).ok().and_then(|out| Some(out.parent()?.to_owned())) else {
        return false;
    };
    files.iter().any(|file| fs::canonicalize(file).is_ok_and(|file| file.starts_with(&around)))
}

/// Returns the path of each file's pixels: its stem with `.png`, and with a number where an earlier file has that name.
fn targets(files: &[PathBuf], out: &Path) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut target = |file: &PathBuf| {
        let stem = file.file_stem().unwrap_or(file.as_os_str());
        let named = |number: usize| {
            let mut name: OsString = stem.to_owned();
            name.push(if number > 1 { format!("-{number}.png") } else { ".png".to_owned() });
            name
        };
        let free = (1..).map(named).find(|name| taken.insert(name.clone()));
        out.join(free.unwrap_or_default())
    };
    files.iter().map(&mut target).collect()
}

/// Checks before anything is written that no file is overwritten without `--force`, and no source file in any case.
fn check(jobs: &[(&PathBuf, PathBuf)], force: bool) -> Result<()> {
    let there: Vec<&PathBuf> =
        jobs.iter().map(|(_, target)| target).filter(|target| target.exists()).collect();
    if !force {
        return files::taken(&there, "name another folder with `--out`, or overwrite with `--force`");
    }
    let sources: HashSet<PathBuf> =
        jobs.iter().filter_map(|(source, _)| fs::canonicalize(source).ok()).collect();
    for target in there {
        if fs::canonicalize(target).is_ok_and(|target| sources.contains(&target)) {
            let text = format!("`{}` is one of the files to read", target.display());
            return Err(hinted(text, "name another folder with `--out`"));
        }
    }
    Ok(())
}

/// Decodes a file and writes its pixels. The outer error is one of writing, which ends the command.
fn decode(
    source: &Path,
    target: &Path,
    args: &DecodeArgs,
    decoding: &Decoding,
) -> Result<Result<Written, DecodeError>> {
    let read = || -> Result<(&'static str, Decoded), DecodeError> {
        let bytes = data::read_file(source, decoding)?;
        let decoded = match args.image_size {
            Some(size) => data::decode_resized(&bytes, size, args.interpolation, decoding)?,
            None => data::decode(&bytes, decoding)?,
        };
        Ok((data::sniff(&bytes).unwrap_or("unknown"), decoded))
    };
    let (format, Decoded { pixels, notes }) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    files::write(target, &data::encode_png(&pixels).context("cannot encode a PNG")?)?;
    Ok(Ok(Written { format, shape: [pixels.width, pixels.height, pixels.channels], notes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_stem_are_numbered() {
        let files = ["a/x.png", "b/x.jpg", "x-2.dcm", "x", "y.tar.gz"].map(PathBuf::from);
        let names = ["x.png", "x-2.png", "x-2-2.png", "x-3.png", "y.tar.png"];
        assert_eq!(targets(&files, Path::new("out")), names.map(|name| Path::new("out").join(name)));
    }
}
