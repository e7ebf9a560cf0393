//! Batches of an epoch, each prepared while the one before it is trained on.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

use crate::{AugmentContext, Batch, Error, ImageSet};

/// Batches in order, prepared on a thread of their own. Dropping it ends the thread.
#[derive(Debug)]
pub struct Prefetcher {
    batches: Receiver<Result<Batch, Error>>,
    waited: Duration,
}

impl Prefetcher {
    /// Starts to prepare the batches of these indices.
    ///
    /// # Errors
    /// A thread that the system refuses.
    pub fn start(
        images: &ImageSet,
        batches: &[Vec<usize>],
        augmenting: AugmentContext,
    ) -> Result<Self, Error> {
        // One batch waits while the next one is made: memory for two, whatever the set's size.
        let (sender, receiver) = sync_channel(1);
        let (images, batches) = (images.clone(), batches.to_vec());
        let work = move || {
            for indices in &batches {
                let batch = match augmenting.augmentation.is_none() {
                    true => images.batch(indices),
                    false => images.augmented_batch(indices, &augmenting),
                };
                // Who took the batches has gone, or will go at the error.
                if sender.send(batch).is_err() {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("feed".to_owned()).spawn(work);
        started.map_err(|source| Error::Thread { source })?;
        Ok(Self { batches: receiver, waited: Duration::ZERO })
    }

    /// Returns the time that [`Self::next`] had to wait so far.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Iterator for Prefetcher {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = Instant::now();
        let batch = self.batches.recv().ok();
        self.waited += start.elapsed();
        batch
    }
}

#[cfg(test)]
mod tests;
