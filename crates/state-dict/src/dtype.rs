use std::fmt;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 64-bit floating point.
    F64,
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point of IEEE 754: 5 bits of exponent.
    F16,
    /// Upper half of a 32-bit floating point: 8 bits of exponent.
    Bf16,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 16-bit signed integer.
    I16,
    /// 8-bit signed integer.
    I8,
    /// 8-bit unsigned integer.
    U8,
    /// One byte, 0 or 1.
    Bool,
}

/// Every type, with its name as a dtype and as a storage of PyTorch (`_dtype_to_storage_type_map` in `torch/storage.py`).
const NAMES: [(Dtype, &str, &str); 10] = [
    (Dtype::F64, "float64", "DoubleStorage"),
    (Dtype::F32, "float32", "FloatStorage"),
    (Dtype::F16, "float16", "HalfStorage"),
    (Dtype::Bf16, "bfloat16", "BFloat16Storage"),
    (Dtype::I64, "int64", "LongStorage"),
    (Dtype::I32, "int32", "IntStorage"),
    (Dtype::I16, "int16", "ShortStorage"),
    (Dtype::I8, "int8", "CharStorage"),
    (Dtype::U8, "uint8", "ByteStorage"),
    (Dtype::Bool, "bool", "BoolStorage"),
];

impl Dtype {
    /// Returns the size of an element, in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// True for floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Finds the type of a storage by its class, such as `FloatStorage`.
    pub(crate) fn of_storage(class: &str) -> Option<Self> {
        match class {
            "UntypedStorage" => Some(Self::U8),
            _ => NAMES.iter().find(|(_, _, storage)| *storage == class).map(|(dtype, _, _)| *dtype),
        }
    }

    /// Finds a type by PyTorch's name, such as `float32`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known, _)| *known == name).map(|(dtype, _, _)| *dtype)
    }
}

impl fmt::Display for Dtype {
    /// Writes PyTorch's name, such as `float32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(dtype, _, _)| dtype == self).map_or("", |(_, name, _)| name);
        f.write_str(name)
    }
}
