//! Limits that hold for every file.

/// Largest pickle, in bytes. That of a ResNet-50 has 40 kB.
pub const MAX_PICKLE: u64 = 16 << 20;
/// Largest number of objects that a pickle may make. A tensor takes about 20.
pub const MAX_OBJECTS: usize = 2 << 20;
/// Largest number of tensors. A ViT of 40 blocks has 700.
pub const MAX_TENSORS: usize = 100_000;
/// Largest number of dimensions of a tensor, PyTorch's own.
pub const MAX_DIMENSIONS: usize = 64;
/// Largest ratio of the tensors' bytes to the file's: tensors may share a storage, and a stride of 0 repeats its values.
pub const MAX_GROWTH: u64 = 4;
/// Bytes that tensors may hold beyond [`MAX_GROWTH`], for repeated values in small files.
pub const FREE_BYTES: u64 = 16 << 20;
