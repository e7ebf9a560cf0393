use crate::{
    error::ReadProblem,
    limits::MAX_OBJECTS,
    pickle::{known_name::KnownName, storage_table::StorageTable},
};

/// Index of an object of a pickle. Objects refer to each other by it, in circles too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectId(u32);

/// Object that a pickle builds.
#[derive(Debug)]
pub(crate) enum Object {
    None,
    /// Truth value, floating-point number or bytes: something that no tensor is made of.
    Plain,
    Integer(i64),
    /// Integer of any size: little-endian, two's complement.
    Long(Box<[u8]>),
    Text(Box<str>),
    Tuple(Box<[ObjectId]>),
    List(Vec<ObjectId>),
    /// Dict or `OrderedDict`, in the order of insertion.
    Dict(Vec<(ObjectId, ObjectId)>),
    Known(KnownName),
    /// Elements of a storage, from `start` on.
    Storage {
        index: u32,
        start: u64,
        elements: u64,
    },
    /// Arguments of the function that rebuilds a tensor.
    Tensor {
        storage: ObjectId,
        offset: u64,
        shape: ObjectId,
        strides: ObjectId,
    },
}

impl Object {
    /// Makes an integer of its little-endian bytes in two's complement.
    pub(super) fn integer(bytes: Vec<u8>) -> Self {
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut eight = [if is_negative { 0xff } else { 0 }; 8];
        match eight.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(&bytes);
                Self::Integer(i64::from_le_bytes(eight))
            }
            None => Self::Long(bytes.into()),
        }
    }

    /// Makes a text; bytes of Python 2 that are no UTF-8 are no name of a tensor.
    pub(super) fn text(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or(Self::Plain, |text| Self::Text(text.into()))
    }
}

/// Objects of a pickle, with the storages that they name.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    objects: Vec<Object>,
    pub(super) storages: StorageTable,
    /// Entries of all containers.
    entries: usize,
}

impl Objects {
    pub(crate) fn get(&self, id: ObjectId) -> &Object {
        &self.objects[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: ObjectId) -> &mut Object {
        &mut self.objects[id.0 as usize]
    }

    pub(crate) fn storages(&self) -> &StorageTable {
        &self.storages
    }

    pub(super) fn add(&mut self, object: Object) -> Result<ObjectId, ReadProblem> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(ReadProblem::TooLarge(format!("its pickle makes more than {MAX_OBJECTS} objects")));
        }
        let id = ObjectId(self.objects.len() as u32);
        self.objects.push(object);
        Ok(id)
    }

    /// Counts entries that are about to be put into containers.
    pub(super) fn count(&mut self, entries: usize) -> Result<(), ReadProblem> {
        self.entries = self.entries.saturating_add(entries);
        match self.entries <= MAX_OBJECTS {
            true => Ok(()),
            false => {
                let problem = format!("its pickle fills containers with more than {MAX_OBJECTS} entries");
                Err(ReadProblem::TooLarge(problem))
            }
        }
    }

    pub(crate) fn text(&self, id: ObjectId) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn tuple(&self, id: ObjectId) -> Option<&[ObjectId]> {
        match self.get(id) {
            Object::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns an integer of 0 or more.
    pub(crate) fn natural(&self, id: ObjectId) -> Option<u64> {
        match self.get(id) {
            Object::Integer(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }
}
