//! End-to-end tests: the program as its users run it, in a fresh folder each.
//!
//! Every test of a bad input checks the message, the exit code, and what is left on the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod audit;
mod augmentation;
mod backbones;
mod bad_images;
mod bad_input;
mod cache;
mod calibration;
mod checkpoints;
#[path = "../crates/serve/tests/http/client.rs"]
mod client;
mod completions;
mod console;
mod cross_validation;
mod decode;
mod explain;
mod export;
mod faults;
mod findings;
mod folders;
mod formats;
mod guard;
mod guide;
mod hostile;
mod label_files;
mod layouts;
mod links;
mod memory;
mod networks;
mod odd_images;
mod output;
mod phantoms;
mod pictures;
mod predict;
mod real_data;
mod recipes;
mod report;
mod resume;
mod rules;
mod runs;
mod serve;
mod serve_page;
mod sets;
mod splits;
mod torture;
mod transfer;
mod world;
