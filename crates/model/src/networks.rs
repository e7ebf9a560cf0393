//! The networks: one file and one row each.

mod convnet;
mod inception_v3;
mod torchscript;

use crate::Architecture;

pub use convnet::CONVNET;
pub use inception_v3::INCEPTION_V3;
pub use torchscript::TORCHSCRIPT;
pub(crate) use torchscript::{Module, without_file};

/// All networks, in the order in which they are listed to users.
pub static ARCHITECTURES: [&Architecture; 3] = [&CONVNET, &INCEPTION_V3, &TORCHSCRIPT];

#[cfg(test)]
mod tests;
