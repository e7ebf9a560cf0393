//! Server life cycle: the address, the threads, and the end.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Weak, mpsc},
    time::{Duration, Instant},
};

use axum::Router;
use model::{InputReader, Predictor};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use crate::{
    About, Config, Error, Limits, Result, Stop, THREAD,
    app::App,
    client::{Client, Phase},
    connection, routes,
    stop::Asked,
    worker,
};

/// Server that is bound to its address: connections wait until it runs.
pub struct Server {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    runtime: Runtime,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// An address that cannot be bound, or that other machines reach without a token; threads that the system refuses.
    pub fn bind(config: Config) -> Result<Self> {
        config.check()?;
        let of_address = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(of_address)?;
        listener.set_nonblocking(true).map_err(of_address)?;
        let address = listener.local_addr().map_err(of_address)?;
        // Decoders have threads of their own.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(1)
            .thread_name(THREAD)
            .enable_all()
            .build()
            .map_err(Error::Threads)?;
        Ok(Self { config, listener, address, runtime })
    }

    /// Address that it listens at, with its actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` asks for the end and each request in progress is answered, its client is silent, or its
    /// time is over. The calling thread computes; `ready` is called once when the first request can be answered.
    ///
    /// # Errors
    /// Threads that the system refuses. A fault of one request is that request's answer.
    pub fn run(
        self,
        predictor: &Predictor<'_>,
        inputs: InputReader,
        about: About,
        stop: &Stop,
        ready: impl FnOnce(),
    ) -> Result<()> {
        let Self { config, listener, address, runtime } = self;
        let (queue, jobs) = mpsc::channel();
        let app = Arc::new(App::new(&config, address, (predictor, inputs), about, queue)?);
        let (metrics, limits) = (Arc::clone(&app.metrics), config.limits.clone());
        let router = routes::router(app, &config);
        runtime.spawn(accept(listener, router, config.limits, stop.asked()));
        ready();
        // Ends when the last connection is gone, and with it the last sender.
        worker::work(predictor, &jobs, &limits, &metrics);
        // No request needs the tasks that are left.
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(())
    }
}

/// Time for which a connection is idle before it can be dismissed for others.
const IDLE: Duration = Duration::from_millis(300);

/// Interval between checks for connections that can be dismissed.
const LOOK: Duration = Duration::from_millis(100);

/// Accepts connections until the stop is requested, and then waits for the open ones.
async fn accept(listener: TcpListener, router: Router, limits: Limits, mut asked: Asked) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("cannot take connections: {error}"),
    };
    let limits = Arc::new(limits);
    let mut connections = Connections { tasks: JoinSet::new(), clients: Vec::new(), start: Instant::now() };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked.wait() => break,
        };
        let has_room = async {
            while connections.count() >= limits.connections.max(1) {
                connections.dismiss_idle(limits.stall_time);
                connections.wait().await;
            }
        };
        tokio::select! {
            () = has_room => {}
            () = asked.wait() => break,
        }
        match accepted {
            Ok((stream, _)) => {
                let client = connections.add();
                let (router, limits) = (router.clone(), Arc::clone(&limits));
                connections.tasks.spawn(connection::serve(stream, router, limits, client, asked.clone()));
            }
            // For example too many open files: others have to end first.
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                connections.dismiss_idle(limits.stall_time);
                tokio::time::sleep(LOOK).await;
            }
        }
    }
    drop(listener);
    connections.start = Instant::now();
    let ended = async {
        while connections.count() > 0 {
            connections.dismiss_silent(limits.stall_time);
            connections.wait().await;
        }
    };
    if tokio::time::timeout(limits.drain_time, ended).await.is_err() {
        tracing::warn!("{} connections were cut", connections.tasks.len());
        connections.tasks.shutdown().await;
    }
}

/// Connections in service.
struct Connections {
    tasks: JoinSet<()>,
    clients: Vec<Weak<Client>>,
    /// Earliest time from which silence is counted.
    start: Instant,
}

impl Connections {
    /// Counts the connections that have not ended.
    fn count(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len()
    }

    /// Waits for one to end, for a short time at most.
    async fn wait(&mut self) {
        // Either is a reason to check again.
        let _ = tokio::time::timeout(LOOK, self.tasks.join_next()).await;
    }

    fn add(&mut self) -> Arc<Client> {
        // Ended ones are removed from time to time.
        if self.clients.len() >= 2 * self.tasks.len() + 16 {
            self.clients.retain(|client| client.strong_count() > 0);
        }
        let client = Arc::new(Client::new());
        self.clients.push(Arc::downgrade(&client));
        client
    }

    /// Iterates over the clients that were not dismissed, each with the time that it has kept the server waiting.
    fn silent(&self) -> impl Iterator<Item = (Duration, Arc<Client>)> {
        let clients = self.clients.iter().filter_map(Weak::upgrade).filter(|client| !client.is_dismissed());
        clients.map(|client| (client.silence(self.start), client))
    }

    /// Dismisses the client that has been idle for longest, or else the one whose request has made no progress for longest.
    fn dismiss_idle(&self, stall_time: Duration) {
        let is_long = |(silence, client): &(Duration, Arc<Client>)| match client.phase() {
            Phase::Head => *silence >= IDLE,
            _ => *silence >= stall_time,
        };
        let longest = self
            .silent()
            .filter(is_long)
            .max_by_key(|(silence, client)| (client.phase() == Phase::Head, *silence));
        if let Some((_, client)) = longest {
            client.dismiss();
        }
    }

    /// Dismisses all clients that have kept the server waiting for so long.
    fn dismiss_silent(&self, stall_time: Duration) {
        self.silent().filter(|(silence, _)| *silence >= stall_time).for_each(|(_, client)| client.dismiss());
    }
}
