use std::{
    collections::HashMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use data::{Formats, Interpolation};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Tensor};

use crate::{Calibration, Error, Guard, InputScale, Kind, Normalisation, Precision, Result, Spec, module};

/// Version of the file that this program writes. Version 1 had no `formats`, by which its images would be decoded.
const FORMAT: u64 = 2;
/// Oldest version that it reads, and writes for what was read from it.
const WITHOUT_RULES: u64 = 1;
/// The longest header, in bytes. InceptionV3's with all of training takes 0.1 MB; JSON takes up to 16 times its length in memory.
const MAX_HEADER: u64 = 16 << 20;
/// The one metadata key. The safetensors crate keeps metadata in a hash map: with more keys, equal models would differ.
const KEY: &str = "thorax";
/// What stands before the checksum in the header, escaped as JSON within JSON.
const BEFORE_CHECKSUM: &[u8] = br#"\"sha256\":\""#;
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A network's file as plain numbers: what is written, what is read, and what may cross threads.
///
/// One safetensors file of f32 tensors whose only metadata key, `thorax`, holds [`Meta`] as JSON in fixed key order.
/// Its `sha256` covers the whole file, header included, with 64 zeros in its own place. Nothing in it depends on when
/// or where a run took place, so equal runs give equal bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What the weights are, and how they are used.
    pub meta: Meta,
    /// The tensors by name; those that belong to the optimizer start with `optimizer.`.
    pub tensors: Vec<NamedTensor>,
    /// The TorchScript module of a network that is built on one, as its file's bytes.
    pub backbone: Option<Arc<[u8]>>,
}

/// One tensor out of libtorch's hands.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Unique in its file.
    pub name: String,
    /// Sides, outermost first.
    pub shape: Vec<usize>,
    /// Values row by row.
    pub values: Vec<f32>,
}

/// What the module's bytes are called, a tensor of U8.
const BACKBONE: &str = "backbone.pt";
/// What the names of the optimizer's tensors begin with.
const OPTIMIZER: &str = "optimizer.";

impl NamedTensor {
    /// Whether it belongs to the optimizer, not to the network.
    pub fn is_optimizers(&self) -> bool {
        self.name.starts_with(OPTIMIZER)
    }

    /// Copies a tensor out of libtorch, row by row whatever its layout in memory.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn copy_of(name: impl Into<String>, tensor: &Tensor) -> Result<Self> {
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut values = vec![0.0; flat.numel()];
        flat.f_copy_data(&mut values, flat.numel())?;
        Ok(Self { name: name.into(), shape: flat.size().iter().map(|&side| side as usize).collect(), values })
    }

    /// The tensor, on the CPU.
    ///
    /// # Errors
    /// Values that do not fill the shape.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let shape: Vec<i64> = self.shape.iter().map(|&side| side as i64).collect();
        Ok(Tensor::f_from_slice(&self.values)?.f_view(shape.as_slice())?)
    }
}

/// What stands beside the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// The network and its input.
    pub spec: Spec,
    /// The figure that the epoch was judged by.
    pub metric: Metric,
    /// Epoch of these weights, counted from 1; 0 before training.
    pub epoch: u64,
    /// What was learnt from the validation part once training was over; empty where nothing was.
    pub calibration: Calibration,
    /// How images looked that it was trained on, where there were enough of them.
    pub guard: Option<Guard>,
    /// In the last checkpoint of a run, where training stood.
    pub training: Option<serde_json::Value>,
}

/// A monitored figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// As in the history, such as `val_loss`.
    pub name: String,
    /// Its value at this epoch.
    pub value: f64,
}

/// [`Meta`] as the file has it: the serialised form lives at the boundary, in this order of keys.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    model: Kind,
    classes: Vec<String>,
    image_size: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    formats: Option<String>,
    interpolation: String,
    input_scale: InputScale,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    normalisation: Option<Normalisation>,
    precision: Precision,
    metric: Metric,
    epoch: u64,
    #[serde(default, skip_serializing_if = "Calibration::is_empty")]
    calibration: Calibration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guard: Option<Guard>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<serde_json::Value>,
    sha256: String,
}

