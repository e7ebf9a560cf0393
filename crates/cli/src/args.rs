//! Command line of `thorax`. Defaults are the study's values; `run.json` stores the resolved values under the flags' names.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::styling};
use data::{Cache, Classes, Decoding, Formats, GroupPattern, GroupRule};
use model::DeviceChoice;
use serde::Serialize;

mod audit;
mod cross_validate;
mod evaluate;
mod explain;
mod export;
mod guide;
mod labels;
mod models;
mod networks;
mod predict;
mod predictor;
mod report;
mod sample;
mod serve;
mod shell;
mod split;
mod stored;
mod test;
mod train;
mod values;

pub(crate) use audit::AuditArgs;
pub(crate) use cross_validate::CrossValidateArgs;
pub(crate) use evaluate::EvaluateArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use export::ExportArgs;
pub(crate) use guide::{GuideArgs, SchemaName};
pub(crate) use labels::LabelArgs;
pub(crate) use models::ModelsArgs;
pub(crate) use predict::PredictArgs;
pub(crate) use predictor::PredictorArgs;
pub(crate) use report::ReportArgs;
pub(crate) use sample::{ImagesPerPatient, Prevalence, SampleArgs};
pub(crate) use serve::ServeArgs;
pub(crate) use shell::{CompletionsArgs, ManArgs};
pub(crate) use split::SplitArgs;
pub(crate) use test::{CompareArgs, TestArgs};
pub(crate) use train::{TrainArgs, TrainSettings};
pub(crate) use values::{
    AveragingKind, ClassList, ClassWeight, LossKind, MonitorKind, NonFinite, OnBadImage, OptimizerKind,
    ScheduleKind, SplitKind, TaskKind, ThresholdKind, WeightsChoice, WordList, name,
};
use values::{bytes, picture_size, threads};

/// Path of the data set where none is named.
pub(crate) const DEFAULT_DATA: &str = "data/COVID-19 Radiography Database";
/// Folder of the image cache where none is named.
pub(crate) const DEFAULT_CACHE: &str = "data/cache";
/// Folder of the heat maps where none is named.
pub(crate) const DEFAULT_EXPLAINED: &str = "data/explained";
/// Folder of the synthetic sample where none is named.
pub(crate) const DEFAULT_SAMPLE: &str = "data/sample/Phantoms";
/// Folder of the multi-label sample where none is named.
pub(crate) const DEFAULT_FINDINGS: &str = "data/sample/Findings";

/// Largest number of images of a sample, or of a class's test set.
const MAX_IMAGES: usize = 1_000_000;
/// Largest number of folds.
const MAX_FOLDS: usize = 1000;

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// Trains and tests classifiers of chest radiographs. Not for clinical use.
#[derive(Parser)]
#[command(name = "thorax", version, styles = STYLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
pub(crate) struct Global {
    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more messages: once for steps, twice for details (RUST_LOG filters finer)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a model on a folder of classes, keep its best weights, and test them
    Train(Box<TrainArgs>),
    /// Train and test in K folds: each image is tested by a model trained without it
    CrossValidate(Box<CrossValidateArgs>),
    /// Test a saved model on one set of images or several
    Test(Box<TestArgs>),
    /// Evaluate predictions of any program: figures with intervals, by label and by attribute
    Evaluate(EvaluateArgs),
    /// Compare two models that were tested on the same images
    Compare(CompareArgs),
    /// Classify images, and print a row for each with the probability of every class
    Predict(PredictArgs),
    /// Write heat maps of where a model looks: as overlay pictures and as numbers
    Explain(ExplainArgs),
    /// Write the HTML page of a run: figures, curves, cases, settings, limits
    Report(ReportArgs),
    /// Serve one saved model: a page to drop images on, and an HTTP interface
    ///
    /// Everything stays on this machine: images are held in memory only, and nothing is fetched from elsewhere.
    Serve(Box<ServeArgs>),
    /// Write a saved model as one TorchScript file, from 8-bit pixels to probabilities
    Export(ExportArgs),
    /// List the networks, with their sizes and default weights
    Models(ModelsArgs),
    /// Inspect a data set, split it, or make a synthetic one
    #[command(subcommand)]
    Data(DataCommand),
    /// Print a page of the manual, or list its topics
    Guide(GuideArgs),
    /// Print a script by which a shell completes commands and flags
    ///
    /// For bash: `thorax completions bash > ~/.local/share/bash-completion/completions/thorax`.
    Completions(CompletionsArgs),
    /// Generate manual pages for `man thorax`
    Man(ManArgs),
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// List a folder's classes and images, and every file that cannot be read
    Scan(ScanArgs),
    /// Make the synthetic sample: chest phantoms, no real radiographs
    Sample(Box<SampleArgs>),
    /// Print the size of the cache of decoded images, or clear it
    Cache(DataCacheArgs),
    /// Write the 8-bit pixels of image files as PNG, as a network would see them
    Decode(DecodeArgs),
    /// Split a data set for training, validation and testing, and write a manifest
    Split(SplitArgs),
    /// Find copies, leaks, unreadable files and images that are no radiographs. Also test if file facts alone reveal the classes
    ///
    /// A leak is a copy in another set or of another class, or a patient in two sets. The exit code is 1 where a file cannot be
    /// read, and with --strict also where a leak is found.
    Audit(AuditArgs),
}

/// Flags for finding and decoding images.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ReadArgs {
    /// Rules for finding and decoding images: all or keras. `all` goes by content, DICOM too, with 16 bits scaled, alpha over
    /// black and EXIF orientation applied; `keras` by its list of extensions, with Pillow's RGB values [default: all; for a saved
    /// model its own]
    #[arg(long, value_name = "RULES")]
    #[serde(serialize_with = "stored::optional_text")]
    pub(crate) formats: Option<Formats>,
    /// Largest number of pixels that an image may announce
    #[arg(long, value_name = "N", default_value_t = data::MAX_PIXELS, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) max_pixels: u64,
    /// Number of the frame to read from a file with several, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) frame: u32,
}

