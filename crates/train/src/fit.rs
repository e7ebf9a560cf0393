use std::{ops::ControlFlow, sync::Arc, time::Instant};

use data::{
    ImageSet,
    random::{Key, Purpose},
};
use metrics::{KerasFigures, Mean, Predictions, PredictionsError};
use model::{Classifier, Meta, Metric, Mode, Step};
use tch::{Kind, Tensor};

use crate::{
    Adam, EpochRow, Error, Event, Observer, Result, Run, Tracker, evaluate,
    history::History,
    run::{BEST, LAST},
    writer::{Part, Writer},
};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct FitConfig {
    /// The most epochs to run; at least 1.
    pub epochs: u64,
    /// Images a step; the last, smaller batch is kept. At least 1.
    pub batch_size: usize,
    /// Epochs without improvement that end training.
    pub patience: u64,
    /// What `val_loss` must fall by to count as an improvement for patience.
    pub min_delta: f64,
    /// Adam's.
    pub learning_rate: f64,
    /// What each class's training loss is multiplied by.
    pub class_weights: Vec<f64>,
    /// What shuffling and dropout are drawn from.
    pub seed: u64,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Patience ran out.
    EarlyStopped,
    /// All epochs were run.
    Completed,
    /// The observer stopped it; the epoch it was in is lost.
    Interrupted,
}

