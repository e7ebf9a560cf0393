//! The command line. Defaults are the study's values; `run.json` stores what they resolve to under the flags' names.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::styling};
use data::{ClassName, Interpolation};
use model::{DeviceChoice, InputScale, Kind, PrecisionChoice};

/// Where a data set is expected when none is named.
pub(crate) const DEFAULT_DATA: &str = "data/COVID-19 Radiography Database";
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
pub(crate) struct TrainArgs {
    /// Which network
    #[arg(long, default_value = "convnet")]
    pub(crate) model: Kind,
    /// Folder with one folder of images a class
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// Test images, laid out the same way [default: the data folder's name plus ` Test`, if it exists]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) test_data: Option<PathBuf>,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    pub(crate) classes: Option<Vec<ClassName>>,
    /// Side in pixels that images are resized to; their aspect ratio is not kept
    #[arg(long, value_name = "PIXELS", default_value_t = 50, value_parser = image_size, allow_negative_numbers = true)]
    pub(crate) image_size: usize,
    /// Images a training step; the last, smaller batch is kept
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = positive, allow_negative_numbers = true)]
    pub(crate) batch_size: usize,
    /// The most epochs to train
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) epochs: u64,
    /// Epochs without improvement of val_loss that end training
    #[arg(long, value_name = "EPOCHS", default_value_t = 5)]
    pub(crate) patience: u64,
    /// What val_loss must fall by to count as an improvement
    #[arg(long, value_name = "LOSS", default_value_t = 0.01, value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) min_delta: f64,
    /// Share of each class's images kept for validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share, allow_negative_numbers = true)]
    pub(crate) validation_split: f64,
    /// Which images those are
    #[arg(long, value_name = "HOW", default_value = "keras")]
    pub(crate) split: SplitKind,
    /// What weights, shuffling and dropout are drawn from
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Adam's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = above_zero, allow_negative_numbers = true)]
    pub(crate) learning_rate: f64,
    /// What the training loss of each class is multiplied by: balanced, none, or a number a class
    #[arg(long, value_name = "WEIGHTS", default_value = "balanced")]
    pub(crate) class_weight: ClassWeight,
    /// How images are resized: nearest (Pillow's, exactly), bilinear, area or lanczos (antialiased)
    #[arg(long, value_name = "KIND", default_value = "nearest")]
    pub(crate) interpolation: Interpolation,
    /// How 8-bit values become input: unit (x/255) or signed ((x-128)/128)
    #[arg(long, value_name = "KIND", default_value = "unit")]
    pub(crate) input_scale: InputScale,
    /// What convolutions compute in: f32, bf16 or auto (bf16 where the hardware has it)
    #[arg(long, value_name = "KIND", default_value = "f32")]
    pub(crate) precision: PrecisionChoice,
    /// What to do about files that are no readable image
    #[arg(long, value_name = "WHAT", default_value = "error")]
    pub(crate) on_bad_image: OnBadImage,
    /// The run's folder [default: data/runs/TIME-MODEL]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Print what would be done, and do none of it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
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

/// Which images of a class are kept for validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitKind {
    /// The first of each class's sorted files, as Keras' validation_split
    Keras,
    /// Drawn from the seed, the same share of each class
    Random,
}

/// What to do about files that are no readable image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnBadImage {
    /// List them and stop
    Error,
    /// List them and go on without them
    Skip,
}

impl OnBadImage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Skip => "skip",
        }
    }
}

impl SplitKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keras => "keras",
            Self::Random => "random",
        }
    }
}

/// What the training loss of each class is multiplied by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClassWeight {
    Balanced,
    None,
    Given(Vec<f64>),
}

impl std::str::FromStr for ClassWeight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "balanced" => return Ok(Self::Balanced),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let weights = text.split(',').map(|weight| above_zero(weight.trim())).collect::<Result<_, _>>();
        weights
            .map(Self::Given)
            .map_err(|error| format!("{error}; give `balanced`, `none`, or a number a class"))
    }
}

impl std::fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::None => f.write_str("none"),
            Self::Given(weights) => {
                f.write_str(&weights.iter().map(f64::to_string).collect::<Vec<_>>().join(","))
            }
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("`{text}` is not a number")),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|value| if value >= 0.0 { Ok(value) } else { Err("must not be below 0".to_owned()) })
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| if value > 0.0 { Ok(value) } else { Err("must be above 0".to_owned()) })
}

fn share(text: &str) -> Result<f64, String> {
    let within = |value: &f64| *value > 0.0 && *value < 1.0;
    number(text)
        .and_then(|value| Some(value).filter(within).ok_or_else(|| "must be above 0 and below 1".to_owned()))
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(value) => Ok(value),
        Err(_) => Err(format!("`{text}` is not a whole number above 0")),
    }
}

fn image_size(text: &str) -> Result<usize, String> {
    let (least, most) = (model::Spec::MIN_IMAGE_SIZE, model::Spec::MAX_IMAGE_SIZE);
    positive(text).and_then(|value| {
        Some(value).filter(|size| (least..=most).contains(size)).ok_or(format!("must be {least} to {most}"))
    })
}

fn sample_size(text: &str) -> Result<usize, String> {
    positive(text).and_then(|value| {
        Some(value).filter(|size| (32..=4096).contains(size)).ok_or("must be 32 to 4096".to_owned())
    })
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
    fn class_weights_are_words_or_numbers() {
        assert_eq!("balanced".parse(), Ok(ClassWeight::Balanced));
        assert_eq!("1, 2.5,3".parse(), Ok(ClassWeight::Given(vec![1.0, 2.5, 3.0])));
        assert_eq!(ClassWeight::Given(vec![1.0, 2.5]).to_string(), "1,2.5");
        let error = "1,zero".parse::<ClassWeight>().unwrap_err();
        assert_eq!(error, "`zero` is not a number; give `balanced`, `none`, or a number a class");
        assert!("1,0".parse::<ClassWeight>().is_err());
    }

    #[test]
    fn defaults_are_the_studys() {
        let Command::Train(args) = Cli::parse_from(["thorax", "train"]).command else { panic!("not train") };
        assert_eq!((args.image_size, args.batch_size, args.epochs, args.patience), (50, 250, 1000, 5));
        assert_eq!((args.min_delta, args.validation_split, args.learning_rate), (0.01, 0.2, 0.001));
        assert_eq!((args.class_weight, args.interpolation), (ClassWeight::Balanced, Interpolation::Nearest));
    }
}
