//! The command line. Defaults are the study's values; `run.json` stores what they resolve to under the flags' names.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::styling};
use data::{ClassName, Decoding, Formats};
use model::{DeviceChoice, PrecisionChoice};

mod audit;
mod train;
mod values;

pub(crate) use audit::AuditArgs;
pub(crate) use train::TrainArgs;
pub(crate) use values::{
    AveragingKind, ClassWeight, OnBadImage, OptimizerKind, ScheduleKind, SplitKind, WeightsChoice, name,
};
use values::{positive, sample_size};

/// Where a data set is expected when none is named.
pub(crate) const DEFAULT_DATA: &str = "data/COVID-19 Radiography Database";
/// Where `cargo xtask fetch-weights` puts the pretrained InceptionV3.
pub(crate) const DEFAULT_WEIGHTS: &str = "data/weights/inception-v3.pt";
/// Where the synthetic sample goes when no place is named.
pub(crate) const DEFAULT_SAMPLE: &str = "data/sample/Phantoms";

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
    /// Say more: once for what is done, twice for details (RUST_LOG sets it finer)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a model on a folder of classes, keep its best weights, and test them
    Train(Box<TrainArgs>),
    /// Test a saved model
    Test(TestArgs),
    /// Look at a data set, or make a synthetic one
    #[command(subcommand)]
    Data(DataCommand),
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// List a folder's classes and images, and every file that cannot be read
    Scan(ScanArgs),
    /// Make the synthetic sample: chest phantoms, no real radiographs
    Sample(SampleArgs),
    /// Find copies and leaks, files that cannot be read, images that are no radiographs, and whether files alone give
    /// their classes away
    ///
    /// A leak is a copy in another set or of another class, or a patient in two sets. The exit code is 1 where a file cannot
    /// be read, and with --strict also where a leak is found.
    Audit(AuditArgs),
}

/// How files become pixels.
#[derive(Args)]
pub(crate) struct ReadArgs {
    /// Which files are images, and by whose rules they are read: keras (its list of extensions, Pillow's RGB values) or all
    /// (DICOM, WebP and GIF too; by content, turned by EXIF, 16 bits scaled) [default: keras; predict all]
    #[arg(long, value_name = "WHICH")]
    pub(crate) formats: Option<Formats>,
    /// The most pixels that an image may announce
    #[arg(long, value_name = "N", default_value_t = data::MAX_PIXELS, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) max_pixels: u64,
}

impl ReadArgs {
    /// What the flags say; `otherwise` where no formats are named.
    pub(crate) fn decoding(&self, otherwise: Formats) -> Decoding {
        Decoding { formats: self.formats.unwrap_or(otherwise), max_pixels: self.max_pixels }
    }
}

/// How tensors are computed.
#[derive(Args)]
pub(crate) struct ComputeArgs {
    /// Threads for decoding and computing [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// auto, cpu, cuda, cuda:N or mps
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
}

#[derive(Args)]
pub(crate) struct TestArgs {
    /// A checkpoint, or a run's folder, whose best weights are meant [default: the latest run]
    #[arg(long, value_name = "PATH", num_args = 0..=1)]
    pub(crate) saved: Option<Option<PathBuf>>,
    /// Folder with one folder of test images a class [default: the test set of the run]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// What to do about files that are no readable image
    #[arg(long, value_name = "WHAT", default_value = "error")]
    pub(crate) on_bad_image: OnBadImage,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// What convolutions compute in: f32, bf16 or auto [default: as the model was trained]
    #[arg(long, value_name = "KIND")]
    pub(crate) precision: Option<PrecisionChoice>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Args)]
pub(crate) struct ScanArgs {
    /// Folder with one folder of images a class
    #[arg(value_name = "FOLDER", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    pub(crate) classes: Option<Vec<ClassName>>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads for decoding [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
pub(crate) struct SampleArgs {
    /// Where the training images go; the test images go beside it, under the same name plus ` Test`
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_SAMPLE)]
    pub(crate) out: PathBuf,
    /// Training images in all, shared out in the study's imbalance
    #[arg(long, value_name = "N", default_value_t = 920, value_parser = positive, allow_negative_numbers = true)]
    pub(crate) count: usize,
    /// Test images a class
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) test_per_class: usize,
    /// Side of the images in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 256, value_parser = sample_size, allow_negative_numbers = true)]
    pub(crate) image_size: usize,
    /// What the phantoms are drawn from
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Threads to draw with [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_studys() {
        let Command::Train(args) = Cli::parse_from(["thorax", "train"]).command else { panic!("not train") };
        assert_eq!((args.epochs, args.patience), (1000, 5));
        assert_eq!((args.min_delta, args.validation_split, args.learning_rate), (0.01, 0.2, 0.001));
        assert_eq!(
            (args.class_weight, args.interpolation),
            (ClassWeight::Balanced, data::Interpolation::Nearest)
        );
    }
}
