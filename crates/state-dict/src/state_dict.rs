use std::collections::HashSet;

use crate::StoredTensor;

/// Prefixes that training code puts before a network's names: `DataParallel`'s and that of models around a backbone.
const PREFIXES: [&str; 2] = ["module.", "backbone."];

/// Tensors of a network by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDict {
    pub(crate) tensors: Vec<(String, StoredTensor)>,
    pub(crate) unwrapped: Option<String>,
    pub(crate) ignored: Vec<String>,
}

impl StateDict {
    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// True where there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Iterates over names and tensors.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &StoredTensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Finds a tensor by its name, in a time that grows with the number of tensors.
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.iter().find(|(known, _)| *known == name).map(|(_, tensor)| tensor)
    }

    /// Returns the names and tensors; names differ from each other.
    pub fn into_tensors(self) -> Vec<(String, StoredTensor)> {
        self.tensors
    }

    /// Key of the state dict in the checkpoint that held it, such as `state_dict`; keys of nested dicts are joined by a dot.
    pub fn unwrapped(&self) -> Option<&str> {
        self.unwrapped.as_deref()
    }

    /// Keys beside the tensors that hold something else, such as `epoch`; those of the checkpoint around them first.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Removes `module.` and `backbone.` from the beginning of names. Returns the prefixes removed, outermost first.
    ///
    /// A prefix is removed where more than half of the tensors have it and no two names become equal. Other names, such as
    /// those of a head beside a backbone, stay as they are.
    pub fn remove_prefixes(&mut self) -> Vec<&'static str> {
        let mut removed = Vec::new();
        while let Some(prefix) = PREFIXES.into_iter().find(|prefix| self.can_do_without(prefix)) {
            for (name, _) in &mut self.tensors {
                if name.starts_with(prefix) {
                    name.drain(..prefix.len());
                }
            }
            removed.push(prefix);
        }
        removed
    }

    fn can_do_without(&self, prefix: &str) -> bool {
        let having = self.tensors.iter().filter(|(name, _)| name.starts_with(prefix)).count();
        let mut names = HashSet::with_capacity(self.len());
        2 * having > self.len()
            && self.iter().all(|(name, _)| names.insert(name.strip_prefix(prefix).unwrap_or(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dtype;

    fn state_dict(names: &[&str]) -> StateDict {
        let tensor = || StoredTensor { dtype: Dtype::U8, shape: vec![0], bytes: Vec::new() };
        let tensors = names.iter().map(|name| ((*name).to_owned(), tensor())).collect();
        StateDict { tensors, ..StateDict::default() }
    }

    fn removed(names: &[&str]) -> (Vec<&'static str>, Vec<String>) {
        let mut state_dict = state_dict(names);
        let removed = state_dict.remove_prefixes();
        (removed, state_dict.into_tensors().into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn prefixes_of_most_names_are_removed() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            removed(&["module.backbone.a", "module.backbone.b", "module.head"]),
            (vec!["module.", "backbone."], owned(&["a", "b", "head"]))
        );
        assert_eq!(removed(&["module.module.a"]), (vec!["module.", "module."], owned(&["a"])));
        for names in [&["backbone.a", "b"][..], &["backbone.a", "backbone.b", "a"], &["a", "modules.b"], &[]]
        {
            assert_eq!(removed(names), (vec![], owned(names)));
        }
    }
}
