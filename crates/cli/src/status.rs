//! Exit codes, and the printing of an error: one line, its causes below it, and the command that mends it.

use std::{io::Write as _, path::Path};

use crate::{
    args,
    output::{Lines, NotWritten, Output, say},
};

/// Exit code where all went well.
pub(crate) const DONE: u8 = 0;
/// Exit code where the user's input, flags, disk or permissions are at fault.
pub(crate) const USER: u8 = 1;
/// Exit code where the program is at fault.
pub(crate) const PROGRAM: u8 = 2;
/// Exit code where the user stopped the program.
pub(crate) const INTERRUPTED: u8 = 130;

/// Hint where memory runs out.
pub(crate) const LESS_MEMORY: &str =
    "lower `--batch-size` or `--image-size`, or `--freeze` more of the network";

/// Hint about a damaged file of a run.
pub(crate) const COPY_AGAIN: &str = "copy the file again from where it came, or train again";

/// Status of a command that ended without an error of its own.
pub(crate) enum Status {
    Done,
    /// The work is done, and some of the input is bad.
    BadInput,
    Interrupted,
}

/// Error with a hint that only the place of its origin knows.
#[derive(Debug)]
pub(crate) struct Hinted {
    pub(crate) message: Lines,
    pub(crate) hint: String,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Hinted {}

/// Makes an error with a hint.
pub(crate) fn hinted(message: impl Into<Lines>, hint: impl Into<String>) -> anyhow::Error {
    Hinted { message: message.into(), hint: hint.into() }.into()
}

/// Writes out what the buffers of standard output hold. Results go past them; a TorchScript module's `print` does not.
pub(crate) fn flush() {
    let _ = std::io::stdout().flush();
    #[expect(unsafe_code, reason = "the standard library knows nothing of C's buffers")]
    // SAFETY: null names all streams.
    unsafe {
        libc::fflush(std::ptr::null_mut());
    }
}

/// Ends the program with an exit code, without libtorch's destructors: they take its thousands of operators out of their tables
/// one by one, a quarter of the time of a command that does nothing else, and other threads may be computing with them. What a
/// profiler does at a program's end is left out, too.
pub(crate) fn end(code: u8) -> ! {
    #[expect(unsafe_code, reason = "the standard library has no way without the destructors")]
    // SAFETY: the call has no precondition, and touches no memory of the program.
    unsafe {
        libc::_exit(code.into())
    }
}

/// Prints clap's text: help and version to stdout, anything else as a user's error.
pub(crate) fn usage(error: &clap::Error) -> u8 {
    // The arguments in the text may hold a file's name.
    let text = error.render().to_string();
    if error.use_stderr() && text.lines().any(|line| base::escape_line(line) != line) {
        say(Lines::of(&text));
        return USER;
    }
    let printed = error.print().and_then(|()| std::io::stdout().flush());
    match printed.map_err(|error| NotWritten::new(&error)) {
        _ if error.use_stderr() => USER,
        Err(error) if !error.is_closed() => {
            say(format!("error: {error}"));
            USER
        }
        _ => DONE,
    }
}

/// Prints an error and returns its exit code.
pub(crate) fn report(error: &anyhow::Error, output: &Output) -> u8 {
    if error.downcast_ref::<NotWritten>().is_some_and(NotWritten::is_closed) {
        return DONE;
    }
    let mut causes = error.chain().map(|cause| (cause.to_string(), lines(cause)));
    let (headline, text) = causes.next().unwrap_or_else(|| (String::new(), "".into()));
    output.error(text);
    let of_model = || error.chain().filter_map(|cause| cause.downcast_ref::<model::Error>());
    let fault = of_model().any(|error| matches!(error, model::Error::Torch(_)) && !error.is_out_of_memory());
    // libtorch's message is a page of C++ frames, and its first line is in the headline already.
    let torch =
        of_model().any(|error| matches!(error, model::Error::Torch(_) | model::Error::NotTorchScript { .. }));
    let mut told = headline;
    for (cause, text) in causes.filter(|_| !torch) {
        if !told.contains(&cause) {
            say(text.after("  caused by: "));
        }
        told = cause;
    }
    if torch {
        // One event per line: the log escapes line breaks.
        format!("{error:?}").lines().for_each(|line| tracing::info!("{line}"));
    }
    if let Some(hint) = hint(error) {
        output.hint(hint);
    }
    if fault { PROGRAM } else { USER }
}

/// Returns an error's text. Only errors that are lists have several lines.
fn lines(error: &(dyn std::error::Error + 'static)) -> Lines {
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        return hinted.message.clone();
    }
    let text = error.to_string();
    match of_data(error) {
        // Faults of the CSV's rows, each of which is escaped.
        Some(data::Error::Csv { .. }) => Lines::of(&text),
        _ => text.into(),
    }
}

/// Returns the hint of an error, usually a command that mends it.
fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(hinted.hint.clone());
        }
        if let Some(experiment::Error::HoldsRun { .. } | experiment::Error::NotEmpty { .. }) = of_experiment(cause) {
            return Some(
                "go on with a run by `--resume`, name another folder with `--out`, or leave it out".to_owned(),
            );
        }
        if let Some(experiment::Error::Link { .. }) = of_experiment(cause) {
            return Some("put the file or folder that it leads to in its place".to_owned());
        }
        if cause.downcast_ref().is_some_and(NotWritten::is_full) {
            return Some("make room on that disk, or send the results to another one".to_owned());
        }
        if let Some(experiment::Error::InUse { .. }) = of_experiment(cause) {
            return Some("wait until it has ended, or stop it".to_owned());
        }
        if let Some(train::Error::NotFinite { .. }) = cause.downcast_ref() {
            return Some("its weights are of no use: name another model, or train again with a lower `--learning-rate`".to_owned());
        }
        if let Some(experiment::Error::FoldTaken { .. }) = of_experiment(cause) {
            return Some("wait until it is done, or train another fold with `--fold`".to_owned());
        }
        if let Some(train::Error::NonFiniteLoss { epoch, .. }) = cause.downcast_ref() {
            return Some(match epoch {
                1 => "try a lower `--learning-rate`: no epoch was finished, so that no weights are kept".to_owned(),
                _ => "the best weights so far are kept; try a lower `--learning-rate`, or leave such steps out by `--resume RUN --on-non-finite skip`".to_owned(),
            });
        }
        if let Some(hint) = of_experiment(cause).and_then(comparison_hint) {
            return Some(hint.to_owned());
        }
        if let Some(experiment::Error::NotARecord { .. }) = of_experiment(cause) {
            return Some(COPY_AGAIN.to_owned());
        }
        match cause.downcast_ref::<model::Error>() {
            Some(error) if error.is_out_of_memory() => {
                Some(LESS_MEMORY.to_owned())
            }
            Some(model::Error::Device { .. }) => Some(
                "leave `--device` out, or name `cpu`; for an NVIDIA GPU, run `cargo xtask fetch-weights --cuda` and build \
                 again"
                    .to_owned(),
            ),
            Some(model::Error::CutOff { .. } | model::Error::Damaged { .. }) => {
                Some("copy the file again from where it came, or train again".to_owned())
            }
            Some(model::Error::StateDict(error)) => error.hint(),
            Some(model::Error::NoFile { what: "weights", path }) => Some(no_weights(path)),
            Some(model::Error::NoFile { .. }) => Some("check the spelling".to_owned()),
            Some(model::Error::Weights { path, .. }) => Some(other_weights(path)),
            Some(model::Error::NotTorchScript { .. }) => Some(
                "fetched weights: run `cargo xtask fetch-weights`; a module of your own: write it again with \
                 `torch.jit.script(module).save(FILE)`"
                    .to_owned(),
            ),
            Some(model::Error::Backbone { .. }) => Some(
                "a backbone makes features [N, F] or [N, F, h, w] of images [N, 3, H, W]; its input size is set with \
                 `--image-size`"
                    .to_owned(),
            ),
            Some(model::Error::NotACheckpoint { .. }) => {
                Some("name a run's folder, or its `best.safetensors`".to_owned())
            }
            Some(model::Error::NoMaps { .. }) => {
                Some("`--method occlusion` works with every network".to_owned())
            }
            Some(model::Error::NotFinite { .. }) => {
                Some("its weights are of no use: name another model, or train again with a lower `--learning-rate`".to_owned())
            }
            Some(model::Error::FormatVersion { .. }) => {
                Some("use the version of Thorax that wrote it, or train again".to_owned())
            }
            _ => None,
        }
        .or_else(|| data_hint(of_data(cause)?))
    })
}

