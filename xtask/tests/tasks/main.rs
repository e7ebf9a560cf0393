//! The tasks that build and run `thorax`, on a workspace whose `thorax` is a stand-in of a few lines: what is run in
//! which order, what is printed where, and what a failure says.

mod bench;
mod demo;
#[path = "../common/path.rs"]
mod path;
#[path = "../common/said.rs"]
mod said;
mod steps;
mod workspace;
