use std::ops::ControlFlow;

use experiment::EpochRow;

/// Progress event of long work.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Features of the frozen part were computed for some of a set's images, once.
    FeaturesComputed {
        /// Images so far.
        images: usize,
        /// Images of the set.
        of: usize,
    },
    /// An epoch begins.
    EpochStarted {
        /// Epoch, counted from 1.
        epoch: u64,
        /// Largest number of epochs.
        epochs: u64,
        /// Images that the epoch will train on.
        images: usize,
    },
    /// A batch was trained on.
    BatchTrained {
        /// Images trained on in this epoch so far.
        images: usize,
        /// Mean training loss of this epoch so far.
        loss: f64,
    },
    /// A batch was skipped because its loss, or a gradient of it, was not finite.
    BatchSkipped {
        /// Epoch, counted from 1.
        epoch: u64,
        /// Batch, counted from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
    /// An epoch ended, validation included.
    EpochDone {
        /// Metrics of the epoch.
        row: &'a EpochRow,
        /// True where its weights are the best so far.
        improved: bool,
        /// Epochs since patience was last reset.
        wait: u64,
        /// Epochs of patience.
        patience: u64,
    },
    /// A batch was classified in a test.
    BatchClassified {
        /// Images classified so far.
        images: usize,
        /// Images of the set.
        of: usize,
    },
}

/// Receiver of events, which may stop the work at each by returning [`ControlFlow::Break`].
pub trait Observer {
    /// Receives an event and decides if the work continues.
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

/// Observer that ignores events and never stops the work.
impl Observer for () {
    fn on(&mut self, _: &Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
