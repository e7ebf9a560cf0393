//! End-to-end tests: the program as its users run it, in a fresh folder each.
//!
//! Every test of a bad input checks the message, the exit code, and what is left on the disk.

mod audit;
mod backbones;
mod bad_images;
mod bad_input;
mod checkpoints;
mod pictures;
mod real_data;
mod recipes;
mod runs;
mod transfer;
mod world;