/// Trains a network as Keras' `fit` does with `EarlyStopping` and `ModelCheckpoint(save_best_only=True)`, writing
/// `history.csv`, `best.safetensors` and `last.safetensors` to the run's folder as it goes, and the epochs to its record.
///
/// # Errors
/// A loss that is not finite, a file that cannot be written, libtorch's own. What was saved before stays as it is.
pub fn fit(
    classifier: &Classifier,
    training: &ImageSet,
    validation: &ImageSet,
    config: &FitConfig,
    run: &mut Run,
    observer: &mut dyn Observer,
) -> Result<Ending> {
    let mut tracker = Tracker::new(config.patience, config.min_delta);
    let mut history = History::create(&run.file("history.csv"))?;
    let writer = Writer::start()?;
    let mut trainer = Trainer::new(classifier, training, config)?;
    let mut ending = Ending::Completed;
    for epoch in 1..=config.epochs {
        let start = Instant::now();
        let (images, epochs) = (training.len(), config.epochs);
        let trained = match observer.on(&Event::EpochStarted { epoch, epochs, images }) {
            ControlFlow::Continue(()) => trainer.train_one_epoch(epoch, observer)?,
            ControlFlow::Break(()) => None,
        };
        let validated = match trained {
            Some(_) => validate(classifier, validation, epoch, config, observer)?,
            None => None,
        };
        let (Some((loss, accuracy)), Some(predictions)) = (trained, validated) else {
            ending = Ending::Interrupted;
            break;
        };
        let Some(figures) = KerasFigures::new(&predictions) else {
            return Err(Error::Config("validation needs at least one image".to_owned()));
        };
        let verdict = tracker
            .update(epoch, figures.loss)
            .ok_or_else(|| non_finite(figures.loss, epoch, "validation".to_owned(), config))?;
        trainer.checkpoint(epoch, figures.loss, verdict.improved, &tracker, run, &writer)?;
        let row = EpochRow {
            epoch,
            loss,
            accuracy,
            val_loss: figures.loss,
            val_accuracy: figures.accuracy,
            learning_rate: config.learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        history.add(&row)?;
        run.record.epochs_run = epoch;
        run.record.best_epoch = tracker.best().map(|(_, epoch)| epoch);
        run.record.best_val_loss = tracker.best().map(|(value, _)| value);
        run.save()?;
        let done = Event::EpochDone {
            row: &row,
            improved: verdict.improved,
            wait: tracker.wait(),
            patience: config.patience,
        };
        if observer.on(&done).is_break() {
            ending = Ending::Interrupted;
            break;
        }
        if verdict.stop {
            ending = Ending::EarlyStopped;
            break;
        }
    }
    writer.finish()?;
    Ok(ending)
}

/// The validation part's predictions. `None` if the observer stopped it.
fn validate(
    classifier: &Classifier,
    validation: &ImageSet,
    epoch: u64,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<Option<Predictions>> {
    evaluate(classifier, validation, observer).map_err(|error| match error {
        // Weights that overflowed in the epoch's last step give probabilities that are no numbers.
        Error::Figures(PredictionsError::NotFinite(_)) => {
            non_finite(f64::NAN, epoch, "validation".to_owned(), config)
        }
        error => error,
    })
}

fn non_finite(value: f64, epoch: u64, place: String, config: &FitConfig) -> Error {
    Error::NonFiniteLoss { value, epoch, place, learning_rate: config.learning_rate }
}

/// What lives through all epochs.
struct Trainer<'a> {
    classifier: &'a Classifier,
    training: &'a ImageSet,
    config: &'a FitConfig,
    adam: Adam,
    weights: Vec<f32>,
}

impl<'a> Trainer<'a> {
    fn new(classifier: &'a Classifier, training: &'a ImageSet, config: &'a FitConfig) -> Result<Self> {
        let n_classes = classifier.spec().classes.len();
        if config.class_weights.len() != n_classes {
            let given = config.class_weights.len();
            return Err(Error::Config(format!("{given} class weights do not fit {n_classes} classes")));
        }
        Ok(Self {
            classifier,
            training,
            config,
            adam: Adam::new(&classifier.parameters())?,
            weights: config.class_weights.iter().map(|&weight| weight as f32).collect(),
        })
    }

    /// One pass over the training images: mean loss and accuracy, as they ran. `None` if the observer stopped it.
    fn train_one_epoch(&mut self, epoch: u64, observer: &mut dyn Observer) -> Result<Option<(f64, f64)>> {
        let Self { classifier, training, config, .. } = *self;
        let key = Key { seed: config.seed, epoch, step: 0, purpose: Purpose::Shuffle };
        let parameters = classifier.parameters();
        let tensors: Vec<&Tensor> = parameters.iter().map(|parameter| parameter.tensor).collect();
        let (mut mean_loss, mut accuracy) = (Mean::default(), Mean::default());
        for (index, indices) in
            data::training_batches(training.len(), config.batch_size, &key).iter().enumerate()
        {
            let batch = training.batch(indices);
            let labels = self.labels(indices)?;
            let images = classifier.input(&batch)?;
            let step = Step { seed: config.seed, epoch, batch: index as u64 };
            let logits = classifier.forward(&images, Mode::Train(step))?;
            let loss = weighted_crossentropy(&logits, &labels, &self.sample_weights(indices)?)?;
            let value = self.finite(&loss, epoch, index)?;
            let gradients = Tensor::f_run_backward(&[&loss], &tensors, false, false)?;
            self.adam.step(&parameters, &gradients, config.learning_rate)?;
            mean_loss.update(value, indices.len());
            accuracy.update(share_right(&logits, &labels)?, indices.len());
            let so_far = mean_loss.value().unwrap_or(value);
            if observer.on(&Event::BatchTrained { images: mean_loss.images(), loss: so_far }).is_break() {
                return Ok(None);
            }
        }
        Ok(mean_loss.value().zip(accuracy.value()))
    }

    /// Class indices of a batch, i64 `[N]`.
    fn labels(&self, indices: &[usize]) -> Result<Tensor> {
        let labels: Vec<i64> =
            indices.iter().map(|&index| self.training.samples()[index].label as i64).collect();
        Ok(Tensor::f_from_slice(&labels)?.f_to_device(self.classifier.device())?)
    }

    /// Class weights of a batch, f32 `[N]`.
    fn sample_weights(&self, indices: &[usize]) -> Result<Tensor> {
        let weights: Vec<f32> =
            indices.iter().map(|&index| self.weights[self.training.samples()[index].label]).collect();
        Ok(Tensor::f_from_slice(&weights)?.f_to_device(self.classifier.device())?)
    }

    /// The loss as a number, before the step: a loss that is not finite must not reach the weights.
    fn finite(&self, loss: &Tensor, epoch: u64, index: usize) -> Result<f64> {
        let value = f64::try_from(loss)?;
        if value.is_finite() {
            return Ok(value);
        }
        Err(non_finite(value, epoch, format!("batch {}", index + 1), self.config))
    }

    /// Hands the epoch's weights to the writer: always as the last ones, and as the best ones if they are.
    fn checkpoint(
        &self,
        epoch: u64,
        val_loss: f64,
        improved: bool,
        tracker: &Tracker,
        run: &Run,
        writer: &Writer,
    ) -> Result<()> {
        let metric = Metric { name: "val_loss".to_owned(), value: val_loss };
        let training = Some(serde_json::json!({
            "steps": self.adam.steps(),
            "best_val_loss": tracker.best().map(|(value, _)| value),
            "best_epoch": tracker.best().map(|(_, epoch)| epoch),
            "patience_reference": tracker.reference(),
            "wait": tracker.wait(),
        }));
        let meta = Meta { spec: self.classifier.spec().clone(), metric, epoch, training };
        let mut checkpoint = self.classifier.checkpoint(meta)?;
        checkpoint.tensors.extend(self.adam.tensors()?);
        let checkpoint = Arc::new(checkpoint);
        if improved {
            writer.submit(run.file(BEST), Part::Network, Arc::clone(&checkpoint))?;
        }
        writer.submit(run.file(LAST), Part::All, checkpoint)
    }
}

/// Keras' class-weighted categorical crossentropy: Σ wᵢ·CEᵢ / N, divided by the number of images, not by the sum of
/// weights (`keras/src/losses/loss.py`). The gradient comes from log-softmax.
///
/// `logits`: f32 `[N, C]`; `labels`: i64 `[N]`; `weights`: f32 `[N]`.
fn weighted_crossentropy(logits: &Tensor, labels: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let log_probabilities = logits.f_log_softmax(1, Kind::Float)?;
    let picked = log_probabilities.f_gather(1, &labels.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
    Ok(picked.f_mul(weights)?.f_neg()?.f_mean(Kind::Float)?)
}

/// Share of a batch whose largest logit is the label's.
fn share_right(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    Ok(f64::try_from(
        logits.f_argmax(1, false)?.f_eq_tensor(labels)?.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?,
    )?)
}

#[cfg(test)]
mod tests;
