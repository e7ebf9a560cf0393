//! Pretrained weights, read from the TorchScript module or the state dict that contains them.

use std::{collections::HashMap, path::Path};

use tch::{Device, Kind, Tensor};

use crate::{Error, Result, module, tensors::Shapes};

/// Default weights of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PretrainedWeights {
    /// Path at which they are looked for, below the working folder.
    pub path: &'static str,
    /// Command that fetches them; none where they can only be had by hand.
    pub fetched_by: Option<&'static str>,
    /// Licence of the file, and who gives it.
    pub licence: &'static str,
    /// SHA-256 of that file in lowercase hexadecimal digits, or its beginning.
    pub(crate) sha256: &'static str,
    pub(crate) format: WeightsFormat,
}

impl PretrainedWeights {
    /// Tells how a user gets the file, as the beginning of a hint.
    pub fn how_to_get(&self) -> String {
        match self.fetched_by {
            Some(command) => format!("run `{command}`"),
            None => format!("put torchvision's file at `{}`", self.path),
        }
    }
}

/// Form of a file of weights, and its names of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WeightsFormat {
    /// TorchScript module.
    TorchScript {
        /// Text before our names in the names of its tensors.
        prefix: &'static str,
    },
    /// State dict: safetensors, or PyTorch's `.pth`.
    StateDict {
        /// Parts of names in files, and what stands in their place here.
        renamed: &'static [(&'static str, &'static str)],
        /// Beginning of the names of the classifier's tensors, which are left out.
        classifier: &'static str,
    },
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
    let file = match weights.format {
        WeightsFormat::TorchScript { .. } => module::read_file(path, "weights")?,
        WeightsFormat::StateDict { .. } => module::read_whole(path, "weights")?,
    };
    if pinned && !module::sha256(&file).starts_with(weights.sha256) {
        return Err(Error::Weights {
            path: path.to_owned(),
            problem: format!(
                "its checksum is not that of the pretrained {network}: it is cut off, damaged or another file"
            ),
        });
    }
    match weights.format {
        WeightsFormat::TorchScript { prefix } => {
            let module = module::load(&file, path, Device::Cpu)?;
            mapped(module.named_parameters()?, shapes, network, prefix, path)
        }
        WeightsFormat::StateDict { renamed, classifier } => {
            let mut found = state_dict::decode(&file, path)?;
            found.remove_prefixes();
            mapped(tensors(found, renamed, classifier, path)?, shapes, network, "", path)
        }
    }
}

/// Beginning of the names of our own dense layers: the checkpoint of a run is a file of weights, too.
const HEAD: &str = "head.";
/// Counters of PyTorch's batch norms, which are no weights.
const COUNTER: &str = ".num_batches_tracked";

/// Converts the tensors of a state dict to f32 under our names, without the classifier and counters.
fn tensors(
    found: state_dict::StateDict,
    renamed: &[(&str, &str)],
    classifier: &str,
    path: &Path,
) -> Result<Vec<(String, Tensor)>> {
    let is_head = |name: &str| name.starts_with(classifier) || name.starts_with(HEAD);
    let is_weight = |name: &str| !is_head(name) && !name.ends_with(COUNTER);
    let found = found.into_tensors().into_iter().filter(|(name, _)| is_weight(name));
    found
        .map(|(name, stored)| {
            let Some(values) = stored.to_f32() else {
                let problem = format!("tensor `{name}` holds {}, not floating-point numbers", stored.dtype);
                return Err(Error::Weights { path: path.to_owned(), problem });
            };
            let shape: Vec<i64> = stored.shape.iter().map(|&side| side as i64).collect();
            let tensor = Tensor::f_from_slice(&values)?.f_view(&shape[..])?;
            let ours = renamed.iter().fold(name, |name, (theirs, ours)| name.replace(theirs, ours));
            Ok((ours, tensor))
        })
        .collect()
}

/// Spreads the kernel of a first convolution of gray images over three channels, which differ by their normalisation
/// alone.
fn in_colour(tensor: Tensor, shape: &[usize]) -> Result<Tensor> {
    match (&tensor.size()[..], shape) {
        (&[out, 1, height, width], &[_, 3, ..]) => {
            Ok(tensor.f_div_scalar(3.0)?.f_expand([out, 3, height, width], false)?)
        }
        _ => Ok(tensor),
    }
}

/// Copies a file's tensors under our names: those of a module must not be tied to it.
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
        let tensor = in_colour(tensor, &shape)?;
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
