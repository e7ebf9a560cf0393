use std::{
    collections::HashMap,
    io::{self, Read},
};

use crate::{
    StateDict, StoredTensor,
    error::{ReadProblem, shown},
    limits::{FREE_BYTES, MAX_GROWTH, MAX_TENSORS},
    pickle::{Object, ObjectId, Objects, StorageEntry, Unpickled, integers},
    selection::{Selection, select},
    strided_view::StridedView,
};

/// Tensors of a state dict while their storages are read, one after the other.
pub(crate) struct Assembly {
    selection: Selection,
    /// Views of the tensors, by their storage; each with its place among the tensors.
    views: HashMap<usize, Vec<(usize, StridedView)>>,
    tensors: Vec<Option<StoredTensor>>,
}

impl Assembly {
    /// Chooses the state dict of a pickle, and checks its tensors against their storages and the limits before any is read.
    pub(crate) fn new(pickle: &Unpickled, file_bytes: u64) -> Result<Self, ReadProblem> {
        let selection = select(pickle)?;
        check_count(selection.tensors.len())?;
        let mut views: HashMap<usize, Vec<_>> = HashMap::new();
        let mut total = 0;
        for (place, (name, id)) in selection.tensors.iter().enumerate() {
            let (storage, view) = view(&pickle.objects, name, *id)?;
            total += view.bytes() as u128;
            views.entry(storage).or_default().push((place, view));
        }
        check_bytes(total, file_bytes)?;
        let tensors = selection.tensors.iter().map(|_| None).collect();
        Ok(Self { selection, views, tensors })
    }

    /// True where a tensor has elements in a storage.
    pub(crate) fn needs(&self, storage: usize) -> bool {
        self.views.get(&storage).is_some_and(|views| views.iter().any(|(_, view)| view.bytes() > 0))
    }

    /// Makes the tensors of a storage out of its little-endian bytes.
    pub(crate) fn fill(&mut self, storage: usize, bytes: Vec<u8>) -> Result<(), ReadProblem> {
        let mut views = self.views.remove(&storage).unwrap_or_default();
        let last = views.pop();
        for (place, view) in views {
            let gathered = self.gathered(place, &view, &bytes)?;
            self.put(place, view, gathered);
        }
        if let Some((place, view)) = last {
            // The usual tensor takes its storage over.
            let own = if view.is_whole(bytes.len()) { bytes } else { self.gathered(place, &view, &bytes)? };
            self.put(place, view, own);
        }
        Ok(())
    }

    /// Returns the state dict. Tensors without elements need no storage.
    pub(crate) fn finish(mut self, storages: &[StorageEntry]) -> Result<StateDict, ReadProblem> {
        let mut missing = self.views.keys().copied().filter(|&storage| self.needs(storage));
        if let Some(storage) = missing.next() {
            let key = storages.get(storage).map_or("", |entry| &entry.key);
            return Err(ReadProblem::Damaged(format!("storage `{}` is missing", shown(key))));
        }
        for storage in self.views.keys().copied().collect::<Vec<_>>() {
            self.fill(storage, Vec::new())?;
        }
        let Selection { tensors, unwrapped, ignored } = self.selection;
        let tensors = tensors.into_iter().zip(self.tensors);
        let tensors = tensors.filter_map(|((name, _), tensor)| Some((name, tensor?))).collect();
        Ok(StateDict { tensors, unwrapped, ignored })
    }

    fn gathered(&self, place: usize, view: &StridedView, bytes: &[u8]) -> Result<Vec<u8>, ReadProblem> {
        let problem = || {
            let name = self.selection.tensors.get(place).map_or("", |(name, _)| name);
            ReadProblem::Damaged(format!("tensor `{}` lies outside of its storage", shown(name)))
        };
        view.gather(bytes).ok_or_else(problem)
    }

    fn put(&mut self, place: usize, view: StridedView, bytes: Vec<u8>) {
        self.tensors[place] = Some(StoredTensor { dtype: view.dtype(), shape: view.into_shape(), bytes });
    }
}

/// Finds a tensor's place in its storage.
fn view(objects: &Objects, name: &str, id: ObjectId) -> Result<(usize, StridedView), ReadProblem> {
    let parts = || {
        let Object::Tensor { storage, offset, shape, strides } = *objects.get(id) else { return None };
        let Object::Storage { index, start, elements } = *objects.get(storage) else { return None };
        let offset = start.checked_add(offset)?;
        Some((
            index as usize,
            offset,
            start + elements,
            integers(objects, shape)?,
            integers(objects, strides)?,
        ))
    };
    let problem = || ReadProblem::Damaged(format!("tensor `{}` has no shape of whole numbers", shown(name)));
    let (index, offset, end, shape, strides) = parts().ok_or_else(problem)?;
    let dtype = objects.storages().entries()[index].dtype;
    Ok((index, StridedView::new(name, dtype, end, offset, shape, strides)?))
}

/// Checks the number of tensors of a file.
pub(crate) fn check_count(tensors: usize) -> Result<(), ReadProblem> {
    match tensors <= MAX_TENSORS {
        true => Ok(()),
        false => Err(ReadProblem::TooLarge(format!("it has {tensors} tensors, and {MAX_TENSORS} are read"))),
    }
}

/// Checks the bytes of all tensors against those of their file.
fn check_bytes(total: u128, file_bytes: u64) -> Result<(), ReadProblem> {
    let most = u128::from(file_bytes) * u128::from(MAX_GROWTH) + u128::from(FREE_BYTES);
    match total <= most {
        true => Ok(()),
        false => Err(ReadProblem::TooLarge(format!(
            "its tensors have {} MiB, and at most {} MiB are made of a file of {file_bytes} bytes",
            total.div_ceil(1 << 20),
            most >> 20
        ))),
    }
}

/// Reads the bytes of a storage or tensor that the file must hold.
pub(crate) fn read_bytes(
    source: &mut impl Read,
    length: u64,
    what: &str,
    key: &str,
) -> Result<Vec<u8>, ReadProblem> {
    let mut bytes = Vec::new();
    let no_memory = |_| io::Error::from(io::ErrorKind::OutOfMemory);
    bytes.try_reserve_exact(length as usize).map_err(no_memory)?;
    source.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => {
            let found = bytes.len();
            Err(ReadProblem::CutOff(format!("{what} `{}` has {found} of {length} bytes", shown(key))))
        }
    }
}
