//! One saved model as a local web page and an HTTP interface.
//!
//! What this crate holds: [`Server`], which listens where its [`Config`] says and answers until [`Stop`] asks it to end. The
//! thread that calls [`Server::run`] computes, so that no tensor leaves it; connections and decoding have threads of their own
//! (named [`THREAD`]), and what passes between them is pixels and numbers.
//! What it must not know: training, the terminal, which file a model came from. It writes nothing to disk, prints nothing,
//! and no log line holds a file's name or anything of an image.
//!
//! An upload's way: [`guard`] (host, origin, token) → [`upload`] (its bytes, within size, memory and time) → [`read`] (a place
//! in the queue or 429, then pixels) → [`worker`] (a batch with others) → [`answer`] (JSON).
//!
//! Outside libraries: **axum** on **tokio** and **hyper** (the field's server; hyper itself, since its limits on slow clients
//! are not reachable through axum's own), **hyper-util** to bring them together, **tower-http** for CORS, **multer** reads
//! multipart forms as they come, **bytes** and **futures-util** are what those speak in, **subtle** compares tokens in constant
//! time, **base64** and **serde_json** for what goes out, **thiserror**, **tracing**.

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
mod page;
mod read;
mod refusal;
mod server;
mod upload;
mod worker;

pub use card::About;
pub use config::{Config, HostName, Limits, Token};
pub use error::Error;
pub use server::{Server, Stop};

/// The name of every thread that this crate starts: a panic on one of them ends the request at hand, not the server.
pub const THREAD: &str = "serve";

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
