use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

use model::Checkpoint;

use experiment::write_atomically_with;

use crate::{Error, Result};

/// Writes checkpoints on one background thread, one at a time, so that training does not wait for the disk.
///
/// A waiting checkpoint is replaced by a newer one for the same file: a slow disk costs checkpoints in between, never
/// memory, and never the newest one. After a file could not be written, no further file is written: the last weights refer
/// to best ones that must be on disk before them.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Checkpoint to write, with its path.
struct SaveJob {
    path: PathBuf,
    part: CheckpointPart,
    checkpoint: Arc<Checkpoint>,
}

/// CheckpointPart of a checkpoint that goes to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckpointPart {
    /// Tensors and metadata that using the network needs.
    Network,
    /// Everything, so that training can resume.
    All,
}

#[derive(Default)]
struct State {
    waiting: Vec<SaveJob>,
    closed: bool,
    error: Option<Error>,
}

impl Shared {
    /// Locks the state. A writer that panicked leaves it valid: no change in it can be half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(crate) fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || run(&for_thread))
            .map_err(|source| experiment::Error::Io {
                action: "start the writer of",
                path: "checkpoints".into(),
                source,
            })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues a checkpoint and returns at once.
    ///
    /// # Errors
    /// Error of an earlier checkpoint.
    pub(crate) fn submit(
        &self,
        path: PathBuf,
        part: CheckpointPart,
        checkpoint: Arc<Checkpoint>,
    ) -> Result<()> {
        let mut state = self.shared.lock();
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        state.waiting.retain(|waiting| waiting.path != path);
        state.waiting.push(SaveJob { path, part, checkpoint });
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Waits until every queued checkpoint is on disk.
    ///
    /// # Errors
    /// Error of any of them.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.close();
        match self.shared.lock().error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn close(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared
                .lock()
                .error
                .get_or_insert(Error::Config("the writer of checkpoints panicked".to_owned()));
        }
    }
}

/// Writes all queued checkpoints, on an early return of the loop as well.
impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(shared: &Shared) {
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.closed {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() {
            return;
        }
        let SaveJob { path, part, checkpoint } = state.waiting.remove(0);
        drop(state);
        let start = Instant::now();
        let encoded = match part {
            CheckpointPart::Network => checkpoint.encode_network(),
            CheckpointPart::All => checkpoint.encode(),
        };
        let written = encoded
            .map_err(Error::from)
            .and_then(|encoded| Ok(write_atomically_with(&path, |file| encoded.write_to(file))?));
        match written {
            Ok(()) => tracing::debug!("wrote `{}` in {:.2?}", path.display(), start.elapsed()),
            Err(error) => {
                shared.lock().error.get_or_insert(error);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use data::Interpolation;
    use metrics::Calibration;
    use model::{CONVNET, InputScale, Meta, Metric, Precision, Spec};

    use super::*;

    #[test]
    fn nothing_is_written_after_a_file_that_could_not_be() {
        let spec = Spec {
            task: metrics::Task::MultiClass,
            architecture: &CONVNET,
            classes: ["a", "b"].map(str::to_owned).to_vec(),
            image_size: 6,
            interpolation: Interpolation::Nearest,
            formats: Some(data::Formats::All),
            input_scale: InputScale::Unit,
            normalisation: None,
            precision: Precision::F32,
        };
        let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
        let meta =
            Meta { spec, metric, epoch: 1, calibration: Calibration::default(), guard: None, training: None };
        let checkpoint = Arc::new(Checkpoint { meta, tensors: Vec::new(), backbone: None });
        let folder = tempfile::tempdir().unwrap();
        let (best, last) = (folder.path().join("missing/best"), folder.path().join("last"));
        let writer = Writer::start().unwrap();
        writer.submit(best.clone(), CheckpointPart::Network, Arc::clone(&checkpoint)).unwrap();
        // It is refused here already if the first one has failed by then.
        let refused = writer.submit(last.clone(), CheckpointPart::All, checkpoint);
        let error = refused.and_then(|()| writer.finish()).unwrap_err();
        assert!(error.to_string().contains(&best.display().to_string()), "{error}");
        assert!(!last.exists());
    }
}