impl Checkpoint {
    /// The whole file; equal checkpoints give equal bytes.
    ///
    /// # Errors
    /// A tensor whose values do not fill its shape.
    pub fn encode(&self) -> Result<Encoded<'_>> {
        self.encode_with(self.meta.training.clone(), self.tensors.iter().collect())
    }

    /// The file without what belongs to training.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_network(&self) -> Result<Encoded<'_>> {
        self.encode_with(None, self.tensors.iter().filter(|tensor| !tensor.is_optimizers()).collect())
    }

    fn encode_with<'a>(
        &'a self,
        training: Option<serde_json::Value>,
        tensors: Vec<&'a NamedTensor>,
    ) -> Result<Encoded<'a>> {
        let invalid = |error: String| Error::Spec(format!("cannot encode a checkpoint: {error}"));
        let own = serde_json::to_string(&Header::new(&self.meta, training))
            .map_err(|error| invalid(error.to_string()))?;
        let mut entries: Vec<(&str, Dtype, Vec<usize>, &[u8])> = tensors
            .iter()
            .map(|tensor| {
                let bytes = bytemuck::cast_slice(&tensor.values);
                (tensor.name.as_str(), Dtype::F32, tensor.shape.clone(), bytes)
            })
            .chain(self.backbone.iter().map(|file| (BACKBONE, Dtype::U8, vec![file.len()], &**file)))
            .collect();
        // Bytes last: all before them stays aligned to the size of an f32.
        entries.sort_by(|a, b| (a.1 == Dtype::U8, a.0).cmp(&(b.1 == Dtype::U8, b.0)));
        let mut end = 0;
        let infos = entries.iter().map(|(name, dtype, shape, bytes)| {
            let start = end;
            end += bytes.len();
            let info = TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets: (start, end) };
            ((*name).to_owned(), info)
        });
        // The crate checks names, shapes and offsets against each other.
        let metadata = Metadata::new(Some(HashMap::from([(KEY.to_owned(), own)])), infos.collect())
            .map_err(|error| invalid(error.to_string()))?;
        let json = serde_json::to_vec(&metadata).map_err(|error| invalid(error.to_string()))?;
        // Spaces bring the payload to a multiple of eight bytes, as the format wants.
        let length = json.len().next_multiple_of(8);
        let mut header = (length as u64).to_le_bytes().to_vec();
        header.extend(&json);
        header.resize(8 + length, b' ');
        let payload: Vec<&[u8]> = entries.into_iter().map(|(_, _, _, bytes)| bytes).collect();
        let at = checksum_position(&header).ok_or_else(|| invalid("no place for the checksum".to_owned()))?;
        let checksum = checksum(&header, at, &payload);
        header[at..at + checksum.len()].copy_from_slice(checksum.as_bytes());
        Ok(Encoded { header, payload })
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no checkpoint, is cut off, of another format version, or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let file = module::read_bounded(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::decode(&file, path)
    }

    /// As [`Self::read`], from bytes; `path` names them in errors.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn decode(file: &[u8], path: &Path) -> Result<Self> {
        let other = |reason: String| Error::NotACheckpoint { path: path.to_owned(), reason };
        let cut_off =
            |expected: u64| Error::CutOff { path: path.to_owned(), found: file.len() as u64, expected };
        let header_end = match file.first_chunk::<8>() {
            Some(length) => u64::from_le_bytes(*length).saturating_add(8),
            None if file.is_empty() => return Err(other("it is empty".to_owned())),
            None => return Err(other("it is too short".to_owned())),
        };
        let start = format!("{{\"__metadata__\":{{\"{KEY}\":");
        if header_end > file.len() as u64 {
            let ours = file[8..].starts_with(start.as_bytes()) || start.as_bytes().starts_with(&file[8..]);
            return Err(if ours {
                cut_off(header_end)
            } else {
                other("it is no safetensors file".to_owned())
            });
        }
        if header_end > MAX_HEADER {
            return Err(other(format!("its header is longer than {} MiB", MAX_HEADER >> 20)));
        }
        // The crate's own reader cannot tell a file that is cut off from one that never was a checkpoint.
        let metadata: Metadata = serde_json::from_slice(&file[8..header_end as usize])
            .map_err(|_| other("it is no safetensors file".to_owned()))?;
        let json = (metadata.metadata().as_ref())
            .and_then(|keys| keys.get(KEY))
            .ok_or_else(|| other(format!("its metadata has no key `{KEY}`")))?;
        let unreadable = |error: serde_json::Error| other(format!("its metadata cannot be read ({error})"));
        let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        match value["format"].as_u64() {
            Some(WITHOUT_RULES | FORMAT) => {}
            Some(found) => {
                return Err(Error::FormatVersion { path: path.to_owned(), found, supported: FORMAT });
            }
            None => return Err(other("its metadata names no format version".to_owned())),
        }
        let header: Header = serde_json::from_value(value).map_err(unreadable)?;
        let expected = header_end.saturating_add(metadata.data_len() as u64);
        if (file.len() as u64) < expected {
            return Err(cut_off(expected));
        }
        let at = checksum_position(file).filter(|&at| checksum(file, at, &[]) == header.sha256);
        if at.is_none() {
            return Err(Error::Damaged { path: path.to_owned() });
        }
        let formats: Option<Formats> = match &header.formats {
            None if header.format == WITHOUT_RULES => None,
            None => return Err(other("it does not say by which rules images are decoded".to_owned())),
            Some(rules) => Some(rules.parse().map_err(other)?),
        };
        let interpolation: Interpolation = (header.interpolation.parse())
            .map_err(|_| other(format!("interpolation `{}` is unknown", header.interpolation)))?;
        let tensors = SafeTensors::deserialize(file).map_err(|error| other(error.to_string()))?;
        let mut named = Vec::with_capacity(tensors.len());
        let mut backbone = None;
        for (name, view) in tensors.iter() {
            match view.dtype() {
                Dtype::F32 => named.push(NamedTensor {
                    name: name.to_owned(),
                    shape: view.shape().to_vec(),
                    values: bytemuck::pod_collect_to_vec(view.data()),
                }),
                Dtype::U8 if name == BACKBONE => backbone = Some(view.data().into()),
                dtype => return Err(other(format!("tensor `{name}` is {dtype:?}, not F32"))),
            }
        }
        named.sort_by(|a, b| a.name.cmp(&b.name));
        let spec = Spec {
            kind: header.model,
            classes: header.classes,
            image_size: header.image_size,
            formats,
            interpolation,
            input_scale: header.input_scale,
            normalisation: header.normalisation,
            precision: header.precision,
        };
        let guard = header.guard.as_ref();
        let problem = header.calibration.problem(&spec.classes);
        if let Some(problem) = problem.or_else(|| guard.and_then(|guard| guard.problem(spec.classes.len()))) {
            return Err(other(problem));
        }
        let meta = Meta {
            spec,
            metric: header.metric,
            epoch: header.epoch,
            calibration: header.calibration,
            guard: header.guard,
            training: header.training,
        };
        Ok(Self { meta, tensors: named, backbone })
    }

    /// Fills `tensor` with the values of the tensor of this name.
    ///
    /// # Errors
    /// A tensor that is not there or has another shape.
    pub fn restore(&self, name: &str, tensor: &mut Tensor) -> Result<()> {
        let named = self.tensors.iter().find(|named| named.name == name);
        let named = named.ok_or_else(|| Error::Spec(format!("the checkpoint lacks the tensor `{name}`")))?;
        let size: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        if named.shape != size {
            let found = &named.shape;
            return Err(Error::Spec(format!("tensor `{name}` has shape {found:?}, expected {size:?}")));
        }
        let _guard = tch::no_grad_guard();
        Ok(tensor.f_copy_(&named.to_tensor()?)?)
    }

    /// The network's own tensors in the order of `shapes`, each checked by name and shape; `path` names the file.
    ///
    /// # Errors
    /// A missing, extra or misshapen tensor, named.
    pub(crate) fn network_tensors(
        &self,
        shapes: &[(String, Vec<usize>)],
        path: &Path,
    ) -> Result<Vec<&NamedTensor>> {
        let problem = |problem: String| Error::Tensors { path: path.to_owned(), problem };
        let extra = self
            .tensors
            .iter()
            .find(|tensor| !tensor.is_optimizers() && shapes.iter().all(|(name, _)| tensor.name != *name));
        if let Some(extra) = extra {
            return Err(problem(format!("tensor `{}` has no place in the network", extra.name)));
        }
        shapes
            .iter()
            .map(|(name, shape)| {
                let tensor = (self.tensors.iter().find(|tensor| tensor.name == *name))
                    .ok_or_else(|| problem(format!("tensor `{name}` is missing")))?;
                if tensor.shape != *shape {
                    let found = &tensor.shape;
                    return Err(problem(format!("tensor `{name}` has shape {found:?}, expected {shape:?}")));
                }
                Ok(tensor)
            })
            .collect()
    }
}

