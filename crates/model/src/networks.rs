//! The networks: one file and one row each.

mod convnet;
mod densenet_121;
mod efficientnet_lite0;
mod inception_v3;
mod resnet_50;
mod torchscript;

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Architecture, Error, Result};

pub use convnet::CONVNET;
pub use densenet_121::DENSENET_121;
pub use efficientnet_lite0::EFFICIENTNET_LITE0;
pub use inception_v3::INCEPTION_V3;
pub use resnet_50::RESNET_50;
pub use torchscript::TORCHSCRIPT;

/// All networks, in the order in which they are listed to users.
pub static ARCHITECTURES: [&Architecture; 6] =
    [&CONVNET, &INCEPTION_V3, &DENSENET_121, &RESNET_50, &EFFICIENTNET_LITE0, &TORCHSCRIPT];

impl FromStr for &'static Architecture {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = ARCHITECTURES.into_iter().find(|architecture| architecture.name == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = ARCHITECTURES.iter().map(|architecture| architecture.name).collect();
            Error::Spec(format!("unknown model `{text}`: one of {}", names.join(", ")))
        })
    }
}

impl<'de> Deserialize<'de> for &'static Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
