//! The server in this process, spoken to over loopback: every status, every limit, and forms that nobody would write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod client;
mod forms;
mod guard;
mod limits;
mod openapi;
mod requests;
mod world;
