use std::time::Duration;

use data::Augmentation;

use crate::{Averaging, Loss, Monitor, Schedule};

/// Settings of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct FitConfig {
    /// Largest number of epochs; at least 1.
    pub epochs: u64,
    /// Images per step; the last, smaller batch is kept. At least 1.
    pub batch_size: usize,
    /// Epochs without improvement that end training.
    pub patience: u64,
    /// Smallest change of the monitored figure that counts as an improvement for patience.
    pub min_delta: f64,
    /// Adam's learning rate after warm-up.
    pub learning_rate: f64,
    /// Learning rate of the pretrained weights, as a multiple of the head's.
    pub base_rate: f64,
    /// AdamW's weight decay; 0 for Adam.
    pub weight_decay: f64,
    /// Learning-rate schedule.
    pub schedule: Schedule,
    /// Epochs over which the learning rate first rises from 0.
    pub warmup_epochs: f64,
    /// Weights that are validated and saved: raw or averaged.
    pub averaging: Averaging,
    /// Most bytes of a frozen part's features kept in memory; more are kept on disk.
    pub feature_memory: u64,
    /// Training loss.
    pub loss: Loss,
    /// Figure of the validation split by which epochs are judged.
    pub monitor: Monitor,
    /// Augmentation of training images, drawn anew in each epoch.
    pub augmentation: Augmentation,
    /// Seed of shuffling, dropout and augmentation.
    pub seed: u64,
    /// Interval at which training is also saved within an epoch, if at all.
    pub checkpoint_every: Option<Duration>,
    /// Reaction to a step whose loss is not finite.
    pub on_non_finite: OnNonFinite,
    /// True where a run that had ended is extended, with its patience reset.
    pub extended: bool,
}

/// Reaction to a step whose loss, or a gradient of it, is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnNonFinite {
    /// Ends training. Gradients are not checked: a bad one makes the next loss not finite.
    Stop,
    /// Skips the step and counts it.
    Skip,
}
