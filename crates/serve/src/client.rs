//! State of one connection for other tasks: the side that it waits for, and since when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// Progress of one connection.
#[derive(Debug)]
pub(crate) struct Client {
    state: Mutex<(Phase, Instant)>,
    dismissed: watch::Sender<bool>,
}

/// Part of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No request is in progress: the client is idle, or its next head has not arrived completely.
    Head,
    /// A request's body is being received.
    Body,
    /// The answer is being computed.
    Answer,
    /// The answer is being sent.
    Sending,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new((Phase::Head, Instant::now())), dismissed: watch::Sender::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().0
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.lock() = (phase, Instant::now());
    }

    /// Records that bytes were received or sent.
    pub(crate) fn made_progress(&self) {
        self.lock().1 = Instant::now();
    }

    /// Records that the answer is sent completely.
    pub(crate) fn has_sent(&self) {
        let mut state = self.lock();
        if state.0 == Phase::Sending {
            *state = (Phase::Head, Instant::now());
        }
    }

    /// Returns the time for which the client has kept the server waiting: since `start` at the earliest, and 0 while an answer
    /// is made.
    pub(crate) fn silence(&self, start: Instant) -> Duration {
        let (phase, since) = *self.lock();
        if phase == Phase::Answer { Duration::ZERO } else { since.max(start).elapsed() }
    }

    /// Asks the connection to end as soon as no answer is being made on it.
    pub(crate) fn dismiss(&self) {
        self.dismissed.send_replace(true);
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        *self.dismissed.borrow()
    }

    /// Waits for [`Self::dismiss`].
    pub(crate) async fn dismissal(&self) {
        // The sender lives as long as `self`.
        let _ = self.dismissed.subscribe().wait_for(|dismissed| *dismissed).await;
    }
}
