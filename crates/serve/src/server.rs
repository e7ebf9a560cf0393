//! The address, the threads, and the end.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    time::Duration,
};

use axum::Router;
use model::Classifier;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    About, Config, Error, Limits, Result, THREAD,
    app::{self, App},
    connection, worker,
};

/// Asks a server to stop; copies ask the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Not asked for yet.
    #[expect(clippy::new_without_default, reason = "there is nothing to be default about")]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// No connection is taken any more, requests at hand get their answers, and [`Server::run`] returns.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked(self.0.subscribe())
    }
}

/// The other end of [`Stop`].
#[derive(Clone)]
pub(crate) struct Asked(watch::Receiver<bool>);

impl Asked {
    /// Waits until the server is to stop; a [`Stop`] that is gone asks for nothing.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A server that has its address: who connects waits until it runs.
pub struct Server {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    runtime: Runtime,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// An address that cannot be had, or that strangers would reach; threads that the system refuses.
    pub fn bind(config: Config) -> Result<Self> {
        config.check()?;
        let of_address = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(of_address)?;
        listener.set_nonblocking(true).map_err(of_address)?;
        let address = listener.local_addr().map_err(of_address)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(config.limits.decoders.max(1))
            .thread_name(THREAD)
            .enable_all()
            .build()
            .map_err(Error::Threads)?;
        Ok(Self { config, listener, address, runtime })
    }

    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` asks for the end and all requests at hand are answered, or their time is over. The calling thread
    /// computes; `ready` is called once when the first request can be answered.
    ///
    /// # Errors
    /// A model that cannot be prepared. What goes wrong with one request is that request's answer.
    pub fn run(self, classifier: &Classifier, about: About, stop: &Stop, ready: impl FnOnce()) -> Result<()> {
        let Self { config, listener, address, runtime } = self;
        let inference = classifier.inference()?;
        let (queue, jobs) = mpsc::channel();
        let app = Arc::new(App::new(&config, address, classifier, about, queue));
        let (metrics, limits) = (Arc::clone(&app.metrics), config.limits.clone());
        let router = app::router(app, &config);
        runtime.spawn(accept(listener, router, config.limits, stop.asked()));
        ready();
        // Ends when the last connection is gone, and with it the last sender.
        worker::work(classifier, &inference, &jobs, &limits, &metrics);
        // Decoders that nobody waits for.
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(())
    }
}

/// Takes connections until the end is asked for, and waits for those that are there.
async fn accept(listener: TcpListener, router: Router, limits: Limits, mut asked: Asked) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("cannot take connections: {error}"),
    };
    let limits = Arc::new(limits);
    let room = Arc::new(Semaphore::new(limits.connections.max(1)));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            next = next => next,
            () = asked.wait() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let served = connection::serve(stream, router.clone(), Arc::clone(&limits), asked.clone());
                connections.spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            // Such as too many open files: others have to end first.
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_time, ended).await.is_err() {
        tracing::warn!("{} connections were cut", connections.len());
        connections.shutdown().await;
    }
}
