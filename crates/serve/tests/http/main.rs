//! Tests of the server in this process over loopback: every status, every limit, and malformed forms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod client;
mod forms;
mod guard;
mod limits;
mod openapi;
mod requests;
mod world;
