//! Local web page and HTTP interface of one saved model, or of an ensemble.
//!
//! This crate holds [`Server`], which listens at the address in its [`Config`] and answers until [`Stop`] asks it to end. The
//! thread that calls [`Server::run`] computes, so that no tensor leaves it; connections and decoding have threads of their own
//! (named [`THREAD`]), and only pixels and numbers pass between them. It must not know training, the terminal, or the file that
//! a model came from. It writes nothing to disk, prints nothing, and no log line holds a file's name or anything of an image.
//!
//! Path of an upload: `guard` (host, origin, token) → `upload` (its bytes, within size, memory and time) → `read` (a
//! place in the queue or 429, then pixels) → `worker` (a batch with others) → `answer` (JSON).
//!
//! Outside libraries: **axum** on **tokio** and **hyper** (the field's server; hyper itself, since its limits on slow clients
//! are not reachable through axum's own), **hyper-util** to connect them, **tower-http** for CORS, **multer** parses multipart
//! forms while they arrive, **bytes** and **futures-util** are the types in their interfaces, **subtle** compares tokens in
//! constant time, **base64** and **serde_json** for the output, **utoipa** makes the OpenAPI document out of the types of the
//! answers (5.x, of OpenAPI 3.1), **prometheus-client** (of the Prometheus organisation) counts, **thiserror**, **tracing**.

mod answer;
mod app;
mod card;
mod client;
mod config;
mod connection;
mod decoder_pool;
mod error;
mod guard;
mod metrics;
mod openapi;
mod page;
mod read;
mod refusal;
mod request;
mod routes;
mod server;
mod stop;
mod upload;
mod worker;

pub use card::About;
pub use config::{Config, HostName, Limits, Token};
pub use error::Error;
pub use server::Server;
pub use stop::Stop;

/// Name of every thread that this crate starts: a panic on one of them ends the current request, not the server.
pub const THREAD: &str = "serve";

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
