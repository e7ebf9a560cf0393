use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::Checkpoint;

use experiment::{LAST, Run};

use crate::{
    Result, Tracker,
    writer::{Part, Writer},
};

/// Where checkpoints go, and when the next one is due.
pub(crate) struct Saver<'a> {
    pub(crate) run: &'a Run,
    pub(crate) writer: &'a Writer,
    pub(crate) tracker: &'a Tracker,
    /// How often it is also saved within an epoch, if at all.
    pub(crate) every: Option<Duration>,
    /// When the last one was handed over.
    pub(crate) saved: &'a mut Instant,
}

impl Saver<'_> {
    /// Whether it is time to save within an epoch.
    pub(crate) fn is_due(&self) -> bool {
        self.every.is_some_and(|every| self.saved.elapsed() >= every)
    }

    /// Hands over what training goes on from.
    pub(crate) fn submit_last(&mut self, checkpoint: Arc<Checkpoint>) -> Result<()> {
        *self.saved = Instant::now();
        self.writer.submit(self.run.file(LAST), Part::All, checkpoint)
    }
}
