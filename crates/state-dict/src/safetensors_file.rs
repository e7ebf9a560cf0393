//! Files of the safetensors format: the length of a header (8 bytes, little-endian), the header as JSON, then the tensors in
//! the header's order, contiguous and little-endian (`huggingface/safetensors`).

use std::io::{Read, Seek};

use safetensors::tensor::{Dtype as FileDtype, Metadata, TensorInfo};

use crate::{
    Dtype, StateDict, StoredTensor,
    assembly::{check_count, read_bytes},
    error::{ReadProblem, shown},
};

/// Largest header, in bytes: JSON takes up to 16 times its length in memory.
const MAX_HEADER: u64 = 16 << 20;

pub(crate) fn read<R: Read + Seek>(file: &mut R, length: u64) -> Result<StateDict, ReadProblem> {
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    let header = u64::from_le_bytes(start);
    let header_end = header.saturating_add(8);
    if header > MAX_HEADER {
        // Eight bytes of anything make a number.
        let problem =
            format!("it would be a safetensors file with a header of more than {} MiB", MAX_HEADER >> 20);
        return Err(ReadProblem::NotWeights(problem));
    }
    if header_end > length {
        let problem = format!("its header has {} of {header} bytes", length - 8);
        return Err(ReadProblem::CutOff(problem));
    }
    let json = read_bytes(file, header, "part", "header")?;
    let invalid =
        |error: &dyn std::fmt::Display| ReadProblem::Damaged(format!("its header is invalid ({error})"));
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|error| invalid(&error))?;
    check_count(metadata.tensors().len())?;
    let infos: Vec<(String, TensorInfo)> = (metadata.offset_keys().into_iter())
        .filter_map(|name| metadata.info(&name).map(|info| (name.clone(), info.clone())))
        .collect();
    // The crate checks offsets and shapes against each other, and that the tensors follow each other without gaps.
    Metadata::new(None, infos.clone()).map_err(|error| invalid(&error))?;
    let expected = header_end.saturating_add(metadata.data_len() as u64);
    if length < expected {
        return Err(ReadProblem::CutOff(format!("{length} of {expected} bytes are there")));
    }
    if length > expected {
        return Err(ReadProblem::Damaged(format!("{} bytes follow its last tensor", length - expected)));
    }
    let mut tensors = Vec::with_capacity(infos.len());
    for (name, info) in infos {
        let unknown = || ReadProblem::UnknownType {
            what: format!("tensor `{}`", shown(&name)),
            dtype: format!("{:?}", info.dtype),
        };
        let dtype = dtype(info.dtype).ok_or_else(unknown)?;
        let bytes = read_bytes(file, (info.data_offsets.1 - info.data_offsets.0) as u64, "tensor", &name)?;
        tensors.push((name, StoredTensor { dtype, shape: info.shape, bytes }));
    }
    match tensors.is_empty() {
        true => Err(ReadProblem::NotWeights("it is a safetensors file without tensors".to_owned())),
        false => Ok(StateDict { tensors, ..StateDict::default() }),
    }
}

fn dtype(dtype: FileDtype) -> Option<Dtype> {
    Some(match dtype {
        FileDtype::F64 => Dtype::F64,
        FileDtype::F32 => Dtype::F32,
        FileDtype::F16 => Dtype::F16,
        FileDtype::BF16 => Dtype::Bf16,
        FileDtype::I64 => Dtype::I64,
        FileDtype::I32 => Dtype::I32,
        FileDtype::I16 => Dtype::I16,
        FileDtype::I8 => Dtype::I8,
        FileDtype::U8 => Dtype::U8,
        FileDtype::BOOL => Dtype::Bool,
        _ => return None,
    })
}