/// Returns the hint for a failed comparison of two models.
fn comparison_hint(error: &experiment::Error) -> Option<&'static str> {
    match error {
        experiment::Error::Mismatch(mismatch) => match **mismatch {
            experiment::Mismatch::Classes { .. } => Some("compare models of the same classes"),
            _ => {
                Some("test both on the same images: `thorax test --saved PATH --against PATH --data FOLDER`")
            }
        },
        experiment::Error::Csv { .. } => {
            Some("`thorax train` and `thorax test --out DIR` write a `predictions.csv` that can be compared")
        }
        _ => None,
    }
}

/// Finds an error of a run's files, also inside an error of training.
fn of_experiment<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a experiment::Error> {
    match cause.downcast_ref() {
        Some(train::Error::Experiment(error)) => Some(error),
        _ => cause.downcast_ref(),
    }
}

/// Finds an error of the crate `data`, also inside an error of training.
fn of_data<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a data::Error> {
    match cause.downcast_ref() {
        Some(train::Error::Data(error)) => Some(error),
        _ => cause.downcast_ref(),
    }
}

/// Returns the folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the hint for a faulty data set, or for a wrong name of it.
fn data_hint(error: &data::Error) -> Option<String> {
    use data::Error as E;
    let hint = match error {
        E::NoSuchFolder { path } => return Some(no_data(path)),
        E::NoSuchFile { .. } => "check the spelling",
        E::NotAFolder { .. } => {
            "name a folder; a data set may also be a CSV, `….csv`, with a row an image, `path,label[,group][,split]`"
        }
        E::NoClasses { csv: Some(csv), .. } => {
            return Some(format!("to read the CSV in it, name `{}`", csv.display()));
        }
        E::EmptyClasses { others, .. } if *others > 0 => {
            return Some(format!(
                "`--formats all` takes {others} images that Keras' list of extensions leaves out"
            ));
        }
        E::EmptyClasses { .. } => {
            "put images of these classes there, or name only the others with `--classes`"
        }
        E::MissingImages { path, .. } => {
            return Some(format!(
                "images are looked for below `{}`; `data scan --labels-only` lists a label file without them",
                base::shown(folder_of(path))
            ));
        }
        E::ImageLists { .. } => {
            "each image is in one of the lists; without both lists the images are not parted"
        }
        E::MissingLabel { .. } => "name labels as they are in the file with `--labels`",
        E::NoLabels { .. } => {
            "`--uncertain` and `--blank` say what uncertain and missing marks count as, `--min-images` how many images a label needs"
        }
        E::NoSuchView { .. } => "name others with `--views`",
        E::NoLabelFile { .. } => "leave out `--label-format`, or name another",
        E::Tables { .. } => "put the tables of one version of the data set beside each other",
        E::TestPerLabel { .. } => "name a share with `--test-split`",
        E::Csv { .. } => {
            "a CSV has a header and a row an image: `path,label[,group][,split]`, or `path` and a column a label with 1, 0, -1 or nothing; paths \
             are below the CSV's folder or absolute"
        }
        E::NoColumns { .. } => {
            "`--group-column` takes a column of a CSV; `--group-regex` finds groups in paths"
        }
        E::NoGroups { .. } => "say how groups are known with `--group-regex` or `--group-column`",
        E::PartClasses { .. } | E::EmptyPart { .. } => {
            "each part has the same classes; name those that all have with `--classes`"
        }
        E::PartTwice { .. } => "leave one of the folders in the data set",
        E::NoTestPart { .. } => {
            "name a test set with `--data` or `--test-data`, or give some images the split `test`"
        }
        E::HasTestPart { .. } => {
            "leave `--test-per-class` and `--test-split` out: its own test images are kept"
        }
        E::TooFewToTest { .. } => "keep fewer with `--test-per-class` or `--test-split`",
        E::TooFewGroups { .. } => "use `--split random`, or leave the class out with `--classes`",
        E::Folds { .. } | E::TooFewForFolds { .. } | E::TooFewToFold { .. } => {
            "name another number with `--folds`"
        }
        E::FoldColumn { .. } => {
            "a CSV numbers each image's fold from 1 in its column `fold`; without that column folds are drawn"
        }
        E::Exists { .. } => "name another, or replace a manifest with `--force`",
        E::DamagedCache { .. } => "run `thorax data cache --clear`, then the same again",
        E::NotUtf8 { .. } => "rename the file",
        E::LayOut { .. } => "name an empty folder outside of the data set",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the hint where to put a data set, or how to work without one.
fn no_data(path: &Path) -> String {
    if path == Path::new(args::DEFAULT_DATA) {
        format!(
            "put a data set there, with one folder of images a class, or name another with `--data FOLDER`; \
             `cargo xtask demo` tries everything on synthetic images (`thorax data sample` makes them in `{}`)",
            args::DEFAULT_SAMPLE
        )
    } else {
        "check the spelling; the folder holds one folder of images a class".to_owned()
    }
}

/// Makes a panic print its message and how to report it, and end the program with its own exit code. A panic within a decoder is
/// caught and becomes the file's error, so nothing is printed for it here.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if data::is_panic_caught() {
            return;
        }
        // `eprintln!` would panic again if stderr fails, and so abort.
        say(Lines::of(&panic.to_string()).after("error: thorax has a fault of its own: "));
        say(["", "hint: please report this with the command that you ran and the lines above"]);
        // On any thread: the code says whose fault it is.
        end(PROGRAM);
    }));
}

