use std::{ops::ControlFlow, sync::Arc, time::Instant};

use data::{
    ImageSet,
    random::{Key, Purpose},
};
use metrics::{KerasFigures, Mean, Predictions, PredictionsError};
use model::{Classifier, Meta, Metric, Mode, Parameter, Step};
use tch::{Kind, Tensor};

use crate::{
    Adam, Averaging, EpochRow, Error, Event, Inputs, Observer, Result, Run, Schedule, Tracker,
    average::Average,
    evaluate,
    history::History,
    run::{BEST, LAST},
    schedule::Rates,
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
    /// Adam's, after warm-up.
    pub learning_rate: f64,
    /// What the rate of a pretrained part's weights is of the head's, at every step.
    pub base_rate: f64,
    /// AdamW's; 0 for Adam.
    pub weight_decay: f64,
    /// How the learning rate goes on.
    pub schedule: Schedule,
    /// Epochs over which it rises from 0 first.
    pub warmup_epochs: f64,
    /// What is validated and saved.
    pub averaging: Averaging,
    /// The most bytes of a frozen part's features to keep in memory; more are kept on the disk.
    pub feature_memory: u64,
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
    let prepare = |set, observer: &mut dyn Observer| {
        Inputs::prepare(classifier, set, config.feature_memory, run.folder(), observer)
    };
    let (Some(training), Some(validation)) = (prepare(training, observer)?, prepare(validation, observer)?)
    else {
        return Ok(Ending::Interrupted);
    };
    let mut tracker = Tracker::new(config.patience, config.min_delta);
    let mut history = History::create(&run.file("history.csv"))?;
    let writer = Writer::start()?;
    let mut trainer = Trainer::new(classifier, &training, config)?;
    let mut ending = Ending::Completed;
    for epoch in 1..=config.epochs {
        let start = Instant::now();
        let (images, epochs) = (training.set().len(), config.epochs);
        let trained = match observer.on(&Event::EpochStarted { epoch, epochs, images }) {
            ControlFlow::Continue(()) => trainer.train_one_epoch(epoch, observer)?,
            ControlFlow::Break(()) => None,
        };
        trainer.swap_average()?;
        let validated = match trained {
            Some(_) => trainer.validate(&validation, epoch, observer)?,
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
            .ok_or_else(|| trainer.non_finite(figures.loss, epoch, "validation".to_owned()))?;
        trainer.checkpoint(epoch, figures.loss, verdict.improved, &tracker, run, &writer)?;
        trainer.swap_average()?;
        let row = EpochRow {
            epoch,
            loss,
            accuracy,
            val_loss: figures.loss,
            val_accuracy: figures.accuracy,
            learning_rate: trainer.learning_rate,
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

/// What lives through all epochs.
struct Trainer<'a> {
    classifier: &'a Classifier,
    training: &'a Inputs<'a>,
    config: &'a FitConfig,
    parameters: Vec<Parameter<'a>>,
    adam: Adam,
    average: Option<Average>,
    rates: Rates,
    /// Of the last step.
    learning_rate: f64,
    weights: Vec<f32>,
}

impl<'a> Trainer<'a> {
    fn new(classifier: &'a Classifier, training: &'a Inputs<'a>, config: &'a FitConfig) -> Result<Self> {
        let n_classes = classifier.spec().classes.len();
        if config.class_weights.len() != n_classes {
            let given = config.class_weights.len();
            return Err(Error::Config(format!("{given} class weights do not fit {n_classes} classes")));
        }
        let parameters = classifier.parameters();
        let average = match config.averaging {
            Averaging::None => None,
            Averaging::Ema => Some(Average::new(&parameters)?),
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
            weights: config.class_weights.iter().map(|&weight| weight as f32).collect(),
        })
    }

    /// One pass over the training images: mean loss and accuracy, as they ran. `None` if the observer stopped it.
    fn train_one_epoch(&mut self, epoch: u64, observer: &mut dyn Observer) -> Result<Option<(f64, f64)>> {
        let Self { classifier, training, config, .. } = *self;
        let key = Key { seed: config.seed, epoch, step: 0, purpose: Purpose::Shuffle };
        let (mut mean_loss, mut accuracy) = (Mean::default(), Mean::default());
        for (index, indices) in
            data::training_batches(training.set().len(), config.batch_size, &key).iter().enumerate()
        {
            self.learning_rate = self.rates.at(self.adam.steps());
            let labels = self.labels(indices)?;
            let features = training.batch(classifier, indices)?;
            let step = Step { seed: config.seed, epoch, batch: index as u64 };
            let logits = classifier.forward(&features, Mode::Train(step))?;
            let loss = weighted_crossentropy(&logits, &labels, &self.sample_weights(indices)?)?;
            let value = self.finite(&loss, epoch, index)?;
            tracing::debug!(
                "epoch {epoch}, batch {}: loss {value}, learning rate {}",
                index + 1,
                self.learning_rate
            );
            self.descend(&loss)?;
            mean_loss.update(value, indices.len());
            accuracy.update(share_right(&logits, &labels)?, indices.len());
            let so_far = mean_loss.value().unwrap_or(value);
            if observer.on(&Event::BatchTrained { images: mean_loss.images(), loss: so_far }).is_break() {
                return Ok(None);
            }
        }
        Ok(mean_loss.value().zip(accuracy.value()))
    }

    /// One optimizer step down the loss' gradients.
    fn descend(&mut self, loss: &Tensor) -> Result<()> {
        let tensors: Vec<&Tensor> = self.parameters.iter().map(|parameter| parameter.tensor).collect();
        let gradients = Tensor::f_run_backward(&[loss], &tensors, false, false)?;
        let (head, base) = (self.learning_rate, self.learning_rate * self.config.base_rate);
        let rate = |parameter: &Parameter<'_>| if parameter.is_pretrained { base } else { head };
        self.adam.step(&self.parameters, &gradients, &rate)?;
        match &mut self.average {
            Some(average) => average.update(&self.parameters),
            None => Ok(()),
        }
    }

    /// Puts the average of the weights into the network for validation and saving, or the weights back.
    fn swap_average(&mut self) -> Result<()> {
        match &mut self.average {
            Some(average) => average.swap(&self.parameters),
            None => Ok(()),
        }
    }

    /// The validation part's predictions. `None` if the observer stopped it.
    fn validate(
        &self,
        validation: &Inputs<'_>,
        epoch: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Predictions>> {
        evaluate(self.classifier, validation, observer).map_err(|error| match error {
            // Weights that overflowed in the epoch's last step give probabilities that are no numbers.
            Error::Figures(PredictionsError::NotFinite(_)) => {
                self.non_finite(f64::NAN, epoch, "validation".to_owned())
            }
            error => error,
        })
    }

    fn non_finite(&self, value: f64, epoch: u64, place: String) -> Error {
        Error::NonFiniteLoss { value, epoch, place, learning_rate: self.learning_rate }
    }

    /// Class indices of a batch, i64 `[N]`.
    fn labels(&self, indices: &[usize]) -> Result<Tensor> {
        let labels: Vec<i64> =
            indices.iter().map(|&index| self.training.set().samples()[index].label as i64).collect();
        Ok(Tensor::f_from_slice(&labels)?.f_to_device(self.classifier.device())?)
    }

    /// Class weights of a batch, f32 `[N]`.
    fn sample_weights(&self, indices: &[usize]) -> Result<Tensor> {
        let weights: Vec<f32> =
            indices.iter().map(|&index| self.weights[self.training.set().samples()[index].label]).collect();
        Ok(Tensor::f_from_slice(&weights)?.f_to_device(self.classifier.device())?)
    }

    /// The loss as a number, before the step: a loss that is not finite must not reach the weights.
    fn finite(&self, loss: &Tensor, epoch: u64, index: usize) -> Result<f64> {
        let value = f64::try_from(loss)?;
        if value.is_finite() {
            return Ok(value);
        }
        Err(self.non_finite(value, epoch, format!("batch {}", index + 1)))
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
        if let Some(average) = &self.average {
            checkpoint.tensors.extend(average.tensors(&self.parameters)?);
        }
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
