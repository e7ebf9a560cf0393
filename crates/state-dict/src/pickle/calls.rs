//! Calls that a pickle asks for, each of which builds plain data.

use crate::{
    error::{ReadProblem, shown},
    pickle::{
        known_name::KnownName,
        object::{Object, ObjectId, Objects},
    },
};

fn damaged(problem: &str) -> ReadProblem {
    ReadProblem::damaged(format!("its pickle {problem}"))
}

/// Finds what a pickle names; a name that has nothing to do with tensors is the error.
pub(super) fn named(objects: &mut Objects, module: &str, name: &str) -> Result<ObjectId, ReadProblem> {
    match KnownName::find(module, name) {
        Some(known) => objects.add(Object::Known(known)),
        None if matches!(module, "torch" | "torch.cuda" | "torch.storage") && name.ends_with("Storage") => {
            let dtype = shown(name.trim_end_matches("Storage"));
            Err(ReadProblem::UnknownType { what: "a storage".to_owned(), dtype })
        }
        None => Err(ReadProblem::AsksFor(shown(&format!("{module}.{name}")))),
    }
}

/// Calls a known function or class (`REDUCE`).
pub(super) fn call(
    objects: &mut Objects,
    callee: ObjectId,
    arguments: ObjectId,
) -> Result<ObjectId, ReadProblem> {
    let Object::Known(known) = *objects.get(callee) else {
        return Err(damaged("calls what is no function"));
    };
    let arguments = objects.tuple(arguments).ok_or_else(|| damaged("calls without arguments"))?;
    let wrong = || damaged(&format!("calls `{known}` with other arguments than PyTorch"));
    match (known, arguments) {
        (KnownName::OrderedDict, []) => objects.add(Object::Dict(Vec::new())),
        // Pairs, as Python 2 wrote them.
        (KnownName::OrderedDict, &[pairs]) => {
            let pairs = ordered(objects, pairs).ok_or_else(wrong)?;
            objects.count(2 * pairs.len())?;
            objects.add(Object::Dict(pairs))
        }
        (KnownName::Size, &[sides]) => objects.tuple(sides).map(|_| sides).ok_or_else(wrong),
        (KnownName::RebuildTensor, &[storage, offset, shape, strides])
        | (KnownName::RebuildTensorV2, &[storage, offset, shape, strides, _, _]) => {
            tensor(objects, [storage, offset, shape, strides]).ok_or_else(wrong)?
        }
        (KnownName::RebuildTensorV2, &[storage, offset, shape, strides, _, _, metadata]) => {
            match objects.get(metadata) {
                Object::None => {}
                Object::Dict(pairs) if pairs.is_empty() => {}
                // Views whose elements are to be negated or conjugated (`get_tensor_metadata`).
                _ => return Err(damaged("holds a tensor with a negative or conjugate bit")),
            }
            tensor(objects, [storage, offset, shape, strides]).ok_or_else(wrong)?
        }
        (KnownName::RebuildParameter, &[data, _, _]) => match objects.get(data) {
            Object::Tensor { .. } => Ok(data),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn ordered(objects: &Objects, pairs: ObjectId) -> Option<Vec<(ObjectId, ObjectId)>> {
    let Object::List(pairs) = objects.get(pairs) else { return None };
    let pairs = pairs.iter().map(|&pair| match objects.get(pair) {
        Object::List(pair) => <[ObjectId; 2]>::try_from(pair.as_slice()).ok(),
        Object::Tuple(pair) => <[ObjectId; 2]>::try_from(&**pair).ok(),
        _ => None,
    });
    pairs.map(|pair| pair.map(|[key, value]| (key, value))).collect()
}

fn tensor(
    objects: &mut Objects,
    [storage, offset, shape, strides]: [ObjectId; 4],
) -> Option<Result<ObjectId, ReadProblem>> {
    let offset = objects.natural(offset)?;
    let is_sound = matches!(objects.get(storage), Object::Storage { .. })
        && objects.tuple(shape).is_some()
        && objects.tuple(strides).is_some();
    is_sound.then(|| objects.add(Object::Tensor { storage, offset, shape, strides }))
}

/// Returns the numbers of a tuple, such as a shape, each of 0 or more.
pub(crate) fn integers(objects: &Objects, tuple: ObjectId) -> Option<Vec<u64>> {
    objects.tuple(tuple)?.iter().map(|&id| objects.natural(id)).collect()
}

/// Longest name of a storage, in bytes: PyTorch's are numbers.
const MAX_STORAGE_KEY: usize = 4096;

/// Finds the storage that a persistent id names: `("storage", type, key, device, elements)`, and in streams of older versions
/// a sixth item, `None` or `(key of the view, offset, elements)`.
pub(super) fn persistent(objects: &mut Objects, id: ObjectId) -> Result<ObjectId, ReadProblem> {
    let sound = || {
        let (kind, items) = objects.tuple(id)?.split_first()?;
        let (&[class, key, _, elements], view) = items.split_first_chunk()?;
        let (Some("storage"), Object::Known(KnownName::Storage(dtype))) =
            (objects.text(*kind), objects.get(class))
        else {
            return None;
        };
        let key = match objects.get(key) {
            Object::Text(key) if key.len() <= MAX_STORAGE_KEY => key.to_string(),
            Object::Integer(key) => key.to_string(),
            _ => return None,
        };
        let elements = objects.natural(elements)?;
        let (start, seen) = match *view {
            [] => (0, elements),
            [view] => match objects.get(view) {
                Object::None => (0, elements),
                Object::Tuple(view) => {
                    let &[_, start, seen] = view.first_chunk()?;
                    (objects.natural(start)?, objects.natural(seen)?)
                }
                _ => return None,
            },
            _ => return None,
        };
        let is_inside = start.checked_add(seen).is_some_and(|end| end <= elements);
        is_inside.then_some((key, *dtype, elements, start, seen))
    };
    let (key, dtype, elements, start, seen) =
        sound().ok_or_else(|| damaged("names a storage in another way than PyTorch"))?;
    let index = objects.storages.add(key, dtype, elements)? as u32;
    objects.add(Object::Storage { index, start, elements: seen })
}

/// Sets attributes (`BUILD`), which are dropped: `_metadata` of an `OrderedDict` holds version numbers of layers.
pub(super) fn build(objects: &Objects, target: ObjectId) -> Result<(), ReadProblem> {
    match objects.get(target) {
        Object::Dict(_) => Ok(()),
        _ => Err(damaged("sets attributes of something other than a dict")),
    }
}