/// A file's bytes, the tensors' still where they were: they are many, and written while training goes on.
pub struct Encoded<'a> {
    header: Vec<u8>,
    payload: Vec<&'a [u8]>,
}

impl Encoded<'_> {
    /// Writes all of it.
    ///
    /// # Errors
    /// The sink's own.
    pub fn write_to(&self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.header)?;
        self.payload.iter().try_for_each(|bytes| sink.write_all(bytes))
    }
}

impl Header {
    fn new(meta: &Meta, training: Option<serde_json::Value>) -> Self {
        let spec = &meta.spec;
        Self {
            format: if spec.formats.is_some() { FORMAT } else { WITHOUT_RULES },
            model: spec.kind,
            classes: spec.classes.clone(),
            image_size: spec.image_size,
            formats: spec.formats.map(|rules| rules.to_string()),
            interpolation: spec.interpolation.to_string(),
            input_scale: spec.input_scale,
            normalisation: spec.normalisation,
            precision: spec.precision,
            metric: meta.metric.clone(),
            epoch: meta.epoch,
            calibration: meta.calibration.clone(),
            guard: meta.guard.clone(),
            training,
            sha256: NO_CHECKSUM.to_owned(),
        }
    }
}

/// Where the checksum's 64 digits stand in the file's header.
fn checksum_position(file: &[u8]) -> Option<usize> {
    let header_end = usize::try_from(u64::from_le_bytes(*file.first_chunk::<8>()?)).ok()?.checked_add(8)?;
    let header = file.get(..header_end)?;
    let before = header.windows(BEFORE_CHECKSUM.len()).position(|bytes| bytes == BEFORE_CHECKSUM)?;
    let at = before + BEFORE_CHECKSUM.len();
    (at + NO_CHECKSUM.len() <= header_end).then_some(at)
}

/// SHA-256 of the whole file with zeros in the checksum's own place, as lowercase hex; `rest` follows `file`.
fn checksum(file: &[u8], at: usize, rest: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&file[..at]);
    hasher.update(NO_CHECKSUM);
    hasher.update(&file[at + NO_CHECKSUM.len()..]);
    rest.iter().for_each(|bytes| hasher.update(bytes));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