impl ReadArgs {
    /// Returns the decoding rules of the flags; `otherwise` stands for `--formats` where it is not given.
    pub(crate) fn decoding(&self, otherwise: Formats) -> Decoding {
        let formats = self.formats.unwrap_or(otherwise);
        Decoding { formats, falls_back: false, max_pixels: self.max_pixels, frame: self.frame }
    }
}

/// Flags for the cache of decoded images.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct CacheArgs {
    /// Folder for decoded and resized images of later runs, or none (kept in memory)
    #[arg(long, value_name = "FOLDER|none", default_value = DEFAULT_CACHE)]
    #[serde(serialize_with = "stored::folder_or_none")]
    pub(crate) cache: PathBuf,
    /// Largest size of the cache, in bytes or with kB, MB, GB or TB. Images unused for longest are removed first
    #[arg(long, value_name = "SIZE", default_value = "20GB", value_parser = bytes)]
    pub(crate) cache_limit: u64,
}

impl CacheArgs {
    /// Returns the cache, or `None` for `--cache none`.
    pub(crate) fn cache(&self) -> Option<Cache> {
        let (folder, limit) = (self.cache.clone(), self.cache_limit);
        let wanted = folder.as_os_str() != "none";
        wanted.then_some(Cache { folder, limit })
    }
}

/// Flags for groups of images that belong together, such as those of one patient.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct GroupArgs {
    /// Regular expression for an image's group, applied to its name below the data set. The group is the first capture group, or
    /// the whole match where it has none. A name without a match is a group of its own
    #[arg(long, value_name = "REGEX", conflicts_with = "group_column")]
    #[serde(serialize_with = "stored::optional_text")]
    pub(crate) group_regex: Option<GroupPattern>,
    /// Column of the CSV that holds each image's group [default: its column group or patient, if there is one]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group_column: Option<String>,
}

impl GroupArgs {
    pub(crate) fn rule(&self) -> GroupRule {
        match (&self.group_regex, &self.group_column) {
            (Some(pattern), _) => GroupRule::Pattern(pattern.clone()),
            (None, Some(column)) => GroupRule::Column(column.clone()),
            (None, None) => GroupRule::None,
        }
    }
}

/// Returns the classes that `--classes` names, or all.
pub(crate) fn classes(named: &Option<ClassList>) -> Classes<'_> {
    named.as_ref().map_or(Classes::All, |ClassList(classes)| Classes::Named(classes))
}

/// Flags for threads and the computing device.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ComputeArgs {
    /// Threads for decoding and computing [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// Device to compute on: auto, cpu, cuda, cuda:N or mps
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    #[serde(serialize_with = "stored::text")]
    pub(crate) device: DeviceChoice,
}

#[derive(Args)]
pub(crate) struct ScanArgs {
    /// Folder with one folder of images per class, or a CSV or label file
    #[arg(value_name = "FOLDER|CSV", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…")]
    pub(crate) classes: Option<ClassList>,
    #[command(flatten)]
    pub(crate) findings: LabelArgs,
    /// List a label file without looking for its images
    #[arg(long)]
    pub(crate) labels_only: bool,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads for decoding [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
pub(crate) struct DataCacheArgs {
    /// Folder of the cache
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_CACHE)]
    pub(crate) cache: PathBuf,
    /// Remove everything in it; runs that are reading from it continue
    #[arg(long)]
    pub(crate) clear: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DecodeArgs {
    /// Image files of any format
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder for the PNGs, named after the files; it is created if missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Side in pixels that images are resized to [default: their own size]
    #[arg(long, value_name = "PIXELS", value_parser = picture_size, allow_negative_numbers = true)]
    pub(crate) image_size: Option<usize>,
    /// Interpolation for resizing: nearest, bilinear, area or lanczos
    #[arg(long, value_name = "KIND", default_value = "nearest")]
    pub(crate) interpolation: data::Interpolation,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Overwrite existing PNGs
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads for decoding [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Flags of `train` that say what is done, printed or written, and no setting of a run.
    const NO_SETTING: [&str; 9] =
        ["json", "no-report", "dry-run", "quiet", "verbose", "resume", "trust", "extend-epochs", "out"];

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Checks that each flag of `train` is stored or named in `NO_SETTING`: any other would be lost where a run is resumed.
    #[test]
    fn every_flag_of_train_is_stored_or_named_as_not_stored() {
        let Command::Train(args) = Cli::parse_from(["thorax", "train"]).command else { panic!("not train") };
        let stored = serde_json::to_value(&args.settings).unwrap();
        let command = Cli::command();
        let train = command.find_subcommand("train").unwrap();
        let flags = train.get_arguments().filter_map(|flag| flag.get_long());
        let mut count = 0;
        for flag in flags {
            let is_stored = stored.get(flag).is_some();
            let is_named = NO_SETTING.contains(&flag);
            assert!(is_stored != is_named, "--{flag}: {is_stored} {is_named}");
            count += usize::from(is_stored);
        }
        assert_eq!(count, stored.as_object().unwrap().len());
    }

    #[test]
    fn defaults_are_the_studys() {
        let Command::Train(args) = Cli::parse_from(["thorax", "train"]).command else { panic!("not train") };
        let settings = args.settings;
        assert_eq!((settings.epochs, settings.patience), (1000, 5));
        assert_eq!((settings.validation_split, settings.learning_rate), (0.2, 0.001));
        assert_eq!(settings.interpolation, data::Interpolation::Nearest);
    }
}
