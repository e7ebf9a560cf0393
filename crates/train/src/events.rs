use std::ops::ControlFlow;

use experiment::EpochRow;

/// What long work says while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The frozen part of the network went over some of a set's images, once.
    FeaturesComputed {
        /// Images so far.
        images: usize,
        /// Images of the set.
        of: usize,
    },
    /// An epoch begins.
    EpochStarted {
        /// Counted from 1.
        epoch: u64,
        /// The most epochs there may be.
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
    /// A batch was left out, since its loss or a gradient of it was not finite.
    BatchSkipped {
        /// Counted from 1.
        epoch: u64,
        /// Counted from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
    /// An epoch is over, validation included.
    EpochDone {
        /// Its figures.
        row: &'a EpochRow,
        /// Whether its weights are the best so far.
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

/// Hears of events, and may stop the work at each by returning [`ControlFlow::Break`].
pub trait Observer {
    /// Takes an event.
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

/// Hears nothing and stops nothing.
impl Observer for () {
    fn on(&mut self, _: &Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
