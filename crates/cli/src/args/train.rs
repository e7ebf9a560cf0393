use std::path::PathBuf;

use clap::Args;
use data::{Augmentation, Interpolation};
use model::{Architecture, Freeze, InputScale, PrecisionChoice};
use serde::Serialize;

use super::{
    AveragingKind, CacheArgs, ClassList, ClassWeight, ComputeArgs, DEFAULT_DATA, GroupArgs, LabelArgs,
    LossKind, MonitorKind, NonFinite, OnBadImage, OptimizerKind, ReadArgs, ScheduleKind, SplitKind, TaskKind,
    ThresholdKind, WeightsChoice, networks,
    stored::{name_of, optional_name, optional_path, optional_text, path, text},
    values::{
        MAX_EPOCHS, above_zero, at_most, colour, epochs, image_size, minutes, not_negative, sensitivity,
        share,
    },
};

/// Largest number of images per training step.
const MAX_BATCH: usize = 1_000_000;

/// Settings of a training run: the flags that `run.json` stores under their names. A [`Plan`](crate::train::Plan) fills in those
/// that were left out.
#[derive(Args, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct TrainSettings {
    #[arg(long, default_value = "convnet", help = networks::names("Network to train; torchscript with a --backbone"))]
    pub(crate) model: &'static Architecture,
    /// TOML file of settings by flag name, or a built-in recipe (best, fast, frozen). Flags take precedence over it
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) recipe: Option<String>,
    /// Folder with one folder of images per class, a CSV with a row per image, or a label file of findings (NIH, CheXpert, MIMIC,
    /// PadChest, VinDr, RSNA, or a column per label). A folder may also hold such folders within train/ and test/; the columns of a
    /// CSV are `path,label[,group][,split]`
    #[arg(long, value_name = "FOLDER|CSV", default_value = DEFAULT_DATA)]
    #[serde(serialize_with = "path")]
    pub(crate) data: PathBuf,
    /// Test images: a folder or a CSV [default: those that the data set itself keeps for testing, or the data folder's name plus
    /// ` Test`, if it exists]
    #[arg(long, value_name = "FOLDER|CSV")]
    #[serde(serialize_with = "optional_path")]
    pub(crate) test_data: Option<PathBuf>,
    /// Classes in index order, as folder names or LABEL=FOLDER [default: all folders, sorted]
    #[arg(long, value_name = "CLASS,…")]
    pub(crate) classes: Option<ClassList>,
    /// Kind of question: one class of several, or any number of findings [default: by the data]
    #[arg(long, value_name = "TASK")]
    #[serde(serialize_with = "optional_name")]
    pub(crate) task: Option<TaskKind>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) findings: LabelArgs,
    #[arg(long, value_name = "PIXELS", value_parser = image_size, allow_negative_numbers = true, help = networks::with_defaults(
        "Side in pixels that images are resized to; their aspect ratio is not kept",
        |network| network.image_size.to_string(),
    ))]
    pub(crate) image_size: Option<usize>,
    #[arg(long, value_name = "N", value_parser = at_most::<MAX_BATCH>, allow_negative_numbers = true, help = networks::with_defaults(
        "Images per training step; the last, smaller batch is kept",
        |network| network.batch_size.to_string(),
    ))]
    pub(crate) batch_size: Option<usize>,
    /// Largest number of epochs to train
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=MAX_EPOCHS), allow_negative_numbers = true)]
    pub(crate) epochs: u64,
    /// Figure of the validation images by which epochs are judged: val_loss or val_auc (findings) [default: val_loss, of findings
    /// val_auc]
    #[arg(long, value_name = "FIGURE")]
    #[serde(serialize_with = "optional_name")]
    pub(crate) monitor: Option<MonitorKind>,
    /// Epochs without improvement of the monitored figure after which training ends
    #[arg(long, value_name = "EPOCHS", default_value_t = 5)]
    pub(crate) patience: u64,
    /// Smallest change of the monitored figure that counts as an improvement [default: 0.01, of val_auc 0.001]
    #[arg(long, value_name = "CHANGE", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) min_delta: Option<f64>,
    /// Share of each class's images kept for validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share, allow_negative_numbers = true)]
    pub(crate) validation_split: f64,
    /// Selection of validation images; the data set's own part takes precedence
    #[arg(long, value_name = "HOW", default_value = "keras")]
    #[serde(serialize_with = "name_of")]
    pub(crate) split: SplitKind,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) group: GroupArgs,
    /// Seed of weights, shuffling and dropout, and of random splits and augmentation
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Optimizer: adam, or adamw (the same with decoupled weight decay)
    #[arg(long, value_name = "KIND", default_value = "adam")]
    #[serde(serialize_with = "name_of")]
    pub(crate) optimizer: OptimizerKind,
    /// Share of the kernels that adamw takes off at each step, times the learning rate [default: adamw 0.004, as Keras]
    #[arg(long, value_name = "RATE", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) weight_decay: Option<f64>,
    /// Learning-rate schedule: constant, or cosine down to 0 at the last of --epochs
    #[arg(long, value_name = "KIND", default_value = "constant")]
    #[serde(serialize_with = "name_of")]
    pub(crate) schedule: ScheduleKind,
    /// Epochs, or a part of one, in which the learning rate first rises from 0
    #[arg(long, value_name = "EPOCHS", default_value_t = 0.0, value_parser = epochs, allow_negative_numbers = true)]
    pub(crate) warmup_epochs: f64,
    /// Averaging of the saved weights: none, or ema (moving average over the steps). Validation uses the same weights
    #[arg(long, value_name = "KIND", default_value = "none")]
    #[serde(serialize_with = "name_of")]
    pub(crate) average: AveragingKind,
    /// Learning rate of the optimizer
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = above_zero, allow_negative_numbers = true)]
    pub(crate) learning_rate: f64,
    /// Learning rate of pretrained weights [default: the same]
    #[arg(long, value_name = "RATE", value_parser = above_zero, allow_negative_numbers = true)]
    pub(crate) base_learning_rate: Option<f64>,
    /// Factor of each class's training loss: balanced, none, or a number per class. Of findings, it is the factor of each label's
    /// positive images, and balanced is negative by positive ones, at most 100 [default: balanced; none with --loss focal or
    /// asymmetric]
    #[arg(long, value_name = "WEIGHTS")]
    #[serde(serialize_with = "optional_text")]
    pub(crate) class_weight: Option<ClassWeight>,
    /// Training loss: crossentropy, or of findings also focal (gamma 2) or asymmetric (gamma 4 and 1, margin 0.05) [default:
    /// crossentropy]
    #[arg(long, value_name = "LOSS")]
    #[serde(serialize_with = "optional_name")]
    pub(crate) loss: Option<LossKind>,
    /// Interpolation: nearest (Pillow's, exactly), bilinear, area or lanczos (antialiased)
    #[arg(long, value_name = "KIND", default_value = "nearest")]
    #[serde(serialize_with = "text")]
    pub(crate) interpolation: Interpolation,
    #[arg(long, value_name = "KIND", help = networks::with_defaults(
        "Scaling of 8-bit values to input: unit (x/255) or signed ((x-128)/128)",
        |network| network.input_scale.to_string(),
    ))]
    pub(crate) input_scale: Option<InputScale>,
    /// Mean of the scaled red, green and blue, which is subtracted [default: that of the weights]
    #[arg(long, value_name = "R,G,B", value_parser = colour, allow_hyphen_values = true, requires = "std")]
    pub(crate) mean: Option<[f32; 3]>,
    /// Divisors of red, green and blue after --mean is subtracted [default: those of the weights]
    #[arg(long, value_name = "R,G,B", value_parser = colour, requires = "mean")]
    pub(crate) std: Option<[f32; 3]>,
    #[arg(long, value_name = "KIND", help = networks::with_defaults(
        "Precision of convolutions: f32, bf16 or auto (bf16 where the hardware has it)",
        |network| network.precision.to_string(),
    ))]
    #[serde(serialize_with = "optional_text")]
    pub(crate) precision: Option<PrecisionChoice>,
    #[arg(long, value_name = "FILE|none", help = networks::with_weights("Initial weights: safetensors or .pth, of inception-v3 a TorchScript file; or none"))]
    pub(crate) weights: Option<WeightsChoice>,
    /// With torchscript: file of a module from images to features. It runs code of its author
    #[arg(long, value_name = "FILE")]
    #[serde(serialize_with = "optional_path")]
    pub(crate) backbone: Option<PathBuf>,
    /// Pretrained part that keeps its weights: none, all, or through:BLOCK (inception-v3: conv, conv_1, … mixed, … mixed_10)
    #[arg(long, value_name = "WHAT", default_value = "none")]
    #[serde(serialize_with = "text")]
    pub(crate) freeze: Freeze,
    /// Normalise by the pretrained batch-norm statistics also where weights are trained
    #[arg(long)]
    pub(crate) freeze_batch_norm: bool,
    /// Fit a temperature on the validation images, and store it in the model. It is fitted after training, so that probabilities
    /// agree with how often the model is right
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Choose each class's or label's threshold for this sensitivity on the validation images. Its effect on the test images is
    /// reported
    #[arg(long, value_name = "SHARE", value_parser = sensitivity, allow_negative_numbers = true)]
    pub(crate) sensitivity: Option<f64>,
    /// Choose each label's threshold for this specificity on the validation images
    #[arg(long, value_name = "SHARE", value_parser = sensitivity, allow_negative_numbers = true)]
    pub(crate) specificity: Option<f64>,
    /// Choose each label's threshold on the validation images: youden (largest sum of sensitivity and specificity) or f1 [default:
    /// youden]
    #[arg(long, value_name = "RULE")]
    #[serde(serialize_with = "optional_name")]
    pub(crate) threshold: Option<ThresholdKind>,
    /// Reaction to files that are no readable image
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
    /// (flip-horizontal, flip-vertical) are made only where they are named: a mirrored chest has its heart on the wrong side
    #[arg(long, value_name = "WHAT", default_value = "none")]
    #[serde(serialize_with = "text")]
    pub(crate) augment: Augmentation,
    /// Save also within an epoch, each time this many minutes have passed. A checkpoint is saved after every epoch in any case
    #[arg(long, value_name = "MINUTES", value_parser = minutes, allow_negative_numbers = true)]
    pub(crate) checkpoint_every: Option<f64>,
    /// Reaction to a step whose loss is not finite: stop or skip. On stop training ends and the best weights are kept; on skip
    /// the step is left out and counted
    #[arg(long, value_name = "WHAT", default_value = "stop")]
    #[serde(serialize_with = "name_of")]
    pub(crate) on_non_finite: NonFinite,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Flags of `train`: its settings, and those that only say what is done, printed or written.
#[derive(Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) settings: TrainSettings,
    /// Resume an interrupted or killed run from its last checkpoint, with its settings. It ends as if it had never stopped. A
    /// flag that differs from its settings is refused
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "out"])]
    pub(crate) resume: Option<PathBuf>,
    /// With --resume: use files elsewhere that only the run's `run.json` names. They are a TorchScript file, which can run code,
    /// and the cache
    #[arg(long, requires = "resume")]
    pub(crate) trust: bool,
    /// With --resume: train a finished run for N more epochs, with its patience reset
    #[arg(long, value_name = "N", requires = "resume", value_parser = clap::value_parser!(u64).range(1..=MAX_EPOCHS), allow_negative_numbers = true)]
    pub(crate) extend_epochs: Option<u64>,
    /// Folder of the run [default: data/runs/TIME-MODEL]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Omit the run's page and its data audit (`thorax report` makes the page later)
    #[arg(long)]
    pub(crate) no_report: bool,
    /// Print the resolved settings, without training
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
