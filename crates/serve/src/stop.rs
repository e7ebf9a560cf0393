//! Request for a server's end.

use tokio::sync::watch;

/// Handle that asks a server to stop; copies ask the same server.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Creates a handle whose stop is not requested yet.
    #[expect(clippy::new_without_default, reason = "there is nothing to be default about")]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Requests the stop: no further connection is accepted, requests in progress get their answers, and [`Server::run`](crate::Server::run) returns.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked(self.0.subscribe())
    }
}

/// Receiver of [`Stop`].
#[derive(Clone)]
pub(crate) struct Asked(watch::Receiver<bool>);

impl Asked {
    /// Waits until the stop is requested; never returns if the [`Stop`] was dropped without a request.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
