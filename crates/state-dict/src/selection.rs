//! Choice of the state dict in what a pickle returns.

use std::collections::HashSet;

use crate::{
    MAX_DIMENSIONS,
    error::{ReadProblem, shown},
    pickle::{Object, ObjectId, Objects, Unpickled},
};

/// Deepest dict that is looked at: a state dict may be in a dict of a dict.
const DEPTH: usize = 3;
/// Largest number of state dicts that an error names.
const NAMED: usize = 8;
/// Beginnings of keys whose dicts hold tensors of training, not of a network.
const TRAINING: [&str; 5] = ["optim", "sched", "lr_sched", "scaler", "loss"];

/// Tensors that make up a state dict, not yet read.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) tensors: Vec<(String, ObjectId)>,
    pub(crate) unwrapped: Option<String>,
    pub(crate) ignored: Vec<String>,
}

/// Finds the one dict of texts and tensors.
///
/// Dicts are looked for below keys that are texts. Single numbers beside a dict, even those in tensors, do not make it
/// ambiguous; anything more does.
pub(crate) fn select(pickle: &Unpickled) -> Result<Selection, ReadProblem> {
    let objects = &pickle.objects;
    let Object::Dict(root) = objects.get(pickle.root) else {
        let problem = "its pickle returns no dict, and a state dict is one".to_owned();
        return Err(ReadProblem::NotWeights(problem));
    };
    let mut search = StateDictSearch { objects, seen: HashSet::from([pickle.root]), found: Vec::new() };
    search.below(root, &[]);
    let has_tensors = root.iter().any(|&(_, value)| is_tensor(objects, value));
    let has_only_numbers =
        || root.iter().all(|&(_, value)| !is_tensor(objects, value) || is_number(objects, value));
    match search.found.as_slice() {
        [] if has_tensors => chosen(objects, root, Vec::new(), None),
        [] => Err(ReadProblem::NotWeights("its pickle returns a dict without tensors".to_owned())),
        [(keys, dict)] if has_only_numbers() => {
            let outermost = keys.first().copied();
            // A key that stands there often is copied once, so that the copies take no more than the file.
            let mut seen = HashSet::new();
            let beside =
                root.iter().filter(|(key, _)| seen.insert(*key)).filter_map(|&(key, _)| objects.text(key));
            let beside = beside.filter(|key| Some(*key) != outermost).map(str::to_owned).collect();
            chosen(objects, dict, beside, Some(keys.join(".")))
        }
        found => {
            let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
            let mut parts: Vec<_> = found.iter().map(|(keys, _)| owned(keys)).collect();
            if !has_only_numbers() {
                parts.push(vec!["(the whole)".to_owned()]);
            }
            Err(ReadProblem::SeveralStateDicts(parts))
        }
    }
}

/// Lists the tensors of a dict by name.
fn chosen(
    objects: &Objects,
    dict: &[(ObjectId, ObjectId)],
    ignored: Vec<String>,
    unwrapped: Option<String>,
) -> Result<Selection, ReadProblem> {
    let mut selection = Selection { ignored, unwrapped, ..Selection::default() };
    let mut names = HashSet::with_capacity(dict.len());
    for &(key, value) in dict {
        let name = match objects.get(key) {
            Object::Text(name) => name.to_string(),
            Object::Integer(number) => number.to_string(),
            _ if is_tensor(objects, value) => {
                return Err(ReadProblem::damaged("the name of a tensor is no text"));
            }
            _ => continue,
        };
        if !names.insert(name.clone()) {
            return Err(ReadProblem::Damaged(format!("the name `{}` is there twice", shown(&name))));
        }
        match is_tensor(objects, value) {
            true => selection.tensors.push((name, value)),
            false => selection.ignored.push(name),
        }
    }
    Ok(selection)
}

/// Keys and values of a dict.
type Pairs<'a> = &'a [(ObjectId, ObjectId)];

/// Search for dicts with tensors. A dict that is in several places is found in the first.
struct StateDictSearch<'a> {
    objects: &'a Objects,
    seen: HashSet<ObjectId>,
    /// Dicts, each with the keys that lead to it.
    found: Vec<(Vec<&'a str>, Pairs<'a>)>,
}

impl<'a> StateDictSearch<'a> {
    fn below(&mut self, dict: Pairs<'a>, keys: &[&'a str]) {
        let objects = self.objects;
        for &(key, value) in dict {
            let (Some(key), Object::Dict(inner)) = (objects.text(key), objects.get(value)) else { continue };
            let begins = |begin: &str| {
                key.as_bytes()
                    .get(..begin.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(begin.as_bytes()))
            };
            let is_training = TRAINING.iter().any(|begin| begins(begin));
            if is_training || self.found.len() >= NAMED || !self.seen.insert(value) {
                continue;
            }
            let keys: Vec<&str> = keys.iter().copied().chain([key]).collect();
            let is_named = inner.iter().all(|&(key, _)| objects.text(key).is_some());
            if is_named && inner.iter().any(|&(_, value)| is_tensor(objects, value)) {
                self.found.push((keys, inner));
            } else if keys.len() < DEPTH {
                self.below(inner, &keys);
            }
        }
    }
}

fn is_tensor(objects: &Objects, id: ObjectId) -> bool {
    matches!(objects.get(id), Object::Tensor { .. })
}

/// True for a tensor of one element, such as a count of steps.
fn is_number(objects: &Objects, id: ObjectId) -> bool {
    let Object::Tensor { shape, .. } = *objects.get(id) else { return false };
    let are_ones = |sides: &[ObjectId]| sides.iter().all(|&side| objects.natural(side) == Some(1));
    objects.tuple(shape).is_some_and(|sides| sides.len() <= MAX_DIMENSIONS && are_ones(sides))
}
