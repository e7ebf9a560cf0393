//! Weights of networks out of files, without Python and without executing anything.
//!
//! [`read`] returns a [`StateDict`]: tensors by name, as contiguous little-endian bytes, in the order of the file. It knows
//! three forms, told apart by content and not by the file's name:
//! - **safetensors**;
//! - the **zip** of `torch.save` since PyTorch 1.6: a pickle, `data.pkl`, and one stored entry a storage;
//! - the **stream** of `torch.save` before: five pickles, then the storages.
//!
//! A pickle is a program for a stack machine, and Python's machine calls whatever the program names. The one here
//! (`pickle::machine`) knows numbers, texts, tuples, lists, dicts, `collections.OrderedDict`, `torch.Size`, names of dtypes and
//! of storages, and the functions that rebuild tensors and parameters; these build plain data. Anything else that a file asks
//! for is an error that names it.
//!
//! Limits, so that a small file cannot take much memory or time: a pickle of [`MAX_PICKLE`] bytes, [`MAX_OBJECTS`] objects and
//! as many entries of its stack, memo and containers, [`MAX_TENSORS`] tensors of [`MAX_DIMENSIONS`] dimensions, and tensors
//! that together hold at most [`MAX_GROWTH`] times the file's bytes and [`FREE_BYTES`] more. A file's bytes are held once;
//! beside them is the largest storage that is not the whole of one tensor.
//!
//! Must not know: libtorch, networks, the terminal.
//!
//! Sources: PyTorch's `torch/serialization.py` (`_save`, `_load`, `_legacy_save`, `_legacy_load`), `torch/_utils.py`
//! (`_rebuild_tensor_v2`, `_rebuild_parameter`) and `torch/_weights_only_unpickler.py`; Python's `pickletools` for the
//! instructions.
//!
//! Outside libraries: **safetensors** checks a header's offsets and shapes, **serde_json** parses it; **zip** reads an
//! archive's directory and checks entries against their checksums. For pickles there is none that fits: serde-pickle 1.2 has no
//! persistent ids, by which PyTorch names storages, and no hook for names; repugnant-pickle 0.0.1 describes itself as a
//! low-effort scraper. Of **half** two conversions would be used, which are 20 lines here.

mod assembly;
mod dtype;
mod error;
mod limits;
mod pickle;
mod safetensors_file;
mod selection;
mod state_dict;
mod strided_view;
mod tensor;
mod torch_stream;
mod torch_zip;

use std::{
    io::{BufReader, Cursor, Read, Seek},
    path::Path,
};

pub use dtype::Dtype;
pub use error::{Error, ReadProblem};
pub use limits::{FREE_BYTES, MAX_DIMENSIONS, MAX_GROWTH, MAX_OBJECTS, MAX_PICKLE, MAX_TENSORS};
pub use state_dict::StateDict;
pub use tensor::StoredTensor;

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Reads the tensors of a file.
///
/// A checkpoint that holds one state dict beside other things, such as `{"epoch": 3, "state_dict": {…}}`, is unwrapped:
/// [`StateDict::unwrapped`] says so.
///
/// # Errors
/// A file that cannot be read, is cut off, damaged or of another form, asks for anything but tensors, holds several state
/// dicts, or passes a limit.
pub fn read(path: &Path) -> Result<StateDict> {
    let opened = || {
        let file = base::open_regular(path)?;
        let length = file.metadata()?.len();
        Ok::<_, std::io::Error>((BufReader::new(file), length))
    };
    let read = opened().map_err(ReadProblem::from).and_then(|(mut file, length)| read_any(&mut file, length));
    read.map_err(|problem| Error { path: path.to_owned(), problem })
}

/// Reads the tensors of a file's bytes; `path` names them in errors.
///
/// # Errors
/// Same as [`read`].
pub fn decode(file: &[u8], path: &Path) -> Result<StateDict> {
    read_any(&mut Cursor::new(file), file.len() as u64)
        .map_err(|problem| Error { path: path.to_owned(), problem })
}

/// Reads a file of `length` bytes in whichever form it has.
fn read_any<R: Read + Seek>(file: &mut R, length: u64) -> std::result::Result<StateDict, ReadProblem> {
    let mut head = Vec::new();
    file.take(512).read_to_end(&mut head)?;
    file.rewind()?;
    match head.as_slice() {
        [] => Err(ReadProblem::NotWeights("it is empty".to_owned())),
        [b'P', b'K', 3, 4, ..] => torch_zip::read(file, length),
        [0x80, 2..=5, ..] => torch_stream::read(file, length),
        [_, _, _, _, _, _, _, _, b'{', ..] => safetensors_file::read(file, length),
        _ if head.get(257..262) == Some(b"ustar") => {
            Err(ReadProblem::OtherForm("a tar file, which PyTorch wrote before version 0.1.10"))
        }
        _ => {
            let problem = "it is neither a safetensors file nor one of `torch.save`";
            Err(ReadProblem::NotWeights(problem.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
