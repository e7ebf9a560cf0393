use std::{
    collections::HashMap,
    io::{self, BufReader, Read, Write},
    path::Path,
    sync::Arc,
};

use data::{Formats, Interpolation};
use metrics::{Calibration, Task};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::Tensor;

use crate::{
    Architecture, Error, InputScale, NamedTensor, Normalisation, OodDetector, Precision, Result, Spec, module,
};

/// File version that this program writes. Version 1 had no `formats`, the rules that images are decoded by.
const FORMAT: u64 = 2;
/// Version of networks of findings: earlier versions of the program would take them for classes.
const FINDINGS: u64 = 3;
/// Oldest version that this program reads; it writes this version again for what it read in it.
const WITHOUT_RULES: u64 = 1;
/// Largest header, in bytes. InceptionV3's with all of training takes 0.1 MB; JSON takes up to 16 times its length in memory.
const MAX_HEADER: u64 = 16 << 20;
/// Only metadata key. The safetensors crate keeps metadata in a hash map: with more keys, equal models would differ.
const KEY: &str = "thorax";
/// Bytes right before the checksum in the header, escaped as JSON within JSON.
const BEFORE_CHECKSUM: &[u8] = br#"\"sha256\":\""#;
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Content of a network's file as plain numbers, which are written, read and passed between threads.
///
/// One safetensors file of f32 tensors whose only metadata key, `thorax`, holds [`Meta`] as JSON in fixed key order.
/// Its `sha256` covers the whole file, header included, with 64 zeros in its own place. Nothing in it depends on when
/// or where a run took place, so equal runs give equal bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Settings and state that belong to the weights, such as classes, input size and epoch.
    pub meta: Meta,
    /// Tensors by name; the optimizer's start with `optimizer.`.
    pub tensors: Vec<NamedTensor>,
    /// File bytes of the TorchScript module, for a network that is built on one.
    pub backbone: Option<Arc<[u8]>>,
}

/// Name under which the bytes of the TorchScript module are stored, as a tensor of U8.
const BACKBONE: &str = "backbone.pt";

/// Metadata of a checkpoint, stored beside the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Settings of the network and its input.
    pub spec: Spec,
    /// Metric that the epoch was judged by, with its value.
    pub metric: Metric,
    /// Epoch of these weights, counted from 1; 0 before training.
    pub epoch: u64,
    /// Temperature and thresholds fitted on the validation split after training; empty where nothing was fitted.
    pub calibration: Calibration,
    /// Input guard fitted on the training images, where there were enough of them.
    pub guard: Option<OodDetector>,
    /// State of training, in the last checkpoint of a run.
    pub training: Option<serde_json::Value>,
}

/// Monitored metric with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Name as in the history, such as `val_loss`.
    pub name: String,
    /// Value at this epoch.
    pub value: f64,
}

/// [`Meta`] as serialised in the file, in this order of keys.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    model: &'static Architecture,
    #[serde(default, skip_serializing_if = "Task::is_multi_class")]
    task: Task,
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
    guard: Option<OodDetector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<serde_json::Value>,
    sha256: String,
}

