//! Training steps of one run: the state that lasts through all epochs, and the loop of one epoch.

use std::sync::Arc;

use base::random::{Key, Purpose};
use data::AugmentContext;
use experiment::BEST;
use metrics::Calibration;
use metrics::Scores;
use model::{Checkpoint, Classifier, DropoutStep, Meta, Metric, Mode, Parameter};
use tch::{Kind, Tensor};

use crate::{
    Adam, Averaging, EarlyStopping, Error, Event, FitConfig, Inputs, Observer, OnNonFinite, Result,
    average::MovingAverage,
    evaluate,
    saver::Saver,
    schedule::Rates,
    state::{Partial, TrainState},
    writer::CheckpointPart,
};

/// TrainState that lasts through all epochs.
pub(crate) struct Trainer<'a> {
    classifier: &'a Classifier,
    training: &'a Inputs<'a>,
    config: &'a FitConfig,
    parameters: Vec<Parameter<'a>>,
    adam: Adam,
    average: Option<MovingAverage>,
    rates: Rates,
    /// Learning rate of the last step.
    pub(crate) learning_rate: f64,
    /// Steps skipped because their loss or gradients were not finite.
    pub(crate) skipped_steps: u64,
    weights: Vec<f32>,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(
        classifier: &'a Classifier,
        training: &'a Inputs<'a>,
        config: &'a FitConfig,
    ) -> Result<Self> {
        let n_classes = classifier.spec().classes.len();
        if config.class_weights.len() != n_classes {
            let given = config.class_weights.len();
            return Err(Error::Config(format!("{given} class weights do not fit {n_classes} classes")));
        }
        let parameters = classifier.parameters();
        let average = match config.averaging {
            Averaging::None => None,
            Averaging::Ema => Some(MovingAverage::new(&parameters)?),
        };
        Ok(Self {
            classifier,
            training,
            config,
            adam: Adam::new(&parameters, config.weight_decay)?,
            average,
            parameters,
            rates: Rates {
                highest: config.learning_rate,
                schedule: config.schedule,
                warmup_epochs: config.warmup_epochs,
                epochs: config.epochs,
                steps_per_epoch: training.set().len().div_ceil(config.batch_size.max(1)) as u64,
            },
            learning_rate: config.learning_rate,
            skipped_steps: 0,
            weights: config.class_weights.iter().map(|&weight| weight as f32).collect(),
        })
    }

    /// Restores the state from a run's last checkpoint, whose network is the classifier's.
    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint, state: &TrainState) -> Result<()> {
        self.adam.restore(checkpoint, state.steps)?;
        if let Some(average) = &mut self.average {
            average.restore(&self.parameters, checkpoint, state.steps)?;
        }
        self.skipped_steps = state.skipped_steps;
        self.learning_rate = self.rates.at(state.steps.saturating_sub(1));
        Ok(())
    }

    /// Runs one pass over the training images, after the part that is already `done`. Returns running loss and accuracy.
    /// `None` if the observer stopped it; progress is saved then, and whenever a save is due.
    pub(crate) fn train_one_epoch(
        &mut self,
        epoch: u64,
        mut done: Partial,
        saver: &mut Saver<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Partial>> {
        let Self { classifier, training, config, .. } = *self;
        let key = Key { seed: config.seed, epoch, step: 0, purpose: Purpose::Shuffle };
        let batches = data::training_batches(training.set().len(), config.batch_size, &key);
        let augmenting = AugmentContext { augmentation: config.augmentation, seed: config.seed, epoch };
        let mut feed = training.feed(batches.get(done.batches..).unwrap_or_default(), augmenting)?;
        for (index, indices) in batches.iter().enumerate().skip(done.batches) {
            self.learning_rate = self.rates.at(self.adam.steps());
            let labels = self.labels(indices)?;
            let features = feed.next(classifier, indices)?;
            let step = DropoutStep { seed: config.seed, epoch, batch: index as u64 };
            let logits = classifier.forward(&features, Mode::Train(step))?;
            let loss = weighted_crossentropy(&logits, &labels, &self.sample_weights(indices)?)?;
            let value = f64::try_from(&loss)?;
            tracing::debug!(
                "epoch {epoch}, batch {}: loss {value}, learning rate {}",
                index + 1,
                self.learning_rate
            );
            let stop = match self.descend(&loss, value)? {
                Descent::DropoutStep => {
                    done.add(value, share_right(&logits, &labels)?, indices.len());
                    let so_far = done.means().map_or(value, |(loss, _)| loss);
                    observer.on(&Event::BatchTrained { images: done.images, loss: so_far })
                }
                Descent::NotFinite if config.on_non_finite == OnNonFinite::Skip => {
                    self.skipped_steps += 1;
                    done.skip();
                    observer.on(&Event::BatchSkipped { epoch, batch: index + 1, loss: value })
                }
                Descent::NotFinite => {
                    return Err(self.non_finite(value, epoch, format!("batch {}", index + 1)));
                }
            };
            if stop.is_break() || saver.is_due() {
                self.save_within(epoch, done, saver)?;
            }
            if stop.is_break() {
                return Ok(None);
            }
        }
        tracing::info!("epoch {epoch}: waited {:.1} ms for images", feed.waited().as_secs_f64() * 1e3);
        Ok(Some(done))
    }

    /// Takes one optimizer step down the loss' gradients. Values that are not finite must not reach the weights.
    fn descend(&mut self, loss: &Tensor, value: f64) -> Result<Descent> {
        if !value.is_finite() {
            return Ok(Descent::NotFinite);
        }
        let tensors: Vec<&Tensor> = self.parameters.iter().map(|parameter| parameter.tensor).collect();
        let gradients = Tensor::f_run_backward(&[loss], &tensors, false, false)?;
        // Checked only if the setting can skip the step, since it takes time.
        if self.config.on_non_finite == OnNonFinite::Skip && !all_finite(&gradients)? {
            return Ok(Descent::NotFinite);
        }
        let (head, base) = (self.learning_rate, self.learning_rate * self.config.base_rate);
        let rate = |parameter: &Parameter<'_>| if parameter.is_pretrained { base } else { head };
        self.adam.step(&self.parameters, &gradients, &rate)?;
        if let Some(average) = &mut self.average {
            average.update(&self.parameters)?;
        }
        Ok(Descent::DropoutStep)
    }

    /// Swaps the average of the weights with the network's, for validation and saving and back.
    pub(crate) fn swap_average(&mut self) -> Result<()> {
        match &mut self.average {
            Some(average) => average.swap(&self.parameters),
            None => Ok(()),
        }
    }

    /// Computes probabilities on the validation split. `None` if the observer stopped it.
    pub(crate) fn validate(
        &self,
        validation: &Inputs<'_>,
        epoch: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Scores>> {
        match evaluate(self.classifier, validation, observer) {
            Ok(evaluated) => Ok(evaluated.map(|evaluated| evaluated.scores)),
            // Weights that overflowed in the epoch's last step.
            Err(Error::NotFinite { .. }) => Err(self.non_finite(f64::NAN, epoch, "validation".to_owned())),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn non_finite(&self, value: f64, epoch: u64, place: String) -> Error {
        Error::NonFiniteLoss { value, epoch, place, learning_rate: self.learning_rate }
    }

    /// Lists the classes of a batch's images.
    fn classes<'b>(&'b self, indices: &'b [usize]) -> impl Iterator<Item = usize> + 'b {
        indices.iter().filter_map(|&index| self.training.set().samples()[index].class())
    }

    /// Returns class indices of a batch, i64 `[N]`.
    fn labels(&self, indices: &[usize]) -> Result<Tensor> {
        let labels: Vec<i64> = self.classes(indices).map(|class| class as i64).collect();
        Ok(Tensor::f_from_slice(&labels)?.f_to_device(self.classifier.device())?)
    }

    /// Returns class weights of a batch, f32 `[N]`.
    fn sample_weights(&self, indices: &[usize]) -> Result<Tensor> {
        let weights: Vec<f32> = self.classes(indices).map(|class| self.weights[class]).collect();
        Ok(Tensor::f_from_slice(&weights)?.f_to_device(self.classifier.device())?)
    }

    /// Passes an epoch's weights to the writer, always as the last ones, and also as the best ones if they are. Called
    /// while swapped.
    pub(crate) fn save_epoch(
        &self,
        epoch: u64,
        val_loss: f64,
        improved: bool,
        saver: &mut Saver<'_>,
    ) -> Result<()> {
        let metric = Metric { name: "val_loss".to_owned(), value: val_loss };
        let checkpoint = self.checkpoint(epoch, metric, None, saver.tracker)?;
        if improved {
            saver.writer.submit(saver.run.file(BEST), CheckpointPart::Network, Arc::clone(&checkpoint))?;
        }
        saver.submit_last(checkpoint)
    }

    /// Passes the weights to the writer as the last ones, with the progress within this epoch.
    pub(crate) fn save_within(&mut self, epoch: u64, done: Partial, saver: &mut Saver<'_>) -> Result<()> {
        let loss = done.means().map_or(0.0, |(loss, _)| loss);
        let metric = Metric { name: "loss".to_owned(), value: loss };
        self.swap_average()?;
        let checkpoint = self.checkpoint(epoch - 1, metric, Some(done), saver.tracker)?;
        self.swap_average()?;
        saver.submit_last(checkpoint)
    }

    fn checkpoint(
        &self,
        epoch: u64,
        metric: Metric,
        partial: Option<Partial>,
        tracker: &EarlyStopping,
    ) -> Result<Arc<Checkpoint>> {
        let state = TrainState {
            steps: self.adam.steps(),
            best_val_loss: tracker.best().map(|(value, _)| value),
            best_epoch: tracker.best().map(|(_, epoch)| epoch),
            patience_reference: tracker.reference(),
            wait: tracker.wait(),
            skipped_steps: self.skipped_steps,
            partial,
        };
        let training = Some(serde_json::to_value(state).map_err(|error| Error::Config(error.to_string()))?);
        let (spec, calibration) = (self.classifier.spec().clone(), Calibration::default());
        let guard = self.classifier.guard().cloned();
        let meta = Meta { spec, metric, epoch, calibration, guard, training };
        let mut checkpoint = self.classifier.checkpoint(meta)?;
        checkpoint.tensors.extend(self.adam.tensors()?);
        if let Some(average) = &self.average {
            checkpoint.tensors.extend(average.tensors(&self.parameters)?);
        }
        Ok(Arc::new(checkpoint))
    }
}

/// Result of a step: taken, or skipped because values were not finite.
enum Descent {
    DropoutStep,
    NotFinite,
}

fn all_finite(tensors: &[Tensor]) -> Result<bool> {
    for tensor in tensors {
        if !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Computes Keras' class-weighted categorical crossentropy: Σ wᵢ·CEᵢ / N, divided by the number of images, not by the sum
/// of weights (`keras/src/losses/loss.py`). The gradient comes from log-softmax.
///
/// `logits`: f32 `[N, C]`; `labels`: i64 `[N]`; `weights`: f32 `[N]`.
///
/// # Errors
/// Errors of libtorch, such as other shapes.
pub fn weighted_crossentropy(logits: &Tensor, labels: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let log_probabilities = logits.f_log_softmax(1, Kind::Float)?;
    let picked = log_probabilities.f_gather(1, &labels.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
    Ok(picked.f_mul(weights)?.f_neg()?.f_mean(Kind::Float)?)
}

/// Computes the share of a batch whose largest logit is the label's.
fn share_right(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    Ok(f64::try_from(
        logits.f_argmax(1, false)?.f_eq_tensor(labels)?.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?,
    )?)
}

#[cfg(test)]
mod tests;
