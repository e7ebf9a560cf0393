use std::net::SocketAddr;

use thiserror::Error;

/// Why nothing can be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// As it was given.
        address: SocketAddr,
        /// The system's word for it, such as that another program listens there.
        source: std::io::Error,
    },
    /// An address that others reach, without a token that keeps them out.
    #[error("{address} can be reached from other machines, and there is no token to keep strangers out")]
    NoToken {
        /// As it was given.
        address: SocketAddr,
    },
    /// A token that would be none.
    #[error("a token {0}")]
    Token(&'static str),
    /// A name of this server that no browser could ask for.
    #[error("`{0}` is no host name")]
    HostName(String),
    /// An origin that no browser could name.
    #[error("`{0}` is no origin: `https://` or `http://`, a host, and a port if it is not the usual one")]
    Origin(String),
    /// Threads that the system refused.
    #[error("cannot start threads")]
    Threads(#[source] std::io::Error),
    /// The model cannot compute.
    #[error(transparent)]
    Model(#[from] model::Error),
}
