use std::net::SocketAddr;

use thiserror::Error;

/// Reasons why a server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Address that the server cannot listen at.
    #[error("cannot listen at {address}")]
    Listen {
        /// Address as given.
        address: SocketAddr,
        /// Error of the operating system, such as that another program listens there.
        source: std::io::Error,
    },
    /// Address that other machines can reach, without a token to protect it.
    #[error("{address} can be reached from other machines, and there is no token to keep strangers out")]
    NoToken {
        /// Address as given.
        address: SocketAddr,
    },
    /// Text that is no valid token.
    #[error("a token {0}")]
    Token(&'static str),
    /// Name that no browser could use for this server.
    #[error("`{0}` is no host name")]
    HostName(String),
    /// Text that no browser could send as an origin.
    #[error("`{0}` is no origin: `https://` or `http://`, a host, and a port if it is not the usual one")]
    Origin(String),
    /// Threads that the operating system refused.
    #[error("cannot start threads")]
    Threads(#[source] std::io::Error),
    /// Error of the model.
    #[error(transparent)]
    Model(#[from] model::Error),
}
