use std::collections::HashMap;

use crate::{
    Dtype,
    error::{ReadProblem, shown},
};

/// Storage that a pickle names: a run of elements of one type, which stands outside of the pickle.
#[derive(Debug)]
pub(crate) struct StorageEntry {
    /// Name of the storage in the file.
    pub(crate) key: String,
    pub(crate) dtype: Dtype,
    /// Number of elements.
    pub(crate) elements: u64,
}

impl StorageEntry {
    /// Size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.elements * self.dtype.size() as u64
    }
}

/// Storages of a pickle, each once, in the order in which they are named.
#[derive(Debug, Default)]
pub(crate) struct StorageTable {
    entries: Vec<StorageEntry>,
    indices: HashMap<String, usize>,
}

impl StorageTable {
    pub(crate) fn entries(&self) -> &[StorageEntry] {
        &self.entries
    }

    pub(crate) fn index(&self, key: &str) -> Option<usize> {
        self.indices.get(key).copied()
    }

    /// Adds a storage that may be there already.
    pub(super) fn add(&mut self, key: String, dtype: Dtype, elements: u64) -> Result<usize, ReadProblem> {
        if let Some(index) = self.index(&key) {
            let known = &self.entries[index];
            return match known.dtype == dtype && known.elements == elements {
                true => Ok(index),
                false => {
                    Err(ReadProblem::Damaged(format!("storage `{}` has two sizes or types", shown(&key))))
                }
            };
        }
        if elements > isize::MAX as u64 / 32 {
            return Err(ReadProblem::Damaged(format!("storage `{}` is larger than memory", shown(&key))));
        }
        self.indices.insert(key.clone(), self.entries.len());
        self.entries.push(StorageEntry { key, dtype, elements });
        Ok(self.entries.len() - 1)
    }
}
