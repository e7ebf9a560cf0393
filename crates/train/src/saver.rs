use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::Checkpoint;

use experiment::{LAST, Run};

use crate::{
    EarlyStopping, Result,
    writer::{CheckpointPart, Writer},
};

/// Destination of checkpoints, with the time when the next one is due.
pub(crate) struct Saver<'a> {
    pub(crate) run: &'a Run,
    pub(crate) writer: &'a Writer,
    pub(crate) tracker: &'a EarlyStopping,
    /// Interval of saves within an epoch, if there are any.
    pub(crate) every: Option<Duration>,
    /// Time of the last save.
    pub(crate) saved: &'a mut Instant,
}

impl Saver<'_> {
    /// True where a save within an epoch is due.
    pub(crate) fn is_due(&self) -> bool {
        self.every.is_some_and(|every| self.saved.elapsed() >= every)
    }

    /// Passes the checkpoint that training resumes from to the writer.
    pub(crate) fn submit_last(&mut self, checkpoint: Arc<Checkpoint>) -> Result<()> {
        *self.saved = Instant::now();
        self.writer.submit(self.run.file(LAST), CheckpointPart::All, checkpoint)
    }
}
