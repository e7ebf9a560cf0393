//! The networks: one file and one row each.

mod convnet;
mod densenet_121;
mod efficientnet_lite0;
mod inception_v3;
mod resnet_50;
mod torchscript;

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Architecture, Error, Precision, Result, Spec, network::Network};

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

/// Counts the values of a network that are trained where nothing is frozen, at its default image size. `None` where they depend
/// on a module of the user's.
///
/// # Errors
/// libtorch's own.
pub fn parameter_count(architecture: &'static Architecture, n_classes: usize) -> Result<Option<usize>> {
    let network = declared(architecture, n_classes)?;
    Ok(network.map(|network| network.parameters().iter().map(|one| one.tensor.numel()).sum()))
}

/// Names the blocks of a network that can be frozen through; none where they depend on a module of the user's, or there is one
/// block or no pretrained part.
///
/// # Errors
/// libtorch's own.
pub fn block_names(architecture: &'static Architecture) -> Result<Vec<String>> {
    let stages = declared(architecture, 2)?.map_or_else(Vec::new, |network| network.stages);
    let is_divided = architecture.has_pretrained_part() && stages.len() > 1;
    Ok(stages.iter().filter(|_| is_divided).map(|stage| stage.name().to_owned()).collect())
}

/// Builds a network that takes no memory, at its default image size.
fn declared(architecture: &'static Architecture, n_classes: usize) -> Result<Option<Network>> {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture,
        classes: (0..n_classes).map(|class| class.to_string()).collect(),
        image_size: architecture.image_size,
        interpolation: data::Interpolation::Nearest,
        formats: None,
        input_scale: architecture.input_scale,
        normalisation: architecture.normalisation,
        precision: Precision::F32,
    };
    Ok(Network::declared(&spec, None)?.map(|(network, _)| network))
}

#[cfg(test)]
mod tests;
