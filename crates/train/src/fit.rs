use std::{ops::ControlFlow, time::Instant};

use data::ImageSet;
use metrics::{EvaluationError, KerasFigures, Task, macro_roc_auc};
use model::{Checkpoint, Classifier};

use experiment::{EpochRow, HISTORY, History, Run};

use crate::{
    EarlyStopping, Error, Evaluated, Event, FitConfig, Inputs, Monitor, Observer, Result,
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
            ControlFlow::Continue(()) => {
                trainer.train_one_epoch(epoch, std::mem::take(&mut at.done), &mut saver, observer)?
            }
            ControlFlow::Break(()) => None,
        };
        let Some(done) = trained else {
            ending = Ending::Interrupted;
            break;
        };
        trainer.swap_average()?;
        let validated = trainer.validate(&validation, epoch, observer)?;
        let Some(evaluated) = validated else {
            trainer.swap_average()?;
            trainer.save_within(epoch, done, &mut saver)?;
            ending = Ending::Interrupted;
            break;
        };
        let means =
            done.means().ok_or_else(|| trainer.non_finite(f64::NAN, epoch, "all batches".to_owned()))?;
        let validated = Validated::new(&evaluated)?;
        let monitored = validated.monitored(config.monitor)?;
        let verdict = (at.tracker)
            .update(epoch, monitored)
            .ok_or_else(|| trainer.non_finite(monitored, epoch, "validation".to_owned()))?;
        let row = EpochRow {
            epoch,
            loss: means.loss,
            accuracy: means.accuracy,
            val_loss: validated.loss,
            val_accuracy: validated.accuracy,
            auc: means.auc,
            val_auc: validated.auc,
            learning_rate: trainer.learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        // The checkpoint is written last: the other files already have all that it has.
        at.history.add(&row)?;
        at.record(epoch, config.monitor, &trainer, run)?;
        let mut saver = Saver { run, writer: &writer, tracker: &at.tracker, every, saved: &mut saved };
        trainer.save_epoch(epoch, monitored, verdict.improved, &mut saver)?;
        trainer.swap_average()?;
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
    let tracker = state.tracker(config.monitor, config.patience, config.min_delta);
    Ok(match () {
        () if tracker.is_over() && !config.extended => Some(Ending::EarlyStopped),
        () if checkpoint.meta.epoch >= config.epochs => Some(Ending::Completed),
        () => None,
    })
}

/// Figures of the validation split after an epoch.
struct Validated {
    loss: f64,
    /// Share of images right; `None` of findings.
    accuracy: Option<f64>,
    /// Macro ROC AUC of findings, where there is one.
    auc: Option<f64>,
}

impl Validated {
    fn new(evaluated: &Evaluated) -> Result<Self> {
        match evaluated.scores.task() {
            Task::MultiClass => {
                let figures = KerasFigures::new(&evaluated.scores).map_err(|error| match error {
                    EvaluationError::NoImages => {
                        Error::Config("validation needs at least one image".to_owned())
                    }
                    error => Error::Config(error.to_string()),
                })?;
                Ok(Self { loss: figures.loss, accuracy: Some(figures.accuracy), auc: None })
            }
            Task::MultiLabel => {
                let loss = evaluated.logits()?.binary_crossentropy();
                let loss = loss
                    .ok_or_else(|| Error::Config("validation needs at least one known finding".to_owned()))?;
                Ok(Self { loss, accuracy: None, auc: macro_roc_auc(&evaluated.scores).ok() })
            }
        }
    }

    fn monitored(&self, monitor: Monitor) -> Result<f64> {
        match monitor {
            Monitor::ValLoss => Ok(self.loss),
            Monitor::ValAuc => self.auc.ok_or_else(|| {
                Error::Config(
                    "val_auc needs a label with a positive and a negative image in the validation part"
                        .to_owned(),
                )
            }),
        }
    }
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
            let tracker = EarlyStopping::new(config.monitor, config.patience, config.min_delta);
            return Ok(Self {
                epoch: 1,
                done: Partial::default(),
                tracker,
                history: History::create(&path)?,
            });
        };
        let state = TrainState::of(checkpoint)?;
        trainer.restore(checkpoint, &state)?;
        let mut tracker = state.tracker(config.monitor, config.patience, config.min_delta);
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
        position.record(checkpoint.meta.epoch, config.monitor, trainer, run)?;
        Ok(position)
    }

    /// Stores the number of whole epochs and their best in the run's record.
    fn record(&self, epoch: u64, monitor: Monitor, trainer: &Trainer<'_>, run: &mut Run) -> Result<()> {
        let (best, best_epoch) = self.tracker.best().unzip();
        run.record.epochs_run = epoch;
        run.record.best_epoch = best_epoch;
        match monitor {
            Monitor::ValLoss => run.record.best_val_loss = best,
            Monitor::ValAuc => run.record.best_val_auc = best,
        }
        run.record.skipped_steps = trainer.skipped_steps;
        Ok(run.save()?)
    }
}

#[cfg(test)]
mod tests;
