//! Tests of the tasks that build and run `thorax`, on a workspace whose `thorax` is a stand-in of a few lines: the order of
//! commands, the outputs, and the messages of failures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod bench;
mod demo;
mod dist;
#[path = "../common/path.rs"]
mod path;
#[path = "../common/said.rs"]
mod said;
mod serve;
mod steps;
mod workspace;
