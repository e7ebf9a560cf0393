//! Files of weights, as they are and by the pickles in them.

use std::path::Path;

#[path = "../../../crates/state-dict/src/tests/files.rs"]
mod files;

use files::{Pickle, STREAM, counting, stream, usual, zip};

/// Decodes a file; what is read must fill its shapes and stay within the limits.
fn decode(file: &[u8]) {
    let Ok(mut state_dict) = state_dict::decode(file, Path::new("w.pth")) else { return };
    let mut total = 0;
    for (_, tensor) in state_dict.iter() {
        let elements: usize = if tensor.shape.contains(&0) { 0 } else { tensor.shape.iter().product() };
        assert_eq!(tensor.bytes.len(), elements * tensor.dtype.size());
        assert_eq!(tensor.to_f32().map(|values| values.len()), tensor.dtype.is_float().then_some(elements));
        total += tensor.bytes.len() as u64;
    }
    assert!(total <= file.len() as u64 * state_dict::MAX_GROWTH + state_dict::FREE_BYTES);
    let before = state_dict.len();
    state_dict.remove_prefixes();
    let names: std::collections::HashSet<_> = state_dict.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), before);
}

pub(crate) fn run(input: &[u8]) {
    decode(input);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    files::files()
}

/// A pickle alone: the harness puts it into a zip with the right checksum, and into a stream with storages after it.
pub(crate) fn pickle(input: &[u8]) {
    let (six, twelve, count) = (counting(6), counting(12), 7_i64.to_le_bytes());
    decode(&zip(input, &[("0", &six), ("1", &twelve), ("2", &count), ("3", &[])]));
    decode(&stream(input, &[("0", 6, &six), ("1", 12, &twelve), ("2", 1, &count), ("3", 0, &[])]));
    decode(&[STREAM, input].concat());
}

pub(crate) fn pickle_seeds() -> Vec<Vec<u8>> {
    let wrapped = Pickle::new().raw(b"}(").text("epoch").integer(3).text("model").tensors(&usual(), b"N");
    let size = Pickle::new()
        .raw(b"\x80\x04}")
        .text("a")
        .global("torch", "Size")
        .integers(&[2, 3])
        .raw(b"\x85R\x94s");
    let other = Pickle::new().text("os").text("system").raw(b"\x93");
    let plain = Pickle::new().raw(
        b"](NG\0\0\0\0\0\0\0\0\x88\x8c\x01xC\x01xU\x01xB\x01\0\0\0x\x8b\x01\0\0\0\x01M\x01\x02J\0\0\0\0e",
    );
    let all = [Pickle::new().tensors(&usual(), b""), wrapped.raw(b"u"), size, other, plain];
    all.map(Pickle::end).to_vec()
}
