use model::Checkpoint;
use serde::{Deserialize, Serialize};

use metrics::RunningAuc;

use crate::{EarlyStopping, Error, Monitor, Result};

/// State of training, as stored in the metadata of a run's last checkpoint. Random numbers follow from seed, epoch and
/// batch; weights and moments are the checkpoint's tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainState {
    /// Number of optimizer steps taken.
    pub(crate) steps: u64,
    /// Best value of the monitored figure.
    pub(crate) best_val_loss: Option<f64>,
    pub(crate) best_epoch: Option<u64>,
    pub(crate) patience_reference: Option<f64>,
    pub(crate) wait: u64,
    /// Steps that were skipped because their loss was not finite.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) skipped_steps: u64,
    /// Progress within the epoch after the checkpoint's, where it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) partial: Option<Partial>,
}

/// Largest count accepted: more than any training reaches, and far below the overflow of sums of counts.
const MOST: u64 = 1 << 48;

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Progress within an epoch: its first batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partial {
    /// Batches that were trained on, or skipped.
    pub(crate) batches: usize,
    /// Training loss, summed over images, or over known findings.
    loss: f64,
    /// Images classified correctly.
    right: f64,
    /// Images trained on.
    pub(crate) images: usize,
    /// Known findings that the loss is summed over; 0 of classes.
    #[serde(default, skip_serializing_if = "is_none")]
    findings: usize,
    /// Counts of the findings by probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auc: Option<RunningAuc>,
}

fn is_none(n: &usize) -> bool {
    *n == 0
}

/// Figures of the part of an epoch that is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PartialMeans {
    /// Mean loss, over images or over known findings.
    pub(crate) loss: f64,
    /// Share of images classified correctly; `None` of findings.
    pub(crate) accuracy: Option<f64>,
    /// Macro ROC AUC of findings, where there is one.
    pub(crate) auc: Option<f64>,
}

impl Partial {
    /// Adds a batch of `images` images with these means.
    pub(crate) fn add(&mut self, loss: f64, accuracy: f64, images: usize) {
        self.batches += 1;
        self.loss += loss * images as f64;
        self.right += accuracy * images as f64;
        self.images += images;
    }

    /// Adds a batch of `images` images with this mean loss over `findings` known findings.
    pub(crate) fn add_findings(&mut self, loss: f64, findings: usize, images: usize) {
        self.batches += 1;
        self.loss += loss * findings as f64;
        self.images += images;
        self.findings += findings;
    }

    /// Counts a batch that was skipped.
    pub(crate) fn skip(&mut self) {
        self.batches += 1;
    }

    /// Returns the means so far; `None` before the first image.
    pub(crate) fn means(&self) -> Option<PartialMeans> {
        let (images, findings) = (self.images as f64, self.findings as f64);
        match (self.images, self.findings) {
            (0, _) => None,
            (_, 0) => Some(PartialMeans {
                loss: self.loss / images,
                accuracy: Some(self.right / images),
                auc: None,
            }),
            _ => Some(PartialMeans {
                loss: self.loss / findings,
                accuracy: None,
                auc: self.auc.as_ref().and_then(|auc| auc.value().ok()),
            }),
        }
    }
}

impl TrainState {
    /// Reads the state from a checkpoint.
    pub(crate) fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let training = checkpoint.meta.training.clone().ok_or_else(|| {
            Error::Config("the checkpoint holds a network alone, which no training can go on from".to_owned())
        })?;
        let state: Self = serde_json::from_value(training)
            .map_err(|error| Error::Config(format!("the checkpoint's state of training: {error}")))?;
        let partial = state.partial.clone().unwrap_or_default();
        let counts = [checkpoint.meta.epoch, state.steps, state.wait, state.skipped_steps];
        let counts = counts.into_iter().chain([partial.batches as u64, partial.images as u64]);
        match counts.max() {
            Some(most) if most > MOST => Err(Error::Config(format!(
                "the checkpoint's state of training counts to {most}, which none does"
            ))),
            _ => Ok(state),
        }
    }

    /// Restores the tracker.
    pub(crate) fn tracker(&self, monitor: Monitor, patience: u64, min_delta: f64) -> EarlyStopping {
        let best = self.best_val_loss.zip(self.best_epoch);
        EarlyStopping::new(monitor, patience, min_delta).at(best, self.patience_reference, self.wait)
    }
}
