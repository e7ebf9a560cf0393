//! Tests of `cargo xtask fetch-weights` with a server of our own: every success and failure.
//!
//! Each test checks the message, the exit code, and what is left on the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod archive;
mod cuda;
mod folder;
mod interrupted;
mod own;
#[path = "../common/path.rs"]
mod path;
#[path = "../common/said.rs"]
mod said;
mod server;
mod weights;
mod wheels;
mod world;
