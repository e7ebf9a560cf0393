use std::{ops::ControlFlow, time::Instant};

use data::{Augmentation, ImageSet};
use metrics::KerasFigures;
use model::Classifier;

use crate::{
    Averaging, EpochRow, Error, Event, Inputs, Observer, Result, Run, Schedule, Tracker, history::History,
    trainer::Trainer, writer::Writer,
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
    /// How training images are changed, anew in each epoch.
    pub augmentation: Augmentation,
    /// What shuffling, dropout and augmentation are drawn from.
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
    // What the frozen part makes of images that change each time cannot be kept.
    let training = match config.augmentation.is_none() {
        true => prepare(training, observer)?,
        false => Some(Inputs::images(training)),
    };
    let (Some(training), Some(validation)) = (training, prepare(validation, observer)?) else {
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