/// Tells how the weights that are looked for at a path can be had.
fn no_weights(path: &Path) -> String {
    let other = "name a file with `--weights FILE`, or train from scratch with `--weights none`";
    default_weights(path)
        .map_or_else(|| other.to_owned(), |weights| format!("{}, {other}", weights.how_to_get()))
}

/// Tells what mends weights that are damaged, or another network's.
fn other_weights(path: &Path) -> String {
    let other = "name another file with `--weights FILE`";
    default_weights(path)
        .map_or_else(|| other.to_owned(), |weights| format!("{}, or {other}", weights.how_to_get()))
}

/// Finds the default weights that are looked for at a path.
fn default_weights(path: &Path) -> Option<model::PretrainedWeights> {
    let of_network = model::ARCHITECTURES.into_iter().filter_map(model::Architecture::weights);
    of_network.into_iter().find(|weights| path.ends_with(weights.path))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Variable that makes this test, started again by itself, panic on another thread.
    const ASKED: &str = "THORAX_TEST_PANIC";

    #[test]
    #[expect(clippy::print_stdout, reason = "the test that started this one reads it")]
    fn a_panic_says_how_to_report_it_and_ends_the_program_with_2() {
        if std::env::var_os(ASKED).is_some() {
            report_panics();
            let caught: Result<(), _> = data::catch_panic("PNG", || panic!("in a decoder"));
            println!("{}", caught.unwrap_err());
            let _ = std::thread::spawn(|| panic!("on purpose")).join();
            return;
        }
        let again = || {
            let mut again = Command::new(std::env::current_exe().unwrap());
            again.args([
                "--exact",
                "status::tests::a_panic_says_how_to_report_it_and_ends_the_program_with_2",
            ]);
            again.arg("--nocapture").env(ASKED, "1");
            again
        };
        let output = again().output().unwrap();
        let (out, said) =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
        assert!(out.contains("is damaged: ") && out.contains("the PNG decoder failed"), "{out}");
        assert!(!said.contains("in a decoder"), "{said}");
        assert_eq!(output.status.code(), Some(PROGRAM.into()), "{said}");
        assert!(said.contains("error: thorax has a fault of its own: panicked at "), "{said}");
        assert!(
            said.contains("on purpose") && said.contains("\nhint: please report this with the command"),
            "{said}"
        );
        // A message that nobody reads is no second panic.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(again().stderr(writer).output().unwrap().status.code(), Some(PROGRAM.into()));
    }
}
