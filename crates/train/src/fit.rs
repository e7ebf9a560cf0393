use std::{ops::ControlFlow, time::Instant};

use data::ImageSet;
use metrics::{EvaluationError, KerasFigures};
use model::{Checkpoint, Classifier};

use experiment::{EpochRow, HISTORY, History, Run};

use crate::{
    EarlyStopping, Error, Event, FitConfig, Inputs, Observer, Result,
    saver::Saver,
    state::{Partial, TrainState},
    trainer::Trainer,
    writer::Writer,
};

/// Reason why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Patience ran out.
    EarlyStopped,
    /// All epochs were run.
    Completed,
    /// The observer stopped it, after the current batch; the run can be resumed from there.
    Interrupted,
}

/// Trains a network as Keras' `fit` does with `EarlyStopping` and `ModelCheckpoint(save_best_only=True)`, writing
/// `history.csv`, `best.safetensors` and `last.safetensors` to the run's folder on the way, and the epochs to its record.
///
/// `resumed` is the content of the run's `last.safetensors`, whose network is the classifier's: training resumes from
/// there, step for step as if it had never stopped.
///
/// # Errors
/// A loss that is not finite, a file that cannot be written, a checkpoint that lacks something, errors of libtorch. Files
/// saved before stay unchanged.
pub fn fit(
    classifier: &Classifier,
    training: &ImageSet,
    validation: &ImageSet,
    config: &FitConfig,
    resumed: Option<&Checkpoint>,
    run: &mut Run,
    observer: &mut dyn Observer,
) -> Result<Ending> {
    if let Some(checkpoint) = resumed
        && let Some(ending) = ended(checkpoint, config)?
    {
        History::resume(&run.file(HISTORY), checkpoint.meta.epoch)?;
        return Ok(ending);
    }
    let prepare = |set, observer: &mut dyn Observer| {
        Inputs::prepare(classifier, set, config.feature_memory, run.folder(), observer)
    };
    // Features of images that change in each epoch cannot be cached.
    let training = match config.augmentation.is_none() {
        true => prepare(training, observer)?,
        false => Some(Inputs::images(training)),
    };
    let (Some(training), Some(validation)) = (training, prepare(validation, observer)?) else {
        return Ok(Ending::Interrupted);
    };
    let mut trainer = Trainer::new(classifier, &training, config)?;
    let mut at = Position::new(&mut trainer, config, resumed, run)?;
    let writer = Writer::start()?;
    let mut saved = Instant::now();
    let mut ending = Ending::Completed;
    for epoch in at.epoch..=config.epochs {
        let start = Instant::now();
        let (images, epochs) = (training.set().len(), config.epochs);
        let (tracker, every) = (&at.tracker, config.checkpoint_every);
        let mut saver = Saver { run, writer: &writer, tracker, every, saved: &mut saved };
        let trained = match observer.on(&Event::EpochStarted { epoch, epochs, images }) {
            ControlFlow::Continue(()) => trainer.train_one_epoch(epoch, at.done, &mut saver, observer)?,
            ControlFlow::Break(()) => None,
        };
        let Some(done) = trained else {
            ending = Ending::Interrupted;
            break;
        };
        trainer.swap_average()?;
        let validated = trainer.validate(&validation, epoch, observer)?;
        let Some(predictions) = validated else {
            trainer.swap_average()?;
            trainer.save_within(epoch, done, &mut saver)?;
            ending = Ending::Interrupted;
            break;
        };
        let (loss, accuracy) =
            done.means().ok_or_else(|| trainer.non_finite(f64::NAN, epoch, "all batches".to_owned()))?;
        let figures = KerasFigures::new(&predictions).map_err(|error| match error {
            EvaluationError::NoImages => Error::Config("validation needs at least one image".to_owned()),
            error => Error::Config(error.to_string()),
        })?;
        let verdict = (at.tracker)
            .update(epoch, figures.loss)
            .ok_or_else(|| trainer.non_finite(figures.loss, epoch, "validation".to_owned()))?;
        let row = EpochRow {
            epoch,
            loss,
            accuracy,
            val_loss: figures.loss,
            val_accuracy: figures.accuracy,
            learning_rate: trainer.learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        // The checkpoint is written last: the other files already have all that it has.
        at.history.add(&row)?;
        at.record(epoch, &trainer, run)?;
        let mut saver = Saver { run, writer: &writer, tracker: &at.tracker, every, saved: &mut saved };
        trainer.save_epoch(epoch, figures.loss, verdict.improved, &mut saver)?;
        trainer.swap_average()?;
        at.done = Partial::default();
        let done = Event::EpochDone {
            row: &row,
            improved: verdict.improved,
            wait: at.tracker.wait(),
            patience: config.patience,
        };
        let stop = observer.on(&done).is_break();
        if verdict.stop {
            ending = Ending::EarlyStopped;
            break;
        }
        if stop && epoch < config.epochs {
            ending = Ending::Interrupted;
            break;
        }
    }
    writer.finish()?;
    Ok(ending)
}

/// Returns the ending of a run that a checkpoint is the last of, if it has ended: no features need to be computed then.
fn ended(checkpoint: &Checkpoint, config: &FitConfig) -> Result<Option<Ending>> {
    let state = TrainState::of(checkpoint)?;
    let tracker = state.tracker(config.patience, config.min_delta);
    Ok(match () {
        () if tracker.is_over() && !config.extended => Some(Ending::EarlyStopped),
        () if checkpoint.meta.epoch >= config.epochs => Some(Ending::Completed),
        () => None,
    })
}

/// Current position of training.
struct Position {
    /// Current epoch.
    epoch: u64,
    /// Part of the epoch that is done.
    done: Partial,
    tracker: EarlyStopping,
    history: History,
}

impl Position {
    /// Creates the start position, or restores the checkpoint's; the trainer is restored as well.
    fn new(
        trainer: &mut Trainer<'_>,
        config: &FitConfig,
        resumed: Option<&Checkpoint>,
        run: &mut Run,
    ) -> Result<Self> {
        let path = run.file(HISTORY);
        let Some(checkpoint) = resumed else {
            let tracker = EarlyStopping::new(config.patience, config.min_delta);
            return Ok(Self {
                epoch: 1,
                done: Partial::default(),
                tracker,
                history: History::create(&path)?,
            });
        };
        let state = TrainState::of(checkpoint)?;
        trainer.restore(checkpoint, &state)?;
        let mut tracker = state.tracker(config.patience, config.min_delta);
        if config.extended {
            tracker.reset_patience();
        }
        let history = History::resume(&path, checkpoint.meta.epoch)?;
        let position = Self {
            epoch: checkpoint.meta.epoch + 1,
            done: state.partial.unwrap_or_default(),
            tracker,
            history,
        };
        position.record(checkpoint.meta.epoch, trainer, run)?;
        Ok(position)
    }

    /// Stores the number of whole epochs and their best in the run's record.
    fn record(&self, epoch: u64, trainer: &Trainer<'_>, run: &mut Run) -> Result<()> {
        let (best_val_loss, best_epoch) = self.tracker.best().unzip();
        run.record.epochs_run = epoch;
        run.record.best_epoch = best_epoch;
        run.record.best_val_loss = best_val_loss;
        run.record.skipped_steps = trainer.skipped_steps;
        Ok(run.save()?)
    }
}

#[cfg(test)]
mod tests;
