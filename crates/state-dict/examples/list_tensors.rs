//! Lists the tensors of a file of weights, one a line: name, type, shape and CRC-32 of the bytes, separated by tabs.
//!
//! `tests/check_state_dicts.py` compares them with PyTorch's. Standard error takes what was unwrapped and ignored.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: list_tensors FILE");
        return ExitCode::FAILURE;
    };
    let start = std::time::Instant::now();
    let state_dict = match state_dict::read(Path::new(&path)) {
        Ok(state_dict) => state_dict,
        Err(error) => {
            eprintln!("{error}");
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            return ExitCode::FAILURE;
        }
    };
    eprintln!("{} tensors in {:.3} s", state_dict.len(), start.elapsed().as_secs_f64());
    eprintln!("unwrapped: {:?}, ignored: {:?}", state_dict.unwrapped(), state_dict.ignored());
    for (name, tensor) in state_dict.iter() {
        let sum = crc32fast::hash(&tensor.bytes);
        println!("{name}\t{}\t{:?}\t{sum:08x}", tensor.dtype, tensor.shape);
    }
    ExitCode::SUCCESS
}
