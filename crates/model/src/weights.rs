//! Pretrained weights, read from the TorchScript module that contains them.

use std::{collections::HashMap, path::Path};

use tch::{Device, Kind, Tensor};

use crate::{Error, Result, module, tensors::Shapes};

/// Weights that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PretrainedWeights {
    /// Path that `cargo xtask fetch-weights` writes them to, below the working folder.
    pub path: &'static str,
    /// SHA-256 of that file, in lowercase hexadecimal digits.
    pub(crate) sha256: &'static str,
    /// Text before our names in the names of its tensors.
    pub(crate) prefix: &'static str,
}

/// Reads tensors of these names and shapes, mapped one to one; `network` names them in errors. `pinned`: only the file that
/// can be fetched is accepted.
pub(crate) fn read(
    network: &str,
    weights: &PretrainedWeights,
    shapes: Shapes,
    path: &Path,
    pinned: bool,
) -> Result<HashMap<String, Tensor>> {
    let file = module::read_file(path, "weights")?;
    if pinned && module::sha256(&file) != weights.sha256 {
        return Err(Error::Weights {
            path: path.to_owned(),
            problem: format!(
                "its checksum is not that of the pretrained {network}: it is cut off, damaged or another file"
            ),
        });
    }
    let module = module::load(&file, path, Device::Cpu)?;
    mapped(module.named_parameters()?, shapes, network, weights.prefix, path)
}

/// Copies the module's tensors under our names: loaded tensors must not be tied to the module.
fn mapped(
    found: Vec<(String, Tensor)>,
    shapes: Shapes,
    network: &str,
    prefix: &str,
    path: &Path,
) -> Result<HashMap<String, Tensor>> {
    let problem = |problem: String| Error::Weights { path: path.to_owned(), problem };
    let mut found: HashMap<String, Tensor> = found.into_iter().collect();
    let mut tensors = HashMap::with_capacity(shapes.len());
    for (name, shape) in shapes {
        let tensor = found
            .remove(&format!("{prefix}{name}"))
            .ok_or_else(|| problem(format!("tensor `{prefix}{name}` of {network} is missing")))?;
        let there: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        if there != shape {
            return Err(problem(format!("tensor `{prefix}{name}` has shape {there:?}, expected {shape:?}")));
        }
        tensors.insert(name, tensor.f_to_kind(Kind::Float)?.f_detach_copy()?);
    }
    match found.keys().min() {
        Some(extra) => Err(problem(format!("tensor `{extra}` has no place in {network}"))),
        None => Ok(tensors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Shapes {
        vec![("a.weight".to_owned(), vec![2, 3]), ("a.mean".to_owned(), vec![2])]
    }

    /// Name and shape of a tensor.
    type Found = (&'static str, &'static [i64]);

    const WEIGHT: Found = ("net.a.weight", &[2, 3]);
    const MEAN: Found = ("net.a.mean", &[2]);

    fn read(found: &[Found]) -> Result<HashMap<String, Tensor>> {
        let tensor = |shape: &[i64]| Tensor::ones(shape, (Kind::BFloat16, Device::Cpu));
        let found = found.iter().map(|(name, shape)| ((*name).to_owned(), tensor(shape))).collect();
        mapped(found, shapes(), "toy", "net.", Path::new("w.pt"))
    }

    #[test]
    fn each_tensor_has_its_place() {
        let read = read(&[MEAN, WEIGHT]).unwrap();
        assert_eq!(
            (read.len(), read["a.weight"].size(), read["a.mean"].kind()),
            (2, vec![2, 3], Kind::Float)
        );
    }

    #[test]
    fn a_tensor_that_is_missing_or_misshapen_or_extra_is_named() {
        let problem = |found: &[Found]| read(found).unwrap_err().to_string();
        assert_eq!(problem(&[WEIGHT]), "weights `w.pt`: tensor `net.a.mean` of toy is missing");
        assert_eq!(
            problem(&[WEIGHT, ("net.a.mean", &[3])]),
            "weights `w.pt`: tensor `net.a.mean` has shape [3], expected [2]"
        );
        assert_eq!(
            problem(&[WEIGHT, MEAN, ("net.b", &[1])]),
            "weights `w.pt`: tensor `net.b` has no place in toy"
        );
    }
}