impl Checkpoint {
    /// Encodes the whole file; equal checkpoints give equal bytes.
    ///
    /// # Errors
    /// A tensor whose values do not fill its shape.
    pub fn encode(&self) -> Result<Encoded<'_>> {
        self.encode_with(self.meta.training.clone(), self.tensors.iter().collect())
    }

    /// Encodes the file without the tensors and metadata of training.
    ///
    /// # Errors
    /// The same as [`Self::encode`].
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

    /// Reads and checks a file: the header first; the tensors, one after the other, only if the header announces valid ones.
    ///
    /// # Errors
    /// A file that cannot be read, is no checkpoint, is cut off, of another format version, or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let file = module::open_bounded(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Self::decode_from(&mut BufReader::new(file), length, path)
    }

    /// Reads a checkpoint from bytes; `path` names them in errors.
    ///
    /// # Errors
    /// The same as [`Self::read`].
    pub fn decode(file: &[u8], path: &Path) -> Result<Self> {
        Self::decode_from(&mut &*file, file.len() as u64, path)
    }

    /// Reads a checkpoint from `length` bytes of `source`.
    fn decode_from(source: &mut dyn Read, length: u64, path: &Path) -> Result<Self> {
        let other = |reason: String| Error::NotACheckpoint { path: path.to_owned(), reason };
        let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let cut_off = |expected: u64| Error::CutOff { path: path.to_owned(), found: length, expected };
        let (head, metadata) = read_head(source, length, path)?;
        let json = (metadata.metadata().as_ref())
            .and_then(|keys| keys.get(KEY))
            .ok_or_else(|| other(format!("its metadata has no key `{KEY}`")))?;
        let unreadable = |error: serde_json::Error| other(format!("its metadata cannot be read ({error})"));
        let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        match value["format"].as_u64() {
            Some(WITHOUT_RULES | FORMAT | FINDINGS) => {}
            Some(found) => {
                return Err(Error::FormatVersion { path: path.to_owned(), found, supported: FINDINGS });
            }
            None => return Err(other("its metadata names no format version".to_owned())),
        }
        let header: Header = serde_json::from_value(value).map_err(unreadable)?;
        let expected = (head.len() as u64).saturating_add(metadata.data_len() as u64);
        if length < expected {
            return Err(cut_off(expected));
        }
        let at = checksum_position(&head).filter(|_| length == expected);
        let at = at.ok_or_else(|| Error::Damaged { path: path.to_owned() })?;
        let infos = metadata.offset_keys().into_iter().filter_map(|name| {
            let info = metadata.info(&name)?.clone();
            Some((name, info))
        });
        let infos: Vec<(String, TensorInfo)> = infos.collect();
        // The crate checks offsets and shapes against each other.
        Metadata::new(None, infos.clone()).map_err(|error| other(error.to_string()))?;
        let (meta, sum) = header.into_meta().map_err(other)?;
        if let Some(most) = meta.spec.checkpoint_bytes()?
            && metadata.data_len() as u64 > most
        {
            return Err(other(format!("its tensors are larger than those of a {}", meta.spec.architecture)));
        }

        let mut hasher = Sha256::new();
        hasher.update(&head[..at]);
        hasher.update(NO_CHECKSUM);
        hasher.update(&head[at + NO_CHECKSUM.len()..]);
        let mut named = Vec::with_capacity(infos.len());
        let mut backbone = None;
        let no_memory = |_| failed(io::ErrorKind::OutOfMemory.into());
        for (name, info) in infos {
            let (start, end) = info.data_offsets;
            match info.dtype {
                Dtype::F32 => {
                    let mut values: Vec<f32> = Vec::new();
                    values.try_reserve_exact((end - start) / 4).map_err(no_memory)?;
                    values.resize((end - start) / 4, 0.0);
                    let bytes = bytemuck::cast_slice_mut(&mut values);
                    source.read_exact(bytes).map_err(failed)?;
                    hasher.update(bytes);
                    named.push(NamedTensor { name, shape: info.shape, values });
                }
                Dtype::U8 if name == BACKBONE => {
                    let mut bytes = Vec::new();
                    bytes.try_reserve_exact(end - start).map_err(no_memory)?;
                    bytes.resize(end - start, 0);
                    source.read_exact(&mut bytes).map_err(failed)?;
                    hasher.update(&bytes);
                    backbone = Some(bytes.into());
                }
                dtype => return Err(other(format!("tensor `{name}` is {dtype:?}, not F32"))),
            }
        }
        if hex(hasher) != sum {
            return Err(Error::Damaged { path: path.to_owned() });
        }
        named.sort_by(|a, b| a.name.cmp(&b.name));
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

    /// Returns the network's own tensors in the order of `shapes`, each checked by name and shape; `path` names the file.
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

/// Encoded file. It borrows the tensors' bytes instead of copying them: they are large, and written while training continues.
pub struct Encoded<'a> {
    header: Vec<u8>,
    payload: Vec<&'a [u8]>,
}

impl Encoded<'_> {
    /// Writes the whole file.
    ///
    /// # Errors
    /// Errors of the sink.
    pub fn write_to(&self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.header)?;
        self.payload.iter().try_for_each(|bytes| sink.write_all(bytes))
    }
}

