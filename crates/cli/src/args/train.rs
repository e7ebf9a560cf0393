use std::path::PathBuf;

use clap::Args;
use data::{Augmentation, Interpolation};
use model::{Freeze, InputScale, Kind, PrecisionChoice};
use serde::Serialize;

use super::{
    AveragingKind, CacheArgs, ClassList, ClassWeight, ComputeArgs, DEFAULT_DATA, GroupArgs, NonFinite,
    OnBadImage, OptimizerKind, ReadArgs, ScheduleKind, SplitKind, WeightsChoice,
    stored::{name_of, optional_path, optional_text, path, text},
    values::{
        MAX_EPOCHS, above_zero, at_most, colour, epochs, image_size, minutes, not_negative, sensitivity,
        share,
    },
};

/// The most images a training step.
const MAX_BATCH: usize = 1_000_000;

/// Settings of a training run: the flags that `run.json` stores under their names. A [`Plan`](crate::train::Plan) fills in those
/// that were left out.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct TrainSettings {
    /// Which network: convnet, inception-v3, or torchscript with a --backbone
    #[arg(long, default_value = "convnet")]
    pub(crate) model: Kind,
    /// Settings under the flags' names: a TOML file, or one of those built in (best, frozen); flags win over it
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) recipe: Option<String>,
    /// Folder with one folder of images a class (or such folders within train/ and test/), or a CSV with a row an image,
    /// `path,label[,group][,split]`
    #[arg(long, value_name = "FOLDER|CSV", default_value = DEFAULT_DATA)]
    #[serde(serialize_with = "path")]
    pub(crate) data: PathBuf,
    /// Test images, a folder or a CSV [default: those that the data set itself keeps for testing, or the data folder's name
    /// plus ` Test`, if it exists]
    #[arg(long, value_name = "FOLDER|CSV")]
    #[serde(serialize_with = "optional_path")]
    pub(crate) test_data: Option<PathBuf>,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…")]
    pub(crate) classes: Option<ClassList>,
    /// Side in pixels that images are resized to; their aspect ratio is not kept [default: 50; inception-v3 256;
    /// torchscript 224]
    #[arg(long, value_name = "PIXELS", value_parser = image_size, allow_negative_numbers = true)]
    pub(crate) image_size: Option<usize>,
    /// Images a training step; the last, smaller batch is kept [default: 250; inception-v3 and torchscript 15]
    #[arg(long, value_name = "N", value_parser = at_most::<MAX_BATCH>, allow_negative_numbers = true)]
    pub(crate) batch_size: Option<usize>,
    /// The most epochs to train
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=MAX_EPOCHS), allow_negative_numbers = true)]
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
    /// Which images those are; a validation part of the data set's own goes before
    #[arg(long, value_name = "HOW", default_value = "keras")]
    #[serde(serialize_with = "name_of")]
    pub(crate) split: SplitKind,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) group: GroupArgs,
    /// What weights, shuffling and dropout are drawn from
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// adam, or adamw: the same with decoupled weight decay
    #[arg(long, value_name = "KIND", default_value = "adam")]
    #[serde(serialize_with = "name_of")]
    pub(crate) optimizer: OptimizerKind,
    /// What adamw takes off kernels at each step, times the learning rate [default: adamw 0.004, as Keras]
    #[arg(long, value_name = "RATE", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) weight_decay: Option<f64>,
    /// How the learning rate goes on: constant, or cosine down to 0 at the last of --epochs
    #[arg(long, value_name = "KIND", default_value = "constant")]
    #[serde(serialize_with = "name_of")]
    pub(crate) schedule: ScheduleKind,
    /// Epochs, or a part of one, over which the learning rate first rises from 0
    #[arg(long, value_name = "EPOCHS", default_value_t = 0.0, value_parser = epochs, allow_negative_numbers = true)]
    pub(crate) warmup_epochs: f64,
    /// What is validated and saved: none (the weights themselves), or ema (their moving average over the steps)
    #[arg(long, value_name = "KIND", default_value = "none")]
    #[serde(serialize_with = "name_of")]
    pub(crate) average: AveragingKind,
    /// The optimizer's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = above_zero, allow_negative_numbers = true)]
    pub(crate) learning_rate: f64,
    /// That of pretrained weights [default: the same]
    #[arg(long, value_name = "RATE", value_parser = above_zero, allow_negative_numbers = true)]
    pub(crate) base_learning_rate: Option<f64>,
    /// What the training loss of each class is multiplied by: balanced, none, or a number a class
    #[arg(long, value_name = "WEIGHTS", default_value = "balanced")]
    #[serde(serialize_with = "text")]
    pub(crate) class_weight: ClassWeight,
    /// How images are resized: nearest (Pillow's, exactly), bilinear, area or lanczos (antialiased)
    #[arg(long, value_name = "KIND", default_value = "nearest")]
    #[serde(serialize_with = "text")]
    pub(crate) interpolation: Interpolation,
    /// How 8-bit values become input: unit (x/255) or signed ((x-128)/128) [default: unit; inception-v3 signed]
    #[arg(long, value_name = "KIND")]
    pub(crate) input_scale: Option<InputScale>,
    /// With torchscript: what is taken off the scaled red, green and blue values
    #[arg(long, value_name = "R,G,B", value_parser = colour, allow_hyphen_values = true, requires = "std")]
    pub(crate) mean: Option<[f32; 3]>,
    /// With torchscript: what they are divided by after that
    #[arg(long, value_name = "R,G,B", value_parser = colour, requires = "mean")]
    pub(crate) std: Option<[f32; 3]>,
    /// What convolutions compute in: f32, bf16 or auto (bf16 where the hardware has it) [default: f32; inception-v3
    /// auto]
    #[arg(long, value_name = "KIND")]
    #[serde(serialize_with = "optional_text")]
    pub(crate) precision: Option<PrecisionChoice>,
    /// What inception-v3 begins with: a TorchScript file, or none [default: data/weights/inception-v3.pt]
    #[arg(long, value_name = "FILE|none")]
    pub(crate) weights: Option<WeightsChoice>,
    /// With torchscript: a module from images to features. It runs code of whoever wrote it
    #[arg(long, value_name = "FILE")]
    #[serde(serialize_with = "optional_path")]
    pub(crate) backbone: Option<PathBuf>,
    /// What keeps its pretrained weights: none, all, or through:BLOCK (inception-v3: conv, conv_1, … mixed, … mixed_10)
    #[arg(long, value_name = "WHAT", default_value = "none")]
    #[serde(serialize_with = "text")]
    pub(crate) freeze: Freeze,
    /// Normalise with the pretrained batch norm statistics where weights are trained, too
    #[arg(long)]
    pub(crate) freeze_batch_norm: bool,
    /// Fit a temperature on the validation images when training is over, so that probabilities are those of being right, and
    /// store it in the model
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Choose a threshold for each class on the validation images that reaches this sensitivity, and say what it does on the
    /// test images
    #[arg(long, value_name = "SHARE", value_parser = sensitivity, allow_negative_numbers = true)]
    pub(crate) sensitivity: Option<f64>,
    /// What to do about files that are no readable image
    #[arg(long, value_name = "WHAT", default_value = "error")]
    #[serde(serialize_with = "name_of")]
    pub(crate) on_bad_image: OnBadImage,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) cache: CacheArgs,
    /// Small changes to training images, drawn anew each epoch: none, light, or a list such as light,turn=10,noise=0. Flips
    /// (flip-horizontal, flip-vertical) are done only where they are named: a mirrored chest has its heart on the wrong side
    #[arg(long, value_name = "WHAT", default_value = "none")]
    #[serde(serialize_with = "text")]
    pub(crate) augment: Augmentation,
    /// Save within an epoch, too, each time so many minutes have passed; after every epoch it is saved anyway
    #[arg(long, value_name = "MINUTES", value_parser = minutes, allow_negative_numbers = true)]
    pub(crate) checkpoint_every: Option<f64>,
    /// What a step whose loss is not finite does: stop (training ends, the best weights are kept) or skip (it is left out and
    /// counted)
    #[arg(long, value_name = "WHAT", default_value = "stop")]
    #[serde(serialize_with = "name_of")]
    pub(crate) on_non_finite: NonFinite,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Flags of `train`: its settings, and what is done, printed or written apart from them.
#[derive(Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) settings: TrainSettings,
    /// Go on with a run that was interrupted or killed, from its last checkpoint and with its settings: it ends as if it had
    /// never stopped. A flag that differs from them is refused
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "out"])]
    pub(crate) resume: Option<PathBuf>,
    /// With --resume: use what only the run's `run.json` names and what lies elsewhere: a TorchScript file, which can run
    /// code, and the cache
    #[arg(long, requires = "resume")]
    pub(crate) trust: bool,
    /// With --resume: train a run that is over for this many epochs more, its patience beginning anew
    #[arg(long, value_name = "N", requires = "resume", value_parser = clap::value_parser!(u64).range(1..=MAX_EPOCHS), allow_negative_numbers = true)]
    pub(crate) extend_epochs: Option<u64>,
    /// The run's folder [default: data/runs/TIME-MODEL]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Leave out the page that a run ends with, and the data audit for it (`thorax report` makes the page later)
    #[arg(long)]
    pub(crate) no_report: bool,
    /// Print what would be done, and do none of it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
