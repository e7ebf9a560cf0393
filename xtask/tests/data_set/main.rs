//! Tests of `cargo xtask fetch-data` with servers and archives of our own: every success and failure.
//!
//! Each test checks the message, the exit code, and what is left on the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod archive;
mod download;
mod forge;
mod hostile;
mod interrupted;
mod kaggle;
mod place;
#[path = "../common/said.rs"]
mod said;
mod server;
mod world;