impl Header {
    /// Returns the metadata and the checksum, or the reason why no network can be built from this header.
    fn into_meta(self) -> std::result::Result<(Meta, String), String> {
        let formats: Option<Formats> = match &self.formats {
            None if self.format == WITHOUT_RULES => None,
            None => return Err("it does not say by which rules images are decoded".to_owned()),
            Some(rules) => Some(rules.parse()?),
        };
        let interpolation: Interpolation = (self.interpolation.parse())
            .map_err(|_| format!("interpolation `{}` is unknown", self.interpolation))?;
        let spec = Spec {
            architecture: self.model,
            task: self.task,
            classes: self.classes,
            image_size: self.image_size,
            formats,
            interpolation,
            input_scale: self.input_scale,
            normalisation: self.normalisation,
            precision: self.precision,
        };
        spec.check().map_err(|error| error.to_string())?;
        let guard = self.guard.as_ref();
        let problem = self.calibration.problem(&spec.classes);
        if let Some(problem) = problem.or_else(|| guard.and_then(|guard| guard.problem(spec.classes.len()))) {
            return Err(problem);
        }
        let meta = Meta {
            spec,
            metric: self.metric,
            epoch: self.epoch,
            calibration: self.calibration,
            guard: self.guard,
            training: self.training,
        };
        Ok((meta, self.sha256))
    }

    fn new(meta: &Meta, training: Option<serde_json::Value>) -> Self {
        let spec = &meta.spec;
        Self {
            format: match (spec.task, spec.formats) {
                (Task::MultiLabel, _) => FINDINGS,
                (Task::MultiClass, Some(_)) => FORMAT,
                (Task::MultiClass, None) => WITHOUT_RULES,
            },
            model: spec.architecture,
            task: spec.task,
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

/// Finds the position of the checksum's 64 digits in the file's header.
fn checksum_position(file: &[u8]) -> Option<usize> {
    let header_end = usize::try_from(u64::from_le_bytes(*file.first_chunk::<8>()?)).ok()?.checked_add(8)?;
    let header = file.get(..header_end)?;
    let before = header.windows(BEFORE_CHECKSUM.len()).position(|bytes| bytes == BEFORE_CHECKSUM)?;
    let at = before + BEFORE_CHECKSUM.len();
    (at + NO_CHECKSUM.len() <= header_end).then_some(at)
}

/// Computes the SHA-256 of the whole file with zeros in the checksum's own place, as lowercase hex; `rest` follows `file`.
fn checksum(file: &[u8], at: usize, rest: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&file[..at]);
    hasher.update(NO_CHECKSUM);
    hasher.update(&file[at + NO_CHECKSUM.len()..]);
    rest.iter().for_each(|bytes| hasher.update(bytes));
    hex(hasher)
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the header of a file of `length` bytes. Returns its bytes, the length field included, and the parsed metadata.
fn read_head(source: &mut dyn Read, length: u64, path: &Path) -> Result<(Vec<u8>, Metadata)> {
    let other = |reason: &str| Error::NotACheckpoint { path: path.to_owned(), reason: reason.to_owned() };
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    if length < 8 {
        return Err(other(if length == 0 { "it is empty" } else { "it is too short" }));
    }
    let mut head = vec![0; 8];
    source.read_exact(&mut head).map_err(failed)?;
    let header_end =
        head.first_chunk::<8>().map_or(0, |length| u64::from_le_bytes(*length)).saturating_add(8);
    let begin = format!("{{\"__metadata__\":{{\"{KEY}\":");
    if header_end > length {
        let mut there = vec![0; begin.len().min((length - 8) as usize)];
        source.read_exact(&mut there).map_err(failed)?;
        // Magic bytes of a file that is cut off within its header.
        return Err(match begin.as_bytes().starts_with(&there) {
            true => Error::CutOff { path: path.to_owned(), found: length, expected: header_end },
            false => other("it is no safetensors file"),
        });
    }
    if header_end > MAX_HEADER {
        return Err(other(&format!("its header is longer than {} MiB", MAX_HEADER >> 20)));
    }
    head.resize(header_end as usize, 0);
    source.read_exact(&mut head[8..]).map_err(failed)?;
    // The crate's own reader cannot tell a file that is cut off from one that never was a checkpoint.
    let metadata = serde_json::from_slice(&head[8..]).map_err(|_| other("it is no safetensors file"))?;
    Ok((head, metadata))
}

#[cfg(test)]
mod tests;
