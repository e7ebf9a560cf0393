use std::fmt;

use crate::Dtype;

/// Class, function or value that a pickle may name. Nothing of Python stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownName {
    OrderedDict,
    /// `torch.Size`, a tuple.
    Size,
    /// Function of PyTorch before 0.4: storage, offset, shape and strides.
    RebuildTensor,
    /// Function that adds the gradient's flag and hooks.
    RebuildTensorV2,
    /// Function that wraps a tensor.
    RebuildParameter,
    Storage(Dtype),
    Dtype(Dtype),
}

impl KnownName {
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch", "Size") => Some(Self::Size),
            ("torch._utils", "_rebuild_tensor") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_tensor_v2") => Some(Self::RebuildTensorV2),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch" | "torch.cuda" | "torch.storage", name) if name.ends_with("Storage") => {
                Dtype::of_storage(name).map(Self::Storage)
            }
            ("torch", name) => Dtype::of_name(name).map(Self::Dtype),
            _ => None,
        }
    }
}

impl fmt::Display for KnownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrderedDict => f.write_str("collections.OrderedDict"),
            Self::Size => f.write_str("torch.Size"),
            Self::RebuildTensor => f.write_str("torch._utils._rebuild_tensor"),
            Self::RebuildTensorV2 => f.write_str("torch._utils._rebuild_tensor_v2"),
            Self::RebuildParameter => f.write_str("torch._utils._rebuild_parameter"),
            Self::Storage(dtype) => write!(f, "a storage of {dtype}"),
            Self::Dtype(dtype) => write!(f, "torch.{dtype}"),
        }
    }
}
