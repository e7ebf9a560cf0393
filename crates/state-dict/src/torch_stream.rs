//! Files of `torch.save` before PyTorch 1.6, and since then with `_use_new_zipfile_serialization=False`.
//!
//! Pickles follow each other: the magic number, the protocol 1001, facts about the machine, the object, and the list of the
//! storages' keys. The storages come after them in the order of that list: each as the number of its elements (8 bytes,
//! little-endian) and the elements, little-endian on every machine (`THPStorage_writeFileRaw` in
//! `torch/csrc/serialization.cpp`).

use std::io::{Read, Seek, SeekFrom};

use crate::{
    StateDict,
    assembly::{Assembly, read_bytes},
    error::{ReadProblem, shown},
    pickle::{Object, PickleInput, run},
};

/// `MAGIC_NUMBER` of `torch/serialization.py`, 0x1950a86a20f9469cfc6c, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// `PROTOCOL_VERSION` of `torch/serialization.py`.
const PROTOCOL: i64 = 1001;

pub(crate) fn read<R: Read + Seek>(file: &mut R, length: u64) -> Result<StateDict, ReadProblem> {
    let first = run(&mut PickleInput::new(file))?;
    match first.objects.get(first.root) {
        Object::Long(number) if **number == MAGIC => {}
        _ => return Err(ReadProblem::NotWeights("it is a pickle, but none of `torch.save`".to_owned())),
    }
    let protocol = run(&mut PickleInput::new(file))?;
    if !matches!(protocol.objects.get(protocol.root), Object::Integer(PROTOCOL)) {
        return Err(ReadProblem::damaged("its protocol is not 1001"));
    }
    // Facts about the machine that wrote it, which reading does not depend on.
    run(&mut PickleInput::new(file))?;
    let pickle = run(&mut PickleInput::new(file))?;
    let keys = run(&mut PickleInput::new(file))?;
    let Object::List(list) = keys.objects.get(keys.root) else {
        return Err(ReadProblem::damaged("the list of its storages is missing"));
    };
    let mut assembly = Assembly::new(&pickle, length)?;
    let storages = pickle.objects.storages();
    let mut seen = vec![false; storages.entries().len()];
    for &key in list {
        let key = match keys.objects.get(key) {
            Object::Text(key) => key.to_string(),
            Object::Integer(key) => key.to_string(),
            _ => return Err(ReadProblem::damaged("the key of a storage is no text")),
        };
        let problem = |problem: &str| ReadProblem::Damaged(format!("storage `{}` {problem}", shown(&key)));
        let index = storages.index(&key).ok_or_else(|| problem("is listed, but no tensor is in it"))?;
        if std::mem::replace(&mut seen[index], true) {
            return Err(problem("is there twice"));
        }
        let entry = &storages.entries()[index];
        let mut count = [0; 8];
        file.read_exact(&mut count)?;
        if u64::from_le_bytes(count) != entry.elements {
            return Err(problem("has another size than its tensors expect"));
        }
        let left = length.saturating_sub(file.stream_position()?);
        if entry.bytes() > left {
            let missing = format!("storage `{}` has {left} of {} bytes", shown(&key), entry.bytes());
            return Err(ReadProblem::CutOff(missing));
        }
        match assembly.needs(index) {
            true => assembly.fill(index, read_bytes(file, entry.bytes(), "storage", &key)?)?,
            false => drop(file.seek(SeekFrom::Current(entry.bytes() as i64))?),
        }
    }
    assembly.finish(storages.entries())
}
