//! Pretrained weights, read from the TorchScript module that contains them.

use std::{collections::HashMap, path::Path};

use tch::{Device, Kind, Tensor};

use crate::{Error, Result, module};

/// SHA-256 of the file that `cargo xtask fetch-weights` fetches.
pub(crate) const SHA256: &str = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34";
/// Prefix of the module's tensor names before our names.
const PREFIX: &str = "net.layers.";

/// Reads every tensor of the pretrained part by our name, mapped one to one. `pinned`: only the file of [`SHA256`] is accepted.
pub(crate) fn read(path: &Path, pinned: bool) -> Result<HashMap<String, Tensor>> {
    let file = module::read_file(path, "weights")?;
    if pinned && module::sha256(&file) != SHA256 {
        return Err(Error::Weights {
            path: path.to_owned(),
            problem: "its checksum is not that of the pretrained InceptionV3: it is cut off, damaged or another file"
                .to_owned(),
        });
    }
    let module = module::load(&file, path, Device::Cpu)?;
    mapped(module.named_parameters()?, path)
}

/// Copies the module's tensors under our names: loaded tensors must not be tied to the module.
fn mapped(found: Vec<(String, Tensor)>, path: &Path) -> Result<HashMap<String, Tensor>> {
    let problem = |problem: String| Error::Weights { path: path.to_owned(), problem };
    let mut found: HashMap<String, Tensor> = found.into_iter().collect();
    let shapes = super::base_shapes();
    let mut tensors = HashMap::with_capacity(shapes.len());
    for (name, shape) in shapes {
        let tensor = found
            .remove(&format!("{PREFIX}{name}"))
            .ok_or_else(|| problem(format!("tensor `{PREFIX}{name}` of InceptionV3 is missing")))?;
        let there: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        if there != shape {
            return Err(problem(format!("tensor `{PREFIX}{name}` has shape {there:?}, expected {shape:?}")));
        }
        tensors.insert(name, tensor.f_to_kind(Kind::Float)?.f_detach_copy()?);
    }
    match found.keys().min() {
        Some(extra) => Err(problem(format!("tensor `{extra}` has no place in InceptionV3"))),
        None => Ok(tensors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes tensors of the right names and shapes that take no memory.
    fn module() -> Vec<(String, Tensor)> {
        let zero = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let tensor =
            |shape: &[usize]| zero.expand(shape.iter().map(|&side| side as i64).collect::<Vec<_>>(), false);
        super::super::base_shapes()
            .iter()
            .filter(|(name, _)| name.starts_with("mixed_10") || name.starts_with("conv"))
            .map(|(name, shape)| (format!("{PREFIX}{name}"), tensor(shape)))
            .collect()
    }

    fn problem(tensors: Vec<(String, Tensor)>) -> String {
        mapped(tensors, Path::new("w.pt")).unwrap_err().to_string()
    }

    #[test]
    fn a_tensor_that_is_missing_or_misshapen_is_named() {
        assert_eq!(
            problem(module()),
            "weights `w.pt`: tensor `net.layers.mixed.conv.weight` of InceptionV3 is missing"
        );
        let mut other = module();
        other[2].1 = Tensor::zeros([31], (Kind::Float, Device::Cpu));
        assert_eq!(
            problem(other),
            "weights `w.pt`: tensor `net.layers.conv.mean` has shape [31], expected [32]"
        );
    }
}
