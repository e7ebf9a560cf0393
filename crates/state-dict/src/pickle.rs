//! Pickles, as far as tensors need them.

mod calls;
mod input;
mod known_name;
mod machine;
mod object;
mod stack;
mod storage_table;

pub(crate) use calls::integers;
pub(crate) use input::PickleInput;
pub(crate) use machine::{Unpickled, run};
pub(crate) use object::{Object, ObjectId, Objects};
pub(crate) use storage_table::StorageEntry;
